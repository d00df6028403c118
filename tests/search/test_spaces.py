"""search_spaces/*.yaml against the models they are for."""

import dataclasses
import pathlib

import pytest

from raysp.config import settings
from raysp.config.experiment import Training
from raysp.kinds import catalog as kinds
from raysp.models import catalog
from raysp.search.space_check import check_space, flat
from raysp.search.space_file import read_space

FOLDER = pathlib.Path(__file__).parent.parent.parent / "search_spaces"
FILES = sorted(FOLDER.glob("*.yaml"))


def base(model):
    return flat(settings.plain(catalog.config(model, {})), None if catalog.fits_itself(model) else Training())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_space_fits_its_model(path):
    found = read_space(str(path))
    assert path.stem == found.model or path.stem.startswith(f"{found.model}_")
    check_space(found, base(found.model))


def test_every_model_with_settings_has_a_space():
    with_settings = [name for name in catalog.names() if dataclasses.fields(catalog.module(name).Config)]
    # Settings of floors, and of a recording's ceilings, say which task it is; nothing is there to search.
    bounds = [name for name in catalog.names() if _is_bound(name)]
    assert set(with_settings) - set(bounds) <= {path.stem for path in FILES}
    assert {"no_spikes", "perfect_distance"} <= set(bounds)


def _is_bound(name):
    kind = catalog.kind(name)
    bounds = (kinds.of(kind).floor, kinds.of(kind).ceiling)
    return name in bounds or (kind == "stimulus" and catalog.fits_itself(name))


def test_the_defaults_of_the_autoencoder_lie_in_its_space():
    found = read_space(str(FOLDER / "sae.yaml"))
    own = base("sae")
    assert all(entry.contains(own[entry.name]) for entry in found.free if found.active(entry, own))
    assert own["model.encoder_hidden"] == own["model.hidden"]


def test_the_autoencoder_starts_from_what_few_trials_asked_for():
    found = read_space(str(FOLDER / "sae.yaml"))
    points = [found.complete(point, base("sae")) for point in found.start]
    assert [point["model.encoder_hidden"] for point in points] == [64, 64]
    assert [point["training.weight_decay"] for point in points] == [0.7, 2.5]
