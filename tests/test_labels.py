"""Mutual information of predictions and labels."""

import itertools
import math

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

import fastinfo
from fastinfo.torch import LabelInformationLoss, label_mutual_information


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(3)


def batch(n=60, n_classes=4, dtype=torch.float64):
    return torch.randn(n, n_classes, dtype=dtype, requires_grad=True), torch.randint(
        0, n_classes, (n,)
    )


def test_against_the_table_of_one_hot_labels():
    logits, y = batch()
    joint = torch.nn.functional.one_hot(y, 4).double().T @ logits.softmax(1) / len(y)
    expected = fastinfo.pmf.mutual_information(joint.detach().numpy())
    assert label_mutual_information(logits, y).item() == pytest.approx(expected, rel=1e-12)
    bits = label_mutual_information(logits, y, base=2).item()
    assert bits == pytest.approx(expected / math.log(2), rel=1e-12)


def test_of_certain_predictions_it_is_that_of_the_classes():
    y, guess = torch.randint(0, 5, (2, 300))
    guess = torch.where(torch.rand(300) < 0.6, y, guess)
    logits = 1e4 * torch.nn.functional.one_hot(guess, 5).double()
    hard = fastinfo.mutual_information(guess.numpy(), y.numpy())
    assert label_mutual_information(logits, y).item() == pytest.approx(hard, rel=1e-12)


def test_the_names_of_classes_do_not_matter():
    logits, y = batch()
    value = label_mutual_information(logits, y)
    (gradient,) = torch.autograd.grad(value, logits)
    for order in itertools.permutations(range(4)):
        permuted = label_mutual_information(logits[:, order], y)
        torch.testing.assert_close(permuted, value)
        (other,) = torch.autograd.grad(permuted, logits)
        torch.testing.assert_close(other, gradient)
        renamed = label_mutual_information(logits, torch.tensor(order)[y])
        torch.testing.assert_close(renamed, value)


def test_cross_entropy_tells_the_names():
    y = torch.arange(4).repeat(5)
    right = 9.0 * torch.nn.functional.one_hot(y, 4)
    swapped = right[:, [1, 0, 2, 3]]
    alone, named = LabelInformationLoss(), LabelInformationLoss(cross_entropy_weight=0.1)
    assert alone(right, y).item() == pytest.approx(alone(swapped, y).item(), rel=1e-6)
    assert named(right, y) < named(swapped, y) - 0.4
    expected = alone(swapped, y) + 0.1 * torch.nn.functional.cross_entropy(swapped, y)
    torch.testing.assert_close(named(swapped, y), expected)
    assert "0.1" in repr(named)


@pytest.mark.parametrize("weight", [0.0, 0.3])
def test_gradcheck(weight):
    logits, y = batch(12, 3)
    loss = LabelInformationLoss(cross_entropy_weight=weight)
    assert gradcheck(lambda z: loss(z, y), (logits,))
    assert gradgradcheck(lambda z: loss(z, y), (logits,))


def test_of_one_label_there_is_nothing_to_tell():
    logits, _ = batch(20, 3)
    value = label_mutual_information(logits, torch.ones(20, dtype=torch.long))
    assert 0 <= value < 1e-15
    (gradient,) = torch.autograd.grad(value, logits)
    assert gradient.abs().max() < 1e-15


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_dtypes_and_autocast(dtype):
    logits, y = batch(200, 5)
    narrow = logits.detach().to(dtype).requires_grad_()
    for enabled in (False, True):
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            loss = LabelInformationLoss(cross_entropy_weight=0.5)(narrow, y)
        assert loss.dtype == torch.float32
        expected = LabelInformationLoss(cross_entropy_weight=0.5)(narrow.double(), y)
        assert loss.item() == pytest.approx(expected.item(), abs=1e-5)
        (gradient,) = torch.autograd.grad(loss, narrow)
        assert gradient.dtype == dtype
        assert gradient.abs().sum() > 0


def test_nan_is_seen():
    logits, y = batch()
    broken = logits.detach().clone()
    broken[3, 1] = math.nan
    assert label_mutual_information(broken, y).isnan()


Z, Y = torch.zeros(6, 3), torch.tensor([0, 1, 2, 0, 1, 2])
REFUSED = {
    "no tensor": ([[1.0]], Y, TypeError, "logits is list"),
    "integer logits": (Z.long(), Y, TypeError, "logits has dtype torch.int64"),
    "labels as floats": (Z, Y.double(), TypeError, "y has dtype torch.float64; accepted are int"),
    "one axis": (Z[0], Y, ValueError, r"logits has shape \(3,\) and y \(6,\)"),
    "lengths": (Z, Y[:2], ValueError, r"accepted are \(n, K\) and \(n,\)"),
    "empty": (Z[:0], Y[:0], ValueError, "at least one sample"),
    "too high": (Z, Y + 1, ValueError, "labels from 1 to 3; accepted are .* 0 to 2"),
    "negative": (Z, Y - 100, ValueError, "labels from -100 to -98"),
    "devices": (Z, Y.to("meta"), ValueError, "logits is on cpu and y on meta"),
}


@pytest.mark.parametrize(("logits", "y", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(logits, y, error, message):
    with pytest.raises(error, match=message):
        label_mutual_information(logits, y)


@pytest.mark.parametrize("weight", [-1, math.nan, math.inf, "1", True])
def test_refused_weights(weight):
    with pytest.raises((ValueError, TypeError), match="cross_entropy_weight="):
        LabelInformationLoss(cross_entropy_weight=weight)
