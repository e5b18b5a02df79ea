"""Lowering in two steps: a program's QUBO, with the options of both steps."""

import numpy as np
import pytest
from toys import Errands

import qopt
from qopt import registry
from qopt.errors import InfeasibleError, UnknownNameError, UsageError
from qopt.forms import Client, Depot, Program, Routing, Table, VehicleType
from qopt.loading import as_problem
from qopt.reduction import has_way, lower, lowering_options
from qopt.run import Task, attempt
from qopt.solver import Status


def program(rhs: float = 4.0) -> Program:
    return Program.build(
        sense="maximise", linear=[3, 2, 4],
        constraints=[("room", [0, 1, 2], [2, 1, 3], "<=", rhs)],
    )


def test_options_of_the_second_step_reach_it():
    problem = as_problem(program())
    exact = lower(problem, ["qubo"])[1]
    free = lower(problem, ["qubo"], {"slack": "unbalanced", "unbalanced": "1;0.5"})[1]
    assert free.model.num_variables == 3 < exact.model.num_variables
    assert exact.complete
    assert not free.complete
    heavy = lower(problem, ["qubo"], {"weight": "100"})[1]
    assert np.abs(heavy.model.linear).max() > np.abs(exact.model.linear).max()
    named = lower(problem, ["qubo"], {"weight": {"room": 100.0}})[1]
    assert np.array_equal(named.model.linear, heavy.model.linear)


def test_wrong_options_of_the_second_step_are_refused():
    problem = as_problem(program())
    with pytest.raises(UnknownNameError, match="foo"):
        lower(problem, ["qubo"], {"foo": 1})
    with pytest.raises(UsageError, match="'exact' or 'unbalanced'"):
        lower(problem, ["qubo"], {"slack": "none"})


def test_a_continuous_variable_takes_the_step_asked_for():
    cut = Program.build(linear=[-1.0], upper=0.5, integer=False)
    solution = qopt.solve(cut, "exact", **{"lower.continuous_step": 0.25})
    assert solution.objective == -0.5
    assert solution.status is Status.FEASIBLE


def test_constraints_that_leave_no_answer_are_a_proof_not_a_failure():
    task = Task(as_problem(program(-1.0)), "exact")
    with pytest.raises(InfeasibleError, match="'room' cannot be met"):
        qopt.solve(program(-1.0), "exact")
    record = attempt(task)
    assert record.status is Status.PROVEN_INFEASIBLE
    assert "'room' cannot be met" in record.reason
    assert InfeasibleError.exit_code == 11


def test_options_choose_among_the_forms_that_take_them():
    problem = qopt.load("burma5")
    assert lower(problem, ["qubo", "table"])[0] == "qubo"
    assert lower(problem, ["qubo", "table"], {"encoding": "edges"})[0] == "qubo"
    form, lowering = lower(problem, ["qubo", "table"], {"encoding": "rank"})
    assert form == "table"
    assert isinstance(lowering.model, Table)
    # CP-SAT's first form knows no options, its second one neither.
    with pytest.raises(UnknownNameError, match="'encoding'"):
        lower(problem, ["routing", "program"], {"encoding": "rank"})


def test_a_value_that_no_form_takes_is_told_with_all_that_fit():
    problem = qopt.load("burma5")
    with pytest.raises(UsageError, match=r"'one-hot' or 'edges', got 'rang'; .* must be 'rank'"):
        lower(problem, ["qubo", "table"], {"encoding": "rang"})
    with pytest.raises(UnknownNameError, match="did you mean 'encoding'"):
        lower(problem, ["routing", "qubo"], {"encodin": "rank"})
    with pytest.raises(UsageError, match=r"'one-hot' or 'edges', got 'rank'; .* table 'weight'"):
        lower(problem, ["qubo", "table"], {"encoding": "rank", "weight": 3.0})


@pytest.mark.usefixtures("toy_registry")
def test_routes_alone_reach_the_solvers_of_qubos():
    distance = np.array([[0.0, 3, 4], [3, 0, 5], [4, 5, 0]])
    routing = Routing(
        (Depot("home"),), (Client("a"), Client("b")), (VehicleType(count=2),), distance, distance
    )
    problem = Errands(routing=routing)
    assert has_way(problem, ["qubo"])
    assert not has_way(problem, ["program"])
    solution = qopt.solve(problem, "exact", **{"lower.columns": 3})
    assert (solution.objective, solution.feasible, solution.record.form) == (12.0, True, "qubo")
    assert solution.bound is None  # other routes were not offered
    assert set(lowering_options(registry.find("problem", "errands"))["qubo"]) == {
        "columns", "seed", "weight"
    }
    with pytest.raises(UsageError, match="columns must be at least 1"):
        lower(problem, ["qubo"], {"columns": 0})
