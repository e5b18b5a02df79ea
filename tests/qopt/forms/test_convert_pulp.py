"""PuLP's linear programs say the same, both ways."""

import numpy as np
import pulp
import pytest
from hypothesis import given, settings
from random_models import programs

from qopt.errors import UnsupportedError
from qopt.forms import Program

pytestmark = pytest.mark.filterwarnings("error")


def by_name(program: Program) -> dict[str, tuple[float, ...]]:
    return {
        name: (program.lower[i], program.upper[i], program.integer[i], program.linear[i])
        for i, name in enumerate(program.names)
    }


@settings(deadline=None, max_examples=60)
@given(programs(quadratic=False))
def test_round_trip(program: Program) -> None:
    problem, variables = program.to_pulp()
    assert [v.name for v in variables] == list(program.names)
    back = Program.from_pulp(problem)
    assert back.sense == program.sense
    assert back.offset == program.offset
    # A variable without any term is none to PuLP before 4.
    used = {i for c in program.constraints for i in c.indices} | set(np.flatnonzero(program.linear))
    mine, theirs = by_name(program), by_name(back)
    assert {program.names[i] for i in used} <= set(theirs)
    assert theirs == {name: mine[name] for name in theirs}
    for a, b in zip(back.constraints, program.constraints, strict=True):
        assert (a.name, a.comparator, a.rhs) == (b.name, b.comparator, b.rhs)
        assert {back.names[i]: v for i, v in zip(a.indices, a.coefficients, strict=True)} == {
            program.names[i]: v for i, v in zip(b.indices, b.coefficients, strict=True)
        }


def test_a_model_made_in_pulp_comes_in() -> None:
    problem = pulp.LpProblem("diet", pulp.LpMaximize)
    b = problem.add_variable("b", cat="Binary")
    a = problem.add_variable("a", -2, 5, "Integer")
    c = problem.add_variable("c", None, 3)
    problem += 3 * b - 2 * a + 4, "profit"
    problem += a + 1 <= 2 * c - b, "mix"
    problem += a >= -1
    program = Program.from_pulp(problem)
    assert program.names == ("a", "b", "c")
    assert program.lower.tolist() == [-2, 0, -np.inf]
    assert program.upper.tolist() == [5, 1, 3]
    assert program.integer.tolist() == [True, True, False]
    assert program.objective([2, 1, 0]) == 3 - 4 + 4
    assert [text.partition(":")[0] for text, _ in program.violations([0, 1, 0])] == ["mix"]
    assert not program.violations([0, 1, 1])


def test_a_solved_answer_is_the_best() -> None:
    program = Program.build(
        sense="maximise", linear=[10, 13, 7, 8], names=["a b", "a-b", "c", "d"],
        constraints=[("wt", range(4), [3, 4, 2, 3], "<=", 7)],
    )
    problem, variables = program.to_pulp()
    assert len({v.name for v in variables}) == 4  # "a b" and "a-b" would both be a_b
    problem.solve(pulp.HiGHS(msg=False))
    values = [v.value() for v in variables]
    assert program.objective(values) == 23
    assert not program.violations(values)


def test_quadratic_objectives_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="no quadratic objective; the program has 1"):
        Program.build(linear=[0, 0], row=[0], col=[1], value=[1.0]).to_pulp()


def test_constraints_of_one_name_stay_apart() -> None:
    program = Program.build(
        linear=[1, 1], constraints=[("c 1", [0], 1.0, "<=", 1), ("c-1", [1], 1.0, "<=", 1)]
    )
    assert len(Program.from_pulp(program.to_pulp()[0]).constraints) == 2
