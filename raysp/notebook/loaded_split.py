"""A split at hand: of a file, of arrays, or a prepared one; nothing is written."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from raysp.config.experiment import Trial, check_name
from raysp.data.sources import at_hand, prepare
from raysp.data.sources import catalog as sources
from raysp.data.splits import catalog as splits
from raysp.data.splits import store
from raysp.data.splits.header import Header
from raysp.data.splits.split import Answers, Split, header_of
from raysp.errors import NotReady, expect
from raysp.io import files
from raysp.notebook import given
from raysp.notebook.tables import tables

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

TEST = "test"


@dataclass(frozen=True)
class LoadedSplit:
    """Data to fit to and to predict, cut as an experiment would cut them.

    Every attribute of the kind's own Split is one of this object's, too: of trials `train` and `eval` (with `heldin`,
    (trials, bins, units) spikes per bin, and so on), `sizes`, `units`, `provenance`; of a continuous recording
    `parts`, `spikes`.

    Attributes:
        split: the kind's own Split.
        answers: what evaluation trials are scored against: held-out counts, forward bins, behaviour, PSTHs. None where
            the kind has none, where they are unknown, and of a test phase: a run counts who looks at those.
    """

    split: Split
    answers: Answers | None = field(default=None, repr=False)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "split":
            raise AttributeError(name)
        return getattr(self.split, name)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *(name for name in dir(self.split) if not name.startswith("_"))})

    def __repr__(self) -> str:
        known = self.header
        counts = ", ".join(f"{part} {count:,}" for part, count in known.trials.items())
        return f"{known.name} ({known.kind}; {counts}; {_sizes(known.sizes)})"

    @property
    def header(self) -> Header:
        """What the split says of itself, arrays left out."""
        return header_of(self.split, answers=self.answers is not None)

    @property
    def notes(self) -> tuple[str, ...]:
        """What cutting the recording left out, and what is doubtful about it, a sentence each."""
        return self.split.provenance.notes

    def of_units(self, units: tuple[int, ...] | None) -> LoadedSplit:
        """Return the same with some units only, as a trial has them; None for all."""
        if units is None:
            return self
        return LoadedSplit(self.split.select(units), None if self.answers is None else self.answers.select(units))


def load_split(
    data: object = None, *, source: str = "", name: str = "", root: str | os.PathLike[str] = "data", **settings: object
) -> LoadedSplit:
    """Return a split of a recording's file, of arrays in memory, or one that is prepared.

    Args:
        data: a path of a file (its ending says which source reads it); counts in memory, (trials, bins, units) spikes
            per bin; a data frame of spikes (pandas, polars), a matrix with a row a spike, a TsGroup of pynapple, or
            times by unit, {3: times, ...}, with `trials` a frame, an IntervalSet, or the times of `align` alone; or the
            name of a prepared split. None for a source that generates.
        source: the source that reads a file or folder, where its ending does not say: its name, or the path of a file
            of your own.
        name: what the split is called; by default after the file, or "counts". In tables, and in names of trials.
        root: the data root, where prepared splits lie; of a file, what its settings may begin with as "{root}".
        settings: of the source. Of an NWB file of trials and units: `align`, the trial column of the event (s);
            `window_ms`, begin and end around it; `bin_ms`; `keep`, `conditions`, `behavior` and so on. Of counts:
            `bin_ms`; and arrays as `rates` with `rate_scale`, `behavior` (trials, bins, variables), `conditions`
            (trials,), `decode` (trials, variables), `train_index`. Of both: `heldout_fraction`, `eval_fraction`,
            `forward_ms`, `seed`. All of them, with their meaning:
            `help(raysp.data.sources.population_config.Config)`.

    Returns:
        The split, with its answers where they are known.

    Raises:
        BadInput: the recording or a setting cannot be used; the sentence says why.
        NotReady: no split of that name is prepared below `root`; the sentence says what to type.

    Examples:
        Counts of 40 trials of 50 bins of 20 ms, 12 units; a quarter of the units and of the trials is hidden:

        >>> import numpy as np, raysp
        >>> counts = np.random.default_rng(0).poisson(0.3, size=(40, 50, 12))
        >>> split = raysp.load_split(counts, bin_ms=20)
        >>> split
        counts (population; train 30, eval 10; bin_ms 20, bins 50, heldin 9, heldout 3)
        >>> split.train.heldin.shape, split.eval.heldin.shape
        ((30, 50, 9), (10, 50, 9))
        >>> split.eval.heldout is None, split.answers.trials.heldout.shape
        (True, (10, 50, 3))
    """
    root = given.path(root, "root")
    expect(
        isinstance(name, str) and isinstance(source, str), f"name and source expected text, got {name!r}, {source!r}"
    )
    if not (data is None or isinstance(data, str | os.PathLike)):
        if (found := tables(data, settings)) is not None:
            check_name("split", name := name or "spikes")
            others = {key: value for key, value in settings.items() if key not in found}
            return LoadedSplit(*sources.of_tables()(found, others, name))
        check_name("split", name := name or "counts")
        return LoadedSplit(*sources.of_arrays()({"counts": data}, settings, name))
    path = "" if data is None else os.path.expanduser(os.fspath(data))
    if not source and at_hand.is_split(path):
        at_hand.check_no_settings(path, settings)
        return _prepared(path, root)
    return LoadedSplit(*prepare.read(at_hand.recording(path, settings, source=source, name=name), root))


def check_loaded(split: object) -> None:
    """Raise BadInput where something else than a loaded split is given, a part of one say."""
    expect(isinstance(split, LoadedSplit), f"expected the split that load_split gives, got {type(split).__name__}")


def of_trial(root: str, trial: Trial) -> LoadedSplit:
    """Return a run's trial's split, its units selected. Raises as `store.same_data` does."""
    store.same_data(root, trial)
    return _stored(root, trial.split).of_units(trial.units)


def _prepared(name: str, root: str) -> LoadedSplit:
    # Splits that experiments made of recordings of their own have no other name to resolve.
    return _stored(root, name if files.exists(store.split_path(root, name)) else prepare.resolve(name, root))


def _stored(root: str, name: str) -> LoadedSplit:
    split, answers = store.load(root, name), None
    if splits.of(split.kind).Answers is not None and split.role.phase != TEST:
        with contextlib.suppress(NotReady):
            answers = store.load_answers(root, name)
    return LoadedSplit(split, answers)


def _sizes(sizes: DataclassInstance) -> str:
    shown = {one.name: getattr(sizes, one.name) for one in dataclasses.fields(sizes)}
    return ", ".join(f"{name} {value:g}" for name, value in shown.items() if isinstance(value, int | float) and value)
