"""Job-shop files in the standard layout of Taillard and JSPLIB.

Lines that begin with ``#`` are comments. The first line is ``jobs machines``; then each job has a
line of pairs ``machine duration`` in the order in which it visits the machines, counted from 0.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qopt.errors import ParseError

from .plain_numbers import PlainNumbers, first_line_cells

LONGEST = 10**9
"""Largest duration, so that every sum of them is exact."""


def read_job_shop(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Machines and durations of a job-shop file, each of shape (jobs, machines).

    Raises
    ------
    ParseError
        Where the file is cut short or goes on, a number is missing, negative or none, a row has the
        wrong length, or a job does not visit every machine once; the line is named.
    """
    numbers = PlainNumbers.read(path, ("#",))
    if first_line_cells(numbers) != 2:
        raise ParseError(path, "expected 'jobs machines' in the first line", numbers.line)
    jobs = numbers.count("the number of jobs")
    count = numbers.count("the number of machines")
    numbers.need(2 * jobs * count, f"{count} pairs 'machine duration' of each of {jobs} jobs")
    machines, durations = [], []
    for j in range(jobs):
        line = numbers.line or 0
        cells = len(numbers.row(line))
        if cells != 2 * count:
            raise ParseError(
                path, f"job {j + 1} needs {count} pairs 'machine duration' in a line, got {cells} "
                "values", line,
            )
        pairs = [
            (numbers.whole(f"a machine of job {j + 1}", 0, count - 1),
             numbers.whole(f"a duration of job {j + 1}", 0, LONGEST))
            for _ in range(count)
        ]
        visited = [machine for machine, _ in pairs]
        twice = [m for m in visited if visited.count(m) > 1]
        if twice:
            raise ParseError(path, f"job {j + 1} visits machine {twice[0]} twice", line)
        machines.append(visited)
        durations.append([duration for _, duration in pairs])
    numbers.end(f"{jobs} jobs")
    return np.array(machines, dtype=np.int64), np.array(durations, dtype=np.int64)
