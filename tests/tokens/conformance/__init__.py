"""What the tests of tokenizers share: texts, vocabularies, the original libraries, and how two tokenizers are compared.

texts          what is encoded: sentences, corpora, nasty cases, strategies for hypothesis
vocabularies   small models, trained here with the `tokenizers` and `sentencepiece` libraries
parts          every kind of normalizer, pre-tokenizer, model, post-processor, decoder and setting
covering       few rows in which every pair of parts meets
shapes         the configurations of well-known models over small vocabularies
originals      `tokenizers`, `tiktoken` and `sentencepiece`, asked in one manner
comparison     ours against an original, with counts of what differs
damage         valid files, broken in every way
protobuf       just enough of the wire format to take a SentencePiece file apart
"""
