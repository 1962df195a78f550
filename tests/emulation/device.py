"""A device that runs kernels on the processor, stricter about arguments than CUDA is."""

import ctypes
import os
import re
import threading
from contextlib import contextmanager

import numpy as np
from emulation import arrays, build

from fastinfo.backends.cupy import sources, structs
from fastinfo.backends.cupy.device import Properties

SEED = int(os.environ.get("FASTINFO_EMULATION_SEED", "0"))
"""Which schedules are drawn."""

SMALL = Properties(
    name="emulated",
    capability=(9, 0),
    multiprocessors=2,
    threads_per_multiprocessor=512,
    shared_bytes_per_block=48 << 10,
    shared_bytes_per_multiprocessor=64 << 10,
)


class LateCopier:
    """A copy takes place when it is waited for: who does not wait sees the buffer overwritten."""

    def __init__(self, buffer_bytes):
        self._buffers = [np.zeros(buffer_bytes, np.uint8) for _ in range(2)]
        self._started = [None, None]

    def begin(self):
        """Whatever was launched is done."""

    def end(self):
        """The last moment at which copies may take place."""
        self.wait(0)
        self.wait(1)

    def wait(self, lane):
        """Do what was started."""
        if self._started[lane] is not None:
            target, n_bytes = self._started[lane]
            target.host.view(np.uint8)[:] = self._buffers[lane][:n_bytes]
            self._started[lane] = None

    def buffer(self, lane):
        """The memory itself."""
        return self._buffers[lane]

    def start(self, lane, target, n_bytes):
        """Remember it."""
        self._started[lane] = target, n_bytes


class Streams(threading.local):
    """The streams that are current in a thread, by device; 0 is the default stream of any."""

    def __init__(self):
        self.given = []

    def of(self, device):
        """The last one that was made current on a device."""
        return next((stream for on, stream in reversed(self.given) if on == device), 0)


STREAMS = Streams()


class EmulatedDevice:
    """What `fastinfo.backends.cupy.device.Device` asks for."""

    library = "cupy, emulated"

    def __init__(self, properties=SMALL, seed=SEED, edited=None, number=0):
        self.number = number
        self.xp = arrays.namespace
        self.properties = properties
        self.launches = []
        """Family and kernel of everything that was launched."""
        self.streams = []
        """The stream of each launch."""
        self._seed = seed
        self._edited = edited or (lambda text: text)
        self._library = build.library if edited is None else self._edited_library

    def _edited_library(self, family):
        return build.library(family, self._edited)

    def launch(self, family, kernel, grid, block, arguments, shared_bytes=0):
        """Run a kernel, once its arguments are seen to be what it takes."""
        if kernel not in sources.FAMILIES[family].kernels:
            raise LookupError(f"{kernel} is not among the kernels of {family} in sources.FAMILIES")
        if sources.FAMILIES[family].capability > self.properties.capability:
            raise LookupError(f"{family} needs more than {self.properties.capability}")
        grid, block = _three(grid), _three(block)
        if shared_bytes > self.properties.shared_bytes_per_block or np.prod(block) > 1024:
            raise ValueError(f"a block of {block} with {shared_bytes} bytes does not fit")
        if min(grid) < 1 or min(block) < 1 or max(grid[1:]) >= 1 << 16 or grid[0] >= 1 << 31:
            raise ValueError(f"no grid: {grid} of {block}")
        library = self._library(family)
        wanted = library.emulated_signature(kernel.encode()).decode().split()
        if len(wanted) != len(arguments):
            raise TypeError(f"{kernel} takes {len(wanted)} arguments; {len(arguments)} came")
        if self.current_number() != self.number:
            raise RuntimeError(f"{kernel} on device {self.number} while another one is current")
        held = [
            _argument(value, type_, f"argument {place} of {kernel}")
            for place, (value, type_) in enumerate(zip(arguments, wanted, strict=True))
        ]
        pointers = (ctypes.c_void_p * len(held))(*(ctypes.addressof(value) for value in held))
        self.launches.append((family, kernel))
        self.streams.append(STREAMS.of(self.number))
        self._seed += 1
        error = library.emulated_launch(
            kernel.encode(),
            (ctypes.c_uint * 3)(*grid),
            (ctypes.c_uint * 3)(*block),
            ctypes.c_ulonglong(shared_bytes),
            ctypes.c_ulonglong(self._seed),
            pointers,
        )
        if error:
            raise RuntimeError(f"{kernel}: {error.decode()}")

    def current_number(self):
        """That of this thread."""
        return arrays.current()

    def copier(self, buffer_bytes):
        """Lanes that copy as late as they may."""
        return LateCopier(buffer_bytes)

    def free_bytes(self):
        """What `arrays.MEMORY` has left: enough for tests that set no limit."""
        return arrays.MEMORY.free_bytes()

    def current(self):
        """For this thread alone, as CuPy does it."""
        return arrays.on(self.number)

    def current_stream(self):
        """That of this thread."""
        return STREAMS.of(self.number)

    @contextmanager
    def on_stream(self, pointer):
        """The device and its stream, for this thread alone."""
        with self.current():
            STREAMS.given.append((self.number, pointer))
            try:
                yield
            finally:
                STREAMS.given.pop()


def _three(size):
    size = (size,) if isinstance(size, int) else tuple(size)
    return size + (1,) * (3 - len(size))


def _argument(value, wanted, name):
    """Memory that holds an argument, which is of the type that the kernel takes."""
    if isinstance(value, tuple):
        return _struct(value, wanted, name)
    if isinstance(value, arrays.DeviceArray):
        host = arrays.unwrap(value)
        if not host.flags.c_contiguous:
            raise TypeError(f"{name} is not contiguous")
        kind = "u" if host.dtype.kind == "b" else host.dtype.kind
        found = f"*{kind}{host.dtype.itemsize}"
        if wanted not in (found, "*any"):
            raise TypeError(f"{name} is {found}; the kernel takes {wanted}")
        return ctypes.c_void_p(host.ctypes.data)
    if not isinstance(value, np.generic):
        raise TypeError(
            f"{name} is a {type(value).__name__}; pass a NumPy scalar or a device array"
        )
    found = f"{value.dtype.kind}{value.dtype.itemsize}"
    if found != wanted:
        raise TypeError(f"{name} is {found}; the kernel takes {wanted}")
    return ctypes.create_string_buffer(value.tobytes(), value.dtype.itemsize)


def _struct(value, wanted, name):
    """The same of a struct, which has the fields of the kernel's one, each where that has it."""
    held = structs.by_value(value)
    fields = list(structs.fields(value))
    offsets = "".join(f"{field}@{offset};" for field, offset, _ in fields)
    found = f"{type(value).__name__}:{held.nbytes}:{offsets}"
    if found != re.sub("=.*?;", ";", wanted):
        raise TypeError(f"{name} is {found} the kernel takes {wanted}")
    for (field, _, inner), type_ in zip(fields, re.findall("=(.*?);", wanted), strict=True):
        _argument(inner, type_, f"{field} of {name}")
    return ctypes.create_string_buffer(held.tobytes(), held.nbytes)
