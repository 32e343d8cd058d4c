"""Settings: file, then environment, then flags; the later wins; a wrong one is named."""

from pathlib import Path

import pytest

from alciato.cli.contract import settings
from alciato.errors import UsageError
from alciato.settings import load_settings


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "alciato.toml"
    path.write_text('batch = 3\n[models]\nchat = "gguf:/a.gguf"\nocr = "packaged:tesseract"\n')
    return path


def test_flags_over_environment_over_file(file: Path, monkeypatch: pytest.MonkeyPatch):
    assert (load_settings().batch, load_settings().models.chat) == (3, "gguf:/a.gguf")
    monkeypatch.setenv("ALCIATO_BATCH", "4")
    monkeypatch.setenv("ALCIATO_MODELS__CHAT", "openai:m@http://127.0.0.1:1/v1")
    found = load_settings()
    assert (found.batch, found.models.chat) == (4, "openai:m@http://127.0.0.1:1/v1")
    assert found.models.ocr == "packaged:tesseract"  # what the environment does not name stays
    assert load_settings(batch=5, models={"chat": "hf:a/b"}).models.chat == "hf:a/b"
    assert load_settings(batch=None).batch == 4


def test_a_dotted_flag_changes_one_field_of_a_group(file: Path):
    found = settings(["models.chat=hf:x/y", "limits.pixels=9", "batch=7"], models={"ocr": "none:"})
    assert (found.models.chat, found.models.ocr, found.limits.pixels, found.batch) == ("hf:x/y", "none:", 9, 7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("batch=many", "'batch'.*integer"),
        ("limits.pixles=3", "'limits.pixles'"),
        ("nothing=3", "'nothing'"),
        ("batch", "has no '='"),
        ("runner=moon", "'runner'"),
    ],
)
def test_a_wrong_setting_is_named(change: str, message: str):
    with pytest.raises(UsageError, match=message):
        settings([change])


def test_a_broken_file_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alciato.toml").write_text("batch = [")
    with pytest.raises(UsageError, match=r"alciato\.toml"):
        load_settings()
