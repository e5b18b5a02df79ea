"""Lowering programs to QUBOs: every claim is checked by enumeration."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qopt.errors import InputError, UnknownNameError, UnsupportedError, UsageError
from qopt.forms import Program, Qubo
from qopt.forms.penalise import program_to_qubo

MOST_BITS = 13


def all_bits(n: int) -> np.ndarray:
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)


def all_answers(program: Program) -> list[np.ndarray]:
    ranges = [
        range(int(a), int(b) + 1) for a, b in zip(program.lower, program.upper, strict=True)
    ]
    return [np.array(x, dtype=float) for x in product(*ranges)]


def check_lowering(program: Program, lowering) -> None:
    """The lowered model says the same as the program, as a QUBO with groups and penalised."""
    sign = 1.0 if program.sense == "minimise" else -1.0
    feasible = {
        tuple(x): program.objective(x) for x in all_answers(program) if not program.violations(x)
    }
    model: Qubo = lowering.model
    penalised = model.penalised()
    best = min((sign * v for v in feasible.values()), default=None)
    scale = max(1.0, *(abs(v) for v in feasible.values()), 1.0)
    for x, value in feasible.items():
        bits = lowering.encode(x)
        assert lowering.decode(bits).tolist() == list(x)
        assert model.group_violations(bits)[0] == 0
        assert lowering.objective(model.energy(bits)) == pytest.approx(value, abs=1e-9 * scale)
        assert penalised.energy(bits) == pytest.approx(model.energy(bits), abs=1e-9 * scale)
    bits = all_bits(model.num_variables)
    kept = model.group_violations(bits) == 0
    energies, hard = model.energies(bits), penalised.energies(bits)
    for row, keeps, energy, penalty in zip(bits, kept, energies, hard, strict=True):
        x = tuple(lowering.decode(row).tolist())
        if keeps and x in feasible:
            assert lowering.scale * energy >= sign * 0 - np.inf  # finite
            assert energy >= sign * feasible[x] - 1e-9 * scale
        elif best is not None:
            assert penalty > best + 1e-9
            assert not keeps or energy > best + 1e-9
    if best is not None:
        assert energies[kept].min() == pytest.approx(best, abs=1e-9 * scale)


coefficients = st.sampled_from([-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.0, 1.0, 2.0, 3.0])


@st.composite
def programs(draw, most: int = 4, binary: bool = False) -> Program:
    n = draw(st.integers(1, most))
    if binary:
        lower, width = [0] * n, [1] * n
    else:
        lower = [draw(st.integers(-2, 1)) for _ in range(n)]
        width = [draw(st.sampled_from([1, 1, 2, 3])) for _ in range(n)]
    pairs = [(i, j) for i in range(n) for j in range(i, n) if draw(st.booleans())]
    constraints = []
    for k in range(draw(st.integers(0, 3))):
        terms = [draw(coefficients) for _ in range(n)]
        comparator = draw(st.sampled_from(["<=", ">=", "=="]))
        point = [draw(st.integers(a, a + w)) for a, w in zip(lower, width, strict=True)]
        rhs = float(np.dot(terms, point)) + draw(st.sampled_from([0.0, 0.0, 0.0, 1.0, -0.5]))
        constraints.append((f"c{k}", range(n), terms, comparator, rhs))
    return Program.build(
        sense=draw(st.sampled_from(["minimise", "maximise"])),
        linear=[draw(coefficients) for _ in range(n)],
        row=[i for i, _ in pairs], col=[j for _, j in pairs],
        value=[draw(coefficients) for _ in pairs],
        offset=draw(coefficients), lower=lower, upper=np.add(lower, width),
        constraints=constraints,
    )


def lower_or_skip(program: Program, **options):
    try:
        lowering = program_to_qubo(program, **options)
    except InputError as fault:
        assert "cannot be met" in str(fault)
        assert all(program.violations(x) for x in all_answers(program))
        return None
    assume(lowering.model.num_variables <= MOST_BITS)
    return lowering


@settings(deadline=None, max_examples=150)
@given(programs(), st.booleans())
def test_random_programs(program: Program, groups: bool) -> None:
    lowering = lower_or_skip(program, groups=groups)
    if lowering is not None:
        assert lowering.complete
        assert groups or not lowering.model.groups
        check_lowering(program, lowering)


@settings(deadline=None, max_examples=100)
@given(programs(most=6, binary=True))
def test_random_binary_programs(program: Program) -> None:
    lowering = lower_or_skip(program)
    if lowering is not None:
        check_lowering(program, lowering)
