"""Averages of several models' rates: what counts say of them, and weights that counts ask for.

The Poisson likelihood of an average L = sum_k w_k L_k is concave in the weights, and never below the mean of its
members' (Jensen). All it needs of the members is their rates where there is a count above 0, and the sums of their
rates: `Evidence` keeps no more, however many bins there are.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from raysp.data.formats.binning import check_counts
from raysp.errors import BadInput
from raysp.evaluation.bits_per_spike import SMALLEST_RATE, null_rates
from raysp.models.prediction import check_rates

DRAWN = 20_000
"""Entries that members are compared by."""
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Of equal weights, in weights that are shrunk to them."""
LEAST_GAIN = 1e-5
"""Bits per spike: what another step must gain. What is left after it is far below what trials can tell apart."""
STEPS, NEWTON, PICKS = 200, 100, 50
TRIED, EARLY = 8, 4
"""Of the next picks, and after which all are no longer tried."""


@dataclass(frozen=True)
class Evidence:
    """What counts say of members' rates.

    Attributes:
        at: (members, events) float32 expected counts of each entry with a count above 0.
        counts: (events,) what was counted there.
        trial: (events,) in which trial.
        totals: (members, trials) sums of the rates over the known entries of each trial.
        null: (trials,) log-likelihood in nats of each unit's mean over all of the trials, without the factorials.
        drawn: (members, entries) float32 errors, rate minus count, at some of the known entries.
    """

    at: np.ndarray
    counts: np.ndarray
    trial: np.ndarray
    totals: np.ndarray
    null: np.ndarray
    drawn: np.ndarray

    @property
    def members(self) -> int:
        """How many there are."""
        return len(self.totals)

    def take(self, chosen: np.ndarray) -> Evidence:
        """Return what (trials,) booleans choose."""
        events = chosen[self.trial]
        place = np.cumsum(chosen) - 1
        return dataclasses.replace(
            self,
            at=self.at[:, events],
            counts=self.counts[events],
            trial=place[self.trial[events]],
            totals=self.totals[:, chosen],
            null=self.null[chosen],
        )

    def among(self, members: np.ndarray) -> Evidence:
        """Return what is said of some members."""
        of = {name: getattr(self, name)[members] for name in ("at", "totals", "drawn")}
        return dataclasses.replace(self, **of)

    def nats(self, weights: np.ndarray) -> np.ndarray:
        """Return the (rows, trials) log-likelihoods of averages by (rows, members) weights, without the factorials."""
        spikes = self.counts * np.log(_floored(weights @ self.at))
        of_trials = [np.bincount(self.trial, row, len(self.null)) for row in spikes]
        return np.stack(of_trials) - weights @ self.totals

    def bits(self, nats: np.ndarray) -> np.ndarray:
        """Return what log-likelihoods of all trials are in bits per spike above the units' means; nan without spikes.

        Args:
            nats: of any shape, each summed over trials.
        """
        spikes = self.counts.sum()
        return (np.asarray(nats) - self.null.sum()) / (spikes if spikes else np.nan) / np.log(2)

    def alone(self) -> np.ndarray:
        """Return each member's own (members,) bits per spike."""
        spikes = np.array([self.counts @ np.log(_floored(own.astype(np.float64))) for own in self.at])
        return self.bits(spikes - self.totals.sum(axis=1))


def correlations(found: Evidence) -> np.ndarray:
    """Return (members, members) correlations of errors, rate minus count: what averaging cannot take away.

    What chance adds to counts is in the errors of all members alike, so that even those who err independently are near
    1: it is which pairs are lower that tells. Nan of a member that errs the same everywhere.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.atleast_2d(np.corrcoef(found.drawn))


def evidence(members: Iterable[np.ndarray], counts: np.ndarray) -> Evidence:
    """Return what counts say of members' rates; of the members, one is held at a time.

    Args:
        members: (trials, bins, units) expected spikes per bin of each, >= 0.
        counts: (trials, bins, units) spikes per bin; NaN where unobserved.

    Raises:
        BadInput: no member, shapes that differ, or rates that are not finite and >= 0.

    Examples:
        >>> import numpy as np
        >>> counts = np.array([[[0.0], [2.0]], [[1.0], [0.0]]])
        >>> found = evidence([np.full((2, 2, 1), 0.75), counts + 0.1], counts)
        >>> found.alone().round(3).max()
        np.float64(0.982)
        >>> weights(found).round(3).tolist()
        [0.0, 1.0]
    """
    check_counts(counts, "an average of rates: counts", whole=False)
    known = ~np.isnan(counts)
    events = np.nonzero(np.nan_to_num(counts))
    there = counts[events].astype(np.float64)
    places = np.argwhere(known)
    some = tuple(places[np.random.default_rng(0).choice(len(places), min(DRAWN, len(places)), replace=False)].T)
    at, totals, drawn = list[np.ndarray](), list[np.ndarray](), list[np.ndarray]()
    for rates in members:
        check_rates(rates, counts.shape, f"member {len(at)} of an average")
        at.append(rates[events].astype(np.float32))
        totals.append(rates.sum(axis=(1, 2), where=known, dtype=np.float64))
        drawn.append((rates[some] - counts[some]).astype(np.float32))
    if not at:
        raise BadInput("an average expected at least one member, got none")
    mean = null_rates(counts)
    null = np.bincount(events[0], there * np.log(mean[events[2]]), len(counts)) - known.sum(axis=1) @ mean
    return Evidence(np.stack(at), there, events[0], np.stack(totals), null, np.stack(drawn))


def equal(found: Evidence) -> np.ndarray:
    """Return (members,) equal weights; 0 of members that expect nothing wherever something was counted."""
    gives = _giving(found)
    return gives / gives.sum()


def steps(found: Evidence) -> Iterator[tuple[np.ndarray, float]]:
    """Yield (members,) weights, from equal ones on, and the log-likelihood of each: no lower than any before.

    These are steps of EM (Richardson-Lucy's) on weights that add up to 1: each event is shared out among the members
    by what they give to it, and a member's weight is its share by its total. Of two steps it is seen where they lead
    (Varadhan and Roland 2008), and that is taken where it is likelier than they are.
    """
    totals, at = found.totals.sum(axis=1), found.at.astype(np.float64)

    def nats(weights: np.ndarray) -> float:
        return float(found.counts @ np.log(_floored(weights @ at)) - weights @ totals)

    def step(weights: np.ndarray) -> np.ndarray:
        if not len(found.counts):
            return weights
        return _on_simplex(weights * (at @ (found.counts / _floored(weights @ at))), totals)

    now = equal(found)
    yield now, nats(now)
    while True:
        once = step(now)
        twice = step(once)
        first, bend = once - now, twice - 2 * once + now
        far = np.sqrt((first @ first) / max(bend @ bend, np.finfo(float).tiny))
        ahead = np.maximum(now + 2 * far * first + far**2 * bend, twice / 100)
        now = max((twice, step(ahead / ahead.sum())), key=nats)
        yield now, nats(now)


def weights(found: Evidence) -> np.ndarray:
    """Return the (members,) weights >= 0, adding up to 1, of the average that counts are likeliest under."""
    least, before, own = LEAST_GAIN * found.counts.sum() * np.log(2), -np.inf, equal(found)
    for weights, nats in itertools.islice(steps(found), STEPS):
        own = weights
        if nats - before <= least:
            break
        before = nats
    return own


def shrunk(found: Evidence) -> np.ndarray:
    """Return (shares, members) these weights, by more and more of equal ones (`SHARES`)."""
    own = weights(found)
    return np.stack([(1 - share) * own + share * equal(found) for share in SHARES])


def best_first(found: Evidence) -> np.ndarray:
    """Return (rows, members) equal weights of the best one by itself, of the best two, and so on."""
    order, gives = np.argsort(-found.alone(), kind="stable"), _giving(found)
    ranks = np.full(found.members, found.members)
    ranks[order[gives[order]]] = np.arange(gives.sum())
    return np.stack([(ranks < count) / count for count in range(1, gives.sum() + 1)])


def greedy(found: Evidence) -> np.ndarray:
    """Return (picks, members) weights of a growing choice, each time of the member that raises the likelihood most.

    A member may be chosen again (Caruana et al. 2004), which is how some weigh more; the choice ends after `PICKS`, or
    where no pick gains anything.
    """
    totals, least = found.totals.sum(axis=1), LEAST_GAIN * found.counts.sum() * np.log(2)
    path = [best_first(found)[0]]
    before = found.nats(path[0][None]).sum()
    while len(path) < PICKS:
        picked = _picked(found, totals, path[-1], len(path) + 1)
        nats = found.nats(picked[None]).sum()
        if nats - before <= least:
            break
        before = nats
        path.append(picked)
    return np.stack(path)


def _picked(found: Evidence, totals: np.ndarray, weights: np.ndarray, many: int) -> np.ndarray:
    """Return the weights after the best of all next picks, which weighs 1 / many.

    Those that the likelihood's slope and curvature at the weights promise most of are tried, no others.
    """
    mix = _floored(weights.astype(np.float32) @ found.at)
    apart, share = found.at - mix, np.float32(1 / many)
    pull = (found.counts / mix).astype(np.float32)
    gains = (apart @ pull) * share - np.square(apart, out=apart) @ (pull / mix) * share**2 / 2
    promised = gains + (weights @ totals - totals) * share
    best, chosen = -np.inf, 0
    for pick in np.argsort(-np.where(_giving(found), promised, -np.inf), kind="stable")[
        : TRIED if many > EARLY else None
    ]:
        spikes = found.counts @ np.log(mix * (1 - share) + found.at[pick] * share).astype(np.float64)
        nats = spikes - totals[pick] * share
        if nats > best:
            best, chosen = nats, int(pick)
    return weights + ((np.arange(found.members) == chosen) - weights) / many


def _giving(found: Evidence) -> np.ndarray:
    """Return (members,) booleans: whose rates explain anything; all where nothing was counted."""
    gives = np.asarray(found.at.any(axis=1))
    return gives if gives.any() else np.ones(found.members, bool)


def _floored(rates: np.ndarray) -> np.ndarray:
    return np.maximum(rates, rates.dtype.type(SMALLEST_RATE))


def _on_simplex(pulled: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Return the weights w that maximise sum(pulled ln w - totals w) and add up to 1: pulled / (totals + price)."""
    drawn = pulled > 0
    pull, cost = pulled[drawn], totals[drawn]
    # The sum falls with the price and is convex: Newton's steps from below rise to where it is 1, and never beyond.
    price = (pull - cost).max()
    for _ in range(NEWTON):
        share = pull / (cost + price)
        step = (share.sum() - 1) / (share / (cost + price)).sum()
        price += step
        if step <= 1e-12 * abs(price):
            break
    found = np.zeros(len(pulled))
    found[drawn] = pull / (cost + price)
    return found / found.sum()
