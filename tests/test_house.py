"""The rules of the house, held by reading the code: rooms import from those above, heavy libraries stay in theirs."""

import ast
import functools
import pathlib
import subprocess
import sys

PACKAGE = pathlib.Path(__file__).parent.parent / "raysp"
ROOMS = (
    ("errors",),
    ("io",),
    ("config",),
    ("data/formats",),
    ("data/splits",),
    ("data/nlb",),
    ("data/fetch",),
    ("data/sources", "data/standin"),
    ("objectives", "layers"),
    ("models",),
    ("training",),
    ("evaluation",),
    ("runs",),
    ("collection", "report"),
    ("kinds",),
    ("search",),
    ("trials",),
    ("cluster",),
    ("driver",),
    ("notebook",),
    ("cli", "__main__"),
)
RANK = {name: rank for rank, names in enumerate(ROOMS) for name in names}
OWNERS = {
    "ray": ("cluster",),
    "mlflow": ("driver/tracking",),
    "nlb_tools": ("data/nlb/reference", "evaluation/nlb"),
    "click": ("cli",),
    "optuna": ("search",),
    "rich": ("driver/progress", "driver/sweep_progress", "notebook/progress", "cli"),
    "matplotlib": ("report", "kinds", "search/page", "driver"),
}
RAYS_OWN = {
    ("cluster/joining", "ray._raylet"),
    ("cluster/joining", "ray._private"),
    ("cluster/session", "ray._private"),
}
"""What is used of Ray that is not public: debts, which any of its versions may call in; none may come."""
BARE = ("objectives", "layers", "models", "training")
NOT_ON_A_BARE_MACHINE = ("ray", "polars", "pyarrow", "mlflow", "yaml", "pandas", "click", "rich")
KNOW_KINDS = ("kinds", "data/splits", "data/sources", "models", "cli/project")
"""Rooms that know which kinds of data there are, the last as a person's own project does; elsewhere, code asks the kind
that it is given."""
KINDS = {path.parent.name for path in PACKAGE.glob("kinds/*/kind.py")}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")

GENERIC = [path for path in FILES if not path.relative_to(PACKAGE).as_posix().startswith(KNOW_KINDS)]
SPLITS = {
    node.name
    for kind in KINDS
    for node in ast.parse((PACKAGE / "data/splits" / f"{kind}.py").read_text()).body
    if isinstance(node, ast.ClassDef) and node.name.endswith("Split")
} | {"Split"}


def place(path):
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


@functools.cache
def parsed(path):
    return ast.parse(path.read_text())


@functools.cache
def nodes(path):
    return tuple(ast.walk(parsed(path)))


@functools.cache
def imports(path, *, for_types=True):
    """What a file imports; without what it imports for a type checker alone, on request."""
    checked = [node for node in nodes(path) if isinstance(node, ast.If)]
    checked = [node for node in checked if getattr(node.test, "id", "") == "TYPE_CHECKING"]
    left_out = set() if for_types else {one for node in checked for one in ast.walk(node)}
    found = []
    for node in nodes(path):
        if node in left_out:
            continue
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
            found += (f"{node.module}.{alias.name}" for alias in node.names if node.module.startswith("raysp"))
    return tuple(found)


def imported(path, *, for_types=True):
    """The places of the files of raysp that a file imports, packages left out."""
    return {NAMES[name] for name in imports(path, for_types=for_types) if name in NAMES} - {place(path)}


NAMES = {f"raysp.{place(path).replace('/', '.')}": place(path) for path in FILES}


def room(here):
    return next((name for name in RANK if here == name or here.startswith(f"{name}/")), None)


def test_a_file_imports_only_from_rooms_above_its_own():
    arrows = ((place(path), other) for path in FILES for other in imported(path))
    rooms = {(here, other): (room(here), room(other)) for here, other in arrows}
    assert not {arrow for arrow, (own, others) in rooms.items() if others != own and RANK[others] >= RANK[own]}


def test_no_two_files_import_each_other():
    arrows = {place(path): imported(path, for_types=False) for path in FILES}
    while free := [here for here, others in arrows.items() if not others & arrows.keys()]:
        for here in free:
            del arrows[here]
    assert not arrows, "these import each other, in a circle or through one"


def test_libraries_stay_in_their_rooms():
    for here, name in ((place(path), name) for path in FILES for name in imports(path)):
        owners = OWNERS.get(name.split(".")[0])
        assert owners is None or here.startswith(owners), f"{here} imports {name}"
        if name.startswith("ray.") and any(part.startswith("_") or part == "v2" for part in name.split(".")):
            assert (here, name) in RAYS_OWN, f"{here} imports {name}"
        if room(here) in BARE:
            assert name.split(".")[0] not in NOT_ON_A_BARE_MACHINE, f"{here} imports {name}"


def test_every_folder_of_code_is_a_package_which_alone_the_wheel_holds():
    folders = {path.parent for path in FILES if "cli/project" not in path.as_posix()}
    assert PACKAGE / "models/gfr" in folders
    assert [folder for folder in folders if not (folder / "__init__.py").is_file()] == []


def test_files_are_short():
    assert not {place(path) for path in FILES if len(path.read_text().splitlines()) > 400}


def test_functions_are_short():
    for path in FILES:
        for node in nodes(path):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < 80, f"{place(path)}: {node.name}"


def test_public_functions_are_annotated():
    public = (
        (f"{place(path)}: {node.name}", node)
        for path in FILES
        for node in parsed(path).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    )
    for name, node in public:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        assert all(argument.annotation for argument in arguments), name
        assert node.returns is not None, name


def test_generic_code_never_asks_which_kind_of_data_it_has():
    for at, node in ((place(path), node) for path in GENERIC for node in nodes(path)):
        here = f"{at}, line {getattr(node, 'lineno', '')}"
        assert not (isinstance(node, ast.Constant) and node.value in KINDS), f"{here}: {node.value!r}"
        if isinstance(node, ast.ImportFrom) and node.module != "raysp.data.splits.split":
            assert not {alias.name for alias in node.names} & SPLITS, f"{here}: a kind's Split"
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("isinstance", "issubclass"):
            asked = {getattr(one, "id", getattr(one, "attr", "")) for one in ast.walk(node.args[1])}
            assert not asked & SPLITS, f"{here}: asks for a kind's Split"
    for at, name in ((place(path), name) for path in GENERIC for name in imports(path)):
        named = name.startswith(tuple(f"raysp.kinds.{kind}" for kind in KINDS))
        assert not named, f"{at}: {name}: ask kinds.catalog"


def test_a_page_is_made_without_torch():
    pages = [place(path) for path in FILES if "/page/" in place(path) or room(place(path)) == "report"]
    names = ", ".join(f"raysp.{page.replace('/', '.')}" for page in pages)
    code = f"import sys\nimport raysp.driver.report, {names}\nassert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_model_trains_without_ray_polars_yaml_or_mlflow():
    code = (
        "import sys\n"
        f"for name in {NOT_ON_A_BARE_MACHINE!r}:\n    sys.modules[name] = None\n"
        "import raysp.training.trial, raysp.models.sae, raysp.data.splits.store\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
