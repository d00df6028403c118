"""What generic code knows of a prepared split: its header, read without its arrays, the same for every kind of data."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np

from raysp.config import settings

Stretch = tuple[int, int]


@dataclass(frozen=True)
class Provenance:
    """Where a split's numbers come from.

    Attributes:
        recordings: (file name, SHA-256) of each recording read.
        builder: version of the code that built the arrays, e.g. "nlb-1".
        standin: True when the recordings were generated, so that no score is ever taken for a real one.
        notes: what preparing them left out, and what is doubtful about them, one sentence each.
        start_ms: begin of the windows around the event they are aligned to; None where there is none.
        decode_history: behaviour is decoded, beside the benchmark's way, from so many bins before each, too.
        behavior: (name, unit) of each variable of behaviour, the unit empty where the recording does not say; none
            where it names no variable.
        unit_names: (number, name) of each unit, where the recording has names; none where it has numbers alone.
    """

    recordings: tuple[tuple[str, str], ...] = ()
    builder: str = ""
    standin: bool = False
    notes: tuple[str, ...] = ()
    start_ms: float | None = None
    decode_history: int = 0
    behavior: tuple[tuple[str, str], ...] = ()
    unit_names: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Role:
    """What a split is there for, beside others of the same recording.

    Attributes:
        phase: "val"; "test" where the answers are looked at by explicit request alone, and each look is counted.
        selects_with: the split whose trials select settings and number of epochs for this one; empty for none.
        benchmark: the split is one of the Neural Latents Benchmark's, which judges it and takes submissions.
    """

    phase: str = "val"
    selects_with: str = ""
    benchmark: bool = False


class Facts(TypedDict, total=False):
    """What of a header only the kind of data knows; see `Header`."""

    trials: Mapping[str, int]
    arrays: tuple[str, ...]
    units: tuple[int, ...] | None
    left_out: tuple[tuple[int, str], ...]
    parts: Mapping[str, tuple[Stretch, ...]]


@dataclass(frozen=True)
class Header:
    """What a prepared split says of itself.

    Attributes:
        name: the split's full name, "standin-" in front when it was generated.
        kind: of data; the name of the file in raysp/data/splits that says what its arrays are.
        sizes: what a model must know of the data's shape, of the kind's own class.
        fingerprint: SHA-256 of sizes and arrays: what a trial's name takes of its data.
        provenance: where the numbers come from.
        built_from: what it was built from, so that a second build can tell it is up to date.
        trials: "train" and "eval" -> number of trials; of a continuous recording, of bins.
        role: what it is there for.
        arrays: names of the arrays of evaluation trials.
        units: the recording's own number of each unit; None where nobody knows.
        left_out: (unit, reason) of the units that filters removed; a reason goes on after "it".
        parts: of a continuous recording, part -> stretches (first bin, bin after the last).
        answers: it was prepared with its answers.
    """

    name: str
    kind: str
    sizes: Any
    fingerprint: str
    provenance: Provenance
    built_from: Mapping[str, Any]
    trials: Mapping[str, int]
    role: Role = Role()
    arrays: tuple[str, ...] = ()
    units: tuple[int, ...] | None = None
    left_out: tuple[tuple[int, str], ...] = ()
    parts: Mapping[str, tuple[Stretch, ...]] = dataclasses.field(default_factory=dict)
    answers: bool = False

    @classmethod
    def read(cls, found: Mapping[str, Any], sizes: Callable[..., object]) -> Header:
        """Return the header that a file holds as JSON; `sizes` is the class of the kind's sizes."""
        parts = {part: tuple((first, last) for first, last in each) for part, each in found["parts"].items()}
        values = {one.name: found[one.name] for one in dataclasses.fields(cls)}
        return settings.build(cls, {**values, "sizes": sizes(**found["sizes"]), "parts": parts}, "header of a split")


def digest(known: object, arrays: Iterable[tuple[str, np.ndarray]]) -> str:
    """Return the SHA-256 of what is known of some arrays (JSON-able), of their names, shapes, types and values."""
    total = hashlib.sha256(json.dumps(known, sort_keys=True).encode())
    for name, array in arrays:
        total.update(f"{name}{array.shape}{array.dtype.str}".encode())
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()
