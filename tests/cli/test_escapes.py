"""No command prints what a terminal obeys or hides, whatever posts, files, settings and plug-ins hold.

Every command of the command line is run, as a function, over a collection in which each field holds such characters.
"""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
import sys
import unicodedata
import warnings
from datetime import UTC, datetime

import pytest
from PIL import Image as Pictures
from skimage import data
from typer.main import get_command

from alciato.ask import Citation, Reply, Sentence
from alciato.cli import main
from alciato.demo.result import CopyFigures
from alciato.errors import ModelError
from alciato.experiments import EXPERIMENTS
from alciato.item import Finding, Item, Link, Post, Reading, Span, Text, Verdict
from alciato.judge import STRATEGIES
from alciato.judge.calibration import CURVES
from alciato.judge.strategies.prototype import Prototype
from alciato.models.runtime import SCHEMES
from alciato.printable import ESCAPED, JOINERS
from alciato.settings import Limits
from alciato.sources import scan
from alciato.store import Collection
from alciato.world import registry as kinds
from fake_experiment import declared
from read.doubles import Named, SizedOcr
from search_doubles import WordEncoder, encode

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="file names cannot hold these characters there")

MARK = "owned"
BAD = f"\x1b]0;{MARK}\x07\x9b31m\u202egnp\u2066\u200b\x1b[2J"
"""Sets the title, colours by a one-byte CSI, turns the direction of text, hides a letter, clears the screen."""
LINE = f"Kittens {BAD}\r\x08 and the\u2028cat\x85 sat"
PATHLIKE = f"c\u202e{MARK}\u200b"
"""What the store takes in a path: it refuses control characters."""
POLICY = {
    "name": "small",
    "version": BAD,
    "description": BAD,
    "groups": [{"name": BAD, "words": ["kittens"]}],
    "categories": [
        {
            "id": "hate",
            "title": f"Attack {BAD}",
            "definition": LINE,
            "thresholds": {"review": 0.1, "remove": 0.2},
            "action": "remove",
            "examples": [LINE],
            "counterexamples": [f"dogs {BAD}"],
        }
    ],
}


class Encoder(WordEncoder):
    name = f"double:{BAD}"


class BadOcr(SizedOcr):
    """Reads a line of such characters; fails on some pictures with a message of them."""

    def recognise(self, picture):
        if picture.width < 100:
            raise ModelError(LINE)
        return [Finding(text=LINE, raw=BAD, confidence=0.5)]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with a collection, posts to add, a policy and settings."""
    root = tmp_path_factory.mktemp("bad")
    posts = root / "posts"
    (posts / BAD).mkdir(parents=True)
    photograph = Pictures.fromarray(data.astronaut())
    photograph.resize((300, 300)).save(posts / f"one{BAD}.png")
    photograph.resize((200, 200)).save(posts / BAD / "two.jpg")
    photograph.resize((64, 64)).save(posts / f"small{BAD}.png")
    (posts / f"broken{BAD}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (posts / f"note{BAD}.txt").write_text(LINE)
    labelled = [{"id": f"p{n}", "text": f"{n} {BAD}", "author": BAD, "label": f"{n % 2}{BAD}"} for n in range(40)]
    table = [*labelled, {"id": BAD, "text": LINE, BAD: {BAD: [BAD]}}, {"id": "x", "image": f"none{BAD}.png"}]
    (root / f"posts{BAD}.jsonl").write_text("\n".join(map(json.dumps, table)))
    (root / f"policy{BAD}.yaml").write_text(json.dumps(POLICY))
    (root / f"wrong{BAD}.yaml").write_text(json.dumps({"name": BAD, BAD: BAD}))
    (root / "trusting").mkdir()
    (root / "trusting" / "alciato.toml").write_text(f'collection = "s3://{PATHLIKE}"\n[keys]\n"{PATHLIKE}" = "k"\n')
    _fill(Collection.open(root / PATHLIKE), posts)
    return root


def _fill(collection, posts):
    encoder, now = Encoder(), datetime.now(UTC)
    collection.add(post for post in scan([posts], Limits()) if isinstance(post, Post))
    item = Item(
        id=f"post{BAD}",
        parts=(Text(text=LINE, name=BAD),),
        metadata={"author": BAD, "label": BAD, "source": f"/posts/{BAD}.txt", BAD: BAD, "more": {BAD: [BAD]}},
        links=(Link(kind=BAD, target=BAD),),
    )
    collection.add([Post(item)])
    told = {"item": item.id, "part": 0, "model": BAD, "version": BAD}
    finding = Finding(text=LINE, label=BAD, value=BAD)
    collection.save_readings(
        [Reading(kind="caption", findings=(finding,), **told), Reading(kind="nudity", error=LINE, **told)]
    )
    encode(collection, encoder)
    verdict = {"policy": BAD, "model": BAD, "strategy": BAD, "judged_at": now, "target": BAD, "reasons": (LINE,)}
    span = Span(part=0, kind="body", text=LINE)
    collection.save_verdicts(
        [Verdict(item=item.id, source=BAD, decision="remove", scores={BAD: 0.9}, evidence=(span,), **verdict)]
    )


REPLY = Reply(
    question=LINE,
    found=True,
    sentences=(Sentence(text=LINE, citations=(1,)),),
    citations=(Citation(number=1, item=BAD, span=Span(part=0, kind=BAD, text=LINE, start=1), source=BAD, author=BAD),),
    model=BAD,
    dropped=1,
)


class BadStrategy(Prototype):
    """A strategy of a plug-in."""


@pytest.fixture
def place(prepared, tmp_path, monkeypatch):
    """A copy of the folder to work in, with models and plug-ins whose names are such."""
    place = tmp_path / "here"
    shutil.copytree(prepared, place)
    monkeypatch.chdir(place)
    monkeypatch.setenv("ALCIATO_COLLECTION", str(place / PATHLIKE))
    monkeypatch.setenv("ALCIATO_MODELS__ENCODER", f"double:{BAD}")
    monkeypatch.setenv("ALCIATO_MODELS__OCR", "double:ocr")
    monkeypatch.setattr("alciato.judge.strategies.prototype.curves_for", lambda *_: CURVES)  # it counts words only
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("ALCIATO_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(SCHEMES.registered_members, "double", "read.doubles:load_double")
    monkeypatch.setattr(Named, "models", {BAD: Encoder(), "ocr": BadOcr()})
    monkeypatch.setattr("alciato.memory.limit_malloc_arenas", lambda: None)
    monkeypatch.setattr(
        "alciato.demo.run_demo",
        lambda folder, settings, say: say(LINE) or CopyFigures(pairs=1, found=1, false=0, recall=1),
    )
    monkeypatch.setattr("alciato.library.Library.ask", lambda *_, **__: REPLY)
    kind = kinds.KINDS.get("scene")
    monkeypatch.setitem(kinds.KINDS.registered_members, BAD, kinds.Kind(BAD, LINE, kind.compose, kind.truth))
    with STRATEGIES.registered(BAD, BadStrategy), EXPERIMENTS.registered(BAD, declared(name=BAD, claim=LINE)):
        yield place


ITEM = "post"  # the beginning of an id
RUNS = {
    "add": [["posts", f"posts{BAD}.jsonl", "--collection", f"new{PATHLIKE}"], [BAD], ["posts", "--map", f"text={BAD}"]],
    "read": [["--retry"], ["--kind", BAD], ["--item", BAD], ["--set", BAD], ["--set", f"models.encoder=gguf:{BAD}"]],
    "status": [[], ["--collection", f"s3://{BAD}"], ["--collection", f"none{BAD}"], ["--config", BAD]],
    "show": [[ITEM], [BAD]],
    "export": [[f"out{BAD}", "--item", ITEM], [f"out{BAD}", "--where", f"author = '{BAD}' or"]],
    "remove": [["--item", ITEM, "--yes"], ["--since", BAD], ["--where", f"{BAD} = 1"], ["--yes", "--item", BAD]],
    "embed": [["--encoder", f"double:{BAD}"], ["--encoder", BAD]],
    "doctor": [[]],
    "search": [["kittens"], [LINE], ["--image", f"{BAD}.png"], ["--image", f"posts/one{BAD}.png"], [f"--{BAD}"]],
    "similar": [[ITEM], [BAD]],
    "duplicates": [[]],
    "ask": [[LINE]],
    "judge": [
        ["--policy", f"policy{BAD}.yaml", "--report", f"report{BAD}.html"],
        ["--policy", f"wrong{BAD}.yaml"],
        ["--policy", BAD],
        ["--strategy", f"{BAD}x"],
        ["--strategy", BAD, "--policy", f"policy{BAD}.yaml"],
    ],
    "models": [[], ["install", BAD], ["install", "open-nsfw", "--from", BAD], ["remove", BAD], [BAD]],
    "trust": [[BAD], ["trusting"]],
    "demo": [[BAD], ["--set", f"{BAD}=1"], ["--set", f"device={BAD}"]],
    "learn judge": [
        [f"posts{BAD}.jsonl", "--strategy", "modular", "--dry-run"],
        [f"posts{BAD}.jsonl", "--strategy", "modular", "--dry-run", "--classes", BAD],
        [f"posts{BAD}.jsonl", "--strategy", "modular", "--dry-run", "--option", f"{BAD}=1"],
    ],
    "learn reader": [["posts", "--strategy", BAD, "--dry-run"], ["posts", "--strategy", "memetector", "--out", BAD]],
    "learn list": [[]],
    "world make": [["scene", "-n", "1", "--out", f"made{BAD}"], [BAD + "x", "--out", "o"], ["scene", f"--{BAD}"]],
    "world show": [["scene", "-n", "1", "--out", f"sheet{BAD}.png"], ["scene", "--option", f"family={BAD}"]],
    "world kinds": [[]],
    "experiments list": [[]],
    "experiments run": [[BAD + "x"]],
    "experiments report": [["--out", f"page{BAD}.md", "--results", BAD]],
}
"""For each command the arguments of its runs."""
NOTHING_OF_POSTS = {"learn list"}
"""Commands that print nothing which comes from elsewhere."""


def commands(command=None, path=""):
    for name, inner in (command or get_command(main.app)).commands.items():
        if hasattr(inner, "commands"):
            yield from commands(inner, f"{path}{name} ")
        else:
            yield f"{path}{name}"


def test_every_command_is_run_here():
    assert set(RUNS) == set(commands())


def unsafe(text):
    """Characters that a terminal obeys or hides, but for line breaks."""
    return {one for one in text if one != "\n" and one not in JOINERS and unicodedata.category(one) in ESCAPED}


SLOW = {
    ("learn reader", "table"),
    ("learn reader", "json"),
    ("learn judge", "table"),
    ("learn judge", "json"),
    ("experiments list", "json"),
}
FORMS = [
    pytest.param(command, form, marks=[pytest.mark.slow] if (command, form) in SLOW else [])
    for command in RUNS
    for form in ("table", "json")
]


@pytest.mark.parametrize(("command", "form"), FORMS)
def test_no_command_prints_what_a_terminal_obeys(command, form, place, capsys):
    if command == "doctor":
        shutil.rmtree(place / PATHLIKE / "segments.lance")
    whole = ""
    for arguments in RUNS[command]:
        main.run([*command.split(), *arguments, *(["--json"] if form == "json" else [])])
        said = "".join(capsys.readouterr())
        assert said
        assert unsafe(said) == set(), arguments
        whole += said
    assert command in NOTHING_OF_POSTS or MARK in whole, "nothing was printed of what is tested"


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


OWN = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
"""What rich writes for colours, and for bars of progress."""


@pytest.mark.parametrize("command", ["add", "show", "search", "judge", "ask", "status", "duplicates", "world kinds"])
def test_on_a_terminal_only_the_colours_and_bars_of_our_own_are_escapes(command, place, monkeypatch):
    streams = Tty(), Tty()
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    monkeypatch.setenv("TERM", "xterm-256color")
    main.run([*command.split(), *RUNS[command][0]])
    said = "".join(stream.getvalue() for stream in streams)
    assert OWN.search(said)
    assert unsafe(OWN.sub("", said)) <= {"\r"}  # a bar goes back to the start of its line


def test_what_libraries_log_or_warn_is_safe_to_print(capsys, monkeypatch):
    def warning(*_, **__):
        logging.getLogger("alciato.models").warning("server said %s", LINE)
        warnings.warn(LINE, stacklevel=1)

    monkeypatch.setattr("alciato.settings.trust_folder", warning)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with pytest.raises(TypeError):
            main.run(["trust"])
    said = capsys.readouterr().err
    assert said.count(MARK) == 2
    assert unsafe(said) == set()


def test_the_traceback_of_a_defect_is_safe_to_print(capsys):
    try:
        raise ValueError(LINE)
    except ValueError as error:
        main._print_traceback(type(error), error, error.__traceback__)
    said = capsys.readouterr().err
    assert MARK in said
    assert unsafe(said) == set()
