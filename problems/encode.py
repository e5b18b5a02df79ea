"""What the lowerings of several problems share."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qopt.errors import UnsupportedError, UsageError
from qopt.forms import FORMS, Form, Lowering
from qopt.options import check_options

WHOLE = 1e-6
"""Distance from a whole number within which a solver's float stands for it."""

_MOST = 2.0**53
"""Below it every whole number is a float."""

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


def whole_answer(values: NDArray[Any], what: str) -> NDArray[np.int64]:
    """An answer in whole numbers, as it is.

    Raises
    ------
    UsageError
        For a value that is none, or too large to be one; `what` says what is counted.
    """
    x = np.asarray(values, dtype=np.float64)
    wrong = x[~(np.abs(x) < _MOST) | (x != np.rint(x))]
    if len(wrong):
        raise UsageError(f"{what} must be whole numbers, got {wrong[0]:g}")
    return x.astype(np.int64)


def one_of(values: ArrayLike, offered: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """The choice of each row of a one-hot answer, shape (rows,); `NEITHER` where it has not one.

    Parameters
    ----------
    values : array-like
        A solver's vector; it begins with one bit for each choice of each row, row by row.
    offered : sequence of sequence of int
        The choices of each row.
    """
    sizes = [len(row) for row in offered]
    x = bits(np.asarray(values, dtype=np.float64)[: sum(sizes)])
    chosen = np.full(len(offered), NEITHER, dtype=np.int64)
    start = 0
    for k, row in enumerate(offered):
        part = x[start : start + len(row)]
        if (part >= 0).all() and (part == 1).sum() == 1:
            chosen[k] = row[int(np.argmax(part))]
        start += len(row)
    return chosen


def choices(
    chosen: Sequence[int] | NDArray[np.int64], offered: Sequence[Sequence[int]], what: str
) -> NDArray[np.float64]:
    """The one-hot bits of a choice for each row: the way back from `one_of`.

    Raises
    ------
    UsageError
        Where a choice is not among those offered; `what` says what they are.
    """
    parts = []
    for k, (choice, row) in enumerate(zip(chosen, offered, strict=True)):
        if choice >= 0 and choice not in row:
            raise UsageError(
                f"the model offers entry {k + 1} no {what} beyond {max(row) + 1}, and the answer "
                f"takes {int(choice) + 1}"
            )
        parts.append(np.array([float(choice == item) for item in row]))
    return np.concatenate(parts)


def renumbered(
    labels: NDArray[np.int64], order: Sequence[int] | NDArray[np.int64]
) -> NDArray[np.int64]:
    """Labels renumbered 0, 1, ... by their first appearance along `order`; `NEITHER` stays."""
    new: dict[int, int] = {}
    out = np.full(len(labels), NEITHER, dtype=np.int64)
    for i in order:
        if labels[i] >= 0:
            out[i] = new.setdefault(int(labels[i]), len(new))
    return out
