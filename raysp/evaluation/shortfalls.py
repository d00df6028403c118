"""Models that a reader should not take for good: worse than the floor, or still getting better when training ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from raysp.config.experiment import Trial
from raysp.io.words import number

COMPARED = {"co-bps": 1, "fp-bps": 1, "masked deviance": -1}
"""Measures of what was not shown, the first that floor and model have is compared; -1 where less is better."""

ENDS_BY_ITSELF = ("cosine", "one_cycle")
"""Schedules whose learning rate goes to zero at the last epoch, which then is the best as a rule."""

SHOWN = 4
"""Splits that a sentence names."""


def below_floor(rows: Sequence[dict[str, Any]], floor: str) -> Iterator[str]:
    """Yield a sentence for each model whose mean over seeds is below the floor's, with the splits where it is."""
    rows = [row for row in rows if row["metric"] in COMPARED]
    splits = dict.fromkeys(row["split"] for row in rows)
    for model in dict.fromkeys(row["model"] for row in rows if row["model"] != floor):
        found = [text for split in splits if (text := _shortfall(rows, split, model, floor)) is not None]
        if found:
            yield f"{model} is below {floor}: {_listed(found, '; ')}"


def _shortfall(rows: Sequence[dict[str, Any]], split: str, model: str, floor: str) -> str | None:
    for metric, sign in COMPARED.items():
        own, other = (mean_of(rows, split, name, metric) for name in (model, floor))
        if own is not None and other is not None:
            # What is the floor's but for rounding is no shortfall.
            worse = sign * (other - own) > 1e-6 * max(abs(own), abs(other))
            return f"{split}, {metric} {number(own)} against {number(other)}" if worse else None
    return None


def mean_of(rows: Sequence[dict[str, Any]], split: str, model: str, metric: str) -> float | None:
    """Return a model's mean over seeds of a metric over all units; None where it is undefined."""
    place = (split, model, metric, None, None)
    keys = ("split", "model", "metric", "parameter", "unit_index")
    found = [row["value"] for row in rows if tuple(row[key] for key in keys) == place and row["value"] is not None]
    return sum(found) / len(found) if found else None


def last_epochs(trials: Iterable[Trial], done: Mapping[str, dict[str, Any]]) -> dict[str, int]:
    """Return, by id, the epochs of trials whose validation loss was lowest at the last one.

    Those that take their epochs from another trial are not among them, nor those whose learning rate had gone to zero.

    Args:
        trials: of a run.
        done: what done.json says of each finished one.
    """
    return {
        trial.id: found["epochs"]
        for trial in trials
        if (found := done.get(trial.id)) is not None and _selects(trial) and _best_is_last(found)
    }


def _selects(trial: Trial) -> bool:
    return trial.training is not None and trial.follows is None and trial.training.schedule not in ENDS_BY_ITSELF


def _best_is_last(found: dict[str, Any]) -> bool:
    # Without validation the last epoch is taken, which says nothing.
    validated, epochs = found.get("validation_loss") is not None, found.get("epochs") or 0
    return validated and found.get("best_epoch") == epochs > 1


def still_better(rows: Sequence[dict[str, Any]], last: Mapping[str, int]) -> Iterator[str]:
    """Yield a sentence for each model of which some trials were best at their last epoch, see `last_epochs`."""
    trials: dict[str, dict[str, dict[str, None]]] = {}
    for row in rows:
        trials.setdefault(row["model"], {}).setdefault(row["split"], {})[row["run_trial"]] = None
    for model, splits in trials.items():
        found = [text for split, ids in splits.items() if (text := _ended(split, list(ids), last)) is not None]
        if found:
            yield f"{model} was still getting better at its last epoch: {_listed(found, '; ')}; train it longer"


def _ended(split: str, ids: Sequence[str], last: Mapping[str, int]) -> str | None:
    epochs = [last[name] for name in ids if name in last]
    if not epochs:
        return None
    most, seeds = max(epochs), f", {len(epochs)} of {len(ids)} seeds" if len(ids) > 1 else ""
    return f"{split} ({most} of {most}{seeds})"


def _listed(found: Sequence[str], between: str) -> str:
    more = f"{between}and {len(found) - SHOWN} more splits" if len(found) > SHOWN + 1 else ""
    return between.join(found[:SHOWN] if more else found) + more
