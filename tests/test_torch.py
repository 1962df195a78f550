"""fastinfo.torch: soft mutual information and its losses, against a dense reference of tensors."""

import copy
import doctest
import math
import pickle
import re
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch_dense
from conftest import ON_GPU, require
from emulation.device import EmulatedDevice
from torch import nn
from torch.autograd import gradcheck
from torch.utils.checkpoint import checkpoint

import fastinfo.torch
from fastinfo.backends import REGISTRY
from fastinfo.backends.cupy import CupyHome, CupyKernels
from fastinfo.torch import (
    MutualInformationLoss,
    soft_count,
    soft_counts,
    soft_mutual_information,
    soft_normalized_mutual_information,
)
from fastinfo.torch.soft_count import counter_of

SPREADS = {
    "order 1": {"kernel": "bspline", "order": 1},
    "order 2": {"kernel": "bspline", "order": 2},
    "order 3": {"kernel": "bspline", "order": 3},
    "gaussian": {"kernel": "gaussian", "sigma": 0.5},
    "wide gaussian": {"kernel": "gaussian", "sigma": 1.3},
}
AVERAGES = {
    "arithmetic": lambda hx, hy: (hx + hy) / 2,
    "geometric": lambda hx, hy: (hx * hy).sqrt(),
    "min": torch.minimum,
    "max": torch.maximum,
}


X = torch.linspace(0, 1, 12)

STREAM = 77
"""PyTorch's current stream, where the device is emulated."""


@pytest.fixture(autouse=True, params=list(REGISTRY))
def _by_backend(request, monkeypatch):
    """Every test with the kernels of every backend.

    Without a GPU, tensors of the CPU stand for those of a device: all that hands them over runs,
    and kernels run on the processor. It is not the device that threads begin with.
    """
    require(request.param)
    torch.manual_seed(7)
    if request.param != "cupy":
        monkeypatch.setenv("FASTINFO_BACKEND", request.param)
        yield
    elif ON_GPU:
        if not torch.cuda.is_available():
            pytest.skip("torch is not installed with CUDA")
        with torch.device("cuda"):
            yield
    else:
        device = EmulatedDevice(number=1)
        counter = soft_count.DeviceCounter(CupyKernels(CupyHome(device, STREAM)))
        monkeypatch.setattr(
            soft_count,
            "counter_of",
            lambda t: counter if t.device.type == "cpu" else counter_of(t),
        )
        yield
        assert set(device.streams) <= {STREAM}


def pair(*shape, dtype=torch.float64):
    """Dependent samples that ask for gradients."""
    x = torch.randn(*shape, dtype=dtype)
    y = x**2 + 0.3 * torch.randn(*shape, dtype=dtype)
    return x.requires_grad_(), y.requires_grad_()


def both(x_spread, y_spread):
    """Options of each variable, as fastinfo.torch takes them."""
    left, right = (
        {"kernel": "bspline", "order": 3, "sigma": 0.5, **s} for s in (x_spread, y_spread)
    )
    return {name: (left[name], right[name]) for name in left}


def with_gradients(value, *tensors):
    return value.detach(), *torch.autograd.grad(value.sum(), tensors)


# --- values and gradients -----------------------------------------------------------------------


@pytest.mark.parametrize("average", [None, *AVERAGES])
@pytest.mark.parametrize("masked", [False, True], ids=["all", "masked"])
@pytest.mark.parametrize("y_spread", ["order 3", "gaussian"])
@pytest.mark.parametrize("x_spread", SPREADS)
def test_equals_the_dense_reference(x_spread, y_spread, masked, average):
    x, y = pair(2, 200)
    mask = torch.rand(2, 200) < 0.7 if masked else None
    options = {"bins": (9, 7), "mask": mask, **both(SPREADS[x_spread], SPREADS[y_spread])}
    if average is None:
        found = soft_mutual_information(x, y, **options)
    else:
        found = soft_normalized_mutual_information(x, y, average=average, **options)
    weights = None if mask is None else mask.double()
    mean = None if average is None else AVERAGES[average]
    expected = torch_dense.mutual_information(
        x, y, (9, 7), SPREADS[x_spread], SPREADS[y_spread], weights, mean
    )
    for one, judged in zip(
        with_gradients(found, x, y), with_gradients(expected, x, y), strict=True
    ):
        torch.testing.assert_close(one, judged, rtol=1e-9, atol=1e-11)


CHECKED = {
    "default": {},
    "order 2": {"order": 2},
    "gaussian": {"kernel": "gaussian"},
    "mixed": {"kernel": ("bspline", "gaussian"), "bins": (6, 8)},
    "order 0 for y": {"order": (3, 0)},
    "clamped": {"range": (-1.0, 1.0), "outside": "clamp"},
    "left out": {"range": ((-1.0, 1.0), None), "outside": "omit"},
    "bits": {"base": 2},
}


@pytest.mark.parametrize("options", CHECKED.values(), ids=CHECKED)
def test_gradcheck(options):
    x, y = pair(2, 12)
    options = {"bins": 7, **options}
    if options.get("order") == (3, 0):
        y = y.detach()
    assert gradcheck(lambda a, b: soft_mutual_information(a, b, **options), (x, y))
    options.pop("base", None)
    for average in AVERAGES:
        assert gradcheck(
            lambda a, b, average=average: soft_normalized_mutual_information(
                a, b, average=average, **options
            ),
            (x, y),
        )


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_gradcheck_of_the_loss(reduction, normalized):
    x, y = pair(3, 4, 5)
    loss = MutualInformationLoss(bins=6, reduction=reduction, normalized=normalized)
    assert gradcheck(loss, (x, y))


def test_gradcheck_of_weights_and_counts():
    x, y = pair(2, 20)
    weight = torch.rand(20, dtype=torch.float64)
    mask = torch.rand(2, 20) < 0.8
    assert gradcheck(
        lambda a, b: soft_counts(a, b, bins=5, sample_weight=weight, mask=mask), (x, y)
    )


def test_moving_or_scaling_a_variable_changes_nothing():
    """So the gradient is orthogonal to both, the ends of the range included."""
    x, y = pair(500)
    information, by_x, by_y = with_gradients(soft_mutual_information(x, y), x, y)
    for by, values in ((by_x, x), (by_y, y)):
        assert by.abs().max() > 1e-4
        assert by.sum().abs() < 1e-12
        assert (by * values).sum().abs() < 1e-12
    torch.testing.assert_close(soft_mutual_information(3 * x - 7, -y / 5), information)


@pytest.mark.parametrize("n_bins", [1, 2, 5, 32])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_order_0_is_the_hard_histogram(n_bins, dtype):
    x, y = pair(3000, dtype=dtype)
    hard = fastinfo.mutual_information(x, y, bins=n_bins)
    soft = soft_mutual_information(x, y, bins=n_bins, order=0)
    assert soft.dtype == dtype
    assert soft.item() == pytest.approx(hard, rel=1e-12 if dtype == torch.float64 else 1e-6)
    hard = fastinfo.normalized_mutual_information(x, y, bins=n_bins)
    soft = soft_normalized_mutual_information(x, y, bins=n_bins, order=0)
    assert soft.item() == pytest.approx(hard, rel=1e-12 if dtype == torch.float64 else 1e-6)
    soft.backward()
    assert not x.grad.any()


def test_order_0_with_given_edges():
    x, y = pair(2000)
    options = {"bins": (8, 5), "order": 0, "range": ((-2, 2), (0, 4)), "outside": "omit"}
    edges = np.linspace(-2, 2, 9), np.linspace(0, 4, 6)
    hard = fastinfo.mutual_information(x, y, bins=edges, nan_policy="omit")
    assert soft_mutual_information(x, y, **options).item() == pytest.approx(hard, rel=1e-12)


# --- batches, masks, types ----------------------------------------------------------------------


def test_a_batch_is_its_pairs():
    """To the last bit, gradients too."""
    x, y = pair(2, 3, 400)
    together = soft_mutual_information(x, y)
    assert together.shape == (2, 3)
    together.sum().backward()
    for i, j in np.ndindex(2, 3):
        a, b = x.detach()[i, j].requires_grad_(), y.detach()[i, j].requires_grad_()
        alone = soft_mutual_information(a, b)
        alone.backward()
        assert alone.shape == ()
        assert alone == together[i, j]
        assert torch.equal(a.grad, x.grad[i, j])
        assert torch.equal(b.grad, y.grad[i, j])


def test_leading_axes_broadcast():
    x, y = pair(3, 1, 100)
    fixed = y.detach()[0].requires_grad_()
    found = soft_mutual_information(x, fixed)
    assert found.shape == (3, 1)
    value, by_x, by_fixed = with_gradients(found, x, fixed)
    expected = soft_mutual_information(x, fixed.expand(3, 1, 100))
    torch.testing.assert_close((value, by_x, by_fixed), with_gradients(expected, x, fixed))


@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize("shape", [(1, 4000), (50, 80)])
def test_threads_do_not_change_the_result(shape, n_threads, monkeypatch):
    monkeypatch.setattr(soft_count, "RANGE", 500)
    monkeypatch.setattr(soft_count, "SAMPLES_A_CELL", 1)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    x, y = pair(*shape)
    expected = with_gradients(soft_mutual_information(x, y, bins=16), x, y)
    monkeypatch.setattr(torch, "get_num_threads", lambda: n_threads)
    for one, judged in zip(
        with_gradients(soft_mutual_information(x, y, bins=16), x, y), expected, strict=True
    ):
        assert torch.equal(one, judged)
    whole = torch_dense.mutual_information(x, y, (16, 16), {}, {})
    torch.testing.assert_close(expected[0], whole.detach())


def test_masked_samples_may_be_anything():
    x, y = pair(2, 300)
    mask = torch.rand(2, 300) < 0.6
    broken = torch.where(mask, x, torch.nan).detach().requires_grad_()
    value, by_x, by_y = with_gradients(soft_mutual_information(broken, y, mask=mask), broken, y)
    assert not by_x[~mask].any()
    assert not by_y[~mask].any()
    for row in range(2):
        kept = [t[row][mask[row]].detach().requires_grad_() for t in (x, y)]
        alone = with_gradients(soft_mutual_information(*kept), *kept)
        torch.testing.assert_close(value[row], alone[0])
        torch.testing.assert_close(by_x[row][mask[row]], alone[1])
        torch.testing.assert_close(by_y[row][mask[row]], alone[2])


def test_a_weight_is_a_number_of_times():
    x, y = pair(60)
    times = torch.randint(0, 4, (60,))
    repeated = soft_mutual_information(x.repeat_interleave(times), y.repeat_interleave(times))
    torch.testing.assert_close(soft_mutual_information(x, y, sample_weight=times), repeated)
    scaled = soft_mutual_information(x, y, sample_weight=times * 0.1)
    torch.testing.assert_close(scaled, repeated)


def test_float32_is_close_to_float64():
    x, y = pair(5000)
    wide = with_gradients(soft_mutual_information(x, y), x, y)
    a, b = x.detach().float().requires_grad_(), y.detach().float().requires_grad_()
    narrow = with_gradients(soft_mutual_information(a, b), a, b)
    for one, judged in zip(narrow, wide, strict=True):
        assert one.dtype == torch.float32
        torch.testing.assert_close(one.double(), judged, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_as_float32(dtype):
    x, y = (t.detach().to(dtype).requires_grad_() for t in pair(500))
    value, by_x, _ = with_gradients(soft_mutual_information(x, y), x, y)
    assert (value.dtype, by_x.dtype) == (torch.float32, dtype)
    a, b = x.detach().float().requires_grad_(), y.detach().float()
    expected, by_a = with_gradients(soft_mutual_information(a, b), a)
    assert value == expected
    assert torch.equal(by_x, by_a.to(dtype))


def test_under_autocast():
    """What a network makes in bfloat16 is measured as float32; parameters have their gradients."""
    network = torch.nn.Linear(3, 1)
    x = torch.randn(400, 3)
    losses = {}
    for enabled in (False, True):
        network.zero_grad()
        with torch.autocast(x.device.type, torch.bfloat16, enabled=enabled):
            made = network(x)
            assert (made.dtype == torch.bfloat16) == enabled
            loss = MutualInformationLoss(bins=8)(made[:, 0], x[:, 0])
        assert loss.dtype == torch.float32
        loss.backward()
        assert network.weight.grad.dtype == torch.float32
        assert network.weight.grad.abs().sum() > 0
        losses[enabled] = loss.item(), network.weight.grad.clone()
    assert losses[True][0] == pytest.approx(losses[False][0], abs=0.01)
    torch.testing.assert_close(losses[True][1], losses[False][1], rtol=0.1, atol=0.01)


def test_non_contiguous_samples():
    x, y = pair(100, 2)
    found = with_gradients(soft_mutual_information(x.T, y.T), x, y)
    a, b = (t.detach().T.contiguous().requires_grad_() for t in (x, y))
    expected = with_gradients(soft_mutual_information(a, b), a, b)
    torch.testing.assert_close(found, (expected[0], expected[1].T, expected[2].T))


# --- what torch does with functions and modules ------------------------------------------------


def differentiated(measure, x, y):
    def summed(a, b):
        values = measure(a, b)
        return values.sum(), values

    by, value = torch.func.grad(summed, argnums=(0, 1), has_aux=True)(x, y)
    return value, by


def mapped(measure, x, y):
    by, value = torch.func.vmap(torch.func.grad_and_value(measure, argnums=(0, 1)))(x, y)
    return value, by


def jacobian(measure, x, y):
    """Of every pair by every sample, of which only those of the pair itself are not 0."""
    tables = torch.func.jacrev(measure, argnums=(0, 1))(x, y)
    assert all(table.shape == (len(x), *x.shape) for table in tables)
    return measure(x, y), tuple(table.sum(0) for table in tables)


def backwards(measure, x, y):
    x, y = x.requires_grad_(), y.requires_grad_()
    value = measure(x, y)
    value.sum().backward()
    return value.detach(), (x.grad, y.grad)


def checkpointed(measure, x, y, use_reentrant):
    return backwards(lambda a, b: checkpoint(measure, a, b, use_reentrant=use_reentrant), x, y)


def in_another_thread(measure, x, y):
    """As autograd calls the way back of a device's functions."""
    x, y = x.requires_grad_(), y.requires_grad_()
    value = measure(x, y)
    with ThreadPoolExecutor(1) as threads:
        threads.submit(value.sum().backward).result()
    return value.detach(), (x.grad, y.grad)


def compiled(measure, x, y):
    torch.compiler.reset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the compiler's own, of what it does
        return backwards(torch.compile(lambda a, b: measure(a + 0, b), backend="eager"), x, y)


WAYS = {
    "func.grad": differentiated,
    "func.vmap": mapped,
    "func.jacrev": jacobian,
    "checkpoint": partial(checkpointed, use_reentrant=False),
    "reentrant checkpoint": partial(checkpointed, use_reentrant=True),
    "a thread": in_another_thread,
    "torch.compile": compiled,
}


@pytest.mark.parametrize("way", WAYS)
def test_ways_of_torch_change_nothing(way):
    x, y = (tensor.detach() for tensor in pair(3, 80))

    def measure(a, b):
        return soft_mutual_information(a, b, bins=(7, 5), kernel=("bspline", "gaussian"))

    value, by = backwards(measure, x.clone(), y.clone())
    found, found_by = WAYS[way](measure, x, y)
    torch.testing.assert_close((found, *found_by), (value, *by))


def test_only_what_wants_a_gradient_has_one():
    x, y = pair(2, 50)
    expected = with_gradients(soft_mutual_information(x, y, bins=5), x, y)
    for fixed in (0, 1):
        tensors = [t.detach().requires_grad_(i != fixed) for i, t in enumerate((x, y))]
        value = soft_mutual_information(*tensors, bins=5)
        value.sum().backward()
        assert torch.equal(tensors[1 - fixed].grad, expected[2 - fixed])
        assert tensors[fixed].grad is None
    with torch.no_grad():
        assert not soft_mutual_information(x, y).requires_grad
    with torch.inference_mode():
        assert torch.equal(soft_mutual_information(x, y, bins=5), expected[0])


@pytest.mark.parametrize("span", [None, (0, 1)])
@pytest.mark.parametrize("masked", [False, True])
def test_of_no_pairs_there_is_no_information(masked, span):
    x = torch.zeros(0, 7, requires_grad=True)
    mask = torch.arange(7) > 3 if masked else None
    value = soft_mutual_information(x, x, bins=4, range=span, mask=mask)
    assert value.shape == (0,)
    value.sum().backward()
    assert x.grad.shape == x.shape


MODULES = {
    "MutualInformationLoss": lambda: MutualInformationLoss(bins=8, range=((0, 1), None)),
    "LabelInformationLoss": lambda: fastinfo.torch.LabelInformationLoss(cross_entropy_weight=0.1),
    "MINE": lambda: fastinfo.torch.MINE(0.9),
    "SeparableCritic": lambda: fastinfo.torch.SeparableCritic(3, 4),
    "ConcatenatedCritic": lambda: fastinfo.torch.ConcatenatedCritic(3, 4),
    "BilinearCritic": lambda: fastinfo.torch.BilinearCritic(3, 4),
    "GaussianConditional": lambda: fastinfo.torch.GaussianConditional(3, 4),
    "GlobalInfoMax": lambda: fastinfo.torch.GlobalInfoMax(MODULES["SeparableCritic"]()),
    "LocalInfoMax": lambda: fastinfo.torch.LocalInfoMax(MODULES["SeparableCritic"](), "infonce"),
    "PriorMatching": lambda: fastinfo.torch.PriorMatching(fastinfo.torch.perceptron(3, 4, 1)),
    "DeepInfoMax": lambda: fastinfo.torch.DeepInfoMax(
        MODULES["GlobalInfoMax"](), prior_loss=MODULES["PriorMatching"]()
    ),
    "InformationBottleneckLoss": lambda: fastinfo.torch.InformationBottleneckLoss(0.1),
}


def test_the_table_has_every_module():
    every = {name: getattr(fastinfo.torch, name) for name in fastinfo.torch.__all__}
    modules = {n for n, v in every.items() if isinstance(v, type) and issubclass(v, nn.Module)}
    assert modules == set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_copied_and_saved(name):
    module = MODULES[name]()
    other = MODULES[name]()
    other.load_state_dict(module.state_dict())
    for copied in (copy.deepcopy(module), pickle.loads(pickle.dumps(module)), other):
        assert repr(copied) == repr(module)
        for key, value in module.state_dict().items():
            torch.testing.assert_close(copied.state_dict()[key], value, equal_nan=True)


# --- the edges of what can be measured ----------------------------------------------------------


@pytest.mark.parametrize("kernel", ["bspline", "gaussian"])
@pytest.mark.parametrize("value", [0.0, 3.0, -1e20, 5e-324])
def test_a_constant_tells_nothing(kernel, value):
    x = torch.full((50,), value, dtype=torch.float64, requires_grad=True)
    y = torch.randn(50, dtype=torch.float64)
    information = soft_mutual_information(x, y, kernel=kernel)
    assert 0 <= information < 1e-14
    information.backward()
    width = max(abs(value) * 2**-20, 1)
    assert x.grad.abs().max() * width < 1e-12
    constant = torch.zeros(50)
    assert soft_normalized_mutual_information(constant, constant, bins=4, order=0) == 1
    assert soft_normalized_mutual_information(constant, y, bins=4, order=0) == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_nan_and_infinity_make_their_pair_nan(bad):
    """As tensors do: under AMP a scaler sees it and leaves the step out."""
    x, y = (t.detach() for t in pair(2, 100))
    x[0, 17] = bad
    x.requires_grad_()
    value, by_x = with_gradients(soft_mutual_information(x, y), x)
    assert value.isnan().tolist() == [True, False]
    assert by_x[0].isnan().any()
    assert by_x[1].isfinite().all()


def test_outside_of_the_range():
    x = torch.tensor([0.1, 0.5, 0.9, 1.5, -3.0], dtype=torch.float64, requires_grad=True)
    y = torch.tensor([0.0, 0.3, 0.6, 0.9, 0.2], dtype=torch.float64)
    options = {"bins": 4, "range": (0, 1)}
    with pytest.raises(ValueError, match=r"x has 2 of 5 samples outside of range=\(0.0, 1.0\)"):
        soft_mutual_information(x, y, **options)
    clamped = soft_mutual_information(x, y, outside="clamp", **options)
    torch.testing.assert_close(clamped, soft_mutual_information(x.clamp(0, 1), y, **options))
    clamped.backward()
    assert (x.grad == 0).tolist() == [False, False, False, True, True]
    left_out = soft_mutual_information(x, y, outside="omit", **options)
    torch.testing.assert_close(left_out, soft_mutual_information(x[:3], y[:3], **options))
    inside = torch.tensor([True, True, True, False, False])
    masked = soft_mutual_information(x, y, mask=inside, **options)
    torch.testing.assert_close(masked, left_out)


def test_the_gradient_has_no_derivative():
    x, y = pair(50)
    (by_x,) = torch.autograd.grad(soft_mutual_information(x, y), x, create_graph=True)
    with pytest.raises(RuntimeError, match="cannot be differentiated twice"):
        by_x.sum().backward()


def test_information_can_be_maximised():
    """Gradient ascent untangles y = ±x: the sign of each sample comes to be told."""
    x = torch.linspace(-1, 1, 200, dtype=torch.float64)
    angle = torch.tensor(1.2, dtype=torch.float64, requires_grad=True)
    other = torch.randn(200, dtype=torch.float64)
    optimizer = torch.optim.Adam([angle], lr=0.05)
    before = soft_mutual_information(x, angle.cos() * x + angle.sin() * other, bins=8).item()
    for _ in range(60):
        optimizer.zero_grad()
        made = angle.cos() * x + angle.sin() * other
        loss = MutualInformationLoss(bins=8)(x, made)
        loss.backward()
        optimizer.step()
    assert -loss.item() > before + 0.5
    assert abs(math.sin(angle.item())) < 0.1


# --- what is refused ----------------------------------------------------------------------------

REFUSED = {
    "no tensor": ((np.zeros(3), X), {}, TypeError, "x is ndarray; accepted is a torch.Tensor"),
    "integers": ((X, X.long()), {}, TypeError, "y has dtype torch.int64"),
    "lengths": ((X, X[:5]), {}, ValueError, r"x has shape \(12,\) and y \(5,\)"),
    "no axis": ((X[0], X[0]), {}, ValueError, r"accepted are \(\.\.\., n\)"),
    "empty": ((X[:0], X[:0]), {}, ValueError, "at least one sample is needed"),
    "axes": ((X.reshape(2, 6), X.reshape(3, 4)[:, :1].expand(3, 6)), {}, ValueError, "broadcast"),
    "bins of text": ((X, X), {"bins": "32"}, TypeError, "bins='32'; accepted is an integer"),
    "too few bins": ((X, X), {"bins": 3}, ValueError, "bins=3; accepted are 4 to 4096 for B-spl"),
    "many bins": ((X, X), {"bins": 5000}, ValueError, "bins=5000; accepted are 4 to 4096"),
    "three bins": ((X, X), {"bins": (4, 5, 6)}, ValueError, r"bins=\(4, 5, 6\); accepted is one"),
    "kernel": ((X, X), {"kernel": "box"}, ValueError, "kernel='box'; accepted are 'bspline'"),
    "order": ((X, X), {"order": 4}, ValueError, "order=4; accepted are 0, 1, 2 and 3"),
    "sigma": ((X, X), {"sigma": 0.01}, ValueError, "sigma=0.01; accepted is a number of at least"),
    "sigma of text": ((X, X), {"sigma": "1"}, TypeError, "sigma='1'; accepted is a number"),
    "range": ((X, X), {"range": 3}, ValueError, "range=3; accepted are None"),
    "empty range": ((X, X), {"range": (1, 1)}, ValueError, r"has \(1, 1\); accepted are finite"),
    "half a range": ((X, X), {"range": ((0, 1), 5)}, ValueError, "range has 5; accepted are"),
    "NaN": ((X, X), {"range": (0, math.nan)}, ValueError, "accepted are finite numbers low < high"),
    "outside": ((X, X), {"outside": "drop"}, ValueError, "outside='drop'; accepted are 'raise'"),
    "outside of nothing": ((X, X), {"outside": "clamp"}, ValueError, "without a range none is"),
    "mask of floats": ((X, X), {"mask": X}, TypeError, "mask has dtype torch.float32; accepted"),
    "mask's shape": ((X, X), {"mask": X[:3] > 0}, ValueError, r"mask has shape \(3,\)"),
    "nothing left": ((X, X), {"mask": X > 2}, ValueError, "leave no sample of at least one pair"),
    "all outside": (
        (X, X),
        {"range": (2, 3), "outside": "omit"},
        ValueError,
        "leave no sample of at least one pair",
    ),
    "negative weights": ((X, X), {"sample_weight": X - 0.5}, ValueError, "holds negative, NaN"),
    "weights with gradients": (
        (X, X),
        {"sample_weight": X.clone().requires_grad_()},
        ValueError,
        "sample_weight requires a gradient",
    ),
    "sparse": ((X.to_sparse(), X), {}, TypeError, "x is a torch.sparse_coo tensor; accepted is"),
    "another device": ((X, X.to("meta")), {}, ValueError, "x is on cpu and y on meta"),
    "a strange device": ((X.to("meta"), X.to("meta")), {}, TypeError, "tensors are on meta"),
}


@pytest.mark.parametrize(("tensors", "options", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(tensors, options, error, message):
    for measure in (soft_mutual_information, soft_normalized_mutual_information, soft_counts):
        with pytest.raises(error, match=message):
            measure(*tensors, **options)


@pytest.mark.parametrize("base", [0, 1, "e"])
def test_refused_bases(base):
    with pytest.raises((ValueError, TypeError), match="accepted are None"):
        soft_mutual_information(X, X, base=base)


def test_a_backend_that_works_elsewhere_is_refused(monkeypatch):
    require("cupy")
    monkeypatch.setenv("FASTINFO_BACKEND", "cupy")
    with pytest.raises(TypeError, match="backend 'cupy', which cannot read tensors of the CPU"):
        counter_of(X)


@pytest.mark.skipif(ON_GPU, reason="there is a GPU here")
def test_tensors_of_a_device_go_to_its_kernels_on_torch_s_stream(monkeypatch):
    """With a stand-in, for torch has no device here."""
    require("cupy")
    device = torch.device("cuda", 1)
    tensor = type("Tensor", (), {"__module__": "torch", "device": device})()
    streams = {device: SimpleNamespace(cuda_stream=STREAM)}
    monkeypatch.setattr(torch.cuda, "current_stream", streams.get)
    monkeypatch.setenv("FASTINFO_BACKEND", "numpy")  # which is about the host alone
    counter = counter_of(tensor)
    assert isinstance(counter, soft_count.DeviceCounter)
    assert counter.kernels.device.number == 1
    samples = torch.rand(2, 30)
    limits = torch.tensor([[0.0, 1.0]] * 2, dtype=torch.float64)
    bins = soft_count.SoftBins(5, None, "bspline")
    n_before = len(counter.kernels.device.streams)
    found = counter.count(soft_count.Pairs(samples, samples, limits, limits, None, bins, bins))
    assert set(counter.kernels.device.streams[n_before:]) == {STREAM}
    torch.testing.assert_close(found, soft_counts(samples, samples, bins=5, range=(0, 1)))
    with counter.kernels.current():
        assert counter.kernels.device.current_number() == 1
    assert counter.kernels.device.current_number() == 0


def test_the_loss_refuses_at_once():
    with pytest.raises(ValueError, match="bins=2"):
        MutualInformationLoss(bins=2)
    with pytest.raises(ValueError, match="reduction='max'; accepted are 'mean', 'sum', 'none'"):
        MutualInformationLoss(reduction="max")
    with pytest.raises(ValueError, match=r"y has shape \(3, 4\) and x \(12,\)"):
        MutualInformationLoss()(X, X.reshape(3, 4))


def test_the_loss_tells_its_options():
    assert "bins=8" in repr(MutualInformationLoss(bins=8))


def test_without_torch_the_error_says_what_to_install(tmp_path):
    broken = tmp_path / "torch"
    broken.mkdir()
    (broken / "__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')", "utf-8"
    )
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import fastinfo.torch"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[1],
    )
    assert "ImportError: fastinfo.torch needs PyTorch" in done.stderr
    assert "pip install torch" in done.stderr


def test_the_page_is_true():
    """What the blocks of docs/torch.md print is what stands there."""
    page = Path(__file__).parents[1] / "docs" / "torch.md"
    with torch.device("cpu"):
        found = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert found.attempted > 20
    assert found.failed == 0
    names = set(
        re.findall(r"`([a-z]+_[a-z_]+|[A-Z]\w+(?:Loss|LR|Plane))`", page.read_text("utf-8"))
    )
    options = {"sample_weight"}
    assert names - options <= set(fastinfo.torch.__all__) | {"GlobalMutualInformationLoss"}
