"""Chunks of Dask arrays that lie on a device are counted there: `inputs.scanning.on_device`."""

from typing import Any

import numpy as np
import pytest
from conftest import library, require

import fastinfo

dask, da = library("dask"), library("dask.array")
library("fastinfo.dask")


def on_a_device(X: np.ndarray, rows: int) -> Any:
    """A Dask array whose chunks the CuPy backend would find on a device."""
    home = require("cupy")().home
    chunks = [
        da.from_delayed(
            dask.delayed(home.bring)(np.ascontiguousarray(X[i : i + rows])),
            X[i : i + rows].shape,
            X.dtype,
        )
        for i in range(0, len(X), rows)
    ]
    return da.concatenate(chunks)


@pytest.mark.parametrize(
    ("dtype", "bins"),
    [
        *(("f8", bins) for bins in (8, None, "edges")),
        *(("f4", bins) for bins in (8, None, "edges")),
        *((dtype, bins) for dtype in ("i8", "u1", "i2") for bins in (None, "edges")),
    ],
)
def test_chunks_on_a_device(rng, dtype, bins):
    """The numbers of the same table in memory, for all samples and bins."""
    X = rng.normal(size=(3000, 4)) * 20
    X[:, 1] += X[:, 0]
    if dtype[0] != "f":  # with gaps, so that offsets are not codes
        X = X.clip(0, 100)
        X[0, 0] = 120
    X = X.astype(dtype)
    edges = np.linspace(-40.0, 130, 9)
    options = {"bins": edges if bins == "edges" else bins, "nan_policy": "omit"}
    table = on_a_device(X, 700)
    with dask.config.set(scheduler="threads"):
        found = fastinfo.pairwise_mutual_information(table, **options)
        pair = fastinfo.mutual_information(table[:, 0], table[:, 1], **options)
        given = fastinfo.conditional_mutual_information(*table.T[:3], bins=edges, nan_policy="omit")
    expected = fastinfo.pairwise_mutual_information(X, backend="numpy", **options)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)
    assert pair == pytest.approx(expected[0, 1], rel=1e-12)
    assert given == pytest.approx(
        fastinfo.conditional_mutual_information(*X.T[:3], bins=edges, nan_policy="omit"), rel=1e-12
    )


def test_samples_on_a_device_stay_there_while_they_are_counted(rng, monkeypatch):
    """With given edges nothing but counts comes to the host."""
    X = rng.normal(size=(20_000, 3)).astype("f4")
    table, home = on_a_device(X, 5000), type(require("cupy")().home)
    copied, to_host = [], home.to_host

    def watched(self, array):
        found = to_host(self, array)
        copied.append(found.nbytes)
        return found

    monkeypatch.setattr(home, "to_host", watched)
    edges = [-4.0, -1, 0, 1, 4]
    with dask.config.set(scheduler="threads"):
        counts = fastinfo.dask.pair_counts(table, bins=edges, nan_policy="omit").compute()
    assert copied
    assert sum(copied) < X.nbytes / 20
    codes = np.digitize(X, edges[1:-1])
    codes[(edges[0] > X) | (edges[-1] < X)] = -1
    for i, j in ((0, 1), (0, 2), (1, 2)):
        both = (codes[:, i] >= 0) & (codes[:, j] >= 0)
        expected = np.zeros((4, 4), int)
        np.add.at(expected, (codes[both, i], codes[both, j]), 1)
        np.testing.assert_array_equal(counts.joint_counts(i, j).table, expected)
