import os
import socket
import sys
import threading
import tracemalloc
from pathlib import Path

import pytest

import faults
from alciato.errors import UsageError
from alciato.item import Audio, Image, Post, Text, Video, media_hash
from alciato.settings import Limits
from alciato.sources import Skipped, scan
from media_samples import animation, clip, encoded, pdf, wav

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX files")


def split(found):
    found = list(found)
    return [x for x in found if isinstance(x, Post)], [x for x in found if isinstance(x, Skipped)]


def reasons(found):
    return {Path(x.path).name: x.reason for x in found if isinstance(x, Skipped)}


def sources(found):
    return [Path(x.item.source).name for x in found if isinstance(x, Post)]


def test_a_hundred_good_posts_are_taken_and_twenty_bad_files_reported_with_their_reasons(tmp_path):
    truth = faults.build(tmp_path / "posts")
    good, bad = split(scan([truth.folder]))
    assert len(good) == len(truth.good) == 100
    assert len({post.item.id for post in good}) == 100
    assert {Path(x.path).name: x.reason for x in bad} == truth.bad
    assert len(bad) == 20
    assert all(x.message.endswith(".") and x.row is None for x in bad)


def test_the_order_is_the_same_each_time_tables_first(tmp_path):
    truth = faults.build(tmp_path / "posts")
    once = [x.item.id if isinstance(x, Post) else x for x in scan([truth.folder])]
    assert once == [x.item.id if isinstance(x, Post) else x for x in scan([truth.folder])]
    names = [name for name in sources(scan([truth.folder])) if name.startswith("picture")]
    assert names == sorted(names)


def test_bytes_are_kept_as_they_are_under_their_hash(tmp_path):
    data = encoded("JPEG", 1)
    (tmp_path / "a.jpg").write_bytes(data)
    (post,), _ = split(scan([tmp_path]))
    assert post.media == {media_hash(data): data}
    assert post.item.parts[0].media == media_hash(data)
    assert post.item.metadata["source"] == str(tmp_path / "a.jpg")


def test_each_kind_becomes_the_part_that_it_is(tmp_path):
    files = {
        "a.jpg": encoded("JPEG"), "b.gif": encoded("GIF"), "c.gif": animation(), "d.webp": animation("WEBP"),
        "e.mp4": clip("mp4"), "f.mp3": clip("mp3"), "g.wav": wav(), "h.webm": clip("webm", pictures=False),
        "i.TXT": b"words", "j": encoded("PNG"),
    }  # fmt: skip
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    good, bad = split(scan([tmp_path]))
    assert not bad
    kinds = [type(post.item.parts[0]) for post in good]
    assert kinds == [Image, Image, Video, Video, Video, Audio, Audio, Audio, Text, Image]


def test_a_pdf_gives_the_words_and_the_picture_of_each_page(tmp_path):
    (tmp_path / "a.pdf").write_bytes(pdf(("The Martians arrive",), pages=2))
    (post,), _ = split(scan([tmp_path]))
    words, picture, _, second = post.item.parts
    assert (words.text, words.name) == ("The Martians arrive\npage 1", "a.pdf#page=1")
    assert (picture.width, picture.height, picture.mime) == (625, 417, "image/png")  # 300 x 200 points at 150 dpi
    assert second.name == "a.pdf#page=2"
    assert len(post.media) == 2


def test_a_huge_sheet_is_drawn_smaller(tmp_path):
    (tmp_path / "a.pdf").write_bytes(pdf(size=(14_400, 7_200)))
    (post,), _ = split(scan([tmp_path]))
    picture = post.item.parts[1]
    assert picture.width * picture.height <= 4_010_000


def test_hidden_files_and_version_control_are_left_out_in_silence(tmp_path):
    for name in (".hidden.txt", ".git/a.txt", "CVS/a.txt", "c.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"words of {name}")
    found = list(scan([tmp_path]))
    assert sources(found) == ["c.txt"]
    assert not reasons(found)
    assert sources(scan([tmp_path / ".hidden.txt"])) == [".hidden.txt"]  # asked for by name


def test_a_collection_is_reported_and_not_added(tmp_path):
    for name in ("mine/items.lance/_versions/1.txt", "mine/b.txt", "c.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"words of {name}")
    found = list(scan([tmp_path]))
    assert sources(found[-1:]) == ["c.txt"]
    assert [(one.reason, one.path) for one in found[:-1]] == [("collection", str(tmp_path / "mine"))]


@pytest.mark.parametrize("folder", [True, False])
def test_a_name_alone_makes_no_collection(tmp_path, folder):
    (tmp_path / "items.lance").mkdir() if folder else (tmp_path / "items.lance").touch()
    (tmp_path / "a.txt").write_text("words")
    found = list(scan([tmp_path]))
    assert sources([one for one in found if isinstance(one, Post)]) == ["a.txt"]


def test_paths_that_overlap_give_each_file_once(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/a.txt").write_text("words")
    assert len(list(scan([tmp_path, tmp_path / "deep", tmp_path / "deep/a.txt"]))) == 1


@posix
def test_links_are_followed_inside_the_folder_only(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "out.txt").write_text("outside")
    (tmp_path / "in/a.txt").write_text("inside")
    (tmp_path / "in/again.txt").symlink_to("a.txt")
    (tmp_path / "in/secret.txt").symlink_to(tmp_path / "out.txt")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    (tmp_path / "in/up").symlink_to(tmp_path)
    (tmp_path / "in/dead.txt").symlink_to("nowhere.txt")
    (tmp_path / "in/self.txt").symlink_to("self.txt")
    found = list(scan([tmp_path / "in"]))
    assert [x.item.parts[0].text for x in found if isinstance(x, Post)] == ["inside"]
    expected = {"secret.txt": "outside-folder", "up": "outside-folder", "dead.txt": "missing-file"}
    assert reasons(found) == expected | {"self.txt": "unreadable"}


@posix
def test_pipes_devices_and_sockets_do_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    os.mkfifo(tmp_path / "pipe.jsonl")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.txt"))
        (tmp_path / "a.txt").write_text("words")
        found = list(scan([tmp_path, "/dev/null", "/dev/zero"]))
    assert sources(found) == ["a.txt"]
    assert set(reasons(found).values()) == {"not-a-file"}
    assert len(reasons(found)) == 5


@posix
def test_a_file_that_becomes_a_pipe_after_the_listing_does_not_block(tmp_path):
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "b.txt").write_text("second")
    found = scan([tmp_path])
    assert isinstance(next(found), Post)
    (tmp_path / "b.txt").unlink()
    os.mkfifo(tmp_path / "b.txt")
    assert reasons(found) == {"b.txt": "not-a-file"}


def test_a_file_that_vanishes_after_the_listing_is_reported(tmp_path):
    (tmp_path / "a.txt").write_text("first")
    (tmp_path / "b.txt").write_text("second")
    found = scan([tmp_path])
    next(found)
    (tmp_path / "b.txt").unlink()
    assert reasons(found) == {"b.txt": "missing-file"}


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_reported(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o000)
    (tmp_path / "a.txt").write_text("words")
    (tmp_path / "a.txt").chmod(0o000)
    found = list(scan([tmp_path]))
    (tmp_path / "locked").chmod(0o700)
    assert reasons(found) == {"locked": "unreadable", "a.txt": "unreadable"}


def test_refusals_of_the_system_are_reported(tmp_path, monkeypatch):
    (tmp_path / "locked").mkdir()
    (tmp_path / "a.txt").write_text("words")
    plain_open, plain_scan = os.open, os.scandir

    def refused(path, flags):
        if Path(path).name == "a.txt":
            raise PermissionError(13, "Permission denied")
        return plain_open(path, flags)

    def refused_folder(path):
        if Path(path).name == "locked":
            raise PermissionError(13, "Permission denied")
        return plain_scan(path)

    monkeypatch.setattr(os, "open", refused)
    monkeypatch.setattr(os, "scandir", refused_folder)
    assert reasons(scan([tmp_path])) == {"locked": "unreadable", "a.txt": "unreadable"}


@posix
def test_names_with_line_feeds_and_invalid_bytes(tmp_path):
    (tmp_path / "two\nlines.txt").write_text("words")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.txt")).write_text("other words")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xfe.png")).write_bytes(b"")
    good, bad = split(scan([tmp_path]))
    assert len(good) == 2
    assert [x.reason for x in bad] == ["empty"]
    for post in good:
        assert post.item.model_dump_json()
    bad[0].path.encode()


def test_a_path_that_does_not_exist_does_not_stop_the_others(tmp_path):
    (tmp_path / "a.txt").write_text("words")
    found = list(scan([tmp_path / "nothing", tmp_path]))
    assert reasons(found) == {"nothing": "missing-file"}
    assert sources(found) == ["a.txt"]


def test_sizes_are_limited_before_reading(tmp_path):
    with (tmp_path / "sparse.mp4").open("wb") as file:
        file.write(clip("mp4"))
        file.truncate(10 * 2**30)
    tracemalloc.start()
    assert reasons(scan([tmp_path])) == {"sparse.mp4": "too-large"}
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_limits_are_settings(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    (tmp_path / "b.wav").write_bytes(wav(seconds=0.5))
    (tmp_path / "c.gif").write_bytes(animation(frames=4))
    (tmp_path / "d.pdf").write_bytes(pdf(pages=3))
    limits = Limits(pixels=2000, seconds=0.4, frames=3, pages=2)
    expected = {"a.png": "too-many-pixels", "b.wav": "too-long", "c.gif": "too-many-frames", "d.pdf": "too-many-pages"}
    assert reasons(scan([tmp_path], limits)) == expected


def test_only_one_file_is_in_memory_at_a_time(tmp_path):
    for number in range(20):
        (tmp_path / f"{number}.bmp").write_bytes(encoded("BMP", number, (600, 500)))  # 0.9 MB each
    tracemalloc.start()
    for _ in scan([tmp_path]):
        pass
    assert tracemalloc.get_traced_memory()[1] < 6 * 2**20
    tracemalloc.stop()


def test_an_unknown_field_in_the_mapping_is_a_usage_error(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(UsageError, match=r"'imgae'.*Did you mean 'image'"):
        list(scan([tmp_path], mapping={"imgae": "x"}))


def test_encodings_of_text(tmp_path):
    text = "Grüße, মঙ্গল 🪐"
    for number, encoding in enumerate(("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32")):
        mark = "\ufeff" if encoding == "utf-16-le" else ""
        (tmp_path / f"{number}.txt").write_bytes((mark + text).encode(encoding))
    good, bad = split(scan([tmp_path]))
    assert [post.item.parts[0].text for post in good] == [text] * 5
    assert not bad


def test_scanning_in_a_thread_is_no_different(tmp_path):
    (tmp_path / "a.gif").write_bytes(animation())
    counts = []
    thread = threading.Thread(target=lambda: counts.append(len(list(scan([tmp_path])))))
    thread.start()
    thread.join()
    assert counts == [1]
