import textwrap

import pytest

from raysp.cli import load_experiment
from raysp.errors import BadInput

GOOD = """
from raysp.config.experiment import Experiment, ModelChoice, Training
def experiment():
    return Experiment(name="x", models=(ModelChoice("mean_rate"),), splits=("*",), seeds=(0,))
"""


@pytest.fixture
def written(tmp_path):
    """A function that writes an experiment's file and loads it."""

    def load(text, name="mine.py"):
        (tmp_path / name).write_text(textwrap.dedent(text))
        return load_experiment(str(tmp_path / name))

    return load


def test_an_experiment_of_any_ending_that_defines_classes_and_imports_what_lies_beside_it(written, tmp_path):
    (tmp_path / "names.py").write_text("NAME = 'x'\n")
    found = written(
        """
        from __future__ import annotations
        import dataclasses
        from typing import ClassVar
        from names import NAME
        from raysp.config.experiment import Experiment, ModelChoice
        @dataclasses.dataclass
        class Mine:
            kept: ClassVar[int] = 3
            name: str = NAME
        def experiment(name=Mine().name):
            return Experiment(name=name, models=[ModelChoice("mean_rate")], splits=["*"])
        """,
        "mine.experiment",
    )
    assert (found.name, found.splits, found.models[0].name) == ("x", ("*",), "mean_rate")


def test_an_edit_is_read_however_soon_it_comes(written):
    assert [written(GOOD.replace("(0,)", f"({seed},)")).seeds for seed in range(3)] == [(0,), (1,), (2,)]


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("def experiment():", "def experiment(:", 3, "SyntaxError: invalid syntax"),
        ("def experiment", "  def experiment", 3, "IndentationError: unexpected indent"),
        ("Experiment, ModelChoice", "Experimnt, ModelChoice", 2, "ImportError: cannot import name 'Experimnt'"),
        (
            "import Experiment,",
            "import Experiment,ModelChoice;import nowhere_at_all#",
            2,
            "ModuleNotFoundError: .*nowhere",
        ),
        ("return Experiment", "return Experimnt", 4, "NameError: name 'Experimnt' is not defined"),
        ("def experiment():", "1 / 0\ndef experiment():", 3, "ZeroDivisionError: division by zero"),
        ("seeds=", "seed=", 4, "unknown setting of Experiment 'seed': did you mean 'seeds'"),
        ("seeds=(0,)", "neurons=(0,)", 4, "of Experiment 'neurons': it is called 'units' now"),
        ('("mean_rate")', '("sae", settings={})', 4, "of ModelChoice 'settings': it is called 'hyperparameters' now"),
        ('name="x"', 'name="a/b"', 4, "experiment name expected letters"),
        ("seeds=(0,)", "seeds=0", 4, r"experiment x, seeds expected several values, e.g. \(0,\), got 0"),
        ('splits=("*",)', 'splits="mc_maze"', 4, r"experiment x, splits expected several values, e.g. \('mc_maze',\)"),
        ("seeds=(0,)", 'training={"epochs": "3"}', 4, "training, epochs expected int, got '3'"),
        ("seeds=(0,)", "training=Training(epochs='3')", 4, "training, epochs expected int, got '3'"),
        ("seeds=(0,)", "seeds=(0, 0)", 4, "seeds expected each once"),
        ("def experiment():", "import sys; sys.exit(3)\ndef experiment():", 3, "SystemExit: 3"),
        ("def experiment():", "async def experiment():", 3, "expected a plain function"),
        ("    return", "    yield", 3, "expected a plain function"),
        ("    return Experiment", "    Experiment", 3, "expected to return an Experiment, got nothing; does it lack"),
        ("def experiment():", "def experiment(split):", 3, "expected no arguments, got split"),
    ],
)
def test_whatever_goes_wrong_names_the_persons_file_and_line(written, tmp_path, old, new, line, message):
    assert old in GOOD
    with pytest.raises(BadInput, match=rf"^{tmp_path}/mine.py, line {line}: .*{message}") as error:
        written(GOOD.replace(old, new))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found none"),
        ("experiment = 3", "experiment expected a function .*, got int"),
        ("def experiment(): return 3", "expected to return an Experiment, got int"),
        ("x = '\0'", "mine.py: ValueError|SyntaxError: source code string cannot contain null bytes"),
    ],
)
def test_a_file_that_is_no_experiment(written, text, message):
    with pytest.raises(BadInput, match=message):
        written(text)


@pytest.mark.parametrize("name", ["mine.yaml", "recording.NWB", "notes.ipynb"])
def test_a_file_whose_ending_says_that_it_is_no_python_is_not_read_as_such(written, name):
    with pytest.raises(BadInput, match=r"expected Python with a function experiment\(\).*, got a file of another kind"):
        written("name: x", name)


def test_a_mistake_in_a_file_beside_it_is_told_of_that_file(written, tmp_path):
    (tmp_path / "beside_it.py").write_text("x = 1\ndef f(:\n")
    with pytest.raises(BadInput, match=rf"{tmp_path}/beside_it.py, line 2: SyntaxError"):
        written("import beside_it\n" + GOOD)


def test_no_file_and_a_folder(tmp_path):
    for path, found in ((tmp_path / "gone.py", "none"), (tmp_path, "a folder")):
        with pytest.raises(BadInput, match=f"experiment's Python file at {path}, found {found}"):
            load_experiment(str(path))
