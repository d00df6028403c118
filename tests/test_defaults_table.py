"""The table of models at their defaults: cells of earlier runs stay, and are marked where the code is another."""

import importlib.util
import pathlib

import polars
import pytest

PATH = pathlib.Path(__file__).parent.parent / "benchmarks" / "defaults_table.py"


@pytest.fixture(scope="module")
def table():
    spec = importlib.util.spec_from_file_location("defaults_table", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def cells(table, *rows):
    names = ("recording", "model", "seed", "code", "score")
    return polars.DataFrame([{**dict.fromkeys(table.SCHEMA), **dict(zip(names, row, strict=True))} for row in rows],
                            schema=table.SCHEMA)  # fmt: skip


def test_a_cell_takes_the_place_of_its_own_alone(table):
    old = cells(table, ("a", "sae", 0, "x", 0.1), ("a", "sae", 1, "x", 0.3), ("b", "sae", 0, "x", 0.5))
    both = table.merged(old, cells(table, ("a", "sae", 1, "y", 0.4)))
    assert both["score"].to_list() == [0.1, 0.4, 0.5]
    before = old.drop("seed", "code").filter(polars.col("recording") == "b")
    assert table.merged(before, old.head(2))["code"].to_list() == ["x", "x", ""]


def test_the_page_marks_what_other_code_measured_and_averages_seeds(table):
    today = table.codes(table.load_experiment(str(table.EXPERIMENT)))
    rows = cells(
        table,
        ("made_up-1bin", "mean_rate", 0, today["mean_rate"], -0.1),
        ("made_up-1bin", "sae", 0, today["sae"], 0.1),
        ("made_up-1bin", "sae", 1, "other", 0.3),
    )
    (line,) = [line for line in table.page(rows).splitlines() if line.startswith("| made_up-1bin | −")]
    assert line.startswith("| made_up-1bin | −0.1000 | - | - | 0.2000° ×2 |")
    assert "made_up-1bin (smoothing, reduced_rank, masked_gru" in table.page(rows)
