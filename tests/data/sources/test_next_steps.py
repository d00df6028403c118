"""What cannot be read as it lies is refused with what to do next; what only looks so is read."""

import numpy as np
import polars
import pytest
from scipy.io import savemat

from raysp.config.experiment import Recording
from raysp.data.sources import population, prepare
from raysp.data.sources.proposal import proposal
from raysp.errors import BadInput

RNG = np.random.default_rng(0)
EACH = [np.sort(RNG.uniform(0.5, 40, 60 + 50 * unit)) for unit in range(4)]
LONGEST = max(map(len, EACH))


@pytest.mark.parametrize("pad", [-1, 0])
@pytest.mark.parametrize("kind", ["npz", "mat", "transposed"])
def test_times_that_are_padded_with_a_number_are_told(tmp_path, kind, pad):
    rows = np.array([np.pad(one, (0, LONGEST - len(one)), constant_values=pad) for one in EACH])
    if kind == "mat":
        savemat(path := str(tmp_path / "x.mat"), {"spk": rows})
    else:
        np.savez(path := str(tmp_path / "x.npz"), spk=rows.T if kind == "transposed" else rows)
    found = proposal(path)
    assert found.source == ""
    assert f"spk: rows of numbers that rise, padded with {pad}" in found.contents[-1]


def test_marks_among_counts_are_refused(tmp_path):
    counts = np.where(np.arange(20)[:, None] < 15, RNG.poisson(1, (9, 20, 4)), 255).astype("u1")
    np.savez(path := str(tmp_path / "x.npz"), counts=counts)
    with pytest.raises(BadInput, match=r"180 counts are 255.*: write NaN there.*accept: \[rate\]"):
        population.build(population.Config(path, 20, counts="counts"), "x")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (",".join("0" * 40) + "\n" + ",".join("1" * 40) + "\n", "of counts save an array, np.save"),
        ("unit,time\n1,0.5\n,0.75\n", "got nan in row 1; leave out the rows of no unit"),
    ],
    ids=["raster", "no unit"],
)
def test_tables_say_what_to_do_next(tmp_path, text, says):
    (tmp_path / "x.csv").write_text(text)
    settings = {"path": str(tmp_path / "x.csv"), "window_ms": [0, 100], "bin_ms": 10}
    with pytest.raises(BadInput, match=says):
        prepare.read(Recording("x", "spike_tables", settings), "")


def test_separators_of_thousands_are_told(tmp_path):
    rows = "".join(f"{row % 3};{1 + row}.250,5\n" for row in range(12))
    (tmp_path / "x.csv").write_text(f"unit;time\n{rows}")
    assert "separators of thousands" in proposal(str(tmp_path / "x.csv")).contents[-1]


def test_an_archive_without_arrays_is_called_so(tmp_path):
    np.savez(path := str(tmp_path / "x.npz"))
    with pytest.raises(BadInput, match="is an archive without anything in it"):
        proposal(path)


def test_a_column_that_is_the_times_and_called_as_counts_are_is_read_once(tmp_path):
    each = [(trial, unit, RNG.uniform(0, 1, 9).tolist()) for trial in range(12) for unit in range(4)]
    polars.DataFrame(each, schema=["trial", "unit", "spikes"], orient="row").write_parquet(path := tmp_path / "x.pq")
    found = proposal(str(path))
    split, _ = prepare.read(Recording("x", found.source, {**found.settings, "path": str(path), "heldout": 0}), "")
    assert split.train.heldin.sum() + split.eval.heldin.sum() == 9 * len(each)
