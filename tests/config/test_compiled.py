"""Compiled code on disk is that of all the files it is made of."""

import os
import subprocess
import sys

CALLED = "from raysp.config.compiled import njit\n\n@njit()\ndef f(x):\n    return x + {}\n"
CALLS = "from raysp.config.compiled import njit\nfrom .called import f\n\n@njit()\ndef g(x):\n    return 2 * f(x)\n"


def run(place, **environment):
    code = "from pack import calls; print(calls.g(1), sum(calls.g.stats.cache_hits.values()))"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(place)!r}); {code}"]
    environment = {**os.environ, **{name: str(value) for name, value in environment.items()}}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_an_edit_of_a_file_whose_functions_are_called_is_compiled_in_and_nothing_is_compiled_twice(tmp_path):
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "__init__.py").touch()
    (pack / "calls.py").write_text(CALLS)
    (pack / "called.py").write_text(CALLED.format(1))
    assert run(tmp_path) == ["4", "0"]
    assert run(tmp_path) == ["4", "1"]
    (pack / "called.py").write_text(CALLED.format(10))
    assert run(tmp_path) == ["22", "0"]
    elsewhere = tmp_path / "chosen"
    assert run(tmp_path, NUMBA_CACHE_DIR=elsewhere) == ["22", "0"]
    assert list(elsewhere.rglob("*.nbc"))
