"""`kernels/` at the top is the real folder, `fastmask.kernels` a link for each file; nobody takes it for a package."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REAL = ROOT / "kernels"
LINKED = ROOT / "python" / "fastmask" / "kernels"

# PyPI has a package named kernels, and transformers asks for it: with the repository's root on sys.path it finds ours.
LOADS_MODELS = """
import importlib.util, os
assert list(importlib.util.find_spec("kernels").submodule_search_locations) == [os.path.join(os.getcwd(), "kernels")]
from transformers import BertConfig, BertModel, GPT2Config, GPT2Model, T5Config, T5Model
BertModel(BertConfig(vocab_size=8, hidden_size=4, num_hidden_layers=1, num_attention_heads=1, intermediate_size=4))
GPT2Model(GPT2Config(vocab_size=8, n_embd=4, n_layer=1, n_head=1, n_positions=4))
T5Model(T5Config(vocab_size=8, d_model=4, d_kv=4, d_ff=4, num_layers=1, num_heads=1))
"""


def test_every_kernel_file_has_its_link_and_every_link_its_file():
    files = {path.name for path in REAL.glob("*.py")}
    links = {path.name for path in LINKED.glob("*.py")} - {"__init__.py"}
    assert files
    assert links == files


@pytest.mark.parametrize("name", sorted(path.name for path in REAL.glob("*.py")))
def test_a_link_is_relative_and_reaches_the_real_file(name):
    link = LINKED / name
    assert link.is_symlink()
    assert link.readlink() == Path("../../../kernels") / name
    assert link.resolve() == (REAL / name).resolve()


def test_the_real_folder_is_no_package():
    assert not (REAL / "__init__.py").exists()
    init = LINKED / "__init__.py"
    assert init.is_file()
    assert not init.is_symlink()


def test_the_kernels_import_nothing_of_fastmask():
    for path in REAL.glob("*.py"):
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
        assert not [line for line in lines if line.startswith(("import fastmask", "from fastmask"))], path


def test_every_test_that_the_page_names_exists():
    page = (REAL / "README.md").read_text(encoding="utf-8")
    sources = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py")]
    row = next(line for line in page.splitlines() if line.startswith("| fastmask |"))
    assert row.count("`test_") == 7  # a test for each column
    for name in re.findall(r"`(test_[a-z0-9_]+)`", page):
        assert any(f"def {name}(" in source for source in sources), name


def test_transformers_models_load_with_the_repository_on_the_path():
    pytest.importorskip("transformers", reason="transformers is not installed: nothing to be misled")
    program = [sys.executable, "-c", LOADS_MODELS]  # -c puts the working folder on sys.path
    finished = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
