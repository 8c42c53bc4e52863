"""A model as a folder: the same after a round trip, never half written."""

from pathlib import Path

import pytest
import torch

from fastmask.error import FastmaskError
from fastmask.models import from_preset, load, save


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("family", ["bert", "gpt2", "t5"])
def test_round_trip(family: str, dtype: torch.dtype, tmp_path: Path) -> None:
    model = from_preset(family, "tiny", vocab_size=97).to(dtype)
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.config == model.config
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == ["config.json", "model.safetensors"]
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)
        assert again.state_dict()[name].dtype == dtype
    assert all(parameter.requires_grad for parameter in again.parameters())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), "cannot read the model's settings"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot read the model's settings"),
        (lambda folder: (folder / "config.json").write_text("[]"), "expected an object"),
        (lambda folder: (folder / "model.safetensors").unlink(), "cannot read the weights"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\0" * 50), "cannot read the weights"),
        (
            lambda folder: (
                save(from_preset("gpt2", "tiny", vocab_size=9), folder / "other")
                or (folder / "other/config.json").replace(folder / "config.json")
            ),
            "the weights do not fit the config",
        ),
    ],
)
def test_damage_is_named(damage: object, message: str, tmp_path: Path) -> None:
    save(from_preset("bert", "tiny", vocab_size=97), tmp_path)
    damage(tmp_path)
    with pytest.raises(FastmaskError, match=message):
        load(tmp_path)


def test_an_interrupted_save_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (from_preset("gpt2", "tiny", vocab_size=97) for _ in range(2))
    save(first, tmp_path)

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(second, tmp_path)
    assert torch.equal(load(tmp_path).token_embedding.weight, first.token_embedding.weight)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
