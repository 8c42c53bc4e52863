"""Generation against transformers' own, token for token, and the cache against reading everything again."""

from pathlib import Path

import pytest
import torch
from originals import CAUSAL, FAMILIES, POSITIONS, SEQ2SEQ, VOCAB, pair_of
from torch import Tensor

from fastmask.error import FastmaskError
from fastmask.models import LanguageModel, from_preset, generate

WRITERS = sorted(CAUSAL | SEQ2SEQ)


def prompts(family: str, seed: int) -> dict[str, Tensor]:
    """Return three rows of 9, 4 and 6 tokens, padded on the left for decoders."""
    ids = torch.randint(4, VOCAB, (3, 9), generator=torch.Generator().manual_seed(seed))
    mask = (torch.arange(9) < torch.tensor([9, 4, 6])[:, None]).long()
    mask = mask.flip(1) if family in CAUSAL else mask
    return {"input_ids": ids.masked_fill(mask == 0, 1 if family in ("bart", "gpt2") else 0), "attention_mask": mask}


def theirs_written(theirs: torch.nn.Module, family: str, batch: dict[str, Tensor], **settings: object) -> Tensor:
    theirs.generation_config.forced_eos_token_id = None
    # Their cache has room for as many decoder layers as the encoder has, and T5 may have more.
    whole = theirs.generate(**batch, do_sample=False, use_cache=family in CAUSAL, **settings)
    return whole[:, 9 if family in CAUSAL else 1 :]


def assert_same_texts(ours: Tensor, theirs: Tensor, end: int | None) -> None:
    """Texts are equal up to their end; padding after it is not compared."""
    for mine, other in zip(ours.tolist(), theirs.tolist(), strict=True):
        cut = other.index(end) + 1 if end in other else len(other)
        assert mine[:cut] == other[:cut]


@pytest.mark.parametrize("settings", [{}, {"num_beams": 3}, {"num_beams": 4, "length_penalty": 0.0}])
@pytest.mark.parametrize("family", WRITERS)
def test_texts_equal(family: str, settings: dict[str, object], drawn_seed: int, tmp_path: Path) -> None:
    pair = pair_of(family, drawn_seed, tmp_path)
    batch = prompts(family, drawn_seed)
    with torch.no_grad():
        theirs = theirs_written(pair.theirs, family, batch, max_new_tokens=12, **settings)
    ours = generate(pair.ours, **batch, max_new_tokens=12, **settings)
    assert_same_texts(ours, theirs, pair.ours.config.eos_id)


@pytest.mark.parametrize("num_beams", [1, 3])
@pytest.mark.parametrize("family", WRITERS)
def test_cached_tokens_give_what_all_of_them_give(family: str, num_beams: int, drawn_seed: int, tmp_path: Path) -> None:
    pair = pair_of(family, drawn_seed, tmp_path)
    batch = prompts(family, drawn_seed)
    cached, whole = (generate(pair.ours, **batch, num_beams=num_beams, use_cache=kept) for kept in (True, False))
    assert torch.equal(cached, whole)


def test_learned_positions_are_no_end(drawn_seed: int, tmp_path: Path) -> None:
    ours = pair_of("gpt2", drawn_seed, tmp_path).ours
    prompt = torch.randint(4, VOCAB, (1, 5), generator=torch.Generator().manual_seed(drawn_seed))
    written = generate(ours, prompt, max_new_tokens=POSITIONS + 10, eos_id=VOCAB)
    assert written.shape == (1, POSITIONS + 10)
    row = torch.cat([prompt, written], 1)
    last = ours(row[:, -POSITIONS - 1 : -1]).logits[0, -1].argmax()
    assert last == row[0, -1]


def draws(model: LanguageModel, **settings: object) -> list[int]:
    prompt = torch.zeros(4000, 1, dtype=torch.long)
    return generate(model, prompt, max_new_tokens=1, **settings)[:, 0].tolist()


def test_draws_have_the_models_distribution(chi_square: object) -> None:
    torch.manual_seed(5)
    model = from_preset("gpt2", "tiny", vocab_size=12, initializer_range=0.3)
    shares = (model(torch.zeros(1, 1, dtype=torch.long)).logits[0, 0].float() / 2.0).softmax(-1).tolist()
    found = draws(model, temperature=2.0, seed=3)
    seen = [found.count(token) for token in range(12)]
    expected = [share * len(found) for share in shares]
    common = [place for place, count in enumerate(expected) if count >= 5]
    rest = [sum(seen) - sum(seen[p] for p in common), sum(expected) - sum(expected[p] for p in common)]
    seen = [*(seen[p] for p in common), *([rest[0]] if rest[1] > 1 else [])]
    expected = [*(expected[p] for p in common), *([rest[1]] if rest[1] > 1 else [])]
    assert chi_square(seen, [e * sum(seen) / sum(expected) for e in expected], len(seen) - 1)[1] > 1e-4
    assert found == draws(model, temperature=2.0, seed=3)
    assert found != draws(model, temperature=2.0, seed=4)


@pytest.mark.parametrize("top_p", [0.2, 0.6, 0.9, 1.0])
def test_top_k_and_top_p_keep_the_likeliest(top_p: float) -> None:
    torch.manual_seed(6)
    model = from_preset("gpt2", "tiny", vocab_size=12, initializer_range=0.1)
    shares, order = model(torch.zeros(1, 1, dtype=torch.long)).logits[0, 0].softmax(-1).sort(descending=True)
    needed = int((shares.cumsum(0) < top_p - 1e-6).sum()) + 1
    assert set(draws(model, temperature=1.0, top_p=top_p)) == set(order[:needed].tolist())
    assert set(draws(model, temperature=1.0, top_k=4)) == set(order[:4].tolist())
    assert draws(model, temperature=1.0, top_k=1) == draws(model)


@pytest.mark.parametrize(
    ("family", "settings", "message"),
    [
        ("bert", {}, "an encoder writes no text"),
        ("gpt2", {"input_ids": torch.zeros(1, 0, dtype=torch.long)}, "begins with ids"),
        ("gpt2", {"attention_mask": torch.tensor([[1, 0]])}, "pad prompts on the left"),
        ("gpt2", {"temperature": -1.0}, "temperature must not be negative"),
        ("gpt2", {"top_k": 0}, "top_k must be at least 1"),
        ("gpt2", {"top_p": 0.0}, "top_p must be above 0"),
        ("gpt2", {"num_beams": 2, "temperature": 1.0}, "draws nothing"),
    ],
)
def test_bad_settings_are_named(family: str, settings: dict[str, object], message: str) -> None:
    assert family in FAMILIES
    model = from_preset(family, "tiny", vocab_size=20)
    with pytest.raises(FastmaskError, match=message):
        generate(model, **{"input_ids": torch.zeros(1, 2, dtype=torch.long), **settings})
