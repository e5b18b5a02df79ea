"""Exact presolve of QUBOs: variables that need no search are removed, and put back afterwards.

The rules, one file a family, work on one `state.State` until none applies any more:

- `single`: a variable decided by bounds of its field, and folding of one with at most two
  neighbours;
- `pairs`: two variables whose order of energies ties them to each other;
- `duplicates`: variables that nothing tells apart;
- `groups`: members of exactly-k groups that others are always better than;
- `roof`: roof duality, by dwave-preprocessing;
- `components`: small parts that are not connected to the rest, by enumeration.

Every removed variable is a function of at most two others (`lifting`), so every answer of what is
left has one answer of the whole with the same energy.

Sources: E. Boros, P. L. Hammer and G. Tavares, "Preprocessing of unconstrained quadratic binary
optimization", RUTCOR Research Report 10-2006; M. Lewis and F. Glover, "Quadratic unconstrained
binary optimization problem preprocessing: theory and empirical analysis", Networks 70 (2017)
79-97; F. Glover, M. Lewis and G. Kochenberger, "Logical and inequality implications for reducing
the size and difficulty of quadratic unconstrained binary optimization problems", European Journal
of Operational Research 265 (2018) 829-842.
"""

from .driver import expected_seconds, reduce_qubo
from .report import PRESOLVED, Reduction
from .roof import prepare

__all__ = ["PRESOLVED", "Reduction", "expected_seconds", "prepare", "reduce_qubo"]
