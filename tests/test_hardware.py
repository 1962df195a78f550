"""What is asked of CuPy about a GPU, of a stand-in that tells what CuPy 14.2 tells."""

import importlib.util
import sys
from types import SimpleNamespace

import pytest

from fastinfo.backends import cupy as backend
from fastinfo.backends.cupy.device import Properties

PROPERTIES = {
    "name": b"NVIDIA H100 80GB HBM3",
    "major": 9,
    "minor": 0,
    "multiProcessorCount": 132,
    "maxThreadsPerMultiProcessor": 2048,
    "sharedMemPerBlock": 49152,
    "sharedMemPerBlockOptin": 232448,
    "sharedMemPerMultiprocessor": 233472,
}
"""Some of what ``getDeviceProperties`` tells."""

ATTRIBUTES = {
    "MultiProcessorCount": 132,
    "MaxThreadsPerMultiProcessor": 2048,
    "MaxSharedMemoryPerBlock": 49152,
    "MaxSharedMemoryPerBlockOptin": 232448,
    "MaxSharedMemoryPerMultiprocessor": 233472,
}
"""Some of ``Device.attributes``, which have no compute capability."""


@pytest.fixture
def hardware(monkeypatch):
    """The module over the stand-in; the one that others import stays as it is."""
    runtime = SimpleNamespace(getDeviceProperties=lambda number: PROPERTIES)
    device = SimpleNamespace(attributes=ATTRIBUTES, compute_capability="90")
    cuda = SimpleNamespace(runtime=runtime, Device=lambda number: device)
    monkeypatch.setitem(sys.modules, "cupy", SimpleNamespace(cuda=cuda, __version__="14.2.0"))
    spec = importlib.util.find_spec(f"{backend.__name__}.hardware")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_gpu_tells_what_planning_needs_to_know(hardware):
    assert hardware.Hardware(0).properties == Properties(
        name="NVIDIA H100 80GB HBM3",
        capability=(9, 0),
        multiprocessors=132,
        threads_per_multiprocessor=2048,
        shared_bytes_per_block=232448,
        shared_bytes_per_multiprocessor=233472,
    )
