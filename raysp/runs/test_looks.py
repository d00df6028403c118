"""How often the test phase's answers were looked at: a run counts it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TypedDict

from raysp.config import settings
from raysp.config.experiment import Trial
from raysp.io import files
from raysp.runs.folder import RunFolder


class Look(TypedDict):
    """When the answers of which trials were looked at."""

    time: str
    trials: list[str]


def count_test_score(run: RunFolder, trials: list[Trial]) -> int:
    """Note in the run folder that the test answers were looked at; return how often that has been."""
    path = test_scores_path(run)
    earlier = _read(path)
    now: Look = {"time": time.strftime("%Y-%m-%dT%H:%M:%S%z"), "trials": [trial.id for trial in trials]}
    files.write_json(path, [*earlier, now])
    return len(earlier) + 1


def test_looks(run: RunFolder) -> int:
    """Return how often the test answers were looked at. Raises BadInput when the file that counts it is damaged."""
    return len(_read(test_scores_path(run)))


def _read(path: str) -> tuple[Look, ...]:
    return settings.coerce(tuple[Mapping[str, object], ...], files.read_json(path), path) if files.exists(path) else ()


def test_scores_path(run: RunFolder) -> str:
    """Return where the run counts its looks at the test answers."""
    return files.join(run.path, "test-scores.json")
