"""What models of movies are judged by."""

from __future__ import annotations

from raysp.kinds.metric import Metric

PART = "eval"
"""The test part, as tables have it."""

CEILING, NEW_MOVIES = "ceiling", "new movies"
"""Parameters: what the training repeats themselves come to; and of movies that were not trained on."""

PSTH_R, RATE_ERROR, BITS, NATS = "PSTH r", "rate error", "bits per spike", "nats per bin"
FREE_RUN = "free-run cross-entropy"
NOISE_SIZE, SHUFFLED = "noise correlation size", "shuffled noise correlation"
CONNECTIVITY_R, CONNECTIVITY_R2 = "connectivity r", "connectivity R2"
VALIDATION_NATS = "unseen_loss"
VALIDATION_PSTH_R, VALIDATION_RATE = "validation PSTH r", "validation rate error"
VALIDATION_NOISE_R, VALIDATION_NOISE_R2 = "validation noise correlation r", "validation noise correlation R2"
WHICH = ("noise", "signal", "total")


BY_LAG = " by lag"
"""Ends the names of correlations of one lag alone, whose parameter is that lag in bins."""


def correlation(which: str, measure: str, *, lagged: bool = False) -> str:
    """Return the name of a metric of correlations.

    >>> correlation("noise", "R2")
    'noise correlation R2'
    """
    return f"{'lagged ' if lagged else ''}{which} correlation {measure}"


_OF_PAIRS = (
    "recorded against simulated {which} correlations of pairs of units, {lags}, corrected for few repeats: {what}"
)
_WHAT = {"R2": "share of the variance over pairs, below 0 where the scale is wrong", "r": "Pearson's r over pairs"}


def _correlations() -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for lagged, lags in ((False, "same bin"), (True, "1 to 8 bins apart")):
        for which in WHICH:
            for measure, what in _WHAT.items():
                printed = ("", "*") if which == "noise" and not lagged else ()
                meaning = _OF_PAIRS.format(which=which, lags=lags, what=what)
                found[correlation(which, measure, lagged=lagged)] = Metric("max", printed, meaning)
    for which in WHICH:
        for measure, what in _WHAT.items():
            meaning = _OF_PAIRS.format(which=which, lags="so many bins apart", what=what)
            found[correlation(which, measure) + BY_LAG] = Metric("max", (), meaning)
    return found


_CORRELATIONS = _correlations()
METRICS = {
    VALIDATION_NATS: Metric("min", searched=True, meaning="nats per bin of the validation repeats, one bin ahead"),
    VALIDATION_NOISE_R2: Metric("max", searched=True, meaning="noise correlation R2 of the validation repeats"),
    VALIDATION_NOISE_R: Metric("max", searched=True, meaning="noise correlation r of the validation repeats"),
    VALIDATION_PSTH_R: Metric("max", searched=True, meaning="PSTH r of the validation repeats"),
    VALIDATION_RATE: Metric("min", searched=True, meaning="rate error of the validation repeats"),
    PSTH_R: Metric(
        "max", ("", "*"), "Pearson's r of a unit's recorded mean over repeats and its rate in free runs, mean of units"
    ),
    **{name: one for name, one in _CORRELATIONS.items() if one.printed},
    RATE_ERROR: Metric("min", ("", "*"), "difference of the free runs' rate to the recorded one, as a share of that"),
    BITS: Metric(
        "max", ("", "*"), "log-likelihood one bin ahead, given what was recorded before, over that of the mean rate"
    ),
    NATS: Metric("min", ("",), "minus that log-likelihood, a bin and unit"),
    CONNECTIVITY_R: Metric(
        "max", ("",), "Pearson's r of true couplings of different recorded units, summed over lags, and the model's"
    ),
    CONNECTIVITY_R2: Metric("max", (), "share of the variance of the true ones, below 0 where the scale is wrong"),
    **{name: one for name, one in _CORRELATIONS.items() if not one.printed},
    NOISE_SIZE: Metric(
        "max", (), "root mean square over pairs of units of noise correlations in free runs, same bin", ranked=False
    ),
    SHUFFLED: Metric(
        "min", (), "the same with each unit's runs in another order, so that chance alone is left", ranked=False
    ),
    FREE_RUN: Metric("min", (), "of recorded spikes under the rates of free runs, nats a bin and unit"),
}
