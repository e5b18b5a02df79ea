"""dimod's models say the same, both ways."""

from itertools import product

import dimod
import numpy as np
import pytest
from hypothesis import given, settings
from random_models import assert_same_qubo, programs, qubos

from qopt.errors import InputError, UnsupportedError
from qopt.forms import Group, Program, Qubo

all_answers = {n: np.array(list(product((0, 1), repeat=n))) for n in range(1, 6)}


@settings(deadline=None, max_examples=50)
@given(qubos())
def test_a_bqm_has_the_penalised_energies(qubo: Qubo) -> None:
    bqm = qubo.to_dimod()
    bits = all_answers[qubo.num_variables]
    assert bqm.vartype is dimod.BINARY
    assert list(bqm.variables) == (list(qubo.labels) or list(range(qubo.num_variables)))
    assert bqm.energies((bits, list(bqm.variables))) == pytest.approx(
        qubo.penalised().energies(bits)
    )


@settings(deadline=None, max_examples=50)
@given(qubos(groups=False))
def test_bqm_round_trip(qubo: Qubo) -> None:
    assert_same_qubo(Qubo.from_dimod(qubo.to_dimod()), qubo)


def test_spins_come_in_as_their_bits() -> None:
    bqm = dimod.BinaryQuadraticModel({"b": 1.0, "a": -2.0}, {("a", "b"): 3.0}, 0.5, "SPIN")
    qubo = Qubo.from_dimod(bqm)
    assert qubo.labels == tuple(bqm.variables)
    for x in all_answers[2]:
        assert qubo.energy(x) == bqm.energy(dict(zip(qubo.labels, 2 * x - 1, strict=True)))


def test_repeated_labels_are_numbered() -> None:
    qubo = Qubo.from_arrays([1.0, 2.0], labels=["a", "a"])
    assert list(qubo.to_dimod().variables) == [0, 1]


def test_labels_that_read_alike_are_refused() -> None:
    with pytest.raises(InputError, match="same name as text"):
        Qubo.from_dimod(dimod.BinaryQuadraticModel({1: 1.0, "1": 2.0}, {}, "BINARY"))


def cqm_says_the_same(program: Program, cqm, values: np.ndarray) -> None:
    sign = 1.0 if program.sense == "minimise" else -1.0
    sample = dict(zip(program.names, values, strict=True))
    assert cqm.objective.energy(sample) == pytest.approx(
        sign * program.objective(values), abs=1e-6
    )
    for item in program.constraints:
        constraint = cqm.constraints[item.name]
        assert constraint.lhs.energy(sample) == pytest.approx(item.activity(values), abs=1e-6)
        assert (constraint.sense.value, constraint.rhs) == (item.comparator, item.rhs)


@settings(deadline=None, max_examples=60)
@given(programs(continuous_squares=False))
def test_cqm_and_back(program: Program) -> None:
    cqm = program.to_dimod()
    rng = np.random.default_rng(0)
    low, high = np.clip(program.lower, -5, 5), np.clip(program.upper, -5, 5)
    for _ in range(3):
        values = rng.integers(low, high + 1).astype(float)
        cqm_says_the_same(program, cqm, values)
    back = Program.from_dimod(cqm)
    assert back.names == program.names
    assert np.array_equal(back.lower, program.lower)
    assert np.array_equal(back.upper, program.upper)
    assert np.array_equal(back.integer, program.integer)
    sign = 1.0 if program.sense == "minimise" else -1.0
    assert back.objective(values) == pytest.approx(sign * program.objective(values), abs=1e-6)
    for a, b in zip(back.constraints, program.constraints, strict=True):
        assert (a.name, a.comparator, a.rhs) == (b.name, b.comparator, b.rhs)
        assert np.array_equal(a.coefficients, b.coefficients)


def test_spins_of_a_cqm_become_bits() -> None:
    cqm = dimod.ConstrainedQuadraticModel()
    s, t, x = dimod.Spin("s"), dimod.Spin("t"), dimod.Binary("x")
    i = dimod.Integer("i", lower_bound=-2, upper_bound=2)
    cqm.set_objective(2 * s - 3 * s * t + 4 * s * x + t * i + i * i + 5)
    cqm.add_constraint(s + 2 * t + x + 1 <= 3, label="c")
    program = Program.from_dimod(cqm)
    assert program.binary.tolist() == [True, True, True, False]
    for bits in product((0, 1), (0, 1), (0, 1), range(-2, 3)):
        sample = {"s": 2 * bits[0] - 1, "t": 2 * bits[1] - 1, "x": bits[2], "i": bits[3]}
        values = [dict(zip(["s", "t", "x", "i"], bits, strict=True))[v] for v in program.names]
        assert program.objective(values) == cqm.objective.energy(sample)
        assert bool(program.violations(values)) != cqm.check_feasible(sample)


def test_what_a_program_cannot_hold_is_refused() -> None:
    x, y = dimod.Binary("x"), dimod.Binary("y")
    cqm = dimod.ConstrainedQuadraticModel()
    cqm.add_constraint(x * y + x <= 1, label="curved")
    with pytest.raises(UnsupportedError, match="'curved' is quadratic"):
        Program.from_dimod(cqm)
    soft = dimod.ConstrainedQuadraticModel()
    soft.add_constraint(x + y <= 1, label="wish", weight=2.0)
    with pytest.raises(UnsupportedError, match="'wish' is soft"):
        Program.from_dimod(soft)


def test_what_dimod_cannot_hold_is_refused() -> None:
    program = Program.build(linear=[0, 0], row=[0], col=[1], value=[1.0], integer=[True, False])
    with pytest.raises(UnsupportedError, match="continuous"):
        program.to_dimod()


def test_constraints_of_one_name_stay_apart() -> None:
    program = Program.build(
        linear=[1, 1],
        constraints=[("c", [0], 1.0, "<=", 1), ("c", [1], 1.0, "<=", 1), ("", [0], 1.0, ">=", 0)],
    )
    assert list(program.to_dimod().constraints) == ["c", "c#1", "#2"]


def test_groups_become_penalties() -> None:
    qubo = Qubo.from_arrays([0.0, 0.0], groups=[Group((0, 1), 1, weight=4.0)])
    assert qubo.to_dimod().energy({0: 1, 1: 1}) == 4.0
