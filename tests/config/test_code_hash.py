import shutil
import subprocess
import sys

import pytest

from raysp.config import code_hash
from raysp.errors import BadInput

PLUGIN = '''"""A model of somebody's own."""
from raysp.layers import span
from . import beside

# Two layers.
WIDTH = 8

def layers(count=2):
    """Return them."""
    import raysp.objectives.poisson
    return [beside.layer(WIDTH)] * count
'''


@pytest.fixture
def plugin(tmp_path):
    """A function that writes the model's file anew, something replaced in it, and returns the hashes."""
    (tmp_path / "beside.py").write_text("def layer(width):\n    return width\n")

    def written(old="", new=""):
        path = tmp_path / "mine.py"
        path.write_text(PLUGIN.replace(old, new) if old else PLUGIN)
        code_hash._read.cache_clear()
        return code_hash.files_of([path], code_hash.MODEL_ROOMS)

    return written


def test_a_models_files_are_its_own_and_what_they_import_of_the_rooms_that_compute():
    found = code_hash.of_model("unet", {})
    expected = {"models/unet", "models/masked", "layers/span", "layers/shifted", "objectives/deviance"}
    assert {
        f"raysp/{name}.py" for name in expected | {"data/splits/batch", "training/descent", "training/closed_form"}
    } <= set(found)
    assert not {path for path in found if path.startswith(("raysp/models/sae", "raysp/errors", "raysp/io"))}
    assert {path for path in code_hash.of_model("sae") if "layers" in path} == {"raysp/layers/memory.py"}
    assert all(len(sha) == 64 for sha in found.values())


def test_how_its_kind_of_data_is_learned_and_predicted_counts_and_no_others():
    found = {name: set(code_hash.of_model(name)) for name in ("unet", "distance_unet", "no_spikes", "gfr")}
    own = {
        **dict.fromkeys(("distance_unet", "no_spikes"), "raysp/kinds/stimulus"),
        **{"unet": "raysp/kinds/population", "gfr": "raysp/kinds/current_clamp"},
    }
    for name, files in found.items():
        kinds = {path for path in files if path.startswith("raysp/kinds/")}
        assert {f"{own[name]}/learner.py", f"{own[name]}/predict.py"} <= kinds
        assert all(path.startswith(own[name]) and "_file" not in path and "/page/" not in path for path in kinds)
    assert "raysp/kinds/stimulus/rollout.py" in found["distance_unet"]
    # Nor does how results are written, and what reads and seals such files.
    assert not {path for path in found["unet"] if "hdf5" in path or "sealed" in path}


def test_an_ensemble_is_computed_by_its_members_files_too():
    gru, ndt = (set(code_hash.of_model("ensemble", {"member": name})) for name in ("masked_gru", "ndt"))
    assert "raysp/models/ndt.py" in ndt - gru
    assert "raysp/layers/attention.py" in ndt - gru
    # A setting of another model that happens to be called like one is no import.
    assert set(code_hash.of_model("sae", {"x": "ndt"})) == set(code_hash.of_model("sae"))


def test_a_sources_files_are_those_of_the_data_that_it_imports():
    assert {"raysp/data/sources/population.py", "raysp/data/sources/partition.py"} <= set(
        code_hash.of_source("population")
    )
    assert {"raysp/data/nlb/tensors.py", "raysp/data/formats/binning.py"} <= set(code_hash.of_source("nlb"))


def test_somebodys_own_file_with_what_lies_beside_it(plugin):
    assert list(plugin()) == [
        "beside.py",
        "mine.py",
        "raysp/layers/span.py",
        "raysp/objectives/loss.py",
        "raysp/objectives/poisson.py",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# Two layers.\n", ""),
        ("Return them.", "Return a list of layers."),
        ("WIDTH = 8", "WIDTH = (\n    8\n)  # wide"),
        ('"""A model of somebody\'s own."""', ""),
        ("count=2", "count = 2"),
        ("WIDTH = 8\n", 'WIDTH = 8\n"""How wide."""\n'),
    ],
)
def test_how_code_looks_changes_nothing(plugin, old, new):
    assert plugin(old, new) == plugin()


@pytest.mark.parametrize(
    ("old", "new"),
    [("WIDTH = 8", "WIDTH = 8.0"), ("count=2", "count=True"), ("* count", "+ count"), ("return [", "yield [")],
)
def test_what_code_does_changes_its_hash_alone(plugin, old, new):
    before, after = plugin(), plugin(old, new)
    assert code_hash.differing(before, after) == ["mine.py"]
    assert code_hash.digest(before) != code_hash.digest(after)


def test_files_that_are_no_python_are_named(tmp_path):
    (tmp_path / "bad.py").write_text("def f(:\n")
    with pytest.raises(BadInput, match=r"bad.py, line 1: no Python"):
        code_hash.files_of([tmp_path / "bad.py"], ())
    with pytest.raises(BadInput, match=r"expected a Python file at .*gone\.py"):
        code_hash.files_of([tmp_path / "gone.py"], ())


def test_the_hash_is_that_of_the_files_wherever_raysp_lies(tmp_path):
    shutil.copytree(code_hash.PACKAGE, tmp_path / "raysp", ignore=shutil.ignore_patterns("__pycache__"))
    code = "from raysp.config import code_hash as c; import sys; print(c.PACKAGE, c.digest(c.of_model('ndt')));"
    code += "assert not {'torch', 'numpy'} & set(sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert shown.stdout.split() == [str(tmp_path / "raysp"), code_hash.digest(code_hash.of_model("ndt"))]
