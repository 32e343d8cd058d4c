"""`read` on a collection: everything once, again only what changed, stopped at any moment without harm."""

import random
import signal
import subprocess
import sys
import time

import pytest

from alciato.errors import ModelError, UsageError
from alciato.executor import run
from alciato.item import Audio, Image, Item, Post, Text, Video, media_hash
from alciato.models import Runtime, workers
from alciato.models.runtime import SCHEMES
from alciato.progress import Progress
from alciato.read import pipeline, read, read_post, unread
from alciato.settings import Models, Settings
from alciato.store import Collection
from media_samples import animation, encoded, wav
from read.doubles import LettersEncoder, Named, SizedOcr

MODELS = Models(encoder="double:letters", ocr="double:ocr", transcriber=None, nudity=None)


@pytest.fixture
def settings(monkeypatch):
    """Settings whose models are doubles; nothing that was loaded before is kept."""
    monkeypatch.setitem(SCHEMES.registered_members, "double", "read.doubles:load_double")
    Named.models = {"letters": LettersEncoder(), "ocr": SizedOcr()}
    Named.loaded.clear()
    return Settings(models=MODELS, tesseract=(), batch=4)


def post(number):
    data = encoded("PNG", number, (60 + number, 40))
    picture = Image(media=media_hash(data), mime="image/png", width=60 + number, height=40)
    return Post(Item(id=f"i{number:03d}", parts=(Text(text=f"number {number}"), picture)), {media_hash(data): data})


def collection(folder, count=10):
    made = Collection.open(folder)
    made.add(post(number) for number in range(count))
    return made


def vectors(collection):
    """Vectors by fingerprint of the encoder and id of the segment."""
    return {
        encoder.fingerprint: {
            row["id"]: row["vector"] for row in collection.table(encoder.table).search().limit(None).to_list()
        }
        for encoder in collection.encoders()
    }


def contents(collection):
    """All that reading leaves, but for the times at which it did."""
    readings = sorted(
        reading.model_copy(update={"read_at": None}).model_dump_json() for reading in collection.readings()
    )
    segments = collection.table("segments").search().limit(None).to_arrow().sort_by("id").to_pylist()
    return readings, segments, vectors(collection)


def test_everything_is_read_once(tmp_path, settings):
    made = collection(tmp_path)
    told: list[Progress] = []
    summary = read(made, Runtime(settings), report=told.append)
    assert (summary.items, summary.failed) == (10, [])
    assert summary.readings == 10 * 6  # language of the text, words, hash, language of the words; segment, encode
    assert (told[0].done, told[-1].done, told[-1].total) == (0, 10, 10)
    segments = {segment.id: segment for segment in made.segments()}
    assert segments["i003/1/ocr/0"].text == "63 by 40"
    assert segments["i003/1/picture/0"].pdq is not None
    assert Named.models["ocr"].asked == 10
    again = read(made, Runtime(settings))
    assert (again.items, Named.models["ocr"].asked) == (0, 10)


def test_every_text_has_its_vector(tmp_path, settings):
    made = collection(tmp_path)
    read(made, Runtime(settings))
    assert set(vectors(made)["1"]) == {segment.id for segment in made.segments() if segment.text}


def test_a_better_model_reads_only_what_it_changes(tmp_path, settings):
    made = collection(tmp_path)
    read(made, Runtime(settings))
    Named.models["ocr"].fingerprint = "2"
    summary = read(made, Runtime(settings))
    assert summary.items == 10
    assert {reading.version[0] for reading in made.readings(kinds=["ocr"])} == {"2"}
    assert summary.readings == 20  # words, and their language


def test_new_items_are_read_alone(tmp_path, settings):
    made = collection(tmp_path)
    read(made, Runtime(settings))
    made.add([post(100)])
    assert unread(made, Runtime(settings)) == ["i100"]
    assert read(made, Runtime(settings)).items == 1


def test_again_reads_everything_and_changes_nothing(tmp_path, settings):
    made = collection(tmp_path)
    read(made, Runtime(settings))
    before = contents(made)
    assert read(made, Runtime(settings), again=True).items == 10
    assert contents(made) == before


def test_kinds_restrict_what_is_read(tmp_path, settings):
    made = collection(tmp_path)
    assert read(made, Runtime(settings), kinds=["pdq"]).readings == 10
    assert {reading.kind for reading in made.readings()} == {"pdq"}
    read(made, Runtime(settings))
    assert {segment.kind for segment in made.segments()} == {"body", "ocr", "picture"}


@pytest.mark.parametrize("kind", ["shots", "pdq", "ocr", "language", "encode"])
def test_reading_one_kind_again_loses_no_segment(tmp_path, settings, kind):
    film = animation(frames=6)
    clip = Video(media=media_hash(film), mime="image/gif", width=48, height=32, duration=1.2)
    made = collection(tmp_path, 2)
    made.add([Post(Item(id="clip", parts=(Text(text="a film"), clip)), {clip.media: film})])
    read(made, Runtime(settings))
    before = contents(made)
    assert {segment.kind for segment in made.segments(["clip"])} == {"body", "frame", "ocr"}
    read(made, Runtime(settings), kinds=[kind], again=True)
    assert contents(made) == before


def test_an_unknown_kind_names_the_nearest(tmp_path, settings):
    with pytest.raises(UsageError, match="Did you mean 'speech'"):
        read(collection(tmp_path, 1), Runtime(settings), kinds=["speach"])


def test_what_failed_is_kept_and_read_again_on_request(tmp_path, settings):
    Named.models["ocr"].fails_at = 65
    made = collection(tmp_path)
    summary = read(made, Runtime(settings))
    assert [(one.item, one.kind, one.error) for one in summary.failed] == [
        ("i005", "ocr", "RuntimeError: the model fell over")
    ]
    assert read(made, Runtime(settings)).items == 0
    Named.models["ocr"].fails_at = None
    assert read(made, Runtime(settings), retry=True).items == 1
    assert [reading.error for reading in made.readings(["i005"])] == [None] * 6


def test_an_empty_collection_is_read_at_once(tmp_path, settings):
    assert read(Collection.open(tmp_path), Runtime(settings)).items == 0


def test_every_type_of_part_goes_through(tmp_path, settings):
    film, voice = animation(frames=6), wav()
    parts = (
        Video(media=media_hash(film), mime="image/gif", width=48, height=32, duration=1.2),
        Audio(media=media_hash(voice), mime="audio/wav", duration=0.5),
        Image(media="00" * 32, mime="image/png", width=1, height=1),
    )
    made = Collection.open(tmp_path)
    made.add([Post(Item(id="i", parts=parts), {media_hash(film): film, media_hash(voice): voice})])
    summary = read(made, Runtime(settings))
    assert {(one.part, one.kind) for one in summary.failed} == {(2, "ocr"), (2, "pdq")}  # its bytes are missing
    assert {reading.kind for reading in made.readings()} == {"shots", "pdq", "ocr", "language", "segment", "encode"}


def test_a_post_is_read_without_a_collection(settings):
    readings = read_post(post(7), Runtime(settings))
    assert {(one.part, one.kind) for one in readings} == {(0, "language"), (1, "ocr"), (1, "pdq"), (1, "language")}
    assert next(one for one in readings if one.kind == "ocr").findings[0].text == "67 by 40"


@pytest.mark.slow
def test_workers_find_what_one_process_finds(tmp_path, settings):
    alone, together = collection(tmp_path / "alone", 22), collection(tmp_path / "together", 22)
    read(alone, Runtime(settings.model_copy(update={"workers": 1})))
    Named.loaded.clear()
    summary = read(together, Runtime(settings.model_copy(update={"workers": 2})))
    assert (summary.items, summary.readings, summary.failed) == (22, 22 * 6, [])
    assert contents(together) == contents(alone)
    assert Named.loaded == []  # the workers have the models, this process needs none


@pytest.mark.slow
def test_a_picture_that_kills_a_worker_is_reported_and_all_others_are_read(tmp_path, settings):
    models = MODELS.model_copy(update={"ocr": "double:killer"})
    made = collection(tmp_path, 12)
    workers = settings.model_copy(update={"models": models, "workers": 2})
    summary = read(made, Runtime(workers))
    assert summary.items == 12
    assert {one.item for one in summary.failed} == {"i005"}
    assert all(one.error.startswith("worker-died: ") and "SIGKILL" in one.error for one in summary.failed)
    assert {one.item for one in made.readings(kinds=["ocr"]) if one.error is None} == {
        f"i{number:03d}" for number in range(12) if number != 5
    }
    assert read(made, Runtime(workers)).items == 0  # not again and again
    assert read(made, Runtime(settings.model_copy(update={"models": models})), retry=True).failed == []


def test_few_items_are_read_in_this_process_and_many_in_workers(tmp_path, settings, monkeypatch):
    started = []

    def watched(task, batches, *, workers, runner):
        started.append(workers)
        return run(task, batches, workers=1, runner=runner)

    monkeypatch.setattr(pipeline, "run", watched)
    monkeypatch.setattr(workers, "cores", lambda: 3)
    read(collection(tmp_path / "few", 4), Runtime(settings))
    assert started == []
    read(collection(tmp_path / "many", 40), Runtime(settings))
    assert started == [3]
    monkeypatch.setattr(workers, "PROCESS_BYTES", 2**50)  # no memory for a second worker
    read(collection(tmp_path / "large", 40), Runtime(settings))
    assert started == [3]


def test_nothing_to_read_loads_no_model(tmp_path, settings):
    made = collection(tmp_path, 2)
    read(made, Runtime(settings))
    assert set(Named.loaded) == {"letters", "ocr"}
    Named.loaded.clear()
    runtime = Runtime(settings)
    assert read(made, runtime).items == 0
    assert unread(made, runtime) == []
    assert Named.loaded == []


def test_only_the_models_that_the_work_needs_are_loaded(tmp_path, settings):
    made = collection(tmp_path, 2)
    read(made, Runtime(settings), kinds=["pdq", "language"])
    assert Named.loaded == []
    read(made, Runtime(settings), kinds=["ocr"])
    assert set(Named.loaded) == {"ocr", "letters"}  # words that are found are encoded


def test_a_model_that_cannot_be_loaded_is_an_error_and_no_reading(tmp_path, settings, monkeypatch):
    def broken(rest, kind, runtime):
        raise ModelError(f"the weights of {rest} are broken.")

    monkeypatch.setattr("read.doubles.load_double", broken)
    made = collection(tmp_path, 2)
    with pytest.raises(ModelError, match="the weights of"):
        read(made, Runtime(settings))
    assert list(made.readings()) == []


@pytest.mark.slow
def test_an_interrupted_run_keeps_what_was_read(tmp_path, settings):
    made = collection(tmp_path, 30)

    def interrupt(progress):
        if progress.done >= 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read(made, Runtime(settings), report=interrupt)
    kept = len({reading.item for reading in made.readings(kinds=["encode"])})
    assert 12 <= kept < 30
    assert read(made, Runtime(settings)).items == 30 - kept


CHILD = """
import sys
sys.path.insert(0, sys.argv[2])
from alciato.models import Runtime
from alciato.models.runtime import SCHEMES
from read.doubles import LettersEncoder, Named, SizedOcr
import time
class Slow(SizedOcr):
    def recognise(self, picture):
        time.sleep(0.02)
        return super().recognise(picture)
SCHEMES.register("double", "read.doubles:load_double")
Named.models = {"letters": LettersEncoder(), "ocr": Slow()}
from alciato.read import pipeline
from alciato.settings import Models, Settings
from alciato.store import Collection
pipeline.SAVE_ITEMS = 8
models = Models(encoder="double:letters", ocr="double:ocr", transcriber=None, nudity=None)
settings = Settings(models=models, tesseract=(), batch=4)
print("ready", flush=True)
print(pipeline.read(Collection.open(sys.argv[1]), Runtime(settings)).items, flush=True)
"""


@pytest.mark.slow
def test_killed_five_times_and_finished_it_equals_an_undisturbed_run(tmp_path, settings, pytestconfig):
    wait = random.Random(7)
    made = collection(tmp_path / "killed", 120)
    command = [sys.executable, "-c", CHILD, str(tmp_path / "killed"), str(pytestconfig.rootpath / "tests")]
    for _ in range(5):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout.readline() == "ready\n"
            time.sleep(wait.uniform(0.3, 2.5))
            child.send_signal(signal.SIGKILL)
    finished = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert 0 <= int(finished.split()[-1]) <= 120
    undisturbed = collection(tmp_path / "whole", 120)
    read(undisturbed, Runtime(settings))
    assert contents(made) == contents(undisturbed)


@pytest.mark.slow
def test_ray_runs_the_same_plan(tmp_path):
    pytest.importorskip("ray")
    program = (
        "import sys; from alciato.models import Runtime; from alciato.read import read;"
        "from alciato.store import Collection;"
        "from alciato.settings import Models, Settings;"
        "models = Models(ocr=None, transcriber=None, nudity=None);"
        "print(read(Collection.open(sys.argv[1]), Runtime(Settings(runner=sys.argv[2], models=models, batch=4))).items)"
    )
    made = {runner: collection(tmp_path / runner, 12) for runner in ("native", "ray")}
    for runner in made:
        command = [sys.executable, "-c", program, str(tmp_path / runner), runner]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        assert done.stdout.split()[-1:] == ["12"], done.stderr[-2000:]
    assert contents(made["ray"]) == contents(made["native"])


CALLS_NOBODY = """
import socket, sys
asked = []
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **names: asked.append(host) or resolve(host, *rest, **names)
from alciato.models import Runtime
from alciato.read import read
from alciato.settings import Models, Settings
from alciato.store import Collection
models = Models(ocr=None, transcriber=None, nudity=None)
print(read(Collection.open(sys.argv[1]), Runtime(Settings(models=models))).items, asked)
"""


@pytest.mark.slow
def test_reading_calls_nobody(tmp_path):
    collection(tmp_path, 2)
    command = [sys.executable, "-c", CALLS_NOBODY, str(tmp_path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "2 []"
    assert done.stderr.strip() == ""


class CountingEncoder(LettersEncoder):
    """Counts what it encodes."""

    def __init__(self, name, fingerprint):
        self.name, self.fingerprint, self.encoded = name, fingerprint, 0

    def encode(self, inputs, *, role="document", instruction=None):
        self.encoded += len(inputs)
        return super().encode(inputs, role=role, instruction=instruction)


def test_switching_encoders_back_and_forth_encodes_nothing_twice(tmp_path, settings):
    first = Named.models["letters"] = CountingEncoder("double:letters", "1")
    second = Named.models["others"] = CountingEncoder("double:others", "2")
    other = settings.model_copy(update={"models": MODELS.model_copy(update={"encoder": "double:others"})})
    made = collection(tmp_path)
    read(made, Runtime(settings))
    assert read(made, Runtime(other), kinds=["encode"]).items == 10
    kept = contents(made)
    assert {key: len(rows) for key, rows in kept[2].items()} == {"1": 20, "2": 20}
    assert (first.encoded, second.encoded) == (20, 20)
    for one in (settings, other, settings):
        assert read(made, Runtime(one)).items == 0
    assert (first.encoded, second.encoded) == (20, 20)
    assert Named.models["ocr"].asked == 10
    made.add([post(100)])
    assert read(made, Runtime(other)).items == 1
    assert read(made, Runtime(settings)).items == 1  # the new post alone, by the first encoder
    assert (first.encoded, second.encoded) == (22, 22)


def test_naming_another_encoder_drops_nothing_when_other_kinds_are_read(tmp_path, settings):
    made = collection(tmp_path)
    read(made, Runtime(settings))
    before = vectors(made)
    Named.models["others"] = CountingEncoder("double:others", "2")
    other = settings.model_copy(update={"models": MODELS.model_copy(update={"encoder": "double:others"})})
    read(made, Runtime(other), kinds=["ocr"], again=True)
    assert vectors(made)["1"] == before["1"]
    assert read(made, Runtime(settings)).items == 0
