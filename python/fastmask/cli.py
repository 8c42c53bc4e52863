"""The command ``fastmask``."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from fastmask.error import FastmaskError

if TYPE_CHECKING:
    from fastmask.dataset import TokenDataset
    from fastmask.tokenizer import Tokenizer

_MODELS = ("byte_bpe", "bpe", "wordpiece", "unigram")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0, 2 for a mistake that the user can mend, 130 when interrupted."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except KeyboardInterrupt:
        print("fastmask: interrupted", file=sys.stderr)
        return 130
    except FastmaskError as error:
        if options.debug:
            raise
        print(f"fastmask: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if options.debug or error.name not in ("torch", "matplotlib", "safetensors"):
            raise
        print(f"fastmask: training needs {error.name}: pip install 'fastmask[train]'", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fastmask", description="Raw text to trained models: BERT, GPT-2, T5 and their families."
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _demo(_command(commands, "demo", "train a tokenizer and three small models on text that Python carries"))
    _tokenize(_command(commands, "tokenize", "turn text files into a folder of token ids to train from"))
    _train_tokenizer(_command(commands, "train-tokenizer", "learn a tokenizer from text files"))
    _inspect(_command(commands, "inspect", "show a text as an objective sees it"))
    _train(_command(commands, "train", "train a model by a recipe"))
    _generate(_command(commands, "generate", "write on from a text, about it, or into its sentinels"))
    _fill_mask(_command(commands, "fill-mask", "show what a model holds likely at each mask of a text"))
    _bench(_commands_of(commands, "bench", "measure fastmask and its peers, on your text and your machine"))
    return parser


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from fastmask.versions import __version__

        print(f"fastmask {__version__}")
        parser.exit()


_Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _commands_of(commands: _Commands, name: str, summary: str) -> _Commands:
    """Add a command that is followed by another."""
    command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    return command.add_subparsers(title="commands", required=True, metavar="COMMAND")


def _command(commands: _Commands, name: str, summary: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
    command.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return command


def _demo(command: argparse.ArgumentParser) -> None:
    command.add_argument("--out", type=Path, default=Path("demo-output"), help="folder to write (default: %(default)s)")
    command.add_argument("--size", default="tiny", help="size of the models (default: %(default)s)")
    command.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting of all three recipes"
    )
    command.set_defaults(run=_run_demo)


def _run_demo(options: argparse.Namespace) -> None:
    from fastmask.demo import demo

    demo(options.out, size=options.size, settings=options.set)


def _tokenize(command: argparse.ArgumentParser) -> None:
    command.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="text files; .jsonl has a document a line")
    command.add_argument("--tokenizer", required=True, metavar="FILE", help="a tokenizer's file or folder")
    command.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="folder to write")
    command.add_argument("--overwrite", action="store_true", help="write over a dataset that is there already")
    command.set_defaults(run=_run_tokenize)


def _run_tokenize(options: argparse.Namespace) -> None:
    from fastmask.dataset import write_shards

    tok = _loaded(options.tokenizer)
    print(write_shards(options.paths, tok, options.out, show_progress=True, overwrite=options.overwrite))


def _train_tokenizer(command: argparse.ArgumentParser) -> None:
    command.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="text files; .jsonl has a document a line")
    command.add_argument("--model", choices=_MODELS, default="byte_bpe", help="default: %(default)s")
    command.add_argument("--vocab-size", type=int, default=32000, help="tokens in all (default: %(default)s)")
    command.add_argument("--special", nargs="*", default=[], metavar="TOKEN", help="special tokens, with ids from 0")
    command.add_argument("--out", required=True, type=Path, metavar="FILE", help="the tokenizer.json to write")
    command.set_defaults(run=_run_train_tokenizer)


def _run_train_tokenizer(options: argparse.Namespace) -> None:
    from fastmask.tokenizer import Tokenizer

    tok = Tokenizer.train(
        options.paths,
        model=options.model,
        vocab_size=options.vocab_size,
        special_tokens=options.special,
        show_progress=True,
    )
    tok.save(options.out)
    print(f"{options.out}: {tok}")


def _inspect(command: argparse.ArgumentParser) -> None:
    command.add_argument("text", metavar="TEXT", help="the text itself, the path of a file, or - for standard input")
    command.add_argument("--tokenizer", required=True, metavar="FILE", help="a tokenizer's file or folder")
    command.add_argument(
        "--objective",
        default="masked_lm",
        metavar="NAME",
        help="masked_lm, span_corruption, denoising, causal_lm, prefix_lm, fill_in_the_middle, mixture_of_denoisers "
        "or ul2 (default: %(default)s)",
    )
    command.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the objective: grouping=word"
    )
    command.add_argument(
        "--denoiser",
        action="append",
        default=[],
        metavar="'NAME SETTINGS'",
        help="one objective of a mixture: 'span_corruption noise_density=0.5 weight=2 prefix_token=[NLG]'",
    )
    command.add_argument(
        "--special", nargs="+", default=[], metavar="TOKEN", help="add tokens that the objective needs"
    )
    command.add_argument("--sentinels", type=int, default=0, metavar="N", help="add <extra_id_0> to <extra_id_N-1>")
    command.add_argument("--seed", type=int, default=0, help="other seeds choose other tokens (default: %(default)s)")
    command.add_argument("--epoch", type=int, default=0, help="and so do other epochs (default: %(default)s)")
    command.add_argument(
        "--row-length", type=int, default=512, help="tokens in a row; longer texts are cut (default: %(default)s)"
    )
    command.add_argument("--html", type=Path, metavar="FILE", help="write a web page too")
    command.add_argument("--no-colour", action="store_true", help="write kinds in brackets instead of colours")
    command.set_defaults(run=_run_inspect)


def _run_inspect(options: argparse.Namespace) -> None:
    from fastmask.inspect.command import show

    show(options, _loaded(options.tokenizer))


def _train(command: argparse.ArgumentParser) -> None:
    command.add_argument("recipe", metavar="RECIPE", help="bert, gpt2 or t5")
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--corpus", nargs="+", type=Path, metavar="PATH", help="text files to tokenize and train on")
    source.add_argument("--data", type=Path, metavar="FOLDER", help="what `fastmask tokenize` wrote")
    command.add_argument("--tokenizer", metavar="FILE", help="a tokenizer.json (default: one is trained on the corpus)")
    command.add_argument("--vocab-size", type=int, default=4096, help="of a trained tokenizer (default: %(default)s)")
    command.add_argument("--out", required=True, type=Path, metavar="FOLDER", help="folder to write")
    command.add_argument("--size", default="tiny", help="tiny, small or base (default: %(default)s)")
    command.add_argument("--steps", type=int, help="optimizer steps")
    command.add_argument("--schedule-steps", type=int, help="steps over which the learning rate falls")
    command.add_argument("--save-every", type=int, help="steps between checkpoints")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a setting: optimizer.learning_rate=1e-3",
    )
    command.set_defaults(run=_run_train)


def _run_train(options: argparse.Namespace) -> None:
    from fastmask import training
    from fastmask.training import data

    given = {name: getattr(options, name) for name in ("steps", "schedule_steps", "save_every")}
    settings = [f"{name}={value}" for name, value in given.items() if value is not None]
    recipe = training.with_settings(training.get_recipe(options.recipe, options.size), settings + options.set)
    training.refuse_used_folder(options.out)
    if options.data:
        ds = _dataset(options)
    else:
        tok = _tokenizer(options) or data.train_tokenizer(options.corpus, options.vocab_size)
        ds = data.prepare(options.corpus, tok, options.out / "tokens")
    tok = ds.tokenizer()
    train_loader, held_out_loader = data.split_loaders(ds, training.get_objective(recipe, tok), recipe)
    model = training.build_model(recipe, tok)
    result = training.train(recipe, model, train_loader, held_out_loader, tok, options.out)
    print(
        f"held-out loss {result.held_out_loss:.3f} nats, unigram entropy {result.unigram_entropy:.3f}; "
        f"see {options.out / 'report.html'}"
    )


def _generate(command: argparse.ArgumentParser) -> None:
    command.add_argument("text", metavar="TEXT", help="to go on from; with <extra_id_0>, ... a T5 fills those")
    command.add_argument("--model", required=True, type=Path, metavar="FOLDER", help="a checkpoint with its tokenizer")
    command.add_argument("--max-new-tokens", type=int, default=40, help="at most (default: %(default)s)")
    command.add_argument("--temperature", type=float, default=0.0, help="0 is the likeliest (default: %(default)s)")
    command.add_argument("--top-k", type=int, help="draw from so many of the likeliest tokens")
    command.add_argument("--top-p", type=float, help="draw from the likeliest tokens of this probability together")
    command.add_argument("--beams", type=int, default=1, help="sequences to follow at once (default: %(default)s)")
    command.add_argument("--seed", type=int, default=0, help="of the draws (default: %(default)s)")
    command.set_defaults(run=_run_generate)


def _run_generate(options: argparse.Namespace) -> None:
    from fastmask import models

    model, tok = models.from_pretrained(options.model), _loaded(str(options.model))
    settings = {name: getattr(options, name) for name in ("max_new_tokens", "temperature", "top_k", "top_p", "seed")}
    settings["num_beams"] = options.beams
    if isinstance(model, models.EncoderDecoder) and set(tok.encode_documents([options.text])[0].tolist()) & set(
        tok.sentinel_ids.tolist()
    ):
        for span in models.fill_spans(model, tok, options.text, **settings):
            print(span)
    else:
        print(models.continue_text(model, tok, options.text, **settings))  # type: ignore[arg-type]


def _fill_mask(command: argparse.ArgumentParser) -> None:
    command.add_argument("text", metavar="TEXT", help="holds the tokenizer's mask token, once or more")
    command.add_argument("--model", required=True, type=Path, metavar="FOLDER", help="a checkpoint with its tokenizer")
    command.add_argument("--top-k", type=int, default=5, help="guesses a mask (default: %(default)s)")
    command.set_defaults(run=_run_fill_mask)


def _run_fill_mask(options: argparse.Namespace) -> None:
    from fastmask import models

    model = models.from_pretrained(options.model)
    if not isinstance(model, models.Encoder):
        raise FastmaskError(f"{options.model} holds no encoder: use fastmask generate")
    for number, guesses in enumerate(models.fill_mask(model, _loaded(str(options.model)), options.text, options.top_k)):
        print(f"mask {number + 1}")
        for guess in guesses:
            print(f"  {guess.probability:6.1%}  {guess.text!r}")


def _bench(commands: _Commands) -> None:
    _bench_tokenize(_command(commands, "tokenize", "measure tokenization: fastmask and the peers that are installed"))
    _bench_mask(_command(commands, "mask", "measure objectives on rows of ids, beside the peers and plain copies"))


def _bench_tokenize(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "paths", nargs="*", type=Path, metavar="PATH", help="text files (default: text that Python carries)"
    )
    command.add_argument("--tokenizer", required=True, metavar="FILE", help="a tokenizer's file or folder")
    command.add_argument("--pattern", help="how a .tiktoken splits text: cl100k_base, ..., or a regular expression")
    command.add_argument("--engines", help="names with commas between, or module:Class (default: all installed)")
    command.add_argument("--threads", default="1", help="numbers with commas between (default: %(default)s)")
    command.add_argument("--runs", type=int, default=3, help="processes an engine (default: %(default)s)")
    command.add_argument("--passes", type=int, default=6, help="over the text in each (default: %(default)s)")
    command.add_argument(
        "--document-bytes", type=int, default=4000, help="about; 0 leaves documents whole (default: %(default)s)"
    )
    command.add_argument("--limit", type=float, default=300, help="seconds for a process (default: %(default)s)")
    command.add_argument("--json", type=Path, metavar="FILE", help="keep all figures and what they were measured on")
    command.add_argument("--chart", type=Path, metavar="FILE", help="write a picture, .svg or .png")
    command.set_defaults(run=_run_bench_tokenize)


def _run_bench_tokenize(options: argparse.Namespace) -> None:
    from fastmask.bench.command import tokenize

    tokenize(options)


def _bench_mask(command: argparse.ArgumentParser) -> None:
    command.add_argument("--objectives", help="names with commas between: masked_lm, whole_word, ... (default: all)")
    command.add_argument("--engines", help="names with commas between (default: all installed)")
    command.add_argument("--rows", type=int, default=256, help="in a batch (default: %(default)s)")
    command.add_argument("--length", type=int, default=512, help="tokens in a row (default: %(default)s)")
    command.add_argument("--turns", type=int, default=7, help="of all engines (default: %(default)s)")
    command.add_argument("--seconds", type=float, default=0.3, help="for an engine in a turn (default: %(default)s)")
    command.add_argument("--json", type=Path, metavar="FILE", help="keep all figures and what they were measured on")
    command.add_argument("--chart", type=Path, metavar="FILE", help="write a picture, .svg or .png")
    command.set_defaults(run=_run_bench_mask)


def _run_bench_mask(options: argparse.Namespace) -> None:
    from fastmask.bench.command import mask

    mask(options)


def _dataset(options: argparse.Namespace) -> "TokenDataset":
    from fastmask.dataset import TokenDataset

    ds = TokenDataset(options.data)
    tok = _tokenizer(options)
    if tok is not None and tok.fingerprint != ds.tokenizer().fingerprint:
        raise FastmaskError(
            f"{options.data} was made by another tokenizer than {options.tokenizer}: leave --tokenizer out"
        )
    return ds


def _tokenizer(options: argparse.Namespace) -> "Tokenizer | None":
    return _loaded(options.tokenizer) if options.tokenizer else None


def _loaded(path: str) -> "Tokenizer":
    from fastmask.tokenizer import Tokenizer

    return Tokenizer.from_pretrained(path) if Path(path).is_dir() else Tokenizer.from_file(path)
