"""Bounds on mutual information, trained: how near do critics come where the truth is known?

x and y are Gaussians of four dimensions, correlated pair by pair, of which the information is
−2·log(1 − ρ²). Each critic sees fresh samples for a few thousand steps, and is then judged on
others. Beside it, the same bound with the best critic there is.

What judging adds to the errors is known too. log p/q of the best critic has the variance 4·ρ² over
the pairs that belong together, its exponential 1/(1 − ρ²)⁴ − 1 over the others. At I = 2 and with a
hundred batches of 1024 samples, the standard errors are 0.005 and 0.0007 nats.
"""

import math

import harness
import torch
from matplotlib import pyplot
from torch import nn

from fastinfo.torch import (
    MINE,
    GaussianConditional,
    SeparableCritic,
    club,
    donsker_varadhan,
    infonce,
    jensen_shannon,
    leave_one_out,
    nwj,
)

DIMENSION, BATCH = 4, 256

HIGHEST = 10.0
"""Score at which a critic trained by Jensen–Shannon is cut off, five standard deviations of log p/q
above its mean at I = 2. That loss charges little for a score that is far too high: without the cut,
a single pair among a hundred million, its score near 17, takes 0.15 nats from one of five seeds."""

LOWER = {
    "Donsker–Varadhan (MINE)": (MINE(decay=0.99), donsker_varadhan, 0.0),
    "NWJ": (nwj, nwj, 1.0),
    "Jensen–Shannon, read as NWJ": (jensen_shannon, lambda f: nwj(1 + f.clamp(max=HIGHEST)), 0.0),
    "InfoNCE": (infonce, infonce, 0.0),
}
"""What a critic is trained by, what is read from it, and what the best one adds to log p/q."""

UPPER = {"leave one out": leave_one_out, "CLUB": club}


def samples(information, n, generator):
    rho = math.sqrt(1 - math.exp(-2 * information / DIMENSION))
    x = torch.randn(n, DIMENSION, generator=generator)
    noise = torch.randn(n, DIMENSION, generator=generator)
    return x, rho * x + math.sqrt(1 - rho**2) * noise


class Truth(nn.Module):
    """log p(y|x) of all pairs, and log p(y|x)/p(y) with ``ratio=True``."""

    def __init__(self, information, ratio):
        super().__init__()
        self.rho, self.ratio = math.sqrt(1 - math.exp(-2 * information / DIMENSION)), ratio

    def forward(self, x, y):
        variance = 1 - self.rho**2
        apart = (y - self.rho * x.unsqueeze(1)).square().sum(-1) / variance
        scores = -(apart + DIMENSION * math.log(2 * math.pi * variance)) / 2
        marginal = -(y.square().sum(-1) + DIMENSION * math.log(2 * math.pi)) / 2
        return scores - marginal if self.ratio else scores


def train(network, loss, information, n_steps, seed):
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    for _ in range(n_steps):
        optimizer.zero_grad()
        loss(*samples(information, BATCH, generator)).backward()
        optimizer.step()
        schedule.step()


def judge(network, bounds, information, seed, n_batches):
    """Bounds by name, averaged over batches of 1024 other samples."""
    generator = torch.Generator().manual_seed(1_000_000 + seed)
    found = {name: [] for name in bounds}
    with torch.no_grad():
        for _ in range(n_batches):
            scores = network(*samples(information, 1024, generator))
            for name, bound in bounds.items():
                found[name].append(bound(scores))
    return {name: torch.stack(values).mean().item() for name, values in found.items()}


def run(quick):
    """Every bound at every information and seed, trained and at its best."""
    n_steps, n_batches = (30, 2) if quick else (3000, 100)
    found = []
    for information in (1.0,) if quick else (0.5, 1.0, 2.0):
        for seed in range(1 if quick else 5):
            where = information, seed, n_batches
            trained = {}
            for name, (objective, estimate, _) in LOWER.items():
                torch.manual_seed(seed)
                critic = SeparableCritic(DIMENSION, DIMENSION, hidden=(128, 128))
                if isinstance(objective, MINE):
                    objective = MINE(objective.decay)  # with an average of its own
                train(
                    critic,
                    lambda x, y, f=critic, o=objective: -o(f(x, y)),
                    *(information, n_steps, seed),
                )
                trained |= judge(critic, {name: estimate}, *where)
            torch.manual_seed(seed)
            model = GaussianConditional(DIMENSION, DIMENSION)
            train(model, model.negative_log_likelihood, information, n_steps, seed)
            trained |= judge(model, UPPER, *where)
            shifted = {
                name: lambda scores, e=estimate, c=constant: e(scores + c)
                for name, (_, estimate, constant) in LOWER.items()
            }
            best = judge(Truth(information, ratio=True), shifted, *where)
            best |= judge(Truth(information, ratio=False), UPPER, *where)
            found += [
                {
                    **{"information": information, "seed": seed, "bound": name},
                    **{"trained": trained[name], "best": best[name]},
                }
                for name in trained
            ]
    settings = {"dimension": DIMENSION, "batch": BATCH, "steps": n_steps, "batches": n_batches}
    return {**settings, "found": found}


def select(results, bound, information):
    return [
        entry
        for entry in results["found"]
        if entry["bound"] == bound and entry["information"] == information
    ]


def informations(results):
    return sorted({entry["information"] for entry in results["found"]})


def draw(results):
    """Errors of the trained bounds; CLUB, which is not tight, is in the table alone."""
    figure = pyplot.figure(figsize=(6.5, 3.2), layout="constrained")
    axes = figure.add_subplot()
    names = [*LOWER, "leave one out"]
    for place, name in enumerate(names):
        for shift, information in zip((-0.2, 0, 0.2), informations(results), strict=False):
            errors = [
                entry["trained"] - information for entry in select(results, name, information)
            ]
            axes.plot(
                [place + shift] * len(errors),
                errors,
                "o",
                color=f"C{round(5 * shift + 1)}",
                markersize=4,
                label=f"I = {information:g}" if place == 0 else None,
            )
    axes.axhspan(-0.05, 0.05, color="0.92")
    axes.axhline(0, color="0.5", linewidth=0.8)
    axes.set_xticks(range(len(names)), [name.replace(" ", "\n", 1) for name in names])
    axes.set_ylabel("trained bound − I, nats")
    axes.legend(fontsize="small", loc="upper left", ncols=3)
    bottom, top = axes.get_ylim()
    axes.set_ylim(min(bottom, -0.06), max(top, 0.06) * 1.5)
    return figure


def table(results):
    """Error of each bound, trained and at its best: mean over seeds, and the largest."""
    lines = []
    for name in (*LOWER, *UPPER):
        for information in informations(results):
            entries = select(results, name, information)
            line = [name, f"{information:g}"]
            for way in ("trained", "best"):
                errors = [entry[way] - information for entry in entries]
                line += [harness.spread(errors, sign="+"), f"{max(map(abs, errors)):.3f}"]
            lines.append(line)
    header = ["bound", "I", "error, trained", "largest", "error, best critic", "largest"]
    return harness.rows(header, lines)


if __name__ == "__main__":
    harness.main("variational_bounds", run, draw, table)
