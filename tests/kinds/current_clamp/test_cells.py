import numpy as np
import polars
import pytest

from raysp.errors import BadInput, NotReady
from raysp.io import files, tables
from raysp.kinds.current_clamp.cells import best_cells, marked, read_cells, write_cells
from raysp.kinds.current_clamp.parameters_file import FORMAT
from raysp.runs.folder import RunFolder


def rows(*each):
    common = {"split": "cells", "protocol": "paper", "bin_ms": 20, "activation_bin_ms": 20, "unit": 1}
    common |= {"chosen": True, "status": "fitted", "train_loss": 0.1}
    return polars.DataFrame([{**common, **one} for one in each])


def test_the_best_fit_is_that_of_the_largest_explained_variance_on_validation_the_first_of_equals():
    table = marked(rows(
        {"validation_evr": 0.4}, {"validation_evr": 0.6}, {"validation_evr": 0.6}, {"validation_evr": np.nan},
        {"validation_evr": 0.9, "chosen": False}, {"validation_evr": 0.9, "status": "failed"},
        {"validation_evr": 0.2, "bin_ms": 100}, {"validation_evr": 0.2, "protocol": "clean"},
        {"validation_evr": 0.3, "unit": 2}, {"validation_evr": np.nan, "unit": 3},
    ))  # fmt: skip
    assert table["best"].to_list() == [False, True, False, False, False, False, True, True, True, True]


def write(path, table):
    tables.write_table(path, marked(table), {"format": FORMAT, "kind": "parameters of cells"})
    return path


def test_clean_fits_are_preferred_the_published_filter_is_strict_and_protocols_are_named(tmp_path):
    path = write(str(tmp_path / "cells.parquet"), rows(
        {"validation_evr": 0.5}, {"validation_evr": 0.6, "unit": 2},
        {"validation_evr": 0.7, "unit": 3, "train_loss": 0.45},
        {"validation_evr": 0.1, "protocol": "clean", "unit": 9},
    ))  # fmt: skip
    assert best_cells(path)["unit"].to_list() == [9]
    assert best_cells(path, "paper")["unit"].to_list() == [1, 2, 3]
    assert best_cells(path, "paper", published=True)["unit"].to_list() == [2]
    with pytest.raises(BadInput, match="protocol clean or paper, got best"):
        best_cells(path, "best")


def test_two_recordings_with_a_cell_of_one_number_are_refused(tmp_path):
    path = write(
        str(tmp_path / "cells.parquet"), rows({"validation_evr": 0.5}, {"validation_evr": 0.6, "split": "two"})
    )
    with pytest.raises(BadInput, match="expected each cell once, got cell 1 in"):
        best_cells(path)
    assert best_cells(path, split="two")["validation_evr"].to_list() == [0.6]
    with pytest.raises(BadInput, match=r"unknown split of .* 'to': did you mean 'two'"):
        best_cells(path, split="to")


def test_a_runs_table_has_scores_of_what_predicted_and_metadata(made):
    table = read_cells(made.run.path)
    chosen = table.filter("chosen")
    assert chosen["test_evr"].is_not_null().all()
    assert table.filter(~polars.col("chosen"))["test_evr"].is_null().all()
    assert table["standin"].all()
    metrics = polars.read_parquet(made.run.metrics)
    one = chosen.filter(polars.col("model") == "gfr").row(0, named=True)
    of_one = (polars.col("model") == "gfr") & (polars.col("unit") == one["unit"]) & (polars.col("metric") == "EVR")
    assert metrics.filter(of_one)["value"].to_list() == [one["test_evr"]]
    paper = chosen.filter(polars.col("model") == "gfr_paper").row(0, named=True)
    assert one["species"].startswith("species ")
    if paper["test_losses"]:
        assert paper["test_loss"] == paper["test_losses"][-1]


def test_a_run_without_fits_has_no_table_and_says_what_to_do(made, tmp_path):
    empty = RunFolder(str(tmp_path / "run"))
    record = files.read_text(made.run.experiment)
    files.write_text(empty.experiment, record)
    write_cells(empty)
    with pytest.raises(NotReady, match=r"expected parameters\.parquet, found none"):
        read_cells(empty.path)
    with pytest.raises(NotReady, match="is not a run folder"):
        read_cells(str(tmp_path / "nothing"))
