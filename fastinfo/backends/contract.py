"""The contract of a backend: the kernels that every measure is built from.

A backend is a class that satisfies `Kernels`, at a `Home` of its arrays. Nine of its kernels it
writes itself, the others `fastinfo.backends.generic.GenericKernels` makes of these, until it has
faster ones. The NumPy backend is the reference and is written to be read; every other one must
return equal codes, equal counts and sums that agree to rounding. Kernels validate nothing:
`fastinfo.inputs.arguments` has seen every value before it comes here.

Words used throughout:

codes
    One variable's samples as bin numbers, a one-dimensional array of uint8, uint16 or uint32.
n_bins
    The number of bins B of a variable. Codes 0 … B−1 are its bins and code B says that the sample
    is missing. Counting gives missing samples a spare last row or column and drops it at the end,
    so that no kernel has a branch for them.
out
    Codes to write to, of the same length and dtype as those that a call without it returns.
counts
    int64, or float64 where samples carry weights.
rows
    Many variables at once, ``(m, n)``: each row has the samples of one, contiguous. What backends
    say of rows is what they say of each by itself.
soft counts
    float64: what bins get when each sample is spread over several of them, differentiably
    (`fastinfo.backends.soft`).
place
    Where an array is: the host, or a device.
home
    A place with the way there: the array namespace, copies, and a stream of the device.
position
    An index: of a column, a bin, a feature or a tile among its like.
missing
    A sample without a bin.
range, block, chunk, span
    A range is a thread's share of the samples, a block what fits a cache, a chunk the rows of bits
    that fit the second-level cache, a span the samples that may be counted in 32 bits.
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
"""Up to here float64 tells each integer from its neighbours."""

CODE_DTYPES = ("uint8", "uint16", "uint32")
"""What codes may be stored in, smallest first."""


def code_dtype(largest_code: int) -> str:
    """The smallest dtype of codes that holds ``largest_code``."""
    for name, bits in zip(CODE_DTYPES, (8, 16, 32), strict=True):
        if largest_code < 1 << bits:
            return name
    raise OverflowError(f"code {largest_code} does not fit 32 bits")


class Summary(NamedTuple):
    """What one pass over the samples of a variable tells about them."""

    low: float
    """The smallest value that is not NaN, an int of integers; NaN where there is none."""
    high: float
    """The largest value that is not NaN, an int of integers; NaN where there is none."""
    n_missing: int
    """How many samples are NaN."""


class RowSummary(NamedTuple):
    """A `Summary` of each row, in NumPy arrays ``(m,)``."""

    low: Array
    high: Array
    n_missing: Array


class Uncoded(NamedTuple):
    """Samples of a variable in place of its codes, for kernels that code while they count.

    Either floating-point samples with the ``edges`` of their bins, or integers in ``low … low + B −
    1``, each B a bin.
    """

    values: Array
    edges: Any = None
    """As for `Kernels.encode_edges`, or None of integers."""
    is_uniform: bool = False
    """Whether the edges are `numpy.linspace` of the outer two, as for `Kernels.encode_uniform`."""
    low: int = 0
    is_guess: bool = False
    """Whether there may be integers beyond the last bin, which are missing then: of bytes from 0
    on, so that the number of bins can be guessed before all of them were seen."""


class OnHost:
    """An array that stays on the host, and of which a range is brought when it is asked for."""

    def __init__(self, array: Any, bring: Callable[[Any], Array], samples: int) -> None:
        self.array = array
        self._bring = bring
        self._samples = samples
        self.dtype, self.size = array.dtype, array.size

    def __getitem__(self, samples: slice) -> Array:
        """A range of samples, where the kernels work."""
        return self._bring(self.array[samples])

    def ranges(self) -> Iterator[Array]:
        """All samples, as many at a time as suit the memory."""
        for start in range(0, self.size, self._samples):
            yield self[start : start + self._samples]

    def view(self, dtype: str) -> OnHost:
        """The same bytes as another type."""
        return OnHost(self.array.view(dtype), self._bring, self._samples)


class Place(NamedTuple):
    """Where an array is."""

    backend: str | None
    """Whose kernels work there; None for the host, where several do."""
    told: str
    """What people call it."""

    def __str__(self) -> str:
        return self.told


class Home(Protocol):
    """Where arrays are and how they get there: the host, or a device and a stream of it.

    A class of homes answers `of` for the arrays of some libraries, by which
    `fastinfo.backends.home.HOMES` names it.
    """

    is_host: bool
    """Whether arrays are NumPy's, or others of the host that pass for these."""

    @property
    def place(self) -> Place:
        """What two homes share that differ by their streams alone."""
        ...

    @property
    def samples_at_once(self) -> int | None:
        """How many samples kernels had better get where there is a choice.

        None for as many as suit a processor's caches.
        """
        ...

    @property
    def xp(self) -> Any:
        """The array namespace."""
        ...

    @classmethod
    def of(cls, array: Any) -> Home:
        """The home of an array of one of its libraries, on the stream where that is computed."""
        ...

    def current(self) -> AbstractContextManager[Any]:
        """Where a thread has to be to make arrays here, and to compute with them."""
        ...

    def bring(self, array: Any) -> Array:
        """An array from wherever it is."""
        ...

    def for_samples(self, arrays: Sequence[Any]) -> Home:
        """The home for a call with such samples, masks and weights, all of one length.

        Itself, or where the arrays do not fit its memory, one that leaves some of them on the host
        (`bring_or_stream`), and whose ``samples_at_once`` are as many as fit.
        """
        ...

    def bring_or_stream(self, array: Any) -> Array | OnHost:
        """As `bring`, for an array of which ranges are enough."""
        ...

    def to_host(self, array: Array) -> Any:
        """A NumPy array of an array that is here; itself where it is one."""
        ...

    def other_devices(self) -> Sequence[Home]:
        """Other devices, which may take a share of the work on samples of the host."""
        ...


class TileShape(NamedTuple):
    """Tiles of pairs that suit the kernels of a backend."""

    side: int | None
    """Features on either side of a square, at most, for kernels that count a pair once that a tile
    has both ways round. None for strips that suit a processor's caches."""
    samples: int
    """Samples of all pairs together, at most: how long a tile takes, and Ctrl-C may wait."""


@runtime_checkable
class Kernels(SoftKernels, Protocol):
    """The kernels of one backend. They are serial: threads call them on ranges and on tiles.

    Nine each backend writes: `summarize`, `order_statistics`, `encode_integers`, `encode_edges`,
    `count_joint`, `pack`, `count_pairs`, `sum_xlogx` and `sum_xlogy`.
    """

    name: str
    tile_shape: TileShape
    """The tiles of pairs that suit them."""
    most_threads: int | None
    """How many threads call them at a time to any profit; None for as many as there are cores."""
    codes_while_counting: bool
    """Whether `count_joint` takes `Uncoded` samples too, and is faster with them."""

    @classmethod
    def describe(cls) -> str:
        """The library with its version, and what it runs on, for people.

        Raises
        ------
        ImportError
            Where there is nothing to run on, with the reason and how to go on.
        """
        ...

    @property
    def home(self) -> Home:
        """Where they take and return arrays."""
        ...

    @property
    def xp(self) -> Any:
        """The array namespace of their home."""
        ...

    @property
    def samples_at_once(self) -> int | None:
        """As their home has it."""
        ...

    def other_devices(self) -> Sequence[Kernels]:
        """The same on `Home.other_devices`."""
        ...

    def current(self) -> AbstractContextManager[Any]:
        """`Home.current`; their own methods see to that themselves."""
        ...

    def bring(self, array: Any) -> Array:
        """As `Home.bring`."""
        ...

    def for_samples(self, arrays: Sequence[Any]) -> Kernels:
        """The same at the home `Home.for_samples`."""
        ...

    def bring_or_stream(self, array: Any) -> Array | OnHost:
        """As `Home.bring_or_stream`."""
        ...

    def to_host(self, array: Array) -> Any:
        """As `Home.to_host`."""
        ...

    def summarize(self, values: Array | OnHost) -> Summary:
        """Smallest and largest value and the number of NaN of numbers ``(n,)``."""
        ...

    def order_statistics(
        self, values: Array, summary: Summary, ranks: Array, most: int
    ) -> tuple[Array, bool] | None:
        """The samples at some increasing ``ranks`` of those that are not NaN, 0 the smallest.

        ``summary`` is what `summarize` said of the values. Ranks and samples are NumPy arrays, the
        samples float64: edges belong to the host. Beside them, whether one of them occurs more than
        ``most`` times; other values may be meant too. None where nothing is faster than to `sort`.
        """
        ...

    def sort(self, values: Array, summary: Summary) -> Array:
        """The samples that are not NaN, the smallest first."""
        ...

    def quantile_edges(self, ordered: Array, n_bins: int) -> Array:
        """Edges of at most ``n_bins`` bins of equal frequency of sorted samples; float64, NumPy's.

        The rule, and what the edges are, is told by `fastinfo.backends.quantiles`.
        """
        ...

    def encode_integers(
        self, values: Array, low: int, n_bins: int, out: Array | None = None
    ) -> Array:
        """Integers in ``low … low + n_bins − 1`` → codes ``value − low``.

        Others are missing on the host, where their code fits the dtype of the codes.
        """
        ...

    def encode_uniform(
        self, values: Array, low: float, high: float, n_bins: int, out: Array | None = None
    ) -> Array:
        """Samples → codes of ``n_bins`` equal bins: ``encode_edges`` of ``numpy.linspace``."""
        ...

    def encode_edges(self, values: Array, edges: Array, out: Array | None = None) -> Array:
        """Samples → codes by increasing float64 ``edges``, NumPy's convention.

        Bin i is [edges[i], edges[i+1]), the last one closed. NaN and values outside of the edges
        have no bin and get the code of missing. ``edges`` is a NumPy array.
        """
        ...

    def summarize_rows(self, values: Array) -> RowSummary:
        """`summarize` of every row."""
        ...

    def order_statistics_rows(
        self, values: Array, summary: RowSummary, ranks: Array, most: Array
    ) -> tuple[Array, Array]:
        """`order_statistics` of every row: ranks and samples are NumPy arrays ``(m, k)``.

        ``most``, and what is told of ties, are NumPy arrays ``(m,)``. A row of NaN, said to have
        ties, stands for None.
        """
        ...

    def encode_integer_rows(self, values: Array, low: Array) -> Array:
        """`encode_integers` of every row, each of which spans at most 256 integers from its low."""
        ...

    def encode_float_rows(
        self, values: Array, edges: Array, n_bins: Array, uniform: bool = False
    ) -> Array:
        """`encode_edges` of every row, by edges ``(m, k)``; codes in the dtype of the most bins.

        Of row i the first ``n_bins[i] + 1`` edges count, none where it has no bin. ``uniform`` says
        that all are those of ``numpy.linspace``.
        """
        ...

    def count_joint(
        self,
        codes: Sequence[Array | Uncoded],
        n_bins: Sequence[int],
        weights: Array | None = None,
    ) -> Array:
        """Codes of d variables → dense counts of shape ``n_bins``, incomplete samples left out.

        Of fewer than 2³² samples, so that cells may be counted in 32 bits. Samples may stand in
        place of their codes where ``codes_while_counting`` says so.
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
        """Codes of m features → whatever layout the tiles of pairs are counted from; done once.

        Codes come as rows ``(m, n)``, or one array a feature where their dtypes are not all alike.
        What is made beside a copy of the codes takes ``memory_limit`` bytes at most. A pack keeps
        its ``reduction``, by which `pair_sums` sums: that of c·log c over its samples for None.
        """
        ...

    def count_pairs(self, left: Any, lefts: slice, right: Any, rights: slice) -> Array:
        """Counts of every pair of a tile, shape ``(n_left, n_right, B_left, B_right)``.

        ``lefts`` and ``rights`` are ranges of the features of two packs of the same samples, which
        may be one and the same. ``B_left`` and ``B_right`` are the largest numbers of bins among
        them; a feature with fewer leaves the rest of its cells 0. A sample in which either feature
        is missing is left out.
        """
        ...

    def pair_sums(self, left: Any, lefts: slice, right: Any, rights: slice) -> PairSums:
        """What the counts of every pair of a tile add up to, which nobody else may see.

        Both packs have one reduction.
        """
        ...

    def combine(
        self, sums: PairSums, coefficients: tuple[float, float, float], low: float
    ) -> Array:
        """a·H(X) + b·H(Y) + c·H(X,Y) of every pair; NaN where it has no sample.

        What is below ``low`` is rounding, and becomes that; −inf where nothing is.
        """
        ...

    def write_tile(
        self, values: Array, rows: Any, columns: Any, out: Any, is_symmetric: bool
    ) -> None:
        """Write values ``(n_left, n_right)`` to the cells of rows and columns of a matrix.

        ``rows`` and ``columns`` are NumPy's int64. A symmetric matrix gets each value in both of
        its places; where rows and columns begin with the same one, values with i > j are not used:
        there a pair comes twice, its entropies added in two orders.
        """
        ...

    def sum_xlogx(self, counts: Array) -> Array:
        """Σ c·log c over the last axis, 0·log 0 = 0; float64."""
        ...

    def sum_xlogy(self, p: Array, q: Array) -> Array:
        """Σ p·log q over the last axis; p = 0 adds 0, and q = 0 < p makes the sum −inf."""
        ...

    def compile_time(self) -> AbstractContextManager[Callable[[], float]]:
        """A function that tells how many seconds of what ran within went to compiling kernels."""
        ...

    def expected_cells(self, left: Array, right: Array, n_samples: int) -> Array:
        """E[k/n·log(k·n/(a·b))] of the count k of a cell, in nats: float64 ``(k, l)``, NumPy's.

        ``left`` ``(k,)`` and ``right`` ``(l,)`` are NumPy's int64 margins a and b from 1 to n, the
        ``n_samples``. The count is hypergeometric: how many of a marked samples are among b drawn
        of n.
        """
        ...
