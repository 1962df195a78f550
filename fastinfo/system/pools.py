"""Whether this call is one of many tasks, which share the cores of the machine already.

A task of Dask, of joblib or of a pool of processes has neighbours that do the same. If each of them
took all cores, there would be cores² threads. Libraries are asked only where they are loaded.
"""

from __future__ import annotations

import sys
import threading
from typing import Any


def is_task() -> bool:
    """Whether a pool of processes, Dask or joblib called."""
    return _in_child_process() or _in_dask() or _in_joblib()


def _in_child_process() -> bool:
    """Whether multiprocessing started this process: so do pools, and the workers of most others."""
    module: Any = sys.modules.get("multiprocessing.process")
    return module is not None and module.parent_process() is not None


def _in_dask() -> bool:
    """Whether this thread runs a task of a `distributed` worker, or of the threaded scheduler."""
    worker: Any = sys.modules.get("distributed.worker")
    if hasattr(getattr(worker, "thread_state", None), "execution_state"):
        return True
    # That scheduler's threads belong to an executor without a name of its own.
    name = threading.current_thread().name
    return "dask.threaded" in sys.modules and name.startswith("ThreadPoolExecutor-")


def _in_joblib() -> bool:
    """Whether joblib called, on a thread or in a process; within it calls are nested."""
    module: Any = sys.modules.get("joblib.parallel")
    if module is None:
        return False
    backend, _ = module.get_active_backend()
    return bool(getattr(backend, "nesting_level", 0))
