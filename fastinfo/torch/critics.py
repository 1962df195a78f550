"""Small networks that score how well an x and a y belong together, for `fastinfo.torch.bounds`.

A critic takes ``x`` of shape (…, N, d_x) and ``y`` of shape (…, N, d_y). It returns scores
(…, N, N) of all pairs, with x along the rows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from fastinfo.inputs.arguments import positive_integer

__all__ = [
    "BilinearCritic",
    "ConcatenatedCritic",
    "GaussianConditional",
    "SeparableCritic",
    "perceptron",
]


def perceptron(*widths: int) -> nn.Sequential:
    """A multilayer perceptron of the given widths, with ReLU between its layers.

    Parameters
    ----------
    *widths : int
        Number of inputs, of the units of each hidden layer, and of outputs.

    Returns
    -------
    torch.nn.Sequential
        The network.

    Raises
    ------
    TypeError, ValueError
        For widths that are no positive integers, and for fewer than two of them.

    Examples
    --------
    >>> from fastinfo.torch import perceptron
    >>> [type(layer).__name__ for layer in perceptron(2, 16, 1)]
    ['Linear', 'ReLU', 'Linear']
    """
    if len(widths) < 2:
        raise ValueError(f"widths={widths!r}; accepted are at least two: inputs and outputs")
    checked = [positive_integer(width, "widths") for width in widths]
    layers: list[nn.Module] = []
    for n_inputs, n_outputs in pairwise(checked):
        layers += [nn.Linear(n_inputs, n_outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class SeparableCritic(nn.Module):
    """Scores g(x)·h(y) of two perceptrons; N² scores take 2·N evaluations.

    Parameters
    ----------
    x_dim, y_dim : int
        Dimensions of x and y.
    hidden : sequence of int
        Widths of the hidden layers of each perceptron.
    embedding : int
        Dimension of g(x) and h(y).

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import SeparableCritic
    >>> SeparableCritic(2, 3)(torch.zeros(5, 2), torch.zeros(5, 3)).shape
    torch.Size([5, 5])
    """

    def __init__(
        self, x_dim: int, y_dim: int, hidden: Sequence[int] = (64,), embedding: int = 32
    ) -> None:
        super().__init__()
        self.of_x = perceptron(x_dim, *hidden, embedding)
        self.of_y = perceptron(y_dim, *hidden, embedding)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Scores of all pairs, ``(…, N, N)``."""
        scores: Tensor = self.of_x(x) @ self.of_y(y).mT
        return scores


class ConcatenatedCritic(nn.Module):
    """Scores of one perceptron of x and y together: the most general critic, N² evaluations.

    Parameters
    ----------
    x_dim, y_dim : int
        Dimensions of x and y.
    hidden : sequence of int
        Widths of the hidden layers.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import ConcatenatedCritic
    >>> ConcatenatedCritic(2, 3)(torch.zeros(5, 2), torch.zeros(5, 3)).shape
    torch.Size([5, 5])
    """

    def __init__(self, x_dim: int, y_dim: int, hidden: Sequence[int] = (64, 64)) -> None:
        super().__init__()
        self.of_pair = perceptron(x_dim + y_dim, *hidden, 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Scores of all pairs, ``(…, N, N)``."""
        rows, columns = x.unsqueeze(-2), y.unsqueeze(-3)
        shape = np.broadcast_shapes(rows.shape[:-1], columns.shape[:-1])
        pairs = torch.cat([rows.expand(*shape, -1), columns.expand(*shape, -1)], -1)
        scores: Tensor = self.of_pair(pairs).squeeze(-1)
        return scores


class BilinearCritic(nn.Module):
    """Scores xᵀ·W·y.

    Parameters
    ----------
    x_dim, y_dim : int
        Dimensions of x and y.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import BilinearCritic
    >>> BilinearCritic(2, 3)(torch.zeros(5, 2), torch.zeros(5, 3)).shape
    torch.Size([5, 5])
    """

    def __init__(self, x_dim: int, y_dim: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(x_dim, y_dim))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Scores of all pairs, ``(…, N, N)``."""
        return x @ self.weight @ y.mT


class GaussianConditional(nn.Module):
    """A Gaussian model of y given x; a perceptron of x gives its mean and variances.

    `club` and `leave_one_out` take its scores. Train it by `negative_log_likelihood`.

    Parameters
    ----------
    x_dim, y_dim : int
        Dimensions of x and y.
    hidden : sequence of int
        Widths of the hidden layers.

    Examples
    --------
    >>> import torch
    >>> from fastinfo.torch import GaussianConditional
    >>> GaussianConditional(2, 3)(torch.zeros(5, 2), torch.zeros(5, 3)).shape
    torch.Size([5, 5])
    """

    def __init__(self, x_dim: int, y_dim: int, hidden: Sequence[int] = (64,)) -> None:
        super().__init__()
        self.of_x = perceptron(x_dim, *hidden, 2 * y_dim)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Log p(y[j]|x[i]) of all pairs, ``(…, N, N)``."""
        mean, log_variance = self.of_x(x).unsqueeze(-2).chunk(2, -1)
        return _log_density(y.unsqueeze(-3), mean, log_variance)

    def negative_log_likelihood(self, x: Tensor, y: Tensor) -> Tensor:
        """−log p(y|x) in nats, averaged over the samples: the loss that trains the model."""
        mean, log_variance = self.of_x(x).chunk(2, -1)
        return -_log_density(y, mean, log_variance).mean()


def _log_density(y: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    squared = (y - mean).square() * (-log_variance).exp()
    return -(squared + log_variance + math.log(2 * math.pi)).sum(-1) / 2
