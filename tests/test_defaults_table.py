"""The table of models at their defaults: cells of earlier runs stay, and are marked where the code is another."""

import dataclasses
import importlib.util
import pathlib

import polars
import pytest

PATH = pathlib.Path(__file__).parent.parent / "benchmarks" / "defaults_table.py"


@pytest.fixture(scope="module")
def table():
    spec = importlib.util.spec_from_file_location("defaults_table", PATH)
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(PATH.parent)
        spec.loader.exec_module(module)
    return module


def cells(table, *rows):
    names, blank = ("recording", "model", "seed", "code", "score"), {"measure": "co-bps", "data": "d"}
    whole = [{**dict.fromkeys(table.SCHEMA), **blank, **dict(zip(names, row, strict=True))} for row in rows]
    return polars.DataFrame(whole, schema=table.SCHEMA)


def test_a_cell_takes_the_place_of_its_own_alone_and_of_those_of_other_data(table):
    old = cells(table, ("a", "sae", 0, "x", 0.1), ("a", "sae", 1, "x", 0.3), ("b", "sae", 0, "x", 0.5))
    both = table.merged(old, cells(table, ("a", "sae", 1, "y", 0.4)))
    assert both["score"].to_list() == [0.1, 0.4, 0.5]
    other = table.merged(both, cells(table, ("a", "sae", 1, "y", 0.2)).with_columns(data=polars.lit("other")))
    assert other.select("recording", "score").rows() == [("a", 0.2), ("b", 0.5)]
    assert table.merged(None, old).height == 3


def test_what_is_missing_comes_before_what_other_code_measured_and_baselines_before_networks(table):
    experiment = table.load_experiment(str(table.EXPERIMENT))
    experiment = dataclasses.replace(experiment, recordings=experiment.recordings[:2]).choose(("mean_rate", "sae"))
    first, second = (one.name for one in experiment.recordings)
    today = {"mean_rate": "new", "sae": "new"}
    known = cells(table, (first, "mean_rate", 0, "old", 0.1), (first, "sae", 0, "new", 0.1))
    assert list(table.missing(known, experiment, today)) == [
        (second, "mean_rate", 0),
        (second, "sae", 0),
        *[(name, "sae", seed) for seed in (1, 2) for name in (first, second)],
        (first, "mean_rate", 0),
    ]
    assert len(list(table.missing(None, experiment, today))) == 8


def test_a_cell_is_measured_and_one_that_takes_too_long_says_so(table, monkeypatch):
    cell = ("made_up-1bin", "mean_rate", 0)
    row = table.measured(cell, "x", "")
    assert row["measure"] == "co-bps"
    assert row["score"] is not None
    assert polars.DataFrame([row], schema=table.SCHEMA).height == 1

    def stuck(*given, **more):
        table._give_up(0, None)

    monkeypatch.setattr(table.raysp, "fit", stuck)
    assert table.measured(cell, "x", "") | {"seconds": None} == row | dict.fromkeys(
        ("score", "ratio", "weight", "seconds")
    ) | {"measure": "too long"}


def test_the_page_marks_what_other_code_measured_and_averages_seeds(table):
    today = table.codes(table.load_experiment(str(table.EXPERIMENT)))
    rows = cells(
        table,
        ("made_up-1bin", "mean_rate", 0, today["mean_rate"], -0.1),
        ("made_up-1bin", "sae", 0, today["sae"], 0.1),
        ("made_up-1bin", "sae", 1, "other", 0.3),
    )
    long = cells(table, ("made_up-1bin", "ndt", 0, today["ndt"], None)).with_columns(measure=polars.lit("too long"))
    blocks = table.blocks(polars.concat([rows, long]))
    assert blocks["defaults_scores"][2].startswith("| made_up-1bin | −0.1000 | - | - | 0.2000°\u00a0×2 |")
    of = "smoothing, reduced_rank, masked_gru, unet, masked_cnn, lfads, ensemble, true_rates"
    assert f"- {of}: made_up-1bin" in blocks["defaults_unmeasured"]
    assert "- made_up-1bin: ndt" in blocks["defaults_too_long"]


def test_other_seeds_of_a_model_that_today_s_code_gave_up_are_given_up_too(table):
    rows = cells(table, ("a", "sae", 0, "x", None), ("b", "sae", 0, "y", None), ("c", "sae", 0, "x", 0.1))
    rows = rows.with_columns(measure=polars.when(polars.col("score").is_null()).then(polars.lit("too long")))
    assert table.given_up_today(rows, {"sae": "x"}) == {"a": {"sae"}}
    assert table.given_up_today(None, {}) == {}


def test_the_page_is_that_of_its_cells_but_for_marks_of_code_that_changed_since(table):
    text = table.PAGE.read_text()
    of_today = table.study_tables.filled(text, table.blocks(polars.read_parquet(table.TABLE)))
    assert of_today.replace(table.OTHER, "") == text.replace(table.OTHER, "")
