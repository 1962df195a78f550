"""The public measures of samples: formulas of the entropies of one joint table."""

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

    H(X) = −Σ p(x) log p(x) [1]_. For a binned continuous variable this is the entropy of its bins,
    which grows with their number. It is not the differential entropy.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts
        Samples of one variable, or of one d-dimensional variable.
    bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`.

    Returns
    -------
    float
        Entropy in nats, or in units of ``base``. It is NaN where a sample is missing and
        ``nan_policy="propagate"``.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`.

    Warns
    -----
    ProbabilitiesWarning
        For a few floating-point numbers that sum to 1, because they look like probabilities.
        `fastinfo.pmf.entropy` takes probabilities.

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

    This is the entropy of their joint distribution. It is at least the largest of their entropies
    and at most the sum of them.

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
    padded: tuple[Any, ...] = variables
    if len(variables) == 1 and isinstance(variables[0], JointCounts):
        padded += (None,) * (variables[0].n_variables - 1)
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    return _measure(formulas.joint_entropy, padded, options)


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
    """Conditional entropy H(X|Y): the part of the entropy of X that remains once Y is known.

    H(X|Y) = H(X,Y) − H(Y). It is 0 where Y determines X, and H(X) where they are independent.

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

    I(X;Y) = H(X) + H(Y) − H(X,Y) [1]_. It is 0 for independent variables, and at most the smaller
    of the two entropies.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts of two variables
        Samples of one variable, or of one d-dimensional variable: NumPy arrays, lists, pandas,
        polars or Arrow columns and tables, sparse matrices, CuPy arrays, torch tensors. Each value
        of integers, booleans, strings and categoricals is a category. Floating-point samples are
        binned. A floating-point column of pandas that holds whole numbers and missing values counts
        as integers, unless ``bins`` is given.
    y : array-like of shape (n,) or (n, d)
        Samples of the other variable.
    bins : None, int, str, list or array of edges, or a tuple with one of these for each variable
        How to bin floating-point samples. ``None`` or ``"quantile"``: bins of equal frequency,
        ⌈n^(1/(d+1))⌉ of them where d columns share the table, and ⌈n^(1/3)⌉ for one or two columns.
        A value with more than its share of the samples gets its own bin. A number: that many bins
        of equal width, those of `numpy.histogram` for the samples as float64, whatever their
        precision. ``"uniform"``: bins of equal width, as many as for ``"quantile"``.
        ``"quantile:32"``, ``"uniform:32"``: 32 such bins. ``"fd"``, ``"scott"``, …: a rule of
        `numpy.histogram_bin_edges`; where outliers would make more bins than there are samples, as
        many bins as samples (`CappedBinsWarning`). A list or an array of numbers: edges for every
        variable, integers too. The last bin is closed, and values outside of the edges are missing.
        A tuple: one of these for each variable. So ``(5, 7)`` is a number of bins for each variable
        and ``[5, 7]`` is one bin from 5 to 7. A list of integers, one for each of several
        variables, is refused, because `numpy.histogram2d` reads it as numbers of bins.
    base : float, optional
        Base of the logarithm; nats by default, 2 for bits.
    estimator : {"ml", "miller_madow", "grassberger"}
        How entropies are estimated from counts. ``"ml"``, the plug-in estimate, is never negative
        here, and too large by about (K_xy − K_x − K_y + 1)/(2n) on average, where K is a number of
        occupied cells. The others correct for this bias and may be negative. ``"miller_madow"``
        subtracts it. ``"grassberger"`` weighs each count by a function that is nearly unbiased [2]_.
    nan_policy : {"raise", "omit", "propagate"}
        How missing samples (NaN, None, masked, outside of the edges) are treated: they raise an
        error, are left out together with their partners, or make the result NaN.
    sample_weight : array-like of shape (n,), optional
        Weight of each sample, finite and not negative. A whole weight w counts as w equal samples,
        in the bins too. A sample of weight 0 is left out of everything. For other weights only the
        ratios matter, and the default number of bins is that of (Σw)²/Σw² samples.
    backend : {"numba", "numpy", "cupy"}, optional
        Backend whose kernels do the work. The default is the environment variable
        ``FASTINFO_BACKEND``, and without it numba, or cupy for samples on a GPU.
    n_jobs : int, optional
        Number of threads; all cores by default.

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
        For samples of a type without meaning here: complex, dates, objects of several types.
    MemoryError
        For a table that does not fit into memory.

    Warns
    -----
    SaturationWarning
        Where there are too few samples for the cells of the table. On average, independent
        variables with the same numbers of samples in each bin would share more than half of the
        value, and more than a fifth of the smaller entropy.
    CappedBinsWarning
        Where a rule of NumPy asks for more bins than there are samples.

    Notes
    -----
    Use few bins for few samples. Where X has no ties and as many bins as samples, every Y is a
    function of X and I(X;Y) = H(Y), even for unrelated variables. Samples ``(n, d)`` and a
    DataFrame of d columns are one d-dimensional variable, which soon has that many bins.
    `fastinfo.score` measures each column alone.

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
    """Conditional mutual information I(X;Y|Z): how much Y tells about X once Z is known.

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
    X and Y are two coins, and Z tells whether they fell alike. Neither coin tells anything about
    the other until Z is known.

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

    NMI(X,Y) = I(X;Y) / average(H(X), H(Y)) [1]_. It is 0 for independent variables and 1 for
    variables that determine each other. With "min" it is 1 already where one determines the other.

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
        A number without unit, from 0 to 1 with plug-in entropies. By convention it is 1 where both
        variables are constant, and 0 where only the average is 0.

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

    VI(X,Y) = H(X|Y) + H(Y|X) [1]_. It is a metric on partitions, and 0 where the variables
    determine each other.

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
    """The value of a formula of counts, in nats, without a warning of saturation."""
    options = Options(None, None, "ml", "raise", None, None, None)
    return _measure(formula, (counts, *[None] * (counts.n_variables - 1)), options)


def _measure(
    formula: Formula,
    variables: Sequence[Any],
    options: Options,
    tell: Callable[..., None] | None = None,
) -> float:
    """The value of a formula of the entropies of the variables' joint table, in units of the base.

    ``tell`` warns where the counts are mostly chance: it gets the counts and their entropies.
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
                # A corrected value is mostly chance where the plug-in value is.
                entropy = entropy_by("ml")
            tell(counts, entropy, options.unit)
        return float(value / options.unit)
