"""The array of counts is found where one alone can be it; otherwise the setting and the arrays are named."""

import numpy as np
import pytest

from raysp.config import settings
from raysp.data.sources import population
from raysp.data.sources.population_config import Config
from raysp.errors import BadInput
from tests.data import nwb_recordings

COUNTS = np.random.default_rng(0).poisson(0.3, (40, 50, 20))
FLAT = COUNTS.reshape(-1, 20)
EVENTS = {"times": np.arange(300) / 7, "units": np.arange(300) % 5}


def built(folder, arrays, **more):
    np.savez(folder / "a.npz", **arrays)
    return population.build(settings.build(Config, {"path": str(folder / "a.npz"), "bin_ms": 10, **more}, "a"), "a")


@pytest.mark.parametrize(
    ("arrays", "more", "told"),
    [
        ({"counts": COUNTS, "labels": COUNTS % 2, "cond": np.arange(40)}, {}, "counts, by its name"),
        ({"x": COUNTS, "dt": 0.01, "rates": COUNTS / 2 + 0.1}, {}, "x, the only array that can be"),
        ({"x": COUNTS.T}, {"axes": ["units", "bins", "trials"]}, "x, the only array that can be"),
        ({"x": FLAT, "speed": np.sin(np.arange(2000))}, {"window_ms": [0, 500]}, "x, the only array that can be"),
    ],
)
def test_the_only_array_that_can_be_counts_is_taken(tmp_path, arrays, more, told):
    split, answers = built(tmp_path, arrays, heldout=0, **more)
    assert split.provenance.notes[0] == f"counts are taken from {told}"
    trials = [part.heldin for part in (split.train, answers.trials)]
    ids = np.concatenate([split.train.ids, answers.trials.ids])
    assert np.array_equal(np.concatenate(trials), COUNTS[ids])


@pytest.mark.parametrize(
    ("arrays", "more", "told"),
    [
        (
            {"x": COUNTS, "y": COUNTS},
            {},
            "several arrays can be counts, x and y; say which: counts=NAME, and eval_counts",
        ),
        ({"x": FLAT}, {}, r"x is 2000 x 20; give window_ms: \[0, length\], for one without trials, and counts=x"),
        ({"x": COUNTS}, {"window_ms": [0, 500]}, "x is 40 x 50 x 20; of trials, leave window_ms out, and counts=x"),
        (
            {f"trial_{one}": COUNTS[one] for one in range(5)},
            {},
            r"trial_0, trial_1, .* look like an array a trial; give counts='trial_\*'",
        ),
        (EVENTS, {}, "expected counts, an array of whole numbers .*got times: 300, .*raysp data look .*a.npz"),
    ],
)
def test_what_can_be_several_or_none_is_named(tmp_path, arrays, more, told):
    with pytest.raises(BadInput, match=rf"a.npz: {told}"):
        built(tmp_path, arrays, **more)


def test_of_nwb_no_array_is_taken(tmp_path):
    path = nwb_recordings.write(tmp_path / "a.h5")
    with pytest.raises(BadInput, match=r"either align .*, not both or none; raysp data look .*a.h5 proposes them"):
        population.build(Config(path, 10), "a")
    with pytest.raises(BadInput, match="population, axes is for files of counts only"):
        population.build(Config(path, 10, window_ms=(0, 500), axes=("bins", "units")), "a")


def test_a_table_says_how_its_columns_are_named(tmp_path):
    (tmp_path / "a.csv").write_text("n_1,n_2\n1,2\n")
    with pytest.raises(BadInput, match=r"a.csv is a table: .* give counts='neuron_\*'"):
        population.build(Config(str(tmp_path / "a.csv"), 10, window_ms=(0, 500)), "a")
