"""Adapters begin as nothing, train alone, merge to the same function, and travel as safetensors."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from alciato.errors import ModelError, UsageError  # noqa: E402
from alciato.learn import Classification, Trainer, TrainingConfig, seed_everything  # noqa: E402
from alciato.learn.adapters import (  # noqa: E402
    AdapterConfig,
    add_adapter,
    load_adapter,
    merge_adapter,
    save_adapter,
    trained_share,
)
from alciato.nets import VisionTransformer, VisionTransformerConfig  # noqa: E402

torch.set_num_threads(1)
SIZES = {"size": 8, "patch": 4, "dim": 16, "depth": 2, "heads": 2, "mlp": 32}


class Seer(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = VisionTransformer(VisionTransformerConfig(**SIZES))
        self.head = nn.Linear(16, 2)

    def forward(self, batch):
        return self.head(self.encoder(batch["pictures"]).pooled)


def seer():
    seed_everything(3)
    return Seer().eval()


def batch():
    return {"pictures": torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(1))}


def collate(rows, generator):
    pictures = torch.stack(rows)
    return {"pictures": pictures, "labels": (pictures.mean((1, 2, 3)) > 0).long()}


def trained(kind):
    model = add_adapter(seer(), AdapterConfig(kind=kind, rank=2, trained=("head",)))
    data = list(torch.randn(24, 3, 8, 8, generator=torch.Generator().manual_seed(2)))
    config = TrainingConfig(epochs=3, batch=8, rate=1e-2, device="cpu")
    return Trainer(config).fit(model, data, collate, Classification(("dark", "light"))).model


@pytest.mark.parametrize("kind", ["lora", "dora", "ia3"])
@torch.no_grad()
def test_it_begins_as_nothing(kind):
    before = seer()(batch())
    model = add_adapter(seer(), AdapterConfig(kind=kind)).eval()
    assert torch.allclose(model(batch()), before, atol=1e-5)
    assert 0 < trained_share(model) < 0.5


@pytest.mark.parametrize("kind", ["lora", "dora", "ia3"])
def test_only_it_and_the_head_are_trained_and_merging_changes_nothing(kind):
    model = trained(kind)
    base = dict(seer().state_dict())
    kept = [name for name in base if name.startswith("encoder.") and "project" not in name]
    state = {name.removeprefix("base_model.model."): value for name, value in model.state_dict().items()}
    assert kept
    assert all(torch.equal(state[name], base[name]) for name in kept)
    with torch.no_grad():
        out = model(batch())
        assert not torch.allclose(out, seer()(batch()), atol=1e-3)
        merged = merge_adapter(model).eval()
        assert torch.allclose(merged(batch()), out, atol=1e-4)
    assert isinstance(merged, Seer)


def test_it_travels_as_safetensors(tmp_path):
    model = trained("lora")
    save_adapter(model, tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert "adapter_model.safetensors" in names
    assert not [name for name in names if name.endswith((".bin", ".pt"))]
    with torch.no_grad():
        assert torch.allclose(load_adapter(seer(), tmp_path).eval()(batch()), model(batch()), atol=1e-6)


def test_what_it_refuses(tmp_path):
    with pytest.raises(UsageError, match="no linear layer is named 'q_proj'.*project_in"):
        add_adapter(seer(), AdapterConfig(layers=("q_proj",)))
    with pytest.raises(UsageError, match="has no adapter"):
        merge_adapter(seer())
    with pytest.raises(UsageError, match="has no adapter"):
        save_adapter(seer(), tmp_path)
    (tmp_path / "adapter_model.bin").write_bytes(b"pickle")
    with pytest.raises(ModelError, match=r"adapter_model\.safetensors is missing"):
        load_adapter(seer(), tmp_path)
