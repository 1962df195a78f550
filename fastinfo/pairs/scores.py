"""How much each column of a table tells about a target."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from fastinfo.accumulators.kept_pairs import KeptPairs
from fastinfo.backends import on_device_of
from fastinfo.backends.generic import GenericKernels
from fastinfo.inputs import arguments, preparation, tables
from fastinfo.inputs.options import Options
from fastinfo.inputs.preparation import Choices, Prepared
from fastinfo.inputs.scanning import Scan
from fastinfo.inputs.types import (
    BackendName,
    BinsByName,
    EstimatorName,
    Given,
    Kinds,
    NanPolicy,
    Table,
    Weights,
)
from fastinfo.measures import saturation
from fastinfo.pairs import ranking, runs, sides
from fastinfo.pairs.measure import mutual_information
from fastinfo.pairs.runs import Inputs, Run
from fastinfo.pairs.sides import TableColumns
from fastinfo.pairs.sinks import MatrixSink
from fastinfo.pairs.third import choices_with, of_samples, taken_from
from fastinfo.system.progress import Progress


class Score(NamedTuple):
    """A column, its mutual information with the target, and numbers by which to judge it.

    Where a third variable is given, all information is conditional on it.
    """

    column: Any
    """Name of the column, or its position if the table has no names."""
    value: float
    """Mutual information with the target, in nats or in units of ``base``."""
    corrected: float
    """The value minus its expectation for independent variables with the same margins."""
    share: float
    """The value as a share of the target's entropy, over the samples where both are present."""
    n_samples: int
    """The number of samples in which both the column and the target are present."""


def score(
    table: Table,
    target: Any,
    *,
    given: Given | None = None,
    min_samples: int | None = None,
    kinds: Kinds | None = None,
    layer: str | None = None,
    bins: BinsByName = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
    progress: Progress = None,
    memory_limit: int | None = None,
) -> list[Score]:
    """Rank the columns of a table by how much they tell about a target.

    Parameters
    ----------
    table : pandas, polars or Arrow table, or array-like of shape (n, m)
        Samples of m columns. A table with named columns is prepared (see the notes); an array is
        taken as it is. A `fastinfo.scan` is read batch by batch, a Dask collection partition by
        partition; of a `fastinfo.PairCounts` the pairs with the target are counted already.
    target : name of a column, or array-like of shape (n,)
        What the columns are to tell about. If the table has named columns, samples of the target
        are prepared like a column of the table.
    given : name of a column, list of names, or array-like of shape (n,) or (n, d), optional
        A third variable Z. Columns are then ranked by I(X;target|Z), what they tell about the
        target beyond what Z tells; see `fastinfo.pairwise_conditional_mutual_information`. Columns
        that it names are not ranked.
    min_samples : int, optional
        Columns that are present together with the target in fewer samples come last. The default
        is 30, or half the rows of a smaller table.
    kinds : dict of str to {"category", "number", "skip"}, optional
        The kind of columns, where the rules below would decide otherwise. "category": each value is
        a category, however many there are. "number": the column is binned. "skip": it is left out.
    layer : str, optional
        The layer of an AnnData to use instead of its X.
    bins : optional
        As for `fastinfo.mutual_information`, for all columns that are binned; or a dict of these by
        column name. A column of integers that the dict names is binned.
    base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `fastinfo.mutual_information`. With ``nan_policy="omit"`` each column uses only
        samples where it and the target are present.
    progress, memory_limit
        As for `fastinfo.pairwise_mutual_information`.

    Returns
    -------
    list of Score
        ``column``, ``value``, ``corrected``, ``share`` and ``n_samples``. The largest corrected
        value comes first; for weighted samples, the largest value. Columns with too few samples and
        columns without a value (NaN) come last.

    Raises
    ------
    ValueError, TypeError, MemoryError
        As `fastinfo.mutual_information`. Also if no column has a name that is given, or if the
        target is constant or cannot be measured.

    Warns
    -----
    PreparationWarning
        Once, if columns are skipped, or if columns that are not floating-point are binned.
    SaturationWarning
        Once, if more than half of a value is chance: there are too few samples for the cells of its
        table.
    CappedBinsWarning
        As `fastinfo.mutual_information`.

    Notes
    -----
    Columns are ranked by the corrected value: the plug-in value minus its expectation for
    independent variables with the same number of samples in each of their bins [1]_. A column of
    random letters has a large value and a corrected value around 0. Weighted samples have no
    corrected value (NaN), since chance depends on numbers of samples. By all estimators but
    ``"ml"`` the value is corrected already and is the corrected value; its share may exceed 1.

    This function, `pairwise_mutual_information`, `top_pairs` and the command line prepare a table
    with named columns by these rules:

    - Text, booleans and categoricals are categories. Text is taken for an identifier and skipped if
      there is more than one distinct value for every two rows, and more than 10 in all.
    - Integers are categories if they have at most 50 distinct values and 5 rows for each of them,
      or at most 10 distinct values, or at most as many as there would be bins. With more they are
      binned like floating-point numbers. Floating-point columns of pandas that hold whole numbers
      and missing values are integers.
    - Integers that count the rows, up or down from 0 or 1, are row numbers and are skipped.
    - Dates, moments, times of day and durations follow the rule of integers: with many distinct
      values they are binned, as microseconds. So is text that spells them with the year first
      (``2024-02-29``, ``2024/02/29 12:30``), or as ``12:30:05``.
    - Columns that are constant or all missing are skipped, and so are lists, records, bytes and
      objects of mixed types.
    - The target, and columns that the command line is told to use, are never taken for identifiers.

    References
    ----------
    .. [1] N. X. Vinh, J. Epps and J. Bailey, "Information theoretic measures for clusterings
       comparison", Journal of Machine Learning Research 11, 2010.

    Examples
    --------
    >>> import fastinfo
    >>> X = [[0, 0, 1], [0, 0, 0], [1, 1, 1], [1, 1, 0]] * 10
    >>> for column, value, corrected, share, n in fastinfo.score(X, [0, 0, 1, 1] * 10, base=2):
    ...     print(column, value, round(corrected, 3), round(share, 3), n)
    0 1.0 0.981 1.0 40
    1 1.0 0.981 1.0 40
    2 0.0 -0.019 0.0 40
    """
    if min_samples is not None:
        min_samples = arguments.positive_integer(min_samples, "min_samples")
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    settings = Run(progress, memory_limit, None)
    table = tables.with_layer(table, layer)
    samples = None if isinstance(target, str) else target
    with on_device_of(table, samples, given, sample_weight):
        came = _inputs(table, target, bins, kinds, given)
        binned = runs.bin_features(runs.resolve(came, options), options)
        values = np.empty(came.shape)
        host: Any = GenericKernels()
        sink = MatrixSink(values, came.n_left, options.unit, host, False)
        measure = mutual_information(options.estimator, is_conditional=given is not None)
        runs.measure_pairs(binned, sink, options, settings, measure)
    judge = binned.judge(options.unit)
    least = ranking.least_samples(binned.n_samples) if min_samples is None else min_samples
    scores, worst = [], []
    for position, value in enumerate(values[0].tolist(), start=1):
        n_samples = judge.n_samples(0, position)
        if value != value:
            scores.append(Score(came.label(position), value, value, value, n_samples))
            continue
        share = judge.share_of_left(0, position, value)
        rest = judge.corrected(0, position, value) if judge.weights is None else float("nan")
        scores.append(Score(came.label(position), value, rest, share, n_samples))
        if judge.is_saturated(0, position, value):
            worst.append((judge.n_occupied(position), came.label(position)))
    if worst:
        names = [name for _, name in sorted(worst, key=lambda one: -one[0])]
        saturation.warn_of_columns(names, f"{len(worst)} of {len(scores)} columns with the target")
    return sorted(scores, key=partial(_order, least))


def _order(least: int, found: Score) -> tuple[bool, bool, float]:
    """The key to sort by: columns without a value come last, before them those of few samples."""
    rank = found.value if np.isnan(found.corrected) else found.corrected
    return bool(np.isnan(found.value)), found.n_samples < least, -rank


def _inputs(table: Any, target: Any, bins: Any, kinds: Any, third: Any) -> Inputs:
    """The target as the features on the left, and all other columns as those on the right."""
    table, target, third, names = runs.scans_of(
        ("table", table), ("target", target), third, "given"
    )
    if isinstance(table, KeptPairs):
        return runs.inputs(table.with_target(target), None, bins, kinds, third)
    own_bins = sides.bins_of(2, bins)
    beside = [] if third is None or names else [third]
    if not sides.is_prepared(table):
        choices = sides.choices_of([table, *beside], bins, kinds)
        if third is not None:
            choices = choices_with(choices, third, None, own_bins)
        if isinstance(target, str):
            raise ValueError(
                f"target={target!r} names a column, which is looked for in DataFrames, Arrow "
                "tables and dicts of columns; accepted beside this table are samples of shape (n,)"
            )
        _require_one(target)
        if isinstance(table, Scan):
            side = sides.as_they_are(table, sides.bins_of(1, bins), choices.n_variables)
        else:
            columns = arguments.features(table, "table")
            side = TableColumns(columns, tables.labels(table), {})
        variable = None if third is None else of_samples(third, "given", None, own_bins)[0]
        left = sides.one_feature(
            target, "target", choices, sides.bins_of(0, bins), is_prepared=False
        )
        return Inputs([left, side], bins, False, variable)
    if isinstance(table, Prepared):
        prepared, is_name, choices = table, True, Choices()
    else:
        choices = sides.choices_of([table, *beside], bins, kinds)
        labels = list(sides.labels_of(table))
        is_name = isinstance(target, str) or (np.ndim(target) == 0 and target in labels)
        if is_name:
            preparation.require_names([target], labels, "target")
        if is_name:
            asked = {str(target): sides.bins_of(0, bins)}
            choices = choices._replace(named=[target], asked=asked)
        if third is not None:
            choices = choices_with(choices, third, names, own_bins)
        own = None if isinstance(bins, Mapping) else bins
        prepared = sides.prepare(table, "table", choices, own)
    if is_name and names and target in names:
        raise ValueError(f"given: {target!r} is the target")
    variable, told, others = None, [prepared], prepared
    if names:
        variable, others = taken_from(prepared, names, "given")
    elif third is not None:
        variable, alone = of_samples(third, "given", choices, own_bins)
        told += alone
    if prepared is not table:
        preparation.warn(told)
    if is_name:
        if target not in prepared.labels:
            raise ValueError(f"target: column {target!r} is {prepared.fate(target)}")
        left = sides.side_of(prepared.select([target]))
    else:
        _require_one(target)
        left = sides.one_feature(
            target, "target", choices, sides.bins_of(0, bins), is_prepared=True
        )
    scored = [label for label in others.labels if not is_name or label != target]
    if not scored:
        reasons = "".join(f"; {note}" for note in prepared.notes)
        raise ValueError(f"no column is left to score{reasons}")
    right = sides.side_of(prepared.select(scored))
    return Inputs([left, right], None if isinstance(bins, Mapping) else bins, True, variable)


def _require_one(target: Any) -> None:
    if target is None or not sides.is_one_variable(target):
        raise ValueError(
            f"target has shape {np.shape(target)}; accepted is the name of a column, or one sample "
            "for each row, shape (n,)"
        )
