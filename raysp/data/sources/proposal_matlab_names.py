"""A proposal for variables of a MATLAB file, or files of a folder, that are called alike: a unit each, or a trial."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np

from raysp.data.formats.matlab_values import Struct, Value
from raysp.data.formats.starred import NUMBER, STAR
from raysp.data.sources.clocks import USUAL_HZ
from raysp.data.sources.proposal_matlab_trials import Guess
from raysp.data.sources.proposal_matlab_whole import continuous, flat, rise
from raysp.data.sources.proposed import BIN_MS
from raysp.data.sources.unit_patterns import LEAVES

OF_UNITS = r"(?:sig|spk|chan|ch|unit|neuron|cell|tt|adc|clu)[a-z_]*"
OF_TRIALS = re.compile(r"(.*_)?(trial|sweep|rep|repeat|tr)_?", re.IGNORECASE)
"""What stands before the number of a unit, and of a trial."""
EVENT = re.compile(r"key(board)?|event|dig|ttl|marker|trig|sync|stim|reward|lick", re.IGNORECASE)
FEWEST, FEWEST_SPIKES = 2, 20


def of_names(found: Mapping[str, Value]) -> list[Guess]:
    """Return how spikes could lie in variables of a unit each, or a trial, or in a field of such structs."""
    alike: dict[str, list[str]] = {}
    for name in found:
        for pattern in _patterns(name, found):
            alike.setdefault(pattern, []).append(name)
    able = {pattern: names for pattern, names in alike.items() if _are_times([found[name] for name in names])}
    if not able:
        return []
    # What is called times is taken before other numbers that rise.
    best = max(able, key=lambda one: (LEAVES.fullmatch(one.rpartition(".")[2]) is not None, len(able[one])))
    each = [flat(found[name]) for name in able[best]]  # type: ignore[arg-type]
    own = {name.partition(".")[0] for name in able[best]}
    others = {name: value for name, value in found.items() if name.partition(".")[0] not in own}
    if OF_TRIALS.fullmatch(best.partition(STAR)[0]):
        return [trials_of_one_unit(best, each, f"{len(each)} vectors of rising times, a trial each by their names")]
    guess = continuous(best, each, others)
    odd = [name for name in own if EVENT.search(_title(found[name]))]
    if odd:
        guess.why["spikes"] = f"NOT KNOWN: is {odd[0]} ({_title(found[odd[0]])}) a unit? Leave its variable out"
    return [guess]


def untold(found: Mapping[str, Value]) -> list[str]:
    """Return a line on vectors that rise, called alike by no name of units or trials."""
    alike: dict[str, list[str]] = {}
    for name in found:
        if usual := re.fullmatch(rf"([a-z_]+){NUMBER}", name, re.IGNORECASE):
            alike.setdefault(f"{usual[1]}{STAR}", []).append(name)
    able = {pattern: names for pattern, names in alike.items() if _are_times([found[name] for name in names])}
    return [
        f"{names[0]} to {names[-1]}: vectors of numbers that rise: of a unit each? spikes: {pattern} reads them; of a "
        "trial each, of one unit: by_trial: true, too"
        for pattern, names in able.items()
    ]  # fmt: skip


def _patterns(name: str, found: Mapping[str, Value]) -> list[str]:
    """Return what a variable, or a field of one, may be called alike with."""
    value = found[name]
    if isinstance(value, Struct) or value.dtype.kind not in "fiu" or value.size not in (0, max(value.shape)):
        return []
    first, point, field = name.partition(".")
    if not point:
        usual = re.fullmatch(rf"({OF_UNITS}|{OF_TRIALS.pattern}){NUMBER}(.*)", name, re.IGNORECASE)
        if usual is None:
            return []
        rest = usual.groups()[-1]
        return [f"{usual[1]}{STAR}{'' if re.search(r'[0-9]', rest) else rest}"]
    numbers = list(re.finditer(NUMBER, first))
    return [f"{first[: one.start()]}{STAR}{first[one.end() :]}.{field}" for one in numbers]


def _are_times(values: Sequence[Value]) -> bool:
    """Tell whether these are vectors of spike times: of two at least, and not of one length."""
    if len(values) < FEWEST or any(isinstance(one, Struct) or one.dtype.kind not in "fiu" for one in values):
        return False
    each = [flat(one) for one in values if isinstance(one, np.ndarray) and one.size in (0, max(one.shape))]
    if len(each) < len(values) or not rise(each) or sum(map(len, each)) <= FEWEST_SPIKES:
        return False
    steps = np.concatenate([np.diff(one) for one in each])
    return len({len(one) for one in each}) > 1 and bool((steps > 0).mean() > 0.5)


def trials_of_one_unit(pattern: str, each: Sequence[np.ndarray], reason: str) -> Guess:
    """Return settings for spike times of one unit, a vector for each trial, whose times count from its begin.

    Args:
        pattern: name of the vectors.
        each: (spikes,) times, of each trial.
        reason: why these are trials.
    """
    first, lasts = (edge([edge(one) for one in each if len(one)], default=0.0) for edge in (min, max))
    span = max(sum(float(np.ptp(one)) for one in each if len(one)), 1e-9)
    # A unit fires a few times a second.
    per_second = min((1.0, 1000.0, 30000.0), key=lambda one: abs(np.log(sum(map(len, each)) * one / span / USUAL_HZ)))
    end = BIN_MS * max(int(1000 * lasts / per_second / BIN_MS), 1)
    left = "; spikes before 0 are left out" if first < 0 else ""
    return Guess(
        {
            "spikes": pattern,
            "by_trial": True,
            "per_second": per_second,
            "window_ms": [0, end],
            "bin_ms": BIN_MS,
        },
        {
            "spikes": reason,
            "by_trial": "of one unit; false where each is a unit",
            "per_second": "units of time in a second, by how often a unit would fire",
            "window_ms": f"ms since each trial's begin, as far as spikes lie{left}",
        },
    )


def _title(value: Value) -> str:
    """Return what a struct says that it is called."""
    if not isinstance(value, Struct) or value.count != 1 or "title" not in value.names:
        return ""
    found = value.field("title")[0]
    return str(found.item()) if isinstance(found, np.ndarray) and found.dtype.kind == "U" and found.size == 1 else ""
