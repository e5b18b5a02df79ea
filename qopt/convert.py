"""An instance as a file of another format: its QUBO, Ising model, program or QAOA circuit."""

from collections.abc import Mapping
from typing import Any

from . import registry
from .errors import UnsupportedError, UsageError
from .forms.lp_files import program_to_lp
from .forms.qubo_files import QuboFormat, dump_qubo
from .options import check_options
from .problem import Problem
from .reduction import lower
from .run import parse_solver

CIRCUITS = ("qasm2", "qasm3", "qasm3-braket", "qasm3-pennylane")
"""Dialects of OpenQASM."""

TARGETS = ("qubo", "bqm", "ising", "sparse", "lp", *CIRCUITS)
"""What `convert` writes."""


def convert(
    problem: Problem,
    target: str,
    *,
    lowering: Mapping[str, Any] | None = None,
    circuit: str = "qaoa",
) -> bytes:
    """Give an instance as the content of a file.

    Parameters
    ----------
    problem : Problem
    target : str
        One of `TARGETS`. ``qubo`` and ``ising`` are JSON, ``bqm`` dimod's file, ``sparse``
        BiqMac's, ``lp`` the LP format; ``qasm2`` and ``qasm3`` are the QAOA circuit in OpenQASM
        for most readers, with ``-braket`` or ``-pennylane`` in what these read. Where the format
        has no groups they become penalties.
    lowering : mapping, optional
        Options of the problem's lowering.
    circuit : str
        A solver with options that has a method ``openqasm`` of a model and a dialect:
        ``"qaoa:p=2"``.

    Returns
    -------
    bytes

    Raises
    ------
    UsageError
        For an unknown target.
    UnsupportedError
        Where the problem does not give that form, or the solver no circuit.
    """
    if target not in TARGETS:
        raise UsageError(f"target must be one of {', '.join(TARGETS)}, got {target!r}")
    if target == "lp":
        return program_to_lp(lower(problem, ["program"], lowering)[1].model).encode()
    model = lower(problem, ["qubo"], lowering)[1].model
    if target in CIRCUITS:
        name, options = parse_solver(circuit)
        solver_class = registry.find("solver", name).load()
        if not hasattr(solver_class, "openqasm"):
            raise UnsupportedError(f"solver {name!r} has no circuit; use qaoa")
        solver = solver_class(**check_options(solver_class, options, f"solver {name!r}"))
        return str(solver.openqasm(model, target)).encode()
    formats: dict[str, QuboFormat] = {
        "qubo": "json", "ising": "ising", "bqm": "bqm", "sparse": "sparse"
    }
    return dump_qubo(model, formats[target])
