"""A test of independence: whether variables share more than chance gives."""

from __future__ import annotations

import math
from dataclasses import dataclass

from fastinfo import formulas
from fastinfo.accumulators.joint_counts import JointCounts
from fastinfo.inputs import arguments
from fastinfo.inputs.options import Options
from fastinfo.inputs.random_state import RandomState, seed_of
from fastinfo.inputs.types import BackendName, Bins, NanPolicy, NullMethod, Samples
from fastinfo.measures import nulls
from fastinfo.measures.apply import value_of
from fastinfo.measures.strata import require_strata, strata_of
from fastinfo.significance.tables import counted

METHODS = ("auto", *nulls.NULLS)


@dataclass(frozen=True)
class IndependenceTest:
    """What `fastinfo.test_independence` found."""

    statistic: float
    """The plug-in information I(X;Y), or I(X;Y|Z), in nats or in units of ``base``."""
    pvalue: float
    """The probability that independent variables with the same margins share at least as much."""
    null_mean: float
    """The mean of the statistic under independence, by the method that was used."""
    null_standard_deviation: float
    """Its standard deviation, by the same method."""
    degrees_of_freedom: int
    """(K_x − 1)(K_y − 1) for the bins that hold samples, summed over the strata."""
    n_samples: int
    """The number of samples in which no variable is missing."""
    method: str
    """The method that was used: "chi2", "gamma", "exact" or "permutation"."""
    n_resamples: int | None
    """The number of random tables; None for the other methods."""


def test_independence(
    x: Samples | JointCounts,
    y: Samples | None = None,
    given: Samples | None = None,
    *,
    method: NullMethod = "auto",
    n_resamples: int = 9999,
    random_state: RandomState = None,
    bins: Bins = None,
    base: float | None = None,
    nan_policy: NanPolicy = "raise",
    backend: BackendName | None = None,
    n_jobs: int | None = None,
) -> IndependenceTest:
    """Test whether two variables are independent, or independent given a third.

    The statistic is the plug-in mutual information. The test is conditional on the margins: it asks
    how much X and Y share where their samples are paired at random, within each stratum of
    ``given``. It is one-sided, since dependence makes information larger.

    Parameters
    ----------
    x : array-like of shape (n,) or (n, d), or JointCounts of (x, y) or of (x, y, given)
        Samples of one variable; as for `fastinfo.mutual_information`. There are no weights: chance
        depends on the number of samples.
    y : array-like of shape (n,) or (n, d)
        Samples of the other variable.
    given : array-like of shape (n,) or (n, d), optional
        Samples of a third variable, whose bins are the strata. Its bins count as they are: what X
        and Y share within a wide bin, because both follow the third variable there, is dependence.
    method : {"auto", "chi2", "gamma", "exact", "permutation"}
        The distribution of the statistic under independence.

        ``"chi2"``: the G-test. 2·n·I in nats follows χ² [1]_ with `degrees_of_freedom`, divided by
        Williams' correction [2]_. It is valid where no expected count is small.

        ``"gamma"``: a gamma distribution with the exact mean and variance. It is close wherever
        information can take many values.

        ``"exact"``: all tables of 2 × 2 with the same margins, as Fisher's test, but in the order
        of their information. It is valid for one degree of freedom.

        ``"permutation"``: random tables with the same margins. It is valid for every table, and its
        p-value is at least 1/(1 + ``n_resamples``) [3]_.

        ``"auto"``: ``"chi2"`` if the expected count of every cell is at least 5 + √f for f degrees
        of freedom, or 100 for one degree. Otherwise ``"exact"`` for one degree, ``"permutation"``
        if f is at most 30 or if fewer than 100 samples are outside of the largest bin of either
        variable, and ``"gamma"`` for all others.
    n_resamples : int
        The number of random tables of ``"permutation"``.
    random_state : None, int or numpy.random.Generator
        Where the random numbers of ``"permutation"`` come from: a seed of at least 0, a generator
        that gives one, or None for others in each call. With one seed and one backend the result
        is the same for any number of threads.
    bins, base, nan_policy, backend, n_jobs
        As for `fastinfo.mutual_information`. The test is one of the binned variables: dependence
        within the bins is not seen, and no p-value is too small because of the bins. Under
        ``nan_policy="propagate"``, a missing sample makes all numbers NaN.

    Returns
    -------
    IndependenceTest
        With ``statistic``, ``pvalue``, ``null_mean``, ``null_standard_deviation``,
        ``degrees_of_freedom``, ``n_samples``, ``method`` and ``n_resamples``.

    Raises
    ------
    ValueError, TypeError
        As `fastinfo.mutual_information`; also for JointCounts of weights, a ``given`` that is
        constant or has at least as many strata as samples, ``n_resamples`` below 1, a
        ``random_state`` of another kind, and ``"exact"`` for more than one degree of freedom.
    ImportError
        For ``"chi2"`` and ``"gamma"`` without scipy.

    See Also
    --------
    fastinfo.mutual_information : The statistic by itself, with corrected estimates.
    fastinfo.confidence_interval : How uncertain the value is.

    Notes
    -----
    Samples must be independent of each other. Those of a time series are not, and have p-values
    that are far too small.

    References
    ----------
    .. [1] R. R. Sokal and F. J. Rohlf, *Biometry*, 4th ed., Freeman 2012, chapter 17.
    .. [2] D. A. Williams, "Improved likelihood ratio tests for complete contingency tables",
       Biometrika 63, 1976.
    .. [3] B. Phipson and G. K. Smyth, "Permutation p-values should never be zero", Statistical
       Applications in Genetics and Molecular Biology 9, 2010.

    Examples
    --------
    >>> import fastinfo
    >>> table = fastinfo.JointCounts.from_table([[400, 340], [300, 360]])
    >>> found = fastinfo.test_independence(table)
    >>> found.method, found.degrees_of_freedom, round(found.pvalue, 6)
    ('chi2', 1, 0.001315)

    Of few samples, all tables are gone through, or random ones.

    >>> found = fastinfo.test_independence([0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 1])
    >>> found.method, round(found.pvalue, 6)
    ('exact', 0.1)
    >>> x, y = [0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 2]
    >>> found = fastinfo.test_independence(x, y, random_state=0)
    >>> found.method, round(found.pvalue, 1)
    ('permutation', 0.1)
    """
    method = arguments.one_of(method, "method", METHODS)
    n_resamples = arguments.positive_integer(n_resamples, "n_resamples")
    seed = seed_of(random_state)
    options = Options(bins, base, "ml", nan_policy, None, backend, n_jobs)
    is_conditional = given is not None or (isinstance(x, JointCounts) and x.n_variables == 3)
    variables, names = ((x, y, given), NAMES) if is_conditional else ((x, y), NAMES[:2])
    counts, kernels = counted(variables, options, "test_independence", names)
    if counts.is_unknown:
        return _unknown(counts, method)
    strata = strata_of(counts)
    if is_conditional:
        require_strata("given", len(strata), int(counts.n_samples), counts._bins[2])
        formula = formulas.conditional_mutual_information
    else:
        formula = formulas.mutual_information
    measured = nulls.Measured(
        value_of(formula, counts),
        strata,
        counts.marginal(*range(counts.n_variables)),
        kernels,
        n_resamples,
        seed,
        options.n_jobs,
    )
    chosen = nulls.choose(measured) if method == "auto" else method
    if measured.degrees_of_freedom:
        null = nulls.NULLS[chosen](measured)
    else:
        null = nulls.Null(measured.information, 0.0, 1.0)  # the samples can be paired in one way
    return IndependenceTest(
        measured.information / options.unit,
        null.pvalue,
        null.mean / options.unit,
        null.standard_deviation / options.unit,
        measured.degrees_of_freedom,
        measured.n_samples,
        chosen,
        n_resamples if chosen == "permutation" else None,
    )


NAMES = ("x", "y", "given")

# pytest would take the function for a test in files that import it by its name.
test_independence.__test__ = False  # type: ignore[attr-defined]


def _unknown(counts: JointCounts, method: str) -> IndependenceTest:
    """The result for samples that are missing, under ``nan_policy="propagate"``."""
    nan = math.nan
    return IndependenceTest(nan, nan, nan, nan, 0, int(counts.n_samples), method, None)
