"""Models that a reader should not take for good: worse than the floor, or still getting better when training ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypedDict

from raysp.config.experiment import Trial
from raysp.io.words import number

if TYPE_CHECKING:
    import polars

COMPARED = {"co-bps": 1, "fp-bps": 1, "masked deviance": -1, "accuracy": 1, "bits per spike": 1}
"""Measures of what was not shown, the first that floor and model have is compared; -1 where less is better."""

ENDS_BY_ITSELF = ("cosine", "one_cycle")
"""Schedules whose learning rate goes to zero at the last epoch, which then is the best as a rule."""

SHOWN = 4
"""Splits that a sentence names."""


def below_floor(table: polars.DataFrame, floor: str) -> Iterator[str]:
    """Yield a sentence for each model whose mean over seeds is below the floor's, with the splits where it is."""
    found = {place: mean for place, mean in means(table).items() if place[2] in COMPARED}
    splits, models = ({place[i]: None for place in found} for i in (0, 1))
    for model in (name for name in models if name != floor):
        if texts := [text for split in splits if (text := _shortfall(found, split, model, floor)) is not None]:
            yield f"{model} is below {floor}: {_listed(texts, '; ')}"


def means(table: polars.DataFrame) -> dict[tuple[str, str, str], float]:
    """Return (split, model, metric) -> the mean over seeds of a metric over all units, where it is defined."""
    from polars import col

    whole = table.filter(
        col("parameter").is_null() & col("unit_index").is_null() & col("unit").is_null() & col("value").is_not_null()
    )
    found = whole.group_by("split", "model", "metric", maintain_order=True).agg(col("value").mean())
    return {(split, model, metric): mean for split, model, metric, mean in found.iter_rows()}


def _shortfall(found: Mapping[tuple[str, str, str], float], split: str, model: str, floor: str) -> str | None:
    for metric, sign in COMPARED.items():
        own, other = (found.get((split, name, metric)) for name in (model, floor))
        if own is not None and other is not None:
            # What is the floor's but for rounding is no shortfall.
            worse = sign * (other - own) > 1e-6 * max(abs(own), abs(other))
            return f"{split}, {metric} {number(own)} against {number(other)}" if worse else None
    return None


class Ended(TypedDict, total=False):
    """What counts here of what done.json says."""

    epochs: int
    best_epoch: int
    validation_loss: float | None


def last_epochs(trials: Iterable[Trial], done: Mapping[str, Ended]) -> dict[str, int]:
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


def _best_is_last(found: Ended) -> bool:
    # Without validation the last epoch is taken, which says nothing.
    validated, epochs = found.get("validation_loss") is not None, found.get("epochs") or 0
    return validated and found.get("best_epoch") == epochs > 1


def still_better(table: polars.DataFrame, last: Mapping[str, int]) -> Iterator[str]:
    """Yield a sentence for each model of which some trials were best at their last epoch, see `last_epochs`."""
    from polars import col

    trials = table.group_by("model", "split", maintain_order=True).agg(col("run_trial").unique(maintain_order=True))
    for (model,), rows in trials.group_by("model", maintain_order=True):
        ended = (_ended(split, ids, last) for _, split, ids in rows.iter_rows())
        if found := [text for text in ended if text is not None]:
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
