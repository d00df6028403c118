"""A finished trial's model, from its checkpoint: nothing is trained, and nothing in the run folder is changed."""

from __future__ import annotations

import contextlib
import functools
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from raysp.config import plugins
from raysp.config.experiment import Trial
from raysp.errors import Interrupted, NotReady
from raysp.io import files
from raysp.kinds import catalog as kinds
from raysp.models import catalog
from raysp.runs import inputs
from raysp.runs.folder import RunFolder, TrialFolder
from raysp.runs.trial_log import Setting
from raysp.training.fitted import Fitted
from raysp.training.job import Job
from raysp.trials.run_trial import check_code, data_of, follow_of

if TYPE_CHECKING:
    from raysp.data.splits.split import Split


def fitted_again(trial: Trial, setting: Setting) -> tuple[Job, Fitted, Split]:
    """Return a trial's job, its fitted model, and its split with the trial's units selected.

    A model that fits itself and left no checkpoint is fitted once more, which takes what it took.

    Args:
        trial: a finished one.
        setting: where it ran, and where its data are.

    Raises:
        NotReady: the trial is not finished, its code is not what it was, or its checkpoint cannot be used.
        BadInput: its data are not what they were, or the checkpoint is another trial's.
    """
    folder = RunFolder(setting.run).trial(trial.id)
    if not files.exists(folder.done):
        raise NotReady(f"{trial.id} is not finished; run the experiment, or wait for it")
    plugins.use(trial.plugins, RunFolder(setting.run).code)
    check_code(trial)
    split, answers = data_of(trial, setting)
    kind = kinds.of(split.kind)
    with _copies(folder) as checkpoint:
        # A whole checkpoint ends at once; without one, training begins, and is stopped after an epoch.
        again = catalog.fits_itself(trial.model)
        job = Job(
            trial,
            setting.device,
            follow=follow_of(trial, setting),
            checkpoint=checkpoint,
            keep_going=lambda: again,
            inputs=functools.partial(inputs.read, RunFolder(setting.run), trial),
        )
        try:
            fitted = kind.fit(job, split, answers)
        except Interrupted as error:
            raise NotReady(
                f"the checkpoint of {trial.id} is gone or damaged, and with it the trained network; remove "
                f"{folder.path} and run the experiment again"
            ) from error
    return Job(trial, setting.device), fitted, split


@contextlib.contextmanager
def _copies(folder: TrialFolder) -> Iterator[Callable[[str], str]]:
    """Give for each stage of a fit where a copy of its checkpoint is: who resumes from one writes it."""
    with tempfile.TemporaryDirectory(prefix="raysp-") as temporary:

        def copy(stage: str) -> str:
            there = folder.checkpoint_of(stage)
            here = Path(temporary) / Path(there).name
            if files.exists(there) and not here.exists():
                here.write_bytes(files.read_bytes(there))
            return str(here)

        yield copy
