from __future__ import annotations

import pytest

from raysp.runs.folder import RunFolder
from tests.collection.made_up import Lab


@pytest.fixture
def lab(tmp_path) -> Lab:
    return Lab(str(tmp_path / "data"), RunFolder(str(tmp_path / "runs" / "first")), [])
