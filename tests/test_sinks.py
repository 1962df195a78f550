"""Where the values of all pairs go: arrays of the caller's, on disk or elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastinfo

pytestmark = pytest.mark.filterwarnings("ignore::fastinfo.SaturationWarning")


class OnlySlices:
    """What a chunked array on disk takes at least: assignments to rectangles by slices."""

    def __init__(self, shape: tuple[int, int], dtype: Any = np.float64) -> None:
        self.array = np.full(shape, np.nan, dtype)
        self.shape, self.dtype = self.array.shape, self.array.dtype

    def __setitem__(self, key: Any, values: Any) -> None:
        rows, columns = key
        assert isinstance(rows, slice)
        assert isinstance(columns, slice)
        self.array[rows, columns] = values


@pytest.fixture
def X(rng: np.random.Generator) -> np.ndarray:
    # Numbers of bins in no order: tiles follow the numbers of bins, the matrix the features.
    return rng.integers(0, [9, 2, 40, 2, 3, 9, 2, 300, 5], (200, 9))


def test_memmap(X: np.ndarray, tmp_path: Path, backend: str) -> None:
    path = tmp_path / "matrix.npy"
    out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(9, 9))
    assert fastinfo.pairwise_mutual_information(X, out=out, backend=backend) is out
    out.flush()
    expected = fastinfo.pairwise_mutual_information(X, backend=backend)
    np.testing.assert_array_equal(np.load(path), expected.astype(np.float32))


@pytest.mark.parametrize("n_right", [None, 4])
def test_anything_that_takes_slices(X: np.ndarray, backend: str, n_right: int | None) -> None:
    Y = None if n_right is None else X[:, :n_right]
    out = OnlySlices((9, n_right or 9))
    assert fastinfo.pairwise_mutual_information(X, Y, out=out, backend=backend) is out
    expected = fastinfo.pairwise_mutual_information(X, Y, backend=backend)
    np.testing.assert_array_equal(out.array, expected)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        (np.zeros((9, 8)), r"out has shape \(9, 8\)"),
        (np.zeros((9, 9), int), "dtype int64; accepted is"),
        ([[0.0] * 9] * 9, "out has shape None"),
        (np.broadcast_to(0.0, (9, 9)), "out is read-only"),
    ],
    ids=["shape", "integers", "a list", "read-only"],
)
def test_what_cannot_take_the_result_is_refused(X: np.ndarray, out: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fastinfo.pairwise_mutual_information(X, out=out)


def test_a_tensor_takes_the_result(X: np.ndarray, backend: str) -> None:
    torch = pytest.importorskip("torch", reason="torch is an extra")
    out = torch.zeros((9, 9), dtype=torch.float32)
    assert fastinfo.pairwise_mutual_information(X, out=out, backend=backend) is out
    expected = fastinfo.pairwise_mutual_information(X, backend=backend)
    np.testing.assert_array_equal(out.numpy(), expected.astype(np.float32))


def test_tensors_that_cannot_take_the_result_are_refused(X: np.ndarray) -> None:
    torch = pytest.importorskip("torch", reason="torch is an extra")
    for options, error, message in (
        ({"dtype": torch.int64}, ValueError, r"out has .* dtype torch\.int64; accepted is shape"),
        ({"dtype": torch.bfloat16}, TypeError, r"out is a torch\.bfloat16 tensor that NumPy"),
        ({"device": "meta"}, ValueError, "out is a tensor on meta; accepted are"),
        ({"requires_grad": True}, ValueError, "out is a tensor on cpu with a gradient"),
    ):
        with pytest.raises(error, match=message):
            fastinfo.pairwise_mutual_information(X, out=torch.zeros((9, 9), **options))
    with pytest.raises(ValueError, match=r"out has shape \(9, 8\) and dtype torch\.float32"):
        fastinfo.pairwise_mutual_information(X, out=torch.zeros(9, 8))


def test_an_array_of_unknown_types_is_refused(X: np.ndarray) -> None:
    class Own:
        shape, dtype = (9, 9), object()

    with pytest.raises(ValueError, match=r"out has shape .* and dtype <object"):
        fastinfo.pairwise_mutual_information(X, out=Own())
