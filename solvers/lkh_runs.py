"""Runs of LKH in a process of its own: reads JSON from its input, writes a tour a line.

elkai holds Python's lock while LKH searches and cannot be interrupted, so that a run with limits
has to be a process that can be ended. Started as a script; it imports nothing of this package.
"""

import json
import sys
import time
from typing import Any

QUICK = (["MAX_TRIALS = 1", "SUBGRADIENT = NO"], ["MAX_TRIALS = 1"])
"""LKH's parameters of the first runs: an answer at once, and a good one soon after."""


_SHARE = 0.9
"""Share of the time that is left after which a run should come to its end by itself."""


def parameters(run: int, seed: int, trials: int | None, seconds: float | None) -> str:
    """LKH's parameters of a run, with the seconds that are left for it."""
    lines = ["RUNS = 1", f"SEED = {1 + (seed + run) % 2**31}"]
    if run < len(QUICK):
        lines += QUICK[run]
    elif trials is not None:
        lines.append(f"MAX_TRIALS = {trials}")
    if seconds is not None:
        lines.append(f"TIME_LIMIT = {max(0.0, _SHARE * seconds):.3f}")
    # LKH reads its parameters up to this one; the problem comes from memory.
    return "\n".join([*lines, "PROBLEM_FILE = :stdin:", ""])


def main() -> None:
    """Run what the input asks for."""
    from elkai import _elkai

    begin = time.perf_counter()
    task: dict[str, Any] = json.load(sys.stdin)
    for run in range(task["runs"]):
        left = task["seconds"]
        if left is not None:
            left -= time.perf_counter() - begin
        text = parameters(run, task["seed"], task["trials"], left)
        tour = _elkai.solve_problem(text, task["problem"])
        print(json.dumps([node - 1 for node in tour]), flush=True)


if __name__ == "__main__":
    main()
