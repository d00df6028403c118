"""What is said of models below the floor, of training that ended early, and of means that single units decide."""

import pytest

from raysp.config.experiment import Training, Trial
from raysp.driver.score_table import remarks_of
from raysp.evaluation.shortfalls import last_epochs
from raysp.io import files
from raysp.io.yaml_files import write_yaml
from raysp.kinds.population.remarks import remarks
from raysp.runs.folder import RunFolder, trial_to
from raysp.runs.metrics_table import frame, write_metrics


def row(model, metric, value, split="a", seed=0, **others):
    place = {"parameter": None, "unit": None, "unit_index": None, "note": None, "run_trial": f"{model}-{split}-{seed}"}
    return {"model": model, "metric": metric, "value": value, "split": split, "seed": seed, **place, **others}


def said(rows, floor="mean_rate", last=None):
    return remarks(frame(rows), floor, last)


def test_a_model_below_the_floor_is_named_once_with_its_splits():
    rows = [row("mean_rate", "co-bps", -0.024), row("mean_rate", "co-bps", 0.0, "b"), row("sae", "co-bps", 0.2, "b")]
    rows += [row("smoothing", "co-bps", -0.2), row("smoothing", "co-bps", -0.338, seed=1), row("sae", "co-bps", 0.1)]
    rows += [row("smoothing", "co-bps", -0.1, "b"), row("smoothing", "masked deviance", 0.1)]
    (line,) = said(rows)
    assert line == ("smoothing is below mean_rate: a, co-bps −0.2690 against −0.0240; b, co-bps −0.1000 against 0.0000")


@pytest.mark.parametrize(
    ("value", "remarked"), [(0.15, True), (0.14, False), (0.1466 * (1 + 1e-9), False), (None, False)]
)
def test_where_nothing_is_held_out_less_masked_deviance_is_better(value, remarked):
    rows = [row("floor", "masked deviance", 0.1466), row("sae", "masked deviance", value)]
    expected = ["sae is below floor: a, masked deviance 0.1500 against 0.1466"] if remarked else []
    assert said(rows, "floor") == expected


@pytest.mark.parametrize(
    ("psth", "co_bps", "remarked"), [(-12.4, 1.3, True), (-12.4, -0.1, False), (-0.02, 1.3, False), (None, 1.3, False)]
)
def test_averages_that_hardly_vary_are_told_where_better_models_miss_them(psth, co_bps, remarked):
    rows = [row("mean_rate", "co-bps", -0.03), row("mean_rate", "psth R2", -0.05), row("sae", "co-bps", co_bps)]
    lines = [line for line in said([*rows, row("sae", "psth R2", psth)]) if "averages" in line]
    assert [line.partition(",")[0] for line in lines] == [
        "a: psth R2 of sae (−12.4000) is below mean_rate's"
    ] * remarked


@pytest.mark.parametrize(
    ("r2", "with_history", "told"),
    [(-0.0016, None, "R² −0.0016 at most"), (0.3, None, ""), (0.0, 0.2, ""), (None, None, "")],
)
def test_behaviour_that_no_model_tells_of_is_remarked_on(r2, with_history, told):
    name = "behavior R2{}, mean over variables"
    rows = [row("mean_rate", name.format(""), 0.0), row("smoothing", name.format(""), -0.002)] * (r2 is not None)
    rows += [row("sae", name.format(""), r2), row("sae", name.format(" with history"), with_history)]
    lines = [line for line in said(rows) if "decoded" in line]
    assert len(lines) == bool(told)
    assert told in "".join(lines)


def test_of_many_splits_some_are_named_and_the_rest_counted():
    rows = [row(model, "co-bps", value, f"s{k}") for k in range(9) for model, value in (("mean_rate", 0), ("sae", -1))]
    (line,) = said(rows)
    assert "s3, co-bps" in line
    assert "s4" not in line
    assert line.endswith("; and 5 more splits")


@pytest.mark.parametrize(
    ("training", "follows", "done", "last"),
    [
        ({}, None, {}, True),
        ({}, None, {"best_epoch": 29}, False),
        ({}, None, {"validation_loss": None}, False),
        ({}, None, {"best_epoch": 1, "epochs": 1}, False),
        ({}, "another", {}, False),
        ({"schedule": "cosine"}, None, {}, False),
        (None, None, {}, False),
    ],
    ids=["last", "earlier", "not validated", "one epoch", "follows", "rate went to zero", "fits itself"],
)
def test_training_that_ended_early(training, follows, done, last):
    fitted = None if training is None else Training(epochs=30, **training)
    trial = Trial("sae", {}, fitted, "a", "d" * 64, follows=follows)
    found = last_epochs([trial], {trial.id: {"best_epoch": 30, "epochs": 30, "validation_loss": 0.5, **done}})
    assert found == ({trial.id: 30} if last else {})


def test_models_still_getting_better_are_said_with_their_seeds():
    rows = [row("sae", "co-bps", 0.1, split, seed) for split in "ab" for seed in (0, 1)] + [row("gru", "co-bps", 0.1)]
    (sae, gru) = said(rows, last={"sae-a-1": 30, "sae-b-0": 30, "sae-b-1": 30, "gru-a-0": 20})
    assert sae == (
        "sae was still getting better at its last epoch: a (30 of 30, 1 of 2 seeds); b (30 of 30, 2 of 2 seeds); "
        "train it longer"
    )
    assert gru == "gru was still getting better at its last epoch: a (20 of 20); train it longer"


def of_units(values):
    return [
        row("smoothing", "true-rate R2", value, unit_index=k, seed=seed)
        for k, value in enumerate(values)
        for seed in (0, 1)
    ]


def test_a_unit_that_decides_the_mean_is_named():
    whole = [row("smoothing", "true-rate R2", -2474.625)]
    (line,) = said(whole + of_units([0.5, 0.6, -9899.0, -0.1]))
    assert line == (
        "a: a few units decide true-rate R2, the mean over units: smoothing mean −2474, median 0.2000, "
        "unit 2 (by position) alone −9899"
    )
    own = [{**one, "unit": 300 + one["unit_index"]} for one in of_units([0.5, 0.6, -9899.0, -0.1])]
    assert said(own)[0].endswith("unit 302 alone −9899")


@pytest.mark.parametrize("values", [[0.5, 0.6, 0.7, 0.1], [-0.3, -0.2], [0.9], [None, None]])
def test_a_mean_like_the_median_is_not_remarked(values):
    assert said(of_units(values)) == []


def test_a_run_tells_by_its_own_floor_and_records(tmp_path):
    run = RunFolder(str(tmp_path))
    trials = [
        Trial(name, {}, None if name == "zeros" else Training(epochs=7), "a", "d" * 64)
        for name in ("zeros", "sae", "gru")
    ]
    data = {"a": {"kind": "population"}}
    write_yaml(
        run.experiment,
        {"experiment": {"floor": "zeros"}, "data": data, "trials": [trial_to(trial) for trial in trials]},
    )
    done = {"best_epoch": 7, "epochs": 7, "validation_loss": 0.5}
    for trial in trials:
        files.make_folder(run.trial(trial.id).path)
        files.write_json(run.trial(trial.id).done, done)
    files.write_text(run.trial(trials[2].id).done, "{")
    scored = [
        row(trial.model, "co-bps", value) | {"run_trial": trial.id}
        for trial, value in zip(trials, (0.1, 0.0, 0.2), strict=True)
    ]
    write_metrics(
        run,
        [
            {
                **one,
                "phase": "val",
                "part": "eval",
                "judge": "raysp",
                "dataset": "a",
                "bin_ms": 5.0,
                "decoding": None,
                "standin": False,
            }
            for one in scored
        ],
    )
    assert remarks_of(run, "val") == [
        "sae is below zeros: a, co-bps 0.0000 against 0.1000",
        "sae was still getting better at its last epoch: a (7 of 7); train it longer",
    ]
