"""raysp latents: what readouts and other models make of a run's latents; nothing is done twice, or guessed at."""

import numpy as np
import polars
import pytest
from click.testing import CliRunner

from raysp.cli.root import main
from raysp.driver.latents import latents
from raysp.errors import BadInput, NotReady
from raysp.evaluation.few_shot import few_shot_bits_per_spike
from raysp.io import files
from raysp.io.yaml_files import write_yaml
from raysp.kinds.population import latents_worth
from raysp.kinds.population.latents_file import read_latents, write_latents
from raysp.kinds.population.latents_table import CROSS, FEW_SHOT, read_worth
from raysp.kinds.population.latents_words import FLOOR, decoded, few_shot
from raysp.kinds.population.rates_file import read_header, read_rates, write_predictions
from raysp.kinds.readouts import Readouts
from raysp.models.prediction import Prediction

VAL, TEST = "mc_maze_small-20ms-val", "mc_maze_small-20ms-test"
FEW = Readouts(shots=(4, 16), draws=3)


def test_good_latents_are_above_the_mean_of_the_same_trials_and_extraneous_ones_cost(made_up):
    own = made_up.trial("sae", seed=1)
    path = made_up.run.trial(own.id).latents
    parts = [read_latents(path, part, own) for part in ("eval", "train")]
    rng = np.random.default_rng(0)
    noisy = [np.concatenate([one, 4 * rng.standard_normal((*one.shape[:2], 12)).cumsum(1)], 2) for one in parts]
    write_latents(path, *noisy, own)
    lines = list(latents(made_up.run, made_up.root, FEW))
    assert lines[0] == "no latents, so left out: mean_rate, true_rates"
    table = read_worth(made_up.run)
    sound, spoilt = (few_shot(table.filter(polars.col("seed").is_null() | (polars.col("seed") == k))) for k in (0, 1))
    assert sound["sae"][4] > sound[FLOOR][4] + 0.05
    assert sound["sae"][16] >= sound["sae"][4]
    assert spoilt["sae"][4] < sound["sae"][4] - 0.03
    read = {row["run_trial"]: row["value"] for row in table.filter(measure=CROSS, split=VAL).to_dicts()}
    assert read[made_up.trial("sae").id] > 0.95
    assert read[own.id] < 0.3
    assert decoded(table.filter(split=VAL))["sae"][0] is None


def test_rows_are_what_the_function_says_and_draws_are_the_same_for_every_trial(made_up):
    list(latents(made_up.run, made_up.root, FEW))
    one, table = made_up.trial("sae"), read_worth(made_up.run)
    path = made_up.run.trial(one.id).latents
    split, answers = latents_worth._data(made_up.root, one)
    bins = split.sizes.bins
    parts = (read_latents(path, "train")[:, :bins], split.train.heldout, read_latents(path)[:, :bins])
    found = few_shot_bits_per_spike(*parts, answers.trials.heldout, shots=16, draws=3)
    rows = table.filter(measure=FEW_SHOT, run_trial=one.id, shots=16).sort("draw")
    np.testing.assert_array_equal(rows["value"], found)
    assert rows["trials"].unique().to_list() == [24]


def test_the_test_phases_answers_are_left_alone(made_up):
    lines = list(latents(made_up.run, made_up.root, FEW))
    table = read_worth(made_up.run)
    assert set(table.filter(measure=FEW_SHOT)["split"]) == {VAL}
    assert set(table.filter(measure=CROSS)["split"]) == {VAL, TEST}
    assert any("raysp evaluate --phase test alone" in line for line in lines)


def test_what_is_there_is_not_fitted_again_and_a_killed_one_goes_on(made_up, monkeypatch):
    calls = []

    def counted(*parts, **how):
        calls.append(how["shots"])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return few_shot_bits_per_spike(*parts, **how)

    monkeypatch.setattr(latents_worth, "few_shot_bits_per_spike", counted)
    with pytest.raises(KeyboardInterrupt):
        list(latents(made_up.run, made_up.root, FEW))
    list(latents(made_up.run, made_up.root, FEW))
    assert calls == [4, 16, 4, 4, 16]
    first = read_worth(made_up.run)
    list(latents(made_up.run, made_up.root, FEW))
    assert len(calls) == 5
    assert read_worth(made_up.run).equals(first)


def test_what_was_asked_before_stays_beside_other_shots_draws_and_seeds(make, monkeypatch):
    run = make(splits=(VAL,))
    list(latents(run.run, run.root, FEW))
    first = read_worth(run.run)
    other = Readouts(shots=(8,), draws=2, seed=1)
    list(latents(run.run, run.root, other))
    both = read_worth(run.run)
    assert both.join(first, on=both.columns, how="semi", nulls_equal=True).height == first.height
    few = both.filter(measure=FEW_SHOT)
    assert set(few.select("shots", "drawn").iter_rows()) == {(4, 0), (16, 0), (8, 1)}
    assert set(few.filter(polars.col("model").is_null())["shots"]) == {4, 8, 16}
    monkeypatch.setattr(latents_worth, "few_shot_bits_per_spike", None)
    list(latents(run.run, run.root, Readouts(shots=(4,), draws=2)))
    assert read_worth(run.run).sort(both.columns).equals(both.sort(both.columns))


def test_rows_of_trials_that_are_gone_go_with_them(make):
    run = make(splits=(VAL,))
    list(latents(run.run, run.root, FEW))
    gone = run.trial("sae", seed=1)
    files.remove(run.run.trial(gone.id).done)
    list(latents(run.run, run.root, Readouts(shots=(8,), draws=2)))
    left = read_worth(run.run)
    assert gone.id not in {*left["run_trial"], *left["source"]}
    assert set(left["shots"]) == {4, 8, 16}


def test_rows_of_a_trial_that_was_run_again_are_no_longer_its_own(make):
    run = make(splits=(VAL,))
    list(latents(run.run, run.root, FEW))
    own, before = run.trial("sae", seed=1), read_worth(run.run)
    path = run.run.trial(own.id).predictions
    parts = {part: Prediction(2 * read_rates(path, part)[0]) for part in ("train", "eval")}
    write_predictions(path, own, read_header(path).sizes, parts)
    left = read_worth(run.run)
    others = before.filter(~polars.any_horizontal(polars.col("run_trial", "source").eq_missing(own.id)))
    assert left.equals(others)
    assert not left.is_empty()
    record = run.run.record()
    record["data"][VAL]["answers"] = "other"
    write_yaml(run.run.experiment, record)
    assert set(read_worth(run.run)["model"]) == {None}


@pytest.mark.parametrize("without", ["heldout", "latents"])
def test_what_cannot_be_asked_says_why(make, without):
    if without == "heldout":
        run = make(splits=(VAL,), heldout=0)
        lines = list(latents(run.run, run.root, FEW))
        assert f"  no few-shot co-smoothing: {VAL} has no held-out units" in lines
        assert set(read_worth(run.run)["measure"]) == {CROSS}
    else:
        run = make(models=("mean_rate",))
        with pytest.raises(NotReady, match="no finished trial of a model with latents"):
            list(latents(run.run, run.root, FEW))


def test_one_trial_alone_is_read_from_no_other_and_too_many_shots_are_refused(make):
    run = make(splits=(VAL,), seeds=(0,))
    lines = list(latents(run.run, run.root, Readouts(shots=(100,), draws=2)))
    assert f"  no few-shot co-smoothing: {VAL} has 60 training trials, fewer than 100 shots" in lines
    assert "  no cross-decoding: one trial alone has latents" in lines


def test_latents_without_training_trials_say_what_to_do(make):
    run = make(splits=(VAL,), seeds=(0,))
    path = run.run.trial(run.trial("sae").id).latents
    write_latents(path, read_latents(path))
    with pytest.raises(NotReady, match="run the experiment again"):
        list(latents(run.run, run.root, FEW))


@pytest.mark.parametrize("wrong", [{"shots": (0,)}, {"shots": (4, 4)}, {"draws": 1}, {"seed": -1}])
def test_readouts_that_make_no_sense_are_refused(wrong):
    with pytest.raises(BadInput, match="expected"):
        Readouts(**wrong)


def test_the_verb_writes_the_table_and_says_where(make):
    run = make(splits=(VAL,))
    found = CliRunner().invoke(main, ["latents", run.run.path, "--root", run.root, "--shots", "4,8", "--draws", "2"])
    assert found.exit_code == 0, found.output
    assert files.exists(f"{run.run.path}/latents.parquet")
    assert f"next: raysp report {run.run.path}" in found.output
    assert FLOOR in found.output
