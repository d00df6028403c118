"""The test phase at a run's end: whether its answers are there before training starts, and what of it is not scored."""

from __future__ import annotations

from collections.abc import Sequence

from raysp.config.experiment import STANDIN, Trial
from raysp.data.sources.catalog import role
from raysp.data.splits import store
from raysp.errors import NotReady, expect
from raysp.io.words import named
from raysp.runs.folder import RunFolder
from raysp.runs.metrics_table import scored
from raysp.runs.roles import roles


def check_phase(names: Sequence[str]) -> list[str]:
    """Return those of some splits that are of the test phase. Raises BadInput where there is none to score."""
    test = [name for name in names if role(name).phase == "test"]
    expect(test, f"--test-phase expected splits of the test phase, got {named(list(names))}")
    return test


def check_answers(names: Sequence[str], root: str) -> None:
    """Refuse to score the test phase where its answers are not known.

    Args:
        names: of the prepared splits.
        root: the data root.

    Raises:
        BadInput: none of the splits is of the test phase.
        NotReady: some were prepared without their answers.
    """
    test = check_phase(names)
    if missing := [name for name in test if not store.header(root, name).answers]:
        bare = " ".join(name.removeprefix(STANDIN) for name in missing)
        raise NotReady(
            f"--test-phase expected the answers of {named(missing)}, which were prepared without them; run: "
            f"raysp data fetch test_answers --root {root}, then raysp data prepare {bare} --root {root}"
        )


def unscored(run: RunFolder) -> list[Trial]:
    """Return the finished trials of the test phase that were not scored. Raises BadInput where the table is damaged."""
    known, before = roles(run), scored(run)
    test = [trial for trial in run.trials() if known[trial.split].phase == "test"]
    return [trial for trial in run.finished_of(test) if trial.id not in before]
