"""ASHA over several studies at once: Tune's scheduler decides, the trials end themselves and record that they did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from ray.tune.schedulers import ASHAScheduler, FIFOScheduler

from raysp.errors import present
from raysp.io import files
from raysp.runs.folder import RunFolder
from raysp.search.active_study import ActiveStudy
from raysp.search.objective import better
from raysp.search.outcome import read_rungs

if TYPE_CHECKING:
    from ray.tune.execution.tune_controller import TuneController
    from ray.tune.experiment import Trial as TuneTrial


class Kept:
    """Stays as it is where Tune copies or pickles its parts for snapshots that nobody reads."""

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return (str, ("kept by the driver",))


@dataclass(frozen=True)
class _Named:
    """What Tune's scheduler needs of a trial: a name that is the same after every restart."""

    trial_id: str


class Ladder:
    """One study's rungs.

    Everything that trials reached in earlier commands is given to the scheduler again, from their folders; a decision
    that was lost with a driver is so made anew. The defaults are compared with as any other candidate is, and are never
    ended: what was gained over them is told of whole trainings.

    Args:
        active: the study.
    """

    def __init__(self, active: ActiveStudy) -> None:
        definition, self._active = active.study.definition, active
        halving = present(definition.halving)
        self._run: RunFolder = active.study.run
        # Asked without Tune: it looks at names and results alone.
        self._scheduler: Any = ASHAScheduler(
            time_attr="epoch",
            metric="value",
            mode=better(definition.objectives[0]),
            max_t=definition.epochs,
            grace_period=halving.grace,
            reduction_factor=halving.reduction,
            stop_last_trials=False,
        )
        self._known: set[str] = set()
        for candidate in active.candidates:
            for seed in definition.seeds:
                name = active.study.trial(candidate, seed).id
                for epoch, value in sorted(read_rungs(self._run.trial(name)).items()):
                    self.reached(name, epoch, value)

    def reached(self, name: str, epoch: int, value: float) -> None:
        """Note what a trial reached at a rung; when it is to end there, write that into its folder."""
        trial = _Named(name)
        if name not in self._known:
            self._known.add(name)
            self._scheduler.on_trial_add(None, trial)
        decision = self._scheduler.on_trial_result(None, trial, {"epoch": epoch, "value": value})
        folder = self._run.trial(name)
        ended = files.exists(folder.stop) or files.exists(folder.done)
        if decision == self._scheduler.STOP and not ended and name not in self._defaults():
            files.write_json(folder.stop, {"trial": name, "epoch": epoch, "value": value, "by": "ASHA"})

    def _defaults(self) -> list[str]:
        study = self._active.study
        first = [candidate for candidate in self._active.candidates[:1] if candidate.source == "defaults"]
        return [study.trial(candidate, seed).id for candidate in first for seed in study.definition.seeds]


class Rungs(Kept, FIFOScheduler):
    """A scheduler of Tune's that asks the ladder of a trial's study at each rung, and never ends a trial itself.

    A trial that Tune ends loses its process, and with it the imports of the next one; so the trial reads in its folder
    that it is to end, ends by itself, and says so in its done.json.

    Args:
        ladders: study's name -> its rungs; none for studies without ASHA.
    """

    def __init__(self, ladders: dict[str, Ladder]) -> None:
        super().__init__()
        self._ladders = ladders

    def on_trial_result(self, tune_controller: TuneController, trial: TuneTrial, result: dict[str, Any]) -> str:
        """Note what a trial reached, and let it go on."""
        ladder = self._ladders.get(trial.config["study"])
        if ladder is not None and "rung" in result:
            ladder.reached(trial.config["id"], result["rung"], result["value"])
        return self.CONTINUE
