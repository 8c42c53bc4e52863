"""UL2's seven denoisers: Tay et al., *UL2: unifying language learning paradigms* (2022), table 1."""

from collections.abc import Mapping
from typing import Any

from fastmask import _rust
from fastmask.error import FastmaskError
from fastmask.objectives.batches import check_names
from fastmask.objectives.objective import Objective
from fastmask.objectives.prefix_lm import PrefixLM
from fastmask.objectives.span_corruption import SpanCorruption
from fastmask.roles import Roles, token_of_text
from fastmask.settings import whole_number

# Mean length and density of six; the seventh is the sequential one, whose suffix is so much of a row in the mean.
_SPANS = ((3.0, 0.15), (8.0, 0.15), (3.0, 0.5), (8.0, 0.5), (64.0, 0.15), (64.0, 0.5))
_SUFFIX = 0.25
MODE_TOKENS = {"R": "[NLU]", "S": "[S2S]", "X": "[NLG]"}

_Part = tuple[Objective, float, int | str | None]


def ul2_denoisers(
    tok: Any,
    roles: Roles,
    inputs_length: int,
    mode_tokens: Mapping[str, int | str | None] | None,
    max_length: int | None,
    decoder_start_id: int | None,
) -> list[_Part]:
    """Return UL2's denoisers with their weights and mode tokens, as `MixtureOfDenoisers.ul2` describes them."""
    modes = dict.fromkeys("RSX") if mode_tokens is None else mode_tokens
    check_names("mode_tokens", modes, ["R", "S", "X"])
    room = whole_number("inputs_length", inputs_length) - any(token is not None for token in modes.values())
    _name_what_is_missing(tok, modes, roles, room)
    common: dict[str, Any] = {"max_length": max_length, "vocab_size": roles.vocab_size, "pad_id": roles.pad_id}
    common |= {"eos_id": roles.eos_id, "decoder_start_id": decoder_start_id}
    parts: list[_Part] = []
    for mean, density in _SPANS:
        spans = SpanCorruption(
            None,
            mean_noise_span_length=mean,
            noise_density=density,
            sentinel_ids=roles.sentinel_ids,
            **common,
        )
        parts.append((spans, 1.0, modes["X" if mean >= 12 or density >= 0.3 else "R"]))
    prefix_lm = PrefixLM(None, noise_density=_SUFFIX, architecture="encoder_decoder", **common)
    parts.append((prefix_lm, 1.0, modes["S"]))
    return parts


def _name_what_is_missing(tok: Any, modes: Mapping[str, Any], roles: Roles, room: int) -> None:
    texts = [text for text in modes.values() if isinstance(text, str) and token_of_text(tok, text) is None]
    needed = max(_rust.sentinels_needed(room, density, mean) for mean, density in _SPANS)
    have = len(roles.sentinel_ids)
    sentinels = [f"<extra_id_{have}> to <extra_id_{needed - 1}>"] if have < needed else []
    if not texts and not sentinels:
        return
    advice = [f"tok.add_special_tokens({texts})"] if texts else []
    advice += [f"tok.add_sentinels({needed})"] if sentinels else []
    raise FastmaskError(
        f"UL2 needs {', '.join([*texts, *sentinels])}, which the tokenizer lacks: "
        f"add them with {' and '.join(advice)}, or give mode_tokens= or sentinel_ids="
    )
