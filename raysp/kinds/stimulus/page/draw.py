"""All figures of a recording in one piece: curves of the measures, then spikes, distances, averages and kernels."""

from __future__ import annotations

from raysp.errors import NotReady
from raysp.kinds.stimulus.page.arrays import arrays
from raysp.kinds.stimulus.page.averages import averages
from raysp.kinds.stimulus.page.case import open_train_case
from raysp.kinds.stimulus.page.curves import interval_curves, width_curves
from raysp.kinds.stimulus.page.kernels import kernels
from raysp.kinds.stimulus.page.learning import learning
from raysp.kinds.stimulus.page.numbers import Numbers, read_numbers
from raysp.kinds.stimulus.page.rasters import rasters
from raysp.report.run_data import RunData, Task
from raysp.report.section import Drawn

OF_SCORES = (width_curves, interval_curves)
OF_CELLS = (rasters, arrays, averages, kernels)
OF_TRAINING = (learning,)


def draw_trains(material: RunData, task: Task, numbers: Numbers | None = None) -> Drawn:
    """Draw the figures of one recording; what cannot be drawn becomes a note and stops nothing else.

    Args:
        material: of the run.
        task: the recording's trials.
        numbers: what was measured, where it was read already.
    """
    numbers = read_numbers(material, task) if numbers is None else numbers
    drawn = Drawn(f"{task.slug}-")
    for figure in OF_SCORES if numbers.lines else ():
        drawn.add(figure, numbers)
    try:
        case = open_train_case(material, task, numbers)
    except NotReady as reason:
        drawn.notes.append(str(reason))
    else:
        for figure in OF_CELLS:
            drawn.add(figure, case)
        drawn.notes += case.problems
    for figure in OF_TRAINING:
        drawn.add(figure, material, task)
    drawn.notes = list(dict.fromkeys(drawn.notes))
    return drawn
