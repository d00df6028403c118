"""What is wrong with a fit, from its scores: what was measured, where the limit is, and what to do next."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from raysp.io.words import number
from raysp.kinds.population.latent_scores import ALIKE, DIVERGENCE, OF_COUNTS, OF_LATENTS, ORDER, TRAINING

if TYPE_CHECKING:
    import polars

    from raysp.config.experiment import Trial

COPYING = "own-spike gain"

LEAST_NATS = math.log(2)
"""Of a posterior about a trial: with less it cannot tell which of two trials it has seen."""

LEAST_ALIKE = 0.01
"""Of latents' variance that must not be the same in every trial: noise of spikes alone is more."""

MOST_GAIN = 2.0
"""A rate that one spike of its own bin doubles: the log rate would have to be unknown by a standard deviation of 0.8
after all that neighbouring bins and units say, for a posterior mean to move so far."""

MOST_OWN = 1.5
"""Bits per spike of held-in units over co-bps: what they gain by their own spikes, held-out units do not have."""

MOST_TIMES, LEAST_BITS = 3.0, 0.1
"""Training co-bps over co-bps where it is worth a word, and how much of it: less than a third carries over. Sound
networks come to two times and a little where they have 75 trials."""

MOST_BEYOND, LEAST_ORDER = 0.25, 0.3
"""R2 of the trials' order that latents have beyond counts, and by themselves: 40 trials without order reach 0.1."""

Values = dict[tuple[str, str], dict[str, float]]
Settings = Mapping[str, set[str]]
"""Id of a run's trial -> the names of its settings."""


def diagnoses(table: polars.DataFrame, trials: Sequence[Trial] = ()) -> Iterator[str]:
    """Yield a sentence for each model of each split and each fault that some seed has.

    Args:
        table: of metrics, population splits only.
        trials: of the run: advice names only settings that they have; of a trial that is not among them, any.
    """
    settings = {one.id: {*one.hyperparameters, *(("weight_decay",) if one.training else ())} for one in trials}
    yield from _collapsed(table)
    yield from _alike(table)
    yield from _copying(table, settings)
    yield from _learned_by_heart(table, settings)
    yield from _ordered(table)


def _collapsed(table: polars.DataFrame) -> Iterator[str]:
    from polars import col

    rows = table.filter(metric=DIVERGENCE)
    names = rows["parameter"].drop_nulls().unique(maintain_order=True).to_list()
    parts = {name: _values(rows, DIVERGENCE, name) for name in names}
    whole = rows.group_by("split", "model", "run_trial", maintain_order=True).agg(col("value").sum())
    for place, found in _by_place(whole).items():
        if low := {trial: nats for trial, nats in found.items() if nats < LEAST_NATS}:
            yield (
                f"{_whose(place)}: posterior collapsed{_seeds(low, found)}: it diverges from its prior by "
                f"{number(max(low.values()))} nats a validation trial, and below {LEAST_NATS:.2f} (one bit) it cannot "
                "tell two trials apart; give the divergences less weight (lfads: beta_initial, beta_inputs) or let "
                "their weights rise more slowly (ramp)"
            )
        elif len(names) > 1:
            yield from _collapsed_parts(place, {name: own[place] for name, own in parts.items() if place in own})


def _collapsed_parts(place: tuple[str, str], parts: dict[str, dict[str, float]]) -> Iterator[str]:
    for name, found in parts.items():
        if low := {trial: nats for trial, nats in found.items() if nats < LEAST_NATS}:
            yield (
                f"{_whose(place)}: posterior of {name} collapsed{_seeds(low, found)}: {number(max(low.values()))} nats "
                f"a validation trial, below {LEAST_NATS:.2f} (one bit), so that all it knows of a trial comes another "
                "way; give that divergence less weight, or leave that part out"
            )


def _alike(table: polars.DataFrame) -> Iterator[str]:
    for place, found in _values(table, ALIKE, None).items():
        if low := {trial: share for trial, share in found.items() if share < LEAST_ALIKE}:
            yield (
                f"{_whose(place)}: latents are the same in every trial{_seeds(low, found)}: {max(low.values()):.2%} of "
                f"their variance differs between trials, below {LEAST_ALIKE:.0%}; the model knows the mean response "
                "alone: loosen what holds it back (dropout, decay, divergences), or train it longer"
            )


def _copying(table: polars.DataFrame, settings: Settings) -> Iterator[str]:
    heldin, heldout = _values(table, "reconstruction bits/spike", None), _values(table, "co-bps", None)
    for place, found in _values(table, COPYING, None).items():
        own, others = heldin.get(place, {}), heldout.get(place, {})
        high = {trial: gain for trial, gain in found.items() if gain > MOST_GAIN}
        # Where rates change so much that a spike says a lot of its neighbours', held-out units gain by it as well.
        high = {one: gain for one, gain in high.items() if _more(own.get(one), others.get(one))}
        if high:
            least = min(high, key=high.__getitem__)
            bits = f", and held-in units have {number(own[least])} bits/spike" if least in own else ""
            against = f", {MOST_OWN:g} times co-bps {number(others[least])} or more" if least in others else ""
            yield (
                f"{_whose(place)}: copies noise{_seeds(high, found)}: a held-in rate is {high[least]:.1f} times as "
                "high where its own bin's spike is in the input as where it is hidden, above "
                f"{MOST_GAIN:g}{bits}{against}; {_less_copying(settings.get(least))}"
            )


def _less_copying(own: set[str] | None) -> str:
    hiding, widths = _there(own, "mask_ratio", "coordinated_dropout"), _there(own, "sigma_ms")
    hide = f"hide more counts in training ({hiding})" if hiding else ""
    return (
        ", or ".join(filter(None, (hide, f"smooth more widely ({widths})" if widths else ""))) or "smooth more widely"
    )


def _there(own: set[str] | None, *names: str) -> str:
    return ", ".join(name for name in names if own is None or name in own)


def _more(heldin: float | None, heldout: float | None) -> bool:
    return heldin is None or heldout is None or heldin > MOST_OWN * max(heldout, 0.0)


def _learned_by_heart(table: polars.DataFrame, settings: Settings) -> Iterator[str]:
    heldout = _values(table, "co-bps", None)
    for place, found in _values(table, TRAINING, None).items():
        own = heldout.get(place, {})
        lost = {trial: bits for trial, bits in found.items() if trial in own and bits > LEAST_BITS}
        if high := {trial: bits for trial, bits in lost.items() if bits > MOST_TIMES * max(own[trial], 0.0)}:
            worst = max(high, key=lambda trial: high[trial] - own[trial])
            names = _there(settings.get(worst), "dropout", "coordinated_dropout", "mask_ratio", "weight_decay")
            yield (
                f"{_whose(place)}: learned training trials by heart{_seeds(high, found)}: "
                f"{'at worst ' if len(high) > 1 else ''}co-bps {number(high[worst])} on trials it was fitted to, "
                f"{number(own[worst])} on evaluation trials, over {MOST_TIMES:g} times; "
                f"hold it back more{f' ({names})' if names else ''}, or make it smaller"
            )


def _ordered(table: polars.DataFrame) -> Iterator[str]:
    counts = _values(table, ORDER, OF_COUNTS)
    for place, found in _values(table, ORDER, OF_LATENTS).items():
        own = counts.get(place, {})
        beyond = {trial: r2 - max(own.get(trial, 0.0), 0.0) for trial, r2 in found.items() if r2 > LEAST_ORDER}
        if high := {trial: more for trial, more in beyond.items() if more > MOST_BEYOND}:
            worst = max(high, key=high.__getitem__)
            yield (
                f"{_whose(place)}: learned the order of trials{_seeds(high, found)}: it is read from the latents with "
                f"R² {number(found[worst])}, from the counts with {number(own.get(worst))}, more than "
                f"{MOST_BEYOND:g} apart; look for what tells the model which trial it has (an input that drifts, state "
                "kept from trial to trial), and set trials for validation aside in blocks"
            )


def _values(table: polars.DataFrame, metric: str, parameter: str | None) -> Values:
    """Return (split, model) -> id of the run's trial -> value of a metric over all units."""
    from polars import col

    own = col("unit").is_null() & col("unit_index").is_null() & col("parameter").eq_missing(parameter)
    return _by_place(table.filter((col("metric") == metric) & own))


def _by_place(rows: polars.DataFrame) -> Values:
    from polars import col

    found: Values = {}
    wanted = rows.filter(col("value").is_not_null()).select("split", "model", "run_trial", "value")
    for split, model, trial, value in wanted.iter_rows():
        found.setdefault((split, model), {})[trial] = value
    return found


def _whose(place: tuple[str, str]) -> str:
    return f"{place[0]}: {place[1]}"


def _seeds(some: dict[str, float], found: dict[str, float]) -> str:
    return f" in {len(some)} of {len(found)} seeds" if len(found) > 1 else ""
