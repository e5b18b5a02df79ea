"""qiskit's operators and quadratic programs say the same, both ways."""

from itertools import product

import numpy as np
import pytest
from docplex.mp.model import Model
from hypothesis import given, settings
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_optimization import QuadraticProgram
from qiskit_optimization.translators import from_docplex_mp
from random_models import assert_same_program, programs, qubos

from qopt.errors import UnsupportedError
from qopt.forms import Ising, Program, Qubo
from qopt.forms.convert_qiskit import ising_from_pauli, to_pauli

# -- operators --------------------------------------------------------------------------------


@settings(deadline=None, max_examples=30)
@given(qubos())
def test_the_operator_is_diagonal_with_the_energies(qubo: Qubo) -> None:
    n = qubo.num_variables
    operator = qubo.to_pauli()
    diagonal = operator.to_matrix().diagonal()
    # Little-endian: bit i of the state's number is variable i.
    bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
    assert diagonal.imag == pytest.approx(0.0)
    assert diagonal.real == pytest.approx(qubo.energies(bits), abs=1e-8)
    assert Qubo.from_ising(ising_from_pauli(operator)).energies(bits) == pytest.approx(
        qubo.energies(bits), abs=1e-8
    )


def test_variable_0_is_the_last_letter() -> None:
    qubo = Qubo.from_arrays([2.0, 0.0, 0.0], [1], [2], [4.0])
    terms = dict(qubo.to_pauli().to_list())
    assert terms == {"III": 2.0, "IIZ": -1.0, "IZI": -1.0, "ZII": -1.0, "ZZI": 1.0}
    state = Statevector.from_label("001")  # qubit 0 is one
    assert state.expectation_value(qubo.to_pauli()) == pytest.approx(qubo.energy([1, 0, 0]))


def test_an_ising_model_goes_straight_in_and_out() -> None:
    ising = Ising(np.array([0.0, 1.5, 0.0]), np.array([0]), np.array([2]), np.array([-2.0]), 3.0)
    operator = to_pauli(ising)
    assert len(operator) == 3
    back = ising_from_pauli(operator + SparsePauliOp("ZIZ", -1.0) + SparsePauliOp("IZI", 1.0))
    assert (back.h.tolist(), back.J.tolist(), back.offset) == ([0.0, 2.5, 0.0], [-3.0], 3.0)
    assert to_pauli(Qubo.from_arrays([0.0, 0.0])).to_list() == [("II", 0.0)]


@pytest.mark.parametrize("label", ["XI", "IY", "ZZZ"])
def test_other_operators_are_refused(label: str) -> None:
    with pytest.raises(UnsupportedError, match="at most two Z"):
        ising_from_pauli(SparsePauliOp(label))


def test_complex_coefficients_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="real coefficients"):
        ising_from_pauli(SparsePauliOp("ZI", 1j))


# -- quadratic programs -----------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(programs())
def test_quadratic_program_round_trip(program: Program) -> None:
    assert_same_program(Program.from_qiskit(program.to_qiskit()), program)


@settings(deadline=None, max_examples=30)
@given(programs())
def test_a_quadratic_program_says_the_same(program: Program) -> None:
    other = program.to_qiskit()
    values = np.clip(np.arange(1.0, program.num_variables + 1), program.lower, program.upper)
    assert other.objective.evaluate(values) == pytest.approx(program.objective(values))
    assert [c.evaluate(values) for c in other.linear_constraints] == pytest.approx(
        [c.activity(values) for c in program.constraints]
    )


def test_a_docplex_model_comes_in() -> None:
    model = Model()
    x, y = model.binary_var("x"), model.integer_var(-3, 5, "y")
    z = model.continuous_var(0, 1e20, "z")
    model.maximize(x + 2 * y - z + 3 * x * y + y**2 + 7)
    model.add(x + y <= 3, "c1")
    model.add(x + 2 * z >= y - 1, "c2")
    model.add(x - y == 1)
    program = Program.from_qiskit(from_docplex_mp(model))
    assert program.sense == "maximise"
    assert program.names == ("x", "y", "z")
    assert program.lower.tolist() == [0, -3, 0]
    assert program.upper.tolist() == [1, 5, np.inf]
    assert program.integer.tolist() == [True, True, False]
    for values in product((0, 1), range(-3, 6), (0.0, 2.5)):
        a, b, c = values
        assert program.objective(values) == a + 2 * b - c + 3 * a * b + b**2 + 7
        broken = a + b > 3 or a + 2 * c < b - 1 or a - b != 1
        assert bool(program.violations(values)) == broken


def test_quadratic_constraints_are_refused() -> None:
    source = QuadraticProgram()
    source.binary_var("x")
    source.quadratic_constraint({"x": 1}, {("x", "x"): 1}, "<=", 1, "curved")
    with pytest.raises(UnsupportedError, match="'curved' is quadratic"):
        Program.from_qiskit(source)


def test_constraints_of_one_name_stay_apart() -> None:
    program = Program.build(
        linear=[1, 1], constraints=[("c", [0], 1.0, "<=", 1), ("c", [1], 1.0, "<=", 1)]
    )
    assert [c.name for c in program.to_qiskit().linear_constraints] == ["c", "c#1"]
