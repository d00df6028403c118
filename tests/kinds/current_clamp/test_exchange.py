"""The published project's files, written, read and written again; and what is refused of them."""

import json
import math
import pickle
import subprocess
import sys

import numpy as np
import polars
import pytest
import torch
from click.testing import CliRunner
from polars.testing import assert_frame_equal

import raysp
from raysp.cli import main
from raysp.errors import BadInput, NotReady
from raysp.io import tables
from raysp.kinds.current_clamp.exchange import export, take_in
from raysp.kinds.current_clamp.kind import KIND
from raysp.kinds.current_clamp.parameters_file import FORMAT
from raysp.models.gfr.parameters import lambdas

NUMBERS = [
    "unit",
    "bin_ms",
    "activation_bin_ms",
    "alpha",
    "beta",
    "lambda",
    "poly_coeff",
    "sigma",
    "gamma",
    "threshold",
]
SCORES = ["validation_evr", "test_evr", "train_loss", "test_loss"]


def record(**changes):
    terms = lambdas(20).tolist()
    params = {
        "a": [[8.0, *[0.1] * 7]],
        "b": [[-0.3] * 8],
        "ds": terms,
        "bin_size": 20,
        "g": {
            "max_current": [200.0],
            "max_firing_rate": [0.15],
            "poly_coeff": [[0.3, 1.5]],
            "b": [100.0],
            "bin_size": 100,
        },
    }
    common = {"cell_id": 566517779, "cre-line": "Chrna2-Cre", "bin_size": 20, "actv_bin_size": 100, "val_evr": 0.595}
    return {**common, "test_evr": 0.585, "train_loss": 0.152, "test_loss": 0.038, "params": params, **changes}


def write(path, *records):
    path.write_text(json.dumps(list(records)))
    return str(path)


@pytest.mark.parametrize("form", KIND.exports)
def test_what_is_written_is_read_as_it_was_to_the_bit_and_written_the_same(made, tmp_path, form):
    file, again, table = (str(tmp_path / name) for name in ("out", "again", "in.parquet"))
    words = export(made.run.path, file, form)
    assert words.startswith(f"{file}: 4 fits by protocol clean")
    assert "4 fits of 4 cells" in take_in(file, table, form)
    ours, theirs = raysp.load_cells(made.run.path), raysp.load_cells(table)
    assert_frame_equal(ours.select(NUMBERS), theirs.select(NUMBERS), check_exact=True)
    assert_frame_equal(ours.select(SCORES), theirs.select(SCORES), check_exact=True)
    export(table, again, form)
    read = (lambda path: path.read_bytes()) if form != "gfr-cells" else lambda path: [
        each.read_bytes() for each in sorted(path.iterdir())
    ]  # fmt: skip
    assert read(tmp_path / "out") == read(tmp_path / "again")


def test_json_has_the_published_fields_and_bare_nan_for_a_cell_without_a_line(made, tmp_path):
    export(made.run.path, str(tmp_path / "cells.json"), "gfr-json", protocol="paper")
    found = json.loads((tmp_path / "cells.json").read_text())
    one = found[0]
    assert list(one) == [
        "cell_id", "cre-line", "bin_size", "actv_bin_size", "val_evr", "test_evr", "train_loss", "test_loss", "params",
    ]  # fmt: skip
    assert list(one["params"]) == ["a", "b", "ds", "bin_size", "g"]
    assert list(one["params"]["g"]) == ["max_current", "max_firing_rate", "poly_coeff", "b", "bin_size"]
    assert one["params"]["ds"] == pytest.approx(lambdas(20))
    path = write(tmp_path / "mine.json", record(**{"cre-line": math.nan}), record(cell_id=7))
    assert "NaN" in (tmp_path / "mine.json").read_text()
    take_in(path, str(tmp_path / "mine.parquet"), "gfr-json")
    assert raysp.load_cells(str(tmp_path / "mine.parquet"))["line"].to_list() == ["Chrna2-Cre", ""]


def test_an_imported_cell_is_the_neuron_that_its_parameters_say(tmp_path):
    params = record()["params"]
    params["a"], params["b"] = [[8, 0.1, -0.05, 0.1, 0.15, 0.08, 0.05, 0.02]], [
        [-0.4, -0.3, -0.35, -0.4, -0.25, -0.2, -0.15, -0.1]
    ]  # fmt: skip
    take_in(write(tmp_path / "one.json", record(params=params)), str(tmp_path / "one.parquet"), "gfr-json")
    cell = raysp.load_cell(str(tmp_path / "one.parquet"), 566517779)
    current = torch.tensor([0, 0, *[150] * 6, 0, 0, 0, *[220] * 4, 60, 60, 120, 120, 120], dtype=torch.float64)
    found = cell(current[:, None])[:, 0].detach().numpy()
    # Published numbers.
    np.testing.assert_allclose(found[[2, 3, 7, 11, 14, 19]],
                               [0.0950412540, 0.0736513046, 0.0618893148, 0.1340572525, 0.1138053002, 0.0275832949],
                               rtol=1e-6)  # fmt: skip


def test_time_constants_of_ones_own_come_back(tmp_path):
    own = {name: [[1.0, 0.5, 0.25]] for name in "ab"} | {"ds": lambdas(20, (30.0, 3000.0)).tolist()}
    path, table = (
        write(tmp_path / "own.json", record(params={**record()["params"], **own})),
        str(tmp_path / "own.parquet"),
    )
    take_in(path, table, "gfr-json")
    assert raysp.load_cells(table)["lambda"].to_list() == [own["ds"]]


def test_a_cell_that_is_not_there_or_not_at_this_width_is_named_with_what_there_is(made):
    with pytest.raises(BadInput, match="no fitted cell 6: the nearest number is 5; there are 4, from 5 to 14"):
        raysp.load_cell(made.run.path, 6)
    with pytest.raises(BadInput, match="bin_ms expected 20 ms, got 50 ms"):
        raysp.load_cell(made.run.path, 5, 50)


def test_importing_raysp_alone_imports_no_library():
    code = "import raysp, sys; assert not {'torch', 'polars', 'numpy', 'ray'} & set(sys.modules); raysp.load_cell"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert {"load_cell", "load_cells"} <= set(dir(raysp))
    with pytest.raises(AttributeError, match="no attribute 'load_neuron'"):
        raysp.load_neuron


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ([record(), record()], "each cell once at each width of bins, got cell 566517779 more than once"),
        ([record(bin_size=50)], "another width of bins"),
        (
            [record(bin_size=100, params={**record()["params"], "bin_size": 100})],
            "of bins of 100 ms, got filters of 20 ms",
        ),
        ([record(params={**record()["params"], "b": [[0.0] * 7]})], "as many alphas and betas as lambdas"),
        ([record(params={**record()["params"], "g": {**record()["params"]["g"], "max_current": []}})], "IndexError"),
        ([record(params={**record()["params"], "g": {**record()["params"]["g"], "max_current": [0]}})], "above 0"),
        ([record(params={})], "expected the parameters of a cell"),
        ([record(params={**record()["params"], "a": [[math.nan] * 8]})], "expected finite parameters"),
        ([], "expected parameters of cells, found none"),
        ([3], "expected a list of records"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, records, words):
    with pytest.raises(BadInput, match=words):
        take_in(write(tmp_path / "bad.json", *records), str(tmp_path / "table.parquet"), "gfr-json")


def test_a_pickle_that_asks_for_more_than_numbers_is_refused_and_a_missing_file_is_named(tmp_path):
    class Trap:
        def __reduce__(self):
            return print, ("run",)

    (tmp_path / "trap.pickle").write_bytes(pickle.dumps({(20, 20): {1: Trap()}}, protocol=4))
    with pytest.raises(BadInput, match="refused, and nothing was run"):
        take_in(str(tmp_path / "trap.pickle"), str(tmp_path / "table.parquet"), "gfr-pickle")
    with pytest.raises(NotReady, match="no file"):
        take_in(str(tmp_path / "none.json"), str(tmp_path / "table.parquet"), "gfr-json")
    (tmp_path / "text.json").write_text("{")
    with pytest.raises(BadInput, match="expected JSON"):
        take_in(str(tmp_path / "text.json"), str(tmp_path / "table.parquet"), "gfr-json")
    with pytest.raises(BadInput, match=r"ends in \.parquet"):
        take_in(str(tmp_path / "text.json"), str(tmp_path / "table.csv"), "gfr-json")


def test_old_pickles_hold_tensors(tmp_path):
    params = record()["params"]
    params |= {name: torch.tensor(params[name], dtype=torch.float32) for name in ("a", "b", "ds")}
    fit = {"params": params, "evr1": 0.6, "evr2": 0.5, "train_losses": [0.3, 0.2], "test_losses": [0.4], "bin_size": 20}
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "7.pickle").write_bytes(pickle.dumps(fit, protocol=4))
    take_in(str(tmp_path / "cells"), str(tmp_path / "table.parquet"), "gfr-cells")
    (row,) = raysp.load_cells(str(tmp_path / "table.parquet")).to_dicts()
    assert (row["unit"], row["train_loss"], row["validation_evr"], row["activation_bin_ms"]) == (7, 0.2, 0.6, 100)
    assert row["alpha"][1] == np.float32(0.1)


def test_a_factor_of_its_own_and_widths_that_a_form_cannot_hold_are_refused(made, tmp_path):
    table = raysp.load_cells(made.run.path)
    for changed, form, words in (
        (table.with_columns(feedback=polars.lit(1.0)), "gfr-json", "expected the feedback factor 1000"),
        (
            polars.concat([table, table.with_columns(activation_bin_ms=polars.lit(100, polars.Int64))]),
            "gfr-cells",
            "gfr-pickle",
        ),
    ):
        path = str(tmp_path / f"{form}.parquet")
        tables.write_table(path, changed, {"format": FORMAT, "kind": "parameters of cells"})
        with pytest.raises(BadInput, match=words):
            export(path, str(tmp_path / "out"), form)


def test_a_form_that_holds_no_bent_input_takes_the_best_candidate_without(made, tmp_path):
    table = tables.read_table(f"{made.run.path}/parameters.parquet")
    clean = table.filter(polars.col("best") & (polars.col("protocol") == "clean")).sort("unit")
    bent = clean[:1].with_columns(
        candidate=polars.lit(99, polars.Int64),
        validation_evr=2.0,
        bend=polars.lit([30.0]),
        bent=polars.lit([0.5]),
        bent_lambda=polars.lit([1.0]),
        test_evr=0.9,
    )
    passed_over = clean[:1].with_columns(chosen=False, best=False, test_evr=polars.lit(None, polars.Float64))
    path, file = str(tmp_path / "cells.parquet"), tmp_path / "cells.json"
    tables.write_table(
        path, polars.concat([bent, passed_over, clean[1:]]), {"format": FORMAT, "kind": "parameters of cells"}
    )
    assert "4 fits by protocol clean" in (words := export(path, str(file), "gfr-json"))
    assert "of 1 another was chosen, with bent inputs" in words
    first, *others = json.loads(file.read_text())
    assert first["params"]["a"] == [clean["alpha"][0].to_list()]
    assert math.isnan(first["test_evr"])
    assert [one["test_evr"] for one in others] == clean["test_evr"][1:].to_list()
    neuron = raysp.load_cell(path, clean["unit"][0])
    low, high = (neuron(torch.full((9, 1), current, dtype=torch.float64)) for current in (29.0, 400.0))
    plain = raysp.load_cell(made.run.path, clean["unit"][0])
    assert torch.equal(plain(torch.full((9, 1), 29.0, dtype=torch.float64)), low)
    assert not torch.equal(plain(torch.full((9, 1), 400.0, dtype=torch.float64)), high)


def test_cells_without_any_fit_that_a_form_can_hold_are_counted_and_not_lost_silently(made, tmp_path):
    table = tables.read_table(f"{made.run.path}/parameters.parquet")
    clean = table.filter(polars.col("best") & (polars.col("protocol") == "clean")).sort("unit")
    inputs = {name: polars.lit([value]) for name, value in (("bend", 30.0), ("bent", 0.5), ("bent_lambda", 1.0))}
    bent, note = clean[:1].with_columns(**inputs), {"format": FORMAT, "kind": "parameters of cells"}
    some, none, file = (str(tmp_path / name) for name in ("some.parquet", "none.parquet", "cells.json"))
    tables.write_table(some, polars.concat([bent, clean[1:]]), note)
    tables.write_table(none, bent, note)
    assert "; 1 have no fit without bent inputs, and are not in it" in export(some, file, "gfr-json")
    with pytest.raises(BadInput, match="no cell to write without bent inputs, which gfr-json cannot hold: fit with"):
        export(none, file, "gfr-json")


def test_the_verbs(made, tmp_path):
    file, table = str(tmp_path / "cells.json"), str(tmp_path / "cells.parquet")

    def said(*line):
        return CliRunner().invoke(main, line, catch_exceptions=False)

    done = said("export", made.run.path, file, "--as", "gfr-json", "--set", "protocol=paper")
    assert done.exit_code == 0
    assert "by protocol paper" in done.output
    assert said("import", file, table, "--as", "gfr-json").exit_code == 0
    assert said("export", table, file, "--as", "gfr-json").exit_code == 0
    for line in (
        ("export", made.run.path, file, "--as", "gfr-jsn"),
        ("export", made.run.path, file, "--as", "gfr-json", "--set", "protocols=paper"),
        ("export", made.run.path, file, "--as", "gfr-json", "--set", "paper"),
    ):
        assert said(*line).exit_code == 2
