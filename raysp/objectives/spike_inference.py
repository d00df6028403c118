"""From spike distances to spikes: the greedy removal of Doran et al. 2024 (ICML), compiled.

Every bin from t = 0 on begins as a candidate. A candidate answers for its territory, the bins nearer to it than to its
neighbours, and is removed where the distances there are explained better without it. So it goes on, the most doubtful
first, until all that are left are needed. Sparse phantoms, candidates beyond the window, let a spike there explain its
end; the last spike before t = 0 is known, and explains what it can throughout.

All sums run in float64 and always in one order, so that the same distances give the same spikes.
"""

from __future__ import annotations

import numpy as np

from raysp.config.compiled import njit
from raysp.errors import BadInput
from raysp.objectives.spike_distance import AT_SPIKE, CLAMP, PAST

WEIGHTS = (1.0, 0.3)
"""Of a squared error in the array's first bin, and past its last: near bins are trusted more."""


def last_spike(history: np.ndarray, clamp: int = CLAMP) -> np.ndarray:
    """Return where the last known spike is, as `infer_spikes` takes it.

    Args:
        history: (..., bins) counts, the last bin being that before t = 0.
        clamp: the largest distance, bins.

    Returns:
        (...) int64 bins relative to t = 0, from -clamp to -1; -clamp where there is none, or none so near.

    Raises:
        BadInput: no bins, or a clamp below 1.
    """
    history = np.asarray(history)
    if clamp < 1:
        raise BadInput(f"clamp expected at least 1 bin, got {clamp}")
    if history.ndim == 0 or history.shape[-1] == 0:
        raise BadInput(f"history expected at least one bin (..., bins), got shape {history.shape}")
    recent = history[..., -clamp:][..., ::-1] > 0
    return np.where(recent.any(axis=-1), -1 - recent.argmax(axis=-1), -clamp)


def infer_spikes(
    distances: np.ndarray, last_spike: np.ndarray, *, past: int = PAST, clamp: int = CLAMP, refractory: int = 0,
    jitter: float = 0.0, seed: int | None = None, weights: tuple[float, float] = WEIGHTS, phantom_gap: int = 100,
    phantom_spacing: int = 20, at_spike: float = AT_SPIKE, logs: bool = False,
) -> np.ndarray:  # fmt: skip
    """Infer spikes from windows of distances.

    A window's spikes depend on that window alone, not on the others nor on how they are batched. Exact targets give
    back every spike, and now and then one too many: a few bins after a spike, where the next lies soon after the array.

    Args:
        distances: (windows, length) float32 or float64 distances in bins, not their logs; t = 0 at index `past`.
        last_spike: (windows,) integers, the last known spike's bin relative to t = 0: -1 for the bin before, -clamp or
            less for none; see the function of that name.
        past: bins before t = 0. They hold no candidates, but count as evidence.
        clamp: the largest distance, bins.
        refractory: no spike follows another, or the known one, by so many bins or fewer.
        jitter: candidates are visited in decreasing order of distance plus a uniform draw below jitter times the
            window's least distance. Doran et al. have 0.05; with 0, of two as far the earlier comes first.
        seed: of the jitter. A window's draws follow from the seed and the window's own distances.
        weights: of a squared error in the array's first bin, and past its last; linear between.
        phantom_gap: bins from the array's end to the first phantom.
        phantom_spacing: bins between phantoms; the last lies before three times the array's length.
        at_spike: the distance in a spike's own bin.
        logs: compare logs of distances, which is what networks are trained on, where Doran et al. compare distances:
            bins near a spike then count as much as those far from all.

    Returns:
        (windows, length - past) uint8, 1 for a spike; index 0 is t = 0.

    Raises:
        BadInput: an argument that is not as above, or distances that are negative or not finite.
    """
    distances, known = _checked(distances, last_spike, past)
    _check(past, clamp, refractory, weights, phantom_gap, phantom_spacing)
    if not at_spike > 0:
        raise BadInput(f"at_spike expected a distance > 0, got {at_spike}")
    length = distances.shape[1]
    score = distances[:, past:]
    if jitter:
        if not jitter > 0 or seed is None:
            raise BadInput(f"jitter expected a share >= 0, and a seed with it, got {jitter} and seed {seed}")
        score = score + jitter * distances.min(axis=1, keepdims=True) * _uniform(distances, seed)[:, past:]
    order = np.argsort(-score, axis=1, kind="stable")
    place = np.r_[0, past:length, length + phantom_gap : 3 * length : phantom_spacing]
    weight = np.linspace(*weights, length + 1)[:length]
    spikes = np.zeros(score.shape, np.uint8)
    # How far apart two bins are, read from a table; infinitely far, where there is no bin.
    centre = int(place[-1]) + 1
    apart = np.abs(np.arange(-centre - length, centre + length + 1)).astype(np.float64)
    apart[centre + length] = at_spike
    apart[:length], apart[-length:] = np.inf, np.inf
    if logs:
        distances, apart = np.log(np.maximum(distances, np.finfo(np.float64).tiny)), np.log(apart)
    _infer(distances, known + past, order, place, weight, float(clamp), at_spike, logs, apart, refractory, spikes)
    return spikes


def _checked(distances: np.ndarray, known: np.ndarray, past: int) -> tuple[np.ndarray, np.ndarray]:
    distances, known = np.asarray(distances), np.asarray(known)
    if distances.ndim != 2 or distances.dtype not in (np.float32, np.float64):
        raise BadInput(
            f"distances expected float32 or float64 (windows, length), got {distances.dtype} of shape {distances.shape}"
        )
    if known.shape != distances.shape[:1] or known.dtype.kind != "i":
        raise BadInput(
            f"last_spike expected {len(distances)} signed integers, one for each window, got {known.dtype} of shape "
            f"{known.shape}"
        )
    if not 0 <= past < distances.shape[1]:
        raise BadInput(f"past expected 0 to {distances.shape[1] - 1} bins, below the array's length, got {past}")
    if distances.size and not (distances.min() >= 0 and distances.max() < np.inf):
        raise BadInput("distances expected finite numbers >= 0, got NaN, infinity or less; of log distances give exp")
    if known.size and known.max() >= 0:
        raise BadInput(f"last_spike expected bins before t = 0, all negative, got {known.max()}")
    return np.ascontiguousarray(distances, np.float64), known.astype(np.int64)


def _check(
    past: int, clamp: int, refractory: int, weights: tuple[float, float], phantom_gap: int, phantom_spacing: int
) -> None:
    # A spike that long ago must lie before the array: what stands for "none" would be a known spike in it.
    if clamp < 1 or clamp <= past:
        raise BadInput(f"clamp expected at least 1 bin, and more than the {past} past bins, got {clamp}")
    if not 0 <= refractory < clamp:
        raise BadInput(f"refractory expected 0 to {clamp - 1} bins, below the clamp, got {refractory}")
    if len(weights) != 2 or not 0 < min(weights) <= max(weights) < np.inf:
        raise BadInput(f"weights expected two finite numbers > 0, got {weights}")
    if phantom_gap < 0 or phantom_spacing < 1:
        raise BadInput(
            f"phantom_gap and phantom_spacing expected at least 0 and 1 bins, got {phantom_gap} and {phantom_spacing}"
        )


def _uniform(distances: np.ndarray, seed: int) -> np.ndarray:
    """Return a draw in [0, 1) for each bin: SplitMix64 (Steele et al. 2014), begun from the seed and the window."""
    bits, key = distances.view(np.uint64), np.full(len(distances), seed % 2**64, np.uint64)
    for column in bits.T:
        key = _mixed(key ^ column)
    steps = np.uint64(0x9E3779B97F4A7C15) * np.arange(1, bits.shape[1] + 1, dtype=np.uint64)
    return (_mixed(key[:, None] + steps) >> np.uint64(11)) * 2.0**-53


def _mixed(key: np.ndarray) -> np.ndarray:
    key = (key ^ (key >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return key ^ (key >> np.uint64(31))


@njit()
def _infer(
    distances: np.ndarray, known: np.ndarray, order: np.ndarray, place: np.ndarray, weight: np.ndarray, clamp: float,
    at_spike: float, logs: bool, apart: np.ndarray, refractory: int, spikes: np.ndarray,
) -> None:  # fmt: skip
    length, asked, slots = distances.shape[1], spikes.shape[1], len(place)
    alone, terms, gain = np.empty(length), np.empty(length), np.empty(slots)
    left, right, visits = np.empty(slots, np.int64), np.empty(slots, np.int64), np.empty(slots, np.int64)
    for window in range(len(distances)):
        # Slot 0 is the known spike, in the list only where it lies within the array. -1 ends the list on either side.
        place[0] = known[window]
        for i in range(length):
            offset = at_spike if place[0] < 0 or i == place[0] else 0.0
            alone[i] = min(abs(i - place[0]) + offset, clamp)
            if logs:
                alone[i] = np.log(alone[i])
        for slot in range(slots):
            left[slot], right[slot] = slot - 1, slot + 1
        right[slots - 1] = -1
        if place[0] < 0:
            left[1] = -1
        for i in range(slots - 1):
            visits[i] = order[window, i] + 1 if i < asked else i + 1
        count = _remove(distances[window], alone, weight, apart, place, left, right, visits, gain, terms)
        _write(visits, count, place, refractory, spikes[window])


@njit()
def _remove(
    distances: np.ndarray, alone: np.ndarray, weight: np.ndarray, apart: np.ndarray, place: np.ndarray,
    left: np.ndarray, right: np.ndarray, visits: np.ndarray, gain: np.ndarray, terms: np.ndarray,
) -> int:  # fmt: skip
    """Visit candidates, pass after pass, until none is removed; return how many stay, the first so many of visits."""
    count = len(visits) - 1
    while True:
        stay = 0
        for i in range(count):
            slot = visits[i]
            before, after = left[slot], right[slot]
            a = place[before] if before >= 0 else -1
            b = place[after] if after >= 0 else -1
            gain[slot] = _gain(distances, alone, weight, apart, place[slot], a, b, terms)
            if gain[slot] > 0:
                if before >= 0:
                    right[before] = after
                if after >= 0:
                    left[after] = before
            else:
                visits[stay] = slot
                stay += 1
        if stay == count:
            return count
        count = stay
        _sort(visits, gain, count)


@njit()
def _gain(
    distances: np.ndarray, alone: np.ndarray, weight: np.ndarray, apart: np.ndarray, p: int, a: int, b: int,
    terms: np.ndarray,
) -> float:  # fmt: skip
    """Return by how much the weighted mean squared error falls when p, between a and b (-1 for none), is removed.

    NaN, which keeps a candidate, where its territory lies beyond the array.
    """
    length, centre = len(distances), len(apart) // 2
    start = min((p + a + 1) // 2, length) if a >= 0 else 0
    stop = min(1 + (p + b) // 2, length) if b >= 0 else length
    if start >= stop:
        return np.nan
    # Unsigned, an index needs no check for being negative, and the loop takes four bins at a time.
    first, count = np.uint64(start), np.uint64(stop - start)
    own = np.uint64(centre + start - p)
    lower = np.uint64(centre + start - a if a >= 0 else len(apart) - length)
    upper = np.uint64(centre + start - b if b >= 0 else 0)
    for i in range(count):
        with_p = min(apart[own + i], alone[first + i]) - distances[first + i]
        without = min(min(apart[lower + i], apart[upper + i]), alone[first + i]) - distances[first + i]
        terms[i] = weight[first + i] * (with_p * with_p - without * without)
    return _sum(terms, count) / (stop - start)


@njit()
def _sum(terms: np.ndarray, count: np.uint64) -> float:
    """Add up in four lanes, always in one order: a single sum would wait for each addition before the next."""
    one, two, three, four = 0.0, 0.0, 0.0, 0.0
    whole = count & ~np.uint64(3)
    for i in range(np.uint64(0), whole, np.uint64(4)):
        one += terms[i]
        two += terms[i + np.uint64(1)]
        three += terms[i + np.uint64(2)]
        four += terms[i + np.uint64(3)]
    for i in range(whole, count):
        one += terms[i]
    return (one + two) + (three + four)


@njit()
def _sort(visits: np.ndarray, gain: np.ndarray, count: int) -> None:
    """Sort by decreasing gain, NaN last; stable. By insertion: few are left after the first pass."""
    for i in range(1, count):
        slot = visits[i]
        j = i
        while j > 0 and (
            gain[slot] > gain[visits[j - 1]] or (np.isnan(gain[visits[j - 1]]) and not np.isnan(gain[slot]))
        ):
            visits[j] = visits[j - 1]
            j -= 1
        visits[j] = slot


@njit()
def _write(visits: np.ndarray, count: int, place: np.ndarray, refractory: int, spikes: np.ndarray) -> None:
    """Mark those that stay, but drop what follows the one before, or the known spike, too closely."""
    for i in range(count):
        if visits[i] <= len(spikes):
            spikes[visits[i] - 1] = 1
    last = place[0] - place[1]
    for i in range(len(spikes)):
        if spikes[i] and i - last > refractory:
            last = i
        else:
            spikes[i] = 0
