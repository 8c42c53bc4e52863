"""What importing costs, and what it must not bring along."""

import subprocess
import sys

import pytest

import fastmask as fm


def run(program):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("names", [(), ("Tokenizer", "MaskedLM", "TokenLoader", "write_shards", "reference")])
def test_neither_torch_nor_transformers_is_imported(names):
    uses = "".join(f"; fastmask.{name}" for name in names)
    loaded = run(f"import fastmask, fastmask.cli, sys{uses}; print(*sys.modules)")
    assert not {"torch", "transformers", "matplotlib", "tokenizers", "hypothesis"} & set(loaded)


def test_the_bare_import_needs_neither_numpy_nor_the_compiled_part():
    loaded = run("import fastmask, sys; print(*sys.modules)")
    assert not {"numpy", "fastmask._rust"} & set(loaded)


def test_kernels_need_no_compiled_part():
    loaded = run("import fastmask.kernels, sys; print(*sys.modules)")
    assert "fastmask._rust" not in loaded


def test_every_public_name_is_there():
    for name in fm.__all__:
        assert getattr(fm, name) is not None
        assert name in dir(fm)
    with pytest.raises(AttributeError, match="has no attribute 'Tokeniser'"):
        fm.Tokeniser  # noqa: B018


def test_versions(capsys):
    fm.show_versions()
    shown = capsys.readouterr().out
    assert f"fastmask {fm.__version__}" in shown
    assert "numpy" in shown
    assert fm.__version__[0].isdigit()


def test_stub_and_compiled_module_agree():
    done = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "fastmask._rust", "--concise"],
        capture_output=True,
        text=True,
        check=False,
    )
    if "No module named" in done.stderr:
        pytest.skip("mypy is not installed")
    assert done.returncode == 0, done.stdout + done.stderr
