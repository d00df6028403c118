"""What failed: the first real traceback first, the same failure of other trials counted, not repeated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from raysp.config.experiment import Trial
from raysp.errors import last_line
from raysp.io import files, storage
from raysp.report.run_data import RunData

LONGEST = 20_000


@dataclass(frozen=True)
class Failure:
    """One way in which trials failed.

    Attributes:
        error: the traceback's last line.
        traceback: of the first trial that failed so.
        trials: ids of all that did, the first one first.
        follows: whether these trials failed because the one they follow had failed.
    """

    error: str
    traceback: str
    trials: tuple[str, ...]
    follows: bool


def failures(data: RunData) -> list[Failure]:
    """Return the ways trials failed: causes before their consequences, each in the order of time."""
    failed = [trial for trial in data.trials if data.states[trial.id] == "failed"]
    return grouped((trial.id, data.run.trial(trial.id).error, _is_consequence(data, trial)) for trial in failed)


def grouped(failed: Iterable[tuple[str, str, bool]]) -> list[Failure]:
    """Return the ways trials failed from each one's id, error.txt, and whether it is a consequence of another."""
    found: dict[tuple[bool, str], list[tuple[str, str]]] = {}
    for name, path, follows in sorted(failed, key=lambda one: _when(one[1])):
        text = files.read_text(path)
        found.setdefault((follows, last_line(text)), []).append((name, text))
    causes_first = sorted(found.items(), key=lambda item: item[0][0])
    return [_failure(follows, error, members) for (follows, error), members in causes_first]


def _failure(follows: bool, error: str, members: Sequence[tuple[str, str]]) -> Failure:
    text = members[0][1]
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 4]}\n[...]\n{text[-3 * LONGEST // 4 :]}"
    return Failure(error, text, tuple(name for name, _ in members), follows)


def _is_consequence(data: RunData, trial: Trial) -> bool:
    return trial.follows is not None and data.states.get(trial.follows) != "done"


def _when(path: str) -> float:
    """Return when an error was written (s), 0 on file systems that do not tell."""
    fs, name = storage.filesystem(path)
    try:
        return fs.modified(name).timestamp()
    except NotImplementedError:
        return 0.0
