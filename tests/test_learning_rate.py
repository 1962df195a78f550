"""The learning rate that is held by a divergence: its rule, and what it does to a training."""

import math

import pytest
import torch
from torch.nn import functional

from fastinfo.torch import KLAdaptiveLR, categorical_kl, perceptron


def schedule(target=0.01, lr=0.1, optimizer=torch.optim.SGD, **settings):
    weights = torch.zeros(3, requires_grad=True)
    weights.grad = torch.tensor([3.0, 0.0, 4.0])
    return weights, KLAdaptiveLR(optimizer([weights], lr=lr), target, **settings)


@pytest.mark.parametrize(
    ("kl", "gain", "factor"),
    [
        *[(0.04, 1.0, 0.5), (0.0025, 1.0, 2.0), (0.04, 0.5, 0.5**0.5), (0.01, 0.5, 1.0)],
        *[(0.0, 1.0, 10.0), (math.inf, 1.0, 0.1), (1e-9, 1.0, 10.0), (1e9, 1.0, 0.1)],
    ],
)
def test_the_rule(kl, gain, factor):
    _, rule = schedule(gain=gain)
    assert rule.update(torch.tensor(kl)) == pytest.approx(0.1 * factor)
    assert rule.last_kl == pytest.approx(kl)


def test_a_step_is_corrected_at_once():
    """A divergence that is the squared length of the step: what the rule takes it for."""
    weights, rule = schedule(target=0.01, lr=1.0)
    calls = []

    def divergence():
        calls.append(weights.square().sum().item())
        return calls[-1]

    assert rule.step(divergence) == pytest.approx(0.01)
    # A step of 5 is cut to its tenth, and then hits the target: its root is 0.1.
    assert calls == pytest.approx([25, 0.25, 0.01])
    assert weights.tolist() == pytest.approx([-0.06, 0, -0.08])
    assert rule.get_last_lr() == pytest.approx([0.02])


@pytest.mark.parametrize(
    "optimizer",
    [
        torch.optim.SGD,
        lambda w, lr: torch.optim.SGD(w, lr=lr, momentum=0.9, nesterov=True),
        torch.optim.Adam,
        torch.optim.AdamW,
        torch.optim.RMSprop,
    ],
)
def test_a_corrected_step_is_the_step_of_the_corrected_rate(optimizer):
    generator = torch.Generator().manual_seed(0)
    start, *gradients = torch.randn(5, 3, dtype=torch.float64, generator=generator)
    ways = []
    for scale in (1.0, 0.25):
        weights = start.clone().requires_grad_()
        made = optimizer([weights], lr=0.01)
        for gradient in gradients[:3]:
            weights.grad = gradient.clone()
            made.step()
        before = weights.detach().clone()
        weights.grad = gradients[3].clone()
        made.param_groups[0]["lr"] *= scale
        told = iter([0.16, 0.01] if scale == 1.0 else [0.01])
        KLAdaptiveLR(made, 0.01).step(lambda told=told: next(told))
        ways.append(weights.detach() - before)
    assert torch.allclose(ways[0], ways[1])
    assert ways[0].abs().min() > 0


def test_steps_within_the_band_are_left_alone():
    weights, rule = schedule(target=0.01, lr=0.1)
    assert rule.step(lambda: 0.019) == 0.019
    assert weights.tolist() == pytest.approx([-0.3, 0, -0.4])
    assert rule.get_last_lr()[0] == pytest.approx(0.1 * (1 / 1.9) ** 0.25)


def test_limits_and_groups():
    weights, other = (torch.zeros(1, requires_grad=True) for _ in range(2))
    groups = [{"params": [weights], "lr": 0.1}, {"params": [other], "lr": torch.tensor(0.4)}]
    rule = KLAdaptiveLR(torch.optim.SGD(groups), 0.01, gain=1.0, min_lr=0.05, max_lr=1.0)
    rule.update(1e-9)
    assert rule.get_last_lr() == pytest.approx([0.25, 1.0])  # ratios stay
    for _ in range(3):
        rule.update(math.inf)
    assert rule.get_last_lr() == pytest.approx([0.05, 0.2])
    weights.grad = torch.ones(1)
    assert rule.step(lambda: 1.0) == 1.0  # at the limit it gives up rather than turn for ever


def test_state_goes_on():
    _, rule = schedule(gain=0.3)
    rule.update(0.5)
    _, other = schedule()
    other.load_state_dict(rule.state_dict())
    assert other.state_dict() == rule.state_dict()
    with pytest.raises(ValueError, match="hold"):
        other.load_state_dict({**rule.state_dict(), "hold": 1})


@pytest.mark.parametrize("kl", [math.nan, -0.678])
def test_what_is_no_divergence_is_refused(kl):
    _, rule = schedule()
    with pytest.raises(ValueError, match=r"which none is.*not Σ log of ratios"):
        rule.update(kl)
    with pytest.raises(ValueError, match="which none is"):
        rule.step(lambda: kl)
    assert rule.update(-1e-9) > 0  # rounding


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"target": 0}, ValueError),
        ({"gain": 0}, ValueError),
        ({"gain": "much"}, TypeError),
        ({"max_change": 1}, ValueError),
        ({"max_corrections": 0.5}, TypeError),
        ({"min_lr": 1, "max_lr": 0.1}, ValueError),
    ],
)
def test_settings_that_are_refused(settings, error):
    with pytest.raises(error, match=list(settings)[-1]):
        schedule(**settings)
    with pytest.raises(TypeError, match=r"torch.optim.Optimizer"):
        KLAdaptiveLR(torch.zeros(1), 0.1)


@pytest.mark.parametrize("lr", [1e-5, 1e-1])
@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_the_target_is_held_from_bad_starts(lr, optimizer):
    """At least 80 % of the steps within [½, 2] × target; docs/examples has more seeds."""
    torch.manual_seed(0)
    x = torch.randn(400, 8)
    y = (x @ torch.randn(8, 4)).argmax(1)
    net = perceptron(8, 32, 4)
    rule = KLAdaptiveLR(optimizer(net.parameters(), lr=lr), target=3e-3)
    divergences = []
    for _ in range(150):
        rows = torch.randint(400, (64,))
        rule.optimizer.zero_grad()
        before = net(x[rows])
        functional.cross_entropy(before, y[rows]).backward()
        kept = before.detach()
        divergences.append(rule.step(lambda k=kept, r=rows: categorical_kl(k, net(x[r]))))
    held = sum(1.5e-3 <= kl <= 6e-3 for kl in divergences) / len(divergences)
    assert held >= 0.8
    assert (net(x).argmax(1) == y).float().mean() > 0.85
