"""The bottleneck: the article's weights mapped on discrete tables, the curve of Gaussians."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn import functional

from fastinfo import pmf
from fastinfo.torch import (
    InformationBottleneckLoss,
    bottleneck_beta,
    gaussian_bottleneck,
    sample_gaussian,
)

# --- the weights of the article -----------------------------------------------------------------


def article(joint, code, lambda1, lambda2):
    """I(X;Y) − λ₁·H(X|Z) − λ₂·H(Z|Y) and the two informations, for Z = code[X]."""
    x, y = joint.shape
    table = np.zeros((x, y, x))  # p(x, y, z)
    table[np.arange(x), :, code] = joint
    xz, zy = table.sum(1), table.sum(0).T
    objective = (
        pmf.mutual_information(joint)
        - lambda1 * pmf.conditional_entropy(xz)
        - lambda2 * pmf.conditional_entropy(zy)
    )
    return objective, pmf.mutual_information(xz), pmf.mutual_information(zy)


@pytest.mark.parametrize(("lambda1", "lambda2"), [(0.5, 1.0), (0.1, 2.0), (2.9, 3.0)])
def test_the_article_s_objective_is_the_bottleneck_up_to_a_constant(lambda1, lambda2):
    """Every code of four values of X into at most four: 256 codes, one constant."""
    joint = np.random.default_rng(5).dirichlet(np.ones(12)).reshape(4, 3)
    beta = bottleneck_beta(lambda1, lambda2)
    constants = []
    for code in itertools.product(range(4), repeat=4):
        objective, about_x, about_y = article(joint, list(code), lambda1, lambda2)
        constants.append(objective - lambda2 * (about_y - beta * about_x))
    assert np.ptp(constants) < 1e-12
    expected = pmf.mutual_information(joint) - lambda1 * pmf.entropy(joint.sum(1))
    assert constants[0] == pytest.approx(expected)


def best_code(joint, lambda1, lambda2):
    codes = [list(code) for code in itertools.product(range(4), repeat=4)]
    return max((article(joint, code, lambda1, lambda2), code) for code in codes)[0]


def test_what_the_refused_weights_would_have_done():
    """The best code by exhaustion: all of X, nothing, and in between what is accepted."""
    # X has two bits, of which Y sees the first alone, with some noise.
    joint = np.array([[9, 1], [9, 1], [1, 9], [1, 9]]) / 40
    entropy, shared = math.log(4), pmf.mutual_information(joint)
    _, about_x, _ = best_code(joint, lambda1=1.0, lambda2=0.5)
    assert about_x == pytest.approx(entropy)  # does not compress
    _, about_x, _ = best_code(joint, lambda1=0.0, lambda2=1.0)
    assert about_x == pytest.approx(0)  # a constant
    _, about_x, about_y = best_code(joint, lambda1=0.8, lambda2=1.0)
    assert about_x == pytest.approx(math.log(2))  # the one bit that matters
    assert about_y == pytest.approx(shared)


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ((1.0, 0.5), r"does not compress.*λ₁ − λ₂ = 0.5 ≥ 0"),
        ((1.0, 1.0), r"does not compress.*pays for keeping X"),
        ((0.5, 0.0), r"pays nothing for what Z tells about Y"),
        ((-1.0, -2.0), r"pays nothing for what Z tells about Y"),
        ((0.0, 1.0), r"compresses everything away.*constant Z"),
        ((-0.5, 1.0), r"compresses everything away"),
    ],
)
def test_weights_under_which_it_does_not_compress_are_refused(weights, reason):
    with pytest.raises(ValueError, match=reason):
        bottleneck_beta(*weights)
    with pytest.raises(ValueError, match="0 < lambda1 < lambda2"):
        InformationBottleneckLoss.from_weights(*weights)


def test_weights_that_are_accepted():
    loss = InformationBottleneckLoss.from_weights(0.9, 1.0)
    assert loss.beta == pytest.approx(0.1)
    assert "beta=0.09" in repr(loss)
    for beta, reason in ((-0.1, "opposite of compression"), (1.0, "constant would be the best")):
        with pytest.raises(ValueError, match=reason):
            InformationBottleneckLoss(beta)
    with pytest.raises(TypeError, match="lambda1='much'"):
        bottleneck_beta("much", 1)


# --- the loss -----------------------------------------------------------------------------------


def test_terms():
    torch.manual_seed(0)
    logits, target = torch.randn(6, 3), torch.randint(3, (6,))
    mean, log_variance = torch.randn(6, 2), torch.randn(6, 2)
    terms = InformationBottleneckLoss(0.3)(logits, target, mean, log_variance)
    assert terms.distortion == functional.cross_entropy(logits, target)
    rate = (mean**2 + log_variance.exp() - log_variance - 1).sum(1).mean() / 2
    assert terms.rate.item() == pytest.approx(rate.item())
    assert terms.loss.item() == pytest.approx((terms.distortion + 0.3 * rate).item())


def test_gradients_are_right():
    generator = torch.Generator().manual_seed(0)
    inputs = [
        torch.randn(4, 3, dtype=torch.float64, generator=generator).requires_grad_()
        for _ in range(3)
    ]
    target = torch.tensor([0, 1, 2, 0])
    loss = InformationBottleneckLoss(0.3)

    def whole(logits, mean, log_variance):
        sample = sample_gaussian(mean, log_variance, torch.Generator().manual_seed(1))
        return tuple(loss(logits + sample, target, mean, log_variance))

    assert torch.autograd.gradcheck(whole, inputs)


def test_samples_have_the_moments_asked_for():
    generator = torch.Generator().manual_seed(0)
    mean, log_variance = torch.tensor([1.0, -2.0]), torch.tensor([0.0, 2.0])
    samples = sample_gaussian(
        mean.expand(40_000, 2), log_variance.expand(40_000, 2), generator=generator
    )
    assert torch.allclose(samples.mean(0), mean, atol=0.05)
    assert torch.allclose(samples.var(0), log_variance.exp(), rtol=0.03)
    with pytest.raises(ValueError, match="accepted is one shape"):
        sample_gaussian(mean, log_variance[:1])


# --- the curve of scalar Gaussians --------------------------------------------------------------


@pytest.mark.parametrize("correlation", [0.5, 0.9, -0.99])
def test_the_curve_is_the_best_of_all_noisy_codes(correlation):
    """Z = X + noise for every noise: none has a better I(Z;Y) − β·I(X;Z)."""
    noise = np.geomspace(1e-6, 1e6, 200_001)
    about_x = np.log1p(1 / noise) / 2
    about_y = -np.log(1 - correlation**2 / (1 + noise)) / 2
    for beta in (0.01, 0.2, 0.5, 0.9):
        best = np.max(about_y - beta * about_x)
        x, y = gaussian_bottleneck(correlation, beta)
        assert y - beta * x == pytest.approx(max(best, 0), abs=1e-6)


def test_nothing_is_worth_its_price_from_the_squared_correlation_on():
    assert gaussian_bottleneck(0.5, 0.25) == (0.0, 0.0)
    assert gaussian_bottleneck(0.5, 0.2499)[0] > 0
    for correlation, beta in ((1.0, 0.5), (0.5, 0.0), (0.5, 1.0)):
        with pytest.raises(ValueError, match=r"correlation=1.0|beta="):
            gaussian_bottleneck(correlation, beta)


def exact_gaussians(n, correlation):
    """Samples whose own moments are exactly those of the distribution."""
    generator = torch.Generator().manual_seed(0)
    pair = torch.randn(n, 2, generator=generator)
    pair = pair - pair.mean(0)
    whitened = torch.linalg.solve_triangular(
        torch.linalg.cholesky(pair.T @ pair / n), pair.T, upper=False
    )
    x, other = whitened
    return x[:, None], (correlation * x + math.sqrt(1 - correlation**2) * other)[:, None]


def train(loss, x, y, n_steps):
    """A linear Gaussian encoder and decoder, and their rate and distortion at the end."""
    torch.manual_seed(0)
    encoder, decoder = torch.nn.Linear(1, 2), torch.nn.Linear(1, 1)
    spread = torch.zeros((), requires_grad=True)
    parameters = [*encoder.parameters(), *decoder.parameters(), spread]
    optimizer = torch.optim.Adam(parameters, lr=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)

    def terms():
        mean, log_variance = encoder(x).chunk(2, 1)
        noise = torch.randn_like(mean)
        # Not correlated with x and y, exactly: the loss depends on these moments alone.
        basis, _ = torch.linalg.qr(torch.cat([torch.ones_like(x), x, y], 1))
        noise = noise - basis @ (basis.T @ noise)
        noise = noise / noise.std(correction=0)
        prediction = decoder(mean + (log_variance / 2).exp() * noise)
        return loss(prediction, (y, spread), mean, log_variance)

    for _ in range(n_steps):
        optimizer.zero_grad()
        terms().loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        found = terms()
    return found.rate.item(), found.distortion.item()


def gaussian_distortion(predictions, target):
    y, log_variance = target
    squared = (predictions - y).square().mean() * (-log_variance).exp()
    return (squared + log_variance + math.log(2 * math.pi)) / 2


@pytest.mark.parametrize("beta", [0.1, 0.3, 0.6])
def test_the_variational_bottleneck_is_on_the_curve(beta):
    """Rate and H(Y) − distortion within 0.02 nats of I(X;Z) and I(Z;Y) of the best code."""
    correlation = 0.9
    x, y = exact_gaussians(1000, correlation)
    loss = InformationBottleneckLoss(beta, gaussian_distortion)
    rate, distortion = train(loss, x, y, n_steps=400)
    about_x, about_y = gaussian_bottleneck(correlation, beta)
    entropy = math.log(2 * math.pi * math.e) / 2
    assert rate == pytest.approx(about_x, abs=0.02)
    assert entropy - distortion == pytest.approx(about_y, abs=0.02)
