"""Bounds of QUBOs and of programs of bits, by other means than a search."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from oracles import best_value, programs

from qopt.forms import Group, Ising, Program, Qubo
from qopt.solvers.bounds_qubo import (
    energy_unit,
    program_bound,
    program_floor,
    rounded_up,
    trivial_bound,
)


@pytest.mark.parametrize("seed", range(10))
def test_the_trivial_bound_holds(seed):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(7, 7)) if seed % 2 else rng.integers(-5, 6, (7, 7))
    qubo = Qubo.from_matrix(matrix, offset=float(rng.normal()))
    bits = np.array(list(product((0, 1), repeat=7)))
    assert trivial_bound(qubo) <= qubo.energies(bits).min()


def test_it_is_the_better_of_bits_and_spins():
    ring = Ising(np.zeros(4), np.arange(3), np.arange(1, 4), np.array([1.0, -1.0, 1.0]), 0.5)
    assert trivial_bound(Qubo.from_ising(ring)) == -2.5
    assert trivial_bound(Qubo.from_arrays([-1.0, 2.0], [0], [1], [3.0], offset=7.0)) == 6.0


def test_a_model_without_variables_is_its_offset():
    assert trivial_bound(Qubo.from_arrays([], offset=2.0)) == 2.0


def test_the_unit_of_energies():
    assert energy_unit(Qubo.from_arrays([4.0, -6.0], [0], [1], [10.0], offset=0.1)) == 2.0
    assert energy_unit(Qubo.from_arrays([0.3, -1.2], [0], [1], [0.9])) == pytest.approx(0.3)
    assert energy_unit(Qubo.from_arrays([0.3, np.pi])) == 0.0
    assert energy_unit(Qubo.from_arrays([0.0])) == 0.0


def test_bounds_are_rounded_up_to_possible_energies():
    assert rounded_up(-7.5, 0.5, 2.0) == -7.5
    assert rounded_up(-7.4, 0.5, 2.0) == -5.5
    assert rounded_up(-7.4, 0.5, 0.0) == -7.4
    assert rounded_up(-7.5 + 1e-10, 0.5, 2.0) == -7.5  # rounding alone moves no bound
    assert rounded_up(-np.inf, 0.5, 2.0) == -np.inf


@settings(deadline=None, max_examples=60)
@given(programs())
def test_no_bound_of_a_program_is_beyond_its_optimum(program):
    best = best_value(program)
    if best is None:
        return
    sign = 1.0 if program.sense == "minimise" else -1.0
    floor = program_floor(program)
    bound = program_bound(program, lambda: False)
    assert sign * floor <= sign * bound <= sign * best + 1e-9 * max(1.0, abs(best))


def test_terms_without_bounds_have_no_floor():
    free = Program.build(linear=[1.0], lower=-np.inf, upper=4.0, integer=False)
    assert program_floor(free) == -np.inf
    assert program_floor(Program.build(
        sense="maximise", linear=[1.0, 0.0], lower=-np.inf, upper=4.0, integer=False
    )) == pytest.approx(4.0)
    square = Program.build(
        linear=[0.0], row=[0], col=[0], value=[2.0], lower=-3.0, upper=2.0, integer=False,
        offset=1.0,
    )
    assert program_floor(square) == pytest.approx(1.0)
    product = Program.build(
        linear=[0.0, 0.0], row=[0], col=[1], value=[2.0], lower=[-3.0, -1.0], upper=[2.0, 5.0],
    )
    assert program_floor(product) == pytest.approx(-30.0)


def test_equations_make_the_semidefinite_bound_of_a_selection_tight():
    rng = np.random.default_rng(2)
    matrix = np.triu(rng.integers(-20, 21, (16, 16)))
    qubo = Qubo.from_matrix(matrix, groups=[Group(tuple(range(16)), 5)])
    program = qubo.to_program().model
    bits = np.array([b for b in product((0, 1), repeat=16) if sum(b) == 5])
    best = qubo.energies(bits).min()
    bound = program_bound(program, lambda: False)
    assert bound <= best
    assert best - bound <= 0.1 * abs(best)
    assert best - program_floor(program) > 0.9 * abs(best)


def test_equations_that_nothing_keeps_leave_the_floor():
    program = Program.build(
        linear=[1, 2, 3], row=[0], col=[1], value=[-5.0],
        constraints=[("one", [0, 1, 2], 1.0, "==", 1), ("two", [0, 1, 2], 1.0, "==", 2)],
    )
    assert program_bound(program, lambda: False) >= program_floor(program)
    assert program_bound(program, lambda: True) == program_floor(program)
