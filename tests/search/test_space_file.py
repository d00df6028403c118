import pytest
from hypothesis import given

from raysp.errors import BadInput
from raysp.io.yaml_files import dump_yaml, parse_yaml
from raysp.search.space_file import parse_space, read_space, spell_space
from tests.search.random_spaces import spaces

TEXT = """
model: sae
space:
  model.hidden: {int: [16, 256], log: true}
  model.encoder_hidden: {same: model.hidden, times: 2}
  model.dropout: {uniform: [0, 0.6], step: 0.1}
  training.learning_rate: {loguniform: [1e-4, 1e-2]}
  training.schedule: {choice: [constant, plateau]}
  training.plateau_patience: {grid: [5, 10], when: {training.schedule: plateau}}
start:
  - {model.hidden: 64}
"""


def test_reads_every_kind_of_range(tmp_path):
    (tmp_path / "space.yaml").write_text(TEXT)
    found = read_space(str(tmp_path / "space.yaml"))
    assert found.model == "sae"
    hidden, rate = found.entry("model.hidden"), found.entry("training.learning_rate")
    assert (hidden.low, hidden.high, hidden.log) == (16, 256, True)
    assert (rate.kind, rate.low, rate.high, rate.log) == ("uniform", 1e-4, 1e-2, True)
    assert found.entry("model.encoder_hidden").times == 2
    assert found.entry("training.plateau_patience").when == {"training.schedule": ("plateau",)}
    assert found.start == ({"model.hidden": 64},)


@given(spaces())
def test_what_is_spelled_reads_back_the_same(space):
    assert parse_space(parse_yaml(dump_yaml(spell_space(space)), "spelled"), "spelled") == space


def test_start_points_are_spelled_too():
    space = parse_space(parse_yaml(TEXT, "here"), "here")
    assert parse_space(spell_space(space), "spelled") == space


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"unifrom": [0, 1]}, "did you mean 'uniform'"),
        ({"uniform": [0, 1], "stepp": 0.1}, "did you mean 'step'"),
        ({"uniform": [0, 1], "int": [0, 1]}, "exactly one of .* got uniform, int"),
        ({"step": 1}, "exactly one of .* got none"),
        ([0, 1], r"expected a range such as \{uniform: \[0, 1\]\}, got \[0, 1\]"),
        ({"uniform": [1, 0]}, r"empty range \[1, 0\]"),
        ({"uniform": [1, 1]}, r"empty range \[1, 1\]"),
        ({"uniform": [0, 1, 2]}, "two numbers"),
        ({"uniform": [0, True]}, "two numbers"),
        ({"uniform": [0, float("inf")]}, "two numbers"),
        ({"loguniform": [0, 1]}, r"log range expected low > 0, got \[0, 1\]"),
        ({"int": [-1, 8], "log": True}, "log range expected low > 0"),
        ({"int": [1, 10**400]}, r"two numbers between -2\^63 and 2\^63, got \[1, 10{30}.*\.\.\.$"),
        ({"uniform": [-(10**400), 0]}, "two numbers between"),
        ({"int": [1, 1 << 63]}, "two numbers between"),
        ({"int": [-(1 << 63), 1]}, "two numbers between"),
        ({"int": [1, 8], "step": 10**400}, r"step expected a number > 0 and within the range, got 10{30}.*\.\.\.$"),
        ({"same": "model.y", "times": 10**400}, "times expected a number > 0 between"),
        ({"choice": [1, 10**400]}, r"numbers between -2\^63 and 2\^63, got 10{30}.*\.\.\.$"),
        ({"grid": [-(1 << 63), 1]}, "numbers between"),
        ({"int": [1, 8], "log": "very"}, "log expected true or false"),
        ({"int": [1, 8], "log": True, "step": 2}, "step does not go with log"),
        ({"int": [1, 8.0]}, "whole numbers, got 8.0"),
        ({"int": [1, 8], "step": 0.5}, "whole numbers, got 0.5"),
        ({"int": [1, 8], "step": 8}, "within the range"),
        ({"uniform": [0, 1], "step": 0}, "step expected a number > 0"),
        ({"uniform": [0, 1], "log": True}, "log does not go with uniform"),
        ({"choice": [1, 2], "step": 1}, "step does not go with choice"),
        ({"choice": []}, "at least one"),
        ({"choice": 3}, "expected a list"),
        ({"choice": [1, 2, 1]}, "each value once"),
        ({"choice": [True, 1]}, "each value once"),
        ({"choice": [1, 1.0]}, "each value once"),
        ({"choice": [[3, 5], [3, 5]]}, "each value once"),
        ({"choice": [1.0, float("nan")]}, "finite"),
        ({"same": "model.x"}, "another setting's name"),
        ({"same": 3}, "another setting's name"),
        ({"same": "model.y", "times": 0}, "times expected a number > 0"),
        ({"same": "model.y", "times": True}, "times expected a number > 0"),
        ({"uniform": [0, 1], "when": "model.y"}, "when expected settings and their values"),
        ({"uniform": [0, 1], "when": {}}, "when expected settings and their values"),
        ({"uniform": [0, 1], "when": {"model.y": []}}, "at least one value"),
    ],
)
def test_refuses_a_range(written, message):
    with pytest.raises(BadInput, match=rf"s\.yaml: model\.x.*{message}"):
        parse_space({"model": "sae", "space": {"model.x": written}}, "s.yaml")


def test_a_step_as_long_as_the_range_is_read_in_decimals():
    # 9.0 - 7.9 is a little less than 1.1 in floats, and Entry itself counts 9.0 as one step.
    (entry,) = parse_space({"model": "sae", "space": {"model.x": {"uniform": [7.9, 9.0], "step": 1.1}}}, "x").entries
    assert (entry.low, entry.high, entry.step) == (7.9, 9.0, 1.1)


RANGE = {"model.x": {"uniform": [0, 1]}}


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "expected the keys model, space, start, got NoneType"),
        ([], "got list"),
        ({"modle": "sae"}, "did you mean 'model'"),
        ({"space": RANGE}, "expected a model's name, got None"),
        ({"model": "sae"}, "at least one setting"),
        ({"model": "sae", "space": {}}, "at least one setting"),
        ({"model": "sae", "space": RANGE, "start": {"model.x": 1}}, "list of points"),
        ({"model": "sae", "space": RANGE, "start": [{}]}, "list of points"),
    ],
)
def test_refuses_a_file(found, message):
    with pytest.raises(BadInput, match=message):
        parse_space(found, "s.yaml")


@pytest.mark.parametrize(
    ("text", "message"), [("model: [", "is not YAML"), (TEXT + "model: smoothing\n", "'model' stands there twice")]
)
def test_refuses_a_text(tmp_path, text, message):
    (tmp_path / "space.yaml").write_text(text)
    with pytest.raises(BadInput, match=message):
        read_space(str(tmp_path / "space.yaml"))


def test_refuses_an_absent_file(tmp_path):
    with pytest.raises(BadInput, match="found none"):
        read_space(str(tmp_path / "space.yaml"))
