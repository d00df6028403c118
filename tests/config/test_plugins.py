import pytest

from raysp.config import code_hash, plugins
from raysp.data.sources import catalog
from raysp.errors import BadInput


@pytest.fixture
def installed(tmp_path, monkeypatch):
    def install(group, **modules):
        info = tmp_path / "mine-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
        lines = [f"{name} = {module}" for name, module in modules.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
        (tmp_path / "lab_lstm.py").write_text("raise AssertionError('nothing is imported to be found')\n")
        monkeypatch.syspath_prepend(tmp_path)
        return tmp_path

    return install


def test_built_in_files_are_those_that_define_what_is_asked_for():
    found = plugins.modules("models")
    assert found["ndt"] == "raysp.models.ndt"
    assert not {"catalog", "masked", "windowed", "__init__"} & found.keys()
    assert list(found) == sorted(found)


def test_entry_points_are_found_beside_them_but_take_no_built_in_name(installed):
    folder = installed("raysp.models", lstm="lab_lstm:Model", ndt="lab_lstm")
    found = plugins.modules("models")
    assert (found["lstm"], found["ndt"]) == ("lab_lstm", "raysp.models.ndt")
    assert plugins.path(found["lstm"]) == folder / "lab_lstm.py"
    assert "lstm" not in plugins.modules("data/sources")
    assert list(code_hash.of_installed()) == ["model lstm (lab_lstm)"]


def test_a_module_that_is_not_there_is_named():
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        plugins.path("no_such_module")


def test_somebody_elses_module_that_cannot_be_imported_is_refused_by_name(installed):
    installed("raysp.sources", mine="lab_lstm")
    message = (
        r"the installed module lab_lstm adds to raysp, but cannot be imported \(AssertionError: nothing is imported"
    )
    with pytest.raises(BadInput, match=message):
        catalog.source("mine")
