"""Just enough of the protobuf wire format to take a SentencePiece file apart and to put another one together.

Field numbers are those of sentencepiece_model.proto, which says what they mean.
"""

from typing import NamedTuple

MODEL_PIECES, MODEL_TRAINER, MODEL_NORMALIZER, MODEL_DENORMALIZER = 1, 2, 3, 5
PIECE_TEXT, PIECE_SCORE, PIECE_TYPE = 1, 2, 3
TRAINER_MODEL_TYPE, TRAINER_BYTE_FALLBACK, TRAINER_UNK_ID = 3, 35, 40
NORMALIZER_NAME, NORMALIZER_CHARSMAP = 1, 2

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Field(NamedTuple):
    number: int
    kind: int
    value: int | bytes


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def write(fields: list[Field]) -> bytes:
    """The message that consists of these fields."""
    out = bytearray()
    for number, kind, value in fields:
        out += varint(number << 3 | kind)
        if kind == VARINT:
            out += varint(value)
        else:
            out += varint(len(value)) + value if kind == BYTES else value
    return bytes(out)


def read(message: bytes) -> list[Field]:
    """The fields of a message, in their order; fixed ones as their bytes."""
    fields = []
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        key = number()
        kind = key & 7
        if kind == VARINT:
            fields.append(Field(key >> 3, kind, number()))
            continue
        size = {FIXED64: 8, FIXED32: 4}.get(kind) or number()
        fields.append(Field(key >> 3, kind, message[at : at + size]))
        at += size
    return fields


def one(message: bytes, number: int, default: int | bytes = b"") -> int | bytes:
    """The last value of a field, which is the one that counts."""
    return next((field.value for field in reversed(read(message)) if field.number == number), default)


def replaced(message: bytes, number: int, *values: Field) -> bytes:
    """The message with all fields of a number replaced by these."""
    return write([*(field for field in read(message) if field.number != number), *values])
