"""Tables of columns of every kind, and both ways to measure them: in memory and as a scan."""

import datetime
import decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

WORDS = np.array(["a", "bb", "ccc", "dd", "é"])


def table(n, seed=0):
    """An Arrow table of n rows with columns of every kind that the rules of preparation know."""
    rng = np.random.default_rng(seed)
    z, k = rng.normal(size=n), rng.integers(0, 5, n)
    mask = rng.random(n) < 0.1
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(int(d)) for d in rng.integers(0, 400, n)]
    return pa.table(
        {
            "f64": z,
            "f32": (z + rng.normal(size=n)).astype("f4"),
            "null floats": pa.array(z * 2 + k, mask=mask),
            "nan floats": np.where(mask, np.nan, k + rng.normal(size=n)),
            "ties": np.round(z, 1),
            "infinite": np.where(mask, np.inf, z),
            "i8": k.astype("i1"),
            "u8": (k + 3).astype("u1"),
            "i64": rng.integers(-40, 40, n),
            "null ints": pa.array(k, mask=mask),
            "far apart": rng.integers(0, 5, n) * 10**9,
            "many": rng.integers(0, 10**7, n),
            "snowflakes": rng.integers(2**60, 2**60 + 10**9, n),
            "row numbers": np.arange(n),
            "constant": np.ones(n),
            "bool": z > 0,
            "null bool": pa.array(z > 0, mask=mask),
            "text": pa.array(WORDS[k]),
            "null text": pa.array(WORDS[k], mask=mask),
            "dictionary": pa.array(WORDS[k % 3]).dictionary_encode(),
            "numbered": pa.array(k * 7).dictionary_encode(),
            "identifiers": pa.array([f"id{i}" for i in range(n)]),
            "date": pa.array((k * 30 + rng.integers(0, 30, n)).astype("datetime64[D]")),
            "moments": pa.array(
                rng.integers(0, 10**9, n).astype("datetime64[s]").astype("datetime64[ns]")
            ),
            "fine moments": pa.array(rng.integers(10**17, 2 * 10**17, n).astype("datetime64[ns]")),
            "spelled": pa.array(list(map(str, days))),
            "decimals": pa.array([decimal.Decimal(int(x)) / 4 for x in (z * 10)]),
            "lists": pa.array([[1]] * n),
            "nothing": pa.nulls(n),
            "duration": pa.array(rng.integers(0, 1000, n).astype("timedelta64[ms]")),
        }
    )


FINITE = [name for name in table(1).column_names if name != "infinite"]


def write(folder, found, rows=None, parts=1):
    """The table as Parquet files in a folder, in ``parts`` files; their paths."""
    size = -(-found.num_rows // parts)
    paths = []
    for part in range(parts):
        paths.append(folder / f"part{part}.parquet")
        some = found.slice(part * size, size)
        pq.write_table(some, paths[-1], row_group_size=rows or found.num_rows)
    return paths


def values(matrix):
    """The numbers of a labelled Arrow matrix, and the names of its columns."""
    columns = matrix.drop(["column"])
    return np.array([column.to_numpy() for column in columns.columns]).T, columns.column_names
