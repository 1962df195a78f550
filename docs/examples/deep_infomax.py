"""Deep InfoMax on digits: does a code of 8 numbers, learned without labels, tell digits apart?

An encoder learns to make its code informative about its own feature map. Then it is frozen, and a
logistic regression reads the digit from the code (a linear probe). Beside it: the same encoder with
its random weights, and 8 principal components.
"""

import harness
import numpy as np
import torch
from matplotlib import pyplot
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from fastinfo.torch import (
    DeepInfoMax,
    GlobalInfoMax,
    LocalInfoMax,
    PriorMatching,
    SeparableCritic,
    perceptron,
)

DIMENSION, CHANNELS = 8, 32
WAYS = ("random encoder", "Deep InfoMax", "PCA")


class Encoder(nn.Module):
    """A feature map of 32 channels and 4 × 4 places, and a code of it."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, CHANNELS, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(CHANNELS, CHANNELS, 3, stride=2, padding=1),
            nn.ReLU(),
        )
        # Normalised, for a code that may grow or shrink as it likes is soon the same for all.
        self.code = nn.Sequential(
            nn.Flatten(), perceptron(CHANNELS * 16, 64, DIMENSION), nn.BatchNorm1d(DIMENSION)
        )

    def forward(self, images):
        features = self.features(images)
        return features, self.code(features)


def learn(encoder, images, n_epochs):
    """Train an encoder on images alone."""
    loss = DeepInfoMax(
        GlobalInfoMax(SeparableCritic(CHANNELS * 16, DIMENSION)),
        LocalInfoMax(SeparableCritic(CHANNELS, DIMENSION)),
        PriorMatching(perceptron(DIMENSION, 64, 1), prior=torch.randn_like, non_saturating=True),
        weights=(1.0, 1.0, 0.03),
    )
    optimizer = torch.optim.Adam([*encoder.parameters(), *loss.parameters()], lr=1e-3)
    encoder.train()
    for _ in range(n_epochs):
        for batch in torch.randperm(len(images)).split(64):
            if len(batch) == 64:
                optimizer.zero_grad()
                loss(*encoder(images[batch])).backward()
                optimizer.step()


def probe(train, train_labels, test, test_labels):
    """How many digits a logistic regression reads from codes it has not seen, as a share."""
    reader = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5000))
    return float(reader.fit(train, train_labels).score(test, test_labels))


def codes(encoder, images):
    encoder.eval()
    with torch.no_grad():
        return np.asarray(encoder(images)[1])


def run(quick):
    """Accuracy of the probe for each way and seed."""
    digits = load_digits()
    accuracy = {way: [] for way in WAYS}
    for seed in range(1 if quick else 6):
        parts = harness.split(digits.data / 16, digits.target, 1257, seed)
        train, train_labels, test, test_labels = parts
        images, test_images = train.view(-1, 1, 8, 8), test.view(-1, 1, 8, 8)
        torch.manual_seed(seed)
        encoder = Encoder()
        components = PCA(DIMENSION, random_state=seed).fit(train)
        found = {
            "random encoder": [codes(encoder, images), codes(encoder, test_images)],
            "PCA": [components.transform(train), components.transform(test)],
        }
        learn(encoder, images, n_epochs=2 if quick else 80)
        found["Deep InfoMax"] = [codes(encoder, images), codes(encoder, test_images)]
        for way, (code, test_code) in found.items():
            accuracy[way].append(probe(code, train_labels, test_code, test_labels))
    return {"dimension": DIMENSION, "accuracy": accuracy}


def draw(results):
    """A line for each seed, from way to way."""
    figure = pyplot.figure(figsize=(4.5, 3.2), layout="constrained")
    axes = figure.add_subplot()
    for values in zip(*(results["accuracy"][way] for way in WAYS), strict=True):
        axes.plot(WAYS, [100 * value for value in values], "o-", linewidth=0.8, markersize=4)
    axes.set_ylabel(f"digits read from {results['dimension']} numbers, %")
    axes.grid(axis="y", linewidth=0.4)
    return figure


def table(results):
    """Mean and spread over the seeds, and the gain over the random encoder."""
    points = {way: [100 * v for v in values] for way, values in results["accuracy"].items()}
    lines = [
        [
            way,
            harness.spread(points[way], 1) + " %",
            "" if way == WAYS[0] else harness.paired(points[way], points[WAYS[0]], 1),
        ]
        for way in WAYS
    ]
    n_seeds = len(points["PCA"])
    header = ["code of 8 numbers", f"linear probe, {n_seeds} seeds", "points more than at random"]
    return harness.rows(header, lines)


if __name__ == "__main__":
    harness.main("deep_infomax", run, draw, table)
