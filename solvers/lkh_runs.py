"""Runs of LKH in a process of its own: reads JSON from its input, writes a tour a line.

elkai holds Python's lock while LKH searches and cannot be interrupted, so that a run with limits
has to be a process that can be ended. Started as a script; it imports nothing of this package.
"""

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

RUNS = 10
"""Runs where the budget does not say how many trials."""

QUICK: tuple[list[str], ...] = (["SUBGRADIENT = NO"], [])
"""Further parameters of the first runs, of one trial: an answer at once, a good one soon after."""


_SHARE = 0.9
"""Share of the time that is left after which a run should come to its end by itself."""


def trials_of_runs(evaluations: int | None, full: int) -> Iterator[int]:
    """How many trials each run makes, of `evaluations` in all; a full run makes `full`."""
    left = evaluations if evaluations is not None else 2 + (RUNS - 2) * full
    run = 0
    while left > 0:
        trials = min(left, 1 if run < len(QUICK) else full)
        yield trials
        left, run = left - trials, run + 1


def parameters(run: int, trials: int, seed: int, seconds: float | None) -> str:
    """LKH's parameters of a run, with the seconds that are left for it."""
    lines = ["RUNS = 1", f"SEED = {1 + (seed + run) % 2**31}", f"MAX_TRIALS = {trials}"]
    if run < len(QUICK):
        lines += QUICK[run]
    elif seconds is not None:
        lines.append(f"TIME_LIMIT = {max(0.0, _SHARE * seconds):.3f}")
    # LKH reads its parameters up to this one; the problem comes from memory.
    return "\n".join([*lines, "PROBLEM_FILE = :stdin:", ""])


def main() -> None:
    """Run what the input asks for."""
    from elkai import _elkai

    begin = time.perf_counter()
    task: dict[str, Any] = json.load(sys.stdin)
    for run, trials in enumerate(trials_of_runs(task["evaluations"], task["trials"])):
        left = task["seconds"]
        if left is not None:
            left -= time.perf_counter() - begin
        text = parameters(run, trials, task["seed"], left)
        tour = _elkai.solve_problem(text, task["problem"])
        print(json.dumps([node - 1 for node in tour]), flush=True)


if __name__ == "__main__":
    main()
