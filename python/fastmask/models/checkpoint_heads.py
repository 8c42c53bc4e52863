"""Which head a checkpoint of transformers has, and what a classification head's labels are called."""

from collections.abc import Mapping
from typing import Any

from fastmask.error import FastmaskError
from fastmask.models.config import HeadKind, ModelConfig

Json = dict[str, Any]

_CLASSES = {
    "roberta": "RobertaForMaskedLM",
    "gpt2": "GPT2LMHeadModel",
    "bloom": "BloomForCausalLM",
    "t5": "T5ForConditionalGeneration",
    "bart": "BartForConditionalGeneration",
}
_CLASSIFIERS: dict[str, HeadKind] = {
    "SequenceClassification": "sequence_classification",
    "TokenClassification": "token_classification",
}


def head_kind(theirs: Mapping[str, Any]) -> HeadKind:
    """Return which head a checkpoint has, by the class that its config.json names.

    >>> head_kind({"architectures": ["BertForTokenClassification"]})
    'token_classification'
    """
    for name in theirs.get("architectures") or ():
        if (kind := _CLASSIFIERS.get(str(name).rpartition("For")[2])) is not None:
            return kind
    return "language_model"


def read_labels(theirs: Mapping[str, Any]) -> Json:
    """Return our fields that say what a classification head tells apart."""
    if not (by_number := theirs.get("id2label")):
        return {"num_labels": theirs.get("num_labels", 2)}
    names = {int(number): name for number, name in by_number.items()}
    if sorted(names) != list(range(len(names))):
        raise FastmaskError(f"config.json: id2label must number its labels from 0: {by_number}")
    ordered = tuple(names[number] for number in sorted(names))
    return {"num_labels": len(ordered), "label_names": () if ordered == _unnamed(len(ordered)) else ordered}


def write_labels(config: ModelConfig) -> Json:
    """Return the same as config.json has it."""
    names = config.label_names or _unnamed(config.num_labels)
    return {
        "id2label": {str(number): name for number, name in enumerate(names)},
        "label2id": {name: number for number, name in enumerate(names)},
        "problem_type": config.problem_type,
    }


def _unnamed(count: int) -> tuple[str, ...]:
    return tuple(f"LABEL_{number}" for number in range(count))


def class_name(config: ModelConfig) -> str:
    """Return which class of transformers reads the checkpoint of a model."""
    if config.head == "language_model":
        name = "BertForPreTraining" if config.sentence_head else "BertForMaskedLM"
        return _CLASSES.get(config.architecture, name)
    root = {"bert": "Bert", "roberta": "Roberta"}[config.architecture]
    return f"{root}For{next(name for name, kind in _CLASSIFIERS.items() if kind == config.head)}"
