import dataclasses
import types
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raysp.config import settings as house
from raysp.config.experiment import Training
from raysp.config.ranges import Positive, Share
from raysp.errors import BadInput
from raysp.models import catalog
from raysp.search.space_check import FIXED, build, check_space, flat, parted
from raysp.search.space_file import parse_space


@dataclasses.dataclass(frozen=True)
class Config:
    """A model with settings that depend on each other."""

    cell: Literal["gru", "rnn"] = "gru"
    gate_bias: float = 0.0
    hidden: int = 32
    latents: int = 8
    kernels: tuple[int, ...] = (3,)
    width: Positive | None = None
    noise: Share = 0.0

    def __post_init__(self) -> None:
        if self.latents > self.hidden:
            raise BadInput(f"latents expected at most hidden, {self.hidden}, got {self.latents}")
        if self.gate_bias and self.cell != "gru":
            raise BadInput(f"gate_bias expected a cell with gates, got {self.cell}")


@pytest.fixture(autouse=True)
def made_up_model(monkeypatch):
    real = catalog.module
    found = types.SimpleNamespace(Config=Config)
    monkeypatch.setattr(catalog, "module", lambda name: found if name == "made_up" else real(name))


BASE = flat(house.plain(Config()), Training())


def space(start=(), **written):
    names = {name.replace("__", "."): value for name, value in written.items()}
    return parse_space({"model": "made_up", "space": names, "start": list(start)}, "made up")


def check(base=None, **written):
    check_space(space(**written), BASE | (base or {}))


def test_accepts_what_goes_together():
    check(
        model__cell={"choice": ["gru", "rnn"]},
        model__gate_bias={"uniform": [0, 2], "when": {"model.cell": "gru"}},
        model__hidden={"int": [32, 256], "log": True},
        model__latents={"choice": [0, 8, 32]},
        model__kernels={"choice": [[3], [3, 5]]},
        model__width={"choice": [None, 1.5]},
        training__schedule={"choice": ["constant", "plateau"]},
        training__plateau_patience={"int": [5, 40], "when": {"training.schedule": "plateau"}},
        start=[{"model.cell": "rnn", "model.kernels": [3, 5]}, {"model.gate_bias": 1.0}],
    )


def test_a_range_that_only_the_coupled_or_the_conditional_one_allows_is_accepted():
    check(model__hidden={"int": [32, 64]}, model__latents={"same": "model.hidden"})
    check(
        base={"model.cell": "rnn"},
        model__cell={"choice": ["rnn", "gru"]},
        model__gate_bias={"uniform": [1, 2], "when": {"model.cell": "gru"}},
    )


def test_the_experiments_own_value_outside_a_range_does_not_forbid_it():
    check(model__hidden={"int": [256, 512]}, model__latents={"choice": [128, 256]})


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"model__hiden": {"int": [1, 9]}}, r"did you mean 'model\.hidden'"),
        ({"hidden": {"int": [1, 9]}}, r"did you mean 'model\.hidden'"),
        ({"training__learning_rat": {"int": [1, 9]}}, r"did you mean 'training\.learning_rate'"),
        ({"model__hidden": {"same": "model.latent"}}, r"did you mean 'model\.latents'"),
        ({"model__hidden": {"int": [1, 9], "when": {"model.cel": "gru"}}}, r"did you mean 'model\.cell'"),
        ({"model__cell": {"choice": ["gru", "lstm"]}}, r"model\.cell 'lstm'.*unknown model made_up, cell"),
        ({"model__hidden": {"uniform": [32, 64]}}, r"model\.hidden 32\.0.*expected int, got 32\.0"),
        ({"model__hidden": {"choice": [32, True]}}, r"model\.hidden True.*expected int"),
        ({"model__hidden": {"grid": [32, 4]}}, r"model\.hidden 4: .*latents expected at most hidden"),
        ({"model__kernels": {"choice": [[3], 5]}}, r"model\.kernels 5.*expected several values"),
        ({"training__learning_rate": {"uniform": [0, 1]}}, r"training\.learning_rate 0\.0.*number > 0"),
        ({"training__epochs": {"int": [0, 9]}}, "epochs expected at least 1"),
        (
            {"model__width": {"uniform": [0, 1]}},
            r"^search space, model\.width 0\.0: model made_up, width expected a number > 0, got 0\.0$",
        ),
        ({"model__noise": {"uniform": [0, 1]}}, r"model\.noise 1\.0: .*noise expected a share in \[0, 1\), got 1\.0"),
        ({"model__noise": {"choice": [0, -0.5]}}, r"model\.noise -0\.5: .*noise expected a share in \[0, 1\), got -0"),
        ({"model__noise": {"same": "model.hidden"}, "model__hidden": {"int": [32, 64]}}, r"noise expected a share"),
        ({"model__hidden": {"same": "model.latents"}}, r"model\.latents, which does not vary"),
        (
            {"model__kernels": {"choice": [[3], [5]]}, "model__hidden": {"same": "model.kernels", "times": 2}},
            r"model\.hidden is model\.kernels times 2.*no number",
        ),
    ],
)
def test_refuses_names_and_values(written, message):
    with pytest.raises(BadInput, match=message):
        check(**written)


def test_refuses_two_settings_that_could_be_proposed_with_values_that_do_not_go_together():
    message = r"model\.hidden 32 with model\.latents 48 \(couple them.*latents expected at most hidden"
    with pytest.raises(BadInput, match=message):
        check(base={"model.hidden": 64}, model__hidden={"int": [32, 64]}, model__latents={"int": [0, 48]})


@pytest.mark.parametrize("name", FIXED)
def test_refuses_what_a_search_cannot_vary(name):
    with pytest.raises(BadInput, match=f"training.{name} cannot vary: {FIXED[name]}"):
        check(**{f"training__{name}": {"choice": [getattr(Training(), name)]}})


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({"model__hidden": {"int": [32, 64], "when": {"model.cell": "rnn"}}}, "model.cell is 'gru' and never 'rnn'"),
        ({"model__hidden": {"int": [32, 64], "when": {"model.latents": True}}}, "model.latents is 8 and never True"),
        (
            {
                "model__cell": {"choice": ["gru", "rnn"]},
                "model__hidden": {"int": [32, 64], "when": {"model.cell": ["gru", "rn"]}},
            },
            "never varies at model.cell 'rn'",
        ),
        (
            {"model__width": {"uniform": [1, 2]}, "model__hidden": {"int": [32, 64], "when": {"model.width": 1.5}}},
            "single values of the continuous range of model.width",
        ),
        (
            {
                "model__latents": {"same": "model.hidden"},
                "model__hidden": {"int": [32, 64]},
                "model__width": {"uniform": [1, 2], "when": {"model.latents": 32}},
            },
            "model.latents, which follows model.hidden",
        ),
        (
            {
                "model__cell": {"choice": ["gru", "rnn"]},
                "model__hidden": {"int": [32, 64], "when": {"model.cell": "gru"}},
                "model__width": {"uniform": [1, 2], "when": {"model.cell": "rnn", "model.hidden": 32}},
            },
            "model.width never varies, since its conditions on model.cell exclude each other",
        ),
    ],
)
def test_refuses_conditions_that_never_hold(written, message):
    with pytest.raises(BadInput, match=message):
        check(**written)


CONDITIONAL = {
    "model__cell": {"choice": ["gru", "rnn"]},
    "model__gate_bias": {"uniform": [0, 2], "when": {"model.cell": "gru"}},
    "model__hidden": {"int": [32, 64], "step": 8},
    "model__latents": {"same": "model.hidden"},
}


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"model.hiden": 32}, r"did you mean 'model\.hidden'"),
        ({"model.hidden": 65}, "start point 2: model.hidden expected a value of its range, got 65"),
        ({"model.hidden": 33}, "start point 2: model.hidden expected a value of its range, got 33"),
        ({"model.hidden": 40.0}, "expected a value of its range, got 40.0"),
        ({"model.latents": 32}, "model.latents follows model.hidden and cannot be given"),
        ({"model.cell": "rnn", "model.gate_bias": 1.0}, "model.gate_bias does not vary with model.cell 'rnn'"),
    ],
)
def test_refuses_start_points(point, message):
    with pytest.raises(BadInput, match=message):
        check(start=[{"model.hidden": 64}, point], **CONDITIONAL)


def test_training_of_a_model_that_fits_itself_does_not_apply():
    base = flat({"sigma_ms": None, "alpha": None, "offset": 1e-4}, None)
    found = parse_space({"model": "smoothing", "space": {"training.epochs": {"int": [1, 9]}}}, "made up")
    with pytest.raises(BadInput, match=r"training\.epochs does not apply, since model smoothing fits itself"):
        check_space(found, base)


def test_settings_are_taken_apart_and_put_together():
    chosen, training = build("made_up", BASE, "here")
    assert (chosen, training) == (house.plain(Config()), Training())
    assert flat(chosen, training) == BASE
    assert parted({"model.a": 1}) == {"model": {"a": 1}, "training": {}}
    assert build("smoothing", {"model.alpha": 1}, "here")[1] is None


ACCEPTED = {
    **CONDITIONAL,
    "model__kernels": {"grid": [[3], [3, 5]], "when": {"model.cell": "rnn"}},
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_an_accepted_space_proposes_is_never_refused(data):
    found = space(**ACCEPTED)
    check_space(found, BASE)
    chosen = {
        entry.name: data.draw(st.sampled_from(entry.values() or entry.probes()), label=entry.name)
        for entry in found.free
    }
    kept, _ = build("made_up", found.complete(chosen, BASE), "candidate")
    assert kept["latents"] == kept["hidden"] == chosen["model.hidden"]
    for combination in found.combinations(BASE):
        build("made_up", found.complete(chosen | combination, BASE), "candidate")
