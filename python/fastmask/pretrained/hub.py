"""Where a pretrained tokenizer lies: a folder, or a repository of the Hugging Face hub, of which a copy is kept."""

import os
import re
from pathlib import Path

from fastmask.error import FastmaskError

# What a tokenizer is made of; the rest of a repository may be a hundred gigabytes.
_TOKENIZER_FILES = (
    "tokenizer*.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "config.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "*.model",
    "*.tiktoken",
    "chat_template.jinja",
    "additional_chat_templates/*.jinja",
)
_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


def resolve(folder_or_hub_id: str | os.PathLike[str], *, revision: str | None = None) -> Path:
    """Return the folder of a pretrained tokenizer; what lies on the hub is fetched into the hub's own cache first.

    Args:
        folder_or_hub_id: a folder, or a name on the hub: ``"google-bert/bert-base-uncased"``. A folder of that name
            comes first. Of a repository only the files of a tokenizer are fetched, and those that are in the cache are
            not fetched again; with the environment variable HF_HUB_OFFLINE=1 nothing is.
        revision: a branch, a tag or a commit on the hub.

    Raises:
        FastmaskError: where there is no such folder or repository, it cannot be reached and is not in the cache, or
            the hub is meant and `huggingface_hub` is not installed (``pip install fastmask[hub]``).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     resolve(folder) == Path(folder)
    True

    """
    folder = Path(folder_or_hub_id)
    if folder.is_dir():
        return folder
    name = os.fspath(folder_or_hub_id)
    if folder.exists() or isinstance(folder_or_hub_id, os.PathLike) or not _HUB_ID.fullmatch(name):
        kind = "a file" if folder.exists() else "no such folder"
        raise FastmaskError(f"{name}: {kind}: give the folder of a pretrained tokenizer, or a name on the hub")
    try:
        import huggingface_hub
    except ImportError:
        raise FastmaskError(
            f"{name}: no such folder, and names on the hub need huggingface_hub: pip install fastmask[hub]"
        ) from None
    try:
        found = huggingface_hub.snapshot_download(name, revision=revision, allow_patterns=list(_TOKENIZER_FILES))
    except Exception as error:  # huggingface_hub's errors have no common class, and its HTTP client has its own
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise FastmaskError(f"{name}: no such folder, and the hub says: {reason}") from error
    return Path(found)
