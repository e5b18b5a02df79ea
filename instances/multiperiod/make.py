"""Write the multi-period instance of this folder, with its proven optimum.

Run by hand::

    python instances/multiperiod/make.py

Prices of three assets over three periods are drawn from the seed below, in the layout of QOBLIB's
06-portfolio. The optimum is proven by HiGHS.
"""

from pathlib import Path

import numpy as np

import qopt

FOLDER = Path(__file__).parent
SYMBOLS = ("ALPHA", "BETA", "GAMMA")
PERIODS = 3


def main() -> None:
    """Draw the prices, write both tables, prove the optimum and print it for the index."""
    rng = np.random.default_rng(6)
    returns = rng.normal(0.0, 0.02, (PERIODS - 1, len(SYMBOLS)))
    prices = np.array([120.0, 45.0, 260.0]) * np.cumprod(
        np.vstack([np.ones(len(SYMBOLS)), 1.0 + returns]), axis=0
    )
    lines = ["# drawn by make.py: day symbol price"]
    lines += [f"{t} {s} {prices[t, i]:.2f}" for t in range(PERIODS) for i, s in enumerate(SYMBOLS)]
    (FOLDER / "stock_prices.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    lines = ["# drawn by make.py: day symbol symbol covariance"]
    for t in range(PERIODS):
        past = rng.normal(0.0, 0.02, (30, len(SYMBOLS))) @ np.triu(np.full((3, 3), 0.6))
        covariance = np.cov(past.T)
        lines += [
            f"{t} {SYMBOLS[i]} {SYMBOLS[j]} {covariance[i, j]:.8f}"
            for i in range(len(SYMBOLS)) for j in range(len(SYMBOLS))
        ]
    (FOLDER / "covariance_matrices.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    solution = qopt.solve(qopt.load(FOLDER / "three-by-three.toml"), "milp")
    print(f"best_known = {solution.objective}  # {solution.status}")


if __name__ == "__main__":
    main()
