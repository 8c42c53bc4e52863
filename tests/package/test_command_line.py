"""The command: what it does, and how it says that something is wrong."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import fastmask as fm
from fastmask.cli import main

SPECIAL = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "</s>", *[f"<extra_id_{n}>" for n in range(20)]]
TEXT = "The cat sat on the mat. The dog lay under the table, and the bird sang. " * 200


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    (folder / "corpus.txt").write_text(TEXT)
    (folder / "short.txt").write_text(TEXT[:70])
    (folder / "empty.txt").write_text("")
    (folder / "latin1.txt").write_bytes("na\xefve".encode("latin-1"))
    (folder / "broken.json").write_text('{"model": ')
    tok = fm.Tokenizer.train(folder / "corpus.txt", vocab_size=400, special_tokens=SPECIAL)
    tok.save(folder / "tokenizer.json")
    fm.Tokenizer.train(["plain"], vocab_size=300).save(folder / "plain.json")
    return folder


def command(*arguments, **settings):
    return subprocess.run(
        [sys.executable, "-m", "fastmask", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        **settings,
    )


def test_version_and_help():
    assert command("--version").stdout == f"fastmask {fm.__version__}\n"
    shown = command("--help").stdout
    for name in ("demo", "tokenize", "inspect", "train"):
        assert name in shown
        assert command(name, "--help").returncode == 0


def test_tokenize(files, tmp_path):
    done = command(
        "tokenize", files / "corpus.txt", "--tokenizer", files / "tokenizer.json", "--out", tmp_path / "tokens"
    )
    assert done.returncode == 0, done.stderr
    ds = fm.TokenDataset(tmp_path / "tokens")
    assert ds.tokenizer().decode(ds[0]["input_ids"]) == TEXT
    assert f"{ds.offsets[-1]:,} tokens" in done.stdout


SHOWN = {
    "masked_lm": "masked]",
    "span_corruption": "|sentinel]",
    "denoising": "|masked 1]",
    "causal_lm": "→",
    "prefix_lm": "|prefix]",
}


@pytest.mark.parametrize("objective", SHOWN)
def test_inspect(files, tmp_path, objective):
    page = tmp_path / "page.html"
    shared = ("--tokenizer", files / "tokenizer.json", "--objective", objective)
    done = command("inspect", "The cat sat on the mat, and the dog lay under it.", *shared, "--html", page)
    assert done.returncode == 0, done.stderr
    assert "cat" in done.stdout
    assert SHOWN[objective] in done.stdout
    content = page.read_text()
    assert "<span" in content
    assert "http" not in content
    assert "src=" not in content
    assert command("inspect", files / "short.txt", *shared).returncode == 0


ASKED = [
    (("--set", "grouping=word", "--set", "count=exact", "--set", "mlm_probability=0.3"), "grouping='word'"),
    (("--objective", "span_corruption", "--set", "roll=true", "--set", "noise_density=0.4"), "roll=True"),
    (("--objective", "denoising", "--set", "poisson_lambda=none"), "poisson_lambda=None"),
    (("--objective", "prefix_lm", "--set", "architecture=encoder_decoder"), "architecture='encoder_decoder'"),
    (
        ("--objective", "fill_in_the_middle", "--special", "<fim_prefix>", "<fim_middle>", "<fim_suffix>"),
        "cut, of the rows with text",
    ),
    (
        (
            "--objective",
            "ul2",
            "--sentinels",
            "16",
            "--special",
            "[NLU]",
            "[NLG]",
            "[S2S]",
            "--set",
            "inputs_length=64",
        ),
        "rows by PrefixLM",
    ),
    (("--objective", "ul2", "--set", "inputs_length=64", "--set", "mode_tokens=none"), "rows by PrefixLM"),
    (
        (
            *("--objective", "mixture_of_denoisers", "--denoiser", "span_corruption weight=3 noise=iid"),
            *("--denoiser", "prefix_lm architecture=encoder_decoder prefix_token=[MASK]"),
        ),
        "rows by SpanCorruption(noise='iid')",
    ),
]


@pytest.mark.parametrize(("arguments", "shown"), ASKED)
def test_inspect_takes_any_objective_and_settings(files, capsys, arguments, shown):
    text = "The cat sat on the mat, and the dog lay under it."
    assert main(["inspect", text, "--tokenizer", str(files / "tokenizer.json"), *arguments]) == 0
    told = capsys.readouterr().out
    assert shown in told
    assert "realised" in told


def test_inspect_knows_the_objectives_that_its_help_names(files, capsys):
    names = [*SHOWN, "fill_in_the_middle", "mixture_of_denoisers", "ul2"]
    assert main(["inspect", "text", "--tokenizer", str(files / "tokenizer.json"), "--objective", "gpt"]) == 2
    known = capsys.readouterr().err.partition("known: ")[2].strip(")\n").split(", ")
    assert sorted(known) == sorted(names)
    with pytest.raises(SystemExit):
        main(["inspect", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert all(name in told for name in names)


def test_inspect_reads_standard_input(files):
    shared = ("inspect", "-", "--tokenizer", files / "tokenizer.json", "--objective", "causal_lm")
    done = command(*shared, input="from a pipe")
    assert (done.returncode, "from a pipe" in done.stdout) == (0, True)
    spoilt = subprocess.run(
        [sys.executable, "-m", "fastmask", *map(str, shared)], input=b"na\xefve", capture_output=True, check=False
    )
    assert spoilt.returncode == 2
    assert spoilt.stderr.startswith(b"fastmask: standard input, byte 2: not UTF-8")


def test_inspect_into_a_pipe_that_nobody_reads(files):
    arguments = ["inspect", str(files / "corpus.txt"), "--tokenizer", str(files / "tokenizer.json")]
    child = subprocess.Popen(
        [sys.executable, "-m", "fastmask", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    child.stdout.close()
    assert (child.stderr.read(), child.wait()) == ("", 0)
    child.stderr.close()


def test_inspect_where_the_output_is_not_unicode(files):
    settings = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    done = command("inspect", "naïve 猫", "--tokenizer", files / "tokenizer.json", env=settings, encoding="latin-1")
    assert (done.returncode, done.stderr) == (0, "")


def test_inspect_of_documents_and_of_a_long_text(files, tmp_path, capsys):
    (tmp_path / "three.jsonl").write_text('{"text": "The cat."}\n{"text": ""}\n{"text": "The dog."}\n')
    (tmp_path / "long.txt").write_text(TEXT * 70)
    shared = ("--tokenizer", str(files / "tokenizer.json"))
    assert main(["inspect", str(tmp_path / "three.jsonl"), *shared]) == 0
    assert "; row 1 of 3, " in capsys.readouterr().out
    assert main(["inspect", str(tmp_path / "long.txt"), *shared, "--row-length", "128"]) == 0
    told = capsys.readouterr().out
    assert "; row 1 of " in told
    assert len(told) < 4000


def test_train(files, tmp_path):
    done = command(
        *("train", "t5", "--corpus", files / "corpus.txt", "--out", tmp_path / "run", "--size", "tiny"),
        *("--tokenizer", files / "tokenizer.json", "--steps", 4, "--schedule-steps", 4, "--save-every", 2),
        *("--set", "batch_size=2", "--set", "seq_length=32", "--set", "optimizer.learning_rate=1e-3"),
    )
    assert done.returncode == 0, done.stderr
    run = tmp_path / "run"
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert all(np.isfinite(line["loss"]) and line["tokens"] > 0 and line["seconds"] > 0 for line in lines)
    assert (run / "report.html").read_text().count("<img") >= 1
    assert (run / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert (run / "model" / "README.md").exists()
    assert fm.Tokenizer.from_file(run / "model" / "tokenizer.json") == fm.Tokenizer.from_file(files / "tokenizer.json")
    fm.models.from_pretrained(run / "model")
    before = (run / "tokens" / "manifest.json").stat().st_mtime_ns
    again = command("train", "t5", "--corpus", files / "corpus.txt", "--out", run)
    assert again.returncode == 2
    assert "another run's checkpoints" in again.stderr
    assert (run / "tokens" / "manifest.json").stat().st_mtime_ns == before


@pytest.fixture
def model_folder(tmp_path):
    """A folder with a model of a family, and a tokenizer that has what it needs."""

    def make(family):
        torch = pytest.importorskip("torch")
        torch.manual_seed(1)
        special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<s>", "</s>"]
        tok = fm.Tokenizer.train([TEXT], vocab_size=300, special_tokens=special)
        tok.add_sentinels(3)
        model = fm.models.from_preset(family, "tiny", vocab_size=tok.vocab_size, eos_id=tok.eos_id)
        fm.models.save_pretrained(model, tok, tmp_path / family)
        return str(tmp_path / family)

    return make


def test_generate(model_folder, capsys):
    for family, text, lines in (
        ("gpt2", "The cat", 1),
        ("t5", "The cat", 1),
        ("t5", "A <extra_id_0> b <extra_id_1>", 2),
    ):
        folder = model_folder(family)
        settings = ("--max-new-tokens", "4", "--temperature", "1", "--top-k", "9", "--top-p", "0.9", "--seed", "3")
        told = []
        for _ in range(2):
            assert main(["generate", text, "--model", folder, *settings]) == 0
            told.append(capsys.readouterr().out)
        assert told[0] == told[1]
        assert told[0].count("\n") >= lines
    assert main(["generate", "The cat", "--model", folder, "--beams", "2", "--max-new-tokens", "3"]) == 0
    assert main(["generate", "The cat", "--model", model_folder("bert")]) == 2
    assert "an encoder writes no text" in capsys.readouterr().err


def test_fill_mask(model_folder, capsys):
    assert main(["fill-mask", "The [MASK] sat [MASK].", "--model", model_folder("bert"), "--top-k", "2"]) == 0
    told = capsys.readouterr().out
    assert told.count("%") == 4
    assert "mask 2" in told
    assert main(["fill-mask", "The [MASK]", "--model", model_folder("gpt2")]) == 2
    assert "holds no encoder" in capsys.readouterr().err


def test_an_interrupted_run_leaves_the_last_whole_checkpoint(files, tmp_path):
    run = tmp_path / "run"
    arguments = [
        "train",
        "gpt2",
        "--corpus",
        files / "corpus.txt",
        "--tokenizer",
        files / "tokenizer.json",
        "--out",
        run,
    ]
    arguments += ["--steps", 10000, "--save-every", 1, "--set", "batch_size=2", "--set", "seq_length=32"]
    child = subprocess.Popen(
        [sys.executable, "-m", "fastmask", *map(str, arguments)], stderr=subprocess.PIPE, text=True
    )
    while fm.training.latest(run / "checkpoints") is None:
        assert child.poll() is None, child.stderr.read()
        time.sleep(0.05)
    time.sleep(0.5)
    os.kill(child.pid, signal.SIGINT)
    assert child.wait() == 130
    assert "Traceback" not in child.stderr.read()
    assert fm.training.latest(run / "checkpoints") is not None


INSPECT = ("inspect", "text", "--tokenizer", "tokenizer.json")
TRAIN = ("train", "bert", "--corpus", "corpus.txt", "--tokenizer", "tokenizer.json", "--out", "new")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tokenize", "none.txt", "--tokenizer", "tokenizer.json", "--out", "new"), "none.txt: no file has this name"),
        (("tokenize", "empty.txt", "--tokenizer", "tokenizer.json", "--out", "new"), "there is no text"),
        (("tokenize", "latin1.txt", "--tokenizer", "tokenizer.json", "--out", "new"), "latin1.txt, byte 2: not UTF-8"),
        (("tokenize", "corpus.txt", "--tokenizer", "none.json", "--out", "new"), "none.json: cannot be read"),
        (("tokenize", "corpus.txt", "--tokenizer", "broken.json", "--out", "new"), "broken.json: not the JSON object"),
        (("inspect", "text", "--tokenizer", "plain.json"), "mask_id"),
        (("inspect", "text", "--tokenizer", "plain.json", "--objective", "span_corruption"), "eos_id"),
        (("inspect", "text", "--tokenizer", "plain.json", "--objective", "fill_in_the_middle"), "no <fim_prefix>"),
        ((*INSPECT, "--set", "mlm=3"), "masked_lm has no setting 'mlm' (it has mlm_probability, "),
        ((*INSPECT, "--set", "grouping"), "the setting 'grouping' has no value"),
        ((*INSPECT, "--set", "mlm_probability=half"), "mlm_probability is 'half': give a number"),
        ((*INSPECT, "--set", "grouping=sentence"), "grouping is 'sentence'"),
        ((*INSPECT, "--denoiser", "causal_lm"), "masked_lm is no mixture"),
        ((*INSPECT, "--objective", "mixture_of_denoisers"), "there are no denoisers"),
        ((*INSPECT, "--objective", "mixture_of_denoisers", "--denoiser", "causal_lm 'x"), "is no name and settings"),
        ((*INSPECT, "--objective", "mixture_of_denoisers", "--denoiser", ""), "is no name and settings"),
        ((*INSPECT, "--objective", "ul2"), "UL2 needs "),
        ((*INSPECT, "--row-length", "2"), "no room for text"),
        ((*INSPECT, "--seed", "-1"), "seed is -1"),
        ((*INSPECT, "--sentinels", "-1"), "sentinels is -1"),
        ((*INSPECT, "--html", "nowhere/page.html"), "nowhere/page.html: cannot be written"),
        (("inspect", "latin1.txt", "--tokenizer", "tokenizer.json"), "latin1.txt, byte 2: not UTF-8"),
        (("train", "bort", *TRAIN[2:]), "unknown recipe: 'bort' (known: bert, gpt2, t5)"),
        ((*TRAIN, "--size", "huge"), "unknown size"),
        ((*TRAIN, "--set", "mlm=3"), "unknown setting"),
        ((*TRAIN, "--set", "objective.mlm_probability=1.5"), "mlm_probability"),
        ((*TRAIN, "--steps", "0"), "steps must be at least 1"),
        (
            ("train", "bert", "--corpus", "empty.txt", "--tokenizer", "tokenizer.json", "--out", "new"),
            "there is no text",
        ),
        (("train", "bert", "--data", "none", "--out", "new"), "none is not a dataset"),
    ],
)
def test_mistakes_are_named_without_a_traceback(files, tmp_path, monkeypatch, capsys, arguments, message):
    for path in files.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert shown.splitlines()[-1].startswith("fastmask: ")
    with pytest.raises(fm.FastmaskError):
        main([*arguments, "--debug"])


def test_a_mistake_in_a_process_of_its_own():
    done = command("tokenize", "none.txt", "--tokenizer", "none.json", "--out", "new")
    assert done.returncode == 2
    assert done.stderr.startswith("fastmask: none.json: cannot be read")
    assert "Traceback" not in done.stderr


def test_the_demo_keeps_its_hands_off_other_files(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert main(["demo", "--out", str(tmp_path)]) == 2
    assert "no demo wrote" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").exists()
