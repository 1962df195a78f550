"""Critics: scores of all pairs, each of its own pair alone."""

import math

import pytest
import torch

from fastinfo.torch import (
    BilinearCritic,
    ConcatenatedCritic,
    GaussianConditional,
    SeparableCritic,
    perceptron,
)

CRITICS = [BilinearCritic, ConcatenatedCritic, GaussianConditional, SeparableCritic]


@pytest.fixture(params=CRITICS, ids=lambda critic: critic.__name__)
def critic(request):
    torch.manual_seed(0)
    return request.param(2, 3).double()


def test_scores_are_of_pairs(critic):
    x, y = torch.randn(4, 2, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    scores = critic(x, y)
    assert scores.shape == (4, 4)
    swapped = critic(x[[1, 0, 2, 3]], y)
    assert torch.allclose(swapped, scores[[1, 0, 2, 3]])
    assert torch.allclose(critic(x, y[[3, 1, 2, 0]]), scores[:, [3, 1, 2, 0]])
    assert not torch.allclose(scores[0, 0], scores[0, 1])
    assert not torch.allclose(scores[0, 0], scores[1, 0])


def test_leading_axes_are_places(critic):
    """X at several places and one y, as local InfoMax needs it."""
    x, y = torch.randn(5, 4, 2, dtype=torch.float64), torch.randn(4, 3, dtype=torch.float64)
    scores = critic(x, y)
    assert scores.shape == (5, 4, 4)
    for place in range(5):
        assert torch.allclose(scores[place], critic(x[place], y))


def test_gradients_reach_both(critic):
    x, y = (torch.randn(3, d, dtype=torch.float64, requires_grad=True) for d in (2, 3))
    assert torch.autograd.gradcheck(critic, (x, y))


def test_the_conditional_is_a_density():
    """Its exponential integrates to 1 over y, and its loss is the mean of the diagonal."""
    torch.manual_seed(0)
    model = GaussianConditional(2, 1).double()
    grid = torch.linspace(-30, 30, 3001, dtype=torch.float64)[:, None]
    x = torch.randn(3001, 2, dtype=torch.float64)
    density = model(x[:5].repeat(601, 1)[:3001], grid)[:5].exp()
    assert torch.allclose(density.sum(-1) * 60 / 3000, torch.ones(5, dtype=torch.float64))
    loss = model.negative_log_likelihood(x[:9], grid[:9])
    assert torch.allclose(loss, -model(x[:9], grid[:9]).diagonal().mean())


def test_a_conditional_without_weights_is_the_normal_distribution():
    model = GaussianConditional(1, 2)
    for parameter in model.parameters():
        torch.nn.init.zeros_(parameter)
    loss = model.negative_log_likelihood(torch.zeros(1, 1), torch.tensor([[1.0, 2.0]]))
    assert loss.item() == pytest.approx(math.log(2 * math.pi) + 2.5)


@pytest.mark.parametrize("widths", [(), (3,), (3, 0), (3, 2.5)])
def test_perceptrons_need_two_widths(widths):
    with pytest.raises((TypeError, ValueError), match="widths"):
        perceptron(*widths)
