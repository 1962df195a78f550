"""Divergences in closed form, beside those of probabilities and of torch's distributions."""

import math

import numpy as np
import pytest
import torch
from torch import distributions

from fastinfo import pmf
from fastinfo.torch import (
    categorical_kl,
    distillation_loss,
    gaussian_kl,
    kl_to_uniform,
    multivariate_gaussian_kl,
    weight_prior_kl,
)


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(11)


def normal(generator, *shape):
    return torch.randn(*shape, dtype=torch.float64, generator=generator)


def covariance(generator, *shape):
    """Positive definite matrices, symmetric whatever a numerical gradient does to their parts."""
    root = normal(generator, *shape, shape[-1])
    return root @ root.mT + torch.eye(shape[-1], dtype=torch.float64)


# --- categorical --------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_categorical_is_that_of_probabilities(generator, scale):
    p, q = scale * normal(generator, 50, 6), scale * normal(generator, 50, 6)
    found = categorical_kl(p, q, reduction="none")
    expected = pmf.kl_divergence(p.softmax(-1).numpy(), q.softmax(-1).numpy(), axis=1)
    assert np.allclose(found.numpy(), expected, rtol=1e-6, atol=1e-15)


def test_impossible_classes():
    nothing = -math.inf
    p = torch.tensor([[0.0, 0.0, nothing], [0.0, 0.0, 0.0], [nothing, 0.0, nothing]])
    q = torch.tensor([[0.0, 0.0, 0.0], [0.0, 0.0, nothing], [0.0, 0.0, nothing]])
    found = categorical_kl(p, q, reduction="none")
    assert found.tolist() == pytest.approx([math.log(1.5), math.inf, math.log(2)])
    p.requires_grad_()
    categorical_kl(p[[0, 2]], q[[0, 2]]).backward()
    assert torch.isfinite(p.grad).all()


def test_near_distributions_are_never_negative_and_keep_their_digits(generator):
    """Σ p·log(p/q) in float32 would be rounding alone: here q is off by 1e-5."""
    p = normal(generator, 200, 10)
    q = p + 1e-5 * normal(generator, 200, 10)
    found = categorical_kl(p.float(), q.float(), reduction="none")
    exact = categorical_kl(p.float().double(), q.float().double(), reduction="none")
    assert (found >= 0).all()
    assert torch.allclose(found.double(), exact, rtol=0.05)
    log_p, log_q = p.float().log_softmax(-1), q.float().log_softmax(-1)
    naive = (log_p.exp() * (log_p - log_q)).sum(-1)
    assert (naive < 0).any()


def test_far_apart_is_finite_in_single_precision():
    p, q = torch.tensor([[200.0, 0.0]]), torch.tensor([[0.0, 200.0]])
    assert categorical_kl(p, q).item() == pytest.approx(200)


def test_divergence_is_not_symmetric(generator):
    p, q = normal(generator, 4), normal(generator, 4)
    assert categorical_kl(p, q).item() != pytest.approx(categorical_kl(q, p).item(), rel=0.01)


# --- Gaussian -----------------------------------------------------------------------------------


def test_diagonal_is_that_of_distributions(generator):
    means, logs = normal(generator, 2, 7, 3), normal(generator, 2, 7, 3)
    p, q = (
        distributions.Independent(distributions.Normal(m, (s / 2).exp()), 1)
        for m, s in zip(means, logs, strict=True)
    )
    found = gaussian_kl(means[0], logs[0], means[1], logs[1], reduction="none")
    assert torch.allclose(found, distributions.kl_divergence(p, q))
    standard = distributions.Independent(
        distributions.Normal(torch.zeros_like(means[0]), torch.ones_like(means[0])), 1
    )
    found = gaussian_kl(means[0], logs[0], reduction="none")
    assert torch.allclose(found, distributions.kl_divergence(p, standard))


def test_full_is_that_of_distributions(generator):
    means, covariances = normal(generator, 2, 7, 3), covariance(generator, 2, 7, 3)
    p, q = (distributions.MultivariateNormal(m, c) for m, c in zip(means, covariances, strict=True))
    found = multivariate_gaussian_kl(
        means[0], covariances[0], means[1], covariances[1], reduction="none"
    )
    assert torch.allclose(found, distributions.kl_divergence(p, q))


def test_full_of_a_diagonal_is_diagonal(generator):
    means, logs = normal(generator, 2, 3), normal(generator, 2, 3)
    full = multivariate_gaussian_kl(means[0], logs[0].exp().diag(), means[1], logs[1].exp().diag())
    assert full.item() == pytest.approx(gaussian_kl(means[0], logs[0], means[1], logs[1]).item())


def test_one_prior_serves_many(generator):
    means, covariances = normal(generator, 5, 3), covariance(generator, 5, 3)
    mean, one = torch.zeros(3, dtype=torch.float64), torch.eye(3, dtype=torch.float64)
    found = multivariate_gaussian_kl(means, covariances, mean, one, reduction="none")
    each = [
        multivariate_gaussian_kl(m, c, mean, one) for m, c in zip(means, covariances, strict=True)
    ]
    assert torch.allclose(found, torch.stack(each))


# --- confidence, distillation, weights ----------------------------------------------------------


def test_uniform(generator):
    logits = normal(generator, 9, 5)
    expected = math.log(5) - pmf.entropy(logits.softmax(-1).numpy(), axis=1)
    assert np.allclose(kl_to_uniform(logits, reduction="none").numpy(), expected)
    certain = torch.tensor([0.0, -math.inf, -math.inf])
    assert kl_to_uniform(certain).item() == pytest.approx(math.log(3))


def test_distillation_at_one_is_the_divergence(generator):
    student, teacher = normal(generator, 6, 4), normal(generator, 6, 4)
    assert torch.allclose(distillation_loss(student, teacher), categorical_kl(teacher, student))


def test_distillation_of_great_temperature_is_half_a_variance(generator):
    student, teacher = normal(generator, 6, 4), normal(generator, 6, 4)
    found = distillation_loss(student, teacher, temperature=1e4, reduction="none")
    assert torch.allclose(found, (student - teacher).var(-1, correction=0) / 2, rtol=1e-3)


def test_temperature_leaves_the_gradient_its_size(generator):
    """Without T² it would shrink ten thousand times from T = 1 to T = 100."""
    sizes = []
    for temperature in (1, 10, 100):
        student = normal(torch.Generator().manual_seed(1), 6, 4).requires_grad_()
        teacher = normal(torch.Generator().manual_seed(2), 6, 4).requires_grad_()
        distillation_loss(student, teacher, temperature=temperature).backward()
        sizes.append(student.grad.norm().item())
        assert teacher.grad is None
    assert max(sizes) < 2 * min(sizes)


def test_weight_prior_is_the_divergence_of_gaussians(generator):
    weights = {"a": normal(generator, 3, 2), "b": normal(generator, 4)}
    prior = {"a": normal(generator, 3, 2), "b": normal(generator, 4)}
    expected = sum(
        distributions.kl_divergence(
            distributions.Normal(weights[name], 0.1), distributions.Normal(prior[name], 0.5)
        ).sum()
        for name in weights
    )
    assert torch.allclose(weight_prior_kl(weights, prior, prior_std=0.5, std=0.1), expected)
    squares = sum(weight.square().sum() for weight in weights.values())
    assert torch.allclose(weight_prior_kl(weights, prior_std=2.0), squares / 8)


def test_weight_prior_of_a_module_leaves_out_what_is_frozen():
    module = torch.nn.Linear(3, 2)
    module.bias.requires_grad_(False)
    found = weight_prior_kl(module)
    assert found.item() == pytest.approx(module.weight.square().sum().item() / 2)
    found.backward()
    assert torch.allclose(module.weight.grad, module.weight)
    start = {name: value.clone() for name, value in module.state_dict().items()}
    assert weight_prior_kl(module, start).item() == 0


# --- gradients ----------------------------------------------------------------------------------

LOSSES = {
    "categorical": (categorical_kl, [(3, 4), (3, 4)]),
    "gaussian": (gaussian_kl, [(3, 4)] * 4),
    "full": (
        lambda m, a, n, b: multivariate_gaussian_kl(m, a @ a.mT, n, b @ b.mT),
        [(2, 3), (2, 3, 3), (2, 3), (2, 3, 3)],
    ),
    "uniform": (kl_to_uniform, [(3, 4)]),
    "distillation": (
        lambda s: distillation_loss(s, torch.arange(12.0).double().view(3, 4), temperature=3.0),
        [(3, 4)],
    ),
    "weights": (lambda w, v: weight_prior_kl({"w": w, "v": v}, prior_std=0.3), [(3, 4), (2,)]),
}


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_right(name, generator):
    loss, shapes = LOSSES[name]
    inputs = tuple(normal(generator, *shape).requires_grad_() for shape in shapes)
    assert torch.autograd.gradcheck(loss, inputs)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize(
    "name", sorted(LOSSES.keys() - {"full"})
)  # which rounds its covariance itself
def test_half_precision_is_computed_as_float32(name, dtype, generator):
    loss, shapes = LOSSES[name]
    inputs = [normal(generator, *shape).float() for shape in shapes]
    narrow = [value.to(dtype) for value in inputs]
    found = loss(*narrow)
    assert found.dtype in (torch.float32, torch.float64)
    assert torch.allclose(found, loss(*(value.float() for value in narrow)), rtol=1e-5)


def test_gradients_are_right_on_both_sides_of_the_change_of_form(generator):
    """The sum changes its form where a log-ratio passes 1."""
    p = normal(generator, 3, 4)
    for step in (0.3, 5.0):
        q = p + step * normal(generator, 3, 4)
        inputs = tuple(value.clone().requires_grad_() for value in (p, q))
        assert torch.autograd.gradcheck(categorical_kl, inputs)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_reductions(generator, reduction):
    p, q = normal(generator, 6, 4), normal(generator, 6, 4)
    each = torch.stack([categorical_kl(a, b) for a, b in zip(p, q, strict=True)])
    expected = {"mean": each.mean(), "sum": each.sum(), "none": each}[reduction]
    for loss in (categorical_kl, lambda *a, **k: distillation_loss(*a[::-1], **k)):
        assert torch.allclose(loss(p, q, reduction=reduction), expected)


# --- what is refused ----------------------------------------------------------------------------

ZEROS = torch.zeros(3, 4)

REFUSED = {
    "integers": (lambda: categorical_kl(ZEROS.long(), ZEROS), TypeError, "p_logits has dtype"),
    "a list": (lambda: kl_to_uniform([0.0, 1.0]), TypeError, "accepted is a torch.Tensor"),
    "shapes": (lambda: categorical_kl(ZEROS, ZEROS[:, :3]), ValueError, "the same last axis"),
    "batches": (lambda: categorical_kl(ZEROS, ZEROS[:2]), ValueError, "that broadcast"),
    "a scalar": (lambda: kl_to_uniform(torch.tensor(1.0)), ValueError, "a last axis"),
    "reduction": (lambda: kl_to_uniform(ZEROS, reduction="max"), ValueError, "'mean', 'sum'"),
    "cold": (lambda: distillation_loss(ZEROS, ZEROS, temperature=0), ValueError, "temperature=0"),
    "covariance": (
        lambda: multivariate_gaussian_kl(ZEROS, -torch.eye(4), ZEROS, torch.eye(4)),
        ValueError,
        "p_covariance is not symmetric and positive definite",
    ),
    "variances": (
        lambda: multivariate_gaussian_kl(ZEROS, ZEROS, ZEROS, torch.eye(4)),
        ValueError,
        r"p_covariance has shape \(3, 4\)",
    ),
    "no weights": (lambda: weight_prior_kl({}), ValueError, "no weights"),
    "std": (lambda: weight_prior_kl({"w": ZEROS}, std=0.0), ValueError, "std=0.0"),
    "no prior": (lambda: weight_prior_kl({"w": ZEROS}, {}), ValueError, "prior.'w'. is not there"),
    "prior": (
        lambda: weight_prior_kl({"w": ZEROS}, {"w": ZEROS[0]}),
        ValueError,
        r"has shape \(4,\); accepted is shape \(3, 4\)",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(case):
    call, error, message = REFUSED[case]
    with pytest.raises(error, match=message):
        call()
