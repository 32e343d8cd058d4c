"""Builds the demo's posts: real files on disk and `truth.json`, which tells every fact about them."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from alciato.demo import clips, lettering, pages, recordings, tables
from alciato.demo.catalogue import Made, Scene, catalogue, queries
from alciato.demo.scenes import scene
from alciato.demo.truth import DemoTruth, TruthPost
from alciato.world.photographs import photograph

QUALITY, ROUGH = 90, 32
"""JPEG and WebP quality of posts, and of a recompressed copy."""
SHRUNK, CUT = 0.6, 0.035
"""Size of a resized copy, and the share cut off each side of a cropped one."""


def build_demo(folder: str | Path, seed: int = 7) -> DemoTruth:
    """Write about 60 posts into `folder/posts` and their truth into `folder/truth.json`.

    The seed moves what stands in the scenes a little; the same seed gives the same bytes.
    """
    root = Path(folder) / "posts"
    _Builder(root, seed).write_all()
    truth = DemoTruth(seed=seed, posts=tuple(_truth(root)), queries=queries())
    (Path(folder) / "truth.json").write_text(truth.model_dump_json(indent=1, exclude_none=True), encoding="utf-8")
    return truth


class _Builder:
    def __init__(self, root: Path, seed: int) -> None:
        self.root, self.seed = root, seed
        self.made = {post.id: post for post in catalogue().posts}

    def write_all(self) -> None:
        for post in catalogue().posts:
            if post.file:
                path = self.root / post.file
                path.parent.mkdir(parents=True, exist_ok=True)
                self._write(path, post)
        writers = {"feed": tables.write_feed, "challenge": tables.write_challenge, "telegram": tables.write_telegram}
        for name in dict.fromkeys(post.table for post in catalogue().posts if post.table):
            rows = [post for post in catalogue().posts if post.table == name]
            writers[name.split("/")[0]](self.root / name, rows)

    def _write(self, path: Path, post: Made) -> None:
        if post.kind == "clip":
            clips.write_clip(path, self._shots())
        elif post.kind == "animation":
            clips.write_animation(path, self._snail(post), 500)
        elif post.kind == "recording":
            recordings.write_recording(path, post.spoken)
        elif post.kind == "page":
            pages.write_pages(path, self._sheets())
        elif post.kind == "note":
            path.write_text(post.text or "", encoding="utf-8")
        elif post.kind == "table":
            tables.write_prices(path, catalogue().bakery)
        else:
            quality = ROUGH if post.transformation == "recompressed" else QUALITY
            _save(self._picture(post), path, quality)

    def _picture(self, post: Made) -> Image.Image:
        """Draw a post, or transform the one that it copies."""
        if post.copy_of:
            return self._copy(post)
        if post.style == "sign":
            return lettering.sign(post.lines, board=post.board, letters=post.letters, emblem=post.emblem)
        if post.style == "chat":
            bubbles = [lettering.Bubble(words, own=row % 2 == 1) for row, words in enumerate(post.lines)]
            return lettering.chat(post.title, bubbles, dark=post.dark)
        bare = self._bare(post.picture or "")
        if post.style == "meme":
            return lettering.meme(bare, *post.lines)
        return lettering.captioned(bare, post.lines) if post.style == "captioned" else bare

    def _copy(self, post: Made) -> Image.Image:
        if post.transformation == "frame":
            return self._shots()[0][0]
        original = self._picture(self.made[post.copy_of or ""])
        width, height = original.size
        if post.transformation == "resized":
            return original.resize((round(width * SHRUNK), round(height * SHRUNK)), Image.Resampling.LANCZOS)
        if post.transformation == "cropped":
            return original.crop((round(width * CUT), round(height * CUT), round(width * (1 - CUT)), height))
        return original

    def _bare(self, name: str) -> Image.Image:
        """The picture without words."""
        kind, _, which = name.partition(":")
        return photograph(which) if kind == "photo" else self._scene(which)

    def _scene(self, name: str) -> Image.Image:
        described: Scene = catalogue().scenes[name]
        moved = np.random.default_rng([self.seed, zlib.crc32(name.encode())]).uniform(-0.012, 0.012, (8, 2))
        placed = [
            (character, x + dx, y + dy, size)
            for (character, x, y, size), (dx, dy) in zip(described.placed, moved, strict=False)
        ]
        return scene(described.sky, described.ground, placed)

    def _shots(self) -> list[tuple[Image.Image, float, str]]:
        return [
            (lettering.meme(self._scene(shot.scene), *shot.lines), shot.seconds, shot.spoken)
            for shot in catalogue().clip
        ]

    def _snail(self, post: Made) -> list[Image.Image]:
        """A snail creeps to the flag; the words change half way."""
        described = catalogue().scenes["snail-race"]
        frames = []
        for step in range(8):
            placed = [*described.placed, ("🐌", 0.12 + 0.09 * step, 0.66, 0.24)]
            bare = scene(described.sky, described.ground, placed, size=(480, 360))
            frames.append(
                lettering.meme(bare, post.lines[0], "") if step < 4 else lettering.meme(bare, "", post.lines[1])
            )
        return frames

    def _sheets(self) -> list[pages.Sheet]:
        return [
            pages.Sheet(page.title, page.paragraphs, self._scene(page.scene) if page.scene else None)
            for page in catalogue().newsletter
        ]


def _save(picture: Image.Image, path: Path, quality: int) -> None:
    picture = picture.convert("RGB")
    if path.suffix == ".png":
        picture.save(path, optimize=False)
    else:
        picture.save(path, quality=quality)


def _truth(root: Path) -> Iterator[TruthPost]:
    """The facts of each post. What a picture is made from is a family where two or more posts share it."""
    posts = catalogue().posts
    made = {post.id: post for post in posts}
    origins = {post.id: _origin(post, made) for post in posts}
    seen: dict[str, str] = {}
    for post in posts:
        origin = origins[post.id]
        shared = origin is not None and list(origins.values()).count(origin) > 1
        first = seen.setdefault(origin, post.id) if origin else post.id
        copied = made[post.copy_of] if post.copy_of else post
        yield TruthPost(
            kind=post.kind or ("picture" if post.file else "text"),
            media=hashlib.sha256((root / post.file).read_bytes()).hexdigest() if post.file else None,
            lines=_lines(copied, frame=post.transformation == "frame"),
            spoken=tuple(shot.spoken for shot in catalogue().clip if shot.spoken)
            if post.kind == "clip"
            else post.spoken,
            text=_text(post),
            family=origin if shared else None,
            transformation=post.transformation or ("words" if shared and first != post.id else None),
            label=copied.label,
            **{name: getattr(post, name) for name in _SAME},
        )


_SAME = ("id", "file", "table", "language", "caption", "author", "created_at", "reply_to", "set")


def _origin(post: Made, made: dict[str, Made]) -> str | None:
    if post.copy_of:
        return _origin(made[post.copy_of], made)
    return f"clip:{post.id}" if post.kind == "clip" else post.picture


def _lines(post: Made, *, frame: bool) -> tuple[str, ...]:
    if post.kind != "clip":
        return post.lines
    shots = catalogue().clip[:1] if frame else catalogue().clip
    return tuple(line for shot in shots for line in shot.lines)


def _text(post: Made) -> str | None:
    """Words that came as text: of pages and of rows too."""
    if post.kind == "page":
        return "\n".join(line for page in catalogue().newsletter for line in (page.title, *page.paragraphs))
    return " ".join(post.lines).lower() if post.set else post.text
