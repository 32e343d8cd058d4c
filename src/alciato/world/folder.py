"""Writes posts to a folder that `alciato add` reads: `posts.jsonl`, `posts.parquet` and `media/`.

A row has id, text, img (or video, audio), label, created_at … and `parts`, which keeps the order of the parts and
their tables, and `truth`. Rows are written in pieces under `.pieces`, each atomically, so that an interrupted run is
resumed; the two tables are written last. Both hold the same posts, and `alciato add` adds each post once.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from alciato.errors import UsageError
from alciato.item import Media, Table, Text
from alciato.progress import Progress, ProgressCallback, silent
from alciato.world.making import CHUNK, Posts
from alciato.world.packages import in_processes
from alciato.world.post import Truth, WorldPost
from alciato.world.registry import KINDS

_PIECES = ".pieces"
_CUES = {None: None, True: "present", False: "absent"}
"""A word, not a number: a learner takes numbers of the metadata as features."""
_COLUMNS = {"image": "img", "video": "video", "audio": "audio"}


def write(posts: Posts, folder: str | os.PathLike[str], report: ProgressCallback = silent) -> Path:
    """Write the posts; go on where an interrupted run of the same posts stopped. Give the folder.

    Raises `UsageError` where the folder holds other posts.
    """
    place = Path(folder)
    pieces = place / _PIECES
    _claim(place, _wish(posts))
    ranges = list(_ranges(posts))
    missing = [numbers for numbers in ranges if not (pieces / f"{numbers[0]:08d}.jsonl").exists()]
    done = posts.n - sum(stop - start for start, stop in missing)
    for count in _drawn(posts, place, missing):
        done += count
        report(Progress(step=f"make {posts.kind.name}", done=done, total=posts.n))
    whole = [pieces / f"{start:08d}.jsonl" for start, _ in ranges]
    _joined(place / "posts.jsonl", whole)
    _parquet(place / "posts.parquet", whole)
    for left in (place / "media").glob(".*"):  # of a run that was killed while it wrote
        left.unlink()
    shutil.rmtree(pieces)
    return place


def row_of(post: WorldPost) -> dict[str, Any]:
    """Give the row of a post; media are named by their place in the folder."""
    item = post.item
    row: dict[str, Any] = {"id": post.id, "kind": post.kind, "split": post.split}
    words = [part.text for part in item.parts if isinstance(part, Text)]
    row |= {"text": "\n".join(words)} if words else {}
    for part in item.parts:
        if isinstance(part, Media):
            row.setdefault(_COLUMNS[part.type], []).append(f"media/{part.name}")
    row |= {"label": post.label, "reply_to": post.reply_to, "cue": _CUES[post.cue], **post.metadata}
    row["parts"] = [_told(part) for part in item.parts]
    row["truth"] = post.truth.model_dump(mode="json")
    return {name: value for name, value in row.items() if value is not None}


def read_truth(folder: str | os.PathLike[str]) -> dict[str, Truth]:
    """Read the typed truth of every post of a folder, by id."""
    with (Path(folder) / "posts.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return {row["id"]: KINDS.get(row["kind"]).truth.model_validate(row["truth"]) for row in rows}


def _told(part: Any) -> dict[str, Any]:
    """Tell a part in a row: words and tables as they are, media by their file."""
    if isinstance(part, Text | Table):
        return dict(part.model_dump(mode="json", exclude_none=True))
    return {"type": part.type, "path": f"media/{part.name}"}


def _wish(posts: Posts) -> dict[str, Any]:
    options = posts.options.model_dump(mode="json")
    return {"kind": posts.kind.name, "n": posts.n, "seed": posts.seed, "split": posts.split,
            "disjoint": posts.disjoint, "fold": posts.fold, "options": options}  # fmt: skip


def _claim(place: Path, wish: Mapping[str, Any]) -> None:
    """Make the folder ready for these posts, or find it so."""
    note = place / ".world.json"
    if note.exists() and json.loads(note.read_text("utf-8")) != wish:
        raise UsageError("the folder holds other posts of the world.", where=str(place), remedy="Name another folder.")
    if not note.exists() and place.exists() and any(place.iterdir()):
        raise UsageError("the folder is not empty.", where=str(place), remedy="Name another folder.")
    (place / _PIECES).mkdir(parents=True, exist_ok=True)
    (place / "media").mkdir(exist_ok=True)
    _whole(note, json.dumps(wish).encode())


def _ranges(posts: Posts) -> Iterator[tuple[int, int]]:
    """Numbers of the posts in each piece: whole sets."""
    step = CHUNK * posts.kind.members
    return ((start, min(start + step, posts.n)) for start in range(0, posts.n, step))


def _drawn(posts: Posts, place: Path, missing: list[tuple[int, int]]) -> Iterator[int]:
    """Draw and write the missing pieces, in `posts.workers` processes; yield how many posts each has."""
    if posts.workers == 1 or len(missing) <= 1:
        yield from map(partial(_piece, posts, place), missing)
    else:
        yield from in_processes(partial(_piece, posts, place), missing, min(posts.workers, len(missing)))


def _piece(posts: Posts, place: Path, numbers: tuple[int, int]) -> int:
    start, stop = numbers
    members = posts.kind.members
    drawn = posts.chunk((start // members, -(-stop // members)))[: stop - start]
    lines = []
    for post in drawn:
        for _, part in post.item.media():
            _whole(place / "media" / str(part.name), post.media[part.media])
        lines.append(json.dumps(row_of(post), ensure_ascii=False))
    _whole(place / _PIECES / f"{start:08d}.jsonl", "".join(f"{line}\n" for line in lines).encode())
    return len(drawn)


def _whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_bytes(data)
    beside.replace(path)


def _joined(path: Path, pieces: Sequence[Path]) -> None:
    """Put the pieces into one file, piece by piece."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as file:
        for piece in pieces:
            file.write(piece.read_bytes())
    beside.replace(path)


def _parquet(path: Path, pieces: Sequence[Path]) -> None:
    """Write the rows as Parquet, piece by piece; what has no one shape (parts, truth) as JSON text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.unify_schemas([_table(piece).schema for piece in pieces], promote_options="permissive")
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with pq.ParquetWriter(beside, schema) as writer:
        for piece in pieces:
            table = _table(piece)
            missing = [field for field in schema if field.name not in table.column_names]
            for field in missing:
                table = table.append_column(field, pa.nulls(len(table), field.type))
            writer.write_table(table.select(schema.names).cast(schema))
    beside.replace(path)


def _table(piece: Path) -> Any:
    import pyarrow as pa

    rows = [json.loads(line) for line in piece.read_text("utf-8").splitlines()]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: [_cell(row.get(name)) for row in rows] for name in names})


def _cell(value: Any) -> Any:
    plain = value is None or isinstance(value, str | bool | int | float)
    flat = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return value if plain or flat else json.dumps(value, ensure_ascii=False)
