"""What all rooms' tests share."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest

# How long an example takes says how busy the machine is, no more.
hypothesis.settings.register_profile("raysp", deadline=None)
hypothesis.settings.load_profile("raysp")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let one process run all tests with Ray, one after another, while the other takes file after file."""
    from xdist.scheduler import LoadFileScheduling

    class RayApart(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "ray" if "mark.ray" in (config.rootpath / file).read_text() else file

    return RayApart(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest."""
    items.sort(key=lambda item: item.get_closest_marker("ray") is None)


@pytest.fixture(scope="session")
def standin_root(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A data root with small generated recordings of all seven sets, built once; tests must not change it."""
    from raysp.data.nlb_standin import write_standin

    root = str(tmp_path_factory.mktemp("standin"))
    write_standin(root, size="small", seed=0)
    return root
