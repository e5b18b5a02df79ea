"""Compiling a Python function to machine code."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile when first called, and keep the machine code on disk where that is possible.

    The code frees Python's lock: callers spread work over threads of their own, since numba's would
    not outlive a fork of the process.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        return cast(F, njit(function, cache=True, **options))
    except RuntimeError:  # no writable place for a cache
        return cast(F, njit(function, **options))
