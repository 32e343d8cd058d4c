"""Makes `docs/report.png`, the report of the demo in a browser: `--write`; without it, says whether it is old.

The picture carries a digest of what it shows: the page's template, style, script and Python, the demo's posts and
its policy; and the verdicts of the demo, strongest first, which a slow test compares with a run of the demo.
`--write` builds and judges the demo, a few minutes, and needs Chromium.
"""

import ast
import hashlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "report.png"
PACKAGE = ROOT / "src" / "alciato"
SHOWN = (
    *(PACKAGE / "report" / name for name in ("report.html.j2", "report.css", "report.js", "html.py", "cards.py")),
    PACKAGE / "report" / "heat.py",
    PACKAGE / "demo" / "posts.yaml",
    PACKAGE / "judge" / "policy" / "shipped" / "general.yaml",
)
SIZE = {"width": 1280, "height": 860}


def digest() -> str:
    """SHA-256 of all sources that the picture shows; comments and the layout of Python do not count."""
    whole = hashlib.sha256()
    for path in SHOWN:
        text = path.read_text("utf-8")
        whole.update(f"{path.name}\0{ast.dump(ast.parse(text)) if path.suffix == '.py' else text}\0".encode())
    return whole.hexdigest()


def decisions(verdicts: Iterable[Any]) -> list[list[str]]:
    """The posts that are not allowed, by id: decision and the category with the highest score."""
    flagged = [verdict for verdict in verdicts if verdict.decision != "allow"]
    return sorted([v.item, v.decision, max(v.scores, key=v.scores.get, default="")] for v in flagged)


def recorded(path: Path = PICTURE) -> dict[str, Any]:
    """What a picture says of itself: `digest`, `decisions`, and `boxes`, how many it shows."""
    with Image.open(path) as picture:
        return json.loads(picture.info.get("alciato", "{}"))


def write(path: Path = PICTURE) -> None:
    """Judge the demo's posts, write the report, and photograph its first posts with their pictures open."""
    import alciato
    from alciato.demo import build_demo
    from alciato.judge import load_policy
    from alciato.report import write_report
    from alciato.settings import Settings

    with tempfile.TemporaryDirectory() as name:
        folder, policy = Path(name), load_policy("general")
        build_demo(folder)
        library = alciato.open(folder / "collection", settings=Settings(cache=folder / "cache"))
        library.add(folder / "posts")
        verdicts = list(library.judge(policy))
        write_report(folder / "report.html", library.collection, policy, verdicts, title="Alciato demo")
        boxes = _photograph(folder / "report.html", folder / "report.png")
        told = PngInfo()
        told.add_text(
            "alciato", json.dumps({"digest": digest(), "decisions": decisions(verdicts), "boxes": boxes}), zip=True
        )
        with Image.open(folder / "report.png") as picture:
            picture.convert("RGB").save(path, pnginfo=told, optimize=True)


def _photograph(page: Path, path: Path) -> int:
    """Photograph the top of the page in a window of 1280 pixels; give how many boxes of evidence it shows."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        window = browser.new_page(viewport=SIZE, color_scheme="light")
        window.goto(page.as_uri())
        window.click('[data-cover-choice][value="off"]')
        window.mouse.move(0, 0)
        window.evaluate("document.activeElement.blur()")
        window.wait_for_timeout(500)
        window.screenshot(path=path)
        tops = window.locator("rect[data-mark]").evaluate_all("all => all.map(one => one.getBoundingClientRect().top)")
        browser.close()
    return sum(top < SIZE["height"] for top in tops)


if __name__ == "__main__":
    if "--write" in sys.argv:
        write()
    elif recorded().get("digest") != digest():
        sys.exit(f"{PICTURE} is old: run python tools/report_picture.py --write")
