"""What makes each model family itself, as data: the fields of one dataclass."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from fastmask.error import FastmaskError

Family = Literal["encoder", "decoder", "encoder_decoder"]
Architecture = Literal["bert", "roberta", "gpt2", "bloom", "t5", "bart"]
Positions = Literal["learned", "relative", "alibi"]
Norm = Literal["layernorm", "rmsnorm"]
NormPosition = Literal["pre", "post"]
Activation = Literal["gelu", "gelu_new", "relu", "silu"]
HeadKind = Literal["language_model", "sequence_classification", "token_classification"]
ProblemType = Literal["regression", "single_label_classification", "multi_label_classification"]
Initialization = Literal["normal", "normal_residual_scaled", "local", "mesh"]


@dataclass(frozen=True)
class ModelConfig:
    """The shape and the particularities of one model.

    Args:
        architecture: whose checkpoint format the model has: bert, roberta, gpt2, bloom, t5 or bart.
        family: encoder (BERT, RoBERTa), decoder (GPT-2, BLOOM) or encoder_decoder (T5, BART).
        vocab_size: rows of the embedding table: highest token id + 1.
        d_model: width of the residual stream.
        num_layers: blocks of the stack; of the encoder where there are two.
        num_decoder_layers: blocks of an encoder-decoder's decoder; 0 is as many as ``num_layers``.
        num_heads: attention heads.
        head_dim: width of one head; T5 does not tie it to ``d_model / num_heads``.
        d_ff: inner width of the feed-forward layers.
        max_positions: longest row that learned positions reach; 0 with the others, which have no end.
        position_offset: rows of the position table before that of the first token (2 in RoBERTa and BART).
        positions_from_ids: tokens are numbered past those that are ``pad_id``, which share the row before the first
            (RoBERTa).
        token_types: rows of the token type table; 0 where the family has none.
        positions: "learned" vectors added to the embeddings; "relative": a learned bias on the attention scores,
            shared by all layers of a stack (T5, Raffel et al. 2020, section 2.1); "alibi": a fixed slope for each
            head (BLOOM, Press et al. 2022).
        norm: "layernorm", or "rmsnorm": no mean, no bias.
        norm_position: "post", after the residual sum (BERT, BART), or "pre", before each sublayer.
        norm_epsilon: added to the variance.
        embedding_norm: a norm on the embeddings (BERT, RoBERTa, BLOOM, BART).
        scale_embedding: token embeddings are multiplied by sqrt(d_model).
        activation: of the feed-forward layers; "gelu_new" is the tanh approximation.
        gated: the activation of one inner layer multiplies another (T5 v1.1).
        biases: whether the linear layers have them.
        scale_attention: whether scores are divided by sqrt(head_dim); T5 folds that into its initialisation.
        tie_head: the output layer shares the embedding table.
        scale_head: hidden states are multiplied by d_model**-0.5 before the head (T5 v1.0).
        head_transform: dense layer, activation and norm in front of the head, and a bias on it (BERT, RoBERTa).
        logits_bias: a fixed row added to the logits (BART).
        sentence_head: BERT's pooler and its next-sentence classifier.
        head: "language_model", or, on an encoder, "sequence_classification" or "token_classification" (`Classifier`).
        num_labels: scores of a classification head.
        label_names: what they stand for, in their order; empty: LABEL_0, LABEL_1, ...
        problem_type: which loss a sequence's labels have; None: "regression" with one label, else single where labels
            are integers and multi where they are floats.
        classifier_dropout: before the scores of a classification head; None: ``dropout``.
        initialization: "normal" (std ``initializer_range``), "normal_residual_scaled" (GPT-2: what writes into the
            residual stream is divided by sqrt(2 x num_layers)), "local" (normal, but attention begins on the
            neighbours), or "mesh" (T5's: std from each layer's fan-in).
        initializer_range: standard deviation of the normal initialisations; a factor on mesh's.
        relative_buckets: rows of the relative bias table.
        relative_max_distance: distances from here on share the last bucket.
        dropout: of embeddings and sublayer outputs.
        attention_dropout: of attention weights.
        inner_dropout: inside the feed-forward layers.
        pad_id: token of padding, where there is one.
        bos_id: token that begins a text.
        eos_id: token that ends a text, and generation.
        decoder_start_id: token before the first of a target.

    Raises:
        FastmaskError: settings that cannot work together.

    >>> config = ModelConfig.from_preset("t5", size="base")
    >>> config.d_model, config.positions, config.scale_attention
    (768, 'relative', False)
    """

    architecture: Architecture
    family: Family
    vocab_size: int
    d_model: int
    num_layers: int
    num_heads: int
    head_dim: int
    d_ff: int
    num_decoder_layers: int = 0
    max_positions: int = 0
    position_offset: int = 0
    positions_from_ids: bool = False
    token_types: int = 0
    positions: Positions = "learned"
    norm: Norm = "layernorm"
    norm_position: NormPosition = "pre"
    norm_epsilon: float = 1e-5
    embedding_norm: bool = False
    scale_embedding: bool = False
    activation: Activation = "gelu"
    gated: bool = False
    biases: bool = True
    scale_attention: bool = True
    tie_head: bool = True
    scale_head: bool = False
    head_transform: bool = False
    logits_bias: bool = False
    sentence_head: bool = False
    head: HeadKind = "language_model"
    num_labels: int = 2
    label_names: tuple[str, ...] = ()
    problem_type: ProblemType | None = None
    classifier_dropout: float | None = None
    initialization: Initialization = "normal"
    initializer_range: float = 0.02
    relative_buckets: int = 0
    relative_max_distance: int = 0
    dropout: float = 0.0
    attention_dropout: float = 0.0
    inner_dropout: float = 0.0
    pad_id: int | None = None
    bos_id: int | None = None
    eos_id: int | None = None
    decoder_start_id: int | None = None

    def __post_init__(self) -> None:
        for name in ("vocab_size", "d_model", "num_layers", "num_heads", "head_dim", "d_ff"):
            if getattr(self, name) < 1:
                raise FastmaskError(f"{name} must be at least 1: {getattr(self, name)}")
        for name, kinds in _CHOICES.items():
            if getattr(self, name) not in kinds:
                raise FastmaskError(f"{name} must be one of {', '.join(kinds)}: {getattr(self, name)!r}")
        for name in ("dropout", "attention_dropout", "inner_dropout"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise FastmaskError(f"{name} must be in [0, 1): {getattr(self, name)}")
        for name in ("pad_id", "bos_id", "eos_id", "decoder_start_id"):
            token = getattr(self, name)
            if token is not None and not 0 <= token < self.vocab_size:
                raise FastmaskError(f"{name} must be in [0, {self.vocab_size}), the vocabulary: {token}")
        self._check_positions()
        self._check_head()

    def _check_head(self) -> None:
        if self.problem_type not in (None, *get_args(ProblemType)):
            raise FastmaskError(
                f"problem_type must be None or one of {', '.join(get_args(ProblemType))}: {self.problem_type!r}"
            )
        if self.head == "language_model":
            return
        if self.family != "encoder" or self.sentence_head:
            raise FastmaskError(
                f"{self.head} is for encoders without a sentence_head: not for this {self.architecture}"
            )
        if self.num_labels < 1:
            raise FastmaskError(f"num_labels must be at least 1: {self.num_labels}")
        if self.label_names and len(self.label_names) != self.num_labels:
            raise FastmaskError(f"label_names must be as many as num_labels, {self.num_labels}: {self.label_names}")
        if not 0.0 <= (self.classifier_dropout or 0.0) < 1.0:
            raise FastmaskError(f"classifier_dropout must be in [0, 1): {self.classifier_dropout}")

    def _check_positions(self) -> None:
        if self.positions == "learned" and self.max_positions < 1:
            raise FastmaskError("learned positions need max_positions of at least 1")
        if self.positions == "relative" and (self.relative_buckets < 4 or self.relative_buckets % 4):
            raise FastmaskError(f"relative_buckets must be a positive multiple of 4: {self.relative_buckets}")
        if self.positions == "relative" and self.relative_max_distance <= self.relative_buckets // 2:
            raise FastmaskError("relative_max_distance must be greater than half of relative_buckets")
        if self.positions_from_ids and (self.pad_id is None or self.position_offset != self.pad_id + 1):
            raise FastmaskError("positions_from_ids needs a pad_id, and position_offset must be pad_id + 1")

    @property
    def decoder_layers(self) -> int:
        """Blocks of the decoder of an encoder-decoder."""
        return self.num_decoder_layers or self.num_layers

    @classmethod
    def from_preset(cls, name: str, size: str = "base", **overrides: Any) -> "ModelConfig":
        """Return the published settings of a family at a size, with ``overrides`` put on top.

        Args:
            name: "bert", "roberta", "gpt2", "bloom", "t5", "t5_v1_1" or "bart".
            size: "base" is the published one; "small" is a few tens of millions of parameters; "tiny" learns on two
                CPU cores in a minute or two.
            overrides: any field of this class. What follows from one and is not named follows it: ``head_dim`` is
                ``d_model / num_heads``, ``dropout`` is that of all places where the family has one, and special
                tokens that ``vocab_size`` has no room for are left out.

        Raises:
            FastmaskError: unknown name, size or field; the message lists the known ones.

        >>> ModelConfig.from_preset("gpt2", size="tiny", vocab_size=2048).vocab_size
        2048
        """
        from fastmask.models.presets import settings_of

        return cls.from_dict(settings_of(name, size, overrides))

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> "ModelConfig":
        """Return the config with these fields; those that are not named have the values of the class.

        Raises:
            FastmaskError: a field is missing or unknown.
        """
        fields = dataclasses.fields(cls)
        known = {field.name for field in fields}
        if unknown := sorted(set(settings) - known):
            raise FastmaskError(f"unknown model setting: {', '.join(unknown)} (known: {', '.join(sorted(known))})")
        needed = {field.name for field in fields if field.default is dataclasses.MISSING}
        if missing := sorted(needed - set(settings)):
            raise FastmaskError(f"missing model setting: {', '.join(missing)}")
        if "label_names" in settings:  # a list in JSON
            settings = {**settings, "label_names": tuple(settings["label_names"])}
        return cls(**settings)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as plain values, ready for JSON."""
        return dataclasses.asdict(self)


_CHOICES: dict[str, tuple[str, ...]] = {
    "architecture": get_args(Architecture),
    "family": get_args(Family),
    "positions": get_args(Positions),
    "norm": get_args(Norm),
    "norm_position": get_args(NormPosition),
    "activation": get_args(Activation),
    "head": get_args(HeadKind),
    "initialization": get_args(Initialization),
}
