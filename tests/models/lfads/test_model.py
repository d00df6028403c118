"""LFADS as a whole: what may know of what, what is learned from, and what the settings mean."""

import dataclasses

import pytest
import torch

from raysp.data.splits.batch import to_device
from raysp.data.splits.population import Sizes
from raysp.errors import BadInput
from raysp.kinds.population.made_up import made_up_split
from raysp.models import catalog
from raysp.models.lfads.losses import stopped, without_withheld
from raysp.models.lfads.model import ramp
from raysp.models.lfads.network import Noise
from raysp.models.lfads.samples import sample_noise
from tests.models.lfads.made_up import batch_of, config, made, trained

SIZES = Sizes("made_up", 20.0, 8, 6, 3, 2)


def test_every_factor_has_weights_of_length_one_whatever_is_learned():
    model = trained(made(), batch_of(), 3)
    assert (model.network.generator.loadings().norm(dim=1) - 1).abs().max() < 1e-6


def test_a_count_that_was_shown_gives_no_gradient():
    log_rates = torch.randn(2, 3, 5, 4, requires_grad=True)
    shown = torch.rand(2, 3, 4, 3) < 0.5
    found = stopped(log_rates, shown)
    assert torch.equal(found, log_rates)
    found.sum().backward()
    expected = torch.ones_like(log_rates)
    expected[:, :, :4, :3] = (~shown).float()
    assert torch.equal(log_rates.grad, expected)


def test_heldout_units_and_forward_bins_are_learned_from_however_much_is_hidden():
    model, batch = made(coordinated_dropout=0.01, dropout=0.0), batch_of()
    asked = []

    def ask(module, given, found):
        found.retain_grad()
        asked.append(found)

    model.network.readout.register_forward_hook(ask)
    model.train().loss(batch).total.backward()
    moved = asked[0].grad[0] != 0
    assert moved[:, 8:].all()
    assert moved[:, :, 6:].all()
    assert moved[:, :8, :6].float().mean() < 0.05


def test_the_input_keeps_its_mean_under_coordinated_dropout():
    model, batch, seen = made(coordinated_dropout=0.4, dropout=0.2), batch_of(), []

    class Enough(Exception):
        pass

    def encode(x, dropping):
        seen.append(x)
        raise Enough

    model.network.encode = encode
    for _ in range(300):
        with pytest.raises(Enough):
            model.train().loss(batch)
    error = (torch.stack(seen).mean(dim=0)[0] - batch.heldin).abs()
    assert (error / batch.heldin.clamp(min=1)).max() < 0.35
    assert error.mean() < 0.05


@pytest.mark.parametrize("evaluation", [False, True])
def test_withheld_counts_change_nothing(evaluation):
    split = made_up_split()
    batch = batch_of(split, None if evaluation else 0)
    _, _, aside = without_withheld(batch, 0.3)
    other = dataclasses.replace(batch, heldin=torch.where(aside, batch.heldin + 5, batch.heldin))
    if evaluation:
        models = [made(split, sample_validation=0.3).eval() for _ in range(2)]
        one, two = (model.loss(given) for model, given in zip(models, (batch, other), strict=True))
        assert torch.equal(one.each, two.each)
        assert one.parts["withheld"] != two.parts["withheld"]
        return
    again = dataclasses.replace(other, generator=torch.Generator().manual_seed(0))
    weights = [trained(made(split, sample_validation=0.3), given, 3).state_dict() for given in (batch, again)]
    assert all(torch.equal(one, two) for one, two in zip(*(each.values() for each in weights), strict=True))


def test_log_rates_of_a_trial_know_nothing_of_other_trials_or_of_what_is_held_out():
    split = made_up_split()
    model, batch = made(split, dropout=0.0, coordinated_dropout=0.0).double(), batch_of(split)
    heldin = batch.heldin.double().requires_grad_()
    encoded = model.network.encode(heldin[None])
    _, found = model.network.decode(encoded, sample_noise(model.network, 0, heldin.device))
    model.network.readout(found.factors)[0, 4].sum().backward()
    others = torch.arange(len(heldin)) != 4
    assert heldin.grad[others].abs().max() == 0
    assert heldin.grad[4].abs().min() > 0


@pytest.mark.parametrize("lag", [1, 3])
def test_causal_inputs_follow_from_earlier_bins_alone(lag):
    split = made_up_split()
    model = made(split, causal=True, lag=lag)
    x = to_device(split.train, "cpu").heldin.requires_grad_()
    _, found = model.network.decode(model.network.encode(x[None]), sample_noise(model.network, 0, x.device))
    for t in range(10):
        (gradient,) = torch.autograd.grad(found.inputs[t].sum(), x, retain_graph=True)
        seen = gradient.abs().sum(dim=(0, 2)) > 0
        assert seen.tolist() == [bin <= t - lag for bin in range(8)] if t < 8 else True


def test_without_the_causal_setting_inputs_see_later_bins_from_the_lag_on():
    split = made_up_split()
    model = made(split, lag=2)
    for weights in model.network.initial_encoder.parameters():
        weights.data.zero_()
    x = to_device(split.train, "cpu").heldin.requires_grad_()
    _, found = model.network.decode(model.network.encode(x[None]), sample_noise(model.network, 0, x.device))
    (gradient,) = torch.autograd.grad(found.inputs[0].sum(), x)
    # Before bin 0 there is nothing to look back on; forwards, what lies less than the lag ahead is unseen.
    assert (gradient.abs().sum(dim=(0, 2)) > 0).tolist() == [False, False, *[True] * 6]


def test_without_inputs_there_is_neither_controller_nor_its_encoder():
    model = made(inputs=0)
    names = {name.split(".")[1] for name, _ in model.named_parameters()}
    assert names == {"initial_encoder", "to_initial", "to_initial_bias", "initial_prior", "generator", "readout"}
    assert set(model.predict(batch_of()).beside) == {"initial_conditions", "initial_divergence"}


def test_divergences_of_dimensions_add_up_and_one_that_is_its_prior_has_none():
    model, batch = made(inputs=2).eval(), batch_of()
    network = model.network
    network.to_initial.data[:, :, 0] = 0.0
    network.to_initial.data[:, :, network.initial_prior.mean.shape[1]] = 0.0
    found = model.predict(batch).beside
    of_initial, of_inputs = found["initial_divergence"], found["input_divergence"]
    assert of_initial.shape == found["initial_conditions"].shape
    assert of_inputs.shape == (len(of_initial), 2)
    assert of_initial[:, 0].abs().max() < 1e-4 < 10 * of_initial[:, 1].mean()
    encoded = network.encode(torch.nan_to_num(batch.heldin)[None])
    initial, one = network.decode(encoded, sample_noise(network, 0, batch.heldin.device))
    sums = [each.sum() for each in (of_initial, of_inputs)]
    torch.testing.assert_close(sums, [each.sum() for each in network.divergences(encoded, initial, one)])
    model.begin_training(10)
    assert "initial_divergence" not in model.predict(batch).beside


def test_inputs_of_nothing_leave_the_generator_as_it_runs_freely():
    driven, free = made(inputs=1).eval(), made(inputs=0).eval()
    driven.network.controller.to_inputs.data.zero_()
    driven.network.controller.to_inputs_bias.data.copy_(torch.tensor([[0.0, -200.0]]))
    same = dict(driven.network.named_parameters())
    for name, weights in free.network.named_parameters():
        theirs = same[name].data
        weights.data.copy_(theirs[:, 1:] if name in ("generator.gates", "generator.candidate") else theirs)
    one, two = (model.predict(batch_of(seed=None)).rates for model in (driven, free))
    torch.testing.assert_close(one, two, rtol=1e-5, atol=1e-6)


def test_a_prediction_is_the_mean_of_rates_over_samples():
    split = made_up_split()
    model, batch = made(split, samples=4).eval(), batch_of(split, None)
    with torch.no_grad():
        encoded = model.network.encode(batch.heldin[None])
        each = []
        for number in range(4):
            _, found = model.network.decode(encoded, sample_noise(model.network, number, batch.heldin.device))
            each.append(model.network.readout(found.factors)[0].exp())
        found = model.predict(batch)
    torch.testing.assert_close(found.rates, torch.stack(each).mean(dim=0)[:, :8], rtol=1e-5, atol=1e-6)


def test_a_prediction_does_not_depend_on_how_trials_are_cut_into_batches():
    split = made_up_split(trials=12)
    model, batch = made(split).eval(), batch_of(split, None)
    whole = model.predict(batch)
    parts = [model.predict(batch.take(slice(start, start + 5))) for start in range(0, 12, 5)]
    torch.testing.assert_close(whole.rates, torch.cat([one.rates for one in parts]), rtol=1e-5, atol=1e-6)
    for name, found in whole.beside.items():
        torch.testing.assert_close(found, torch.cat([one.beside[name] for one in parts]), rtol=1e-4, atol=1e-5)


def test_the_error_of_the_mean_falls_with_the_root_of_the_samples():
    model = made().eval()
    heldin = batch_of(seed=None).heldin[:1]
    with torch.no_grad():
        encoded = model.network.encode(heldin[None]).repeated(400)
        noise = [sample_noise(model.network, number, heldin.device) for number in range(400)]
        together = Noise(
            torch.cat([one.initial for one in noise], dim=1), torch.cat([one.inputs for one in noise], dim=2)
        )
        _, found = model.network.decode(encoded, together)
        rates = model.network.readout(found.factors)[0].exp()
    variances = [rates.unflatten(0, (-1, count)).mean(dim=1).var(dim=0).mean().item() for count in (2, 4, 8)]
    assert variances[0] / variances[1] == pytest.approx(2, rel=0.3)
    assert variances[1] / variances[2] == pytest.approx(2, rel=0.3)


def test_mirrored_samples_take_out_what_is_linear_in_the_noise():
    model = made()
    one, two = (sample_noise(model.network, number, torch.device("cpu")) for number in (6, 7))
    assert torch.equal(one.initial, -two.initial)
    assert torch.equal(one.inputs, -two.inputs)
    assert not torch.equal(one.inputs, sample_noise(model.network, 8, torch.device("cpu")).inputs)


def test_weights_rise_with_the_steps():
    found = ramp(torch.tensor([0, 1, 79, 80, 81]), 79)
    assert found.tolist() == pytest.approx([1 / 80, 2 / 80, 1.0, 1.0, 1.0])
    assert ramp(torch.tensor([0]), 0).tolist() == [1.0]


def test_weights_rise_over_their_share_of_the_training():
    model, batch = made(ramp=0.5), batch_of()
    model.begin_training(8)
    settled = [trained(model, batch, 1).settled for _ in range(8)]
    assert settled == [False, False, False, True, True, True, True, True]
    assert model.steps.tolist() == [8]


def test_without_weights_of_divergences_it_is_a_plain_autoencoder():
    model, batch = made(beta_initial=0.0, beta_inputs=0.0, dropout=0.0), batch_of()
    model.train().loss(batch).total.backward()
    priors = [one.grad for name, one in model.named_parameters() if "prior" in name]
    assert all(not grad.any() for grad in priors)


def test_the_loss_is_of_sums_over_a_trial_divided_once():
    split, settings = made_up_split(), {"dropout": 0.0, "coordinated_dropout": 0.0}
    with torch.no_grad():
        losses = [
            made(split, beta_initial=initial, beta_inputs=inputs, **settings).train().loss(batch_of(split)).total
            for initial, inputs in ((0.0, 0.0), (1.0, 0.0), (3.0, 0.0), (0.0, 2.0))
        ]
        model = made(split).train()
        batch = batch_of(split)
        torch.empty((12 * 8 * 6 + 3) // 4, dtype=torch.int64).random_(-(2**63), None, generator=batch.generator)
        for shape in ((12, 8, 6), (12, 16)):
            torch.empty((torch.Size(shape).numel() + 3) // 4, dtype=torch.int64).random_(
                -(2**63), None, generator=batch.generator
            )
        encoded = model.network.encode(batch.heldin[None])
        initial, found = model.network.decode(encoded, model.network.noise(12, batch.generator))
        nats = [one.item() for one in model.network.divergences(encoded, initial, found)]
    known = batch.whole().isfinite().sum().item()
    base, one, three, two = (loss.item() for loss in losses)
    assert one - base == pytest.approx(nats[0] / known, rel=1e-3)
    assert three - base == pytest.approx(3 * nats[0] / known, rel=1e-3)
    assert two - base == pytest.approx(2 * nats[1] / known, rel=1e-3)


def test_units_in_another_order_are_predicted_in_that_order():
    split = made_up_split()
    model, batch = made(split).eval(), batch_of(split, None)
    before = model.predict(batch).rates
    order = torch.randperm(6, generator=torch.Generator().manual_seed(3))
    both = torch.cat([order, torch.arange(6, 9)])
    network = model.network
    for encoder in (network.initial_encoder, network.input_encoder):
        encoder.weight.data = encoder.weight.data[:, order]
    network.readout.weight.data = network.readout.weight.data[:, :, both]
    network.readout.bias.data = network.readout.bias.data[:, both]
    network.readout.log_rates = network.readout.log_rates[:, both]
    after = model.predict(dataclasses.replace(batch, heldin=batch.heldin[:, :, order])).rates
    torch.testing.assert_close(after, before[:, :, both], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"factors": 10}, "factors expected at most the 9 units"),
        ({"inputs": 10}, "inputs expected at most the 9 units"),
        ({"inputs": 9}, "inputs expected at most the 8 bins"),
        ({"lag": 9}, "lag expected at most the 8 bins"),
    ],
)
def test_what_a_recording_cannot_have_is_refused(settings, words):
    with pytest.raises(BadInput, match=words):
        catalog.on_paper("lfads", settings, SIZES)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"initial_variance": 0.0}, "initial_variance expected a number > 0"),
        ({"input_variance": 0.0}, "input_variance expected a number > 0"),
        ({"tau": 0.0}, "tau expected a number > 0"),
        ({"ramp": 1.0}, r"ramp expected a share in \[0, 1\)"),
        ({"beta_inputs": 1e-6}, "beta_inputs expected 0 or at least 0.0001.*multiply it by bins x units"),
        ({"input_prior": "white"}, "input_prior"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, words):
    with pytest.raises(BadInput, match=words):
        config(**settings)


@pytest.mark.parametrize("inputs", [0, 2])
def test_penalties_are_half_the_mean_square_of_recurrent_weights_alone(inputs):
    network = made(inputs=inputs, start=False).network
    generator = torch.cat([network.generator.gates[0, inputs:], network.generator.candidate[0, inputs:]], dim=1)
    count, found = generator.numel(), network.penalties()
    if inputs:
        own = [getattr(network.controller, name)[0, 4:] for name in ("gates", "candidate")]
        count += sum(one.numel() for one in own)
        assert found[1].item() == pytest.approx(sum((one**2).sum().item() for one in own) / (2 * count))
    else:
        assert found[1].item() == 0
    assert found[0].item() == pytest.approx((generator**2).sum().item() / (2 * count))
