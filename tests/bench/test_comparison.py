"""What is believed of an engine, and what is said of one that is not."""

import os
import sys

import pytest

from fastmask.bench.comparison import Case, CaseResult, EngineResult
from fastmask.bench.figures import Spread, best_peer, cold, measured, ratio, spread, warm
from fastmask.bench.processes import run_fresh
from fastmask.bench.table import as_table, ids_in_words


def test_an_engine_is_measured_in_every_run_and_pass(compared, fakes):
    (same,) = fakes("Same")
    result = compared(["fastmask", same], runs=2, passes=3)
    for found in result.engines:
        assert found.reason is None
        assert found.trusted
        assert [len(run["wall_seconds"]) for run in found.runs] == [3, 3]
        for run in found.runs:
            assert run["tokens"] > 0
            assert len(run["cpu_seconds"]) == 3
            assert all(seconds > 0 for seconds in run["wall_seconds"])
            if sys.platform == "linux":
                assert 0 < run["empty_bytes"] <= run["loaded_bytes"] <= run["peak_bytes"]
    assert result.of(same).differing["fastmask"] == 0
    assert best_peer(result, cold).engine == same
    shown = as_table([result])
    assert "byte_bpe, cats, 1 thread" in shown
    assert f"best peer with the same ids, {same}" in shown


def test_one_pass_has_no_warm_figure(compared):
    result = compared(["fastmask"], passes=1)
    assert measured(result.of("fastmask"), warm, result.case.num_bytes) is None
    assert measured(result.of("fastmask"), cold, result.case.num_bytes) is not None
    assert "  -  " in as_table([result])


@pytest.mark.parametrize(
    ("name", "words"),
    [("Wrong", "differ from fastmask in 1 of"), ("Unsteady", "vary from run to run")],
)
def test_an_engine_with_other_ids_is_marked_and_is_no_best_peer(compared, fakes, name, words):
    (engine,) = fakes(name)
    result = compared(["fastmask", engine], runs=2)
    assert not result.of(engine).trusted
    assert best_peer(result, cold) is None
    assert words in as_table([result])


@pytest.mark.parametrize(
    ("name", "settings", "reason"),
    [
        ("Crashing", {}, "SIGABRT"),
        ("Refusing", {}, "cannot load: OSError: no such merge"),
        ("Panicking", {}, "BaseException: index out of bounds"),
        ("Endless", {"limit": 5.0}, "no result within 5 s"),
        ("OneThread", {"threads": 2}, "has one thread only"),
        ("Reader", {}, "reads no tokenizer.json"),
    ],
)
def test_an_engine_that_fails_is_listed_with_its_reason(compared, fakes, name, settings, reason):
    if name == "Crashing" and sys.platform == "win32":
        pytest.skip("Windows has no signals")
    (engine,) = fakes(name)
    result = compared(["fastmask", engine], runs=2, **settings)
    found = result.of(engine)
    assert reason in found.reason
    assert "\n" not in found.reason
    assert found.runs == []
    assert found.reason in as_table([result])
    assert len(result.of("fastmask").runs) == 2


def test_a_slow_engine_gets_fewer_runs_and_the_table_says_so(compared, fakes):
    (same,) = fakes("Same")
    result = compared(["fastmask", same], runs=3, slow_seconds=0.0, slow_runs=1)
    assert [len(found.runs) for found in result.engines] == [1, 1]
    result.of("fastmask").runs *= 3
    assert "(1 runs)" in as_table([result])


@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_set_before_anything_is_imported(compared, fakes, threads):
    (arrays,) = fakes("Arrays")
    (same,) = fakes("Same")
    alone = compared([arrays], threads=threads)
    assert alone.of(arrays).runs[0]["tokens"] == 2 * alone.case.num_documents
    other = compared([arrays], threads=3 - threads)
    assert alone.of(arrays).runs[0]["digest"] != other.of(arrays).runs[0]["digest"]
    assert compared(["fastmask", same], threads=threads).of(same).trusted


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no system that keeps a process on processors")
@pytest.mark.parametrize("threads", [1, 2, 1000])
def test_a_process_has_as_many_processors_as_threads(fakes, threads):
    (work,) = fakes("report_processors")
    outcome = run_fresh(work, {}, num_threads=threads, limit=60)
    assert outcome.reason is None
    assert outcome.merged["processors"] == min(threads, len(os.sched_getaffinity(0)))


def test_ratios_are_of_medians_and_their_range_is_what_could_be():
    assert spread([]) is None
    assert spread([2.0, 8.0, 4.0]) == Spread(4.0, 2.0, 8.0)
    assert Spread(4.0, 2.0, 8.0) / Spread(2.0, 1.0, 4.0) == Spread(2.0, 0.5, 8.0)


def test_the_best_peer_is_the_fastest_of_those_with_the_right_ids(tmp_path):
    def engine(name, seconds, **differing):
        return EngineResult(name, "1", [{"wall_seconds": [seconds, seconds / 2]}], differing=differing)

    engines = [engine("fastmask", 1.0), engine("slow", 4.0), engine("right", 2.0), engine("wrong", 0.5, fastmask=3)]
    result = CaseResult(Case("t", "x", (), tmp_path, 1_000_000, 10), engines)
    assert best_peer(result, cold).engine == "right"
    assert ratio(result, result.of("right"), cold).median == 2.0
    assert ratio(result, result.of("wrong"), warm).median == 0.5


def test_ids_are_held_against_the_original_first(compared):
    result = compared(["fastmask"])
    assert result.original == "tokenizers"
    found = EngineResult("peer", "1", differing={"fastmask": 0, "tokenizers": 2})
    assert ids_in_words(result, found).startswith("differ from tokenizers in 2 of")
    assert ids_in_words(result, EngineResult("peer", "1", differing={"fastmask": 0})) == "as fastmask"
    assert ids_in_words(result, EngineResult("tokenizers", "1")) == "the original"
