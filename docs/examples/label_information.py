"""A classifier of digits that learns by mutual information: alone, and with a little cross-entropy.

Mutual information of prediction and label has not a word about which class is which, so the classes
learned bear any names; a table of the training set (the label that each class mostly stands for)
tells them afterwards. Nor does it find all of them: some digits come to share a class while others
stay empty, a maximum that small steps do not leave. A tenth of cross-entropy helps with both.
"""

import harness
import torch
from matplotlib import pyplot
from sklearn.datasets import load_digits
from torch import nn

from fastinfo.torch import LabelInformationLoss

LOSSES = {
    "cross-entropy": nn.CrossEntropyLoss(),
    "information": LabelInformationLoss(),
    "information + 0.1 cross-entropy": LabelInformationLoss(cross_entropy_weight=0.1),
}


def learn(loss, images, labels, n_epochs, seed):
    """A small network, trained on batches."""
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3, weight_decay=1e-4)
    for _ in range(n_epochs):
        for batch in torch.randperm(len(images)).split(256):
            optimizer.zero_grad()
            loss(network(images[batch]), labels[batch]).backward()
            optimizer.step()
    return network


def confusion(labels, guesses):
    """How often each label (rows) was called by each class (columns)."""
    table = torch.zeros(10, 10, dtype=torch.long)
    return table.index_put_((labels, guesses), torch.ones_like(labels), accumulate=True)


def run(quick):
    """Accuracy by the classes' own names and by those read off the training set, for each seed."""
    digits = load_digits()
    n_seeds, n_epochs = (1, 8) if quick else (6, 60)
    results = {name: {"as named": [], "names read off": []} for name in LOSSES}
    for seed in range(n_seeds):
        images, labels, test_images, test_labels = harness.split(
            digits.data / 16, digits.target, 1257, seed
        )
        for name, loss in LOSSES.items():
            network = learn(loss, images, labels, n_epochs, seed)
            with torch.no_grad():
                guesses, seen = network(test_images).argmax(1), network(images).argmax(1)
            names = confusion(labels, seen).argmax(0)
            table = confusion(test_labels, guesses)
            results[name]["as named"].append(float((guesses == test_labels).double().mean()))
            right = (names[guesses] == test_labels).double().mean()
            results[name]["names read off"].append(float(right))
            if seed == 0:
                results[name]["confusion"] = table.tolist()
    return results


def draw(results):
    """Labels and classes of the first seed: a permutation where nothing told the names."""
    figure, axes = pyplot.subplots(1, 3, figsize=(9, 3.2), layout="constrained", sharey=True)
    most = max(cell for found in results.values() for row in found["confusion"] for cell in row)
    for axis, (name, found) in zip(axes, results.items(), strict=True):
        picture = axis.imshow(found["confusion"], cmap="Blues", vmin=0, vmax=most)
        axis.set_title(name)
        axis.set_xlabel("class predicted")
        axis.set_xticks(range(10))
        axis.set_yticks(range(10))
    axes[0].set_ylabel("digit")
    figure.colorbar(picture, ax=axes, label="unseen digits", shrink=0.8)
    return figure


def table(results):
    """Mean accuracy and its spread over the seeds, and beside cross-entropy."""
    lines = []
    first = results["cross-entropy"]["names read off"]
    for name, found in results.items():
        shares = {key: [100 * v for v in found[key]] for key in ("as named", "names read off")}
        beside = [100 * v for v in first]
        paired = harness.paired(shares["names read off"], beside, 1)
        told = "" if name == "cross-entropy" else paired
        lines.append(
            [name, *(harness.spread(values, 1) + " %" for values in shares.values()), told]
        )
    header = ["loss", "accuracy", "with names read off", "points more than cross-entropy"]
    return harness.rows(header, lines)


if __name__ == "__main__":
    harness.main("label_information", run, draw, table)
