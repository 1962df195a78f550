"""The jackknifed plug-in entropy, which turns out to be a sum over cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastinfo.backends.contract import Array, Kernels
from fastinfo.backends.terms import XLOGX, Term


def _excess(counts: Any, xp: Any) -> Any:
    """f(c) − c·log c = −c·(c − 1)·log(1 − 1/c), about c − ½; 0 of 0 and of 1."""
    return -counts * (counts - 1) * xp.log1p(-1 / xp.maximum(counts, 2))


def _sum(counts: Array, kernels: Kernels) -> Array:
    excess = _excess(counts.astype(np.float64), kernels.xp).sum(axis=-1)
    return kernels.sum_xlogx(counts) + excess


JACKKNIFE = Term("jackknife", of=lambda counts: XLOGX.of(counts) + _excess(counts, np), sum=_sum)
"""H = N·Ĥ − (N − 1)/N·Σ Ĥ₋ᵢ, with Ĥ₋ᵢ the plug-in entropy without sample i [S. Zahl, "Jackknifing
an index of diversity", Ecology 58, 1977].

Samples of one cell leave the same rest. Written out with φ(c) = c·log c, the terms with Σ φ(c)
cancel, and H = (f(N) − Σ f(c))/N is left, with f(c) = c·(φ(c) − φ(c − 1)), which does not depend on
N."""
