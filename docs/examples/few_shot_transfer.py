"""Few-shot transfer with and without a divergence from what the network knew before.

A network learns 900 digits. Then it is shown a few more of each, changed: with noise, or moved by
one pixel. It is trained on these few alone, plainly; with a prior on its weights, centred at those
it had (`weight_prior_kl`); or with a divergence from the predictions it made (`distillation_loss`).
All three start from the same network and see the same samples. The strengths were fixed once, for
all tasks.
"""

import copy

import harness
import torch
from matplotlib import pyplot
from sklearn.datasets import load_digits
from torch.nn import functional

from fastinfo.torch import distillation_loss, perceptron, weight_prior_kl

PRIOR_STD, SHARE, TEMPERATURE = 0.3, 0.1, 2.0
PLAIN, WEIGHTS, PREDICTIONS = "plain", "KL to the old weights", "KL to the old predictions"
TASKS = ("noise", "moved")
SHOTS = (1, 3, 10)


def changed(images, task):
    if task == "noise":
        noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(5))
        return images + 0.3 * noise
    return images.view(-1, 8, 8).roll(1, 2).flatten(1)


def fit(network, loss, n_steps):
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(n_steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()


def learn_again(network, images, labels, way, n_steps):
    """Train a copy on a few samples, plainly or held to what it was."""
    start = {name: weight.clone() for name, weight in network.state_dict().items()}
    with torch.no_grad():
        before = network(images)
    learner = copy.deepcopy(network)

    def loss():
        predictions = learner(images)
        total = functional.cross_entropy(predictions, labels)
        if way == WEIGHTS:
            total = total + weight_prior_kl(learner, start, prior_std=PRIOR_STD) / len(images)
        elif way == PREDICTIONS:
            total = total + SHARE * distillation_loss(predictions, before, temperature=TEMPERATURE)
        return total

    fit(learner, loss, n_steps)
    return learner


def accuracy(network, images, labels):
    with torch.no_grad():
        return (network(images).argmax(1) == labels).float().mean().item()


def one_seed(seed, quick):
    """Accuracy on the new digits and on the old kind, of every task, number and way."""
    digits = load_digits()
    x, y, others, labels = harness.split(digits.data / 16, digits.target, 900, seed)
    torch.manual_seed(seed)
    network = perceptron(64, 64, 64, 10)
    n_steps = 10 if quick else 150
    fit(network, lambda: functional.cross_entropy(network(x), y), n_steps)
    found = []
    for task in TASKS:
        new = changed(others, task)
        for shots in SHOTS:
            shown = torch.cat([(labels == digit).nonzero()[:shots, 0] for digit in range(10)])
            rest = torch.ones(len(labels), dtype=torch.bool)
            rest[shown] = False
            for way in (PLAIN, WEIGHTS, PREDICTIONS):
                learner = learn_again(network, new[shown], labels[shown], way, n_steps)
                found.append(
                    {
                        **{"seed": seed, "task": task, "shots": shots, "way": way},
                        "before": accuracy(network, new[rest], labels[rest]),
                        "new": accuracy(learner, new[rest], labels[rest]),
                        "old": accuracy(learner, others[rest], labels[rest]),
                    }
                )
    return found


def run(quick):
    """All seeds."""
    return {
        **{"prior_std": PRIOR_STD, "share": SHARE, "temperature": TEMPERATURE},
        "found": [entry for seed in range(1 if quick else 8) for entry in one_seed(seed, quick)],
    }


def points(results, which, **wanted):
    """Accuracies in percent, by seed."""
    return [
        100 * entry[which]
        for entry in results["found"]
        if all(entry[key] == value for key, value in wanted.items())
    ]


def draw(results):
    """Gains and losses over plain training, a point for each seed."""
    figure = pyplot.figure(figsize=(7, 3.4), layout="constrained")
    both = figure.subplots(1, 2)
    for axes, which in zip(both, ("new", "old"), strict=True):
        place, ticks = 0, []
        for task in TASKS:
            for shots in SHOTS:
                plain = points(results, which, task=task, shots=shots, way=PLAIN)
                for colour, way in enumerate((WEIGHTS, PREDICTIONS)):
                    held = points(results, which, task=task, shots=shots, way=way)
                    gains = [a - b for a, b in zip(held, plain, strict=True)]
                    label = way if place == 0 else None
                    x = [place + 0.3 * colour - 0.15] * len(gains)
                    axes.plot(x, gains, "o", markersize=3, color=f"C{colour}", label=label)
                ticks.append((place, f"{task}\n{shots}"))
                place += 1
        axes.axhline(0, color="0.5", linewidth=0.8)
        axes.set_xticks(*zip(*ticks, strict=True), fontsize="small")
        axes.set_title(f"on the {which} kind of digits")
        axes.set_xlabel("change, and digits shown of each")
        axes.set_ylabel("points more than plain training")
        axes.grid(axis="y", linewidth=0.4)
    figure.legend(*both[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def table(results):
    """Accuracy, and paired differences to plain training."""
    lines = []
    for task in TASKS:
        for shots in SHOTS:
            chosen = {"task": task, "shots": shots}
            before, plain, old = (
                points(results, which, way=PLAIN, **chosen) for which in ("before", "new", "old")
            )
            for way in (WEIGHTS, PREDICTIONS):
                held = points(results, "new", way=way, **chosen)
                kept = points(results, "old", way=way, **chosen)
                lines.append(
                    [
                        *(task, shots, harness.spread(before, 1), harness.spread(plain, 1), way),
                        harness.paired(held, plain, 1),
                        harness.paired(kept, old, 1),
                    ]
                )
    header = [
        *("digits", "shown of each", "before, %", "plain training, %", "held by"),
        *("points more on them", "points more on unchanged digits"),
    ]
    return harness.rows(header, lines)


if __name__ == "__main__":
    harness.main("few_shot_transfer", run, draw, table)
