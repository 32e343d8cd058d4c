"""Time per picture that is added to a collection and looked up for near copies, as the collection grows.

    nice python benchmarks/near_copies.py [--sizes 1000 5000 20000] [--added 20] [--store FOLDER]

A step is what `alciato duplicates` does after one picture was added: it is decoded, its features are extracted and
stored, its buckets are looked up, candidates are verified, and the clusters of the whole collection are told. Adding
the file itself is left out. Each size has its own collection, and the same pictures are added to all of them, in
turns, so that none has the quieter machine. Half of those that are added are copies of stored ones (smaller, cropped,
with a caption), half are new.

The stored pictures are crops of the packaged photographs and drawn scenes, each with a caption. `--real` of them are
drawn and their features extracted. The others have the features of one of these, with another hash and with three of
four of its corners replaced by corners drawn from all, some of their bits flipped: two of them share as many keys as
two real ones do on average (1.6), so that the buckets are as full, while no file is decoded. The stored pictures are
not compared with each other, which would take hours and is not what is measured: each gets lists of strangers that
share as many keys as the likeliest of so many pictures do, by a sample of pairs. The added pictures are compared in
full.
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
from alciato.duplicates.candidates import NUMBER_BITS, PARTNERS, STRONG, sketch
from alciato.duplicates.features import ImageFeatures, extract_features, save_features, version_of
from alciato.duplicates.near_copy_index import COMPARED, KEYS, PAIRS, SCHEMAS
from alciato.item import Item, Post
from alciato.media.part import media_part
from alciato.models import Runtime
from alciato.settings import load_settings
from alciato.store import Collection
from alciato.store.tables import ITEMS, item_row

NAMES = made.PHOTOGRAPHS
FLIPPED = 7 / 256
"""Share of the bits of a replaced corner that are flipped."""


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
    drawn_bits = np.unpackbits(corners[generator.integers(0, len(corners), int(others.sum()))], axis=1)
    kept[others] = np.packbits(drawn_bits ^ (generator.random(drawn_bits.shape) < FLIPPED), axis=1)
    return replace(
        base,
        medium=medium,
        bits=generator.integers(0, 256, 32, dtype=np.uint8),
        features=Keypoints(base.features.points, kept),
    )


def filled(folder: Path, size: int, real: list[ImageFeatures]) -> Collection:
    """A collection of that many pictures, as if all had been compared with each other."""
    collection = Collection.open(folder)
    corners = np.concatenate([each.features.descriptors for each in real])
    example = post("example", drawn(0))
    (part,) = example.item.parts
    sketches: list[np.ndarray] = []
    numbers: list[int] = []
    for start in range(0, size, 1000):
        names = {number: f"{number:064x}" for number in range(start, min(size, start + 1000))}
        items = [Item(id=f"p{n}", parts=(part.model_copy(update={"media": name}),)) for n, name in names.items()]
        collection.table("items").add(pa.Table.from_pylist([item_row(item) for item in items], ITEMS))
        made_here = {name: stored(real, corners, number) for number, name in names.items()}
        save_features(
            collection, {name: [one] for name, one in made_here.items()}, dict.fromkeys(made_here, version_of([]))
        )
        sketches += [sketch(one.features.descriptors) for one in made_here.values()]
        numbers += [one.number for one in made_here.values()]
    save_index(collection, np.array(numbers), sketches)
    duplicates(collection, runtime=runtime())
    collection.maintain(force=True)
    return collection


def save_index(collection: Collection, numbers: np.ndarray, sketches: list[np.ndarray]) -> None:
    """Store the keys of all, and lists as long and as hard to enter as lists of so many pictures are."""
    size = len(numbers)
    owners = np.repeat(numbers, [len(each) for each in sketches])
    collection.save_derived(KEYS, pa.table([np.concatenate(sketches), owners], schema=SCHEMAS[KEYS]))
    generator = np.random.default_rng(size)
    drawn_pairs = generator.integers(0, size, (40_000, 2))
    shared = [len(np.intersect1d(sketches[i], sketches[j], assume_unique=True)) for i, j in drawn_pairs if i != j]
    tops = [round(float(np.quantile(shared, 1 - (place + 1) / size))) for place in range(PARTNERS[0])]
    print(f"{size}: keys that a picture shares with its {PARTNERS[0]} likeliest strangers: {tops}", flush=True)
    rows = []
    for number in numbers.tolist():
        those = np.sort(generator.choice(numbers, PARTNERS[0], replace=False))[::-1].tolist()
        by_keys = sorted(((top << NUMBER_BITS) | other for top, other in zip(tops, those, strict=True)), reverse=True)
        highest = those[: PARTNERS[2]] if tops[-1] >= STRONG else []
        floors = [by_keys[-1], 0, highest[-1] if highest else 0]
        rows.append([number, version_of([]) ^ near_copy_index.REVISION, *floors, by_keys, [], highest])
    columns = [
        pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), SCHEMAS[COMPARED], strict=True)
    ]
    collection.save_derived(COMPARED, pa.Table.from_arrays(columns, schema=SCHEMAS[COMPARED]))
    collection.save_derived(PAIRS, SCHEMAS[PAIRS].empty_table())


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
    parser.add_argument("--real", type=int, default=150)
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
