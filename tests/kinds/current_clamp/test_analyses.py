import pickle

import numpy as np
import polars
import pytest

from raysp.io import files, tables
from raysp.kinds.current_clamp import analyses
from raysp.kinds.current_clamp.analyses import write_analyses
from raysp.kinds.current_clamp.features import common_lines, features_of
from raysp.runs.folder import RunFolder
from raysp.runs.jobs import in_turn


def cells(count=132, seed=0):
    rng = np.random.default_rng(seed)
    lines = np.array(["Pvalb-IRES-Cre", "Rorb-IRES2-Cre", "Sst-IRES-Cre", "Tlx3-Cre", "Pvalb|Sst", ""])
    kind = np.arange(count) % 6
    fast = (kind == 0)[:, None]
    return polars.DataFrame(
        {
            "split": ["cells"] * count,
            "model": ["gfr"] * count,
            "protocol": ["clean"] * count,
            "best": [True] * count,
            "unit": np.arange(count),
            "species": np.where(kind < 4, "mouse", "human"),
            "dendrite": np.where(np.arange(count) // 6 % 2, "spiny", "aspiny"),
            "line": lines[kind],
            "alpha": (rng.normal(size=(count, 3)) + 3 * fast).tolist(),
            "beta": rng.normal(size=(count, 3)).tolist(),
            "poly_coeff": np.column_stack([np.full(count, 0.5), rng.uniform(1, 2, count)]).tolist(),
            "sigma": np.full(count, 200.0),
            "bin_ms": [20] * count,
            "bend": [[40.0, 80.0] if one % 2 else [] for one in range(count)],
            "bent": [[0.5, -0.25] if one % 2 else [] for one in range(count)],
            "bent_lambda": [[1.0, -np.expm1(-20 / 200)] if one % 2 else [] for one in range(count)],
            "threshold": rng.normal(100, 10, count),
            "gamma": rng.uniform(0.1, 0.2, count) + 0.05 * (kind < 4),
            "test_evr": np.where(np.arange(count) == 7, 0.4, 0.8),
        }
    )


def test_features_are_filters_and_the_activation_written_out():
    table = cells()
    found = features_of(table)
    filters = ("alpha_1", "alpha_2", "alpha_3", "beta_1", "beta_2", "beta_3")
    assert found.names == (*filters, "bent_0.2_0", "bent_0.4_200", "c0", "c1", "gamma")
    assert found.values.shape == (131, 11), "one cell explains too little"
    np.testing.assert_array_equal(found.values[:2, 6:8], [[0, 0], [0.5, -0.25]])
    assert found.words == "3 alpha, 3 beta, 2 bent, c0, c1, gamma"
    plain = features_of(table.with_columns(**{name: polars.lit([]) for name in ("bend", "bent", "bent_lambda")}))
    assert plain.names == (*filters, "c0", "c1", "gamma")
    one = table.row(0, named=True)
    a0, a1 = one["poly_coeff"]
    z = np.array([50.0, 120.0])
    c0, c1 = found.values[0, 8:10]
    np.testing.assert_allclose(c0 + c1 * z, a0**2 + a1**2 * (z - one["threshold"]) / one["sigma"])
    assert list(dict.fromkeys(found.group_of)) == ["alpha", "beta", "bent", "activation"]
    assert set(found.line) == {"Pvalb", "Rorb", "Sst", "Tlx3", ""}
    assert set(common_lines(found).line) == {"Pvalb", "Rorb", "Sst", "Tlx3"}
    assert set(common_lines(found, 21).line) == {"Pvalb", "Sst", "Tlx3"}, "of Rorb there are 21"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    run = RunFolder(str(tmp_path_factory.mktemp("run")))
    with pytest.MonkeyPatch.context() as patch:
        for name, least in (("decode", {"repeats": 2}), ("split_halves", {"halves": 2})):
            whole = getattr(analyses.cell_types, name)
            patch.setattr(analyses.cell_types, name, lambda *what, whole=whole, least=least: whole(*what, **least))
        write_analyses(run, cells())
    return run


def test_every_analysis_is_there_with_how_many_cells(written):
    table = tables.read_table(files.join(written.path, "analyses.parquet"))
    assert set(table["analysis"]) == {
        "decoding", "importance", "split halves", "clusters", "cluster by line", "leaf", "merge", "species",
        "separability",
    }  # fmt: skip
    decoded = table.filter(polars.col("analysis") == "decoding")
    assert decoded["item"].unique().sort().to_list() == [
        "excitatory or inhibitory, linear", "excitatory or inhibitory, mlp", "lines, linear", "lines, mlp",
    ]  # fmt: skip
    assert (decoded["count"] == 87).all()
    clusters = table.filter(polars.col("analysis") == "cluster by line")
    assert clusters["value"].sum() == 87
    assert table["features"].unique().to_list() == ["3 alpha, 3 beta, 2 bent, c0, c1, gamma"]
    merges, leaves = (table.filter(polars.col("analysis") == one) for one in ("merge", "leaf"))
    assert (len(leaves), len(merges), merges["count"][-1]) == (87, 86, 87)
    assert merges["value"].is_sorted()
    species = table.filter(polars.col("analysis") == "species")
    gamma = species.filter(polars.col("item") == "all, gamma").row(0, named=True)
    assert gamma["value"] > 0.7
    assert gamma["p"] < 0.01
    assert {item.partition(",")[0] for item in species["item"]} == {"all", "spiny", "aspiny"}
    assert table.filter(polars.col("item").str.ends_with("human by mouse, forest"))["statistic"].to_list() == [
        "ROC area"
    ]


def test_parts_of_many_cells_run_side_by_side_and_come_to_the_same_table(written, tmp_path, monkeypatch):
    asked, here, there = [], RunFolder(str(tmp_path / "here")), RunFolder(str(tmp_path / "there"))

    def jobs(function, calls):
        asked.extend(pickle.loads(pickle.dumps([args for args, _ in calls])))
        return in_turn(function, [(args, {}) for args in asked])

    write_analyses(here, cells(60))
    monkeypatch.setattr(analyses, "FEW", 59)
    write_analyses(there, cells(60), jobs)
    assert [part for _, part in asked] == list(analyses.PARTS)
    one, other = (tables.read_table(files.join(run.path, "analyses.parquet")) for run in (here, there))
    assert one.equals(other)


def test_the_same_cells_are_not_analysed_twice_and_too_few_leave_no_table(written, monkeypatch):
    path = files.join(written.path, "analyses.parquet")
    before = files.stamp(path)
    monkeypatch.setattr(analyses, "analysed", lambda found, part: 1 / 0)
    write_analyses(written, cells())
    assert files.stamp(path) == before
    monkeypatch.undo()
    write_analyses(written, cells(12))
    assert not files.exists(path)
