"""Photographs that packages ship: 17 of scikit-image and 2 of scikit-learn. No download."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from alciato.errors import MissingPackage
from alciato.world.draw import Draw, Pool

LONGEST = 720
"""Pixels of the longest side of a photograph, at most."""

PHOTOGRAPHS: Pool[str] = Pool(
    "photograph",
    ("astronaut", "camera", "chelsea", "coffee", "coins", "hubble_deep_field", "moon", "motorcycle_left", "rocket",
     "gravel", "brick", "grass", "retina", "ihc", "cell", "clock_motion", "microaneurysms", "china", "flower"),
)  # fmt: skip
"""Names of photographs."""
_OF_SKLEARN = frozenset({"china", "flower"})


@cache
def photograph(name: str) -> Image.Image:
    """Open a photograph, at most `LONGEST` pixels wide or high. The picture is shared: copy it before changing it.

    Raises `MissingPackage`.
    """
    module, inside = ("sklearn", "datasets/images") if name in _OF_SKLEARN else ("skimage", "data")
    found = find_spec(module)
    if found is None or not found.submodule_search_locations:
        raise MissingPackage(f"the photograph {name!r} comes with {module}.", remedy='pip install "alciato[world]"')
    file = next(Path(found.submodule_search_locations[0], inside).glob(f"{name}.*"))
    with Image.open(file) as opened:
        picture: Image.Image = opened
        if picture.mode == "RGBA":
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
        picture = picture.convert("RGB")
    picture.thumbnail((LONGEST, LONGEST))
    return picture


def view(draw: Draw, name: str, size: tuple[int, int]) -> Image.Image:
    """Cut a random view out of a photograph, mirrored half of the time, at the given size in pixels."""
    whole = photograph(name)
    share = draw.real(0.45, 1.0)
    height = share * min(whole.height, whole.width * size[1] / size[0])
    width = height * size[0] / size[1]
    left, top = draw.real(0, whole.width - width), draw.real(0, whole.height - height)
    cut = whole.resize(size, Image.Resampling.BOX, box=(left, top, left + width, top + height))
    return cut.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if draw.chance(0.5) else cut
