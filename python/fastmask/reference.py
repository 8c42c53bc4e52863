"""The objectives in slow, plain Python, to be read: what the Rust core does, said once more and independently.

Nothing here is shared with the fast path, no third-party package is used, and every result equals the fast one to the
bit (tests/objectives). Each function takes one row, a list of token ids, and gives back lists.

Randomness
==========
All of it comes from one function, `philox4x32`, which turns a counter of four words and a key of two into four words
that look random. Which words a token gets is fixed by their address: (seed, epoch, sample id, stream, number).
So nothing depends on what was drawn before, and a row comes out the same in any batch, on any thread or machine.

Only whole numbers are compared. "With probability p" reads: the word is below floor(p * 2^32).

>>> masked_lm([12, 13, 14], mask_id=4, vocab_size=100, special_ids=[4], mlm_probability=1.0, seed=1)["labels"]
[12, 13, 14]
"""

from collections.abc import Iterable, Sequence

IGNORED = -100
"""The label of a token that has no part in the loss."""

SELECT, REPLACEMENT, NOISE_CUTS, CLEAN_CUTS = 0, 2, 3, 4
"""Streams: which tokens are chosen, what replaces them, where noise and where the rest is cut into spans."""

NONE, MASK, RANDOM, KEEP = 0, 1, 2, 3
"""Actions of masked language modelling: leave the token alone, or hide, replace or keep a chosen one."""

_WORD = 2**32


def philox4x32(counter: Sequence[int], key: Sequence[int]) -> list[int]:
    """Return the Philox4x32-10 block of a counter (four 32-bit words) under a key (two).

    Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as easy as 1, 2, 3* (SC 2011). Ten rounds of two
    multiplications; the high halves of the products are mixed with the key, which grows by a constant each round.

    >>> [f"{word:08x}" for word in philox4x32([0, 0, 0, 0], [0, 0])]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        first, second = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (
            second // _WORD ^ c1 ^ k0,
            second % _WORD,
            first // _WORD ^ c3 ^ k1,
            first % _WORD,
        )
        k0, k1 = (k0 + 0x9E3779B9) % _WORD, (k1 + 0xBB67AE85) % _WORD
    return [c0, c1, c2, c3]


def draw(seed: int, epoch: int, sample_id: int, stream: int, n: int) -> int:
    """Return draw ``n`` of a stream, a word below 2^32.

    It is word ``n % 4`` of the block whose counter is (n // 4, sample id low, sample id high, epoch << 8 | stream);
    the key is the seed, low word first.
    """
    counter = [n // 4, sample_id % _WORD, sample_id // _WORD, epoch << 8 | stream]
    return philox4x32(counter, [seed % _WORD, seed // _WORD])[n % 4]


def bounded(word: int, bound: int) -> int:
    """Return a number below ``bound``: the high half of ``word * bound`` (Lemire's reduction, without rejection).

    >>> bounded(2**31, 10)
    5
    """
    return word * bound // _WORD


def threshold(probability: float) -> int:
    """Return the number below which a word lies with this probability.

    >>> threshold(0.5) == 2**31, threshold(1.0) == 2**32
    (True, True)
    """
    return int(probability * _WORD)


def choose_without_replacement(words: Iterable[int], count: int, population: int) -> set[int]:
    """Return ``count`` numbers below ``population``, each set of them equally likely.

    Floyd's algorithm (Bentley and Floyd, *A sample of brilliance*, CACM 1987): the i-th word draws among one number
    more than the word before it; where it hits a number that is taken, the newest number is taken instead.

    >>> sorted(choose_without_replacement([0, 0, 0], 3, 5))
    [0, 3, 4]
    """
    taken: set[int] = set()
    for newest, word in zip(range(population - count, population), words, strict=False):
        number = bounded(word, newest + 1)
        taken.add(newest if number in taken else number)
    return taken


def masked_lm(
    row: Sequence[int],
    *,
    mask_id: int,
    vocab_size: int,
    special_ids: Iterable[int],
    never_mask_ids: Iterable[int] = (),
    mlm_probability: float = 0.15,
    mask_replace_prob: float = 0.8,
    random_replace_prob: float = 0.1,
    seed: int = 0,
    epoch: int = 0,
    sample_id: int = 0,
) -> dict[str, list[int]]:
    """Hide some tokens of a row. Returns action, random_ids, input_ids and labels, each as long as the row.

    Devlin et al., *BERT* (2019), section 3.1. Token ``n`` is chosen where select word ``n`` is below the threshold
    of mlm_probability; the same word says what happens to it, since it is uniform below that threshold: the lowest
    share masks, the next one replaces, the rest keeps. (Everywhere else in fastmask a decision has a stream of its
    own; here one word saves half the work.) A replacement is any id that is not special, the original among them.
    """
    special = set(special_ids)
    never_chosen = special | set(never_mask_ids)
    allowed = [token for token in range(vocab_size) if token not in special]
    chosen = threshold(mlm_probability)
    mask = chosen * threshold(mask_replace_prob) // _WORD
    mask_or_random = chosen * threshold(mask_replace_prob + random_replace_prob) // _WORD
    result: dict[str, list[int]] = {"action": [], "random_ids": [], "input_ids": [], "labels": []}
    for n, token in enumerate(row):
        word = draw(seed, epoch, sample_id, SELECT, n)
        random_id = 0
        if token in never_chosen or word >= chosen:
            action, seen, label = NONE, token, IGNORED
        elif word < mask:
            action, seen, label = MASK, mask_id, token
        elif word < mask_or_random:
            random_id = allowed[bounded(draw(seed, epoch, sample_id, REPLACEMENT, n), len(allowed))]
            action, seen, label = RANDOM, random_id, token
        else:
            action, seen, label = KEEP, token, token
        for name, value in (("action", action), ("random_ids", random_id), ("input_ids", seen), ("labels", label)):
            result[name].append(value)
    return result


def noise_and_spans(length: int, noise_density: float, mean_noise_span_length: float) -> tuple[int, int]:
    """Return how many of ``length`` tokens are noise, and in how many spans.

    T5's rule: both are rounded (half to even, as Python's ``round`` does) and at least 1, and at least one token stays
    clean. A span needs a token in it and a clean one before it, which caps the number of spans. A row of fewer than
    two tokens has neither, and a density of 0 means no noise at all.

    >>> noise_and_spans(568, 0.15, 3.0)
    (85, 28)
    """
    if length < 2 or noise_density == 0:
        return 0, 0
    noise = min(max(round(length * noise_density), 1), length - 1)
    spans = max(round(noise / mean_noise_span_length), 1)
    return noise, min(spans, noise, length - noise)


def span_lengths(inputs_length: int, noise_density: float, mean_noise_span_length: float) -> tuple[int, int]:
    """Return the length of the longest raw row whose inputs fit ``inputs_length``, and that of its labels.

    EOS counts in inputs and labels and not in the raw row. At density 0.5 rounding can make the labels one longer
    than the inputs; T5 then takes one token less.

    >>> span_lengths(512, 0.15, 3.0), span_lengths(512, 0.5, 3.0)
    ((568, 114), (766, 512))
    """

    def lengths(raw: int) -> tuple[int, int]:
        noise, spans = noise_and_spans(raw, noise_density, mean_noise_span_length)
        return raw - noise + spans + 1, noise + spans + 1

    raw_length = inputs_length - 1
    while lengths(raw_length + 1)[0] <= inputs_length:
        raw_length += 1
    if noise_density == 0.5 and lengths(raw_length)[1] > lengths(raw_length)[0]:
        raw_length -= 1
    return raw_length, lengths(raw_length)[1]


def cut(total: int, parts: int, words: Iterable[int]) -> list[int]:
    """Return the lengths of ``parts`` positive parts of ``total``, each way to cut equally likely.

    Between ``total`` items there are ``total - 1`` gaps; choosing ``parts - 1`` of them is a way to cut.

    >>> cut(6, 3, [0, 0])
    [1, 4, 1]
    """
    if parts == 0:
        return []
    gaps = sorted(choose_without_replacement(words, parts - 1, total - 1))
    ends = [gap + 1 for gap in gaps] + [total]
    return [end - begin for begin, end in zip([0, *ends], ends, strict=False)]


def span_mask(
    length: int,
    *,
    noise_density: float,
    mean_noise_span_length: float,
    seed: int = 0,
    epoch: int = 0,
    sample_id: int = 0,
) -> list[bool]:
    """Return which of ``length`` tokens are noise: clean and noisy stretches in turn, a clean one first."""
    noise, spans = noise_and_spans(length, noise_density, mean_noise_span_length)

    def words(stream: int) -> list[int]:
        return [draw(seed, epoch, sample_id, stream, n) for n in range(spans)]

    mask = []
    clean_lengths = cut(length - noise, spans, words(CLEAN_CUTS)) or [length]
    noise_lengths = cut(noise, spans, words(NOISE_CUTS)) or [0]
    for clean, noisy in zip(clean_lengths, noise_lengths, strict=True):
        mask += [False] * clean + [True] * noisy
    return mask


def span_corruption(
    row: Sequence[int],
    *,
    sentinel_ids: Sequence[int],
    eos_id: int,
    decoder_start_id: int = 0,
    noise_density: float = 0.15,
    mean_noise_span_length: float = 3.0,
    seed: int = 0,
    epoch: int = 0,
    sample_id: int = 0,
) -> dict[str, list[int]]:
    """Cut spans out of a row. Returns mask (as long as the row), input_ids, labels and decoder_input_ids.

    Raffel et al., *T5* (2020), section 3.1.4. Inputs: the row with a sentinel for each span. Labels: each sentinel
    and what it stands for. Both end in EOS, once: a final EOS of the row is put aside first and is never noise.
    """
    body = list(row[:-1]) if len(row) and row[-1] == eos_id else list(row)
    mask = span_mask(
        len(body),
        noise_density=noise_density,
        mean_noise_span_length=mean_noise_span_length,
        seed=seed,
        epoch=epoch,
        sample_id=sample_id,
    )
    inputs: list[int] = []
    labels: list[int] = []
    sentinels = iter(sentinel_ids)
    inside = False
    for token, noisy in zip(body, mask, strict=True):
        if noisy and not inside:
            sentinel = next(sentinels)
            inputs.append(sentinel)
            labels.append(sentinel)
        (labels if noisy else inputs).append(token)
        inside = noisy
    inputs.append(eos_id)
    labels.append(eos_id)
    return {
        "mask": [int(noisy) for noisy in mask] + [0] * (len(row) - len(body)),
        "input_ids": inputs,
        "labels": labels,
        "decoder_input_ids": [decoder_start_id, *labels[:-1]],
    }


def causal_lm(row: Sequence[int], segments: Sequence[int] | None = None) -> dict[str, list[int]]:
    """Label each token with itself. Returns input_ids and labels, and position_ids where the row is packed.

    The model compares label ``n`` with what it said at ``n - 1``. In a packed row (``segments`` numbers its
    documents) the first token of a document follows another document, so it is not asked for.

    >>> causal_lm([5, 6, 7], segments=[1, 1, 2])
    {'input_ids': [5, 6, 7], 'labels': [-100, 6, -100], 'position_ids': [0, 1, 0]}
    """
    if segments is None:
        return {"input_ids": list(row), "labels": list(row)}
    firsts = [n == 0 or segments[n] != segments[n - 1] for n in range(len(row))]
    labels = [IGNORED if first else token for token, first in zip(row, firsts, strict=True)]
    positions: list[int] = []
    for first in firsts:
        positions.append(0 if first else positions[-1] + 1)
    return {"input_ids": list(row), "labels": labels, "position_ids": positions}
