"""What all rooms' tests share."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def standin_root(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A data root with small generated recordings of all seven sets, built once; tests must not change it."""
    from raysp.data.nlb_standin import write_standin

    root = str(tmp_path_factory.mktemp("standin"))
    write_standin(root, size="small", seed=0)
    return root
