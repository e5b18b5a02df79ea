"""Write ``factor-120-mean.csv`` and ``factor-120-covariance.csv``: a market of 120 assets.

Run by hand::

    python instances/portfolio/make_factor.py

A factor model with a fixed seed, per year: a market of 16 % volatility with betas around 1, eight
sectors that add 8 %, a risk of 10 to 35 % of each asset's own, and expected returns of 2 % and 5 %
times beta, with 2 % of noise. Numbers are rounded to nine decimals.
"""

from pathlib import Path

import numpy as np

ASSETS, SECTORS, SEED = 120, 8, 1


def main() -> None:
    """Draw the model and write both tables."""
    rng = np.random.default_rng(SEED)
    beta = rng.normal(1.0, 0.3, ASSETS)
    own = rng.uniform(0.10, 0.35, ASSETS)
    sector = np.arange(ASSETS) % SECTORS
    covariance = 0.16**2 * np.multiply.outer(beta, beta) + np.diag(own**2)
    covariance += 0.08**2 * (sector[:, None] == sector)
    mean = 0.02 + 0.05 * beta + rng.normal(0.0, 0.02, ASSETS)
    names = [f"Asset{i + 1:03d}" for i in range(ASSETS)]
    folder = Path(__file__).parent
    means = [f"{name},{value:.9f}" for name, value in zip(names, mean, strict=True)]
    (folder / "factor-120-mean.csv").write_text("\n".join(["asset,mean", *means]) + "\n")
    rows = [
        ",".join([name, *(f"{value:.9f}" for value in row)])
        for name, row in zip(names, covariance, strict=True)
    ]
    header = ",".join(["asset", *names])
    (folder / "factor-120-covariance.csv").write_text("\n".join([header, *rows]) + "\n")


if __name__ == "__main__":
    main()
