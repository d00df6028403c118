"""What a network of sequences starts from of other runs: neurons that were fitted to cells, or trained in a network."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from raysp.errors import BadInput, NotReady, expect
from raysp.io import files, tables
from raysp.kinds.current_clamp import parameters_file
from raysp.kinds.current_clamp.cells import NAME, best_cells
from raysp.kinds.labelled_sequences import neurons_file
from raysp.models import catalog
from raysp.models.gfr_network.pool import COLUMNS, LAYERS, Pool
from raysp.runs.folder import RunFolder
from raysp.runs.inputs import columns

if TYPE_CHECKING:
    import polars

    from raysp.config.settings import Plain
    from raysp.models.base import Model
    from raysp.models.gfr_network.model import Config

NEURONS = "neurons"
AGAIN = "name a finished run with fits to cells, a table that raysp import wrote, or the neurons.parquet of a trial"


def inputs(model: str, hyperparameters: Mapping[str, Plain]) -> dict[str, polars.DataFrame]:
    """Return the neurons from which a network draws its own; nothing for a model that starts from none.

    Args:
        model: its name.
        hyperparameters: its settings.

    Raises:
        NotReady: the run is not there, not finished, or was not scored.
        BadInput: it has no fits at that width of bins, by that protocol or of that split; their filters differ; or
            there are fewer cells above the threshold than the network has neurons.
    """
    if not hyperparameters.get(NEURONS):
        return {}
    config = cast("Config", catalog.config(model, hyperparameters))
    table = _table(config)
    with _named(config.neurons):
        pool = Pool.of(columns(table), config.evr)
        pool.above(config.least_evr).rows(config.hidden, 0, replacement=config.replacement, in_order=config.in_order)
    return {NEURONS: table}


def check_start(model: Model) -> None:
    """Refuse what a model would refuse when it starts from its neurons: layers of another size, beside the above.

    Args:
        model: without memory for its weights.

    Raises:
        NotReady, BadInput: as `inputs`.
    """
    config = cast("Config", model.config)
    if getattr(config, NEURONS, ""):
        table = columns(_table(config))
        with _named(config.neurons):
            model.start(table, 0)


@contextlib.contextmanager
def _named(source: str) -> Iterator[None]:
    try:
        yield
    except BadInput as error:
        raise BadInput(f"neurons of {source}: {error}") from error


def _table(config: Config) -> polars.DataFrame:
    source = config.neurons
    if not source.endswith(".parquet"):
        path = files.join(source, NAME)
        _check_run(RunFolder(source), path)
        return _of_cells(config, path)
    kind = tables.read_note(source, AGAIN).get("kind")
    if kind == neurons_file.KIND:
        there = [*(name for name in COLUMNS if not name.endswith("_evr")), *LAYERS]
        return tables.read_table(source, there, AGAIN).sort("unit")
    known = (parameters_file.KIND, neurons_file.KIND)
    expect(kind in known, f"{source} expected {' or '.join(known)}, got {kind or 'another table'}; {AGAIN}")
    return _of_cells(config, source)


def _check_run(run: RunFolder, path: str) -> None:
    trials = run.trials()
    if missing := len(trials) - len(run.finished_of(trials)):
        raise NotReady(
            f"{run.path}: {missing} of {len(trials)} trials are not finished; a network draws its neurons from a whole "
            "run: finish that first"
        )
    own = (files.join(run.trial(trial.id).path, neurons_file.NAME) for trial in trials)
    if not files.exists(path) and (network := next(filter(files.exists, own), "")):
        raise BadInput(f"{run.path} is a run of networks, one trial's neurons expected, got all; name one: {network}")


def _of_cells(config: Config, path: str) -> polars.DataFrame:
    stamp = tuple(files.stamp(path).values()) if files.exists(path) else ()
    return _cells(config.neurons, config.neurons_protocol, config.neurons_split, config.neurons_bin_ms, stamp)


@functools.lru_cache(maxsize=4)
def _cells(source: str, protocol: str, split: str, bin_ms: int, stamp: tuple[object, ...]) -> polars.DataFrame:
    from polars import col

    table = best_cells(source, protocol, split=split, plain=True)
    there = table["bin_ms"].unique().sort().to_list()
    if bin_ms not in there:
        raise BadInput(
            f"{source}, neurons_bin_ms expected {' or '.join(map(str, there)) or 'fits'}, got {bin_ms}: it has no "
            "fitted cell at that width of bins"
        )
    best = table.filter(col("bin_ms") == bin_ms).sort("validation_evr", descending=True, nulls_last=True)
    found = best.unique("unit", keep="first", maintain_order=True).sort("unit")
    return found.select(name for name in COLUMNS if name in found.columns)
