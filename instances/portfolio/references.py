"""Print the proven optima of the instances with twenty companies, by enumeration.

Run by hand::

    python instances/portfolio/references.py

All 15504 sets of five are tried; with continuous weights each set's weights are those of a convex
program (a minute).
"""

from itertools import combinations
from pathlib import Path

import numpy as np

import qopt
from qopt.problems.portfolio.support import best_weights


def main() -> None:
    """Try every set of five."""
    for file in sorted(Path(__file__).parent.glob("sp500-20-*.toml")):
        problem = qopt.load(file)
        n, best = len(problem.assets), None
        sign = 1.0 if problem.sense == "minimise" else -1.0
        for inside in combinations(range(n), 5):
            support = np.isin(np.arange(n), inside)
            whole = problem.limits.whole
            answer = support.astype(int) if whole else best_weights(problem, support)
            score = None if answer is None else problem.score(answer)
            if score is not None and score.feasible and (
                best is None or sign * score.objective < sign * best[0]
            ):
                best = score.objective, problem.encode_answer(answer)
        print(file.stem, best)


if __name__ == "__main__":
    main()
