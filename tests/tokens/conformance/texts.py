"""What is encoded: sentences of many scripts, corpora, cases chosen to be nasty, and strategies for hypothesis."""

import os
import unicodedata
from pydoc_data.topics import topics

from hypothesis import strategies as st

CONFORMANCE = bool(os.environ.get("FASTMASK_CONFORMANCE"))

SENTENCES = [
    "The quick brown fox jumps over the lazy dog, and then it sleeps.",
    "I'll say we've seen that they're here, it's what he'd do; don't 'quote' me.",
    "In 1984, 12,345.67 people paid $3.50 (or 4€) for 1st- and 2nd-class tickets!",
    "def encode(text: str) -> list[int]:\n    return [ord(c) for c in text]  # no tabs\n\n",
    '\tif (x != 0 && y >= 10) {\r\n\t\tprintf("%d\\n", x / y);\r\n\t}\r\n',
    "Příliš žluťoučký kůň úpěl ďábelské ódy. Naïve façade, crème brûlée, Ångström.",
    "Straße, Größe, Füße: der ẞ und das ß. İstanbul'da ılık bir gün, IĞDIR.",
    "Съешь же ещё этих мягких французских булок, да выпей чаю.",
    "Ὀδυσσεὺς καὶ Ἀχιλλεύς: ὁ σοφός, ΟΔΥΣΣΕΥΣ ΣΑΣ.",
    "שָׁלוֹם עוֹלָם, זה טקסט בעברית.\u200f (test)",
    "مرحبا بالعالم، هذا نصٌّ عربيّ ١٢٣٤.\u200e",
    "नमस्ते दुनिया, यह हिन्दी का एक वाक्य है। १२३",
    "สวัสดีชาวโลก นี่คือประโยคภาษาไทยที่ไม่มีช่องว่าง",
    "你好，世界！这是一个没有空格的句子。一二三四五，上山打老虎。",
    "吾輩は猫である。名前はまだ無い。カタカナとﾊﾝｶｸ、ひらがな。",
    "안녕하세요 세계, 이것은 한국어 문장입니다. 각",
    "Xin chào thế giới, đây là một câu tiếng Việt có dấu thanh.",
    "👩‍👩‍👧‍👦 and 👍🏽👍 with 🇩🇪🇫🇷 flags, ☺️ ☺ ❤️‍🔥 1️⃣",
    "ﬁrst ﬂoor oﬃce ½ ⅓ x² H₂O ™ ① Ⅷ ㌔ ｆｕｌｌｗｉｄｔｈ",
    "e-mail: some.one+tag@example.org, https://example.org/a/b?c=d&e=%20#f_g",
]

LONG = 1_000_000 if CONFORMANCE else 100_000

NASTY = {
    "empty": "",
    "one space": " ",
    "spaces": "  a   b \n\n\t c  ",
    "trailing space": "the end ",
    "no-break spaces": "a\u00a0b\u00a0\u00a0c\u202fd",
    "other spaces": "a\u2003 b\u2009\u200a c\u3000\u3000d\u0085e\u2028f\u2029g\u1680h\u205f",
    "zero width": "a\u200bb\u200cc\u200dd\u2060e\ufefff\u180eg",
    "line ends": "a\r\nb\r\n\r\n c\rd\n\re\x0bf\x0cg",
    "byte order mark": "\ufeffthe text",
    "NUL": "\0a\0 \0\0",
    "controls": "".join(map(chr, range(32))) + "\x7f\x80\x9f\xad",
    "replacement": "a\ufffdb \ufffd\ufffd",
    "lone combining mark": "\u0301 e\u0301 \u0301\u0301a \u20e3",
    "many marks": "Z\u0351\u036b\u0343\u036a\u0302a\u0323\u0331\u0307l\u0334\u0321g\u0335o",
    "reordered marks": "a\u0323\u0301 a\u0301\u0323 \u1e69 s\u0323\u0307 s\u0307\u0323",
    "emoji of many parts": "👩‍👩‍👧‍👦👍🏽🏳️‍🌈❤️‍🔥🧑🏿‍🚀",
    "flags": "🇩🇪🇫🇷🇯🇵🇩 🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "right to left": "שָׁלוֹם\u200f עולם، مَرْحَبًا \u202bبالعالم\u202c",
    "half-width kana": "ｶﾀｶﾅ ﾊﾟﾋﾟ ﾞﾟ ｶﾞ",
    "hangul": "각 \u1100\u1161\u11a8 \u1100\u1100\u1161 \ud55c\uae00 ㅎㅏㄴ ﾡￂ",
    "ligatures": "ﬁ ﬃ ﬆ ŀ ĳ ǆ ﷺ ㍿ ㎏ ℡",
    "case": "İIıi ßẞ ΣΑΣ ὈΔΥΣΣΕΎΣ Ǆǅǆ Ａａ ﬀ ŉ ǰ ΐ 𐐀𐐨 Ⅷⅷ Ⓐⓐ",
    "numbers": "1st ²½ Ⅷ ٣٤ 12345678901234567890 1,234.5 ໑໒ 𝟘𝟙 ㊷ 三",
    "contractions": "I'll we've 'S 's ''s don't'll you’re 'LL'T it'dd",
    "Han extension B": "𠀀𠀁 中𪜶文 𩸽",
    "Han without space": "中文字符没有空格 かなカナ混じり文 한글과漢字",
    "private use": "\ue000a\uf8ff \U000f0000\U0010fffd",
    "unassigned": "\u0378a\u2fe0 \U0003ffff\U0010ffff\ufdd0",
    "astral letters": "𝒜𝓑𝕮 𝔸𝟙 \U000e0001\U000e0041",
    "metaspace itself": "▁a ▁▁b▁ c▁ _ ▁",
    "byte-level spelling itself": "ĠaĊb ÃŃ Ġ Ġ",
    "word piece marks": "##a a## ## ### @@b b@@ a</w> </w>",
    "byte pieces": "<0x41><0xE6> <0xe6> <0x> <0xZZ>",
    "markup": "<s> </s> <unk> [UNK] [CLS] [SEP] [PAD] [MASK] <mask> <pad>",
    "unfinished markup": "<s [MASK <mask [[MASK]] <<s>> [mask] [ MASK ]",
    "chat": "<|im_start|>user\nhi<|im_end|>\n<|endoftext|> <|endoftext",
    "sentinels": "<extra_id_0> x <extra_id_1><extra_id_99> <extra_id_1",
    "quotes": "``a'' \"b\" ‘c’ “d” «e» ''''",
    "punctuation": "!?.,;:-–—…()[]{}<>@#$%^&*+=|\\/~`'\"¡¿§¶†‡、。「」",
    "symbols": "$€£¥₩ ©®™ +−×÷ ←→ ♠♣ ☃ ◌ ꙰",
    "dashes": "-----  ----- --- = ===== ____ ....",
    "script changes": "abcабвαβγאבגابجकखगกขค漢字かなカナ한글abc",
    "vertical": "a\u2024b ︙ ﹏ ﹪ ＄ ｀",
    "tags and joiners": "क्‍ष क्ष ർ\u200c ல்\u200d",
    "length that doubles": "İ" * 30 + "ŉ" * 20,
    "length that shrinks": "Ω" * 10 + "K" * 10 + "Å" * 10,
    "long word": "ab" * 200,
    "101 letters": "c" * 101,
    "one letter": "a" * 500,
    "punctuation run": "^" * 300 + "!?" * 100,
    "mark run": "e" + "\u0301" * 200,
    "space run": "a" + " " * 300 + "b",
    "line end run": "a" + "\n" * 100 + "b" + "\r\n" * 50,
}

WITHOUT_SPACE = {
    "no space": "the" * (LONG // 3),
    "one letter repeated": "a" * LONG,
    "Han only": "这是一个没有空格的句子" * (LONG // 33),
    "emoji only": "👩‍👩‍👧‍👦👍🏽" * (LONG // 33),
    "digits only": "0123456789" * (LONG // 10),
    "mixed": "".join(chr(33 + (n * n * 31 + n // 7) % 94) for n in range(LONG)),
    "spaces only": " " * LONG,
}

PAIRS = [
    ("a question?", "An answer."),
    ("", "only the second"),
    ("only the first", ""),
    ("", ""),
    ("a much longer first text, of many words and more", "short"),
    ("short", "a much longer second text, of many words and more, " * 3),
    (" leading [MASK] space", "<s> trailing space "),
    ("日本語のテキスト", "naïve 👍🏽 text"),
]


def documentation(characters: int) -> str:
    """English prose with code in it, which every Python carries."""
    return "\n\n".join(topics.values())[:characters]


def training_texts() -> list[str]:
    """A small corpus of many scripts, to train vocabularies on."""
    return [*SENTENCES * 4, *documentation(60_000).split("\n\n")]


def around(token: str) -> list[str]:
    """Texts that spell a token, and nearly spell it, beside all that may decide whether it is one."""
    return [
        token,
        f"a{token}b",
        f"a {token} b",
        f"a  {token}\t\n b",
        f"{token}{token} {token}",
        f" {token} ",
        f"é{token}é",
        f"_{token}_ 1{token}2",
        f"\u00a0{token}\u3000",
        f"-{token}, ({token})",
        token[:-1] + " " + token[1:],
        token.upper() + token.lower(),
        unicodedata.normalize("NFD", token),
    ]


# Text in which the rules of tokenizers meet more often than in text drawn from all of Unicode.
DENSE = st.text(
    "ab AB'12.,\n\t\r\u00a0\u3000<s>/[MASK]|_▁Ġ#é\u0301İß漢かｶﾞ한\u1100\u1161👍🏽\u200d\0\ufffd", max_size=60
)
ANY = st.text(max_size=60)
WORDS = st.lists(st.sampled_from(" ".join(SENTENCES).split(" ")), max_size=12).map(" ".join)
TEXT = st.one_of(DENSE, ANY, WORDS)
