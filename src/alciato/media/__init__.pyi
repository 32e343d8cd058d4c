from .audio import sound as sound
from .decoding import decode_picture as decode_picture
from .frames import KeyFrame as KeyFrame
from .frames import key_frames as key_frames
from .part import media_part as media_part
