"""All figures of a run, drawn one task at a time and written as PNGs."""

from __future__ import annotations

from collections.abc import Callable

from raysp.errors import BadInput, NotReady
from raysp.kinds.population.page.case import Case, open_case
from raysp.kinds.population.page.curves import curves
from raysp.kinds.population.page.masking import inside, masked
from raysp.kinds.population.page.overview import overview
from raysp.kinds.population.page.pick import drawn_trial
from raysp.kinds.population.page.psths import psth
from raysp.kinds.population.page.rasters import raster
from raysp.kinds.population.page.speeds import has_intervals, speeds
from raysp.kinds.population.page.trajectories import trajectory
from raysp.kinds.population.page.units import neurons
from raysp.kinds.population.page.velocity import velocity
from raysp.kinds.stimulus.page.draw import draw_trains
from raysp.report.drawn import Drawn, attempt
from raysp.report.pages import write_picture
from raysp.report.run_data import Material, Task, read_material
from raysp.report.style import Picture
from raysp.runs.folder import RunFolder

FIGURE_SETS = 60
"""Tasks that get figures of their own; a run of thousands of cell subsets has tables only."""


def behavior(case: Case) -> Picture:
    """Draw what a split's behaviour allows: decoded velocity, or neural speed against produced intervals."""
    return speeds(case) if has_intervals(case) else velocity(case)


OF_A_TRIAL = (raster, psth, trajectory, behavior)
OF_A_MASKED_ONE = (masked, inside)


def figures(run: RunFolder, root: str, report: Callable[[str], None] | None = None) -> list[str]:
    """Draw all figures of a run into its report folder.

    Args:
        run: the run folder.
        root: the data root.
        report: told what is being drawn.

    Returns:
        The PNGs' paths.

    Raises:
        NotReady: nothing was ever run there.
        BadInput: the run's record is damaged.
    """
    material = read_material(run, root)
    pictures = [*draw_overview(material)[0]]
    for task in material.tasks[:FIGURE_SETS]:
        _tell(report, task)
        pictures += draw(material, task).pictures
    return [write_picture(run, picture) for picture in pictures]


def draw_overview(material: Material) -> tuple[list[Picture], list[str]]:
    """Return the figure over all tasks, or why there is none."""
    try:
        return [overview(material)], []
    except NotReady as reason:
        return [], [str(reason)]


def draw(material: Material, task: Task) -> Drawn:
    """Draw the figures of one task; what cannot be drawn becomes a note and stops nothing else."""
    if task.kind == "stimulus":
        return draw_trains(material, task)
    pictures: list[Picture] = []
    notes: list[str] = []
    for table in (curves, neurons):
        attempt(lambda table=table: table(material, task), task, pictures, notes)
    trial = drawn_trial(material, task)
    if trial is None:
        return Drawn(task, None, tuple(pictures), (*notes, "no predictions yet: no trial of this split is finished"))
    try:
        case = open_case(material.run, material.root, trial, answers=answers_may_be_seen(material, task))
    except (BadInput, NotReady, OSError) as reason:
        return Drawn(task, trial, tuple(pictures), (*notes, f"no figures of {trial.id}: {reason}"))
    for kind in (*OF_A_TRIAL, *(OF_A_MASKED_ONE if "mask_ratio" in trial.settings else ())):
        attempt(lambda kind=kind: kind(case), task, pictures, notes)
    return Drawn(task, trial, tuple(pictures), tuple(notes))


def answers_may_be_seen(material: Material, task: Task) -> bool:
    """Tell whether figures may show a task's answers: those of the test phase only once it was scored on purpose."""
    ids = {trial.id for trial in task.trials}
    return task.phase != "test" or any(row["run_trial"] in ids for row in material.scores or [])


def _tell(report: Callable[[str], None] | None, task: Task) -> None:
    if report is not None:
        report(f"drawing {task.name}")
