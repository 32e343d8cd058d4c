"""Worker processes: as many as asked for or as cores, within cores, memory and work."""

import pytest

from alciato.models import ModelInfo, workers
from alciato.models.workers import worker_count
from alciato.settings import Settings

SMALL = ModelInfo("packaged:small", "Ocr", "1", size_bytes=2**20)


@pytest.mark.parametrize(
    ("asked", "cores", "batches", "count"),
    [(None, 4, 9, 4), (3, 4, 9, 3), (8, 4, 9, 4), (None, 4, 2, 2), (None, 1, 9, 1), (2, 1, 9, 2), (4, 1, 9, 2)],
)
def test_they_are_those_asked_for_within_cores_and_work(asked, cores, batches, count, monkeypatch):
    monkeypatch.setattr(workers, "cores", lambda: cores)
    assert worker_count(Settings(workers=asked), [SMALL], batches) == count


def test_a_model_on_an_accelerator_or_one_that_fills_the_memory_has_one(monkeypatch):
    monkeypatch.setattr(workers, "cores", lambda: 4)
    on_card = ModelInfo("hf:a/b", "Encoder", "1", device="cuda")
    large = ModelInfo("gguf:large", "Chat", "1", size_bytes=2**50)
    for model in (on_card, large):
        assert worker_count(Settings(), [SMALL, model], 9) == 1
