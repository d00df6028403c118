"""predictions.parquet: one trial's rates as a table, one row per (part, sample, unit); written and read in pieces."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import compute

from raysp import files
from raysp.config import STANDIN, Trial
from raysp.data import nlb_sets
from raysp.data.split import Sizes
from raysp.errors import BadInput, NotReady, unknown
from raysp.models.prediction import Prediction, check_prediction

FORMAT = 1
PARTS = ("train", "eval")
SCHEMA = pa.schema(
    [
        pa.field("trial_id", pa.string()),
        pa.field("model", pa.string()),
        pa.field("split", pa.string()),
        pa.field("seed", pa.int64()),
        pa.field("part", pa.string()),
        pa.field("sample", pa.int32()),
        pa.field("unit", pa.int32()),
        pa.field("held_out", pa.bool_()),
        pa.field("bin_ms", pa.float64()),
        pa.field("start_ms", pa.float64()),
        pa.field("rates", pa.list_(pa.float32())),
        pa.field("rates_forward", pa.list_(pa.float32())),
        pa.field("spikes", pa.list_(pa.int32())),
    ]
)
"""`sample` counts the trials of its part, `unit` the neurons, held-in first. `start_ms` is the first bin's beginning
after the event that trials are aligned to; null where the split does not tell. `rates` and `rates_forward` are expected
spikes per bin; `rates_forward` is null for models that do not predict it, `spikes` for models that predict rates."""

ROW_GROUP_VALUES = 1 << 22
_KEY = b"raysp"


@dataclass(frozen=True)
class Header:
    """What a predictions file says of itself, without its rates.

    Attributes:
        trial_id: whose predictions they are.
        sizes: the split's sizes.
        trials: part -> number of trials.
        forward: the parts that have rates for the bins after the observed ones.
        digest: SHA-256 of everything written: equal digests, equal files.
    """

    trial_id: str
    sizes: Sizes
    trials: dict[str, int]
    forward: tuple[str, ...]
    digest: str


def write_predictions(path: str, trial: Trial, sizes: Sizes, parts: dict[str, Prediction]) -> None:
    """Write a trial's predictions, whole or not at all; beside them it takes one row group's memory (about 16 MB).

    Args:
        path: where.
        trial: whose they are.
        sizes: of the split, or of its cell subset.
        parts: "train" and "eval" -> rates (trials, bins, neurons), expected spikes per bin.

    Raises:
        BadInput: an unknown part, or a prediction that does not fit `sizes`; nothing was written.
        OSError: the disk is full; a file that was there stays as it was.
    """
    arrays = _checked(trial, sizes, parts)
    header = {
        "format": FORMAT,
        "trial_id": trial.id,
        "sizes": dataclasses.asdict(sizes),
        "trials": {part: len(prediction.rates) for part, prediction in arrays.items()},
        "forward": [part for part, prediction in arrays.items() if prediction.rates_forward is not None],
    }
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
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
                for rows in _row_groups(trial, sizes, part, prediction, digest):
                    writer.write_batch(rows, row_group_size=len(rows))
            writer.add_key_value_metadata({_KEY: json.dumps({**header, "digest": digest.hexdigest()})})


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
        part: "train" or "eval".

    Returns:
        (trials, bins, neurons) float32 expected spikes per bin, held-in neurons first; and (trials, forward, neurons)
        likewise, or None where the model predicts none.

    Raises:
        NotReady: there is no such file.
        BadInput: the file is damaged, or lacks the part, or not every (sample, unit) of it is there exactly once.
    """
    with _opened(path) as file:
        header = _header(path, file)
        if part not in header.trials:
            raise unknown(f"part of {path}", part, header.trials)
        try:
            return _read_part(file, header, part)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged(path, error) from error


def _checked(trial: Trial, sizes: Sizes, parts: dict[str, Prediction]) -> dict[str, Prediction]:
    for part in parts:
        if part not in PARTS:
            raise unknown("part of a prediction", part, PARTS)
    if "eval" not in parts:
        raise BadInput(f"{trial.id}: expected predictions of the part 'eval', got {sorted(parts) or 'none'}")
    arrays = {part: parts[part].numpy() for part in PARTS if part in parts}
    for part, prediction in arrays.items():
        check_prediction(prediction, sizes, len(prediction.rates), f"{trial.id}, {part} part")
    return arrays


def _row_groups(trial: Trial, sizes: Sizes, part: str, prediction: Prediction, digest: Any) -> Iterator[pa.RecordBatch]:
    step = max(1, ROW_GROUP_VALUES // max(1, sizes.neurons * (sizes.bins + sizes.forward)))
    units = np.arange(sizes.neurons, dtype=np.int32)
    for first in range(0, len(prediction.rates), step):
        samples = np.arange(first, min(first + step, len(prediction.rates)), dtype=np.int32)
        count = len(samples) * sizes.neurons
        columns = {
            "trial_id": pa.repeat(trial.id, count),
            "model": pa.repeat(trial.shown, count),
            "split": pa.repeat(trial.split, count),
            "seed": pa.repeat(pa.scalar(trial.seed, pa.int64()), count),
            "part": pa.repeat(part, count),
            "sample": pa.array(np.repeat(samples, sizes.neurons)),
            "unit": pa.array(np.tile(units, len(samples))),
            "held_out": pa.array(np.tile(units >= sizes.heldin, len(samples))),
            "bin_ms": pa.repeat(pa.scalar(sizes.bin_ms, pa.float64()), count),
            "start_ms": pa.repeat(pa.scalar(_start_ms(trial.split), pa.float64()), count),
            "rates": _lists(prediction.rates, samples, digest),
            "rates_forward": _lists(prediction.rates_forward, samples, digest),
            "spikes": None,
        }
        for field in SCHEMA:
            if columns[field.name] is None:
                columns[field.name] = pa.nulls(count, field.type)
        yield pa.record_batch([columns[name] for name in SCHEMA.names], schema=SCHEMA)


def _lists(rates: np.ndarray | None, samples: np.ndarray, digest: Any) -> pa.ListArray | None:
    """Return (samples, bins, neurons) as one list of bins per (sample, neuron), without a copy beyond the transpose."""
    if rates is None:
        return None
    by_unit = np.ascontiguousarray(rates[samples[0] : samples[-1] + 1].transpose(0, 2, 1))
    digest.update(by_unit.data)
    trials, neurons, bins = by_unit.shape
    offsets = np.arange(trials * neurons + 1, dtype=np.int32) * np.int32(bins)
    return pa.ListArray.from_arrays(offsets, pa.array(by_unit.reshape(-1)))


def _start_ms(split: str) -> float | None:
    if split.removeprefix(STANDIN) not in nlb_sets.SPLITS:
        return None
    return float(nlb_sets.parse(split)[0].window_ms[0])


@contextlib.contextmanager
def _opened(path: str, *, parts: bool = False) -> Iterator[pq.ParquetFile]:
    if not files.exists(path):
        raise NotReady(f"no predictions at {path}; run the experiment first")
    with files.opened(path, parts=parts) as raw:
        try:
            file = pq.ParquetFile(path if files.is_local(path) else raw, page_checksum_verification=True)
        except (pa.ArrowException, OSError) as error:
            raise _damaged(path, error) from error
        with file:
            yield file


def _header(path: str, file: pq.ParquetFile) -> Header:
    found = (file.metadata.metadata or {}).get(_KEY)
    if found is None or file.schema_arrow.names != SCHEMA.names:
        raise BadInput(f"{path} expected the predictions table that raysp writes, got {file.schema_arrow.names}")
    try:
        values = json.loads(found)
        if values.pop("format") != FORMAT:
            raise BadInput(
                f"{path} was written by another version of raysp; "
                "remove its trial's folder and run the experiment again"
            )
        return Header(**{**values, "sizes": Sizes(**values["sizes"]), "forward": tuple(values["forward"])})
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error


def _read_part(file: pq.ParquetFile, header: Header, part: str) -> tuple[np.ndarray, np.ndarray | None]:
    trials, sizes = header.trials[part], header.sizes
    rates = np.empty((trials, sizes.bins, sizes.neurons), np.float32)
    forward = np.empty((trials, sizes.forward, sizes.neurons), np.float32) if part in header.forward else None
    seen = np.zeros(trials * sizes.neurons, bool)
    columns = ["part", "sample", "unit", "rates", *(["rates_forward"] if forward is not None else [])]
    for group in range(file.num_row_groups):
        least, most = _range_of_parts(file, group)
        if not least <= part <= most:
            continue
        rows = file.read_row_group(group, columns=columns, use_threads=False)
        if least != most:
            rows = rows.filter(compute.equal(rows["part"], part))
        sample, unit = (rows[name].to_numpy() for name in ("sample", "unit"))
        _note(seen, sample, unit, trials, sizes.neurons)
        _place(rates, sample, unit, rows["rates"], "rates")
        if forward is not None:
            _place(forward, sample, unit, rows["rates_forward"], "rates_forward")
    if not seen.all():
        raise ValueError(f"{(~seen).sum()} of {seen.size} rows of the {part} part are missing")
    return rates, forward


def _range_of_parts(file: pq.ParquetFile, group: int) -> tuple[str, str]:
    statistics = file.metadata.row_group(group).column(SCHEMA.get_field_index("part")).statistics
    if statistics is None or not statistics.has_min_max:
        return min(PARTS), max(PARTS)
    return statistics.min, statistics.max


def _note(seen: np.ndarray, sample: np.ndarray, unit: np.ndarray, trials: int, neurons: int) -> None:
    for name, values, count in (("sample", sample, trials), ("unit", unit, neurons)):
        if len(values) and not 0 <= values.min() <= values.max() < count:
            raise ValueError(f"{name} expected 0 to {count - 1}, got {values.min()} to {values.max()}")
    rows, before = sample.astype(np.int64) * neurons + unit, np.count_nonzero(seen)
    seen[rows] = True
    if np.count_nonzero(seen) != before + len(rows):
        raise ValueError("a (sample, unit) is there more than once")


def _place(into: np.ndarray, sample: np.ndarray, unit: np.ndarray, lists: pa.ChunkedArray, name: str) -> None:
    column = lists.combine_chunks()
    bins, neurons = into.shape[1:]
    if column.null_count or not (column.value_lengths().to_numpy() == bins).all():
        raise ValueError(f"{name} expected {bins} bins in every row")
    values = column.flatten().to_numpy().reshape(len(sample), bins)
    rows = sample.astype(np.int64) * neurons + unit
    if len(rows) and len(rows) % neurons == 0 and unit[0] == 0 and (np.diff(rows) == 1).all():
        # As raysp wrote it: a block move is several times faster than row by row.
        whole = values.reshape(len(rows) // neurons, neurons, bins).transpose(0, 2, 1)
        into[sample[0] : sample[0] + len(whole)] = whole
    else:
        into[sample, :, unit] = values


def _damaged(path: str, error: Exception) -> BadInput:
    return BadInput(
        f"{path} is damaged or incomplete ({error}); remove its trial's folder and run the experiment again"
    )
