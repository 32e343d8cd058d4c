from .answer import ask as ask
from .reply import Citation as Citation
from .reply import Reply as Reply
from .reply import Sentence as Sentence
from .terminal import render as render
