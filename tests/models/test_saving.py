"""A model as a folder that transformers reads: the same after a round trip, never half written, errors that say why."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from originals import FAMILIES, batch_of, theirs_of
from safetensors.torch import load_file, save_file

from fastmask.error import FastmaskError
from fastmask.models import from_preset, from_pretrained, save_pretrained

AUTO = {
    "bert": ["AutoModelForPreTraining"], "roberta": ["AutoModelForMaskedLM", "AutoModelForPreTraining"],
    "gpt2": ["AutoModelForCausalLM"], "bloom": ["AutoModelForCausalLM"], "t5": ["AutoModelForSeq2SeqLM"],
    "t5_v1_1": ["AutoModelForSeq2SeqLM"], "bart": ["AutoModelForSeq2SeqLM"],
}  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("family", FAMILIES)
def test_round_trip(family: str, dtype: torch.dtype, tmp_path: Path) -> None:
    model = from_preset(family, "tiny", vocab_size=97).to(dtype)
    save_pretrained(model, None, tmp_path / "model")
    again = from_pretrained(tmp_path / "model")
    assert again.config == model.config
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == ["config.json", "model.safetensors"]
    assert again.state_dict().keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)
        assert again.state_dict()[name].dtype == dtype
    assert all(parameter.requires_grad for parameter in again.parameters())


@pytest.mark.parametrize(("family", "auto"), [(family, auto) for family in FAMILIES for auto in AUTO[family]])
def test_transformers_loads_ours_and_ours_loads_theirs(family: str, auto: str, tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(2)
    model = from_preset(family, "tiny", vocab_size=97).eval()
    save_pretrained(model, None, tmp_path / "ours")
    theirs, notes = getattr(transformers, auto).from_pretrained(tmp_path / "ours", output_loading_info=True)
    assert not any(notes.values()), notes
    batch = {name: value for name, value in batch_of(family, 3, padded=False).items() if name == "input_ids"}
    if model.config.family == "encoder_decoder":
        batch["decoder_input_ids"] = batch["input_ids"][:, :4]
    output = theirs(**batch)
    logits = output.prediction_logits if hasattr(output, "prediction_logits") else output.logits
    torch.testing.assert_close(logits, model(**batch).logits, rtol=1e-4, atol=1e-4)
    theirs.save_pretrained(tmp_path / "theirs")
    again = from_pretrained(tmp_path / "theirs")
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


def test_masked_language_model_without_sentences(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    model = from_preset("bert", "tiny", vocab_size=97, sentence_head=False)
    save_pretrained(model, None, tmp_path)
    _, notes = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(notes.values()), notes


@pytest.mark.parametrize("family", FAMILIES)
def test_shards_are_read(family: str, tmp_path: Path) -> None:
    theirs = theirs_of(family, 5)
    theirs.save_pretrained(tmp_path / "whole")
    theirs.save_pretrained(tmp_path / "shards", max_shard_size="4KB")
    assert len(list((tmp_path / "shards").glob("*.safetensors"))) > 1
    whole, shards = (from_pretrained(tmp_path / name).state_dict() for name in ("whole", "shards"))
    assert whole.keys() == shards.keys()
    assert all(torch.equal(whole[name], shards[name]) for name in whole)


def changed_weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        weights = load_file(folder / "model.safetensors")
        change(weights)
        save_file(weights, folder / "model.safetensors")

    return apply


def changed_config(**settings: object) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, **settings}))

    return apply


def test_names_of_old_checkpoints_are_read(tmp_path: Path) -> None:
    """The released BERT says gamma and beta; the released GPT-2 has no root and keeps its causal masks."""
    for family, rename in (
        (
            "bert",
            lambda n: n.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"),
        ),
        ("gpt2", lambda n: n.removeprefix("transformer.")),
    ):
        model = from_preset(family, "tiny", vocab_size=97)
        save_pretrained(model, None, tmp_path)
        weights = {rename(name): tensor for name, tensor in load_file(tmp_path / "model.safetensors").items()}
        weights |= {"h.0.attn.bias": torch.ones(1, 1, 4, 4)} if family == "gpt2" else {}
        save_file(weights, tmp_path / "model.safetensors")
        again = from_pretrained(tmp_path).state_dict()
        assert all(torch.equal(again[name], tensor) for name, tensor in model.state_dict().items())


QUERY = "bert.encoder.layer.0.attention.self.query.weight"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "config.json").unlink(), "cannot read the model's settings"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot read the model's settings"),
        (lambda folder: (folder / "config.json").write_text("[]"), "expected an object"),
        (lambda folder: (folder / "model.safetensors").unlink(), "cannot read the weights.*save older checkpoints"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\0" * 50), "cannot read the weights"),
        (changed_config(model_type="llama"), "model_type 'llama' is none of bert, roberta, gpt2"),
        (changed_config(is_decoder=True), "is_decoder is True; of bert False alone"),
        (changed_config(hidden_size=126), "4 heads do not divide 126"),
        (changed_config(hidden_act="mish"), "activation must be one of"),
        (changed_config(num_hidden_layers=3), r"lacks bert.encoder.layer.2.*and 11 more.*take the config.json"),
        (changed_config(num_hidden_layers=1), r"holds bert.encoder.layer.1.*has no place"),
        (
            changed_config(intermediate_size=100),
            r"intermediate.dense.weight is \[512, 128\], but config.json makes it \[100, 128\].*take the config.json",
        ),
        (changed_weights(lambda weights: weights.pop(QUERY)), f"lacks {QUERY}"),
        (changed_weights(lambda weights: weights.update(other=torch.zeros(2))), "holds bert.other|holds other"),
        (changed_weights(lambda weights: weights.update({QUERY: torch.zeros(2, 2)})), rf"{QUERY} is \[2, 2\]"),
    ],
)
def test_damage_is_named(damage: Callable[[Path], object], message: str, tmp_path: Path) -> None:
    save_pretrained(from_preset("bert", "tiny", vocab_size=97), None, tmp_path)
    damage(tmp_path)
    with pytest.raises(FastmaskError, match=message):
        from_pretrained(tmp_path)


def test_what_a_checkpoint_has_no_place_for_is_not_lost(tmp_path: Path) -> None:
    model = from_preset("bert", "tiny", vocab_size=97, norm="rmsnorm")
    with pytest.raises(FastmaskError, match="a checkpoint of bert has no place for norm='rmsnorm'"):
        save_pretrained(model, None, tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_save_leaves_the_old_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (from_preset("gpt2", "tiny", vocab_size=97) for _ in range(2))
    save_pretrained(first, None, tmp_path)

    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_pretrained(second, None, tmp_path)
    assert torch.equal(from_pretrained(tmp_path).token_embedding.weight, first.token_embedding.weight)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
