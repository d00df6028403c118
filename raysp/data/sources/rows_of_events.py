"""Columns of a table that say what happened rather than who fired, by their names and by the texts in them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

OF_EVENTS = re.compile(r"event|ttl|marker|message|trigger", re.IGNORECASE)
EVENT = re.compile(r"ttl|trial|reward|stim|odou?r|cue|lick|onset|offset|event|timeout", re.IGNORECASE)
SPIKE = re.compile(r"spike|spk|unit|neuron|cell", re.IGNORECASE)
"""Names of columns of events, of events, and of spikes."""
MOST = 10
"""Kinds of rows that a column tells apart."""
AS_EVENTS = (
    "looks like events rather than units: give the file of the spikes, and a table with a row a trial as trials; if "
    "these are units, --source spike_tables --set unit=NAME --set time=NAME reads them"
)


def are_events(name: str, values: np.ndarray) -> bool:
    """Tell whether a column is of what happened, by its name or by most of its texts."""
    texts = np.unique(values).tolist() if values.dtype.kind == "U" else []
    bare = name.strip().lower().rpartition("/")[2]
    return bool(OF_EVENTS.search(bare)) or sum(EVENT.search(one) is not None for one in texts) > len(texts) / 2


def mixed(table: Mapping[str, np.ndarray]) -> str | None:
    """Return a line on a column by which some rows are spikes and some events; None where none says so."""
    for name, one in table.items():
        kinds = np.unique(one).tolist() if one.dtype.kind == "U" else []
        events = [kind for kind in kinds if EVENT.search(kind) and not SPIKE.search(kind)]
        if events and len(kinds) <= MOST and any(map(SPIKE.search, kinds)):
            told = f"{name} says which rows are spikes and which are {' or '.join(events[:3])}: save the rows of spikes"
            return f"{told} as a table of their own, and those of trials as another one beside it"
    return None
