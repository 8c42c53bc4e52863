"""Pretrained tokenizers: what their folders mean, where they come from, and how they are kept."""

from fastmask.pretrained.folder import Pretrained, read_folder
from fastmask.pretrained.hub import resolve
from fastmask.pretrained.loaded import from_transformers
from fastmask.pretrained.write import write_folder

__all__ = ["Pretrained", "from_transformers", "read_folder", "resolve", "write_folder"]
