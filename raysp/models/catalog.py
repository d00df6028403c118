"""Models by name: a file of this folder, or model.py of a folder of it, or an entry point, with Config and Model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import TYPE_CHECKING

from raysp.config import plugins, settings
from raysp.config.settings import Plain
from raysp.errors import expect, unknown

if TYPE_CHECKING:
    from raysp.models.base import Config, Model


def names() -> list[str]:
    """Return the names of all models."""
    return list(_modules())


def module(name: str) -> ModuleType:
    """Return a model's file as a module. Raises BadInput for an unknown name, with the nearest right one."""
    if name not in _modules():
        raise unknown("model", name, names())
    return _checked(plugins.load(_modules()[name]), name)


def config(name: str, values: Mapping[str, Plain]) -> Config:
    """Return a model's Config from settings by name. Raises BadInput for an unknown setting or a wrong type."""
    return settings.build(module(name).Config, values, f"model {name}")


def build(name: str, values: Mapping[str, Plain], sizes: object) -> Model:
    """Return a new model for data of these sizes, initialised from torch's global random state."""
    return module(name).Model(config(name, values), sizes)


def side_by_side(name: str, values: Sequence[Mapping[str, Plain]], sizes: object, seeds: Sequence[int]) -> Model:
    """Return members of a population as lanes of one model, each with settings and a seed of its own."""
    return module(name).Model.side_by_side([config(name, one) for one in values], sizes, seeds)


def own_of_lanes(name: str) -> tuple[str, ...]:
    """Return the settings that members may differ in as lanes of one model; none where it takes no members as lanes."""
    return tuple(getattr(module(name).Model, "own_of_lanes", ()))


def on_paper(name: str, values: Mapping[str, Plain], sizes: object) -> Model:
    """Return a model without memory for its weights: what shapes and settings refuse, they refuse here.

    Raises:
        BadInput: the settings do not go with the sizes, e.g. more halvings than there are bins.
    """
    import torch

    with torch.device("meta"):
        return build(name, values, sizes)


def kind(name: str) -> str:
    """Return the kind of data that a model reads."""
    return module(name).Model.reads.kind


def fits_itself(name: str) -> bool:
    """Tell whether a model has a `fit` of its own instead of a loss for gradient descent."""
    return hasattr(module(name).Model, "fit")


def is_candidate(name: str) -> bool:
    """Tell whether a search for the best model of a recording tries a model."""
    return getattr(module(name).Model, "candidate", True)


def _checked(module: ModuleType, name: str) -> ModuleType:
    """Return a model's file that says what every file of a model says. Raises BadInput for others."""
    config, network = getattr(module, "Config", None), getattr(module, "Model", None)
    frozen = getattr(getattr(config, "__dataclass_params__", None), "frozen", False)
    expect(frozen, f"model {name}: {module.__file__} expected Config to be a frozen dataclass: @dataclass(frozen=True)")
    kind = getattr(getattr(network, "reads", None), "kind", None)
    expect(
        isinstance(kind, str),
        f"model {name}: {module.__file__} expected Model to say which kind of split it reads, e.g. reads = "
        f"PopulationSplit, got {getattr(network, 'reads', None)!r}",
    )
    return module


def _modules() -> dict[str, str]:
    return plugins.modules("models")
