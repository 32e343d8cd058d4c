"""A folder with 100 good posts of all kinds, and 20 files of which each is bad in its own way.

truth = faults.build(folder)
scan([folder])  # → a post for each of truth.good; a report for each name of truth.bad, with its reason
"""

import csv
import io
import json
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from media_samples import animation, clip, encoded, pdf, wav

GOOD, BAD = 100, 20


@dataclass(frozen=True)
class Faults:
    """`good` names the posts, by file, and by number where a file has several; `bad` maps file names to reasons."""

    folder: Path
    good: tuple[str, ...]
    bad: dict[str, str]


def build(folder):
    """Write the folder. All limits that it breaks are the defaults."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    files = good_files(folder)
    good = tuple(f"{name}#{number}" if count > 1 else name for name, count in files.items() for number in range(count))
    bad = {}
    for name, (reason, data) in bad_files().items():
        (folder / name).write_bytes(data)
        bad[name] = reason
    assert (len(good), len(bad)) == (GOOD, BAD)
    return Faults(folder, good, bad)


def good_files(folder):
    """Write the good files; their names with the number of posts."""
    files = {f"picture{n:02}.{e}": encoded(f, n) for n, (e, f) in enumerate([("jpg", "JPEG"), ("png", "PNG")] * 20)}
    files |= {f"sticker{n}.webp": encoded("WEBP", 100 + n) for n in range(6)}
    files |= {f"still{n}.gif": encoded("GIF", 200 + n) for n in range(4)}
    files |= {"moving.gif": animation("GIF", 1), "moving.webp": animation("WEBP", 2), "moving.png": animation("PNG", 3)}
    files |= {f"clip.{form}": clip(form, seed) for seed, form in enumerate(("mp4", "mov", "webm"))}
    files |= {f"sound.{form}": clip(form, seed) for seed, form in enumerate(("mp3", "ogg", "flac"))}
    files |= {"sound.wav": wav(5)}
    files |= {f"note{n}.txt": f"Note {n}: the robots of Saturn have tea at {n} o'clock.".encode() for n in range(7)}
    files |= {"marked.md": "\ufeff# Überschrift\n".encode(), "wide.txt": "মঙ্গল গ্রহ থেকে".encode("utf-16")}
    files |= {"windows.txt": b"two\r\nlines\r\n", "page.pdf": pdf(), "pages.pdf": pdf(("Venus",), pages=2)}
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return dict.fromkeys(files, 1) | _tables(folder)


def _tables(folder):
    (folder / "pictures").mkdir(exist_ok=True)
    for number in range(5):
        (folder / f"pictures/{number}.png").write_bytes(encoded("PNG", 300 + number))
    rows = [{"id": n, "img": f"pictures/{n}.png", "text": f"caption {n}", "label": n % 2} for n in range(5)]
    rows += [{"id": n, "text": f"only words {n}"} for n in range(5, 15)]
    (folder / "posts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerows([["id", "text", "created_at"], *([f"c{n}", f"row {n}", f"2024-01-0{n + 1}"] for n in range(8))])
    (folder / "posts.csv").write_text(file.getvalue())
    import pyarrow as pa
    import pyarrow.parquet as pq

    images = [{"bytes": encoded("JPEG", 400 + n), "path": f"{n}.jpg"} for n in range(5)]
    table = pa.table({"id": [f"p{n}" for n in range(5)], "image": images, "caption": [f"row {n}" for n in range(5)]})
    pq.write_table(table, folder / "posts.parquet")
    return {"posts.jsonl": 15, "posts.csv": 8, "posts.parquet": 5}


def bad_files():
    """Return the bad files: name → reason, bytes."""
    noise = np.random.default_rng(0).bytes(5000)
    return {
        "nothing.jpg": ("empty", b""),
        "cut.jpg": ("truncated", half(encoded("JPEG", 500))),
        "cut.png": ("truncated", half(encoded("PNG", 501))),
        "zip.jpg": ("disguised", archive()),
        "really_png.jpg": ("disguised", encoded("PNG", 502)),
        "giant.png": ("too-many-pixels", giant_png()),
        "text_bomb.png": ("too-large", text_bomb_png()),
        "frames.gif": ("too-many-frames", gif_of_frames(2_500)),
        "noise.webp": ("broken", noise),
        "long.mp4": ("too-long", clip("mp4", 503, seconds=3 * 3600, every=1800, sound=False)),
        "cut.mp4": ("truncated", half(clip("mp4", 504))),
        "hollow.mp4": ("no-streams", hollow_mp4()),
        "latin.txt": ("bad-encoding", "Grüße vom Mars".encode("latin-1")),
        "long.txt": ("too-large", b"tea " * 2**20 + b"!"),
        "locked.pdf": ("encrypted", locked_pdf()),
        "cut.pdf": ("truncated", half(pdf(pages=3))),
        "thick.pdf": ("too-many-pages", pdf(pages=201)),
        "album.zip": ("archive", archive()),
        "script.py": ("unknown-kind", b"print('hello')\n"),
        "cut.parquet": ("truncated", b"PAR1" + noise),
    }


def half(data):
    return data[: len(data) // 2]


def archive():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as writer:
        writer.writestr("picture.jpg", encoded("JPEG", 600))
    return file.getvalue()


def png_chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def giant_png(side=60_000):
    """A few hundred bytes that ask for 3.6 thousand million pixels."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", zlib.compress(bytes(1000))) + png_chunk(b"IEND", b"")


def text_bomb_png():
    """A small picture with a comment that unpacks to 64 MiB."""
    good = encoded("PNG", 601)
    comment = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(2**26)))
    return good[:33] + comment + good[33:]  # after the header


def gif_of_frames(count):
    """A GIF of one pixel with any number of frames of 15 bytes."""
    frame = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0"
    return b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff" + frame * count + b"\x3b"


def hollow_mp4():
    """A container with a header and no tracks."""
    header = struct.pack(">I4sIIIIIIH10x36s24xI", 108, b"mvhd", 0, 0, 0, 1000, 0, 0x10000, 0x100, bytes(36), 1)
    movie = struct.pack(">I4s", 8 + len(header), b"moov") + header
    return struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 512, b"isom") + movie


def locked_pdf():
    """A PDF that says it is encrypted with a password that nobody has."""
    whole = pdf()
    lock = b"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >> /ID [<00> <00>]" % (
        b"ab" * 32,
        b"cd" * 32,
    )
    return whole.replace(b"/Root 1 0 R", b"/Root 1 0 R " + lock)
