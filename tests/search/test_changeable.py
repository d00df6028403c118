import pytest

from raysp.config import settings
from raysp.config.experiment import Training
from raysp.errors import BadInput
from raysp.models import catalog
from raysp.search.changeable import parted_space
from raysp.search.space_check import flat
from raysp.search.space_file import parse_space
from tests.models.made_up import made_up_split
from tests.models.made_up_stimulus import made_up_recording


def parted(model, space, sizes=None, start=()):
    base = flat(settings.plain(catalog.config(model, {})), Training())
    read = parse_space({"model": model, "space": space, "start": list(start)}, "space")
    found, held = parted_space(read, base, sizes or made_up_split().sizes)
    return {entry.name for entry in found.entries}, held, found


def test_shapes_stay_and_so_does_what_depends_on_them():
    space = {
        "model.hidden": {"int": [4, 16]},
        "model.encoder_hidden": {"same": "model.hidden"},
        "model.latents": {"choice": [0, 4]},
        "model.dropout": {"uniform": [0.0, 0.5], "when": {"model.latents": 4}},
        "model.coordinated_dropout": {"uniform": [0.0, 0.5]},
        "training.learning_rate": {"loguniform": [1e-4, 1e-1]},
        "training.epochs": {"int": [5, 50]},
        "training.schedule": {"choice": ["constant", "cosine"]},
        "training.warmup_epochs": {"int": [1, 5], "when": {"training.schedule": "cosine"}},
    }
    kept, held, found = parted(
        "sae", space, start=[{"model.hidden": 8}, {"training.learning_rate": 1e-3, "model.hidden": 8}]
    )
    assert kept == {"model.coordinated_dropout", "training.learning_rate"}
    assert held.keys() == space.keys() - kept
    assert "shapes of weights" in held["model.hidden"]
    assert "shapes of weights" in held["model.latents"]
    assert "model.hidden, which stays" in held["model.encoder_hidden"]
    assert found.start == ({"training.learning_rate": 1e-3},)


@pytest.mark.parametrize(
    ("model", "name", "values"),
    [
        ("masked_gru", "model.mask_ratio", {"uniform": [0.1, 0.6]}),
        ("masked_gru", "model.mask", {"choice": ["full", "block"]}),
        ("unet", "model.dropout", {"uniform": [0.0, 0.5]}),
        ("ndt", "model.output_dropout", {"uniform": [0.0, 0.6]}),
    ],
)
def test_masks_and_dropout_of_every_network_can_change(model, name, values):
    assert parted(model, {name: values})[0] == {name}


def test_networks_of_windows_too():
    space = {"model.dropout": {"uniform": [0.0, 0.4]}, "model.channels": {"choice": [4, 8]}}
    kept, held, _ = parted("poisson_counts", space, made_up_recording(units=1).sizes)
    assert (kept, set(held)) == ({"model.dropout"}, {"model.channels"})


def test_a_space_of_shapes_alone_is_refused():
    with pytest.raises(BadInput, match=r"no setting that can change while it is trained \(model.hidden: it changes"):
        parted("sae", {"model.hidden": {"int": [4, 16]}})
