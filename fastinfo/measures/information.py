"""How much samples of one variable tell about another: information of one joint table."""

from __future__ import annotations

from fastinfo import formulas
from fastinfo.accumulators.joint_counts import JointCounts
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
from fastinfo.measures import saturation
from fastinfo.measures.apply import apply


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
        polars or Arrow columns and tables, sparse matrices, CuPy arrays, torch tensors, and Dask
        arrays, Series and DataFrames, which are counted partition by partition. Each value of
        integers, booleans, strings and categoricals is a category. Floating-point samples are
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
    estimator : str
        How entropies are estimated from counts. ``"ml"``, the plug-in estimate, is never negative
        here, and too large by about (K_xy − K_x − K_y + 1)/(2n) on average, where K is a number of
        occupied cells. The others correct for the number of samples, and may be negative:
        ``"miller_madow"``, which subtracts this bias, ``"grassberger"`` (2003), ``"jackknife"``,
        ``"chao_shen"``, ``"panzeri_treves"`` (1996; about x where y is known, so that it is not
        symmetric), ``"shrinkage"`` (James–Stein), ``"nsb"`` (Nemenman, Shafee & Bialek; needs
        scipy), and Dirichlet priors: ``"laplace"``, ``"jeffreys"``, ``"perks"``, ``"minimax"``,
        ``"dirichlet:0.5"``. Those from ``"panzeri_treves"`` on depend on how many values are
        possible: bins with edges, and categories that occur, unless a number follows. With
        ``"nsb:20"`` each variable has 20 possible values, with ``"nsb:4x20"`` x has 4 and y has 20.
        The page ``docs/estimators.md`` measures them, and tells which to use when.
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
        Number of threads; all cores (−1) by default, and one in a task of Dask, of joblib or of a
        pool of processes, where other tasks run beside it.

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
    ImportError
        For an estimator or a backend whose library is not installed.

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

    Examples
    --------
    >>> import fastinfo
    >>> fastinfo.mutual_information([0, 0, 1, 1], ["a", "a", "b", "b"], base=2)
    1.0
    >>> fastinfo.mutual_information([0, 1, 0, 1], ["a", "a", "b", "b"])
    0.0
    """
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    return apply(formulas.mutual_information, (x, y), options, saturation.tell)


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
    return apply(formula, (x, y, given), options, saturation.tell)


def interaction_information(
    x: Samples | JointCounts,
    y: Samples | None = None,
    z: Samples | None = None,
    *,
    bins: Bins = None,
    base: float | None = None,
    estimator: EstimatorName = "ml",
    nan_policy: NanPolicy = "raise",
    sample_weight: Weights | None = None,
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> float:
    """Interaction information I(X;Y;Z): what three variables share, or only have together.

    I(X;Y;Z) = I(X;Y|Z) − I(X;Y) [1]_, which is the same for any order of the three. It is positive
    where two of them tell more about the third together than each by itself (synergy), and negative
    where they tell the same (redundancy). Some authors give it the other sign, as co-information.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts of (x, y, z)
        Samples of X.
    y, z : array-like of shape (n,) or (n, d)
        Samples of Y and of Z.
    bins, base, estimator, nan_policy, sample_weight, backend, n_jobs
        As for `mutual_information`.

    Returns
    -------
    float
        Interaction information in nats, or in units of ``base``; it may be negative.

    Raises
    ------
    ValueError, TypeError
        As `mutual_information`.

    Warns
    -----
    SaturationWarning
        As `mutual_information`, where I(X;Y|Z) is mostly chance.

    References
    ----------
    .. [1] W. J. McGill, "Multivariate information transmission", Psychometrika 19, 1954.

    Examples
    --------
    Two coins, and whether they fell alike.

    >>> import fastinfo
    >>> x, y, alike = [0, 0, 1, 1], [0, 1, 0, 1], [True, False, False, True]
    >>> round(fastinfo.interaction_information(x, y, alike, base=2), 6)
    1.0
    >>> round(fastinfo.interaction_information(x, x, x, base=2), 6)
    -1.0
    """
    options = Options(bins, base, estimator, nan_policy, sample_weight, backend, n_jobs)
    return apply(formulas.interaction_information, (x, y, z), options, saturation.tell)


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
        variables are constant, and 0 where only the average is 0. Corrected estimates may lie below
        0 or above 1. The sign of a constant is an entropy of exactly 0, which estimators that hold
        other values for possible do not give it; the share is then that of the formula.

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
    return apply(formula, (x, y), options, saturation.tell)


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
    return apply(formulas.variation_of_information, (x, y), options)
