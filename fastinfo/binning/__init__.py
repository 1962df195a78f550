"""Samples → codes: the bin of each sample.

Each value of integers, booleans, strings and categoricals is a category. Floating-point samples are
binned by a rule: equal widths, equal frequencies, one of NumPy's rules, or given edges. Bins follow
NumPy's convention: [edge, next edge); the last bin is closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fastinfo.backends.contract import Array, Kernels, code_dtype
from fastinfo.binning import extremes
from fastinfo.binning.categories import merge
from fastinfo.binning.edges import fit_edges
from fastinfo.binning.extremes import Assumed, summarize
from fastinfo.binning.integers import fit_integers, mark_missing
from fastinfo.binning.rules import Bins, Categories, Edges, Given, Rule, Uniform
from fastinfo.data.columns import Column
from fastinfo.data.encoders import Encoder, LookUp, Searching
from fastinfo.system.ranges import BLOCK


class Coder(NamedTuple):
    """A column with its bins and with the encoder that makes its codes."""

    bins: Bins
    n_samples: int
    has_missing: bool
    """Whether a sample may be missing: one is, or `fit` did not look at all samples."""
    encode: Encoder
    kernels: Kernels
    assumed: Assumed | None = None
    """The guess that the bins were made by; None if all samples were looked at."""

    def codes(self) -> Array:
        """The codes of all samples."""
        return self.encode(0, self.n_samples, None)

    def n_missing(self) -> int:
        """The number of missing samples, counted block by block."""
        size, n_samples = self.kernels.samples_at_once or BLOCK, self.n_samples
        blocks = (
            self.encode(start, min(start + size, n_samples), None)
            for start in range(0, n_samples, size)
        )
        return int(sum((codes == len(self.bins)).sum() for codes in blocks))


def fit(
    column: Column,
    rule: Rule | Bins,
    kernels: Kernels,
    n_jobs: int = 1,
    may_guess: bool = False,
    weights: Array | None = None,
) -> Coder:
    """Decide the bins of a column by a rule, or take those that are given.

    With ``may_guess`` the bins may come from some of the samples. The caller must then check by the
    counts that what was `Coder.assumed` holds (`extremes.hold`). ``weights`` are positive; a whole
    weight w counts as w equal samples.

    Raises
    ------
    ValueError
        For bins of equal width if values are infinite, or if their range is too narrow for the
        number of bins.
    """
    has_missing = column.missing is not None and bool(column.missing.any())
    n_samples = column.values.size
    if column.categories is not None:
        n_bins = len(column.categories)
        codes = column.values
        if column.missing is not None:
            codes = np.where(column.missing, n_bins, codes)
        found = LookUp(kernels.bring_or_stream(codes.astype(code_dtype(n_bins), copy=False)))
        return Coder(Categories(column.categories), n_samples, has_missing, found, kernels)
    missing = kernels.bring_or_stream(column.missing) if has_missing else None
    values = kernels.bring_or_stream(column.values)
    if values is not column.values:
        column = column._replace(values=values)
    if column.is_float:
        return _fit_floats(column, rule, kernels, n_jobs, may_guess, weights)
    may_guess = may_guess and not has_missing
    categories, encode, assumed = fit_integers(column, kernels, n_jobs, may_guess)
    if has_missing:
        # Missing samples hold some integer, which is no category unless another sample has it too.
        # Only columns with missing samples pay for this pass.
        encode, categories = mark_missing(encode, categories, missing, kernels)
    has_missing = has_missing or assumed is not None
    return Coder(Categories(categories), n_samples, has_missing, encode, kernels, assumed)


def _fit_floats(
    column: Column,
    rule: Rule | Bins,
    kernels: Kernels,
    n_jobs: int,
    may_guess: bool,
    weights: Array | None,
) -> Coder:
    values = column.values
    known = Edges.given(rule.edges) if isinstance(rule, Given) else rule
    if isinstance(known, Edges):
        encode = Searching(values, known.edges, known.uniform, kernels)
        return Coder(known, values.size, True, encode, kernels)
    depends_on_extremes = isinstance(rule, Uniform)
    assumed = extremes.guess(values, kernels) if may_guess and depends_on_extremes else None
    if assumed is not None:
        low, high, _ = assumed.summary
        try:
            bins = fit_edges(column, assumed.summary, rule, kernels, weights)
        except ValueError:  # a range too narrow for the bins; that of all samples may do
            bins = Edges.none()
        # The edges of a constant lie ½ beyond it, so counts would not show a sample that differs.
        if bins.edges[0] == low and bins.edges[-1] == high:
            encode = Searching(values, bins.edges, bins.uniform, kernels)
            return Coder(bins, values.size, True, encode, kernels, assumed)
    summary = summarize(values, kernels, n_jobs)
    bins = fit_edges(column, summary, rule, kernels, weights)
    encode = Searching(values, bins.edges, bins.uniform, kernels)
    return Coder(bins, values.size, summary.n_missing > 0, encode, kernels)


def refuse_missing(columns: Sequence[Column], coders: Sequence[Coder]) -> None:
    """Raise ValueError for the first column with a missing sample."""
    for column, coder in zip(columns, coders, strict=True):
        n_missing = coder.n_missing() if coder.has_missing else 0
        if not n_missing:
            continue
        bins = coder.bins
        if isinstance(bins, Edges) and len(bins) and not np.isnan(column.values).any():
            what = f"values outside of its edges [{bins.edges[0]:.6g}, {bins.edges[-1]:.6g}]"
            help_ = "widen them (−inf and inf are accepted), or leave such samples out with"
        else:
            what, help_ = "missing values", "leave such samples out with"
        raise ValueError(
            f"{column.name} has {n_missing} {what} among {column.values.size}: {help_} "
            'nan_policy="omit", or ask for NaN with nan_policy="propagate"'
        )


def unite(left: Bins, right: Bins) -> tuple[Bins, Any, Any]:
    """Bins that include both, and the positions among them of the bins of each.

    Raises
    ------
    ValueError
        If edges differ, if one side has edges and the other categories, or if the categories are
        of two types.
    """
    if len(left) == 0 or len(right) == 0:
        one = right if len(left) == 0 else left
        return one, np.arange(len(left)), np.arange(len(right))
    if isinstance(left, Edges) and isinstance(right, Edges):
        if not np.array_equal(left.edges, right.edges):
            raise ValueError(
                "the bins differ, so their counts cannot be added: "
                f"{_brief(left.edges)} and {_brief(right.edges)}; pass the same edges to both"
            )
        same = np.arange(len(left))
        return left, same, same
    if isinstance(left, Edges) or isinstance(right, Edges):
        raise ValueError(
            "floating-point samples were binned on one side and categories counted on the other; "
            "give both sides the same kind of samples"
        )
    values, to_left, to_right = merge(left.values, right.values)
    return Categories(values), to_left, to_right


def _brief(edges: Any) -> str:
    return f"{edges.size - 1} bins of [{edges[0]:.6g}, {edges[-1]:.6g}]"
