"""``fastmask bench mask``: what it prints and writes, how it says that something is wrong, and whom it measures."""

import json

import numpy as np
import pytest

from fastmask.bench import masking
from fastmask.bench.masking_engines import ENGINES, installed, objective_of
from fastmask.cli import main
from fastmask.progress import Progress

SMALL = ("--rows", "8", "--length", "64", "--turns", "2", "--seconds", "0.001")


def test_table_figures_and_chart(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    out, chart = tmp_path / "figures.json", tmp_path / "rates.svg"
    assert main(["bench", "mask", *SMALL, "--json", str(out), "--chart", str(chart)]) == 0
    shown = capsys.readouterr().out
    for words in ("masked_lm: 8 rows of 64 tokens", "denoising: 8 rows", "plain copies", "numpy", "transformers"):
        assert words in shown
    assert "Error" not in shown
    found = json.loads(out.read_text())["mask"]
    assert [case["objective"] for case in found] == list(ENGINES[0].objectives)
    for case in found:
        assert case["reasons"] == {}
        assert all(len(rates) == 2 and min(rates) > 0 for rates in case["rates"].values())
        assert {"fastmask", "fastmask, out=", "plain copies"} <= set(case["rates"])
    assert chart.read_bytes().startswith(b"<?xml")


def test_rows_may_be_as_many_as_they_are_long(capsys):
    assert main(["bench", "mask", *SMALL, "--rows", "64", "--objectives", "causal_lm", "--engines", "fastmask"]) == 0
    assert "64 rows of 64 tokens" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--objectives", "masked"), "no objective 'masked'"),
        (("--engines", "jax"), "no engine 'jax'"),
        (("--rows", "0"), "--rows and --length"),
        (("--turns", "0"), "--turns 0"),
        (("--json", "/nowhere/figures.json"), "its folder does not exist"),
        (("--chart", "rates.gif"), "an .svg or a .png"),
    ],
)
def test_mistakes(arguments, message, capsys):
    assert main(["bench", "mask", *SMALL, *arguments]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("engine", ENGINES, ids=lambda engine: engine.name)
def test_every_engine_corrupts_the_rows(engine):
    ids = masking.made_up_ids()
    rows = masking.made_up_rows(ids, 40, 128)
    for objective in engine.objectives:
        batch = engine().work(objective, rows, ids)()
        labels = batch["labels"] if hasattr(batch, "keys") else batch[1]
        if objective == "masked_lm" and engine.name != "plain copies":
            share = (np.asarray(labels) != -100).mean()
            assert 0.1 < share < 0.2, f"{engine.name}: {share}"


def test_copies_are_of_as_many_values_as_fastmask_gives():
    ids = masking.made_up_ids()
    rows = masking.made_up_rows(ids, 4, 32)
    copies = {engine.name: engine for engine in ENGINES}["plain copies"]
    for objective in copies.objectives:
        want = [array.shape for array in objective_of(objective, ids)(rows).values()]
        assert [buffer.shape for buffer in copies().work(objective, rows, ids)()] == want


def test_a_peer_that_fails_is_a_result():
    class Failing(ENGINES[0]):
        name = "failing"

        def work(self, objective, rows, ids):
            raise OSError("no such kernel")

    ids = masking.made_up_ids()
    case = masking.MaskingCase("masked_lm", 4, 32, "made-up ids")
    with Progress("measure", unit="turns") as bar:
        found = masking.measure(
            case, masking.made_up_rows(ids, 4, 32), ids, [ENGINES[0], Failing], turns=1, seconds=0.001, bar=bar
        )
    assert found.reasons == {"failing": "OSError: no such kernel"}
    assert "failing: OSError: no such kernel" in masking.as_table([found])


def test_what_is_not_installed_is_left_out_or_named(monkeypatch):
    monkeypatch.setattr("fastmask.bench.masking_engines.find_spec", lambda name: None if name == "torch" else object())
    assert "torch" not in [engine.name for engine in installed(None)]
    with pytest.raises(Exception, match="torch needs torch"):
        installed(["torch"])
