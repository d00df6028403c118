"""Several runs' scores in one table, and what differs between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars
from polars import col, lit, when

from raysp.config import settings
from raysp.config.experiment import Trial
from raysp.data.splits.split import Split
from raysp.data.splits.units import spell_units
from raysp.driver.score_table import ceilings_of, table_of
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.io.terminal import Terminal, table
from raysp.io.words import counted
from raysp.kinds import catalog as kinds
from raysp.kinds.kind import Kind
from raysp.kinds.scores import with_ceilings
from raysp.runs.folder import RunFolder
from raysp.runs.metrics_table import read_metrics

SHORT = 12
"""Characters of a digest that are shown."""


def lines(runs: Sequence[RunFolder], terminal: Terminal, phase: str = "val") -> Iterator[str]:
    """Yield the scores of several runs on the splits that two of them share, then what differs between them.

    A model that is neither floor nor ceiling stands there once for each run, with its name; floor and ceiling are the
    first run's that has them. Of a split whose data or units differ each run has a table of its own.

    Args:
        runs: their folders, two at least.
        terminal: where they are printed.
        phase: of the splits.

    Raises:
        BadInput: one is a sweep, or comes twice, or no two share a split.
        NotReady: one has no scores.
    """
    names = _names(runs)
    splits, ceilings = _shared(runs), set().union(*map(ceilings_of, runs))
    apart = {split: "the same data" for split in _of_other_data(runs, splits)}
    apart = {split: "of the same units" for split in _of_other_units(runs, splits)} | apart
    others = [split for split in splits if split in apart]
    for split in others:
        yield f"WARNING {split} is not {apart[split]} in these runs, so that neither scores nor winners compare"
    for kind, parts in _by_kind(dict(zip(names, runs, strict=True)), splits, phase).items():
        bounds = kind.bounds(runs[0].record())
        for together in _comparable(parts, others):
            for one in kind.scores(_together(together, bounds), bounds):
                yield ""
                yield from table_of(with_ceilings(one, ceilings), terminal)
    yield ""
    differing = [(key, [(value, False) for value in values]) for key, values in _differing(runs, splits)]
    if not differing:
        yield f"nothing differs between these {counted(runs, 'run')} but when they were made"
        return
    yield "what differs"
    yield from table(names, differing, terminal)


def _names(runs: Sequence[RunFolder]) -> list[str]:
    for run in runs:
        if run.is_sweep():
            raise BadInput(f"{run.path} is a sweep, whose page compares its candidates: raysp report {run.typed}")
        if not files.exists(run.metrics):
            raise NotReady(f"{run.path} has no scores yet; type: raysp evaluate {run.typed}")
    names = [run.name for run in runs]
    names = names if len(set(names)) == len(names) else [run.path for run in runs]
    if len(set(names)) < len(names):
        raise BadInput(f"expected each run once, got {', '.join(names)}")
    return names


def _shared(runs: Sequence[RunFolder]) -> list[str]:
    each = [list(dict.fromkeys(trial.split for trial in run.trials())) for run in runs]
    several = [split for own in each for split in own if sum(split in one for one in each) > 1]
    if not several:
        told = "; ".join(f"{run.path} has {', '.join(own[:4])}" for run, own in zip(runs, each, strict=True))
        raise BadInput(f"expected runs of the same recordings, which share a split, got others: {told}")
    return list(dict.fromkeys(several))


def _of_other_data(runs: Sequence[RunFolder], splits: Sequence[str]) -> list[str]:
    """Return the splits whose trials were trained on different data."""
    found: dict[str, set[str]] = {split: set() for split in splits}
    for trial in (trial for run in runs for trial in run.trials()):
        if trial.split in found:
            found[trial.split].add(trial.data)
    return [split for split, data in found.items() if len(data) > 1]


def _of_other_units(runs: Sequence[RunFolder], splits: Sequence[str]) -> list[str]:
    """Return the splits of which trials are of other units: what is scored over all of them is another thing then."""
    found: dict[str, set[frozenset[int] | None]] = {split: set() for split in splits}
    for run in runs:
        kinds.plug(run)
        of_split, trials = kinds.of_run(run, None), run.trials()
        for split in splits:
            own = [trial.units for trial in trials if trial.split == split]
            known = [units for units in own if units is not None]
            if len(known) < len(own):
                # Where trials share units out, those of a run that does not may be as many: only a selection tells.
                found[split] |= set() if of_split[split].shares_units else {None}
            elif own:
                found[split].add(frozenset(unit for units in known for unit in units))
    return [split for split, units in found.items() if len(units) > 1]


def _by_kind(
    runs: dict[str, RunFolder], splits: Sequence[str], phase: str
) -> dict[Kind[Split], list[tuple[str, polars.DataFrame]]]:
    """Return the rows of each run that are of splits of a kind, by kind."""
    found: dict[Kind[Split], list[tuple[str, polars.DataFrame]]] = {}
    for name, run in runs.items():
        kinds.plug(run)
        of_split = {split: kind for split, kind in kinds.of_run(run, None).items() if split in splits}
        rows = read_metrics(run, col("phase") == phase, col("split").is_in(list(of_split)))
        for kind in dict.fromkeys(of_split.values()):
            own = [split for split, one in of_split.items() if one is kind]
            found.setdefault(kind, []).append((name, rows.filter(col("split").is_in(own))))
    return found


def _comparable(
    parts: Sequence[tuple[str, polars.DataFrame]], others: Sequence[str]
) -> Iterator[list[tuple[str, polars.DataFrame]]]:
    """Yield the runs' rows that go into one table; each run's by themselves of splits whose data are others."""
    apart = col("split").is_in(list(others))
    groups = [[(name, rows.filter(~apart)) for name, rows in parts]]
    groups += [[(name, rows.filter(apart))] for name, rows in parts]
    for group in groups:
        if there := [(name, rows) for name, rows in group if len(rows)]:
            yield there


def _together(parts: Sequence[tuple[str, polars.DataFrame]], bounds: tuple[str, str]) -> polars.DataFrame:
    """Return all runs' rows, models called by their runs, too; of floor and ceiling those of the first that has any."""
    bound, seen, several = col("model").is_in(bounds), set[tuple[str, str]](), []
    for name, rows in parts:
        key = polars.struct("split", "model")
        again = [{"split": split, "model": model} for split, model in seen]
        rest = rows.filter(~(bound & key.is_in(again))) if again else rows
        seen |= set(rows.filter(bound).select("split", "model").unique().rows())
        several.append(
            rest.with_columns(
                model=when(bound).then(col("model")).otherwise(polars.format("{}, {}", "model", lit(name))),
                base=col("model"),
            )
        )
    together = polars.concat(several)
    order = {model: place for place, model in enumerate(together["base"].unique(maintain_order=True))}
    return together.sort(col("base").replace_strict(order), maintain_order=True).drop("base")


def _differing(runs: Sequence[RunFolder], splits: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield what is not the same in all runs that have it, of splits, and of models, that two share: each's value."""
    found: dict[str, list[dict[str, None]]] = {}
    models = [{trial.shown for trial in run.trials()} for run in runs]
    for place, run in enumerate(runs):
        for trial in run.trials():
            if trial.split in splits:
                # Of models that no two runs share, their data must still be the same: a table holds all of them.
                both = sum(trial.shown in one for one in models) > 1
                for key, value in (*_of_data(trial), *(_of_model(trial) if both else ())):
                    found.setdefault(key, [{} for _ in runs])[place][value] = None
    for key, each in found.items():
        values = [", ".join(one) or "-" for one in each]
        if len(set(values)) > 1:
            yield key, values


def _of_data(trial: Trial) -> Iterator[tuple[str, str]]:
    yield f"{trial.split}: data", trial.data[:SHORT]
    yield f"{trial.split}: units", "all" if trial.units is None else _units(trial.units)


def _units(units: tuple[int, ...]) -> str:
    spelled = spell_units(units)
    return spelled if len(spelled) <= 2 * SHORT else f"{len(units)} ({files.digest(list(units))[:SHORT]})"


def _of_model(trial: Trial) -> Iterator[tuple[str, str]]:
    yield f"{trial.shown}: seeds", str(trial.seed)
    yield f"{trial.shown}: code", trial.code[:SHORT]
    for name, value in trial.hyperparameters.items():
        yield f"{trial.shown}.{name}", str(value)
    for name, value in settings.plain(trial.training).items() if trial.training else ():
        yield f"{trial.shown}.training.{name}", str(value)
