"""A plot of the information plane, with matplotlib, which is imported when a plot is drawn."""

from __future__ import annotations

from typing import Any

from fastinfo.torch.plane import InformationPlane, LayerInformation

__all__ = ["plot_information_plane"]


def plot_information_plane(plane: InformationPlane, axes: Any = None) -> Any:
    """Draw I(T;Y) over I(X;T): a path for each layer, its points coloured by epoch.

    The name of a layer stands at the end of its path. Dashed lines are H(X) and H(Y), which no
    record passes. Crosses are records whose bins are saturated: they tell about the bins alone.

    Parameters
    ----------
    plane : InformationPlane
        The plane with its records.
    axes : matplotlib.axes.Axes, optional
        The axes to draw on; new ones by default.

    Returns
    -------
    matplotlib.axes.Axes
        The axes with the plot.

    Raises
    ------
    ValueError
        If the plane has no records yet.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import InformationPlane, perceptron, plot_information_plane
    >>> x, y = torch.randn(8, 4), torch.tensor([0, 1] * 4)
    >>> plane = InformationPlane(perceptron(4, 3, 2), ["1"], x, y, bins=2)
    >>> _ = plane.record(epoch=0)
    >>> plot_information_plane(plane).get_xlabel()  # doctest: +SKIP
    'I(X;T) in nats'
    """
    if not plane.records:
        raise ValueError("the plane has no records yet: call plane.record(epoch) while training")
    try:
        from matplotlib import pyplot
        from matplotlib.colors import Normalize
    except ModuleNotFoundError as error:
        raise ImportError(
            "drawing needs matplotlib; install it with `pip install matplotlib`"
        ) from error
    if axes is None:
        axes = pyplot.figure(layout="constrained").add_subplot()
    epochs = [record.epoch for record in plane.records]
    colours = Normalize(min(epochs), max(max(epochs), min(epochs) + 1))
    points = None
    ends: dict[tuple[int, int], list[LayerInformation]] = {}
    for layer in plane.layers:
        path = [record for record in plane.records if record.layer == layer]
        about_input = [record.about_input for record in path]
        about_target = [record.about_target for record in path]
        axes.plot(about_input, about_target, color="0.8", linewidth=0.8, zorder=1)
        ends.setdefault(_label_cell(path[-1], plane), []).append(path[-1])
        for is_saturated, marker in ((False, "o"), (True, "x")):
            chosen = [record for record in path if record.is_saturated == is_saturated]
            if chosen:
                points = axes.scatter(
                    [record.about_input for record in chosen],
                    [record.about_target for record in chosen],
                    c=[record.epoch for record in chosen],
                    norm=colours,
                    cmap="viridis",
                    s=16,
                    marker=marker,
                    zorder=2,
                )
    for together in ends.values():
        axes.annotate(
            ", ".join(record.layer for record in together),
            (together[0].about_input, together[0].about_target),
            textcoords="offset points",
            xytext=(5, -10),
            fontsize="small",
        )
    axes.axvline(plane.input_entropy, color="0.5", linestyle="--", linewidth=0.8)
    axes.axhline(plane.target_entropy, color="0.5", linestyle="--", linewidth=0.8)
    axes.set_xlim(0, 1.1 * plane.input_entropy or None)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("I(X;T) in nats")
    axes.set_ylabel("I(T;Y) in nats")
    axes.figure.colorbar(points, ax=axes, label="epoch")
    return axes


def _label_cell(record: LayerInformation, plane: InformationPlane) -> tuple[int, int]:
    """The cell of a 20 × 20 grid over the plane; names in one cell would cover each other."""
    shares = (
        (record.about_input, plane.input_entropy),
        (record.about_target, plane.target_entropy),
    )
    x, y = (round(20 * value / entropy) if entropy else 0 for value, entropy in shares)
    return x, y
