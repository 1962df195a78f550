"""What CuPy's arrays are to the launchers: NumPy's in a shell that refuses what CuPy refuses.

NumPy arrays do not mix with them, `numpy.asarray` of one raises, and fresh memory holds rubbish. An
array is made on the thread's current device, and nothing is computed of one on another, as between
devices that cannot read each other's memory; views and the way to the host do not compute.
"""

import gc
import threading
import weakref
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

RUBBISH = 0xA5

ATOMIC = ("int32", "uint32", "uint64", "float16", "float32", "float64")


MOST_POSITIONS = (1 << 31) - 1
"""Cells of an array of which several axes can be indexed by arrays, to be written to."""

chosen = threading.local()


def current():
    """The number of this thread's current device: the first one's where it has not chosen."""
    return getattr(chosen, "number", 0)


@contextmanager
def on(number):
    """Make a device this thread's current one."""
    before = current()
    chosen.number = number
    try:
        yield
    finally:
        chosen.number = before


class OutOfMemoryError(MemoryError):
    """What CuPy raises, as it does."""


class Memory:
    """The bytes that arrays have, counted from the moment at which a limit is set."""

    def __init__(self):
        self.limit = None
        self.taken = self.peak = 0
        self._known = set()
        self._lock = threading.RLock()

    @contextmanager
    def limited(self, n_bytes):
        """Let the arrays that are made from now on have so many bytes at a time."""
        gc.collect()
        self.limit, self.taken, self.peak = n_bytes, 0, 0
        self._known.clear()
        try:
            yield self
        finally:
            self.limit = None

    def free_bytes(self):
        """What is left; much without a limit."""
        return 1 << 30 if self.limit is None else self.limit - self.taken

    def take(self, host):
        """Count an array that owns its bytes, for as long as it lives."""
        if self.limit is None or not host.flags.owndata:
            return
        with self._lock:
            if id(host) in self._known:
                return
            if self.taken + host.nbytes > self.limit:
                raise OutOfMemoryError(f"{host.nbytes} bytes of {self.limit - self.taken}")
            self._known.add(id(host))
            self.taken += host.nbytes
            self.peak = max(self.peak, self.taken)
        weakref.finalize(host, self._give_back, id(host), host.nbytes)

    def _give_back(self, known, n_bytes):
        with self._lock:
            if known in self._known:  # and not of an earlier limit
                self._known.remove(known)
                self.taken -= n_bytes


MEMORY = Memory()


def unwrap(value):
    """The NumPy array in the shell, if it is one of the current device.

    A NumPy array without a shell is an error, as it is for CuPy.
    """
    if isinstance(value, DeviceArray):
        if value.number != current():
            raise ValueError(f"an array of device {value.number} while {current()} is current")
        return value.host
    if isinstance(value, np.ndarray):
        raise TypeError("a NumPy array came where an array of the device is needed")
    if isinstance(value, (tuple, list)):
        return type(value)(unwrap(item) for item in value)
    if isinstance(value, dict):
        return {key: unwrap(item) for key, item in value.items()}
    return value


def wrap(value):
    """NumPy's answer as CuPy would give it: scalars are arrays without axes."""
    if isinstance(value, (np.ndarray, np.generic)):
        return DeviceArray(np.asarray(value))
    if isinstance(value, (tuple, list)):
        return type(value)(wrap(item) for item in value)
    return value


def silently(function, arguments, options):
    """Call NumPy: on a GPU nobody warns of a division by zero."""
    with np.errstate(all="ignore"):
        return wrap(function(*unwrap(arguments), **unwrap(options)))


class DeviceArray(NDArrayOperatorsMixin):
    """An array that lives on an emulated device: the current one, unless it is told."""

    __module__ = "cupy"

    def __init__(self, host, number=None):
        MEMORY.take(host)
        self.host = host
        self.number = current() if number is None else number

    @property
    def data(self):
        """Where its memory begins."""
        return SimpleNamespace(ptr=self.host.ctypes.data)

    @property
    def device(self):
        """Where it was made."""
        return SimpleNamespace(id=self.number)

    def get(self):
        """A copy on the host."""
        return self.host.copy()

    def __array__(self, *_, **__):
        raise TypeError("implicit conversion to a NumPy array is not allowed; use .get()")

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        if self.host.dtype.kind in "iu":
            # NumPy answers comparisons with integers that are out of range; CuPy need not.
            np.array([i for i in inputs if type(i) is int], self.host.dtype)
        return silently(getattr(ufunc, method), inputs, options)

    def __array_function__(self, function, types, arguments, options):
        return silently(function, arguments, options)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self.host, name)
        if callable(found):
            return lambda *a, **o: self._seen(silently(found, a, o))
        return self._seen(wrap(found)) if isinstance(found, np.ndarray) else found

    def _seen(self, found):
        """What was made of this array: a view of it, or something computed."""
        if isinstance(found, DeviceArray) and (
            found.host.size == 0 or np.may_share_memory(found.host, self.host)
        ):
            return DeviceArray(found.host, self.number)
        unwrap(self)
        return found

    def __getitem__(self, key):
        found = wrap(self.host[unwrap(key)])
        if any(isinstance(k, (DeviceArray, list)) for k in (key if type(key) is tuple else (key,))):
            unwrap(self)
            return found
        return DeviceArray(found.host, self.number)

    def __setitem__(self, key, value):
        axes = key if type(key) is tuple else ()
        if sum(isinstance(k, DeviceArray) for k in axes) > 1 and self.size > MOST_POSITIONS:
            raise OverflowError("CuPy tells positions of several axes together in 32 bits")
        unwrap(self)[unwrap(key)] = unwrap(value)

    def __len__(self):
        return len(self.host)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __float__(self):
        return float(self.host)

    def __int__(self):
        return int(self.host)

    def __bool__(self):
        return bool(self.host)

    def __index__(self):
        return self.host.__index__()

    def __dlpack_device__(self):
        """The host: the emulated device's memory is there, as far as others can see."""
        return self.host.__dlpack_device__()

    def __dlpack__(self, **options):
        return self.host.__dlpack__(**options)

    def __repr__(self):
        return repr(self.host)


class Ufunc:
    """A function of elements, which has methods."""

    def __init__(self, host):
        self.host = host

    def __call__(self, *inputs, **options):
        return silently(self.host, inputs, options)

    def at(self, array, *inputs):
        """In place, repeated positions included, for what CUDA has atomic operations."""
        if array.host.dtype.name not in ATOMIC:
            raise TypeError(f"CuPy has no ufunc.at of {array.host.dtype}: only of {ATOMIC}")
        self.host.at(unwrap(array), *unwrap(inputs))


class Namespace:
    """The functions of NumPy that CuPy has too, over arrays of the device."""

    __name__ = "cupy"
    ndarray = DeviceArray

    def __getattr__(self, name):
        found = getattr(np, name)
        if isinstance(found, type) or not callable(found):
            return found
        if isinstance(found, np.ufunc):
            return Ufunc(found)
        return lambda *a, **o: silently(found, a, o)

    @staticmethod
    def asarray(values, dtype=None):
        """From the host, or from another device too: the one way onto the current one."""
        if isinstance(values, DeviceArray) and values.number == current():
            return DeviceArray(np.asarray(values.host, dtype))
        if isinstance(values, DeviceArray):
            values = values.get()
        return DeviceArray(np.array(values, dtype))

    @staticmethod
    def from_dlpack(tensor):
        """The memory of a tensor, which stands for one of the device; CuPy refuses NumPy's."""
        if isinstance(tensor, np.ndarray) or not hasattr(tensor, "__dlpack__"):
            raise TypeError(f"a {type(tensor).__name__} came where a tensor is needed")
        return DeviceArray(np.from_dlpack(tensor))

    @staticmethod
    def sort(values, axis=-1):
        """In order; one row of floats goes by their bits, in which NaN with a sign comes first."""
        if values.ndim > 1 or values.dtype.kind != "f":
            return silently(np.sort, (values,), {"axis": axis})
        host = unwrap(values)
        last = 1 + np.isnan(host) * np.copysign(1.0, host)
        return DeviceArray(host[np.lexsort([host, last])])

    @staticmethod
    def asnumpy(values):
        """To the host."""
        return values.get() if isinstance(values, DeviceArray) else np.asarray(values)

    @staticmethod
    def empty(shape, dtype=float):
        """Memory with rubbish in it."""
        host = np.empty(shape, dtype)
        host.reshape(-1).view(np.uint8)[:] = RUBBISH
        return DeviceArray(host)


namespace = Namespace()
