"""What the latents of a finished run are worth, asked of each kind of data that the run has."""

from __future__ import annotations

from collections.abc import Iterator

from raysp.errors import NotReady
from raysp.kinds import catalog as kinds
from raysp.kinds.readouts import Readouts
from raysp.runs.folder import RunFolder
from raysp.training.process_limits import limited


def latents(run: RunFolder, root: str, how: Readouts) -> Iterator[str]:
    """Write what latents are worth, in one thread; yield what is done, then what came out.

    Args:
        run: the run folder.
        root: the data root.
        how: readouts.

    Raises:
        NotReady: no trial is finished, or none of a model with latents.
        BadInput: the run's kind of data has no such thing; or see `Kind.latents`.
    """
    if not run.finished_of(run.trials()):
        raise NotReady(f"{run.path} has no finished trial; run the experiment first")
    with limited(1):
        for kind in dict.fromkeys(kinds.of_run(run, root).values()):
            yield from kind.latents(run, root, how)
