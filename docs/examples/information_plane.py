"""The information plane of a tanh and of a ReLU network: do layers forget their input?

Two networks that differ in their activation alone learn digits, while `InformationPlane` records
what each layer tells about the input and about the digit. Does I(X;T) fall again after it has
risen ("compression")? And does that depend on the bins? tanh is binned in its range (−1, 1), ReLU
in the range of the layer at each epoch, both in 30 bins, and in 10 beside it.
"""

from itertools import pairwise

import harness
import torch
from matplotlib import pyplot
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

from fastinfo.torch import InformationPlane, LayerInformation, plot_information_plane

WIDTHS = (64, 12, 8, 5, 3)
ACTIVATIONS = {"tanh": (nn.Tanh, (-1.0, 1.0)), "ReLU": (nn.ReLU, "layer")}
BINS = (30, 10)


def network(activation):
    layers = []
    for n_inputs, n_outputs in pairwise(WIDTHS):
        layers += [nn.Linear(n_inputs, n_outputs), activation()]
    return nn.Sequential(*layers, nn.Linear(WIDTHS[-1], 10))


def train(seed, name, n_epochs, report):
    """The planes, one for each number of bins, and the accuracy on what was trained on."""
    activation, span = ACTIVATIONS[name]
    digits = load_digits()
    x, y = torch.tensor(digits.data / 16, dtype=torch.float32), torch.tensor(digits.target)
    torch.manual_seed(seed)
    net = network(activation)
    layers = [str(2 * i + 1) for i in range(len(WIDTHS) - 1)]
    planes = [
        InformationPlane(net, layers, x, y, bins=bins, range=span, report=report) for bins in BINS
    ]
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    # Epochs that are recorded lie ever farther apart.
    recorded = {round(1.25**k) - 1 for k in range(100)} | {n_epochs}
    for epoch in range(n_epochs + 1):
        if epoch in recorded:
            for plane in planes:
                plane.record(epoch)
        for batch in torch.randperm(len(x)).split(128):
            optimizer.zero_grad()
            functional.cross_entropy(net(x[batch]), y[batch]).backward()
            optimizer.step()
    with torch.no_grad():
        return planes, (net(x).argmax(1) == y).float().mean().item()


def run(quick):
    """How far I(X;T) fell from its largest value, for each seed, and all records of the first."""
    found = []
    limits = {}
    for seed in range(1 if quick else 5):
        for name in ACTIVATIONS:
            report = print if seed == 0 else None
            planes, accuracy = train(seed, name, 3 if quick else 150, report)
            for bins, plane in zip(BINS, planes, strict=True):
                limits = {"input": plane.input_entropy, "target": plane.target_entropy}
                for layer in plane.layers:
                    path = [record for record in plane.records if record.layer == layer]
                    highest = max(record.about_input for record in path)
                    found.append(
                        {
                            **{"seed": seed, "activation": name, "bins": bins, "layer": layer},
                            "accuracy": accuracy,
                            "fall": highest - path[-1].about_input,
                            "about_input": path[-1].about_input,
                            "about_target": path[-1].about_target,
                            "saturated": sum(r.is_saturated for r in path) / len(path),
                            **({"path": [list(record) for record in path]} if seed == 0 else {}),
                        }
                    )
    return {"widths": list(WIDTHS), "entropy": limits, "found": found}


class Recorded:
    """The records of a file, as `plot_information_plane` takes them."""

    def __init__(self, results, activation, bins):
        chosen = [
            entry
            for entry in results["found"]
            if (entry["activation"], entry["bins"]) == (activation, bins) and "path" in entry
        ]
        self.layers = [entry["layer"] for entry in chosen]
        self.records = [LayerInformation(*record) for entry in chosen for record in entry["path"]]
        self.input_entropy = results["entropy"]["input"]
        self.target_entropy = results["entropy"]["target"]


def draw(results):
    """The planes of the first seed, by activation and number of bins."""
    figure = pyplot.figure(figsize=(9, 6.5), layout="constrained")
    planes = figure.subplots(2, 2, sharex=True, sharey=True)
    for row, bins in zip(planes, BINS, strict=True):
        for axes, name in zip(row, ACTIVATIONS, strict=True):
            plot_information_plane(Recorded(results, name, bins), axes)
            axes.set_title(f"{name}, {bins} bins; × marks saturated bins", fontsize="medium")
    return figure


def table(results):
    """For each layer: information at the end, the fall from the largest, and saturation."""
    lines = []
    for name in ACTIVATIONS:
        for bins in BINS:
            chosen = [e for e in results["found"] if (e["activation"], e["bins"]) == (name, bins)]
            for layer in sorted({entry["layer"] for entry in chosen}, key=int):
                of_layer = [entry for entry in chosen if entry["layer"] == layer]
                saturated = sum(entry["saturated"] for entry in of_layer) / len(of_layer)
                width = results["widths"][int(layer) // 2 + 1]
                lines.append(
                    [
                        *(name, bins, f"{layer} ({width} units)"),
                        harness.spread([entry["about_input"] for entry in of_layer], 2),
                        harness.spread([entry["fall"] for entry in of_layer], 2),
                        harness.spread([entry["about_target"] for entry in of_layer], 2),
                        f"{100 * saturated:.0f} %",
                    ]
                )
    entropy = results["entropy"]
    header = [
        *("activation", "bins", "layer", f"I(X;T) at the end, of {entropy['input']:.2f}"),
        *("fall from its largest", f"I(T;Y) at the end, of {entropy['target']:.2f}"),
        "records with saturated bins",
    ]
    return harness.rows(header, lines)


if __name__ == "__main__":
    harness.main("information_plane", run, draw, table)
