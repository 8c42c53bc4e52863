"""Work in order of importance within a time: what no longer fits is left out by name, what fails says why."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

Result = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """A piece of work: its name, the part of the report that it belongs to, the seconds that it takes at most."""

    part: str
    name: str
    seconds: float
    work: Callable[[], Result]


@dataclass
class Outcome:
    """What came of the tasks: results by part and name, failures and what was left out, by "part: name"."""

    results: dict[str, dict[str, Result]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def worked_off(
    tasks: Iterable[Task], seconds: float, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
) -> Outcome:
    """Do the tasks in their order as long as there is time for the next; a shorter one may still follow one left out.

    >>> tasks = [Task("sums", "one", 1.0, lambda: {"sum": 1}), Task("sums", "long", 99.0, lambda: {})]
    >>> worked_off(tasks, seconds=10.0, say=lambda line: None)
    Outcome(results={'sums': {'one': {'sum': 1}}}, failed={}, left_out=['sums: long'])
    """
    started, outcome = clock(), Outcome()
    for task in tasks:
        title = f"{task.part}: {task.name}"
        left = seconds - (clock() - started)
        if left < task.seconds:
            outcome.left_out.append(title)
            continue
        say(f"[{left:4.0f} s left] {title}")
        try:
            outcome.results.setdefault(task.part, {})[task.name] = task.work()
        except Exception as error:  # one rival that cannot run must not cost the others' figures
            outcome.failed[title] = f"{type(error).__name__}: {error}"
            say(f"  failed: {outcome.failed[title].splitlines()[0]}")
    return outcome
