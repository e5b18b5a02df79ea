"""qopt: combinatorial optimisation with QAOA back ends and an honest comparison.

The public names are loaded when they are first used, so that ``import qopt`` costs nothing:

>>> import qopt
>>> problem = qopt.load("instances/tsp/burma14.tsp")        # doctest: +SKIP
>>> qopt.solve(problem, "cpsat", time_limit=5)              # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .comparison import Comparison as Comparison
    from .forms import Program as Program
    from .forms import Qubo as Qubo
    from .forms import Routing as Routing
    from .loading import load as load
    from .problem import Problem as Problem
    from .problem import Score as Score
    from .run import solve as solve
    from .solution import Solution as Solution
    from .solver import Budget as Budget
    from .solver import Outcome as Outcome
    from .solver import Status as Status
    from .study import compare as compare
    from .why import Diagnosis as Diagnosis
    from .why import diagnose as diagnose

__version__ = "0.1.0"

_HOME = {
    "Budget": "solver",
    "Comparison": "comparison",
    "Diagnosis": "why",
    "Outcome": "solver",
    "Problem": "problem",
    "Program": "forms",
    "Qubo": "forms",
    "Routing": "forms",
    "Score": "problem",
    "Solution": "solution",
    "Status": "solver",
    "compare": "study",
    "diagnose": "why",
    "load": "loading",
    "solve": "run",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'qopt' has no attribute {name!r}")
    # No module is named like a verb (load, solve, compare): importing it would hide the verb.
    value = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
