"""A table with a row for each trial and unit, and a list of times in each."""

import numpy as np
import polars
import pytest

from raysp.config.experiment import Recording
from raysp.data.sources import prepare
from raysp.data.sources.proposal import proposal

TRIALS, UNITS = 24, 5


@pytest.fixture
def path(tmp_path):
    rng = np.random.default_rng(2)
    each = [(trial, unit) for trial in range(1, TRIALS + 1) for unit in range(UNITS)]
    # Nothing fires in trial 7, and unit 4 in none.
    counts = [0 if trial == 7 or unit == 4 else rng.integers(20, 40) for trial, unit in each]
    times = [np.sort(rng.uniform(-0.5, 1.5, count)).tolist() for count in counts]
    columns = {"trial_no": [one for one, _ in each], "cell": [f"c{one}" for _, one in each]}
    table = polars.DataFrame({**columns, "odor": ["AB"[one % 2] for one, _ in each], "spike_times": times})
    table.write_parquet(tmp_path / "x.parquet")
    return str(tmp_path / "x.parquet")


def test_it_is_found_and_read_trial_by_trial(path):
    found = proposal(path)
    assert (found.settings["trial"], found.settings["conditions"]) == ("trial_no", ["odor"])
    settings = {"path": path, "time": "spike_times", "unit": "cell", "trial": "trial_no", "conditions": ["odor"]}
    window = {"window_ms": [-500, 1500], "bin_ms": 100, "heldout": 0}
    split, _ = prepare.read(Recording("x", found.source, {**settings, **window}), "")
    ids = np.concatenate([split.train.ids, split.eval.ids])
    heldin = np.concatenate([split.train.heldin, split.eval.heldin])[np.argsort(ids)]
    assert sorted(ids) == list(range(1, TRIALS + 1))
    assert heldin.shape == (TRIALS, 20, UNITS)
    whole = polars.read_parquet(path)["spike_times"].list.len().to_numpy().reshape(TRIALS, UNITS)
    np.testing.assert_array_equal(np.nansum(heldin, axis=1), whole)


def test_lists_of_a_list_for_each_unit_are_read_as_what_is_advised_makes_them(tmp_path):
    rng = np.random.default_rng(4)
    each = [[np.sort(rng.uniform(0, 1, 9)).tolist() for _ in range(UNITS)] for _ in range(TRIALS)]
    whole = {"trial": range(3, TRIALS + 3), "rt": rng.uniform(0.1, 0.3, TRIALS), "spikes": each}
    table = polars.DataFrame(whole)
    table.write_parquet(tmp_path / "x.parquet")
    told = proposal(str(tmp_path / "x.parquet")).contents[-1]
    # As the advice says in pandas' words.
    assert "table['unit'] = [range(len(one)) for one in table['spikes']]; table.explode(['spikes', 'unit'])" in told
    units = polars.Series("unit", [list(range(UNITS))] * TRIALS)
    table.with_columns(units).explode("spikes", "unit").write_parquet(tmp_path / "spikes.parquet")
    found = proposal(str(tmp_path / "spikes.parquet"))
    assert [found.settings[name] for name in ("time", "unit", "trial")] == ["spikes", "unit", "trial"]
    settings = {**found.settings, "path": str(tmp_path / "spikes.parquet"), "heldout": 0, "window_ms": [0, 1000]}
    split, _ = prepare.read(Recording("x", found.source, settings), "")
    assert sorted(np.concatenate([split.train.ids, split.eval.ids])) == list(range(3, TRIALS + 3))
    assert split.train.heldin.sum() + split.eval.heldin.sum() == TRIALS * UNITS * 9


@pytest.mark.parametrize("lists", [True, False])
def test_trials_end_where_a_column_beside_their_spikes_says(tmp_path, lists):
    rng = np.random.default_rng(6)
    end = rng.uniform(0.6, 0.9, TRIALS).round(3)
    each = [(trial, unit) for trial in range(TRIALS) for unit in range(UNITS)]
    times = [np.sort(rng.uniform(0, end[trial], 60)).tolist() for trial, _ in each]
    columns = {"trial": [one for one, _ in each], "unit": [one for _, one in each]}
    table = polars.DataFrame({**columns, "t_end": [end[one] for one, _ in each], "spike_times": times})
    path = str(tmp_path / "x.parquet")
    (table if lists else table.explode("spike_times")).write_parquet(path)
    found = proposal(path)
    assert found.settings["window_ms"] == [0, int(np.percentile(end, 10) * 100) * 10]
    settings = {**found.settings, "path": path, "heldout": 0, "window_ms": [0, 900], "masked_ends": True}
    split, _ = prepare.read(Recording("x", found.source, settings), "")
    ids = np.concatenate([split.train.ids, split.eval.ids])
    heldin = np.concatenate([split.train.heldin, split.eval.heldin])[np.argsort(ids)]
    whole = np.isfinite(heldin).all(axis=2).sum(axis=1)
    np.testing.assert_allclose(whole, end * 100, atol=1)
    # Numbers that differ within a trial are no end of it.
    other = table.with_columns(t_end=polars.col("t_end") + polars.col("unit"))
    other.write_parquet(path)
    assert not any(
        "taken to end" in note for note in prepare.read(Recording("x", found.source, settings), "")[0].provenance.notes
    )


def test_columns_of_lists_of_a_unit_each_are_read_as_what_is_advised_makes_them(tmp_path):
    rng = np.random.default_rng(7)
    each = {f"n{unit}": [np.sort(rng.uniform(0, 1, 9)).tolist() for _ in range(TRIALS)] for unit in range(UNITS)}
    table = polars.DataFrame({"trial": range(TRIALS), "side": ["L", "R"] * (TRIALS // 2), **each})
    table.write_parquet(path := str(tmp_path / "x.parquet"))
    # As the advice says in pandas' words.
    assert "table.melt(['trial', 'side'], var_name='unit', value_name='spike_times')" in proposal(path).contents[-1]
    table.unpivot(index=["trial", "side"], variable_name="unit", value_name="spike_times").write_parquet(path)
    found = proposal(path)
    settings = {**found.settings, "path": path, "heldout": 0, "window_ms": [0, 1000]}
    split, _ = prepare.read(Recording("x", found.source, settings), "")
    assert sorted(name for _, name in split.provenance.unit_names) == sorted(each)
    assert split.train.heldin.sum() + split.eval.heldin.sum() == TRIALS * UNITS * 9
