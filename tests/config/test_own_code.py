"""A person's own code by path: which name it gets, what is refused and why, its hash, its copy, its modules."""

import pathlib
import pickle
import sys

import pytest

from raysp.config import code_hash, own_code, plugin, plugins
from raysp.config.experiment import Experiment, ModelChoice, Recording, Trial
from raysp.errors import BadInput
from raysp.io import files
from raysp.models import catalog

MODEL = '''"""A model of one's own."""
from dataclasses import dataclass

from raysp.data.splits.population import PopulationSplit
from raysp.layers import span


@dataclass(frozen=True)
class Config:
    width: int = 3
    inner: "tuple[Part, ...]" = ()


@dataclass(frozen=True)
class Part:
    size: int = 1


class Model:
    reads = PopulationSplit
'''
SOURCE = "VERSION = '1'\n\ndef build(config, name):\n    return None\n"


@pytest.fixture(autouse=True)
def no_plugins_are_left():
    yield
    plugins.plug({})


@pytest.fixture
def write(tmp_path):
    def write(contents):
        for path, content in contents.items():
            whole = tmp_path / f"{path}.py"
            whole.parent.mkdir(parents=True, exist_ok=True)
            whole.write_text(content)
        return str(tmp_path)

    return write


def experiment(*models, sources=()):
    recordings = tuple(Recording(f"r{i}", one) for i, one in enumerate(sources))
    return Experiment("mine", tuple(map(ModelChoice, models)), ("a",), recordings=recordings)


def adopted(folder, *models, sources=()):
    return own_code.adopted(experiment(*models, sources=sources), folder)


def digest(name="lstm"):
    return code_hash.digest(code_hash.of_model(name))


def test_a_paths_name_is_its_stem_and_no_slash_reaches_a_trial(write):
    folder = write({"models/lstm": MODEL, "sources/lines": SOURCE})
    found = adopted(folder, "mean_rate", "models/lstm.py", sources=("sources/lines.py",))
    assert [one.name for one in found.models] == ["mean_rate", "lstm"]
    assert [one.source for one in found.recordings] == ["lines"]
    assert {"lstm", "sae"} <= set(catalog.names())
    refs = plugins.of_model("lstm", {})
    assert list(refs) == ["models/lstm"]
    assert refs["models/lstm"].endswith("/lstm.py")
    assert plugins.of_model("mean_rate", {}) is None
    assert "/" not in Trial("lstm", {}, None, "a", "0" * 64, plugins=refs).id
    # Without plug-ins, a trial's name is what it was before there were any.
    assert Trial("sae", {}, None, "a", "0" * 64).id == "sae_a_s0_991644ac87"


def test_type_hints_of_a_config_are_found_and_its_settings_checked(write):
    adopted(write({"lstm": MODEL}), "./lstm.py")
    assert catalog.config("lstm", {"width": 4, "inner": [{"size": 2}]}).inner[0].size == 2
    with pytest.raises(BadInput, match="model lstm, width expected int"):
        catalog.config("lstm", {"width": "wide"})


def test_its_hash_is_of_what_it_does_and_of_what_it_imports_of_raysp(write):
    folder = write({"lstm": MODEL})
    adopted(folder, "lstm.py")
    before = code_hash.of_model("lstm")
    assert {"lstm.py", "raysp/layers/span.py", "raysp/kinds/population/learner.py"} <= set(before)
    same = MODEL.replace("A model of one's own.", "A model.").replace("width: int = 3", "width: int = (3)  # wide")
    write({"lstm": same})
    adopted(folder, "lstm.py")
    assert code_hash.of_model("lstm") == before
    first = catalog.module("lstm")
    write({"lstm": MODEL.replace("= 3", "= 4")})
    adopted(folder, "lstm.py")
    assert code_hash.differing(before, code_hash.of_model("lstm")) == ["lstm.py"]
    assert (catalog.config("lstm", {}).width, first.Config().width) == (4, 3), "both live side by side"


def test_a_package_folder_is_one_plugin_whose_files_import_each_other(write):
    folder = write({"net/__init__": "", "net/step": MODEL + "from .layers import DEPTH\n", "net/layers": "DEPTH = 2\n"})
    adopted(folder, "net/step.py")
    assert catalog.module("step").DEPTH == 2
    assert {"net/__init__.py", "net/layers.py", "net/step.py"} <= set(code_hash.of_model("step"))
    before = digest("step")
    write({"net/layers": "DEPTH = 3\n"})
    adopted(folder, "net/step.py")
    assert (digest("step") != before, catalog.module("step").DEPTH) == (True, 3)


def test_a_folder_gives_its_model_by_model_py_or_by_its_init_and_data_beside_it(write, tmp_path):
    write(
        {
            "one/__init__": "",
            "one/model": MODEL,
            "two/__init__": "from .inner import Config, Model\n",
            "two/inner": MODEL,
        }
    )
    (tmp_path / "two" / "weights.csv").write_text("1,2")
    adopted(str(tmp_path), "./one", "./two")
    import pkgutil

    assert catalog.module("one").Config().width == 3
    assert pkgutil.get_data(catalog.module("two").__name__, "weights.csv") == b"1,2"
    assert "two/weights.csv" in code_hash.of_model("two")


@pytest.mark.parametrize(
    ("contents", "path", "message"),
    [
        (
            {"lstm": MODEL},
            "lsmt.py",
            r"expected a Python file or a package folder at .*lsmt.py, found none; did you me",
        ),
        ({"lstm": "def f(:\n"}, "lstm.py", r"lstm.py, line 1: no Python that can be read"),
        ({"lstm": "import os\n"}, "lstm.py", r"lstm.py expected Config and Model, Config and Model is missing"),
        (
            {"net/__init__": "", "net/model": MODEL + "import net.other\n"},
            "./net",
            r"imports net.other, itself, by an",
        ),
        ({"lstm": MODEL + "import helper\n", "helper": ""}, "lstm.py", r"imports helper, which is .*helper.py and not"),
        (
            {"models/lstm": MODEL + "import models.util\n", "models/util": ""},
            "models/lstm.py",
            "imports models, which is",
        ),
        (
            {"lstm": MODEL + "from .helper import x\n", "helper": ""},
            "lstm.py",
            r"put an __init__.py, which may be empty",
        ),
        ({"net/__init__": "", "net/model": MODEL + "from ..x import y\n"}, "./net", "imports from outside of net"),
        ({"net/model": MODEL}, "./net", "expected a package folder, it holds no __init__.py"),
        ({"sae": MODEL}, "sae.py", "raysp has a model sae already; rename the file or folder"),
        ({"training": MODEL}, "training.py", "'training' cannot be a model's name"),
        ({"my-net": MODEL}, "my-net.py", "'my-net' cannot be a model's name; rename it"),
    ],
)
def test_what_a_worker_would_not_find_or_nobody_could_tell_apart_is_refused(write, contents, path, message):
    with pytest.raises(BadInput, match=message):
        adopted(write(contents), path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "@dataclass(frozen=True)\nclass Config",
            "@dataclass\nclass Config",
            "expected Config to be a frozen dataclass",
        ),
        ("@dataclass(frozen=True)\nclass Config", "class Config", "expected Config to be a frozen dataclass"),
        ("reads = PopulationSplit", "pass", "expected Model to say which kind of split it reads"),
        ("class Model:", "1 / 0\nclass Model:", r"lstm.py, line 19: it cannot be imported \(ZeroDivisionError"),
        ("class Model:", "raise SystemExit(3)\nclass Model:", r"imported \(SystemExit: 3\); what it does as a program"),
        (
            "class Model:",
            "import nowhere_at_all\nclass Model:",
            "cannot be imported .*No module named 'nowhere_at_all'",
        ),
    ],
)
def test_a_file_that_is_no_model_is_told_what_it_lacks(write, old, new, message):
    adopted(write({"lstm": MODEL.replace(old, new)}), "lstm.py")
    with pytest.raises(BadInput, match=message):
        catalog.config("lstm", {})


def test_a_package_folder_that_is_given_like_a_name_is_told_how(write):
    with pytest.raises(BadInput, match=r"unknown model 'lstm'; if the folder lstm is meant, write './lstm'"):
        adopted(write({"lstm/__init__": MODEL}), "lstm")


def test_two_of_one_name_are_refused_but_two_labels_of_one_are_not(write):
    folder = write({"a/lstm": MODEL, "b/lstm": MODEL.replace("3", "4")})
    models = (ModelChoice("a/lstm.py", label="one"), ModelChoice("b/lstm.py", label="two"))
    with pytest.raises(BadInput, match=r"model lstm is the name of .*a/lstm.py and of .*b/lstm.py; rename one"):
        own_code.adopted(Experiment("mine", models, ("a",)), folder)
    again = tuple(ModelChoice("a/lstm.py", {"width": i}, label=f"w{i}") for i in (1, 2))
    assert {one.name for one in own_code.adopted(Experiment("mine", again, ("a",)), folder).models} == {"lstm"}


def test_an_experiments_own_folder_is_no_package_and_what_lies_there_is_not_imported_from_elsewhere(write):
    folder = write({"__init__": "", "lstm": MODEL, "helper": "", "models/other": MODEL + "import helper\n"})
    adopted(folder, "lstm.py")
    assert set(plugins.plugged()["models", "lstm"].plugin.files) == {"lstm.py"}
    with pytest.raises(BadInput, match=r"other.py, line 21: it imports helper, which is .*/helper.py and not"):
        adopted(folder, "models/other.py")


def test_a_copy_is_what_runs_and_a_changed_one_is_refused(write, tmp_path):
    folder, code = write({"lstm": MODEL}), str(tmp_path / "run" / "code")
    adopted(folder, "lstm.py")
    given, planned = plugins.plugged()["models", "lstm"], digest()
    plugin.save(given.plugin, code)
    (tmp_path / "lstm.py").write_text(MODEL.replace("= 3", "= 5"))
    plugins.plug({})
    plugins._by_root.clear()
    plugins.use({"models/lstm": given.ref}, code)
    assert (digest(), catalog.config("lstm", {}).width) == (planned, 3)
    assert pickle.loads(pickle.dumps(catalog.module("lstm").Part(7))).size == 7
    copy = pathlib.Path(code, given.ref)
    copy.write_text(MODEL.replace("= 3", "= 6"))
    plugins._by_root.clear()
    with pytest.raises(BadInput, match="is not what was copied there; run the experiment again"):
        plugins.use({"models/lstm": given.ref}, code)
    plugin.save(given.plugin, code)
    assert copy.read_text() == MODEL
    with pytest.raises(BadInput, match="expected 64 hexadecimal digits"):
        plugins.use({"models/lstm": "../../lstm.py"}, code)
    assert not [name for name in files.listing(str(copy.parent)) if name != "lstm.py"], "nothing is compiled beside it"


def test_an_ensemble_of_ones_own_members_carries_their_code(write):
    adopted(write({"lstm": MODEL}), "ensemble", "lstm.py")
    assert list(plugins.of_model("ensemble", {"member": "lstm"})) == ["models/lstm"]
    assert "lstm.py" in code_hash.of_model("ensemble", {"member": "lstm"})


def test_modules_bear_the_hash_in_their_name(write):
    adopted(write({"lstm": MODEL}), "lstm.py")
    sha = plugins.plugged()["models", "lstm"].plugin.sha
    assert catalog.module("lstm").__name__ == f"raysp_code_{sha}.lstm"
    assert catalog.module("lstm") is sys.modules[f"raysp_code_{sha}.lstm"]
