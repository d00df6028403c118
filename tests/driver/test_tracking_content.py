"""What MLflow is given of a trial, whatever its split, settings and scores are called."""

import pytest
from mlflow.utils.validation import _validate_metric_name, _validate_param_name

from raysp.config.experiment import Training, Trial
from raysp.driver.tracking_content import params_of, scores_of, tags_of
from raysp.runs.folder import RunFolder
from raysp.runs.metrics_table import SCHEMA, write_metrics


@pytest.mark.parametrize(
    ("split", "found"),
    [
        ("standin-mc_maze-20ms-val", ("val", "standin-mc_maze", "20")),
        ("monkey-rhythms-val", (None, None, None)),
        ("monkey-2.5ms-test", (None, None, None)),
        ("ms-val", (None, None, None)),
    ],
)
def test_only_what_is_called_as_the_benchmarks_splits_has_their_tags(split, found):
    tags = tags_of(Trial("sae", {}, None, split, "d"), "parent")
    assert (tags.get("phase"), tags.get("dataset"), tags.get("bin_ms")) == found
    assert tags["split"] == split


def test_a_models_own_seed_stands_beside_the_trials():
    own = {"seed": 0, "split": "x", "epochs": 3, "hidden": [1, 2]}
    found = params_of(Trial("mine", own, Training(epochs=7), "a", "d", seed=5))
    assert (found["seed"], found["split"], found["epochs"], found["hidden"]) == ("5", "a", "7", "[1, 2]")
    assert (found["model.seed"], found["model.split"], found["model.epochs"]) == ("0", "x", "3")
    assert params_of(Trial("mine", own, None, "a", "d"))["epochs"] == "3"
    for name in found:
        _validate_param_name(name)


def test_every_score_has_a_name_that_mlflow_takes_and_no_two_the_same(tmp_path):
    variables = ["x+", "x", "x*", "a//b/", "../c", "y" * 300, "θ (rad)", None]
    common = {**dict.fromkeys(SCHEMA), "run_trial": "t", "part": "eval", "metric": "behavior R2"}
    rows = [{**common, "parameter": name, "value": float(place)} for place, name in enumerate(variables)]
    rows += [{**common, "metric": "undefined", "value": value} for value in (None, float("inf"))]
    write_metrics(RunFolder(str(tmp_path)), rows)
    found = scores_of(RunFolder(str(tmp_path)))["t"]
    assert sorted(found.values()) == list(range(len(variables)))
    for name in found:
        _validate_metric_name(name)
    assert found["eval/behavior R2 θ rad"] == 6.0
