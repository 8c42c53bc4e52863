"""Beam search: the likeliest texts are written on at once, and the best of those that ended is the answer."""

import torch
from torch import Tensor

from fastmask.models.reader import Reader

_NEVER = -1e9


class Ended:
    """The best texts of a row that have ended; ``open`` while one that is being written could still be better."""

    def __init__(self, most: int) -> None:
        self.most, self.open = most, True
        self.texts: list[tuple[float, Tensor]] = []

    def add(self, score: float, text: Tensor) -> None:
        """Keep a text if it is among the best."""
        self.texts = sorted([*self.texts, (score, text)], key=lambda found: -found[0])[: self.most]

    def look_ahead(self, best_running: float) -> None:
        """Close where the best score in sight does not beat the worst that is kept."""
        full = len(self.texts) == self.most
        self.open = self.open and (not full or best_running > self.texts[-1][0])


def best_beams(
    reader: Reader, num_beams: int, max_new_tokens: int, end: int | None, pad: int, length_penalty: float
) -> Tensor:
    """Return the best text of each row, int64 [batch, longest], padding after the end.

    Of twice ``num_beams`` continuations those go on that do not end; those among the first ``num_beams`` that end, or
    reach the last step, are kept. A score is the log-probability divided by length ** length_penalty. Rules and
    order of sums are those of transformers, so that ties and stops are too.
    """
    batch = len(reader.start) // num_beams
    device = reader.start.device
    written = reader.start[:, :0]
    scores = torch.full((batch, num_beams), _NEVER, device=device)
    scores[:, 0] = 0.0  # all beams begin alike: the first alone may go on
    ended = [Ended(num_beams) for _ in range(batch)]
    first = torch.arange(batch, device=device)[:, None] * num_beams
    for length in range(1, max_new_tokens + 1):
        shares = reader.next_logits(written).float().log_softmax(-1)
        new = scores[:, :, None] + shares.view(batch, num_beams, -1)
        vocab_size = new.shape[-1]
        values, places = new.flatten(1).topk(min(2 * num_beams, num_beams * vocab_size))
        beams, tokens = first + places // vocab_size, places % vocab_size
        texts = torch.cat([written[beams], tokens[:, :, None]], dim=2)
        ends = torch.full_like(tokens, length == max_new_tokens, dtype=torch.bool)
        if end is not None:
            ends |= tokens == end
        for row, found in enumerate(ended):
            for place in range(num_beams):
                if found.open and bool(ends[row, place]):
                    found.add(values[row, place].item() / length**length_penalty, texts[row, place])
        scores, going = (values + ends * _NEVER).topk(num_beams)
        chosen = beams.gather(1, going).flatten()
        written = texts.gather(1, going[:, :, None].expand(-1, -1, length)).flatten(0, 1)
        reader.choose(chosen)
        for row, found in enumerate(ended):
            found.look_ahead(scores[row, 0].item() / length**length_penalty)
        if not any(found.open for found in ended):
            break
    best = [found.texts[0][1] for found in ended]
    return torch.nn.utils.rnn.pad_sequence(best, batch_first=True, padding_value=pad)
