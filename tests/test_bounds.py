"""Bounds on information: exact on discrete tables, close on Gaussians, never above their limits."""

import itertools
import math
import warnings

import numpy as np
import pytest
import torch
from gaussians import correlated_gaussians, log_conditional, log_ratio

from fastinfo import pmf
from fastinfo.torch import (
    MINE,
    GaussianConditional,
    SaturatedBoundWarning,
    SeparableCritic,
    club,
    donsker_varadhan,
    infonce,
    infonce_limit,
    jensen_shannon,
    leave_one_out,
    nwj,
)
from fastinfo.torch.bounds import LOWER_BOUNDS

FUNCTIONS = {**LOWER_BOUNDS, "club": club, "leave_one_out": leave_one_out}


def random_scores(*shape, scale=1.0):
    generator = torch.Generator().manual_seed(7)
    return scale * torch.randn(*shape, dtype=torch.float64, generator=generator)


def by_loops(name, f):
    """The formulas again, pair by pair."""
    n = len(f)
    joint = [f[i][i] for i in range(n)]
    product = [f[i][j] for i in range(n) for j in range(n) if i != j]

    def mean(values):
        return math.fsum(values) / len(values)

    if name == "donsker_varadhan":
        return mean(joint) - math.log(mean([math.exp(v) for v in product]))
    if name == "nwj":
        return mean(joint) - mean([math.exp(v - 1) for v in product])
    if name == "jensen_shannon":
        real = mean([math.log(1 / (1 + math.exp(-v))) for v in joint])
        return math.log(2) + (real + mean([math.log(1 / (1 + math.exp(v))) for v in product])) / 2
    if name == "infonce":
        shares = [math.exp(f[i][i]) / mean([math.exp(v) for v in f[i]]) for i in range(n)]
        return mean([math.log(share) for share in shares])
    if name == "club":
        return mean(joint) - mean(product)
    others = [mean([math.exp(f[j][i]) for j in range(n) if j != i]) for i in range(n)]
    return mean([f[i][i] - math.log(others[i]) for i in range(n)])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_bounds_are_their_formulas(name):
    scores = random_scores(5, 5)
    assert FUNCTIONS[name](scores).item() == pytest.approx(by_loops(name, scores.tolist()))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_are_right(name):
    scores = random_scores(2, 4, 4).requires_grad_()
    assert torch.autograd.gradcheck(FUNCTIONS[name], (scores,))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", [*FUNCTIONS, "MINE"])
def test_half_precision_is_computed_as_float32(name, dtype):
    """What autocast makes of a critic's scores; sums over 512² pairs pass what float16 holds."""
    bound = FUNCTIONS.get(name) or MINE()
    scores = random_scores(512, 512).to(dtype).requires_grad_()
    found = bound(scores)
    assert found.dtype == torch.float32
    assert found == bound(scores.float())
    found.backward()
    assert scores.grad.dtype == dtype
    assert scores.grad.isfinite().all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_leading_axes_are_a_batch(name):
    scores = random_scores(2, 3, 6, 6)
    found = FUNCTIONS[name](scores)
    assert found.shape == (2, 3)
    for i, j in itertools.product(range(2), range(3)):
        assert found[i, j].item() == pytest.approx(FUNCTIONS[name](scores[i, j]).item())


@pytest.mark.parametrize("name", FUNCTIONS)
def test_large_scores_overflow_nothing(name):
    scores = random_scores(6, 6).float()
    if name != "nwj":  # whose second term is the exponential itself
        scores *= 1000
    scores.requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SaturatedBoundWarning)
        found = FUNCTIONS[name](scores)
    found.backward()
    assert torch.isfinite(found)
    assert torch.isfinite(scores.grad).all()


def test_the_best_critic_of_a_table_makes_bounds_exact():
    """Samples are replaced by a whole table, each cell of it as often as it is likely."""
    joint = np.array([[4, 1], [1, 2]]) / 8
    x, y = np.repeat([0, 0, 1, 1], [4, 1, 1, 2]), np.repeat([0, 1, 0, 1], [4, 1, 1, 2])
    ratio = np.log(joint / np.outer(joint.sum(1), joint.sum(0)))
    scores = torch.tensor(ratio[x][:, y])
    information = pmf.mutual_information(joint)
    product = np.outer(joint.sum(1), joint.sum(0))
    # Off the diagonal the samples are drawn without replacement: put the diagonal back by weight.
    n = len(x)
    mean = scores.exp().mean().item()
    assert mean == pytest.approx(1)
    assert scores.diagonal().mean().item() == pytest.approx(information)
    fake = (torch.nn.functional.softplus(scores).mean()).item()
    real = torch.nn.functional.softplus(-scores.diagonal()).mean().item()
    divergence = pmf.jensen_shannon_divergence(joint.ravel(), product.ravel())
    assert math.log(2) - (real + fake) / 2 == pytest.approx(divergence)
    # In a batch repeated k times the diagonal weighs 1/(k·n), and the bounds come as near.
    many = scores.repeat(40, 40)
    assert donsker_varadhan(many).item() == pytest.approx(information, abs=2 / n / 40)
    assert nwj(many + 1).item() == pytest.approx(information, abs=2 / n / 40)
    assert jensen_shannon(many).item() == pytest.approx(divergence, abs=1 / n / 40)
    assert infonce(many).item() == pytest.approx(information)


@pytest.mark.parametrize("name", ["donsker_varadhan", "nwj"])
def test_a_worse_critic_gives_a_lower_bound(name):
    """At expectations over a table, of random critics: below the information, always."""
    generator = np.random.default_rng(3)
    for _ in range(50):
        joint = generator.dirichlet(np.ones(9)).reshape(3, 3)
        product = np.outer(joint.sum(1), joint.sum(0))
        f = generator.normal(size=(3, 3))
        if name == "nwj":
            bound = (joint * f).sum() - (product * np.exp(f - 1)).sum()
        else:
            bound = (joint * f).sum() - np.log((product * np.exp(f)).sum())
        assert bound <= pmf.mutual_information(joint) + 1e-12


# --- Gaussians, where everything is known -------------------------------------------------------

DIMENSION = 4


def batches(information, seed=0, n_batches=8, n=1024):
    generator = torch.Generator().manual_seed(seed)
    for _ in range(n_batches):
        yield correlated_gaussians(n, DIMENSION, information, generator)


def average(bound, score, information):
    found = [bound(score(x, y, information)).item() for x, y in batches(information)]
    return sum(found) / len(found)


OPTIMAL = {
    "donsker_varadhan": (donsker_varadhan, lambda *xyi: log_ratio(*xyi) + 3),  # any constant
    "nwj": (nwj, lambda *xyi: log_ratio(*xyi) + 1),
    "infonce": (infonce, lambda x, y, i: log_ratio(x, y, i) + x.sum(-1, keepdim=True)),
    "leave_one_out": (leave_one_out, log_conditional),
}


@pytest.mark.parametrize("information", [0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("name", OPTIMAL)
def test_the_best_critic_finds_the_information_of_gaussians(name, information):
    bound, score = OPTIMAL[name]
    assert average(bound, score, information) == pytest.approx(information, abs=0.05)


@pytest.mark.parametrize("information", [0.5, 1.0, 2.0])
def test_club_of_the_true_model_is_what_its_docstring_says(information):
    squared = 1 - math.exp(-2 * information / DIMENSION)
    expected = DIMENSION * squared / (1 - squared)
    found = average(club, log_conditional, information)
    assert found == pytest.approx(expected, rel=0.03)
    assert found > information


TRAINED = {
    "donsker_varadhan": (MINE(decay=0.99), donsker_varadhan),
    "nwj": (nwj, nwj),
    "jensen_shannon": (jensen_shannon, lambda scores: nwj(scores + 1)),
    "infonce": (infonce, infonce),
}


@pytest.mark.parametrize(
    "name",
    [name if name == "infonce" else pytest.param(name, marks=pytest.mark.soak) for name in TRAINED],
)
def test_trained_critics_find_the_information_of_gaussians(name):
    """One nat, in seconds; docs/examples/variational_bounds.py trains more and longer."""
    objective, estimate = TRAINED[name]
    torch.manual_seed(0)
    critic = SeparableCritic(DIMENSION, DIMENSION)
    optimizer = torch.optim.Adam(critic.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 800)
    for x, y in batches(1.0, n_batches=800, n=256):
        optimizer.zero_grad()
        (-objective(critic(x, y))).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        found = [estimate(critic(x, y)).item() for x, y in batches(1.0, seed=1)]
    assert sum(found) / len(found) == pytest.approx(1.0, abs=0.05)


def test_a_trained_model_gives_upper_bounds():
    torch.manual_seed(0)
    model = GaussianConditional(DIMENSION, DIMENSION)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 500)
    for x, y in batches(1.0, n_batches=500, n=256):
        optimizer.zero_grad()
        model.negative_log_likelihood(x, y).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        scores = [model(x, y) for x, y in batches(1.0, seed=1)]
    upper = sum(leave_one_out(s).item() for s in scores) / len(scores)
    looser = sum(club(s).item() for s in scores) / len(scores)
    assert upper == pytest.approx(1.0, abs=0.05)
    squared = 1 - math.exp(-2 / DIMENSION)
    assert looser == pytest.approx(DIMENSION * squared / (1 - squared), rel=0.1)


# --- InfoNCE's limit ----------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 8, 64])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_infonce_is_never_above_log_n(n, dtype):
    limit = torch.tensor(infonce_limit(n), dtype=dtype)
    for scale in (1, 30, 1e4):
        for scores in (random_scores(n, n, scale=scale), scale * torch.eye(n)):
            assert infonce(scores.to(dtype), on_saturation="ignore") <= limit


def test_infonce_says_when_it_is_at_its_limit():
    certain = 50 * torch.eye(8)
    with pytest.warns(SaturatedBoundWarning, match="N = 8.*larger batches"):
        assert infonce(certain).item() == pytest.approx(math.log(8))
    with pytest.raises(SaturatedBoundWarning, match="cannot pass log N"):
        infonce(certain, on_saturation="raise")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        infonce(certain, on_saturation="ignore")
        infonce(torch.eye(8))


def test_much_information_is_flagged_where_it_cannot_be_told():
    """Eight nats and batches of 64, log 64 = 4.2: the best critic stays below, and says so."""
    generator = torch.Generator().manual_seed(0)
    x, y = correlated_gaussians(64, 2, 8.0, generator)
    with pytest.warns(SaturatedBoundWarning):
        assert infonce(log_ratio(x, y, 8.0)).item() <= math.log(64)


# --- MINE ---------------------------------------------------------------------------------------


def gradient(bound, scores):
    scores = scores.clone().requires_grad_()
    bound(scores).backward()
    return scores.grad


def test_mine_has_the_value_of_the_batch_and_the_gradient_of_the_average():
    first, second = random_scores(5, 5), random_scores(5, 5).flip(0) + 0.5
    bound = MINE(decay=0.9)
    assert torch.allclose(gradient(bound, first), gradient(donsker_varadhan, first))
    assert bound(second).item() == pytest.approx(donsker_varadhan(second).item())
    means = [by_loops("donsker_varadhan", s.tolist()) for s in (first, second)]
    means = [
        math.exp(s.diagonal().mean().item() - m)
        for s, m in zip((first, second), means, strict=True)
    ]
    average = 0.9 * means[0] + 0.1 * means[1]
    assert bound.log_average.exp().item() == pytest.approx(average)
    # The next gradient off the diagonal is that of a batch, times its mean over the average.
    found = gradient(bound, second)
    average = 0.9 * average + 0.1 * means[1]
    off = ~torch.eye(5, dtype=torch.bool)
    plain = gradient(donsker_varadhan, second)
    assert torch.allclose(found[off], plain[off] * means[1] / average)
    assert torch.allclose(found[~off], plain[~off])


def test_mine_without_memory_is_donsker_varadhan():
    bound = MINE(decay=0.0)
    for scores in (random_scores(4, 4), random_scores(4, 4) * 3):
        assert torch.allclose(gradient(bound, scores), gradient(donsker_varadhan, scores))


def test_the_average_takes_the_bias_out_of_the_gradient():
    """All batches of two samples of four values: ∇ log E[exp(θ·v)] by batches, with each mean."""
    values, theta = [0.0, 1.0, 2.0, 4.0], 0.7
    weights = [math.exp(theta * v) for v in values]
    true = sum(v * w for v, w in zip(values, weights, strict=True)) / sum(weights)
    by_batch, by_average = [], []
    for pair in itertools.product(values, repeat=2):
        parameter = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
        joint = torch.zeros(2, dtype=torch.float64).diag()
        swap = torch.tensor([[0.0, pair[0]], [pair[1], 0.0]], dtype=torch.float64)
        scores = joint + parameter * swap
        donsker_varadhan(scores).backward()
        by_batch.append(-parameter.grad.item())
        parameter.grad = None
        bound = MINE(decay=1 - 1e-12)
        bound.log_average.fill_(math.log(sum(weights) / 4))
        bound(joint + parameter * swap).backward()
        by_average.append(-parameter.grad.item())
    assert sum(by_average) / 16 == pytest.approx(true)
    assert abs(sum(by_batch) / 16 - true) > 0.1


def test_mine_in_evaluation_mode_remembers_nothing():
    bound = MINE().eval()
    assert bound(torch.eye(3)).item() == pytest.approx(1)
    assert torch.autograd.gradcheck(bound, random_scores(4, 4).requires_grad_())
    assert bound.log_average.isnan()
    bound.train()(torch.eye(3))
    restored = MINE()
    restored.load_state_dict(bound.state_dict())
    assert restored.log_average == bound.log_average == 0


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", [(3,), (3, 4), (1, 1)])
def test_scores_of_another_shape_are_refused(name, shape):
    with pytest.raises(ValueError, match=r"\(…, N, N\)"):
        FUNCTIONS[name](torch.zeros(shape))


def test_what_else_is_refused():
    with pytest.raises(TypeError, match="float"):
        nwj(torch.zeros(3, 3, dtype=torch.int64))
    with pytest.raises(ValueError, match="'warn', 'raise', 'ignore'"):
        infonce(torch.zeros(3, 3), on_saturation="shrug")
    with pytest.raises(ValueError, match="decay=1"):
        MINE(decay=1)
    with pytest.raises(ValueError, match="one matrix a batch"):
        MINE()(torch.zeros(2, 3, 3))
