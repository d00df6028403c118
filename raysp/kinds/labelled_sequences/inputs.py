"""What a network of sequences starts from of other runs: neurons that were fitted to cells, or trained in a network."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from raysp.errors import BadInput, NotReady, expect
from raysp.io import files, tables
from raysp.kinds.current_clamp.cells import NAME, best_cells
from raysp.kinds.labelled_sequences.neurons_file import is_neurons
from raysp.models import catalog
from raysp.models.gfr_network.pool import COLUMNS, LAYERS, Pool
from raysp.runs.folder import RunFolder

if TYPE_CHECKING:
    import polars

NEURONS = "neurons"


def inputs(model: str, hyperparameters: Mapping[str, Any]) -> dict[str, polars.DataFrame]:
    """Return the neurons from which a network draws its own; nothing for a model that starts from none.

    Args:
        model: its name.
        hyperparameters: its settings.

    Raises:
        NotReady: the run is not there, not finished, or was not scored.
        BadInput: it has no fits at that width of bins or by that protocol; their filters differ; or there are fewer
            cells above the threshold than the network has neurons.
    """
    if not hyperparameters.get(NEURONS):
        return {}
    config: Any = catalog.config(model, dict(hyperparameters))
    source = str(config.neurons)
    table = _of_network(source) if is_neurons(source) else _of_cells(config)
    try:
        pool = Pool.of(table.to_dict(as_series=False), config.evr)
        pool.above(config.least_evr).rows(config.hidden, 0, replacement=config.replacement, in_order=config.in_order)
        expect(
            pool.layers or not config.copy_layers,
            "copy_layers expected neurons that were trained in a network, got cells; leave it out",
        )
    except BadInput as error:
        raise BadInput(f"neurons of {source}: {error}") from error
    return {NEURONS: table}


def _of_network(path: str) -> polars.DataFrame:
    there = [*(name for name in COLUMNS if not name.endswith("_evr")), *LAYERS]
    return tables.read_table(path, there).sort("unit")


def _of_cells(config: Any) -> polars.DataFrame:
    source = str(config.neurons)
    path = source if source.endswith(".parquet") else files.join(source, NAME)
    if path != source:
        _check_finished(RunFolder(source))
    stamp = tuple(files.stamp(path).values()) if files.exists(path) else ()
    return _cells(source, config.neurons_protocol, config.neurons_bin_ms, stamp)


def _check_finished(run: RunFolder) -> None:
    trials = run.trials()
    if missing := len(trials) - len(run.finished_of(trials)):
        raise NotReady(
            f"{run.path}: {missing} of {len(trials)} trials are not finished; a network draws its neurons from a whole "
            "run: finish that first"
        )


@functools.lru_cache(maxsize=4)
def _cells(source: str, protocol: str, bin_ms: int, stamp: tuple[object, ...]) -> polars.DataFrame:
    from polars import col

    table = best_cells(source, protocol, plain=True)
    there = table["bin_ms"].unique().sort().to_list()
    if bin_ms not in there:
        raise BadInput(
            f"{source}, neurons_bin_ms expected {' or '.join(map(str, there)) or 'fits'}, got {bin_ms}: it has no "
            "fitted cell at that width of bins"
        )
    best = table.filter(col("bin_ms") == bin_ms).sort("validation_evr", descending=True, nulls_last=True)
    return best.unique("unit", keep="first", maintain_order=True).sort("unit").select(COLUMNS)
