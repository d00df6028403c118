import json

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from raysp.data.formats import json_arrays
from raysp.errors import BadInput

FRAME = pandas.DataFrame({"unit": [3, 1, 3], "time": [0.5, 1.25, 7.0]})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"3": [0.5, 1.0], "7": [2.0]}, {"3": [0.5, 1.0], "7": [2.0]}),
        ([[0.5, 1.0], [2.0], []], {"row_0": [0.5, 1.0], "row_1": [2.0], "row_2": []}),
        ([[1, 2], [3, 4]], {"row": [[1, 2], [3, 4]]}),
        ({"a": {"b": [1, None]}, "rate": 30}, {"a/b": [1.0, np.nan], "rate": 30}),
        ([{"side": "l", "go": 1.0}, {"side": None, "go": 2.5}], {"side": ["l", ""], "go": [1.0, 2.5]}),
        ([{"unit": 3, "times": [1.0, 2.0]}, {"unit": 4, "times": []}], {"unit": [3, 4], "times": [[1.0, 2.0], []]}),
        *(
            (json.loads(FRAME.to_json(orient=orient)), {"unit": [3, 1, 3], "time": [0.5, 1.25, 7.0]})
            for orient in ("columns", "records", "split")
        ),
    ],
)
def test_lists_are_arrays_by_their_names(tmp_path, value, expected):
    (tmp_path / "x.json").write_text(json.dumps(value))
    found = json_arrays.columns(str(tmp_path / "x.json"))
    assert list(found) == list(expected)
    for name, one in expected.items():
        if found[name].dtype == object:
            assert [each.tolist() for each in found[name]] == one
        else:
            np.testing.assert_array_equal(found[name], one)


@given(st.dictionaries(st.integers(0, 99).map(str), st.lists(st.floats(0, 1e6), min_size=1), min_size=1))
def test_times_come_to_the_last_bit(tmp_path_factory, times):
    path = tmp_path_factory.mktemp("json") / "x.json"
    path.write_text(json.dumps(times))
    found = json_arrays.columns(str(path))
    assert {name: one.tolist() for name, one in found.items()} == times


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": [1, 2', "expected JSON, got something else"),
        ('{"a": [1], "a": [2]}', "'a' is there more than once"),
        ("{}", "holds no list of numbers; save its spikes as a table"),
        ("[1, [2, 3]]", "expected lists, or numbers, got both in one list"),
        ('[{"unit": 1, "times": [[1], [2, 3]]}]', "expected"),
        ('{"a":' * 30 + "1" + "}" * 30, "lies too deep"),
    ],
)
def test_other_json_is_answered_with_how_to_write_it(tmp_path, text, message):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(BadInput, match=message):
        json_arrays.columns(str(tmp_path / "x.json"))


def test_what_takes_more_memory_than_there_is_is_refused(tmp_path, monkeypatch):
    (tmp_path / "x.json").write_text("[1, 2, 3]")
    monkeypatch.setattr(json_arrays, "memory", lambda: 50)
    with pytest.raises(BadInput, match="with columns unit and time"):
        json_arrays.columns(str(tmp_path / "x.json"))
