from __future__ import annotations

import base64
import io
import re
import shutil
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

from alciato.errors import AlciatoError
from alciato.item import Box, Image, Item, Post, Segment, Span, Text, Verdict, media_hash
from alciato.report import write_report
from alciato.report.cards import BYTES, jpeg, marked
from alciato.report.html import clock

HOSTILE = "<script>document.title='pwned'</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def picture_post(seed: int, words: str, **metadata: Any) -> tuple[Post, Segment]:
    noise = np.random.default_rng(seed).integers(0, 255, (300, 400, 3), dtype=np.uint8)
    exif = Pictures.Exif()
    exif[0x010E] = "SECRETPLACE"
    file = io.BytesIO()
    Pictures.fromarray(noise).save(file, "JPEG", exif=exif)
    data = file.getvalue()
    part = Image(media=media_hash(data), mime="image/jpeg", name=HOSTILE, width=400, height=300)
    item = Item.of([part, Text(text=f"body {words}")], metadata)
    segment = Segment(id=f"{item.id}/0/ocr/0", item=item.id, part=0, kind="ocr", text=words, box=Box(40, 30, 200, 60))
    return Post(item, {part.media: data}), segment


def verdict_on(item: Item, decision: str, policy, *, scores=None, evidence=(), reasons=("Because.",)) -> Verdict:
    return Verdict(
        item=item.id,
        source=item.source,
        decision=decision,
        scores={"hate": 0.9, "self-harm": 0.1} if scores is None else scores,
        reasons=reasons,
        target="Martians",
        evidence=evidence,
        policy=policy.label,
        model="packaged:test@1",
        strategy="prototype",
        judged_at=datetime(2026, 11, 23, tzinfo=UTC),
    )


@pytest.fixture
def page(collection, policy, tmp_path):
    """A page with one item of each state; the first is hostile in every field."""
    posts = [picture_post(n, f"kite{n}", source=f"/posts/{n}.jpg") for n in range(3)]
    posts.insert(0, picture_post(9, HOSTILE, source=f"/posts/{HOSTILE}.jpg", author=HOSTILE))
    collection.add(post for post, _ in posts)
    collection.save_readings([], [segment for _, segment in posts])
    places = (
        Span(part=0, kind="ocr", text=HOSTILE, box=Box(40, 30, 200, 60)),
        Span(part=1, kind="body", text="body"),
    )
    verdicts = [
        verdict_on(posts[0][0].item, "remove", policy, evidence=places, reasons=(HOSTILE,)),
        verdict_on(posts[1][0].item, "review", policy, scores={"hate": 0.6, "self-harm": 0.2}),
        verdict_on(posts[2][0].item, "review", policy, scores={}),
        verdict_on(posts[3][0].item, "allow", policy, scores={"hate": 0.1, "self-harm": 0.0}),
    ]
    path = tmp_path / "report.html"
    written = write_report(path, collection, policy, verdicts)
    assert (written.shown, written.left_out) == (4, 0)
    return path


def test_nothing_of_a_post_is_ever_markup(page):
    html = page.read_text()
    assert html.count("<script>") == 1
    assert "<img src=x" not in html
    assert "49" not in re.sub(r'base64,[^"]*|<style>.*?</style>', "", html, flags=re.DOTALL).split("</header>")[0]
    assert "&lt;script&gt;" in html


def test_the_page_is_one_file_and_asks_for_nothing_outside(page):
    html = re.sub(r"data:image/jpeg;base64,[A-Za-z0-9+/=]+", "", page.read_text())
    assert "default-src 'none'" in html
    assert not re.search(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", html)
    assert not re.search(r"\sstyle=|\son[a-z]+=\"", html.replace("onerror=alert(1)&gt;", ""))
    assert "http" not in html.replace("http-equiv", "")


def test_pictures_are_small_and_carry_no_metadata(page):
    found = re.findall(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", page.read_text())
    assert len(found) == 4
    for data in (base64.b64decode(text) for text in found):
        assert len(data) <= BYTES
        assert b"SECRETPLACE" not in data
        width, height = Pictures.open(io.BytesIO(data)).size
        assert width / height == pytest.approx(4 / 3, abs=0.02)


@pytest.mark.parametrize("size", [(3000, 2000), (50, 4000), (1, 1)])
def test_every_picture_fits_its_bound(size):
    noise = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    assert len(jpeg(Pictures.fromarray(noise))) <= BYTES


def test_a_broken_picture_and_a_missing_one_are_named_not_fatal(collection, policy, tmp_path):
    part = Image(media=media_hash(b"junk"), mime="image/png", width=5, height=5)
    lost = Image(media="f" * 64, mime="image/png", width=5, height=5)
    item = Item.of([part, lost])
    collection.add([Post(item, {part.media: b"junk"})])
    write_report(tmp_path / "r.html", collection, policy, [verdict_on(item, "allow", policy)])
    html = (tmp_path / "r.html").read_text()
    assert "cannot be decoded" in html
    assert "missing from the collection" in html


def test_a_page_has_an_end_and_says_what_is_beyond_it(collection, policy, post, tmp_path):
    posts = [post(f"number {n}") for n in range(7)]
    collection.add(posts)
    verdicts = [verdict_on(p.item, "allow", policy, scores={"hate": n / 10}) for n, p in enumerate(posts)]
    written = write_report(tmp_path / "r.html", collection, policy, verdicts, most=3)
    html = (tmp_path / "r.html").read_text()
    assert (written.shown, written.left_out) == (3, 4)
    assert "4 more were judged" in html
    assert [n for n in range(7) if f"number {n}<" in html] == [4, 5, 6]


def test_an_empty_report_and_a_place_that_cannot_be_written(collection, policy, tmp_path):
    write_report(tmp_path / "new" / "r.html", collection, policy, [])
    assert "0 posts" in (tmp_path / "new" / "r.html").read_text()
    (tmp_path / "file").write_text("")
    with pytest.raises(AlciatoError, match="cannot be written"):
        write_report(tmp_path / "file" / "r.html", collection, policy, [])
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["r.html"]


def test_marks_cut_a_text_where_evidence_begins_and_ends():
    places = [Span(part=0, kind="body", text=text) for text in ("b c", "c d", "zz", "")]
    assert marked("a b c d e", places) == (("a ", False), ("b c", True), (" d", True), (" e", False))
    assert "".join(text for text, _ in marked("x" * 5000, [])).endswith("…")


def test_clock():
    assert [clock(second) for second in (0, 75.25, 3600)] == ["0:00.0", "1:15.2", "60:00.0"]


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.skip("no chromium on this machine: the page is checked as text only")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as engine:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
        running = engine.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield running
        running.close()


@pytest.fixture
def opened(browser, page):
    """The page in a real browser; nothing may be asked for, no script of a post may run, no error be said."""
    window = browser.new_page()
    said, asked = [], []
    window.on("console", lambda message: said.append(message.text))
    window.on("pageerror", lambda error: said.append(str(error)))
    window.on("request", lambda request: asked.append(request.url))
    window.goto(page.as_uri())
    yield window
    assert "pwned" not in window.title()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    window.close()


@pytest.mark.slow
def test_in_a_browser_filters_search_and_keys_work(opened):
    assert opened.locator(".card:visible").count() == 4
    opened.click('[data-filter="state"][value="remove"]')
    assert opened.locator(".card:visible").count() == 1
    assert opened.inner_text("#shown") == "1"
    opened.click('[data-filter="state"][value="remove"]')
    opened.click('[data-filter="category"][value="hate"]')
    assert opened.locator(".card:visible").count() == 2
    opened.click('[data-filter="category"][value="hate"]')
    opened.keyboard.press("/")
    opened.keyboard.type("KITE2 BODY")
    assert opened.locator(".card:visible").count() == 1
    opened.keyboard.type(" nowhere")
    assert opened.locator(".empty").is_visible()
    opened.keyboard.press("Escape")
    opened.keyboard.press("j")
    opened.keyboard.press("j")
    assert opened.evaluate("document.activeElement.dataset.state") == "unjudged"


@pytest.mark.slow
def test_in_a_browser_removed_posts_are_covered_until_asked_for(opened):
    from playwright.sync_api import expect

    card = opened.locator(".card.covered")
    assert card.count() == 1
    veil = card.locator("figure.veil")
    assert "blur" in veil.evaluate("node => getComputedStyle(node).filter")
    assert veil.evaluate("node => node.inert")
    card.get_by_role("button", name="Show it").click()
    expect(veil).to_have_css("filter", "none")
    assert not veil.evaluate("node => node.inert")
    opened.keyboard.press("s")
    assert veil.evaluate("node => node.inert")
    opened.click('[data-cover-choice][value="grey"]')
    assert "grayscale" in veil.locator("img").evaluate("node => getComputedStyle(node).filter")


@pytest.mark.slow
def test_in_a_browser_boxes_lie_where_the_words_are(opened):
    card = opened.locator(".card.covered")
    card.get_by_role("button", name="Show it").click()
    shown = card.locator("figure img").bounding_box()
    box = card.locator("rect[data-mark]").bounding_box()
    scale = shown["width"] / 400
    assert box["x"] - shown["x"] == pytest.approx(40 * scale, abs=3)
    assert box["y"] - shown["y"] == pytest.approx(30 * scale, abs=3)
    assert box["width"] == pytest.approx(160 * scale, abs=4)


@pytest.mark.slow
def test_in_a_browser_a_narrow_window_never_scrolls_sideways(opened):
    for width in (360, 800, 1400):
        opened.set_viewport_size({"width": width, "height": 800})
        assert opened.evaluate("document.documentElement.scrollWidth <= innerWidth")
