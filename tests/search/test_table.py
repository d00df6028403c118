import polars
import pytest

from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.search.result import read_result
from raysp.search.study import Candidate
from raysp.search.table import FIRST, LAST, _column, read_table, varied, write_table
from tests.search.recorded import end, fail, finish, study


@pytest.fixture
def made(tmp_path):
    found = study(tmp_path)
    end(found, 0, validation_loss=0.3, co_bps=0.1)
    end(found, 1, validation_loss=0.1)
    return found


def written(made):
    write_table(made.run, [read_result(made)])
    return read_table(made.run)


def test_every_trial_is_a_row_with_its_numbers_and_settings(made):
    table = written(made)
    assert table["candidate"].to_list() == [0, 1, 2]
    assert table["state"].to_list() == ["done", "done", "waiting"]
    assert table["winner"].to_list() == [False, True, False]
    assert table["rank"].to_list() == [2, 1, None]
    assert table["validation_loss"].to_list() == [0.3, 0.1, None]
    assert table["co-bps"].to_list() == [0.1, None, None]
    assert table["model.hidden"].to_list() == table["model.encoder_hidden"].to_list() == [100, 32, 64]
    assert table["training.schedule"].to_list() == ["constant", "plateau", "constant"]
    assert table["source"].to_list() == ["defaults", "tpe", "tpe"]
    assert table["run_trial"].to_list() == [made.trial(one, 0).id for one in made.candidates()]


def test_an_inactive_setting_is_null(made):
    assert written(made)["training.plateau_patience"].to_list() == [None, 20, None]
    assert "training.plateau_patience" not in varied(read_result(made), 0)


def test_columns_have_their_types(made):
    schema = written(made).schema
    for name, kind in {**FIRST, **LAST}.items():
        assert schema[name] == getattr(polars, kind)
    assert schema["validation_loss"] == polars.Float64
    assert schema["model.hidden"] == schema["training.plateau_patience"] == polars.Int64
    assert schema["model.dropout"] == polars.Float64
    assert schema["training.schedule"] == polars.String
    assert list(schema)[: len(FIRST)] == list(FIRST)


def test_each_row_says_where_it_comes_from(made):
    table = written(made)
    row = table.row(0, named=True)
    assert (row["sweep"], row["model"], row["split"], row["standin"]) == ("swept", "sae", "standin-x-20ms-val", True)
    assert (row["device"], row["host"], row["commit"], row["code"], row["torch"]) == ("cpu", "here", "abc", "def", "2")
    assert (row["best_epoch"], row["epochs"], row["parameters"], row["seconds"]) == (7, 9, 1234, 1.5)
    assert (row["data"], row["sampler"], row["study_seed"]) == ("f" * 64, "tpe", 0)
    assert table.row(2, named=True)["commit"] is None


def test_failed_and_stopped_trials_and_the_final_are_rows(made):
    fail(made, 2)
    end(made, 1, seed=9, validation_loss=0.2, stopped_at=None)
    finish(made, finalists=[1], final_seeds=[9])
    table = written(made)
    assert table["stage"].to_list() == ["search"] * 3 + ["final"]
    assert table["seed"].to_list() == [0, 0, 0, 9]
    assert table["error"].to_list() == [None, None, "ValueError: no luck", None]
    end(made, 0, validation_loss=0.3, stopped_at=10)
    assert written(made)["stopped_at"].to_list()[0] == 10


def test_switches_and_missing_choices_have_their_columns(tmp_path):
    space = {"training.optimizer": {"choice": ["adam", "adamw"]}, "model.coordinated_dropout": {"choice": [0, 0.5]}}
    made = study(tmp_path, candidates=0, space=space)
    made.add(Candidate(0, "tpe", {"training.optimizer": "adam", "model.coordinated_dropout": 0}))
    made.add(Candidate(1, "tpe", {"training.optimizer": "adamw", "model.coordinated_dropout": 0.5}))
    table = written(made)
    assert table["training.optimizer"].to_list() == ["adam", "adamw"]
    assert table["model.coordinated_dropout"].to_list() == [0.0, 0.5]


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        ([True, None, False], "Boolean", [True, None, False]),
        ([1, None, 3], "Int64", [1, None, 3]),
        ([1, 0.5], "Float64", [1.0, 0.5]),
        (["a", None], "String", ["a", None]),
        ([[3, 5], [3]], "String", ["[3, 5]", "[3]"]),
        ([True, 3], "String", ["true", "3"]),
    ],
)
def test_a_column_takes_the_type_that_holds_all_its_values(values, kind, expected):
    found = _column("x", values)
    assert found.dtype == getattr(polars, kind)
    assert found.to_list() == expected


def test_there_is_no_table_before_one_is_written(made):
    with pytest.raises(NotReady, match=r"no sweep\.parquet"):
        read_table(made.run)


def test_a_damaged_table_is_refused_and_can_be_written_anew(made):
    whole = written(made)
    files.write_text(made.run.table, "PAR1 and then nothing")
    with pytest.raises(BadInput, match="is damaged"):
        read_table(made.run)
    assert written(made).equals(whole)
