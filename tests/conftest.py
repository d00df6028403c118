"""What all rooms' tests share."""

from __future__ import annotations

import functools
import gc
import pathlib
import shutil
import sys
import uuid
import warnings
from typing import Any

import hypothesis
import pytest

from raysp.config import plugins
from tests import processes, shared_ray

COMPILED = (
    "tests/models/gfr",
    "tests/kinds/current_clamp",
    "tests/kinds/movie",
    "tests/objectives/test_spike",
    "tests/layers/",
    "tests/models/test_sample",
)

TOGETHER = (
    "tests/driver/test_tracking",
    "tests/kinds/labelled_sequences",
    "tests/kinds/population",
    "tests/kinds/stimulus",
)
"""Files whose fixtures of a session take seconds to make."""

# How long an example takes says how busy the machine is, no more.
hypothesis.settings.register_profile("raysp", deadline=None)
hypothesis.settings.load_profile("raysp")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let one process run the driver's tests with Ray, one after another, and another those of other rooms.

    A Ray waits much of its time: two of them and a process that takes file after file keep two cores busy. What is
    compiled is compiled by one process, for the others; what files share is made by the one that runs them all.
    """
    from xdist.scheduler import LoadFileScheduling

    @functools.cache
    def with_ray(file: str) -> bool:
        return "mark.ray" in (config.rootpath / file).read_text()

    class RayApart(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            if not with_ray(file):
                shared = next((name for name in TOGETHER if file.startswith(name)), file)
                return "compiled" if file.startswith(COMPILED) else shared
            return "ray, driver" if file.startswith("tests/driver/") else "ray"

    return RayApart(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest, then those that compile what others find compiled."""
    items.sort(key=lambda item: (item.get_closest_marker("ray") is None, not item.nodeid.startswith(COMPILED)))


def pytest_collection_finish() -> None:
    """Let the collections of garbage at the ends of modules pass over what is there to stay."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def commands_end_with_their_test():
    """Let nothing that a test started outlive it, also where it failed half-way."""
    before = processes.count()
    yield
    processes.end(before)


@pytest.fixture(autouse=True, scope="module")
def ray_ends_with_its_module(request: pytest.FixtureRequest):
    """Let no test find another module's Ray, but for modules that share one, nor the warnings of one that was killed.

    A module that is marked `ray(shared=True)` has the Ray that its process keeps for all such modules.
    """
    mark = request.node.get_closest_marker("ray")
    shared = mark is not None and mark.kwargs.get("shared", False)
    if shared:
        shared_ray.machines()
    else:
        shared_ray.end()
    yield
    if not shared and (ray := sys.modules.get("ray")) is not None and ray.is_initialized():
        ray.shutdown()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="module")
def plug_ins_end_with_their_module():
    """Let no test find the models and sources of one's own that another module's commands, in this process, took."""
    before = plugins.plugged()
    yield
    plugins.plug(before)


def pytest_sessionfinish() -> None:
    """End the Ray that modules shared."""
    shared_ray.end()


@pytest.fixture(scope="session", autouse=True)
def stores_of_mlflow_are_made_once(tmp_path_factory: pytest.TempPathFactory):
    """Copy an empty store for each run but the first: to go through all of MLflow's migrations takes a second."""
    if "mlflow" not in sys.modules:
        yield
        return
    from mlflow.store.db import utils

    make, empty = utils._initialize_tables, tmp_path_factory.mktemp("mlflow") / "empty.db"

    def made_or_copied(engine: Any) -> None:
        if empty.exists():
            engine.dispose()
            shutil.copy(empty, engine.url.database)
        else:
            make(engine)
            shutil.copy(engine.url.database, empty)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "_initialize_tables", made_or_copied)
        yield


@pytest.fixture(scope="session")
def standin_root(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A data root with small generated recordings of all seven sets, built once; tests must not change it."""
    from raysp.data.standin.nlb import write_standin

    root = str(tmp_path_factory.mktemp("standin"))
    write_standin(root, size="small", seed=0)
    return root


@pytest.fixture(scope="module")
def door():
    """What a store of objects of this module's own fails, in a way of its own; the environment names the store."""
    s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed: pip install 'raysp[s3]'")
    pytest.importorskip("moto.server", reason="moto's server is not installed: pip install 'raysp[test]'")
    from tests import object_store

    with object_store.store() as (door, _, environment), pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        yield door
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def bucket(door):
    """The address of a bucket of the test's own; afterwards the store fails nothing."""
    from tests import object_store

    name = f"raysp-{uuid.uuid4().hex[:8]}"
    object_store.make_bucket(name)
    yield f"s3://{name}"
    door.calm()


@pytest.fixture(scope="module")
def google():
    """A function that makes a bucket in an emulator of Google's store and returns its address."""
    from tests import google_store

    with google_store.store() as make_bucket:
        yield make_bucket


@pytest.fixture
def made_up(tmp_path: pathlib.Path) -> Any:
    """A small made-up run of population splits, scored."""
    from tests.kinds.population.made_up import make_run

    return make_run(tmp_path)


@pytest.fixture
def make(tmp_path: pathlib.Path) -> Any:
    """Make such a run with other splits, models or seeds."""
    from tests.kinds.population.made_up import make_run

    return lambda **changes: make_run(tmp_path, **changes)


@pytest.fixture(scope="session")
def shared_run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Such a run, for tests that change nothing in it."""
    from tests.kinds.population.made_up import make_run

    return make_run(tmp_path_factory.mktemp("shared"))
