"""A learning rate held by the divergence it makes, from two bad starts.

A network learns digits with Adam at 10⁻⁵ and at 10⁻¹, and at the usual 10⁻³: with the rate as it
is, and held by `KLAdaptiveLR` where predictions change by a hundredth of a nat a step. The two of a
pair start from the same weights and see the same batches.
"""

import math

import harness
import torch
from matplotlib import pyplot
from sklearn.datasets import load_digits
from torch.nn import functional

from fastinfo.torch import KLAdaptiveLR, categorical_kl, perceptron

TARGET, STARTS = 0.01, (1e-5, 1e-3, 1e-1)
WAYS = ("fixed", "next step", "this step")
"""The rate as it is; `KLAdaptiveLR.update`, which corrects the next step; and its `step`."""


def train(seed, start, way, n_steps):
    """Accuracy, loss, and the rate and divergence of every step."""
    digits = load_digits()
    x, y, test, test_labels = harness.split(digits.data / 16, digits.target, 1257, seed)
    torch.manual_seed(seed)
    network = perceptron(64, 64, 64, 10)
    optimizer = torch.optim.Adam(network.parameters(), lr=start)
    schedule = KLAdaptiveLR(optimizer, TARGET)
    divergences, rates = [], []
    for _ in range(n_steps):
        batch = torch.randint(len(x), (128,))
        optimizer.zero_grad()
        predictions = network(x[batch])
        functional.cross_entropy(predictions, y[batch]).backward()

        def divergence(before=predictions, batch=batch):
            return categorical_kl(before.detach(), network(x[batch]))

        if way == "this step":
            kl = schedule.step(divergence)
        else:
            optimizer.step()
            with torch.no_grad():
                kl = divergence().item()
            if way == "next step":
                schedule.update(kl)
        divergences.append(kl)
        rates.append(schedule.get_last_lr()[0])
    with torch.no_grad():
        predictions = network(test)
    held = sum(TARGET / 2 <= kl <= 2 * TARGET for kl in divergences) / n_steps
    return {
        **{"seed": seed, "start": start, "way": way, "held": held},
        "accuracy": (predictions.argmax(1) == test_labels).float().mean().item(),
        "loss": functional.cross_entropy(predictions, test_labels).item(),
        **({"divergences": divergences, "rates": rates} if (seed, way) == (0, "this step") else {}),
    }


def run(quick):
    """Every start, way and seed."""
    n_steps = 10 if quick else 400
    return {
        "target": TARGET,
        "steps": n_steps,
        "found": [
            train(seed, start, way, n_steps)
            for seed in range(1 if quick else 8)
            for start in STARTS
            for way in WAYS
        ],
    }


def select(results, which, start, way):
    return [
        entry[which]
        for entry in results["found"]
        if (entry["start"], entry["way"]) == (start, way) and which in entry
    ]


def power(start):
    return f"$10^{{{round(math.log10(start))}}}$"


def draw(results):
    """The rate and the divergence of each step of one seed, and the accuracy of all."""
    figure = pyplot.figure(figsize=(9, 3), layout="constrained")
    of_rate, of_kl, of_accuracy = figure.subplots(1, 3)
    for colour, start in enumerate(STARTS):
        (rates,) = select(results, "rates", start, "this step")
        (divergences,) = select(results, "divergences", start, "this step")
        style = {"color": f"C{colour}", "linewidth": 0.8, "label": f"from {power(start)}"}
        of_rate.plot([start, *rates], **style)
        of_kl.plot(divergences, **style)
        places = [3 * colour + offset for offset in range(2)]
        values = zip(
            *(select(results, "accuracy", start, way) for way in ("fixed", "this step")),
            strict=True,
        )
        for pair in values:
            of_accuracy.plot(places, [100 * v for v in pair], "o-", markersize=3, **style)
    of_kl.axhspan(results["target"] / 2, 2 * results["target"], color="0.9")
    for axes, label in ((of_rate, "learning rate"), (of_kl, "divergence of a step, nats")):
        axes.set_yscale("log")
        axes.set_xlabel("step")
        axes.set_ylabel(label)
    of_rate.legend(fontsize="small")
    ticks = [3 * i + j for i in range(len(STARTS)) for j in range(2)]
    of_accuracy.set_xticks(ticks, ["fixed", "held"] * len(STARTS), fontsize="small")
    of_accuracy.set_ylabel("digits told apart, %")
    return figure


def table(results):
    """Accuracy and loss with the fixed rate, what holding it changes, and how often it held."""
    lines = []
    for start in STARTS:
        fixed = [100 * value for value in select(results, "accuracy", start, "fixed")]
        losses = select(results, "loss", start, "fixed")
        for way in WAYS[1:]:
            held = select(results, "held", start, way)
            points = [100 * value for value in select(results, "accuracy", start, way)]
            lines.append(
                [
                    *(
                        f"{start:g}",
                        way,
                        harness.spread(fixed, 1),
                        harness.paired(points, fixed, 1),
                    ),
                    harness.spread(losses),
                    harness.paired(select(results, "loss", start, way), losses),
                    f"{100 * sum(held) / len(held):.1f} % ({100 * min(held):.1f} %)",
                ]
            )
    header = [
        *("start", "corrects", "fixed, %", "points more, held", "loss, fixed", "loss, held: more"),
        "steps within [½, 2] × target: mean (least)",
    ]
    return harness.rows(header, lines)


if __name__ == "__main__":
    harness.main("adaptive_learning_rate", run, draw, table)
