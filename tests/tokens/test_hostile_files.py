"""Files made to take all memory or time: each is read in a process that has little of either."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conformance import damage
from conformance.damage import replaced
from conformance.originals import HuggingFace

VALID = damage.valid_files()
GIGABYTES = 4
SECONDS = 60

READ = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, ({bytes}, {bytes}))
import fastmask as fm
try:
    tok = fm.Tokenizer.from_file(sys.argv[1])
    for text in ["", "hello a b", "a" * 50_000, "x" * 40 + "!", "aaaa " * 5_000]:
        ids = tok.encode(text)
        tok.decode(ids[:50])
        tok.encode_batch([text, "b"], return_spans=True)
    tok.vocab_size, tok.special_ids
    print("read")
except fm.FastmaskError as error:
    print("refused", str(error)[:300].encode("ascii", "replace"))
"""


def nested(part: dict, field: str, depth: int) -> str:
    """A Sequence in a Sequence in a Sequence, as text: Python would not nest so deep."""
    opening = json.dumps({"type": "Sequence", field: []}).removesuffix("]}")
    return opening * depth + json.dumps(part) + "]}" * depth


def split(pattern: str) -> dict:
    return {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False}


def changed(file: str, place: tuple, value) -> str:
    return json.dumps(replaced(VALID[file], place, value))


def with_text(file: str, place: str, text: str) -> str:
    return changed(file, (place,), "HERE").replace('"HERE"', text)


FILES = {
    "padding to a trillion": changed("WordPiece", ("padding", "strategy"), {"Fixed": 2**40}),
    "padding to what overflows": changed("WordPiece", ("padding", "strategy"), {"Fixed": 2**63 + 1}),
    "padding to a huge multiple": changed("WordPiece", ("padding", "pad_to_multiple_of"), 2**62),
    "truncation that never happens": changed("BPE", ("truncation", "max_length"), 2**63),
    "stride beyond everything": changed("BPE", ("truncation", "stride"), 2**63),
    "an id at the end of all ids": changed("WordLevel", ("model", "vocab", "b"), 2**32 - 1),
    "an added id at the end of all ids": changed("BPE", ("added_tokens", 0, "id"), 2**32 - 1),
    "words without end": changed("WordPiece", ("model", "max_input_chars_per_word"), 2**63),
    "pieces without end": changed("WordLevel", ("pre_tokenizer",), {"type": "FixedLength", "length": 2**63}),
    "unknown id without end": changed("Unigram", ("model", "unk_id"), 2**63),
    "normalizers in normalizers": with_text("BPE", "normalizer", nested({"type": "NFC"}, "normalizers", 20_000)),
    "splits in splits": with_text("BPE", "pre_tokenizer", nested({"type": "Whitespace"}, "pretokenizers", 20_000)),
    "decoders in decoders": with_text("BPE", "decoder", nested({"type": "Fuse"}, "decoders", 20_000)),
    "processors in processors": with_text(
        "BPE", "post_processor", nested({"type": "ByteLevel", "trim_offsets": True}, "processors", 20_000)
    ),
    "backtracking": changed("WordLevel", ("pre_tokenizer",), split(r"(x+x+)+y")),
    "backtracking with a reference": changed("WordLevel", ("pre_tokenizer",), split(r"(a*)*\1b")),
    "backtracking with a look ahead": changed("WordLevel", ("pre_tokenizer",), split(r"(?=(a+)+$)(a|aa)+$")),
    "a huge pattern": changed("WordLevel", ("pre_tokenizer",), split(r"((\p{L}{500}){500}){500}")),
    "a pattern of many groups": changed("WordLevel", ("pre_tokenizer",), split("(" * 5_000 + "a" + ")" * 5_000)),
    "a long alternation": changed("WordLevel", ("pre_tokenizer",), split("|".join(f"w{n}" for n in range(20_000)))),
    "text that grows": changed(
        "BPE",
        ("normalizer",),
        {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "a" * 100_000}] * 20},
    ),
    "a template of many pieces": changed(
        "BPE",
        ("post_processor", "single"),
        [{"SpecialToken": {"id": "<s>", "type_id": 0}}] * 200_000 + [{"Sequence": {"id": "A", "type_id": 0}}],
    ),
    "many added tokens": changed(
        "BPE",
        ("added_tokens",),
        [{**VALID["BPE"]["added_tokens"][0], "id": 30 + n, "content": f"<{n}>"} for n in range(50_000)],
    ),
    "added tokens that are one another's beginnings": changed(
        "BPE",
        ("added_tokens",),
        [{**VALID["BPE"]["added_tokens"][0], "id": 30 + n, "content": "a" * (n + 1)} for n in range(3_000)],
    ),
    "a token of a megabyte": changed("BPE", ("model", "vocab", "z" * 1_000_000), 28),
    "merges of one letter": changed(
        "BPE",
        ("model",),
        {
            **VALID["BPE"]["model"],
            "vocab": {"[UNK]": 0, "<s>": 1, **{"a" * 2**n: n + 2 for n in range(16)}},
            "merges": [["a" * 2**n, "a" * 2**n] for n in range(15)],
        },
    ),
}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited with Linux's means")
@pytest.mark.parametrize("name", FILES)
def test_hostile_files(name, tmp_path):
    path = tmp_path / "tokenizer.json"
    path.write_text(FILES[name], encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", READ.replace("{bytes}", str(GIGABYTES << 30)), str(path)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith(("read", "refused"))


def test_merges_of_one_letter_are_the_original_s(tmp_path):
    import fastmask as fm

    path = Path(tmp_path / "tokenizer.json")
    file = json.loads(FILES["merges of one letter"])
    # The ids of added tokens have gaps, which is refused: without them the model is what is compared.
    path.write_text(json.dumps({**file, "added_tokens": []}), encoding="utf-8")
    ours, theirs = fm.Tokenizer.from_file(path), HuggingFace(path)
    for length in (1, 2, 3, 4, 7, 8, 63, 64, 65, 1000):
        assert ours.encode("a" * length).tolist() == theirs.encode("a" * length)
