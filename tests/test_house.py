"""The rules of the house, held by reading the code: rooms import from the left only, heavy libraries stay in theirs."""

import ast
import pathlib
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).parent.parent / "raysp"
ROOMS = (
    (
        "errors",
        "words",
        "address",
        "machine",
        "interruption",
        "system_errors",
        "leftovers",
        "checksum",
        "storage",
        "files",
        "lease",
        "settings",
        "yaml_files",
        "tables",
        "code_hash",
    ),
    ("config", "sets"),
    ("data",),
    ("runs",),
    ("objectives",),
    ("layers",),
    ("models",),
    ("training",),
    ("collection",),
    ("evaluation",),
    ("search",),
    ("report",),
    ("one_trial", "stimulus_trial", "packing", "packing_table", "plan", "form", "record", "progress", "doctor"),
    ("search_trial", "sweep_record", "sweep_progress"),
    ("tracking_content", "tracking_own", "tracking_server"),
    ("tracking_store",),
    ("tracking",),
    ("cluster",),
    ("launch", "launch_words", "finish"),
    ("sweep", "range_test"),
    ("cli", "__main__"),
)
RANK = {name: rank for rank, names in enumerate(ROOMS) for name in names}
OWNERS = {
    "ray": ("cluster",),
    "mlflow": ("tracking",),
    "nlb_tools": ("data/nlb_reference", "evaluation/nlb"),
    "click": ("cli",),
    "optuna": ("search",),
    "rich": ("progress", "sweep_progress", "cli"),
    "matplotlib": ("report",),
}
BARE = ("objectives", "layers", "models", "training")
NOT_ON_A_BARE_MACHINE = ("ray", "polars", "pyarrow", "mlflow", "yaml", "pandas", "click", "rich")
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def place(path):
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "raysp")


def room(module):
    parts = module.split(".")
    return parts[1] if parts[0] == "raysp" and len(parts) > 1 else None


@pytest.mark.parametrize("path", FILES, ids=place)
def test_a_file_imports_only_from_rooms_to_its_left(path):
    own = RANK[place(path).split("/")[0]]
    wrong = [name for name in imports(path) if room(name) in RANK and RANK[room(name)] > own]
    assert not wrong


@pytest.mark.parametrize("path", FILES, ids=place)
def test_libraries_stay_in_their_rooms(path):
    here = place(path)
    for name in imports(path):
        owners = OWNERS.get(name.split(".")[0])
        assert owners is None or here.startswith(owners), f"{here} imports {name}"
        if here.split("/")[0] in BARE:
            assert name.split(".")[0] not in NOT_ON_A_BARE_MACHINE, f"{here} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=place)
def test_files_are_short(path):
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", FILES, ids=place)
def test_functions_are_short_and_public_ones_annotated(path):
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 80, node.name
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            assert all(argument.annotation for argument in arguments), node.name
            assert node.returns is not None, node.name


def test_a_model_trains_without_ray_polars_yaml_or_mlflow():
    code = (
        "import sys\n"
        f"for name in {NOT_ON_A_BARE_MACHINE!r}:\n    sys.modules[name] = None\n"
        "import raysp.training.trial, raysp.models.sae, raysp.data.split_file\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
