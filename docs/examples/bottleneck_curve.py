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

CORRELATION, N_SAMPLES = 0.9, 4000
PRICES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.78)


def distortion(prediction, target):
    """−log q(y|z) of a Gaussian decoder, averaged."""
    y, log_variance = target
    squared = (prediction - y).square().mean() * (-log_variance).exp()
    return (squared + log_variance + math.log(2 * math.pi)) / 2


def train(seed, beta, n_steps):
    """Rate, and H(Y) − distortion, of the trained code."""
    torch.manual_seed(seed)
    x, other = torch.randn(2, N_SAMPLES, 1)
    x, other = ((v - v.mean()) / v.std(correction=0) for v in (x, other))
    other = other - (x * other).mean() * x
    other = other / other.std(correction=0)  # so that the samples' own correlation is exact
    y = CORRELATION * x + math.sqrt(1 - CORRELATION**2) * other
    encoder, decoder = nn.Linear(1, 2), nn.Linear(1, 1)
    spread = torch.zeros((), requires_grad=True)
    parameters = [*encoder.parameters(), *decoder.parameters(), spread]
    optimizer = torch.optim.Adam(parameters, lr=0.03)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    loss = InformationBottleneckLoss(beta, distortion)

    def terms():
        mean, log_variance = encoder(x).chunk(2, 1)
        noise = (log_variance / 2).exp() * torch.randn_like(mean)
        code = torch.stack([mean + noise, mean - noise])
        return loss(decoder(code), (y, spread), mean, log_variance)

    for _ in range(n_steps):
        optimizer.zero_grad()
        terms().loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        found = [terms() for _ in range(50)]
    told = sum(f.distortion.item() for f in found) / len(found)
    return found[0].rate.item(), math.log(2 * math.pi * math.e) / 2 - told


def run(quick):
    """Trained and best code at every price and seed."""
    found = []
    for beta in PRICES[::4] if quick else PRICES:
        for seed in range(1 if quick else 5):
            rate, told = train(seed, beta, 30 if quick else 800)
            found.append({"beta": beta, "seed": seed, "about_x": rate, "about_y": told})
    return {"correlation": CORRELATION, "found": found}


def draw(results):
    """The curve, and the trained codes."""
    figure = pyplot.figure(figsize=(4.5, 3.2), layout="constrained")
    axes = figure.add_subplot()
    rates = [0.01 * step for step in range(261)]
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
