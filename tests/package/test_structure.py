"""The rules of the house: which stage may use which, and where torch and Python may be mentioned."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORE = ROOT / "rust" / "core" / "src"
PACKAGE = ROOT / "python" / "fastmask"
STAGES = ["text", "tokens", "rows", "objectives", "loader"]
# Ragged is what all stages speak, so tokens may give it.
SPOKEN_BY_ALL = {("tokens", "rows")}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_of_the_core_uses_only_those_before_it(stage):
    later = STAGES[STAGES.index(stage) + 1 :]
    for path in (CORE / stage).rglob("*.rs"):
        used = set(re.findall(r"crate::(\w+)", path.read_text()))
        wrong = {name for name in used & set(later) if (stage, name) not in SPOKEN_BY_ALL}
        assert not wrong, f"{path.name} uses {wrong}"


def imports(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def test_torch_is_imported_where_it_belongs_alone():
    rooms = ("models", "training", "kernels")
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE)
        allowed = (
            place.parts[0] in rooms
            or place.name == "torch.py"
            or place.as_posix() in ("loader.py", "bench/torch_masking_engines.py")
        )
        assert allowed or "torch" not in imports(path), f"{place} imports torch"


def test_python_is_mentioned_in_the_glue_alone():
    for path in CORE.rglob("*.rs"):
        assert not re.search(r"\bpyo3\b|\bPy[A-Z]\w+", path.read_text()), path.name


def test_no_place_is_called_after_nothing():
    for folder in (ROOT / "rust", ROOT / "python", ROOT / "kernels", ROOT / "tests", ROOT / "benchmarks"):
        for path in folder.rglob("*"):
            assert path.stem not in {"utils", "util", "helpers", "helper", "common", "misc"}, path


def test_an_objective_has_the_same_name_everywhere():
    from fastmask import objectives, reference, testing

    rust = {path.stem for path in (CORE / "objectives").iterdir()}
    tests = {path.stem.removeprefix("test_") for path in (ROOT / "tests" / "objectives").glob("test_*.py")}
    names = {
        "CausalLM": "causal_lm",
        "Denoising": "denoising",
        "FillInTheMiddle": "fill_in_the_middle",
        "MaskedLM": "masked_lm",
        "MixtureOfDenoisers": "mixture_of_denoisers",
        "PrefixLM": "prefix_lm",
        "SpanCorruption": "span_corruption",
    }
    assert {cls.__name__ for cls in objectives.Objective.__subclasses__()} == set(names)
    for name in names.values():
        assert name in rust
        assert name in tests
        assert hasattr(reference, name)
        assert f"{name}_settings" in testing.__all__
