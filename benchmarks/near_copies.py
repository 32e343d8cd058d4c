"""Time per picture that is added to a collection and looked up for near copies, as the collection grows.

    nice python benchmarks/near_copies.py [--sizes 1000 5000 20000] [--added 20] [--store FOLDER]

A step is what `alciato duplicates` does after one picture was added: it is decoded, its features are extracted and
stored, its buckets are looked up, candidates are verified, and the clusters of the whole collection are told. Adding
the file itself is left out. Each size has its own collection, and the same pictures are added to all of them, in
turns, so that none has the quieter machine. Half of those that are added are copies of stored ones (smaller, cropped,
with a caption), half are new.

The stored pictures are crops of the packaged photographs and drawn scenes, each with a caption. `--real` of them are
drawn and their features extracted; the others have the features of one of these with three of four of its corners
replaced by corners drawn from all, and another hash: the buckets are as full as those of real pictures, while no file
is decoded. Their pairs are taken for no near copies, unless they share a picture: these 20,000 comparisons of pixels
would take an hour and are not what is measured. The added pictures are compared in full.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any
from unittest import mock

import numpy as np
import pyarrow as pa
from PIL import Image

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import near_copy_set as made
from alciato.duplicates import duplicates, features, near_copy_index
from alciato.duplicates.alignment import Keypoints
from alciato.duplicates.features import ImageFeatures, extract_features, save_features, version_of
from alciato.duplicates.near_copies import NearCopy
from alciato.item import Item, Post
from alciato.media.part import media_part
from alciato.models import Runtime
from alciato.settings import load_settings
from alciato.store import Collection
from alciato.store.tables import ITEMS, item_row

NAMES = made.PHOTOGRAPHS


def drawn(number: int) -> Image.Image:
    """One picture of the collection: a part of a photograph or a scene, with a caption."""
    generator = random.Random(number)
    if number % 2:
        whole = made.photograph(generator.choice(NAMES))
        share = generator.uniform(0.25, 0.5)
        left, top = (generator.uniform(0, 1 - share) for _ in range(2))
        edges = [whole.width * left, whole.height * top, whole.width * (left + share), whole.height * (top + share)]
        ground = whole.crop(tuple(round(edge) for edge in edges)).resize((480, 360))
    else:
        ground = made.scene(generator, generator.choice(made.DRAWINGS))
    words = [" ".join(generator.choices(made.WORDS, k=4)) for _ in range(2)]
    return made.captioned(ground, *words).picture


def post(name: str, picture: Image.Image) -> Post:
    """A post with one picture."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=88)
    part = media_part(file.getvalue(), f"{name}.jpg")
    return Post(Item(id=name, parts=(part,)), {part.media: file.getvalue()})


def copy_of(number: int, kind: int) -> Image.Image:
    """A near copy of a stored picture: smaller, cropped, or with a caption more."""
    whole = made.plain(drawn(number))
    if kind == 0:
        return made.resized(whole, 0.6).picture
    if kind == 1:
        return made.cropped(whole, (0.05, 0.04, 0.06, 0.05)).picture
    return made.captioned(whole.picture, "again and again", "on every monday").picture


def stored(real: list[ImageFeatures], corners: np.ndarray, number: int) -> ImageFeatures:
    """The features of the picture of that number: extracted ones, or a mixture."""
    medium = f"{number:064x}"
    if number < len(real):
        return replace(real[number], medium=medium)
    generator = np.random.default_rng(number)
    base = real[number % len(real)]
    kept = base.features.descriptors.copy()
    others = generator.random(len(kept)) < 0.75
    kept[others] = corners[generator.integers(0, len(corners), int(others.sum()))]
    return replace(
        base,
        medium=medium,
        bits=generator.integers(0, 256, 32, dtype=np.uint8),
        features=Keypoints(base.features.points, kept),
    )


def filled(folder: Path, size: int, real: list[ImageFeatures]) -> Collection:
    """A collection of that many pictures, all compared with each other."""
    collection = Collection.open(folder)
    corners = np.concatenate([each.features.descriptors for each in real])
    example = post("example", drawn(0))
    (part,) = example.item.parts
    for start in range(0, size, 1000):
        numbers = range(start, min(size, start + 1000))
        parts = [part.model_copy(update={"media": f"{number:064x}"}) for number in numbers]
        items = [Item(id=f"p{number}", parts=(one,)) for number, one in zip(numbers, parts, strict=True)]
        collection.table("items").add(pa.Table.from_pylist([item_row(item) for item in items], ITEMS))
        found = {f"{number:064x}": [stored(real, corners, number)] for number in numbers}
        save_features(collection, found, dict.fromkeys(found, version_of([])))

    def by_hash(left: ImageFeatures, right: ImageFeatures) -> NearCopy | None:
        distance = int(np.bitwise_count(left.bits ^ right.bits).sum())
        return NearCopy("copy", distance) if distance <= 40 else None

    blocks = mock.patch.multiple(near_copy_index, BLOCK=512, verify=by_hash)
    with blocks:
        duplicates(collection, runtime=runtime())
    collection.maintain(force=True)
    return collection


def runtime() -> Runtime:
    """Nothing that near copies need but the limits."""
    return Runtime(load_settings(models={"ocr": None}))


def counted(collection: Collection, name: str, picture: Image.Image) -> dict[str, Any]:
    """Add a picture, look for its near copies, and tell the seconds and what was done in them."""
    collection.add([post(name, picture)])
    calls = dict.fromkeys(("decoded", "loaded", "verified"), 0)
    extracted, load, verify = features.extracted, near_copy_index.numbered_features, near_copy_index.verify

    def extracting(*values: Any) -> Any:
        calls["decoded"] += 1
        return extracted(*values)

    def loading(where: Collection, numbers: Any) -> Any:
        found = load(where, numbers)
        calls["loaded"] += len(found)
        return found

    def verifying(*values: Any) -> Any:
        calls["verified"] += 1
        return verify(*values)

    with (
        mock.patch.object(features, "extracted", extracting),
        mock.patch.object(near_copy_index, "numbered_features", loading),
        mock.patch.object(near_copy_index, "verify", verifying),
    ):
        started = time.perf_counter()
        clusters = duplicates(collection, runtime=runtime())
        seconds = time.perf_counter() - started
    members = [[member.item for member in cluster.members] for cluster in clusters]
    return {"seconds": seconds, "with": next((each for each in members if name in each), []), **calls}


def main() -> None:
    """Fill the collections, add the pictures in turns, print the curve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 5000, 20000])
    parser.add_argument("--added", type=int, default=20)
    parser.add_argument("--real", type=int, default=300)
    parser.add_argument("--store", type=Path, help="keeps the collections there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.store or Path(temporary)
        started = time.perf_counter()
        real = [extract_features(drawn(number)) for number in range(options.real)]
        collections = {}
        for size in options.sizes:
            collections[size] = filled(folder / str(size), size, real)
            print(f"{size} pictures stored after {time.perf_counter() - started:.0f} s", flush=True)
        told: dict[int, list[dict[str, Any]]] = {size: [] for size in options.sizes}
        for number in range(options.added + 1):
            originals = 7 * number % options.real
            picture = copy_of(originals, number % 3) if number % 2 else drawn(10**6 + number)
            for size, collection in collections.items():
                one = counted(collection, f"added{number}", picture)
                one["found"] = f"p{originals}" in one["with"]
                if number:  # the first opens files and loads libraries
                    told[size].append({**one, "copy": bool(number % 2)})
        base = median(one["seconds"] for one in told[options.sizes[0]])
        for size, steps in told.items():
            seconds = [one["seconds"] for one in steps]
            copies = [one for one in steps if one["copy"]]
            line = {
                "pictures": size,
                "added": len(steps),
                "median_ms": round(median(seconds) * 1e3),
                "ratio": round(median(seconds) / base, 2),
                "p90_ms": round(float(np.percentile(seconds, 90)) * 1e3),
                **{name: median(one[name] for one in steps) for name in ("decoded", "loaded", "verified")},
                "copies_found": f"{sum(one['found'] for one in copies)} of {len(copies)}",
            }
            print(json.dumps(line), flush=True)
        print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
