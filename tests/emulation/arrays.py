"""What CuPy's arrays are to the launchers: NumPy's in a shell that refuses what CuPy refuses.

NumPy arrays do not mix with them, `numpy.asarray` of one raises, and fresh memory holds rubbish.
"""

import gc
import threading
import weakref
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

RUBBISH = 0xA5


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
    """The NumPy array in the shell; a NumPy array without one is an error, as it is for CuPy."""
    if isinstance(value, DeviceArray):
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
    """An array that lives on the emulated device."""

    __module__ = "cupy"

    def __init__(self, host):
        MEMORY.take(host)
        self.host = host

    @property
    def data(self):
        """Where its memory begins."""
        return SimpleNamespace(ptr=self.host.ctypes.data)

    @property
    def device(self):
        """The only device."""
        return SimpleNamespace(id=0)

    def get(self):
        """A copy on the host."""
        return self.host.copy()

    def __array__(self, *_, **__):
        raise TypeError("implicit conversion to a NumPy array is not allowed; use .get()")

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return silently(getattr(ufunc, method), inputs, options)

    def __array_function__(self, function, types, arguments, options):
        return silently(function, arguments, options)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self.host, name)
        if callable(found):
            return lambda *a, **o: silently(found, a, o)
        return wrap(found) if isinstance(found, np.ndarray) else found

    def __getitem__(self, key):
        return wrap(self.host[unwrap(key)])

    def __setitem__(self, key, value):
        self.host[unwrap(key)] = unwrap(value)

    def __len__(self):
        return len(self.host)

    def __iter__(self):
        return (wrap(part) for part in self.host)

    def __float__(self):
        return float(self.host)

    def __int__(self):
        return int(self.host)

    def __bool__(self):
        return bool(self.host)

    def __index__(self):
        return self.host.__index__()

    def __dlpack__(self, **_):
        raise NotImplementedError("the emulated device has no memory that others could see")

    def __repr__(self):
        return repr(self.host)


class Ufunc:
    """A function of elements, which has methods."""

    def __init__(self, host):
        self.host = host

    def __call__(self, *inputs, **options):
        return silently(self.host, inputs, options)

    def at(self, array, *inputs):
        """In place, repeated positions included."""
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
        """From the host too: the one way onto the device."""
        if isinstance(values, DeviceArray):
            return DeviceArray(np.asarray(values.host, dtype))
        return DeviceArray(np.array(values, dtype))

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
