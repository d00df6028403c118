"""What MLflow's pages open on: the run's trials side by side, with their numbers and the settings that differ."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping

from raysp.driver.tracking_content import BEST, CURVE, KIND
from raysp.kinds import catalog as kinds

KEY = "raysp"
TAG = f"mlflow.sharedViewState.{KEY}"
"""A tag of MLflow's experiment that its pages read a shared view from."""

EXPERIMENT_KIND = {"mlflow.experimentKind": "custom_model_development"}
"""Without it, MLflow's pages ask first what the experiment is for."""

PLACE = ("model", "split", "seed")
"""Parameters that a trial's name says already."""

NAME, BESIDE_IT = "attributes.`Run Name`", ("runDateAndNestInfo", "duration")
NAME_WIDTH, MARGIN, LETTER = 360, 45, 8
"""Pixels: a trial's whole name; what stands beside the letters of a heading, and a letter."""

FIRST = (
    *("co-bps", "vel R2", "behavior R2 mean over variables", "behavior R2 with history mean over variables"),
    *("tp corr", "psth R2", "fp-bps", "accuracy", "bits per spike", "masked deviance"),
    *("true-rate R2", "predicted / recorded spikes"),
)
"""Scores that a reader looks for first."""

OVER_PARTS = " mean over variables"
"""What ends the name of a score over parts that have no score as a whole."""

LOSS = f"{BEST}validation_loss"
SCORES = 6
"""Columns of scores at most."""

LONGEST_VIEW = 4900
"""Characters that a tag of an experiment holds, less some."""


def view(trials: Iterable[tuple[Mapping[str, str], Iterable[str]]]) -> str:
    """Return a shared view of MLflow's pages: which columns stand beside the trials, and how they are sorted.

    Args:
        trials: of the run, each with its parameters and the names of its metrics.
    """
    rows = [(dict(params), set(metrics)) for params, metrics in trials]
    settings, metrics = differing([params for params, _ in rows]), shown([names for _, names in rows])
    while len(found := _state(settings, metrics)) > LONGEST_VIEW and settings:
        settings.pop()
    return found


def address(experiment: str) -> str:
    """Return where the comparison lies on a server's pages, from "/" on.

    Args:
        experiment: MLflow's id of it.
    """
    return f"/#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey={KEY}"


def differing(trials: Iterable[Mapping[str, str]]) -> list[str]:
    """Return the settings in which trials of one model differ, by name.

    >>> differing([{"model": "a", "seed": "0", "rate": "1"}, {"model": "a", "seed": "0", "rate": "2"}])
    ['rate']
    """
    values: dict[tuple[str, str], set[str]] = {}
    for params in trials:
        for name, value in params.items():
            values.setdefault((name, params.get("model", "")), set()).add(value)
    return sorted({name for (name, _), known in values.items() if len(known) > 1} - set(PLACE))


def shown(trials: Iterable[Iterable[str]]) -> list[str]:
    """Return the metrics that stand beside the trials: scores of evaluation trials, of validation trials where a run
    has none of the first, and the loss that selects.
    """
    count = Counter(name for names in trials for name in names)
    named = [name for name in count if "/" in name and not name.startswith((CURVE, BEST))]
    # A score that was taken of parts as well has the part behind its name.
    whole = [f"{name.removesuffix(OVER_PARTS)} " for name in named]
    scores = [name for name in named if name.endswith(OVER_PARTS) or not name.startswith(tuple(whole))]
    best = [name for name in count if name.startswith(BEST) and name != LOSS]

    def order(name: str) -> tuple[int, int, str]:
        place = FIRST.index(_metric(name)) if _metric(name) in FIRST else len(FIRST)
        return place, -count[name], name

    return [*sorted(scores or best, key=order)[:SCORES], *([LOSS] if LOSS in count else [])]


def _metric(name: str) -> str:
    return name.partition("/")[2]


def _least_first(name: str) -> bool:
    """Tell whether the lowest of a metric is the best, so that it stands on top."""
    metric = _metric(name)
    known = [kind.metrics[metric].better for kind in kinds.known() if metric in kind.metrics]
    return known[0] == "min" if known else name == LOSS


def _state(settings: list[str], metrics: list[str]) -> str:
    columns = {f"metrics.`{name}`": name for name in metrics} | {f"params.`{name}`": name for name in settings}
    widths = {column: MARGIN + LETTER * len(name) for column, name in columns.items()}
    leading = {"orderByKey": f"metrics.`{metrics[0]}`", "orderByAsc": _least_first(metrics[0])} if metrics else {}
    return json.dumps(
        {
            "searchFilter": f"tags.`{KIND}` = 'trial'",
            **leading,
            "selectedColumns": [*columns],
            "columnOrder": [NAME, *BESIDE_IT, *columns],
            "columnWidths": {NAME: NAME_WIDTH, **widths},
            "runsHiddenMode": "SHOW_ALL",
        }
    )
