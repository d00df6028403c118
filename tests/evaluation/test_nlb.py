"""The fast metrics against the judge of record, and the judge's doorway."""

from __future__ import annotations

import builtins
import copy
import dataclasses

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raysp.errors import BadInput, NotReady
from raysp.evaluation.nlb import DATASETS, benchmark_metrics, judge

GROUPS = [name + suffix for name in DATASETS for suffix in ("", "_20")]


def fast_metrics(*parts, **others):
    return {name: compute() for name, compute in benchmark_metrics(*parts, **others).items()}


def fast(problem):
    return fast_metrics(
        problem.targets, problem.rates, problem.rates_forward, train=problem.train, train_rates=problem.train_rates
    )


def judged(problem):
    return judge({problem.group: problem.nlb_targets()}, {problem.group: problem.nlb_submission()})


def assert_same(problem, tolerance=1e-12):
    ours, theirs = fast(problem), judged(problem)[problem.group]
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert ours[name] == pytest.approx(value, abs=tolerance, rel=tolerance, nan_ok=True), name


@pytest.mark.parametrize("group", GROUPS)
def test_fast_metrics_equal_the_judge(problem, group):
    made = problem(3, group)
    assert_same(made)
    expected = {"co-bps", "fp-bps", "tp corr" if "dmfc" in group else "vel R2"} | ({"psth R2"} - {"rtt" in group})
    assert set(fast(made)) == expected - ({"psth R2"} if "rtt" in group else set())


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    group=st.sampled_from(["mc_maze", "area2_bump", "dmfc_rsg"]),
    bins=st.integers(8, 30),
    heldin=st.integers(1, 30),
    dtype=st.sampled_from([np.float32, np.float64]),
    nan_behavior=st.booleans(),
)
def test_fast_metrics_equal_the_judge_whatever_the_sizes(problem, seed, group, bins, heldin, dtype, nan_behavior):
    assert_same(problem(seed, group, bins=bins, units=(heldin, 3), dtype=dtype, nan_behavior=nan_behavior), 1e-9)


@pytest.mark.parametrize("group", ["mc_maze", "dmfc_rsg"])
def test_constant_rates_equal_the_judge(problem, group):
    made = problem(0, group)
    flat = {name: np.full_like(getattr(made, name), 0.1) for name in ("rates", "rates_forward", "train_rates")}
    made = dataclasses.replace(made, **flat)
    assert_same(made)
    if group == "dmfc_rsg":
        assert np.isnan(fast(made)["tp corr"])


def test_one_unit_more_than_rows_equals_the_judge(problem):
    assert_same(problem(1, trials=(3, 24), bins=6, units=(40, 3)), 1e-9)


@pytest.mark.parametrize("group", ["mc_maze", "area2_bump", "dmfc_rsg"])
def test_nothing_that_is_given_is_changed(problem, group):
    made = problem(0, group)
    truth, submission = made.nlb_targets(), made.nlb_submission()
    before = copy.deepcopy((made.arrays(), truth, submission))
    fast(made)
    judge({group: truth}, {group: submission})
    for old, new in zip(before, (made.arrays(), truth, submission), strict=True):
        for name in old:
            np.testing.assert_equal(list(old[name]), list(new[name]))


def test_read_only_arrays_are_accepted(problem):
    made = problem()
    expected = fast(made)
    for array in made.arrays().values():
        array.flags.writeable = False
    assert fast(made) == expected


def test_metrics_that_lack_what_they_need_are_left_out(problem):
    made = problem()
    answers = dataclasses.replace(made.targets.trials, heldout=None, heldout_forward=None)
    blind = dataclasses.replace(made.targets, trials=answers, psth=None)
    assert fast_metrics(blind, made.rates, made.rates_forward) == {}
    assert set(fast_metrics(made.targets, made.rates)) == {"co-bps", "psth R2"}


@pytest.mark.parametrize("group", ["mc_maze", "dmfc_rsg"])
def test_a_choice_of_units_is_scored(problem, group):
    made = problem(0, group)
    assert set(fast_metrics(made.targets.select([0, 3]), made.rates[..., [0, 3]])) == {"psth R2"}
    both = fast_metrics(made.targets.select([0, 10, 11]), made.rates[..., [0, 10, 11]])
    assert set(both) == {"co-bps", "psth R2"} | ({"tp corr"} if group == "dmfc_rsg" else set())


def test_interval_set_needs_no_training_rates(problem):
    made = problem(0, "dmfc_rsg")
    assert set(fast_metrics(made.targets, made.rates)) == {"co-bps", "tp corr", "psth R2"}
    assert not any(name.startswith("train") for name in made.nlb_submission())


def test_standin_data_are_scored_like_the_real(problem):
    made = problem(0, "dmfc_rsg")
    sizes = dataclasses.replace(made.targets.sizes, dataset="standin-dmfc_rsg")
    assert "tp corr" in fast_metrics(dataclasses.replace(made.targets, sizes=sizes), made.rates)


def test_scaling_sets_come_back_under_their_own_names(problem):
    made = {group: problem(1, group) for group in ("mc_maze_large", "mc_maze_small", "mc_maze_medium_20", "mc_maze_20")}
    result = judge(
        {group: one.nlb_targets() for group, one in made.items()},
        {group: one.nlb_submission() for group, one in made.items()},
    )
    assert set(result) == set(made)
    assert set(result["mc_maze_medium_20"]) == {"co-bps", "fp-bps", "vel R2", "psth R2"}


def test_judge_reads_files(problem, tmp_path):
    made = problem(2)
    for name, arrays in (("truth", made.nlb_targets()), ("rates", made.nlb_submission())):
        with h5py.File(tmp_path / f"{name}.h5", "w") as file:
            group = file.create_group("mc_maze")
            for key, array in arrays.items():
                if array.dtype == object:
                    group.create_dataset(key, data=array, dtype=h5py.vlen_dtype(np.int32))
                else:
                    group[key] = array
    assert judge(tmp_path / "truth.h5", str(tmp_path / "rates.h5")) == judged(made)


def test_condition_lists_of_one_length_are_accepted(problem):
    made = problem(2)
    truth = made.nlb_targets()
    truth["eval_cond_idx"] = [np.array([0, 1]), np.array([2, 3]), np.array([4, 5]), np.array([6, 7]), np.array([8, 9])]
    square = truth | {"eval_cond_idx": np.stack(truth["eval_cond_idx"])}
    submission = {"mc_maze": made.nlb_submission()}
    assert judge({"mc_maze": truth}, submission) == judge({"mc_maze": square}, submission)


def change(arrays, **changes):
    return {name: value for name, value in (arrays | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ({"eval_rates_heldin": None}, "lacks eval_rates_heldin"),
        ({"train_rates_heldout": None}, "lacks train_rates_heldout"),
        ({"eval_rates_heldout_forward": None}, "lacks eval_rates_heldout_forward"),
        ({"eval_rates_heldout": np.zeros((24, 20, 4))}, r"expected shape \(24, 20, 5\), got \(24, 20, 4\)"),
        ({"train_rates_heldin": np.zeros((29, 20, 9))}, r"expected shape \(30, 20, 9\)"),
        ({"eval_rates_heldout": np.full((24, 20, 5), np.nan)}, "finite"),
        ({"eval_rates_heldout": np.full((24, 20, 5), -1.0)}, ">= 0"),
    ],
)
def test_judge_refuses_a_bad_submission(problem, spoil, message):
    made = problem()
    with pytest.raises(BadInput, match=message):
        judge({"mc_maze": made.nlb_targets()}, {"mc_maze": change(made.nlb_submission(), **spoil)})


def test_judge_refuses_groups_without_answers_or_names(problem, tmp_path):
    made = problem()
    truth, submission = made.nlb_targets(), made.nlb_submission()
    with pytest.raises(BadInput, match="no answers for group 'mc_rtt': the answers hold mc_maze"):
        judge({"mc_maze": truth}, {"mc_rtt": submission})
    with pytest.raises(BadInput, match="did you mean 'mc_maze'"):
        judge({"mc_mase": truth}, {"mc_mase": submission})
    with pytest.raises(BadInput, match="at least one group"):
        judge({"mc_maze": truth}, {})
    with pytest.raises(BadInput, match="the answers lacks eval_spikes_heldout"):
        judge({"mc_maze": change(truth, eval_spikes_heldout=None)}, {"mc_maze": submission})
    with pytest.raises(BadInput, match="no HDF5 file"):
        judge(tmp_path / "absent.h5", {"mc_maze": submission})
    with pytest.raises(BadInput, match="nlb_tools refused the submission"):
        judge({"mc_maze": truth | {"psth": truth["psth"][..., :3]}}, {"mc_maze": submission})


def test_missing_judge_says_what_to_type(problem, monkeypatch):
    made, real = problem(), builtins.__import__

    def without_nlb_tools(name, *rest):
        if name.startswith("nlb_tools"):
            raise ModuleNotFoundError("No module named 'nlb_tools'", name="nlb_tools")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without_nlb_tools)
    with pytest.raises(NotReady, match=r"pip install --no-deps nlb_tools==0\.0\.4"):
        judged(made)


def test_fast_metrics_refuse_bad_rates(problem):
    made = problem()
    with pytest.raises(BadInput, match=r"mc_maze: rates expected shape \(24, 20, 14\), got \(24, 20, 13\)"):
        fast_metrics(made.targets, made.rates[..., 1:])
    with pytest.raises(BadInput, match="rates_forward expected finite"):
        fast_metrics(made.targets, made.rates, made.rates_forward - 10)
    with pytest.raises(BadInput, match="train_rates expected shape"):
        fast_metrics(made.targets, made.rates, train=made.train, train_rates=made.rates)
