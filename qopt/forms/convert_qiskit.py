"""Conversion to and from qiskit: Pauli operators, and qiskit-optimization's quadratic programs.

Models written with docplex or gurobipy come in through qiskit-optimization's translators:
``program_from_qiskit(qiskit_optimization.translators.from_docplex_mp(model))``.
"""

from typing import Any

import numpy as np

from ..errors import InputError, UnsupportedError, check_type
from .ising import Ising
from .program import Comparator, Program
from .qubo import Qubo

_INFINITY = 1e20
"""`qiskit_optimization.INFINITY`: bounds of this size and more stand for none."""

# -- Pauli operators ------------------------------------------------------------------------------


def to_pauli(model: Qubo | Ising) -> Any:
    """The cost operator as a `qiskit.quantum_info.SparsePauliOp`, built from arrays.

    Variable ``i`` is qubit ``i``, the ``i``-th letter from the right of a label, and bit ``x`` is
    ``(1 - Z) / 2``. The expectation in a basis state is the energy, offset included. Groups are
    left out, as in `Qubo.to_ising`: take ``qubo.penalised()`` for a circuit that does not keep
    them.
    """
    from qiskit.quantum_info import PauliList, SparsePauliOp

    ising = model.to_ising() if isinstance(model, Qubo) else model
    fields = np.flatnonzero(ising.h)
    pairs = len(ising.J)
    z = np.zeros((1 + len(fields) + pairs, ising.num_spins), dtype=bool)
    z[1 + np.arange(len(fields)), fields] = True
    last = 1 + len(fields) + np.arange(pairs)
    z[last, ising.row] = True
    z[last, ising.col] = True
    coefficients = np.concatenate([[ising.offset], ising.h[fields], ising.J])
    keep = coefficients != 0.0
    keep[0] |= not keep.any()
    return SparsePauliOp(
        PauliList.from_symplectic(z[keep], np.zeros_like(z[keep])), coefficients[keep]
    )


def ising_from_pauli(operator: Any) -> Ising:
    """The Ising model of a diagonal operator with at most two Z in a term.

    Raises
    ------
    UnsupportedError
        For a term with X or Y, with more than two Z, or with a complex coefficient.
    """
    z, x = operator.paulis.z, operator.paulis.x
    coefficients = np.asarray(operator.coeffs)
    if x.any() or (z.sum(axis=1) > 2).any():
        raise UnsupportedError("an Ising model takes terms of at most two Z, and no X or Y")
    if np.abs(coefficients.imag).max(initial=0.0) > 1e-12 * np.abs(coefficients).max(initial=1.0):
        raise UnsupportedError("an Ising model takes real coefficients only")
    weights = coefficients.real
    degree = z.sum(axis=1)
    qubit = np.argmax(z, axis=1)
    last = z.shape[1] - 1 - np.argmax(z[:, ::-1], axis=1)
    h = np.bincount(qubit[degree == 1], weights=weights[degree == 1], minlength=z.shape[1])
    pair = degree == 2
    # Repeated pairs are summed and sorted on the way through a QUBO's coordinate arrays.
    coupled = Qubo.from_arrays(np.zeros(z.shape[1]), qubit[pair], last[pair], weights[pair])
    return Ising(
        h.astype(np.float64), coupled.row, coupled.col, coupled.value,
        float(weights[degree == 0].sum()),
    )


# -- quadratic programs ---------------------------------------------------------------------------


def program_to_qiskit(program: Program) -> Any:
    """The program as a `qiskit_optimization.QuadraticProgram`."""
    from qiskit_optimization import QuadraticProgram
    from scipy.sparse import csr_matrix

    out = QuadraticProgram()
    for i, name in enumerate(program.names):
        low = float(np.clip(program.lower[i], -_INFINITY, _INFINITY))
        high = float(np.clip(program.upper[i], -_INFINITY, _INFINITY))
        if program.integer[i] and low == 0.0 and high == 1.0:
            out.binary_var(name)
        elif program.integer[i]:
            out.integer_var(low, high, name)
        else:
            out.continuous_var(low, high, name)
    n = program.num_variables
    optimise = out.minimize if program.sense == "minimise" else out.maximize
    optimise(
        program.offset,
        program.linear,
        csr_matrix((program.value, (program.row, program.col)), shape=(n, n)),
    )
    seen: set[str] = set()
    for k, item in enumerate(program.constraints):
        name = item.name if item.name and item.name not in seen else f"{item.name}#{k}"
        seen.add(name)
        terms = dict(zip(item.indices.tolist(), item.coefficients.tolist(), strict=True))
        out.linear_constraint(terms, item.comparator, item.rhs, name)
    return out


def program_from_qiskit(quadratic_program: Any) -> Program:
    """The same program from a `qiskit_optimization.QuadraticProgram`.

    Raises
    ------
    UnsupportedError
        For quadratic constraints.
    """
    from qiskit_optimization import QuadraticProgram

    source = quadratic_program
    check_type(source, QuadraticProgram, "a qiskit-optimization QuadraticProgram")
    if source.quadratic_constraints:
        name = source.quadratic_constraints[0].name
        raise UnsupportedError(
            f"constraint {name!r} is quadratic; a program has linear constraints only"
        )
    lower = np.array([v.lowerbound for v in source.variables], dtype=np.float64)
    upper = np.array([v.upperbound for v in source.variables], dtype=np.float64)
    pairs = source.objective.quadratic.coefficients.tocoo()
    return Program.build(
        sense="minimise" if source.objective.sense.name == "MINIMIZE" else "maximise",
        linear=source.objective.linear.to_array(),
        row=pairs.row, col=pairs.col, value=pairs.data, offset=source.objective.constant,
        lower=np.where(lower <= -_INFINITY, -np.inf, lower),
        upper=np.where(upper >= _INFINITY, np.inf, upper),
        integer=[v.vartype.name != "CONTINUOUS" for v in source.variables],
        constraints=[_constraint(item) for item in source.linear_constraints],
        names=[v.name for v in source.variables],
    )


def _constraint(item: Any) -> tuple[str, list[int], list[float], Comparator, float]:
    terms = item.linear.to_dict()
    comparators: dict[str, Comparator] = {"LE": "<=", "GE": ">=", "EQ": "=="}
    if item.sense.name not in comparators:
        raise InputError(f"constraint {item.name!r} has the unknown sense {item.sense.name}")
    return item.name, list(terms), list(terms.values()), comparators[item.sense.name], item.rhs
