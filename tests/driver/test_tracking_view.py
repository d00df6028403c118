import json

from raysp.driver.tracking_view import LONGEST_VIEW, differing, shown, view


def test_settings_that_differ_within_a_model_are_columns_and_others_are_not():
    trials = [
        {"model": "a", "split": "x", "seed": "0", "rate": "1", "width": "8"},
        {"model": "a", "split": "y", "seed": "1", "rate": "2", "width": "8"},
        {"model": "b", "split": "x", "seed": "0", "depth": "3", "width": "9"},
    ]
    assert differing(trials) == ["rate"]
    assert differing([]) == []


def test_scores_of_the_evaluation_trials_come_first_and_parts_of_a_score_do_not():
    scored = ["eval/roughness", "eval/co-bps", "eval/vel R2", "eval/roughness held-in", "curve/co-bps", "seconds"]
    best = ["validation/co-bps", "validation/validation_loss"]
    assert shown([scored, best]) == ["eval/co-bps", "eval/vel R2", "eval/roughness", "validation/validation_loss"]
    # Of behaviour, what is averaged over its variables, decoded from a bin and from a history of bins.
    decoded = ["behavior R2", "behavior R2 with history"]
    ways = [f"eval/{way} {part}" for way in decoded for part in ("variable 0", "variable 1", "mean over variables")]
    assert shown([["eval/co-bps", *ways]]) == ["eval/co-bps", *(f"eval/{way} mean over variables" for way in decoded)]
    # A sweep's trials have no scores.
    assert shown([best, ["curve/co-bps"]]) == best
    assert shown([]) == []


def test_the_view_is_sorted_by_the_first_score_and_fits_where_it_is_kept():
    trials = [({"model": "a", "rate": str(n)}, ["eval/co-bps"]) for n in range(3)]
    found = json.loads(view(trials))
    assert found["selectedColumns"] == ["metrics.`eval/co-bps`", "params.`rate`"]
    assert (found["orderByKey"], found["orderByAsc"]) == ("metrics.`eval/co-bps`", False)
    # Of losses, and of scores that are the better the lower they are, the lowest is on top.
    for name in ("validation/validation_loss", "eval/tp corr", "eval/masked deviance", "validation/unseen_loss"):
        assert json.loads(view([({}, [name])]))["orderByAsc"], name
    many = [({"model": "a", **{f"setting {k:03}": str(n) for k in range(200)}}, []) for n in range(2)]
    assert len(view(many)) <= LONGEST_VIEW
    assert "params.`setting 000`" in json.loads(view(many))["selectedColumns"]
