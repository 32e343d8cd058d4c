from __future__ import annotations

import base64
import io
import os
import re
import shutil
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pictures

from alciato.errors import AlciatoError
from alciato.item import Box, Finding, Image, Item, Post, Reading, Segment, Span, Table, Text, Verdict, media_hash
from alciato.read.content import Content
from alciato.report import export_posts, write_jsonl, write_report
from alciato.report.cards import BYTES, MOST_LINES, Numbered, Piece, card_of, jpeg, marked, referring
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
        verdict_on(posts[0][0].item, "remove", policy, evidence=places, reasons=(HOSTILE, f"On “{HOSTILE}”.")),
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
    assert "are missing" in html


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


def numbered(*texts: str, **place: Any) -> list[Numbered]:
    fields = {"part": 0, "kind": "body"} | place
    return [Numbered(number, Span(text=text, **fields)) for number, text in enumerate(texts, start=1)]


def test_marks_cut_a_text_where_evidence_begins_and_ends_and_overlapping_ones_are_one():
    pieces = marked("a B  c d e f", numbered("b c", "c d", "zz", "", "f"))
    assert pieces == (Piece("a "), Piece("B  c d", (1, 2)), Piece(" e "), Piece("f", (5,)))
    assert "".join(piece.text for piece in marked("x" * 5000, [])).endswith("…")


def test_a_reason_refers_to_its_evidence_by_number_and_keeps_what_it_quotes_of_the_policy():
    long = "w" * 200
    reason = f"Close to the policy's example “rats”. It rests on the text “rats” and what is said “{'w' * 119}…”."
    pieces = referring(reason, numbered("rats", long, "elsewhere", ""))
    assert "".join(piece.text or f"[{piece.numbers[0]}]" for piece in pieces).replace("\xa0", " ") == (
        "Close to the policy's example “rats”. It rests on the text [1] and what is said [2]."
    )


def card(policy, parts, *, segments=(), readings=(), evidence=(), metadata=None, reasons=("Because.",)):
    item = Item.of(parts, metadata or {})
    owned = [segment.model_copy(update={"item": item.id}) for segment in segments]
    content = Content(item, tuple(owned), tuple(readings))
    return card_of(verdict_on(item, "remove", policy, evidence=evidence, reasons=reasons), content, policy)


def ocr(text: str, box: Box | None = None, part: int = 0, **more: Any) -> Segment:
    return Segment(id=f"x/{part}/ocr/{text}", item="x", part=part, kind="ocr", text=text, box=box, **more)


PICTURE = Image(media="0" * 64, mime="image/png", width=400, height=300)
TOP, BOTTOM = Box(40, 10, 200, 40), Box(60, 250, 350, 320)


def test_a_text_that_stands_in_the_post_several_times_is_shown_once_with_its_places(policy):
    segments = [ocr("NO MORE MONDAYS", Box(40, 10, 350, 320)), ocr("NO MORE", TOP), ocr("MONDAYS", BOTTOM)]
    parts = [PICTURE, Text(text="no more Mondays!"), Text(text="a cat", name="alt")]
    shown = card(
        policy,
        parts,
        segments=segments,
        metadata={"title": "No more Mondays", "author": "zork", "source": "/p/a.png", "name": "a.png"},
    )
    assert [(text.where, text.pieces[0].text) for text in shown.texts] == [
        (("text", "on the picture"), "no more Mondays!"),
        (("alternative text",), "a cat"),
    ]
    assert shown.details == {"author": "zork"}


def test_words_that_only_look_contained_are_kept(policy):
    shown = card(policy, [PICTURE, Text(text="caterpillar")], segments=[ocr("PRICE 1500"), ocr("5"), ocr("cat")])
    assert [text.pieces[0].text for text in shown.texts] == ["caterpillar", "PRICE 1500", "5", "cat"]


def test_evidence_has_one_box_for_each_line_inside_the_picture_also_where_the_body_repeats_the_words(policy):
    lines = Reading(
        item="x",
        part=0,
        kind="ocr",
        model="m",
        version="1",
        findings=(
            Finding(text="NO MORE", box=TOP),
            Finding(text="MONDAYS", box=BOTTOM),
            Finding(text="a watermark", box=Box(0, 0, 9, 9)),
        ),
    )
    parts = [PICTURE, Text(text="no more mondays")]
    segments = [ocr("NO MORE MONDAYS", Box(40, 10, 350, 320))]
    places = (
        [Span(part=0, kind="ocr", text="NO MORE MONDAYS", box=segments[0].box)],
        [Span(part=1, kind="body", text="no more mondays")],
    )
    for evidence in places:
        (view,) = card(policy, parts, segments=segments, readings=[lines], evidence=evidence).views
        boxes = [(box.number, box.left, box.top, box.width, box.height) for box in view.boxes]
        assert boxes == [(1, 40, 10, 160, 30), (1, 60, 250, 290, 50)]  # the second ended below the picture
        for x, y in view.badges.values():
            assert view.badge <= x <= view.width - view.badge
            assert view.badge <= y <= view.height - view.badge


def test_no_evidence_is_left_out_whatever_else_is_shown(policy):
    parts = [Text(text=f"text {n}") for n in range(2 * MOST_LINES)]
    table = Table(columns=("who", "what"), rows=(("eve", "shouts"), ("bob", "sleeps")))
    evidence = (
        Span(part=2 * MOST_LINES - 1, kind="body", text=f"text {2 * MOST_LINES - 1}"),
        Span(part=2 * MOST_LINES, kind="table", text="who: eve, what: shouts"),
        Span(part=0, kind="nudity", text="FOOT_EXPOSED", box=TOP),
    )
    shown = card(policy, [*parts, table], evidence=evidence)
    assert len(shown.texts) == MOST_LINES
    told = {number: piece.text for text in shown.texts for piece in text.pieces for number in piece.numbers}
    assert told == {1: evidence[0].text, 2: "who: eve, what: shouts", 3: "foot exposed"}


@pytest.mark.parametrize("mask", [0o002, 0o077])
def test_what_is_written_follows_the_umask(collection, policy, post, tmp_path, mask):
    collection.add([post("a word")])
    verdict = verdict_on(next(collection.items()), "allow", policy)
    out = tmp_path / "out"
    before = os.umask(mask)
    try:
        write_report(out / "r.html", collection, policy, [verdict])
        write_jsonl(out / "v.jsonl", [verdict])
        export_posts(collection, out / "posts")
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in out.rglob("*")}
    file, folder = 0o666 & ~mask, 0o777 & ~mask
    assert modes == {"r.html": file, "v.jsonl": file, "posts": folder, "posts.jsonl": file, "media": folder}


def test_a_file_is_replaced_when_the_new_one_is_whole_and_keeps_its_mode(policy, post, tmp_path):
    verdict = verdict_on(post("a word").item, "allow", policy)
    path, link = tmp_path / "v.jsonl", tmp_path / "link.jsonl"
    link.symlink_to(path)
    assert write_jsonl(link, [verdict]) == 1
    path.chmod(0o640)

    def breaks():
        yield verdict
        yield verdict
        raise AlciatoError("no more")

    with pytest.raises(AlciatoError, match="no more"):
        write_jsonl(path, breaks())
    assert path.read_text() == verdict.model_dump_json() + "\n"
    assert write_jsonl(link, [verdict] * 3) == 3
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(one.name for one in tmp_path.iterdir()) == ["link.jsonl", "v.jsonl"]


def test_verdicts_are_written_into_what_is_no_file(post, policy, capfd):
    assert write_jsonl("/dev/stdout", [verdict_on(post("a word").item, "allow", policy)]) == 1
    assert '"decision":"allow"' in capfd.readouterr().out


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
def test_in_a_browser_pictures_of_removed_posts_are_covered_and_their_reasons_are_not(opened):
    from playwright.sync_api import expect

    card = opened.locator(".card.covered")
    assert card.count() == 1
    veil = card.locator("figure.veil")
    assert "blur" in veil.evaluate("node => getComputedStyle(node).filter")
    assert veil.evaluate("node => node.inert")
    for readable in (".reasons li", ".texts q", ".scores"):
        assert card.locator(readable).first.evaluate(NOT_BLURRED)
    card.get_by_role("button", name="Show the picture").click()
    expect(veil).to_have_css("filter", "none")
    assert not veil.evaluate("node => node.inert")
    opened.keyboard.press("s")
    assert veil.evaluate("node => node.inert")
    opened.click('[data-cover-choice][value="grey"]')
    expect(veil).to_have_css("filter", re.compile("grayscale"))
    assert not veil.evaluate("node => node.inert")


NOT_BLURRED = """node => { for (let at = node; at; at = at.parentElement) {
  const style = getComputedStyle(at);
  if (style.filter !== "none" || style.opacity !== "1" || at.inert) return false; } return true; }"""


@pytest.mark.slow
def test_in_a_browser_boxes_lie_where_the_words_are_and_light_up_with_their_number(opened):
    card = opened.locator(".card.covered")
    card.get_by_role("button", name="Show the picture").click()
    shown = card.locator("figure img").bounding_box()
    box = card.locator("rect[data-mark]").bounding_box()
    scale = shown["width"] / 400
    assert box["x"] - shown["x"] == pytest.approx(40 * scale, abs=3)
    assert box["y"] - shown["y"] == pytest.approx(30 * scale, abs=3)
    assert box["width"] == pytest.approx(160 * scale, abs=4)
    for inner in [box, card.locator(".badge").bounding_box()]:
        assert shown["x"] <= inner["x"]
        assert shown["y"] <= inner["y"]
        assert inner["x"] + inner["width"] <= shown["x"] + shown["width"]
        assert inner["y"] + inner["height"] <= shown["y"] + shown["height"]
    card.locator(".reasons [data-evidence]").first.focus()
    assert card.locator("rect[data-mark].lit").count() == 1
    assert set(card.locator("mark.lit").all_inner_texts()) == {HOSTILE}
    opened.locator("#search").focus()
    assert card.locator(".lit").count() == 0
    ids = opened.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
    assert len(ids) == len(set(ids))
    for link in card.locator(".reasons a").all():
        assert link.get_attribute("href").removeprefix("#") in ids


@pytest.fixture
def long_page(collection, policy, tmp_path):
    """A removed post with endless words, in a script written from right to left, twenty categories of long names."""
    words = "اكتب هنا كلاما طويلا جدا " * 12
    posts = [picture_post(1, "W" * 400, source=f"/posts/{'n' * 200}.jpg"), picture_post(2, words, author="ש" * 300)]
    collection.add(post for post, _ in posts)
    collection.save_readings([], [segment for _, segment in posts])
    long = policy.categories[0].model_copy(update={"title": "Donaudampfschifffahrtsgesellschaft" * 3})
    many = [long.model_copy(update={"id": f"c{n}"}) for n in range(20)]
    policy = policy.model_copy(update={"categories": tuple(many), "description": "long " * 200})
    verdicts = [
        verdict_on(
            post.item,
            "remove",
            policy,
            scores={"c0": 0.9, "c1": 0.6},
            evidence=(Span(part=0, kind="ocr", text=segment.text, box=segment.box),),
            reasons=(f"Close to “{'x' * 300}”. It rests on the words on the picture “{segment.text[:119]}…”.",),
        )
        for post, segment in posts
    ]
    write_report(tmp_path / "long.html", collection, policy, verdicts, title="A report " * 6)
    return tmp_path / "long.html"


@pytest.mark.slow
def test_in_a_browser_nothing_scrolls_sideways(browser, page, long_page):
    for path in (page, long_page):
        window = browser.new_page()
        window.goto(path.as_uri())
        for width in (320, 390, 800, 1400):
            window.set_viewport_size({"width": width, "height": 800})
            for summary in window.locator("summary:visible").all():
                summary.click()
            assert window.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path.name, width)
            cut = window.evaluate(
                "[...document.querySelectorAll('.card')].flatMap(card => [...card.querySelectorAll('*')].filter("
                "one => one.checkVisibility() && one.getBoundingClientRect().right > card.getBoundingClientRect().right"
                ").map(one => one.outerHTML.slice(0, 80)))"
            )
            assert cut == [], (path.name, width)
        window.close()


@pytest.mark.slow
def test_on_a_phone_the_first_post_is_within_400_pixels_and_the_filters_are_a_button_away(opened):
    opened.set_viewport_size({"width": 390, "height": 844})
    assert opened.locator(".card").first.bounding_box()["y"] < 400
    assert not opened.locator("#panel").is_visible()
    opened.click("#opener")
    assert opened.get_attribute("#opener", "aria-expanded") == "true"
    opened.click('[data-filter="category"][value="hate"]')
    assert opened.locator(".card:visible").count() == 2
    assert opened.inner_text("#chosen") == "1"
    opened.keyboard.press("Escape")
    assert not opened.locator("#panel").is_visible()
    assert opened.locator(".card:visible").count() == 4
    for button in opened.locator(".find :is(input, button), .states button").all():
        assert button.bounding_box()["height"] >= 44  # a finger


@pytest.mark.slow
def test_in_a_browser_a_text_stands_once_in_a_card(browser, collection, policy, tmp_path):
    words = "the natural home of every martian"
    post, segment = picture_post(3, words.upper())
    item = Item.of([post.item.parts[0], Text(text=words)], {"title": words})
    collection.add([Post(item, post.media)])
    collection.save_readings([], [segment.model_copy(update={"item": item.id, "id": f"{item.id}/0/ocr/0"})])
    evidence = (Span(part=1, kind="body", text=words), Span(part=0, kind="ocr", text=words.upper(), box=segment.box))
    reason = f"Attack, 0.90: close to “another”. It rests on the text “{words}”."
    verdict = verdict_on(item, "remove", policy, evidence=evidence, reasons=(reason,))
    write_report(tmp_path / "once.html", collection, policy, [verdict])
    window = browser.new_page()
    window.goto((tmp_path / "once.html").as_uri())
    window.locator(".card summary").click()
    assert window.inner_text(".card").casefold().count(words) == 1
    assert "rests on the text" in window.inner_text(".reasons")
    assert window.locator("rect[data-mark]").count() == 1
    window.close()


CONTRAST = """() => {
  const channel = (v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
  const behind = (node) => { const own = rgba(getComputedStyle(node).backgroundColor), outer = node.parentElement;
    return own[3] === 1 ? own.slice(0, 3) : over(own, outer ? behind(outer) : [255, 255, 255]); };
  const found = [];
  for (const node of document.body.querySelectorAll("*")) {
    const said = [...node.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim());
    if (!said || !node.checkVisibility() || node.closest("script, svg, .skip")) continue;
    const style = getComputedStyle(node), back = behind(node);
    const [one, two] = [light(over(rgba(style.color), back)), light(back)].sort((a, b) => b - a);
    const ratio = (one + .05) / (two + .05);
    if (ratio < 4.5) found.push([node.className || node.tagName, Math.round(ratio * 100) / 100]);
  }
  return found;
}"""


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser_every_text_has_the_contrast_of_wcag_aa(browser, page, scheme):
    window = browser.new_page(color_scheme=scheme)
    window.goto(page.as_uri())
    for summary in window.locator("summary:visible").all():
        summary.click()
    window.locator("[data-evidence]").first.focus()
    assert window.evaluate(CONTRAST) == []
    window.close()
