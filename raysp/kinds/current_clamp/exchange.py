"""Files of parameters as the published project has them: its JSON table, its pickled one, and a pickle for each cell.

All hold the same numbers: `a` and `b` are alpha and beta, `ds` the lambdas, `g` the activation, rates in spikes/ms and
currents in pA. The JSON has bare NaN where a cell has no line. Pickles are read without running what they ask for.
"""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from raysp.config import settings
from raysp.config.settings import Plain
from raysp.data.formats.restricted_pickle import load_values
from raysp.errors import BadInput, NotReady
from raysp.io import files, tables
from raysp.io.words import counted
from raysp.kinds.current_clamp.cells import Cell, best_cells, marked
from raysp.kinds.current_clamp.parameters_file import COLUMNS, FORMAT, KIND
from raysp.models.gfr.parameters import FEEDBACK, lambdas

WIDTHS_MS = (10, 20, 50, 100)
AGREE = 1e-4
"""By how much lambdas may differ from those of their width of bins: the original's are of single precision."""


@dataclass(frozen=True)
class Choice:
    """Which fits are written; as of `cells.best_cells`."""

    protocol: str = ""
    split: str = ""
    published: bool = False


def export(source: str, path: str, form: str, **choice: Plain) -> str:
    """Write the best fit of each cell, and return what was written, in words.

    Args:
        source: a run folder, or a table that was taken in.
        path: the file, of "gfr-cells" the folder.
        form: "gfr-json", "gfr-pickle" (of all widths of bins) or "gfr-cells".
        choice: as of `Choice`.

    Raises:
        NotReady: nothing was scored there.
        BadInput: an unknown form or choice; or what the form cannot hold.
    """
    wanted = settings.build(Choice, choice, f"export as {form}")
    found, plain = (
        best_cells(source, wanted.protocol, split=wanted.split, published=wanted.published, plain=plain)
        for plain in (False, True)
    )
    rows: list[Cell] = cast("list[Cell]", plain.to_dicts())
    fitted = len(found)
    passes = " that passes the filter" if wanted.published else ""
    if not rows:
        bent = f" without bent inputs, which {form} cannot hold: fit with bends=[]" if fitted else ""
        raise BadInput(f"{source} has no cell to write{passes}{bent}")
    if odd := [row["unit"] for row in rows if row["feedback"] != FEEDBACK]:
        raise BadInput(f"{form} expected the feedback factor {FEEDBACK:g}, which it cannot hold; cell {odd[0]} differs")
    if form == "gfr-json":
        files.write_text(path, json.dumps([_record(row) for row in rows]))
    elif form == "gfr-pickle":
        _write(path, _by_width(rows))
    else:
        _write_each(path, rows)
    widths = dict.fromkeys((row["bin_ms"], row["activation_bin_ms"]) for row in rows)
    at = ", ".join(f"({dt}, {activation})" for dt, activation in widths)
    unscored = sum(row["test_evr"] is None for row in rows)
    others = f"; of {unscored} another was chosen, with bent inputs, and these have no score on test currents"
    gone = f"; {fitted - len(rows)} have no fit without bent inputs{passes}, and are not in it"
    return (
        f"{path}: {counted(rows, 'fit')} by protocol {rows[0]['protocol']}, bins and activation bins of {at} ms"
        f"{others if unscored else ''}{gone if fitted > len(rows) else ''}"
    )


def take_in(path: str, target: str, form: str) -> str:
    """Read a file of parameters into a table that `raysp export` and `raysp.load_cell` take in place of a run.

    Args:
        path: the file, or the folder.
        target: the table, .parquet.
        form: as of `export`.

    Raises:
        NotReady: there is no such file.
        BadInput: it is damaged, another file, or holds a cell twice; or its lambdas are of another width of bins.
    """
    import polars

    if not target.endswith(".parquet"):
        raise BadInput(f"the table expected a name that ends in .parquet, got {target}")
    rows = [_row(where, record) for where, record in _records(path, form)]
    keys = [(row["bin_ms"], row["activation_bin_ms"], row["unit"]) for row in rows]
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise BadInput(f"{path} expected each cell once at each width of bins, got cell {twice[2]} more than once")
    if not rows:
        raise BadInput(f"{path} expected parameters of cells, found none")
    table = polars.DataFrame(rows, schema={**COLUMNS, "test_evr": float, "standin": bool})
    tables.write_table(target, marked(table), {"format": FORMAT, "kind": KIND})
    return f"{target}: {counted(rows, 'fit')} of {counted(len({row['unit'] for row in rows}), 'cell')}"


def _record(row: Cell) -> dict[str, object]:
    """Return a row as a record of the published table."""
    return {
        "cell_id": row["unit"],
        "cre-line": row["line"] or math.nan,
        "bin_size": row["bin_ms"],
        "actv_bin_size": row["activation_bin_ms"],
        "val_evr": _number(row["validation_evr"]),
        "test_evr": _number(row["test_evr"]),
        "train_loss": _number(row["train_loss"]),
        "test_loss": _number(row["test_loss"]),
        "params": _params(row),
    }


def _params(row: Cell) -> dict[str, object]:
    return {
        "a": [row["alpha"]],
        "b": [row["beta"]],
        "ds": row["lambda"],
        "bin_size": row["bin_ms"],
        "g": {
            "max_current": [row["sigma"]],
            "max_firing_rate": [row["gamma"]],
            "poly_coeff": [row["poly_coeff"]],
            "b": [row["threshold"]],
            "bin_size": row["activation_bin_ms"],
        },
    }


def _fit(row: Cell) -> dict[str, object]:
    """Return a row as a cell's own pickle has it."""
    return {
        "params": _params(row),
        "evr1": _number(row["validation_evr"]),
        "evr2": _number(row["test_evr"]),
        "train_losses": row["train_losses"] or [_number(row["train_loss"])],
        "test_losses": row["test_losses"] or [_number(row["test_loss"])],
        "bin_size": row["bin_ms"],
    }


def _by_width(rows: list[Cell]) -> dict[tuple[int, int | None], dict[int, dict[str, object]]]:
    found: dict[tuple[int, int | None], dict[int, dict[str, object]]] = {}
    for row in rows:
        found.setdefault((row["bin_ms"], row["activation_bin_ms"]), {})[row["unit"]] = _fit(row)
    return found


def _write_each(folder: str, rows: list[Cell]) -> None:
    units = [row["unit"] for row in rows]
    if len(set(units)) != len(units):
        raise BadInput("gfr-cells expected one width of bins and of activation bins, got several; take gfr-pickle")
    for row in rows:
        _write(files.join(folder, f"{row['unit']}.pickle"), _fit(row))


def _write(path: str, values: object) -> None:
    with files.replacing(path) as temporary, open(temporary, "wb") as file:
        pickle.dump(values, file, protocol=4)


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _records(path: str, form: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield records of the published table, each with where it was found."""
    if form == "gfr-json":
        for place, record in enumerate(_json(path)):
            yield f"{path}, record {place}", record
    elif form == "gfr-pickle":
        found = _pickled(path)
        if not isinstance(found, dict) or not all(isinstance(key, tuple) and len(key) == 2 for key in found):
            raise BadInput(f"{path} expected cells by (bin width, activation bin width), got something else")
        for (_, activation), cells in found.items():
            for unit, one in _mapping(path, cells).items():
                yield f"{path}, cell {unit}", _from_fit(f"{path}, cell {unit}", unit, one, activation)
    else:
        names = [name for name in files.listing(path) if name.endswith(".pickle")]
        for name in sorted(names):
            where, unit = files.join(path, name), name.removesuffix(".pickle")
            if not unit.isdigit():
                raise BadInput(f"{where} expected a cell's number for a name, such as 566517779.pickle")
            yield where, _from_fit(where, int(unit), _pickled(where), None)


def _json(path: str) -> list[dict[str, Any]]:
    if not files.exists(path):
        raise NotReady(f"no file {path}; expected the table of parameters, JSON")
    try:
        # Bare NaN is no JSON, but what the original writes.
        found = json.loads(files.read_text(path))
    except ValueError as error:
        raise BadInput(f"{path} expected JSON, got something else or a damaged file ({error})") from error
    if not isinstance(found, list) or not all(isinstance(record, dict) for record in found):
        raise BadInput(f"{path} expected a list of records, got {type(found).__name__}")
    return found


def _pickled(path: str) -> Any:
    if not files.exists(path):
        raise NotReady(f"no file {path}; expected pickled parameters")
    with files.opened(path) as file:
        return load_values(file.read(), path)


def _mapping(where: str, found: object) -> Mapping[Any, Any]:
    if not isinstance(found, dict):
        raise BadInput(f"{where} expected a dictionary, got {type(found).__name__}")
    return found


def _from_fit(where: str, unit: object, found: object, activation: int | None) -> dict[str, Any]:
    fit = _mapping(where, found)
    losses = {name: np.ravel(fit.get(f"{name}_losses", [])).tolist() for name in ("train", "test")}
    return {
        "cell_id": unit,
        "cre-line": math.nan,
        "bin_size": fit.get("bin_size"),
        "actv_bin_size": activation,
        "val_evr": fit.get("evr1"),
        "test_evr": fit.get("evr2"),
        **{f"{name}_loss": values[-1] if values else math.nan for name, values in losses.items()},
        **{f"{name}_losses": values for name, values in losses.items()},
        "params": fit.get("params"),
    }


def _row(where: str, record: Mapping[str, Any]) -> Cell:
    """Return a record as a row of the table. Raises BadInput where it does not fit together."""
    try:
        params, line = record["params"], record.get("cre-line")
        activation, bin_ms = params["g"], int(record["bin_size"] or params["bin_size"])
        alpha, beta, lost = (np.ravel(np.asarray(params[name], np.float64)) for name in ("a", "b", "ds"))
        row: Cell = {
            "model": "imported",
            "unit": int(record["cell_id"]),
            "line": line if isinstance(line, str) else "",
            "candidate": 0,
            "chosen": True,
            "status": "fitted",
            "reason": "",
            "protocol": "paper",
            "bin_ms": bin_ms,
            "activation_bin_ms": int(record.get("actv_bin_size") or activation.get("bin_size") or bin_ms),
            "sigma": _single(activation["max_current"]),
            "gamma": _single(activation["max_firing_rate"]),
            "threshold": _single(activation["b"]),
            "poly_coeff": np.ravel(np.asarray(activation["poly_coeff"], np.float64)).tolist(),
            "alpha": alpha.tolist(),
            "beta": beta.tolist(),
            "lambda": lost.tolist(),
            "feedback": FEEDBACK,
            "train_loss": _single(record.get("train_loss", math.nan)),
            "test_loss": _single(record.get("test_loss", math.nan)),
            "validation_evr": _single(record.get("val_evr", math.nan)),
            "test_evr": _single(record.get("test_evr", math.nan)),
            "train_losses": record.get("train_losses"),
            "test_losses": record.get("test_losses"),
            "standin": False,
        }
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise BadInput(f"{where} expected the parameters of a cell, got something else ({reason})") from error
    _check(where, row, params, alpha, beta, lost)
    return row


def _check(where: str, row: Cell, params: Mapping[str, Any], *filters: np.ndarray) -> None:
    lost, bin_ms = filters[2], row["bin_ms"]
    if len({len(one) for one in filters}) > 1:
        raise BadInput(f"{where} expected as many alphas and betas as lambdas, got {[len(one) for one in filters]}")
    if not np.isfinite(np.hstack([*filters, row["poly_coeff"], row["threshold"]])).all():
        raise BadInput(f"{where} expected finite parameters, got others")
    if not (0 < row["sigma"] < np.inf and 0 < row["gamma"] < np.inf and ((lost > 0) & (lost <= 1)).all()):
        raise BadInput(f"{where} expected a largest current and rate above 0, and lambdas to 1, got others")
    # Whoever chose time constants of his own has lambdas of no width that is known.
    named, known = int(params.get("bin_size", bin_ms)), [width for width in WIDTHS_MS if _alike(lost, lambdas(width))]
    if named != bin_ms or (known and bin_ms not in known):
        raise BadInput(
            f"{where} expected parameters of bins of {bin_ms} ms, got filters of {(known or [named])[0]} ms: they are "
            "of another width of bins"
        )


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    return len(one) == len(other) and bool(np.abs(one - other).max() <= AGREE)


def _single(value: object) -> float:
    return float(np.ravel(np.asarray(value, np.float64))[0])
