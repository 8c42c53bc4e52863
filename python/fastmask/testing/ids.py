"""The ids of the objectives that the strategies make: few of each kind, so that all of them meet in short rows."""

VOCAB_SIZE = 70
PAD_ID, BOS_ID, EOS_ID, MASK_ID = 0, 1, 2, 3
ORDINARY_IDS = range(4, 32)
WORD_STARTS = tuple(range(4, 20))
SENTENCE_END_IDS = (8, 30)
SENTINEL_IDS = tuple(range(63, 31, -1))
PREFIX_ID, MIDDLE_ID, SUFFIX_ID = 64, 65, 66
MODE_IDS = (67, 68, 69)
SPECIAL_IDS = tuple(token for token in range(VOCAB_SIZE) if token not in ORDINARY_IDS)
