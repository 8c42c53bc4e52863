"""`make gpu-check` without a GPU: its tables, budget, ratios, report and chart; and its checks on the CPU."""

import doctest
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import gpu_budget
import gpu_chart
import gpu_check
import gpu_correctness
import gpu_rivals
import gpu_timings
import pytest
import torch
from gpu_budget import Outcome, Task, worked_off
from gpu_rivals import EFFICIENT, FLASH, FLEX, OURS, PLAIN, SHAPES, Shape, engines

MACHINE = {"device": "a GPU <of no make>"}
MILLISECONDS = {OURS: 1.0, PLAIN: 0.8, FLASH: 0.7, EFFICIENT: 3.0, FLEX: 1.2}


def made_up_timings():
    return {
        f"{shape}: {engine}": {way: dict.fromkeys(("forward", "backward", "both"), one) for way in ("eager", "graph")}
        for shape in ("B16 H12 S512 D64", "B4 H16 S2048 D64")
        for engine, one in MILLISECONDS.items()
    }


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_and_ends_with_2():
    command = [sys.executable, gpu_check.__file__]
    done = subprocess.run(command, capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)}, check=False)
    assert done.returncode == 2
    assert "needs a GPU" in done.stderr
    assert "Traceback" not in done.stderr


# What is measured.


def test_the_shapes_are_those_of_the_issue_and_the_most_important_come_first():
    assert list(SHAPES)[:2] == ["B16 H12 S512 D64", "B4 H16 S2048 D64"]
    for name, shape in SHAPES.items():
        if name.startswith("B"):
            words = name.split(",")[0]
            assert words == f"B{shape.batch} H{shape.heads} S{shape.length} D{shape.head_dim}"
    assert SHAPES["B1 H16 S8192 D128"].flops == pytest.approx(549.8e9, rel=1e-3)
    packed = [shape for shape in SHAPES.values() if shape.documents]
    assert packed
    assert all(len(set(shape.documents)) > 8 and max(shape.documents) <= shape.length for shape in packed)


def test_work_has_names_of_its_own_and_correctness_comes_before_timings():
    tasks = gpu_check.tasks()
    names = [(task.part, task.name) for task in tasks]
    assert len(set(names)) == len(names)
    parts = [task.part for task in tasks]
    assert parts[: len(gpu_correctness.CASES)] == ["correctness"] * len(gpu_correctness.CASES)
    assert {f"{shape}: {engine}" for shape in SHAPES for engine in engines(SHAPES[shape])} == {
        task.name for task in tasks if task.part == "timings"
    }
    assert {f"{case}, {dtype}" for case in gpu_correctness.CASES for dtype in gpu_correctness.DTYPES} <= {
        task.name for task in tasks if task.part == "correctness"
    }


def test_every_feature_has_a_case():
    cases = gpu_correctness.CASES.values()
    assert {case.bias for case in cases} == {None, "encoder", "decoder", "alibi"}
    for feature in ("causal", "segments", "packed", "dropout_p"):
        assert {bool(getattr(case, feature)) for case in cases} == {False, True}
    assert {case.head_dim for case in cases} >= {32, 64, 80, 128, 256}
    assert any(case.heads > case.kv_heads for case in cases)
    assert set(gpu_correctness.SMALL) <= set(gpu_correctness.CASES)


@pytest.mark.parametrize("row", gpu_timings.RATIOS, ids=lambda row: row[0])
def test_a_ratio_is_of_engines_that_are_timed(row):
    _, shape, of, other, ours, _ = row
    assert {other, ours} <= set(engines(SHAPES[shape]))
    assert of in ("forward", "backward", "both")


def test_a_feature_without_its_file_is_left_out(monkeypatch):
    monkeypatch.setattr(gpu_correctness, "OPTIONAL", {"reference": int, "not_there": int})
    assert set(gpu_correctness.optional_checks()) == {"reference"}


# The time.


def test_what_no_longer_fits_is_left_out_and_what_fails_says_why():
    now = [0.0]

    def lasting(seconds):
        def work():
            now[0] += seconds
            return {"took": seconds}

        return work

    def failing():
        raise RuntimeError("no kernel\nfound")

    said = []
    tasks = [
        Task("a", "first", 5.0, lasting(6.0)),
        Task("a", "broken", 1.0, failing),
        Task("a", "too long", 5.0, lasting(5.0)),
        Task("b", "short", 3.0, lasting(3.0)),
        Task("b", "nothing is left", 2.0, lasting(2.0)),
    ]
    outcome = worked_off(tasks, 10.0, said.append, clock=lambda: now[0])
    assert {part: list(results) for part, results in outcome.results.items()} == {"a": ["first"], "b": ["short"]}
    assert outcome.failed == {"a: broken": "RuntimeError: no kernel\nfound"}
    assert outcome.left_out == ["a: too long", "b: nothing is left"]
    assert said == [
        "[  10 s left] a: first",
        "[   4 s left] a: broken",
        "  failed: RuntimeError: no kernel",
        "[   4 s left] b: short",
    ]


# The report.


def test_ratios_are_of_times_and_say_whether_they_are_met():
    found = gpu_timings.ratios(made_up_timings())
    assert len(found) == 2 * len(gpu_timings.RATIOS)
    by_words = {row["what"]: row for row in found if row["way"] == "graph"}
    met = {words: (row["ratio"], row["met"]) for words, row in by_words.items()}
    assert met["forward with bias as fast as without, at 512"] == (0.8, True)
    assert met["forward with bias as fast as without, at 2048"] == (0.8, False)
    assert met["backward with the table as fast as flash without"] == (0.7, True)
    assert met["both, over SDPA with the bias of all pairs, at 2048"] == (3.0, True)
    assert met["both, over FlexAttention, at 512"] == (1.2, False)


def test_a_ratio_with_a_missing_side_is_left_out():
    timings = made_up_timings()
    del timings[f"B16 H12 S512 D64: {EFFICIENT}"]
    del timings[f"B4 H16 S2048 D64: {FLASH}"]["graph"]
    found = {(row["what"], row["way"]) for row in gpu_timings.ratios(timings)}
    assert ("both, over SDPA with the bias of all pairs, at 512", "eager") not in found
    assert ("backward with the table as fast as flash without", "graph") not in found
    assert ("backward with the table as fast as flash without", "eager") in found


def test_the_report_is_json_with_the_device_and_the_chart_has_a_bar_each(tmp_path):
    outcome = Outcome({"timings": made_up_timings(), "correctness": {"plain, bf16": {}}}, {}, ["timings: late"])
    found = gpu_check.report(MACHINE, outcome)
    out = tmp_path / "folder" / "found.json"
    assert gpu_check.written(found, out) == [out, out.with_suffix(".svg")]
    assert json.loads(out.read_text()) == found
    assert found["machine"] == MACHINE
    chart = ElementTree.parse(out.with_suffix(".svg"))
    bars = chart.findall(".//{http://www.w3.org/2000/svg}rect")
    assert len(bars) == 1 + 3 * len(made_up_timings())  # and the ground
    words = [text.text for text in chart.findall(".//{http://www.w3.org/2000/svg}text")]
    assert "fastmask attention on a GPU <of no make>" in words
    lines = gpu_check.summary(found)
    assert lines[0] == "a GPU <of no make>: 1 checks passed, 0 failed"
    assert "  0.80 of 0.9 (graph), NOT met: forward with bias as fast as without, at 2048" in lines
    assert lines[-1] == "  left out for want of time: timings: late"


def test_nothing_timed_gives_no_chart(tmp_path):
    found = gpu_check.report(MACHINE, Outcome())
    assert gpu_check.written(found, tmp_path / "found.json") == [tmp_path / "found.json"]


@pytest.mark.parametrize(
    ("failed", "wrong"),
    [
        ([], False),
        (["timings: B1: SDPA cuDNN, no bias"], False),
        (["timings: B1: fastmask, no bias"], True),
        (["correctness: plain, bf16"], True),
        (["sanitizer: racecheck"], True),
    ],
)
def test_a_rival_that_cannot_run_is_no_fault_of_ours(failed, wrong):
    found = gpu_check.report(MACHINE, Outcome(failed=dict.fromkeys(failed, "RuntimeError: no")))
    assert gpu_check.is_wrong(found) is wrong


@pytest.mark.parametrize("module", [gpu_budget, gpu_chart])
def test_examples_in_the_documentation_run(module):
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


# Its checks, on the CPU.


@pytest.mark.parametrize("name", gpu_correctness.CASES)
def test_the_formula_that_sets_the_tolerance_is_the_reference_in_float64(name):
    results = [
        gpu_correctness._with_gradients(compute, gpu_correctness.CASES[name], torch.float32, torch.float64, "cpu")
        for compute in (gpu_correctness.exact, gpu_correctness.written_out)
    ]
    assert list(results[0]) == list(results[1])
    for of, expected in results[0].items():
        torch.testing.assert_close(results[1][of], expected)


@pytest.mark.interpreter
@pytest.mark.usefixtures("interpreted_bfloat16")
@pytest.mark.parametrize("dtype", gpu_correctness.DTYPES)
def test_a_check_passes_in_the_interpreter(dtype):
    (name,) = gpu_correctness.SMALL
    found = gpu_correctness.checked(name, dtype, "cpu")
    assert found["bitwise_equal_twice"]
    assert set(found["errors"]) == {"output", "q", "k", "v", "table"}
    assert all(row["error"] <= row["allowed"] for row in found["errors"].values())


@pytest.mark.interpreter
def test_a_check_fails_where_a_result_is_wrong(monkeypatch):
    (name,) = gpu_correctness.SMALL
    right = gpu_correctness.ours
    monkeypatch.setattr(gpu_correctness, "ours", lambda call: right(call) * 1.001)
    with pytest.raises(AssertionError, match=r"output is off by .* is allowed"):
        gpu_correctness.checked(name, "fp32", "cpu")


@pytest.mark.interpreter
@pytest.mark.usefixtures("interpreted_bfloat16")
def test_packed_rows_are_timed_with_ends_and_with_segments_and_both_are_the_same():
    shape = Shape(1, 1, 60, 16, documents=(20, 33, 7))
    by_ends = gpu_rivals.PACKED[OURS](shape, "cpu")
    by_segments = gpu_rivals.PACKED["fastmask, table learns, segment ids"](shape, "cpu")
    assert len(by_ends.learned) == len(by_segments.learned) == 4
    # Tiles begin elsewhere, so each side rounds other weights: weights and output by half an eps of the largest value.
    allowed = 2 * torch.finfo(torch.bfloat16).eps * by_ends.learned[2].abs().max().item()
    torch.testing.assert_close(by_ends.forward(), by_segments.forward()[0].transpose(0, 1), rtol=0, atol=allowed)


@pytest.mark.interpreter
@pytest.mark.usefixtures("interpreted_bfloat16")
def test_rivals_without_a_bias_compute_the_same():
    shape = Shape(1, 2, 40, 16, causal=True)
    ours, flash = (gpu_rivals.DENSE[name](shape, "cpu") for name in (PLAIN, FLASH))
    # Each side rounds weights and output once, by half an eps of the largest value at most.
    allowed = 2 * torch.finfo(torch.bfloat16).eps * ours.learned[2].abs().max().item()
    torch.testing.assert_close(ours.forward(), flash.forward(), rtol=0, atol=allowed)


def test_the_script_needs_no_rust():
    files = [
        Path(gpu_check.__file__).with_name(f"{name}.py") for name in ("gpu_rivals", "gpu_timings", "gpu_correctness")
    ]
    for path in [Path(gpu_check.__file__), *files]:
        imported = [
            line for line in path.read_text().splitlines() if "from fastmask" in line or "import fastmask" in line
        ]
        assert all("fastmask.kernels" in line for line in imported), path
