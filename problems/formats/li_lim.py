"""Pickup and delivery with time windows as H. Li and A. Lim laid it out.

A line ``vehicles capacity speed``, then rows ``task x y demand early late service pickup
delivery``; task 0 is the depot. The row of a pickup names its delivery and the other way round,
with opposite demands. Source: H. Li and A. Lim, "A metaheuristic for the pickup and delivery
problem with time windows", International Journal on Artificial Intelligence Tools 12 (2003).
"""

from dataclasses import dataclass
from pathlib import Path

from qopt.errors import ParseError

from .graph_data import lines_of
from .solomon import Customer
from .tsplib_file import number_of, whole_of


@dataclass(frozen=True)
class LiLimFile:
    """What a file says.

    Parameters
    ----------
    vehicles : int
    capacity, speed : float
        Distance that is driven in a unit of time.
    tasks : tuple of Customer
        The depot first; the demand of a delivery is negative.
    pairs : tuple of (int, int)
        Tasks of each pickup and its delivery.
    """

    vehicles: int
    capacity: float
    speed: float
    tasks: tuple[Customer, ...]
    pairs: tuple[tuple[int, int], ...]


def recognises(name: str, head: str) -> bool:
    """Whether a file has this layout: three numbers, then rows of nine that begin with 0."""
    rows = [line.split() for line in head.lstrip("\ufeff").splitlines() if line.strip()]
    if len(rows) < 2 or len(rows[0]) != 3 or len(rows[1]) != 9 or rows[1][0] != "0":
        return False
    return all(_is_number(cell) for row in rows[:2] for cell in row)


def read_li_lim(path: Path) -> LiLimFile:
    """Read a file.

    Raises
    ------
    ParseError
        With file and line, for a row with another number of columns, tasks that are not numbered
        0, 1, 2, ..., a number that is not finite, a window that closes before it opens, or a
        pickup and delivery that do not name each other with opposite demands.
    """
    rows = [(line, text.split()) for line, text in lines_of(path) if text.strip("\x1a")]
    if not rows or len(rows[0][1]) != 3:
        raise ParseError(path, "a first line 'vehicles capacity speed' was expected",
                         rows[0][0] if rows else None)
    line, cells = rows[0]
    vehicles, (capacity, speed) = whole_of(path, line, cells[0]), (
        number_of(path, line, cell) for cell in cells[1:]
    )
    if vehicles < 1 or capacity < 0 or speed <= 0:
        raise ParseError(path, "at least one vehicle, a capacity of at least 0 and a speed above 0 "
                               f"are needed, got {' '.join(cells)!r}", line)
    tasks, partners = [], []
    for index, (number, cells) in enumerate(rows[1:]):
        task, partner = _task(path, index, number, cells)
        tasks.append(task)
        partners.append(partner)
    if len(tasks) < 3:
        raise ParseError(path, "a depot, a pickup and a delivery are needed", rows[-1][0])
    pairs = _pairs(path, [line for line, _ in rows[1:]], tasks, partners)
    return LiLimFile(vehicles, capacity, speed, tuple(tasks), pairs)


def _task(path: Path, index: int, line: int, cells: list[str]) -> tuple[Customer, tuple[int, int]]:
    if len(cells) != 9:
        raise ParseError(path, "9 columns were expected (task x y demand early late service pickup "
                               f"delivery), got {len(cells)}", line)
    number = whole_of(path, line, cells[0])
    if number != index:
        raise ParseError(path, f"task {index} was expected, got {number}", line)
    task = Customer(*(number_of(path, line, cell) for cell in cells[1:7]))
    if task.service < 0 or not 0 <= task.early <= task.late:
        raise ParseError(
            path, f"task {number} has service time {task.service:g} and the window {task.early:g} "
            f"to {task.late:g}; none may be negative, nor the window end before its start", line,
        )
    return task, (whole_of(path, line, cells[7]), whole_of(path, line, cells[8]))


def _pairs(
    path: Path, lines: list[int], tasks: list[Customer], partners: list[tuple[int, int]]
) -> tuple[tuple[int, int], ...]:
    if tasks[0].demand or tasks[0].service or partners[0] != (0, 0):
        raise ParseError(path, "the depot, task 0, has a demand, a service time or a partner; all "
                               "must be 0", lines[0])
    pairs = []
    for number in range(1, len(tasks)):
        pickup, delivery = partners[number]
        other = max(pickup, delivery)
        mirrored = (number, 0) if delivery else (0, number)
        if (
            min(pickup, delivery) != 0
            or not 0 < other < len(tasks)
            or partners[other] != mirrored
            or tasks[other].demand != -tasks[number].demand
            or tasks[number].demand * (1 if delivery else -1) < 0
        ):
            raise ParseError(
                path, f"task {number} must be the pickup of one other task or its delivery, whose "
                "row says the same with the opposite demand", lines[number],
            )
        if delivery:
            pairs.append((number, delivery))
    return tuple(pairs)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
