import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from raysp.errors import BadInput
from raysp.layers.norm import Norm
from raysp.layers.span import Span, check_padding, pad, span_for


@given(st.integers(1, 400), st.integers(0, 6))
def test_the_padded_length_halves_evenly_and_every_level_has_data(bins, layers):
    span, total = span_for(bins, layers), span_for(bins, layers).total
    assert 0 <= span.right - span.left <= 1
    for level in range(layers + 1):
        first, end = span.at(level)
        assert 0 <= first < end <= total
        assert level == layers or total % 2 == 1
        total = (total + 1) // 2


def test_no_layer_no_padding():
    assert span_for(10, 0) == Span(10, 0, 0)


def test_a_coarse_bin_is_data_where_its_centre_is():
    span = Span(10, 3, 4)
    assert [span.at(level) for level in range(4)] == [(3, 13), (2, 7), (1, 4), (1, 2)]


def test_reflection_and_edges():
    x = torch.arange(3.0).reshape(1, 3, 1)
    assert pad(x, Span(3, 1, 2), "reflect").flatten().tolist() == [1, 0, 1, 2, 1, 0]
    assert pad(x, Span(3, 1, 1), "edge").flatten().tolist() == [0, 0, 1, 2, 2]
    assert pad(x, Span(3, 1, 1), "inside").flatten().tolist() == [0, 0, 1, 2, 0]


def test_trials_too_short_to_be_reflected_are_refused():
    with pytest.raises(BadInput, match="4 halvings with reflected padding expected more than 7 bins, got 3"):
        check_padding(3, 4, "reflect", "model unet")
    check_padding(3, 4, "inside", "model unet")


def test_batch_statistics_do_not_see_the_padding():
    norm, x = Norm("batch", 2, inside=True), torch.randn(6, 9, 2)
    padded = x.clone()
    padded[:, :2], padded[:, 7:] = 50.0, -70.0
    torch.testing.assert_close(norm(padded, (2, 7))[:, 2:7], Norm("batch", 2, inside=True)(x, (2, 7))[:, 2:7])
    assert not norm(padded, (2, 7))[:, :2].any()


def test_a_single_number_can_be_normalised_in_training():
    assert torch.isfinite(Norm("batch", 3, inside=False).train()(torch.randn(1, 1, 3), (0, 1))).all()
