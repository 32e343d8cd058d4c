"""`alciato learn` obeys the settings as every other command does."""

import json

import pytest

pytest.importorskip("torch")
from typer.testing import CliRunner

from alciato.cli.main import app
from alciato.errors import AlciatoError
from alciato.learn import TRAINABLE
from alciato.models.offline import Offline


class Seen(AlciatoError):
    """Raised by the strategy of these tests once it has its request."""


@pytest.fixture
def table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [{"id": f"p{n}", "text": f"post number {n}", "label": "ab"[n % 2]} for n in range(40)]
    (tmp_path / "posts.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path / "posts.jsonl"


@pytest.fixture
def learn(table):
    """Run `learn judge` with a strategy that keeps its request; return the settings of its runtime and its options."""
    kept = []

    def seen(request):
        kept.append(request)
        raise Seen("seen")

    def call(*options):
        with TRAINABLE["judge"].registered("seen", seen):
            given = ["learn", "judge", str(table), "--strategy", "seen", "--dry-run", *options]
            done = CliRunner().invoke(app, given)
        assert isinstance(done.exception, Seen), done.output
        return kept[-1].runtime.settings, kept[-1]

    return call


def test_settings_by_flag_file_and_environment_reach_the_strategy(learn, tmp_path, monkeypatch):
    (tmp_path / "mine.toml").write_text('dtype = "bfloat16"\n[models]\nocr = "packaged:tesseract"\n')
    monkeypatch.setenv("ALCIATO_THREADS", "1")
    settings, request = learn("--config", "mine.toml", "--set", "limits.pages=3", "--option", "epochs=7")
    assert (settings.dtype, settings.models.ocr) == ("bfloat16", "packaged:tesseract")
    assert (settings.limits.pages, settings.threads) == (3, 1)
    assert request.config().precision == "bfloat16"
    assert request.config().epochs == 7


def test_offline_opens_no_collection_on_object_storage(monkeypatch):
    monkeypatch.setattr("alciato.models.offline.guard_process", lambda: None)
    given = ["learn", "judge", "s3://bucket/posts", "--strategy", "modular", "--dry-run", "--offline"]
    assert isinstance(CliRunner().invoke(app, given).exception, Offline)
