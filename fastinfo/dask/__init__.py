"""Tables and variables of Dask, counted by its workers.

All functions of fastinfo that count samples take a Dask array, DataFrame or Series, and an xarray
object that Dask stands behind: they count partition by partition on whatever scheduler is active,
add the counts up, and return their result. Here are the same counts as parts of a graph, for those
who compose their own.
"""

try:
    import dask as _dask  # noqa: F401
except ImportError as error:
    raise ImportError(
        f"fastinfo.dask needs Dask ({error}): pip install 'dask[array,dataframe]' distributed"
    ) from error

from fastinfo.dask.lazily import joint_counts, pair_counts

__all__ = ["joint_counts", "pair_counts"]


def __dir__() -> list[str]:
    return __all__
