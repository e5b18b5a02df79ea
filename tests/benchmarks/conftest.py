"""The benchmarks are no part of the package: they are imported from the checkout."""

import sys
from pathlib import Path

import qopt.problems  # noqa: F401  # found as it is installed, before the checkout is on the path

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    sys.path.append(ROOT)
