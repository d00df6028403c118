"""Which trial's figures are drawn: that of the best trained model, of the seed in the middle."""

from __future__ import annotations

import math

from raysp.config.experiment import Trial
from raysp.kinds.population.page.scores import cell, headline
from raysp.report.run_data import Material, Task


def drawn_trial(material: Material, task: Task) -> Trial | None:
    """Return the trial whose predictions are shown; None when none is finished.

    The best model that is neither floor nor ceiling, trained ones before those that fit themselves when nothing was
    scored; of it the seed with the median score, since the best seed would flatter.
    """
    finished = material.finished(task)
    candidates = [trial for trial in finished if trial.shown not in (material.floor, material.ceiling)] or finished
    if not candidates:
        return None
    model = best_model(material, task, candidates)
    return _median_seed(material, task, [trial for trial in candidates if trial.shown == model])


def best_model(material: Material, task: Task, candidates: list[Trial]) -> str:
    """Return the name of the candidates' best model by the task's headline metric.

    Where nothing was scored: the first trained one, else the first.
    """
    names = list(dict.fromkeys(trial.shown for trial in candidates))
    metric = headline(material, task)
    means = {name: cell(material, task, name, metric).mean for name in names} if metric else {}
    scored = {name: mean for name, mean in means.items() if mean is not None}
    if scored:
        return max(scored, key=scored.__getitem__)
    trained = [trial.shown for trial in candidates if trial.training is not None]
    return (trained or names)[0]


def _median_seed(material: Material, task: Task, trials: list[Trial]) -> Trial:
    metric = headline(material, task)
    values = dict(material.values(task, trials[0].shown, metric)) if metric else {}
    ranked = sorted(
        (trial for trial in trials if _finite(values.get(trial.seed))), key=lambda trial: values[trial.seed]
    )
    return ranked[(len(ranked) - 1) // 2] if ranked else trials[0]


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
