"""The contract of a backend: the kernels that every measure is built from.

A backend is a class that satisfies `Kernels`; its arrays live at a `Home`. A backend must write
nine kernels. `fastinfo.backends.generic.GenericKernels` derives the others from these nine, until
the backend replaces them by faster ones. The NumPy backend is the reference and is written to be
read. Every other backend must return equal codes, equal counts and sums that agree to rounding.
Kernels validate nothing: `fastinfo.inputs.arguments` checks every value before it comes here.

Words used throughout:

codes
    One variable's samples as bin numbers, a one-dimensional array of uint8, uint16 or uint32.
n_bins
    The number of bins B of a variable. Codes 0 … B−1 are its bins; code B marks a missing sample.
    Counting gives missing samples a spare last row or column and drops it at the end, so that no
    kernel has a branch for them.
missing
    Said of a sample that has no bin.
out
    An array that codes are written to. It has the length and the dtype of the codes that a call
    without it returns.
counts
    The number of samples in each cell, int64; the sum of their weights, float64, where samples
    carry weights.
soft counts
    float64: what bins get when each sample is spread over several bins, differentiably
    (`fastinfo.backends.soft`).
rows
    Many variables at once, ``(m, n)``: each row holds the samples of one variable, contiguous. A
    kernel of rows returns for each row what the kernel of one variable returns.
place
    The host or a device: where an array is stored.
home
    A place and how to work there: the array namespace, copies to and fro, a stream of the device.
position
    An index: of a column, a bin, a feature or a tile.
stratum
    One part of the samples of a job over all pairs; each part is measured by itself.
pack
    The codes of many features in the layout that a backend counts pairs from.
tile
    A rectangle of pairs: some features of one pack with some features of another, or of the same.
term
    The function f of a count that an entropy sums over cells (`fastinfo.backends.terms`).
reduction
    A term with its tables in fixed point: how counts are reduced to sums.
sums
    What a reduction makes of the counts of the pairs of a tile (`fastinfo.backends.pair_sums`).
plane
    A named number that a measure gives each pair (`fastinfo.pairs.measure`).
range, block, chunk, span
    A range is a thread's share of the samples. A block is as many samples as fit a cache. A chunk
    is as many rows of bits as fit the second-level cache. A span is as many samples as may be
    counted in 32 bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple, Protocol, runtime_checkable

from fastinfo.backends.pair_sums import PairSums
from fastinfo.backends.soft import SoftKernels
from fastinfo.backends.terms import Reduction

Array = Any
"""An array of the backend's own library: `numpy.ndarray` or `cupy.ndarray`."""

EXACT_IN_FLOATS = 1 << 53
"""The integer up to which float64 holds every integer exactly."""

CODE_DTYPES = ("uint8", "uint16", "uint32")
"""The dtypes of codes, the smallest first."""


def code_dtype(largest_code: int) -> str:
    """The smallest dtype of codes that holds ``largest_code``."""
    for name, bits in zip(CODE_DTYPES, (8, 16, 32), strict=True):
        if largest_code < 1 << bits:
            return name
    raise OverflowError(f"code {largest_code} does not fit 32 bits")


class Summary(NamedTuple):
    """What one pass over the samples of a variable finds."""

    low: float
    """The smallest value that is not NaN; NaN if all are. An int for integer samples."""
    high: float
    """The largest value that is not NaN; NaN if all are. An int for integer samples."""
    n_missing: int
    """The number of samples that are NaN."""


class RowSummary(NamedTuple):
    """A `Summary` of each row, in NumPy arrays ``(m,)``."""

    low: Array
    high: Array
    n_missing: Array


class Uncoded(NamedTuple):
    """Samples of a variable instead of its codes, for kernels that code while they count.

    The samples are floating-point numbers with the ``edges`` of their bins, or integers in
    ``low … low + B − 1``, each of which is a bin.
    """

    values: Array
    edges: Any = None
    """As for `Kernels.encode_edges`; None for integers."""
    is_uniform: bool = False
    """Whether the edges are `numpy.linspace` of the outer two, as for `Kernels.encode_uniform`."""
    low: int = 0
    is_guess: bool = False
    """Whether some integers may lie beyond the last bin; these are missing then. Only for uint8
    samples with ``low`` 0: their number of bins can be guessed before all of them were seen."""


class OnHost:
    """An array that stays on the host; a range of it is brought to the device when asked for."""

    def __init__(self, array: Any, bring: Callable[[Any], Array], samples: int) -> None:
        self.array = array
        self._bring = bring
        self._samples = samples
        self.dtype, self.size = array.dtype, array.size

    def __getitem__(self, samples: slice) -> Array:
        """A range of samples, as an array of the device."""
        return self._bring(self.array[samples])

    def ranges(self) -> Iterator[Array]:
        """All samples, in ranges that fit the memory of the device."""
        for start in range(0, self.size, self._samples):
            yield self[start : start + self._samples]

    def view(self, dtype: str) -> OnHost:
        """The same bytes seen as another dtype."""
        return OnHost(self.array.view(dtype), self._bring, self._samples)


class Place(NamedTuple):
    """Where an array is stored: the host or a device."""

    backend: str | None
    """The name of the backend that works there; None for the host, where several do."""
    told: str
    """Its name in messages."""

    def __str__(self) -> str:
        return self.told


class Home(Protocol):
    """Where arrays are stored and how they get there: the host, or a device and a stream of it.

    `fastinfo.backends.home.HOMES` names the class of homes for the arrays of each library. Its `of`
    returns the home of such an array.
    """

    is_host: bool
    """Whether arrays are NumPy's, or arrays on the host that NumPy reads as its own."""

    @property
    def place(self) -> Place:
        """The host or the device. Two homes that differ by their streams alone have one place."""
        ...

    @property
    def samples_at_once(self) -> int | None:
        """The number of samples to pass to a kernel at once, where the caller may choose.

        None for as many as suit a processor's caches.
        """
        ...

    @property
    def xp(self) -> Any:
        """The array namespace."""
        ...

    @classmethod
    def of(cls, array: Any) -> Home:
        """The home of an array of one of its libraries, with the stream that computes the array."""
        ...

    def current(self) -> AbstractContextManager[Any]:
        """The context in which a thread makes arrays here and computes with them."""
        ...

    def bring(self, array: Any) -> Array:
        """An array of this home with the values of any other array."""
        ...

    def for_samples(self, arrays: Sequence[Any]) -> Home:
        """The home for a call with such samples, masks and weights, all of one length.

        This home, if its memory can hold the arrays. Otherwise a home that leaves some of them on
        the host (`bring_or_stream`) and whose ``samples_at_once`` are as many as fit.
        """
        ...

    def bring_or_stream(self, array: Any) -> Array | OnHost:
        """As `bring`, for an array that the kernels may also read range by range."""
        ...

    def to_host(self, array: Array) -> Any:
        """A NumPy array with the values of an array of this home; no copy if it is one already."""
        ...

    def other_devices(self) -> Sequence[Home]:
        """The other devices that may take a share of the work on samples of the host."""
        ...


class TileShape(NamedTuple):
    """The size of the tiles of pairs that suit the kernels of a backend."""

    side: int | None
    """The most features on a side of a square tile. Kernels that name it count a pair once where a
    tile holds it in both orders. None for strips of pairs that suit a processor's caches."""
    samples: int
    """The most samples of all pairs of a tile together. It bounds the time of a tile, and thus the
    time until Ctrl-C takes effect."""


@runtime_checkable
class Kernels(SoftKernels, Protocol):
    """The kernels of one backend. They are serial: threads call them on ranges and on tiles.

    Each backend writes nine: `summarize`, `order_statistics`, `encode_integers`, `encode_edges`,
    `count_joint`, `pack`, `count_pairs`, `sum_xlogx` and `sum_xlogy`.
    """

    name: str
    tile_shape: TileShape
    """The size of the tiles of pairs that suit these kernels."""
    most_threads: int | None
    """The most threads that gain by calling kernels at a time; None for as many as cores."""
    codes_while_counting: bool
    """Whether `count_joint` takes `Uncoded` samples too, and is faster with them."""

    @classmethod
    def describe(cls) -> str:
        """The library with its version, and what it runs on, as text for people.

        Raises
        ------
        ImportError
            If there is nothing to run on; the message says why and how to go on.
        """
        ...

    @property
    def home(self) -> Home:
        """The home of the arrays that the kernels take and return."""
        ...

    @property
    def xp(self) -> Any:
        """The array namespace of the home."""
        ...

    @property
    def samples_at_once(self) -> int | None:
        """As `Home.samples_at_once`."""
        ...

    def other_devices(self) -> Sequence[Kernels]:
        """The same kernels at each of `Home.other_devices`."""
        ...

    def current(self) -> AbstractContextManager[Any]:
        """As `Home.current`. Kernels enter it by themselves; callers need it for other arrays."""
        ...

    def bring(self, array: Any) -> Array:
        """As `Home.bring`."""
        ...

    def for_samples(self, arrays: Sequence[Any]) -> Kernels:
        """The same kernels at `Home.for_samples` of these arrays."""
        ...

    def bring_or_stream(self, array: Any) -> Array | OnHost:
        """As `Home.bring_or_stream`."""
        ...

    def to_host(self, array: Array) -> Any:
        """As `Home.to_host`."""
        ...

    def summarize(self, values: Array | OnHost) -> Summary:
        """The smallest and the largest value of numbers ``(n,)``, and the number of NaN."""
        ...

    def order_statistics(
        self, values: Array, summary: Summary, ranks: Array, most: int
    ) -> tuple[Array, bool] | None:
        """The samples at increasing ``ranks`` among those that are not NaN; rank 0 is the smallest.

        ``summary`` is what `summarize` returned for the values. Ranks and samples are NumPy arrays,
        the samples float64, since edges belong to the host. The second result says whether one of
        these samples occurs more than ``most`` times; it may also be True because another value
        does. None means that `sort` is as fast.
        """
        ...

    def sort(self, values: Array, summary: Summary) -> Array:
        """The samples that are not NaN, in increasing order."""
        ...

    def quantile_edges(self, ordered: Array, n_bins: int) -> Array:
        """The edges of at most ``n_bins`` bins of equal frequency, a float64 NumPy array.

        ``ordered`` are sorted samples without NaN. `fastinfo.backends.quantiles` states the rule.
        """
        ...

    def encode_integers(
        self, values: Array, low: int, n_bins: int, out: Array | None = None
    ) -> Array:
        """Integers in ``low … low + n_bins − 1`` → codes ``value − low``.

        On the host other integers become missing, if the dtype of the codes holds that code.
        """
        ...

    def look_up(self, positions: Array, table: Array) -> Array:
        """Unsigned or non-negative integers below ``table.size`` → ``table[positions]``."""
        ...

    def encode_uniform(
        self, values: Array, low: float, high: float, n_bins: int, out: Array | None = None
    ) -> Array:
        """Samples → codes of ``n_bins`` equal bins: ``encode_edges`` of ``numpy.linspace``."""
        ...

    def encode_edges(self, values: Array, edges: Array, out: Array | None = None) -> Array:
        """Samples → codes by increasing float64 ``edges``, a NumPy array, by NumPy's convention.

        Bin i is [edges[i], edges[i+1]); the last bin is closed. NaN and values outside of the edges
        are missing.
        """
        ...

    def summarize_rows(self, values: Array) -> RowSummary:
        """`summarize` of every row."""
        ...

    def order_statistics_rows(
        self, values: Array, summary: RowSummary, ranks: Array, most: Array
    ) -> tuple[Array, Array]:
        """`order_statistics` of every row: ranks and samples are NumPy arrays ``(m, k)``.

        ``most`` and the second result are NumPy arrays ``(m,)``. Where `order_statistics` returns
        None, the row is NaN and the second result True.
        """
        ...

    def encode_quantile_rows(self, values: Array, n_bins: int) -> tuple[Array, Array] | None:
        """Codes of rows of floats by bins of equal frequency; None from kernels that gain nothing.

        The codes are those by the edges of `fastinfo.backends.quantiles`, in the dtype for
        ``n_bins``. The second result, a NumPy array ``(m,)``, says which rows have them. Those with
        missing, infinite or frequent values may have none, and those that have to be sorted.
        """
        ...

    def encode_integer_rows(self, values: Array, low: Array) -> Array:
        """`encode_integers` of every row; row i lies in ``low[i] … low[i] + 255``."""
        ...

    def encode_float_rows(
        self, values: Array, edges: Array, n_bins: Array, uniform: bool = False
    ) -> Array:
        """`encode_edges` of every row, by edges ``(m, k)``; codes in the dtype of the most bins.

        Row i has the first ``n_bins[i] + 1`` edges; a row without a bin has none. ``uniform`` says
        that the edges of every row are those of ``numpy.linspace``.
        """
        ...

    def count_joint(
        self,
        codes: Sequence[Array | Uncoded],
        n_bins: Sequence[int],
        weights: Array | None = None,
    ) -> Array:
        """Codes of d variables → dense counts of shape ``n_bins``, incomplete samples left out.

        There are fewer than 2³² samples, so that cells may be counted in 32 bits. Where
        ``codes_while_counting`` is True, samples (`Uncoded`) may be passed instead of codes.
        """
        ...

    def pack(
        self,
        codes: Sequence[Array] | Array,
        n_bins: Sequence[int],
        weights: Array | None = None,
        memory_limit: int | None = None,
        reduction: Reduction | None = None,
    ) -> Any:
        """The pack of m features: their codes in the layout that tiles are counted from.

        Codes come as rows ``(m, n)``, or as one array a feature where their dtypes differ. What the
        pack holds beside a copy of the codes takes at most ``memory_limit`` bytes. The pack keeps
        the ``reduction`` that `pair_sums` uses; None stands for that of c·log c over its samples.
        """
        ...

    def count_pairs(self, left: Any, lefts: slice, right: Any, rights: slice) -> Array:
        """Counts of every pair of a tile, shape ``(n_left, n_right, B_left, B_right)``.

        ``left`` and ``right`` are packs of the same samples, or one pack twice; ``lefts`` and
        ``rights`` are slices of their features. ``B_left`` and ``B_right`` are the largest numbers
        of bins in these slices; cells beyond the bins of a feature are 0. A sample in which either
        feature is missing is left out.
        """
        ...

    def add_pairs(self, counts: Array, left: Any, lefts: slice, right: Any, rights: slice) -> None:
        """Add what `count_pairs` returns to a contiguous int64 array of the host, of its shape."""
        ...

    def pair_sums(self, left: Any, lefts: slice, right: Any, rights: slice) -> PairSums:
        """The sums of the counts of every pair of a tile.

        The counts themselves need not be stored. Both packs have the same reduction.
        """
        ...

    def combine(
        self, sums: PairSums, coefficients: tuple[float, float, float], low: float
    ) -> Array:
        """a·H(X) + b·H(Y) + c·H(X,Y) of every pair, in nats; NaN where it has no sample.

        ``coefficients`` are a, b and c. A value below ``low`` is rounding and becomes ``low``; a
        ``low`` of −inf leaves every value.
        """
        ...

    def write_tile(
        self, values: Array, rows: Any, columns: Any, out: Any, is_symmetric: bool
    ) -> None:
        """Write values ``(n_left, n_right)`` to the cells of rows and columns of a matrix.

        ``rows`` and ``columns`` are int64 NumPy arrays. A symmetric matrix gets each value in cell
        (i, j) and in cell (j, i). Where rows and columns begin with the same position, a pair comes
        twice, its entropies added in two orders; values with i > j are then not used.
        """
        ...

    def sum_xlogx(self, counts: Array) -> Array:
        """Σ c·log c over the last axis, in float64, with 0·log 0 = 0."""
        ...

    def sum_xlogy(self, p: Array, q: Array) -> Array:
        """Σ p·log q over the last axis, in float64. p = 0 adds 0; q = 0 < p makes it −inf."""
        ...

    def compile_time(self) -> AbstractContextManager[Callable[[], float]]:
        """A context that gives a function: the seconds spent within on compiling kernels."""
        ...

    def expected_cells(self, left: Array, right: Array, n_samples: int) -> Array:
        """E[c/n·log(c·n/(a·b))] of the count c of a cell, in nats; float64 ``(k, l)``, NumPy's.

        ``left`` ``(k,)`` and ``right`` ``(l,)`` are int64 NumPy arrays of margins a and b, from 1
        to n = ``n_samples``. The count is hypergeometric: b samples are drawn from n, a of which
        are marked, and c of those drawn are marked.
        """
        ...

    def chance_coefficients(self, left: Array, right: Array, n_samples: int) -> Array:
        """c·log(c/μ) − (c − μ) of the count c of a cell in orthonormal polynomials of c.

        Arguments as for `expected_cells`; μ = a·b/n. The result is float64 ``(orders, k, l)``,
        NumPy's. Coefficient 0 is the mean of the term. The squares of the others, which are 0 from
        some order on, add up to its variance.
        """
        ...

    def random_tables(self, left: Array, right: Array, seed: int, first: int, n: int) -> Array:
        """``n`` tables with the margins ``left`` and ``right``: int64 ``(n, k, l)``, NumPy's.

        Each way to pair the samples is equally likely. ``left`` ``(k,)`` and ``right`` ``(l,)`` are
        int64 NumPy arrays with one sum, below 2⁵³, without zeros. Table i depends on the margins,
        on ``seed`` (below 2⁶⁴) and on the number ``first + i`` alone, not on tables that were made
        before it. Each backend makes other tables of one seed.
        """
        ...

    def random_table_sums(self, left: Array, right: Array, seed: int, first: int, n: int) -> Array:
        """Σ c·log c of each of `random_tables`, float64 ``(n,)``; the tables are not stored."""
        ...
