"""`import raysp` alone: what it offers, and what it does not import."""

import importlib
import subprocess
import sys

import pytest

import raysp


def test_importing_raysp_imports_no_library():
    code = "import sys\nbefore = set(sys.modules)\nimport raysp\nprint(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    tops = {name.partition(".")[0] for name in done.stdout.split()}
    assert tops - sys.stdlib_module_names == {"raysp"}
    assert {name for name in done.stdout.split() if name.startswith("raysp")} == {"raysp"}


def test_all_that_is_offered_is_there_and_nothing_else():
    assert set(raysp.__all__) == set(raysp._LATER) <= set(dir(raysp))
    for name in raysp.__all__:
        assert getattr(raysp, name).__name__ == name
        assert getattr(raysp, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'lod_split'"):
        raysp.lod_split


def test_data_are_loaded_without_torch_and_without_ray():
    code = (
        "import sys, numpy, raysp\n"
        "raysp.load_split(numpy.ones((8, 5, 4)) * numpy.arange(4), bin_ms=10)\n"
        "assert 'ray' not in sys.modules and 'torch' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_names_for_type_checkers_are_those_for_python():
    source = importlib.util.find_spec("raysp").loader.get_source("raysp")
    for name, module in raysp._LATER.items():
        assert f"from {module} import" in source, name
