"""Knapsack files: the plain layout of one resource, and OR-Library's of several.

Plain: ``n capacity``, then a line ``profit weight`` for each of `n` items. Some collections add
the bits of a solution at the end.

OR-Library (``mknap1.txt``, ``mknapcb1.txt``): the number of instances, and for each of them
``n m best`` (0 where the best profit is not known), `n` profits, `m` rows of `n` weights, and `m`
capacities, over any line breaks. A file with a single instance may leave the first number out.

Both are told apart by the number of cells in the first line: two, one or three. Files of Pisinger's
generator (`pisinger`) begin with a name.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qopt.errors import ParseError
from qopt.forms.program import tolerance

from . import pisinger
from .plain_numbers import PlainNumbers, choose, first_line_cells


@dataclass(frozen=True, eq=False)
class KnapsackFile:
    """What a knapsack file says.

    Parameters
    ----------
    profits : ndarray of float64, shape (n,)
    weights : ndarray of float64, shape (m, n)
    capacities : ndarray of float64, shape (m,)
    best : float, optional
        The best known profit.
    of : int
        How many instances the file holds.
    name : str
        Empty where the file has none.
    """

    profits: NDArray[np.float64]
    weights: NDArray[np.float64]
    capacities: NDArray[np.float64]
    best: float | None = None
    of: int = 1
    name: str = ""


def read_knapsack(path: Path, instance: int = 1) -> KnapsackFile:
    """Read a knapsack file.

    Raises
    ------
    ParseError
        Where the file is cut short or goes on, a number is missing, negative or none, or there is
        no such instance; the line is named.
    """
    with path.open(encoding="utf-8-sig", errors="replace") as stream:
        head = stream.read(4096)
    if pisinger.recognises(path.name, head):
        return _pisinger(path, instance)
    numbers = PlainNumbers.read(path)
    width = first_line_cells(numbers)
    if width == 2:
        choose(path, 1, instance)
        return _plain(numbers)
    if width not in (1, 3):
        raise ParseError(
            path, "expected 'n capacity' (one resource), 'n m best' (OR-Library) or the number of "
            f"OR-Library instances, got {width} values", numbers.line,
        )
    count = numbers.count("the number of instances") if width == 1 else 1
    wanted = choose(path, count, instance)
    found = [_orlib(numbers, count) for _ in range(count)]
    numbers.end(f"the {'last' if count > 1 else 'only'} instance")
    return found[wanted]


def _pisinger(path: Path, instance: int) -> KnapsackFile:
    blocks = pisinger.read_blocks(path)
    block = blocks[choose(path, len(blocks), instance)]
    profits, weights = np.array(block.items).T
    return KnapsackFile(
        profits, weights[None, :], np.array([block.capacity]), block.best, len(blocks), block.name
    )


def _plain(numbers: PlainNumbers) -> KnapsackFile:
    n = numbers.count("the number of items")
    capacity = numbers.number("the capacity")
    numbers.need(2 * n, f"the profit and weight of {n} items")
    rows = []
    for i in range(n):
        line = numbers.line
        rows.append((numbers.number(f"the profit of item {i + 1}"),
                     numbers.number(f"the weight of item {i + 1}")))
        if line is not None and len(numbers.row(line)) != 2:
            raise ParseError(
                numbers.path, f"expected 'profit weight' of item {i + 1}, got "
                f"{len(numbers.row(line))} values", line,
            )
    profits, weights = np.array(rows).T
    best = _solution(numbers, profits, weights, capacity) if numbers.left else None
    return KnapsackFile(profits, weights[None, :], np.array([capacity]), best)


def _solution(
    numbers: PlainNumbers, profits: NDArray[np.float64], weights: NDArray[np.float64],
    capacity: float,
) -> float:
    """Profit of the solution that stands behind the items."""
    n = len(profits)
    if numbers.left != n:
        numbers.fail(
            f"after {n} items the file goes on with {numbers.left} values, neither nothing nor the "
            f"{n} bits of a solution"
        )
    line = numbers.line
    taken = np.array(numbers.wholes(n, "bit {} of the solution", 0, 1)) == 1
    if weights[taken].sum() > capacity + tolerance(capacity):
        raise ParseError(
            numbers.path, f"the solution weighs {weights[taken].sum():g}, over the capacity "
            f"{capacity:g}", line,
        )
    return float(profits[taken].sum())


def _orlib(numbers: PlainNumbers, count: int) -> KnapsackFile:
    n = numbers.count("the number of items")
    m = numbers.count("the number of resources")
    best = numbers.number("the best known profit")
    profits = np.array(numbers.numbers(n, "the profit of item {}"))
    numbers.need(n * m + m, f"{n * m} weights and {m} capacities")
    weights = np.array(
        [numbers.numbers(n, f"the weight of item {{}} on resource {k + 1}") for k in range(m)]
    )
    capacities = np.array(numbers.numbers(m, "the capacity of resource {}"))
    return KnapsackFile(profits, weights, capacities, best or None, count)
