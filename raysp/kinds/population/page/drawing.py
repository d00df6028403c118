"""The figures of one split: which there are, of which trials, and what of a split may be looked at for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from raysp.config.experiment import Trial
from raysp.errors import BadInput, NotReady
from raysp.kinds.population.case import Case, open_case
from raysp.kinds.population.page.calibration import calibration
from raysp.kinds.population.page.curves import curves
from raysp.kinds.population.page.inferred import inferred
from raysp.kinds.population.page.latents import asked, worth
from raysp.kinds.population.page.masking import inside, masked
from raysp.kinds.population.page.psths import psth
from raysp.kinds.population.page.rasters import raster
from raysp.kinds.population.page.scores import drawn_trial, median_trial
from raysp.kinds.population.page.speeds import has_intervals, speeds
from raysp.kinds.population.page.trajectories import trajectory
from raysp.kinds.population.page.units import units
from raysp.kinds.population.page.velocity import velocity
from raysp.report.run_data import RunData, Task
from raysp.report.section import Drawn
from raysp.report.style import Picture


def behavior(case: Case) -> Picture:
    """Draw what a split's behaviour allows: decoded velocity, or neural speed against produced intervals."""
    return speeds(case) if has_intervals(case) else velocity(case)


OF_A_TASK = (curves, units)
OF_A_TRIAL = (raster, psth, trajectory, behavior, calibration)
# Of models that have such a setting.
OF_SOME = {"mask_ratio": (masked, inside), "beta_initial": (inferred,)}


@dataclass(frozen=True)
class Figures:
    """What was drawn of one split.

    Attributes:
        task: the split.
        trial: whose predictions are shown; None where no trial is finished.
        shared: figures of all models.
        own: figures of that trial.
        beside: those of the models that a reader may switch to, each of its trial with the median score.
    """

    task: Task
    trial: Trial | None
    shared: Drawn
    own: Drawn
    beside: tuple[tuple[Trial, Drawn], ...] = ()


def figures(data: RunData, task: Task, beside: Sequence[str] = ()) -> Figures:
    """Draw the figures of one split.

    Args:
        data: of the run, maybe of this split alone, see `RunData.about`.
        task: the split.
        beside: models whose figures are drawn beside the best one's, see `others`.
    """
    shared, own = Drawn(f"{task.slug}-"), Drawn(f"{task.slug}-")
    for figure in (*OF_A_TASK, *((worth,) if asked(data) else ())):
        shared.add(figure, data, task)
    trial = drawn_trial(data, task)
    if trial is None:
        shared.notes.append("no predictions yet: no trial of this split is finished")
        return Figures(task, None, shared, own)
    add_trial(own, data, task, trial)
    found = []
    for model in beside:
        found.append((median_trial(data, task, model), Drawn(f"{task.slug}-{model}-")))
        add_trial(found[-1][1], data, task, found[-1][0])
    return Figures(task, trial, shared, own, tuple(found))


def add_trial(drawn: Drawn, data: RunData, task: Task, trial: Trial) -> None:
    """Draw the figures of one trial's predictions, or note why they are not there."""
    try:
        case = open_case(data.run, data.root, trial, answers=answers_may_be_seen(data, task))
    except (BadInput, NotReady, OSError) as reason:
        drawn.notes.append(f"no figures of {trial.id}: {reason}")
        return
    some = [one for setting, each in OF_SOME.items() if setting in trial.hyperparameters for one in each]
    for figure in (*OF_A_TRIAL, *some):
        drawn.add(figure, case)


def others(data: RunData, task: Task) -> list[str]:
    """Return the models beside the best whose figures a reader may switch to: neither floor nor ceiling.

    Of the test phase there are none: its answers are looked at for the model that was chosen.
    """
    best = drawn_trial(data, task)
    if best is None or task.phase == "test":
        return []
    shown = dict.fromkeys(trial.shown for trial in data.finished(task))
    return [name for name in shown if name not in (best.shown, data.floor, data.ceiling)]


def answers_may_be_seen(data: RunData, task: Task) -> bool:
    """Tell whether figures may show a task's answers: those of the test phase only once it was scored on purpose."""
    return task.phase != "test" or not data.of(task).is_empty()
