"""What the lowerings of several problems share."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import UnsupportedError
from qopt.forms import FORMS, Form, Lowering
from qopt.options import check_options

WHOLE = 1e-6
"""Distance from a whole number within which a solver's float stands for it."""

NEITHER = -1
"""What `bits` makes of a value that is neither 0 nor 1."""


class HasKind(Protocol):
    """A problem that says its kind."""

    @property
    def kind(self) -> str:
        """Name of the problem in the registry."""
        ...


def lower_with(
    problem: HasKind, form: type[Form], options: Mapping[str, Any]
) -> Lowering[Any]:
    """Call a problem's ``to_qubo``, ``to_program`` and so on with checked options.

    Raises
    ------
    UnsupportedError
        Where the problem has no such method.
    UsageError
        For an unknown option, or a value that does not fit.
    """
    names = {each: name for name, each in FORMS.items()}
    ways: dict[str, Callable[..., Lowering[Any]]] = {
        name: getattr(problem, f"to_{name}") for name in FORMS if hasattr(problem, f"to_{name}")
    }
    name = names.get(form, str(form))
    if name not in ways:
        raise UnsupportedError(f"{problem.kind} gives {', '.join(ways)}, not {name}")
    checked = check_options(ways[name], options, f"the lowering of {problem.kind} to {name}")
    return ways[name](**checked)


def bits(values: ArrayLike) -> NDArray[np.int8]:
    """A solver's vector as bits, shape (n,): floats that are not whole become `NEITHER`."""
    x = np.asarray(values, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        near = np.rint(x)
        good = (np.abs(x - near) <= WHOLE) & (near >= 0) & (near <= 1)
    return np.where(good, near, NEITHER).astype(np.int8)
