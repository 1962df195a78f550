"""The information plane: what each layer tells about the input and about the answer, by epoch.

A layer T of a network without noise is a function of the input X, so that I(X;T) of continuous
activations is infinite. Information planes show the information of *binned* activations, which
depends on the bins as much as on the network [1]_, [2]_. Every record here says whether the bins
are saturated, so that they tell nothing of the network.

.. [1] R. Shwartz-Ziv and N. Tishby, "Opening the black box of deep neural networks via
   information", arXiv:1703.00810, 2017.
.. [2] A. M. Saxe et al., "On the information bottleneck theory of deep learning", ICLR 2018.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.formulas import mutual_information
from fastinfo.inputs.arguments import one_of, positive_integer
from fastinfo.measures.apply import value_of
from fastinfo.measures.uncertainty import entropy
from fastinfo.torch import arguments

__all__ = ["InformationPlane", "LayerInformation"]

Range = tuple[float, float] | str

SATURATED = 0.99
"""The share of H(X) from which bins count as saturated."""


class LayerInformation(NamedTuple):
    """The information of one layer at one epoch, in nats, from binned activations."""

    epoch: int
    layer: str
    about_input: float
    """I(X;T)."""
    about_target: float
    """I(T;Y)."""
    n_cells: int
    """The number of different rows of bins among the samples."""
    is_saturated: bool
    """Whether (almost) every sample has a row of its own, I(X;T) ≥ 0.99·H(X). Then I(T;Y) is close
    to H(Y) too, whatever the network does, and both depend on the bins alone."""
    low: float
    """The lower end of the range of the bins."""
    high: float
    """The upper end of the range of the bins."""


class InformationPlane:
    """Records of I(X;T) and I(T;Y) of a network's layers, made while it trains.

    Call `record` after each epoch. It sends all samples through the network in batches, in
    evaluation mode and without gradients. It bins the activations of each layer, gives every row of
    bins a number, and counts the numbers. Memory grows with the number of different rows, not with
    the number of activations. The counts are `fastinfo.JointCounts`, and the information is
    `fastinfo.mutual_information`.

    Parameters
    ----------
    model : torch.nn.Module
        The network.
    layers : sequence of str
        Names of the modules whose outputs to record, in order, as ``model.named_modules()`` gives
        them.
    x : torch.Tensor of shape (n, …)
        The samples. Equal rows are one value of X.
    y : torch.Tensor or array-like of shape (n,)
        The answers: categories.
    bins : int
        Number of bins of equal width for each unit.
    range : "layer", (low, high), or a mapping of layers to one of these
        The range of the bins of a layer. ``"layer"`` takes all activations of the layer at that
        epoch, so that the bins grow with the layer. With a fixed range, such as (−1, 1) for tanh, a
        layer whose activations shrink falls into fewer bins. An activation outside of a fixed range
        is an error.
    batch_size : int
        Number of samples that go through the network at once.
    report : callable, optional
        Called with a line of text when the bins of a layer become saturated, and when they no
        longer are; `print` by default. None reports nothing.

    Attributes
    ----------
    records : list of LayerInformation
        All records, in the order in which they were made.
    input_entropy : float
        H(X) in nats, log n where all samples differ. No I(X;T) is above it.
    target_entropy : float
        H(Y) in nats. No I(T;Y) is above it.

    Raises
    ------
    TypeError, ValueError
        For layers that the model does not have, and for shapes, bins and ranges that are not as
        above.

    Notes
    -----
    Binning is no layer of the network: the next layer is computed from the activations, not from
    their bins. So the data processing inequality holds between each binned layer and X, I(X;T) ≤
    H(X) and I(T;Y) ≤ I(X;Y), and from fine to coarse bins of one layer. It does **not** hold from
    one binned layer to the next, unless their activations are discrete and have a bin each. A curve
    that rises along the layers is no error.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import InformationPlane, perceptron
    >>> _ = torch.manual_seed(0)
    >>> x, y = torch.randn(8, 4), torch.tensor([0, 1] * 4)
    >>> plane = InformationPlane(perceptron(4, 3, 2), ["1"], x, y, bins=2)
    >>> record = plane.record(epoch=0)[0]
    >>> record.about_input <= plane.input_entropy, record.about_target <= plane.target_entropy
    (True, True)
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Sequence[str],
        x: Tensor,
        y: Any,
        *,
        bins: int = 30,
        range: Range | Mapping[str, Range] = "layer",
        batch_size: int = 1024,
        report: Callable[[str], Any] | None = print,
    ) -> None:
        self.model = model
        known = dict(model.named_modules())
        self.layers = [layers] if isinstance(layers, str) else list(layers)
        for layer in self.layers:
            if layer not in known or not layer:
                names = ", ".join(map(repr, filter(None, known)))
                raise ValueError(f"layers has {layer!r}; accepted are the model's {names}")
        if not self.layers or len(set(self.layers)) < len(self.layers):
            raise ValueError(f"layers={self.layers!r}; accepted is at least one layer, each once")
        self.x = arguments.tensor(x, "x")
        self.y = np.asarray(y.detach().cpu() if isinstance(y, Tensor) else y)
        if self.x.ndim < 1 or self.y.shape != (len(self.x),) or len(self.x) == 0:
            raise ValueError(
                f"x has shape {tuple(self.x.shape)} and y {self.y.shape}; accepted are (n, …) and "
                "(n,) with n of at least 1"
            )
        self.bins = positive_integer(bins, "bins")
        self.batch_size = positive_integer(batch_size, "batch_size")
        self.ranges = {layer: _range_of(range, layer) for layer in self.layers}
        self.report = report
        self.records: list[LayerInformation] = []
        numbering = _RowNumbers()
        batches = map(self.x.__getitem__, self._slices())
        self._inputs = np.concatenate([numbering.numbers_of(_rows(batch)) for batch in batches])
        self._n_inputs = len(numbering)
        self.input_entropy = entropy(self._inputs)
        self.target_entropy = entropy(self.y)
        self._saturated: set[str] = set()

    def record(self, epoch: int) -> list[LayerInformation]:
        """Measure every layer; the new records, which are appended to `records` too.

        Raises
        ------
        TypeError
            For a layer whose output is no floating-point tensor.
        ValueError
            For an activation that is NaN, infinite or outside of a fixed range, and for a layer
            that did not run exactly once for every batch.
        """
        ranges = self._bin_limits()
        numbers = {layer: _RowNumbers() for layer in self.layers}
        of_input = {layer: JointCounts() for layer in self.layers}
        of_target = {layer: JointCounts() for layer in self.layers}
        for start, activations in self._batches():
            for layer, values in activations.items():
                low, high = ranges[layer]
                codes = self._codes(values, low, high, layer)
                rows = numbers[layer].numbers_of(codes)
                stop = start + len(rows)
                of_input[layer].update(self._inputs[start:stop], rows)
                of_target[layer].update(rows, self.y[start:stop])
        new = []
        for layer in self.layers:
            n_cells = len(numbers[layer])
            about_input = value_of(mutual_information, of_input[layer])
            about_target = value_of(mutual_information, of_target[layer])
            is_saturated = about_input >= SATURATED * self.input_entropy > 0
            found = (epoch, layer, about_input, about_target, n_cells, is_saturated)
            new.append(LayerInformation(*found, *ranges[layer]))
            self._tell(new[-1])
        self.records += new
        return new

    def _tell(self, record: LayerInformation) -> None:
        """Report that the bins have become saturated, or that they no longer are."""
        if self.report is None or record.is_saturated == (record.layer in self._saturated):
            return
        self._saturated ^= {record.layer}
        if record.is_saturated:
            self.report(
                f"epoch {record.epoch}, layer {record.layer}: {record.n_cells} rows of bins for "
                f"{self._n_inputs} samples that differ, so that I(X;T) = {record.about_input:.3f} "
                f"of at most H(X) = {self.input_entropy:.3f} nats whatever the network does; take "
                f"more samples or fewer bins than {self.bins}"
            )
        else:
            self.report(
                f"epoch {record.epoch}, layer {record.layer}: {record.n_cells} rows of bins for "
                f"{self._n_inputs} samples that differ, saturated no more"
            )

    def _bin_limits(self) -> dict[str, tuple[float, float]]:
        """The range of the bins of each layer; one more pass finds those that are not given."""
        given = {layer: span for layer, span in self.ranges.items() if not isinstance(span, str)}
        if len(given) == len(self.layers):
            return given
        extremes: dict[str, tuple[float, float]] = {}
        for _, activations in self._batches():
            for layer, values in activations.items():
                low, high = (end.item() for end in values.aminmax())
                if not np.isfinite([low, high]).all():
                    raise ValueError(f"layer {layer!r} has activations that are NaN or infinite")
                before = extremes.get(layer, (low, high))
                extremes[layer] = min(low, before[0]), max(high, before[1])
        return {**extremes, **given}

    def _codes(self, values: Tensor, low: float, high: float, layer: str) -> np.ndarray[Any, Any]:
        """The bins of activations ``(n, units)``; the last bin is closed."""
        if not bool(((values >= low) & (values <= high)).all()):
            least, most = (end.item() for end in values.aminmax())
            raise ValueError(
                f"layer {layer!r} has activations from {least:g} to {most:g}, and its range is "
                f'({low:g}, {high:g}); widen it, or pass range="layer"'
            )
        width = high - low
        share = (values.double() - low) / width if width > 0 else torch.zeros_like(values)
        codes = (share * self.bins).long().clamp_(max=self.bins - 1).cpu().numpy()
        return codes.astype(np.min_scalar_type(self.bins - 1))

    def _batches(self) -> Iterator[tuple[int, dict[str, Tensor]]]:
        """For each batch its first sample's position, and activations ``(n, units)`` by layer."""
        seen: dict[str, Tensor] = {}
        with _in_evaluation_mode(self.model), _watching(self.model, self.layers, seen):
            for samples in self._slices():
                seen.clear()
                batch = self.x[samples]
                with torch.no_grad():
                    self.model(batch)
                for layer in self.layers:
                    if layer not in seen or len(seen[layer]) != len(batch):
                        raise ValueError(
                            f"layer {layer!r} gave no row for each of {len(batch)} samples; "
                            "accepted are layers that run once a batch, samples first"
                        )
                yield samples.start, seen

    def _slices(self) -> Iterator[slice]:
        """The samples of each batch."""
        for start in range(0, len(self.x), self.batch_size):
            yield slice(start, start + self.batch_size)


class _RowNumbers:
    """Numbers 0, 1, … of different rows, in the order of first occurrence; no hash collides."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}

    def __len__(self) -> int:
        return len(self._numbers)

    def numbers_of(self, rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        numbers = self._numbers
        found = (numbers.setdefault(row.tobytes(), len(numbers)) for row in rows)
        return np.fromiter(found, np.int64, len(rows))


def _rows(batch: Tensor) -> np.ndarray[Any, Any]:
    """Rows whose bytes are equal where the numbers are."""
    flat = batch.detach().reshape(len(batch), -1).cpu()
    if flat.is_floating_point():
        flat = flat.double() + 0.0  # makes −0.0 to 0.0
    return flat.numpy()


def _range_of(given: Range | Mapping[str, Range], layer: str) -> Range:
    if isinstance(given, Mapping):
        if layer not in given:
            raise ValueError(f'range lacks layer {layer!r}; accepted is "layer" or (low, high)')
        given = given[layer]
    if isinstance(given, str):
        return str(one_of(given, "range", ("layer",)))
    try:
        low, high = given
    except (TypeError, ValueError):
        raise ValueError(f'range={given!r}; accepted are "layer" and (low, high)') from None
    low = arguments.number(low, "range", below=np.inf)
    return low, arguments.number(high, "range", above=low)


@contextmanager
def _in_evaluation_mode(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode while the block runs; then each module has its mode back."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, was_training in modes:
            module.training = was_training


@contextmanager
def _watching(model: nn.Module, layers: Sequence[str], seen: dict[str, Tensor]) -> Iterator[None]:
    """Write the outputs of the layers to ``seen`` while the block runs."""
    modules = dict(model.named_modules())

    def watch(layer: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            values = arguments.floating(output, f"the output of layer {layer!r}")
            if layer in seen:
                raise ValueError(f"layer {layer!r} ran twice in a batch; record what calls it")
            seen[layer] = values.detach().reshape(len(values), -1)

        return hook

    handles = [modules[layer].register_forward_hook(watch(layer)) for layer in layers]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
