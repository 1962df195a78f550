"""The measures of samples that users call: formulas over the entropies of one joint table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

from fastinfo import formulas
from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.backends import on_device_of, reducing
from fastinfo.estimators import entropies
from fastinfo.formulas import Formula
from fastinfo.inputs import arguments
from fastinfo.inputs.options import Options
from fastinfo.inputs.types import (
    Average,
    BackendName,
    Bins,
    EstimatorName,
    NanPolicy,
    Samples,
    Weights,
)
from fastinfo.measures import probabilities, samples, saturation


def entropy(
    x: Samples | JointCounts,
    *,
    bins: Bins = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Shannon entropy H(X) of one variable.

    H(X) = −Σ p(x) log p(x) [1]_. Of a binned continuous variable this is the entropy of its bins,
    which grows with their number; it is no differential entropy.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts
        Samples of one variable, or of one d-dimensional variable.
    bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`.

    Returns
    -------
    float
        Entropy in nats, or in units of ``base``; NaN where a sample is missing and
        ``nan_policy="propagate"``.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`.

    Warns
    -----
    ProbabilitiesWarning
        For a few floating-point numbers that sum to 1, which look like probabilities:
        `fastinfo.pmf.entropy` takes these.

    References
    ----------
    .. [1] C. E. Shannon, "A mathematical theory of communication", Bell System Technical Journal
       27, 1948.

    Examples
    --------
    >>> import fastinfo
    >>> fastinfo.entropy(["heads", "tails", "tails", "heads"], base=2)
    1.0
    """
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    probabilities.warn_where("entropy", x)
    return _measure(formulas.entropy, (x,), options)


def joint_entropy(
    *variables: Samples | JointCounts,
    bins: Bins = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Joint entropy H(X, Y, …) of several variables.

    The entropy of their joint distribution; at least the largest of their entropies and at most
    the sum of them.

    Parameters
    ----------
    *variables : array-like of shape (n,) or (n, d), or one JointCounts
        Samples of each variable.
    bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`.

    Returns
    -------
    float
        Joint entropy in nats, or in units of ``base``.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`.

    Examples
    --------
    >>> import fastinfo
    >>> fastinfo.joint_entropy([0, 0, 1, 1], [0, 1, 0, 1], base=2)
    2.0
    """
    if not variables:
        raise TypeError("joint_entropy() takes the samples of at least one variable")
    all_: tuple[Any, ...] = variables
    if len(variables) == 1 and isinstance(variables[0], JointCounts):
        all_ += (None,) * (variables[0].n_variables - 1)
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    return _measure(formulas.joint_entropy, all_, options)


def conditional_entropy(
    x: Samples | JointCounts,
    given: Samples | None = None,
    *,
    bins: Bins = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Conditional entropy H(X|Y): what is still unknown of X once Y is known.

    H(X|Y) = H(X,Y) − H(Y), which is 0 where Y determines X and H(X) where they are independent.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts of (x, given)
        Samples of X.
    given : array-like of shape (n,) or (n, d)
        Samples of Y.
    bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`.

    Returns
    -------
    float
        Conditional entropy in nats, or in units of ``base``.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`.

    Warns
    -----
    SaturationWarning
        As `mutual_information`.

    Examples
    --------
    >>> import fastinfo
    >>> fastinfo.conditional_entropy([0, 1, 0, 1], given=["a", "a", "b", "b"], base=2)
    1.0
    """
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    return _measure(formulas.conditional_entropy, (x, given), options, saturation.tell)


def mutual_information(
    x: Samples | JointCounts,
    y: Samples | None = None,
    *,
    bins: Bins = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Mutual information I(X;Y): how much one variable tells about another.

    I(X;Y) = H(X) + H(Y) − H(X,Y) [1]_: 0 for independent variables, and at most the smaller of the
    two entropies.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts of two variables
        Samples of one variable, or of one d-dimensional variable: NumPy arrays, lists, pandas,
        polars or Arrow columns and tables, sparse matrices, CuPy arrays, torch tensors. Integers,
        booleans, strings and categoricals are categories as they are; floating-point samples are
        binned. Floating-point columns of pandas that hold whole numbers and missing values are
        integers, unless ``bins`` is given.
    y : array-like of shape (n,) or (n, d)
        Samples of the other variable.
    bins : None, int, str, list or array of edges, or a tuple with one of these for each variable
        How to bin floating-point samples. ``None`` or ``"quantile"``: equal frequencies, with
        ⌈n^(1/(d+1))⌉ bins where d columns share the table: ⌈n^(1/3)⌉ for two, and for one alone. A
        value with more than its share of the samples has a bin of its own. A number: that many bins
        of equal width, as `numpy.histogram` means it for the samples as float64, which is what
        samples of any precision are binned as. ``"uniform"``: of equal width, as many as for
        ``"quantile"``. ``"quantile:32"``, ``"uniform:32"``: with their number. ``"fd"``,
        ``"scott"``, …: a rule of `numpy.histogram_bin_edges`, with at most as many bins as samples
        where outliers would make them more (`CappedBinsWarning`). A list or an array of numbers:
        edges, of every variable and of integers too; the last bin is closed, and values outside of
        them count as missing. A tuple: one of these for each variable, so that ``(5, 7)`` is a
        number of bins for each and ``[5, 7]`` is one bin from 5 to 7; a list of as many integers as
        there are variables is refused, for `numpy.histogram2d` would take it for numbers.
    base : float, optional
        Base of the logarithm; nats by default, 2 for bits.
    estimator : {"ml", "miller_madow", "grassberger"}
        How entropies are estimated from counts. ``"ml"``, the plug-in estimate, is never negative
        here and too large by about (K_xy − K_x − K_y + 1)/(2n) on average, K the numbers of
        occupied cells. The others correct for that and may be negative: ``"miller_madow"`` takes
        it off, ``"grassberger"`` weighs each count by a function that is nearly free of bias [2]_.
    nan_policy : {"raise", "omit", "propagate"}
        Whether missing samples (NaN, None, masked, outside of the edges) are an error, are left
        out together with their partners, or make the result NaN.
    sample_weight : array-like of shape (n,), optional
        Weight of each sample, finite and not negative. A whole weight counts as so many equal
        samples, in the bins too; a sample of weight 0 is left out of everything. Other weights
        matter by their ratios, and choose the default number of bins by (Σw)²/Σw² samples.
    backend : {"numba", "numpy", "cupy"}, optional
        Kernels that do the work; by default those of ``FASTINFO_BACKEND``, or numba, and cupy for
        samples on a GPU.
    n_jobs : int, optional
        Threads; all cores by default.

    Returns
    -------
    float
        Mutual information in nats, or in units of ``base``.

    Raises
    ------
    ValueError
        For empty samples, numbers of samples that differ, missing samples under
        ``nan_policy="raise"``, no sample left, unknown names, and bins or weights that make no
        sense.
    TypeError
        For samples of a type that has no meaning here: complex, dates, objects of several types.
    MemoryError
        For a table that does not fit the memory.

    Warns
    -----
    SaturationWarning
        Where there are too few samples for the cells of the table: independent variables with the
        same numbers of samples in each bin would share more than half of the value on average, and
        more than a fifth of the smaller entropy.
    CappedBinsWarning
        Where a rule of NumPy asks for more bins than there are samples.

    Notes
    -----
    Of an X without ties and as many bins as samples, every Y is a function: I(X;Y) = H(Y),
    whatever the two have to do with each other. Use few bins for few samples. Samples ``(n, d)``,
    and a DataFrame of d columns, are one d-dimensional variable, which has that many bins soon:
    `fastinfo.score` measures each column by itself.

    References
    ----------
    .. [1] T. M. Cover and J. A. Thomas, *Elements of Information Theory*, 2nd ed., Wiley 2006,
       chapter 2.
    .. [2] P. Grassberger, "Entropy estimates from insufficient samplings", arXiv:physics/0307138.

    Examples
    --------
    >>> import fastinfo
    >>> fastinfo.mutual_information([0, 0, 1, 1], ["a", "a", "b", "b"], base=2)
    1.0
    >>> fastinfo.mutual_information([0, 1, 0, 1], ["a", "a", "b", "b"])
    0.0
    """
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    return _measure(formulas.mutual_information, (x, y), options, saturation.tell)


def conditional_mutual_information(
    x: Samples | JointCounts,
    y: Samples | None = None,
    given: Samples | None = None,
    *,
    bins: Bins = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Conditional mutual information I(X;Y|Z): what Y tells about X that Z does not.

    I(X;Y|Z) = H(X,Z) + H(Y,Z) − H(X,Y,Z) − H(Z).

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts of (x, y, given)
        Samples of X.
    y, given : array-like of shape (n,) or (n, d)
        Samples of Y and of Z.
    bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`.

    Returns
    -------
    float
        Conditional mutual information in nats, or in units of ``base``.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`.

    Warns
    -----
    SaturationWarning
        As `mutual_information`.

    Examples
    --------
    Two coins, and whether they fell alike: each tells nothing about the other until the third is
    known.

    >>> import fastinfo
    >>> fastinfo.mutual_information([0, 0, 1, 1], [0, 1, 0, 1], base=2)
    0.0
    >>> fastinfo.conditional_mutual_information(
    ...     [0, 0, 1, 1], [0, 1, 0, 1], given=[True, False, False, True], base=2
    ... )
    1.0
    """
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    formula = formulas.conditional_mutual_information
    return _measure(formula, (x, y, given), options, saturation.tell)


def normalized_mutual_information(
    x: Samples | JointCounts,
    y: Samples | None = None,
    *,
    average: Average = "arithmetic",
    bins: Bins = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Mutual information as a share of the variables' entropies.

    NMI(X,Y) = I(X;Y) / average(H(X), H(Y)) [1]_. 0 for independent variables and 1 for ones that
    determine each other; with "min", where one determines the other.

    Parameters
    ----------
    x, y
        As for `mutual_information`.
    average : {"arithmetic", "geometric", "min", "max"}
        Average of the two entropies.
    bins, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`.

    Returns
    -------
    float
        A number without unit, 0 to 1 with plug-in entropies. By convention 1 where both variables
        are constant, and 0 where only the average is 0.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`.

    Warns
    -----
    SaturationWarning
        As `mutual_information`.

    References
    ----------
    .. [1] N. X. Vinh, J. Epps and J. Bailey, "Information theoretic measures for clusterings
       comparison", Journal of Machine Learning Research 11, 2010.

    Examples
    --------
    >>> import fastinfo
    >>> fastinfo.normalized_mutual_information([0, 0, 1, 1], ["a", "a", "b", "b"])
    1.0
    >>> x, y = [0, 0, 1, 1], [0, 1, 2, 2]
    >>> round(fastinfo.normalized_mutual_information(x, y, average="max"), 6)
    0.666667
    """
    average = arguments.one_of(average, "average", formulas.AVERAGES)
    options = Options(bins, None, estimator, nan_policy, sample_weight, backend, n_jobs)
    formula = formulas.normalized_mutual_information.with_options(average=average)
    return _measure(formula, (x, y), options, saturation.tell)


def variation_of_information(
    x: Samples | JointCounts,
    y: Samples | None = None,
    *,
    bins: Bins = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Variation of information VI(X,Y): a distance between variables.

    VI(X,Y) = H(X|Y) + H(Y|X) [1]_: 0 where they determine each other; a metric on partitions.

    Parameters
    ----------
    x, y, bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`.

    Returns
    -------
    float
        Variation of information in nats, or in units of ``base``.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`.

    References
    ----------
    .. [1] M. Meilă, "Comparing clusterings by the variation of information", COLT 2003.

    Examples
    --------
    >>> import fastinfo
    >>> round(fastinfo.variation_of_information([0, 0, 1, 1], [0, 1, 0, 1], base=2), 6)
    2.0
    """
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    return _measure(formulas.variation_of_information, (x, y), options)


def value_of(formula: Formula, counts: JointCounts) -> float:
    """A formula of counts in nats, for a caller who says himself where they are mostly chance."""
    options = Options(None, None, "ml", "raise", None, None, None)
    return _measure(formula, (counts, *[None] * (counts.n_variables - 1)), options)


def _measure(
    formula: Formula,
    variables: Sequence[Any],
    options: Options,
    tell: Callable[..., None] | None = None,
) -> float:
    """A formula over the entropies of the joint table of some variables.

    ``tell`` is given the counts and their entropies, to warn where they are mostly chance.
    """
    with on_device_of(*variables, options.sample_weight):
        counts, kernels = samples.joint_counts(variables, options)
        kernels = reducing(kernels, prod(counts.shape))
        if counts.is_unknown:
            return float("nan")

        def marginal(*axes: int) -> Any:
            return kernels.bring(counts.marginal(*axes))

        def entropy_by(estimator: str) -> Callable[..., Any]:
            possible = partial(samples.possible_cells, counts)
            return entropies.of_marginals(
                marginal, counts.n_variables, possible, estimator, kernels, n_samples
            )

        is_weighted = counts.is_weighted
        n_samples = None if is_weighted else int(counts.n_samples)
        entropy = entropy_by(options.estimator)
        value = entropies.without_rounding(
            float(formula(entropy)), formula.bounds, options.estimator, kernels
        )
        if tell is not None and not is_weighted:
            if not entropies.ESTIMATORS[options.estimator].is_plug_in:
                # What is corrected is still mostly chance where the plug-in value is.
                entropy = entropy_by("ml")
            tell(counts, entropy, options.unit)
        return float(value / options.unit)
