"""predictions.parquet: one trial's rates as a table, one row per (part, trial, unit); written and read in pieces."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute

from raysp.collection.predictions import AGAIN, HEAD, check_there, head
from raysp.config.experiment import Training, Trial
from raysp.data.splits.population import PopulationSplit, Sizes, TrialArrays
from raysp.errors import BadInput, present, unknown
from raysp.io import checksum, files, tables
from raysp.models.prediction import Predicted, check_prediction
from raysp.training.validation import validation_mask

if TYPE_CHECKING:
    from _hashlib import HASH

FORMAT = 2
PARTS, VALIDATION = ("train", "eval"), "validation"
SCHEMA = pa.schema(
    {
        **HEAD,
        "trial": pa.int64(),
        "trial_index": pa.int32(),
        "unit": pa.int64(),
        "unit_index": pa.int32(),
        "unit_name": pa.string(),
        **dict.fromkeys(("held_out", "validation"), pa.bool_()),
        **dict.fromkeys(("bin_ms", "start_ms"), pa.float64()),
        **dict.fromkeys(("rates", "rates_forward"), pa.list_(pa.float32())),
        "spikes": pa.list_(pa.int32()),
    }
)
"""Each row says whose it is: `run_trial`, the id of the run's trial, `model`, `split`, `seed` and `part`. `trial` and
`unit` are the recording's own numbers, null where it has none; `trial_index` counts the trials of their part,
`unit_index` the units, held-in first; `unit_name` is null where the recording has numbers alone. `validation` is true
where the trial was set aside to select the model. `start_ms` is the first bin's beginning after the event that trials
are aligned to; null where the split does not tell. `rates` and `rates_forward` are expected spikes per bin;
`rates_forward` is null for models that do not predict it, `spikes` for models that predict rates."""

PLACES = {1: ("sample", "unit"), FORMAT: ("trial_index", "unit_index")}
"""What the positions of trial and unit are called, in each version of the format."""

OWN, UNKNOWN = ("trial", "unit", "validation"), -(1 << 63)
ROW_GROUP_VALUES = 1 << 22


@dataclass(frozen=True)
class Header:
    """What a predictions file says of itself, without its rates.

    Attributes:
        trial_id: whose predictions they are.
        sizes: the split's sizes.
        trials: part -> number of trials.
        forward: the parts that have rates for the bins after the observed ones.
        digest: SHA-256 of everything written: equal digests, equal files.
        format: version of the file's format.
        data: fingerprint of the split; empty where the file does not say.
        digests: part -> SHA-256 of its "rates", "rates_forward", and of the recording's "own" numbers; none in files
            of an earlier version.
    """

    trial_id: str
    sizes: Sizes
    trials: dict[str, int]
    forward: tuple[str, ...]
    digest: str
    format: int = FORMAT
    data: str = ""
    digests: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Names:
    """What the recording calls the trials of a part and the units, which trials selected the model, and the begin (ms)
    of its windows.
    """

    trial: np.ndarray | None
    unit: np.ndarray | None
    validation: np.ndarray
    start_ms: float | None = None
    unit_name: np.ndarray | None = None

    def digest(self) -> str:
        """Return the SHA-256 of the arrays."""
        total = hashlib.sha256()
        for name in OWN:
            array = getattr(self, name)
            total.update(name.encode() + (b"none" if array is None else np.asarray(array, np.int64).tobytes()))
        return total.hexdigest()


def write_predictions(
    path: str, trial: Trial, sizes: Sizes, parts: dict[str, Predicted], split: PopulationSplit | None = None
) -> None:
    """Write a trial's predictions, whole or not at all; beside them it takes one row group's memory (about 16 MB).

    Args:
        path: where.
        trial: whose they are.
        sizes: of the split, or of its unit subset.
        parts: "train" and "eval" -> rates (trials, bins, units), expected spikes per bin.
        split: with the recording's own numbers of trials and units; None where they are not known.

    Raises:
        BadInput: an unknown part, or a prediction that does not fit `sizes`; nothing was written.
        OSError: the disk is full; a file that was there stays as it was.
    """
    _write(path, trial, sizes, _checked(trial, sizes, parts), split)


def write_validation(path: str, trial: Trial, sizes: Sizes, found: Predicted, split: PopulationSplit) -> None:
    """Write rates of the validation trials alone, as a part of that name, by a model that was not fitted to them.

    Args:
        path: where.
        trial: whose model it was.
        sizes: of the split, or of its unit subset.
        found: rates (trials, bins, units) of the training trials that are set aside, in their order.
        split: whose trials they are.

    Raises:
        BadInput, OSError: as `write_predictions`.
    """
    arrays = found.numpy()
    check_prediction(arrays, sizes, int(_aside(trial, split).sum()), f"{trial.id}, {VALIDATION} part")
    _write(path, trial, sizes, {VALIDATION: arrays}, split)


def _write(
    path: str, trial: Trial, sizes: Sizes, arrays: Mapping[str, Predicted], split: PopulationSplit | None
) -> None:
    digests: dict[str, dict[str, str]] = {}
    with files.replacing(path) as temporary, open(temporary, "wb") as file:
        # Bytes of floats split into streams, as the exponents then compress: 13 % smaller, as fast to write.
        split_bytes = dict.fromkeys(("rates.list.element", "rates_forward.list.element"), "BYTE_STREAM_SPLIT")
        with pq.ParquetWriter(
            file,
            SCHEMA,
            compression="zstd",
            compression_level=1,
            use_dictionary=[name for name in SCHEMA.names if name not in ("held_out", "rates", "rates_forward")],
            column_encoding=split_bytes,
            write_page_checksum=True,
        ) as writer:
            for part, prediction in arrays.items():
                names, totals = _names(trial, split, part, len(prediction.rates)), _totals()
                for rows in _row_groups(trial, sizes, part, prediction, names, totals):
                    writer.write_batch(rows, row_group_size=len(rows))
                digests[part] = {"own": names.digest(), **{name: one.hexdigest() for name, one in totals.items()}}
            header = {
                "format": FORMAT,
                "trial_id": trial.id,
                "data": trial.data,
                "sizes": dataclasses.asdict(sizes),
                "trials": {part: len(prediction.rates) for part, prediction in arrays.items()},
                "forward": [part for part, prediction in arrays.items() if prediction.rates_forward is not None],
                "digests": digests,
            }
            writer.add_key_value_metadata({tables.KEY: json.dumps(checksum.seal(header))})


def read_header(path: str) -> Header:
    """Read what a predictions file says of itself.

    Raises:
        NotReady: there is no such file.
        BadInput: the file is damaged or was not written by raysp.
    """
    with _opened(path, parts=True) as file:
        return _header(path, file)


def read_rates(path: str, part: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Read the rates of one part, exactly as they were written.

    Args:
        path: the predictions file.
        part: "train" or "eval"; "validation" of what `write_validation` wrote.

    Returns:
        (trials, bins, units) float32 expected spikes per bin, held-in units first; and (trials, forward, units)
        likewise, or None where the model predicts none.

    Raises:
        NotReady: there is no such file.
        BadInput: the file is damaged, or lacks the part, or not every (trial, unit) of it is there exactly once.
    """
    with _opened(path) as file:
        header = _header(path, file)
        if part not in header.trials:
            raise unknown(f"part of {path}", part, header.trials)
        return _read_part(file, header, part)


def _checked(trial: Trial, sizes: Sizes, parts: dict[str, Predicted]) -> dict[str, Predicted]:
    for part in parts:
        if part not in PARTS:
            raise unknown("part of a prediction", part, PARTS)
    if "eval" not in parts:
        raise BadInput(f"{trial.id}: expected predictions of the part 'eval', got {sorted(parts) or 'none'}")
    arrays = {part: parts[part].numpy() for part in PARTS if part in parts}
    for part, prediction in arrays.items():
        check_prediction(prediction, sizes, len(prediction.rates), f"{trial.id}, {part} part")
    return arrays


def _names(trial: Trial, split: PopulationSplit | None, part: str, trials: int) -> _Names:
    selects = np.full(trials, part == VALIDATION)
    training = trial.training
    if training is not None and trial.follows is None:
        if training.validate_on == "eval":
            selects[:] = part == "eval"
        elif part == "train" and split is not None:
            selects = validation_mask(split.train, training)
    own = None if split is None else _part(trial, split, part).ids
    units = None if split is None else split.units
    start_ms = None if split is None else split.provenance.start_ms
    return _Names(own, units, selects, start_ms, None if split is None else _unit_names(split))


def _unit_names(split: PopulationSplit) -> np.ndarray | None:
    names = dict(split.provenance.unit_names)
    if split.units is None or not names:
        return None
    return np.array([names.get(unit) for unit in split.units.tolist()], dtype=object)


def _part(trial: Trial, split: PopulationSplit, part: str) -> TrialArrays:
    if part == VALIDATION:
        return split.train.take(_aside(trial, split))
    return present(getattr(split, part))


def _aside(trial: Trial, split: PopulationSplit) -> np.ndarray:
    return validation_mask(split.train, trial.training or Training())


def _totals() -> dict[str, HASH]:
    return {"rates": hashlib.sha256(), "rates_forward": hashlib.sha256()}


def _row_groups(
    trial: Trial, sizes: Sizes, part: str, prediction: Predicted, names: _Names, totals: dict[str, HASH]
) -> Iterator[pa.RecordBatch]:
    step = max(1, ROW_GROUP_VALUES // max(1, sizes.units * (sizes.bins + sizes.forward)))
    units = np.arange(sizes.units)
    by_trial = {"trial": names.trial, "trial_index": np.arange(len(names.validation)), "validation": names.validation}
    by_unit = {"unit": names.unit, "unit_index": units, "unit_name": names.unit_name,
               "held_out": units >= sizes.heldin}  # fmt: skip
    same = head(trial, part) | {"bin_ms": sizes.bin_ms, "start_ms": names.start_ms, "spikes": None}
    for first in range(0, len(prediction.rates), step):
        samples = np.arange(first, min(first + step, len(prediction.rates)))
        columns: dict[str, object] = dict.fromkeys(SCHEMA.names) | same
        columns |= {name: np.repeat(own[samples], sizes.units) for name, own in by_trial.items() if own is not None}
        columns |= {name: np.tile(own, len(samples)) for name, own in by_unit.items() if own is not None}
        columns |= {name: _lists(getattr(prediction, name), samples, total) for name, total in totals.items()}
        count = len(samples) * sizes.units
        yield pa.record_batch([_column(columns[one.name], one.type, count) for one in SCHEMA], schema=SCHEMA)


def _column(values: object, kind: pa.DataType, count: int) -> pa.Array:
    """Return a column of arrays, or of one value, None for nulls, in every row."""
    if isinstance(values, np.ndarray | pa.Array):
        return pa.array(values, kind)
    return pa.repeat(pa.scalar(values, kind), count)


def _lists(rates: np.ndarray | None, samples: np.ndarray, digest: HASH) -> pa.ListArray | None:
    """Return (samples, bins, units) as one list of bins per (sample, unit), without a copy beyond the transpose."""
    if rates is None:
        return None
    by_unit = np.ascontiguousarray(rates[samples[0] : samples[-1] + 1].transpose(0, 2, 1))
    digest.update(by_unit.data)
    trials, units, bins = by_unit.shape
    offsets = np.arange(trials * units + 1, dtype=np.int32) * np.int32(bins)
    return pa.ListArray.from_arrays(offsets, pa.array(by_unit.reshape(-1)))


@contextlib.contextmanager
def _opened(path: str, *, parts: bool = False) -> Iterator[pq.ParquetFile]:
    check_there(path)
    with tables.opened(path, AGAIN, parts=parts) as file:
        yield file


def _header(path: str, file: pq.ParquetFile) -> Header:
    found = (file.metadata.metadata or {}).get(tables.KEY)
    if found is None:
        raise BadInput(f"{path} expected the predictions table that raysp writes, got {file.schema_arrow.names}")
    sealed = json.loads(found)
    values = checksum.unseal(sealed)
    if "kind" in values:
        raise BadInput(f"{path} expected predicted rates, got {values['kind']}")
    if values["format"] not in PLACES:
        raise BadInput(f"{path} was written by another version of raysp; {AGAIN}")
    if values["format"] == FORMAT:
        values["digest"] = sealed[checksum.KEY]
    missing = {"part", "rates", *PLACES[values["format"]]} - set(file.schema_arrow.names)
    if missing:
        raise ValueError(f"it lacks the columns {', '.join(sorted(missing))}")
    return Header(**{**values, "sizes": Sizes(**values["sizes"]), "forward": tuple(values["forward"])})


def _read_part(file: pq.ParquetFile, header: Header, part: str) -> tuple[np.ndarray, np.ndarray | None]:
    trials, sizes = header.trials[part], header.sizes
    rates = np.empty((trials, sizes.bins, sizes.units), np.float32)
    forward = np.empty((trials, sizes.forward, sizes.units), np.float32) if part in header.forward else None
    seen = np.zeros(trials * sizes.units, bool)
    own = {name: np.full(sizes.units if name == "unit" else trials, UNKNOWN) for name in OWN}
    places = PLACES[header.format]
    columns = ["part", *places, "rates", *(["rates_forward"] if forward is not None else [])]
    columns += [name for name in OWN if header.digests]
    for group in range(file.num_row_groups):
        least, most = _range_of_parts(file, group)
        if not least <= part <= most:
            continue
        rows = file.read_row_group(group, columns=columns, use_threads=False)
        if least != most:
            rows = rows.filter(compute.equal(rows["part"], part))
        trial, unit = (rows[name].to_numpy() for name in places)
        _note(seen, trial, unit, trials, sizes.units)
        _place(rates, trial, unit, rows["rates"], "rates")
        if forward is not None:
            _place(forward, trial, unit, rows["rates_forward"], "rates_forward")
        for name in own if header.digests else ():
            values = compute.fill_null(rows[name].cast(pa.int64()), UNKNOWN)
            own[name][unit if name == "unit" else trial] = values.to_numpy()
    if not seen.all():
        raise ValueError(f"{(~seen).sum()} of {seen.size} rows of the {part} part are missing")
    if header.digests:
        _compare(header.digests[part], rates, forward, own)
    return rates, forward


def _compare(
    digests: Mapping[str, str], rates: np.ndarray, forward: np.ndarray | None, own: Mapping[str, np.ndarray]
) -> None:
    totals = _totals()
    for name, array in (("rates", rates), ("rates_forward", forward)):
        if array is not None:
            step = max(1, ROW_GROUP_VALUES // max(1, array[0].size))
            for first in range(0, len(array), step):
                totals[name].update(np.ascontiguousarray(array[first : first + step].transpose(0, 2, 1)).data)
    found = {name: total.hexdigest() for name, total in totals.items()}
    known: dict[str, Any] = {name: None if (array == UNKNOWN).all() else array for name, array in own.items()}
    names = _Names(**known)
    if {**found, "own": names.digest()} != digests:
        raise ValueError("its content is not what was written")


def _range_of_parts(file: pq.ParquetFile, group: int) -> tuple[str, str]:
    column = file.schema_arrow.get_field_index("part")
    statistics = file.metadata.row_group(group).column(column).statistics
    if statistics is None or not statistics.has_min_max:
        return min(PARTS), max(PARTS)
    return statistics.min, statistics.max


def _note(seen: np.ndarray, sample: np.ndarray, unit: np.ndarray, trials: int, units: int) -> None:
    for name, values, count in (("trial", sample, trials), ("unit", unit, units)):
        if len(values) and not 0 <= values.min() <= values.max() < count:
            raise ValueError(f"{name} expected 0 to {count - 1}, got {values.min()} to {values.max()}")
    rows, before = sample.astype(np.int64) * units + unit, np.count_nonzero(seen)
    seen[rows] = True
    if np.count_nonzero(seen) != before + len(rows):
        raise ValueError("a (trial, unit) is there more than once")


def _place(into: np.ndarray, sample: np.ndarray, unit: np.ndarray, lists: pa.ChunkedArray, name: str) -> None:
    column = lists.combine_chunks()
    bins, units = into.shape[1:]
    if column.null_count or not (column.value_lengths().to_numpy() == bins).all():
        raise ValueError(f"{name} expected {bins} bins in every row")
    values = column.flatten().to_numpy().reshape(len(sample), bins)
    rows = sample.astype(np.int64) * units + unit
    if len(rows) and len(rows) % units == 0 and unit[0] == 0 and (np.diff(rows) == 1).all():
        # As raysp wrote it: a block move is several times faster than row by row.
        whole = values.reshape(len(rows) // units, units, bins).transpose(0, 2, 1)
        into[sample[0] : sample[0] + len(whole)] = whole
    else:
        into[sample, :, unit] = values
