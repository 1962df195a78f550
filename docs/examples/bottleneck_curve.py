"""The information bottleneck where its curve is known: one Gaussian seen through another.

X and Y are scalar Gaussians with correlation 0.9. A linear Gaussian encoder and decoder are trained
by the variational bottleneck at several prices β, and their rate and H(Y) − distortion stand beside
I(X;Z) and I(Z;Y) of the best code there is.
"""

import math

import harness
import torch
from matplotlib import pyplot
from torch import nn

from fastinfo.torch import InformationBottleneckLoss, gaussian_bottleneck

CORRELATION, N_SAMPLES = 0.9, 1000
PRICES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.78)


def distortion(prediction, target):
    """−log q(y|z) of a Gaussian decoder, averaged."""
    y, log_variance = target
    squared = (prediction - y).square().mean() * (-log_variance).exp()
    return (squared + log_variance + math.log(2 * math.pi)) / 2


def standardised(values, *others):
    """Of mean 0 and variance 1 and not correlated with others that are so, exactly.

    The loss of linear Gaussian codes depends on these moments alone, so that a thousand samples
    give what endlessly many would.
    """
    values = values - values.mean()
    for other in others:
        values = values - (values * other).mean() * other
    return values / values.std(correction=0)


def train(seed, beta, n_steps):
    """Rate, and H(Y) − distortion, of the trained code."""
    torch.manual_seed(seed)
    x = standardised(torch.randn(N_SAMPLES, 1))
    other = standardised(torch.randn(N_SAMPLES, 1), x)
    y = CORRELATION * x + math.sqrt(1 - CORRELATION**2) * other
    noise = standardised(torch.randn(N_SAMPLES, 1), x, other)
    encoder, decoder = nn.Linear(1, 1), nn.Linear(1, 1)
    log_variance, spread = (torch.zeros(1, requires_grad=True) for _ in range(2))
    loss = InformationBottleneckLoss(beta, distortion)
    parameters = [*encoder.parameters(), *decoder.parameters(), log_variance, spread]
    optimizer = torch.optim.LBFGS(parameters, max_iter=n_steps, line_search_fn="strong_wolfe")

    def terms():
        mean = encoder(x)
        code = mean + (log_variance / 2).exp() * noise
        return loss(decoder(code), (y, spread), mean, log_variance.expand_as(mean))

    def closure():
        optimizer.zero_grad()
        total = terms().loss
        total.backward()
        return total

    optimizer.step(closure)
    with torch.no_grad():
        found = terms()
    return found.rate.item(), math.log(2 * math.pi * math.e) / 2 - found.distortion.item()


def run(quick):
    """Trained and best code at every price and seed."""
    found = []
    for beta in PRICES[::4] if quick else PRICES:
        for seed in range(1 if quick else 5):
            rate, told = train(seed, beta, 5 if quick else 200)
            found.append({"beta": beta, "seed": seed, "about_x": rate, "about_y": told})
    return {"correlation": CORRELATION, "found": found}


def draw(results):
    """The curve, and the trained codes."""
    figure = pyplot.figure(figsize=(4.5, 3.2), layout="constrained")
    axes = figure.add_subplot()
    rates = [0.01 * step for step in range(281)]
    shared = results["correlation"] ** 2
    curve = [-math.log(1 - shared + shared * math.exp(-2 * rate)) / 2 for rate in rates]
    axes.plot(rates, curve, color="0.5", linewidth=0.8, label="best code")
    axes.plot(
        [entry["about_x"] for entry in results["found"]],
        [entry["about_y"] for entry in results["found"]],
        *("o",),
        markersize=3,
        label="variational bottleneck",
    )
    axes.axhline(-math.log(1 - shared) / 2, color="0.5", linestyle="--", linewidth=0.8)
    axes.set_xlabel("I(X;Z), nats")
    axes.set_ylabel("I(Z;Y), nats")
    axes.legend(loc="lower right")
    return figure


def table(results):
    """Errors at every price."""
    lines = []
    for beta in sorted({entry["beta"] for entry in results["found"]}):
        chosen = [entry for entry in results["found"] if entry["beta"] == beta]
        best = gaussian_bottleneck(results["correlation"], beta)
        line = [f"{beta:g}"]
        for which, value in zip(("about_x", "about_y"), best, strict=True):
            errors = [entry[which] - value for entry in chosen]
            line += [f"{value:.3f}", harness.spread(errors, sign="+")]
            line += [f"{max(map(abs, errors)):.3f}"]
        lines.append(line)
    header = ["β", "I(X;Z)", "error", "largest", "I(Z;Y)", "error", "largest"]
    return harness.rows(header, lines)


if __name__ == "__main__":
    harness.main("bottleneck_curve", run, draw, table)
