"""Where arrays are: one question, asked of their types, with one answer."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import require
from emulation.device import EmulatedDevice

import fastinfo
from fastinfo.backends.cupy import CupyHome, CupyKernels, discovery
from fastinfo.backends.home import HOST, home_of


def stranger(module, **attributes):
    """An object of a library."""
    return type("Thing", (), {"__module__": module, **attributes})()


@pytest.mark.parametrize(
    "thing",
    [
        *(None, [1, 2], "text", np.zeros(3), np.ma.zeros(2)),
        stranger("torch", device=SimpleNamespace(type="cpu", index=None)),
        stranger("torch", device=SimpleNamespace(type="mps", index=0)),
        stranger("torch.nn.modules.linear"),  # no tensor, and no device
        stranger("jaxlib._jax", device=SimpleNamespace(id=0)),
    ],
    ids=lambda thing: type(thing).__module__,
)
def test_all_else_is_on_the_host(thing):
    assert home_of(thing) is HOST


@pytest.fixture
def there():
    """An array on a device."""
    return require("cupy")().bring(np.arange(5))


def test_arrays_of_a_derived_type_are_where_those_of_its_base_are(there):
    kind = type("Derived", (stranger("cupy").__class__,), {"device": there.device})
    assert kind.__module__ == __name__
    assert home_of(kind()).place == home_of(there).place != HOST.place


def test_the_host_takes_arrays_from_a_device(there):
    back = HOST.bring(there)
    assert type(back) is np.ndarray
    assert back.tolist() == [0, 1, 2, 3, 4]
    same = np.zeros(3)
    assert HOST.bring(same) is HOST.bring_or_stream(same) is HOST.to_host(same) is same


def test_kernels_at_another_home_are_of_the_same_kind(there):
    kernels = require("cupy")()
    assert kernels.at(kernels.home) is kernels
    home = CupyHome(kernels.device, 5)
    other = kernels.at(home)
    assert (other.home, type(other)) == (home, CupyKernels)
    assert kernels.home is not home


def test_a_tensor_on_a_device_that_is_of_no_use_is_told_with_the_reason(monkeypatch):
    old = EmulatedDevice(number=0)
    old.properties = old.properties._replace(name="An Old One", capability=(7, 0))
    monkeypatch.setattr(discovery, "devices", lambda: (old,))
    torch = SimpleNamespace(
        cuda=SimpleNamespace(current_stream=lambda _: SimpleNamespace(cuda_stream=0))
    )
    monkeypatch.setitem(sys.modules, "torch", torch)
    tensor = stranger("torch", device=SimpleNamespace(type="cuda", index=0))
    with pytest.raises(ImportError, match=r"^backend 'cupy' cannot be used: .*An Old One has 7\.0"):
        fastinfo.entropy(tensor)


def test_no_library_is_imported_to_look():
    code = (
        "import sys; from fastinfo.backends.home import home_of; home_of([1]), home_of(sys);"
        "print(sorted({'cupy', 'torch', 'fastinfo.backends.cupy'} & set(sys.modules)))"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.strip() == "[]"
