"""The assignment of clients to vehicles, against enumeration."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qopt
from qopt.errors import SizeError, UsageError
from qopt.forms import Qubo, Route
from qopt.problems.routing import Cvrp
from qopt.problems.routing.assignment import assignment_program
from qopt.problems.routing.tours import length, shortest_order
from qopt.solver import Status


@st.composite
def instances(draw, most=4):
    """Two vehicles that have little room to spare, or much; demands whole or not."""
    n = draw(st.integers(2, most))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    demand = rng.integers(1, 4, n) * float(draw(st.sampled_from([1, 2, 5])))
    capacity = float(np.ceil(demand.sum() / 2)) + float(draw(st.integers(0, 4)))
    if draw(st.booleans()):
        demand, capacity = demand + 0.5, capacity + 0.5 * n
    distance = rng.integers(1, 30, (n + 1, n + 1)).astype(float)
    return Cvrp(distance=distance, demand=demand, capacity=max(capacity, demand.max()), vehicles=2)


def stand_in(problem, assigned):
    """Ways out and back, less the mean saving of a pair times what neighbours there are."""
    d, n = problem.distance, problem.num_clients
    total = d[0, 1:].sum() + d[1:, 0].sum()
    for i, j in product(range(n), repeat=2):
        if i < j and assigned[i] == assigned[j]:
            there = d[i + 1, 0] + d[0, j + 1] - d[i + 1, j + 1]
            back = d[j + 1, 0] + d[0, i + 1] - d[j + 1, i + 1]
            total -= 2 * 2 / n * (there + back) / 2
    return total


def loads_fit(problem, assigned):
    loads = np.bincount(assigned, weights=problem.demand, minlength=2)
    return bool((loads <= problem.capacity + 1e-9).all())


@settings(max_examples=25)
@given(problem=instances())
def test_bits_against_enumeration(problem):
    """The best bits are the best assignment by the stand-in; what overloads lies above it."""
    lowering = problem.to_qubo(encoding="assignment")
    n, model = problem.num_clients, lowering.model.penalised()
    energies: dict[tuple[int, ...], float] = {}
    worst = np.inf
    for start in range(0, 2**model.num_variables, 2**14):
        index = np.arange(start, min(start + 2**14, 2**model.num_variables))
        bits = (index[:, None] >> np.arange(model.num_variables) & 1).astype(np.int8)
        found = model.energies(bits)
        grid = bits[:, : 2 * n].reshape(-1, n, 2)
        once = (grid.sum(axis=2) == 1).all(axis=1)
        worst = min(worst, found[~once].min(initial=np.inf))
        for assigned, energy in zip(grid[once, :, 1].tolist(), found[once], strict=True):
            key = tuple(assigned)
            energies[key] = min(energy, energies.get(key, np.inf))
    fitting = {a: e for a, e in energies.items() if loads_fit(problem, a)}
    if not fitting:
        return
    for assigned, energy in fitting.items():
        assert energy == pytest.approx(stand_in(problem, assigned))
    best = min(fitting.values())
    assert worst > best
    assert all(energy > best for a, energy in energies.items() if a not in fitting)


@settings(max_examples=30)
@given(problem=instances(), data=st.data())
def test_answers_and_back(problem, data):
    assigned = data.draw(st.lists(
        st.integers(0, 1), min_size=problem.num_clients, max_size=problem.num_clients
    ))
    if not loads_fit(problem, assigned):
        return
    answer = tuple(
        Route(0, tuple(c for c, k in enumerate(assigned) if k == vehicle)) for vehicle in (0, 1)
    )
    lowering = problem.to_qubo(encoding="assignment")
    bits = lowering.encode(answer)
    assert lowering.model.penalised().energy(bits) == pytest.approx(stand_in(problem, assigned))
    decoded = lowering.decode(bits)
    assert {frozenset(r.clients) for r in decoded} == {
        frozenset(r.clients) for r in answer if r.clients
    }
    score = problem.score(decoded)
    assert score.feasible
    assert score.objective <= problem.score(answer).objective


def test_the_order_within_a_vehicle_is_the_shortest():
    rng = np.random.default_rng(0)
    distance = rng.integers(1, 100, (6, 6)).astype(float)
    problem = Cvrp(distance=distance, demand=np.ones(5), capacity=5, vehicles=1)
    lowering = problem.to_qubo(encoding="assignment")
    answer = lowering.decode(lowering.encode((Route(0, tuple(range(5))),)))
    best = min(
        problem.score((Route(0, order),)).objective for order in permutations(range(5))
    )
    assert problem.score(answer).objective == best


def test_stops_are_put_into_the_shortest_order():
    rng = np.random.default_rng(1)
    for count in range(6):
        table = rng.integers(1, 50, (8, 8)).tolist()
        stops = rng.permutation(range(1, 8))[:count].tolist()
        best = min(length([0, *order], table) for order in permutations(stops))
        assert length([0, *shortest_order(stops, table)], table) == best
    many = shortest_order(list(range(1, 15)), rng.integers(1, 50, (15, 15)).tolist())
    assert sorted(many) == list(range(1, 15))


def test_nothing_is_mended():
    problem = Cvrp(distance=np.ones((4, 4)), demand=[1, 1, 1], capacity=2, vehicles=2)
    lowering = problem.to_qubo(encoding="assignment")
    nobody = np.zeros(lowering.model.num_variables, dtype=np.int8)
    assert lowering.decode(nobody) == ()
    twice = nobody.copy()
    twice[:2] = 1
    score = problem.score(lowering.decode(twice))
    assert any("visited 2 times" in v.text for v in score.violations)
    overloaded = nobody.copy()
    overloaded[[0, 2, 4]] = 1
    score = problem.score(lowering.decode(overloaded))
    assert any("over capacity" in v.text for v in score.violations)


def test_room_is_counted_in_units_and_no_further_than_the_others_leave_it():
    # 44 of 50 in lots of 2: two vehicles of 25 carry 24, and each has 12 - (22 - 12) = 2 units left
    program = assignment_program(np.ones((5, 5)), np.array([10.0, 14, 12, 8]), 25.0, 2)
    assert program.upper[-2:].tolist() == [2.0, 2.0]
    assert program.constraints[-1].rhs == 12.0
    assert program.constraints[-1].coefficients.tolist() == [5.0, 7.0, 6.0, 4.0, 1.0]
    fractions = assignment_program(np.ones((3, 3)), np.array([0.5, 1.0]), 2.0, 1)
    assert [c.comparator for c in fractions.constraints] == ["==", "==", "<="]


def test_notes_and_limits():
    problem = qopt.load("tiny-n6-k3")
    lowering = problem.lower(Qubo, encoding="assignment")
    assert not lowering.complete
    assert lowering.notes[0].startswith("5 clients in 3 vehicles = 15 bits of assignment")
    assert "neither bound nor optimum of the model is one of the instance" in lowering.notes[0]
    assert len(lowering.model.groups) == 5
    with pytest.raises(UsageError, match="columns and seed act only with encoding=columns"):
        problem.to_qubo(encoding="assignment", columns=10)
    large = Cvrp(distance=np.ones((202, 202)), demand=np.ones(201), capacity=10)
    with pytest.raises(SizeError, match="4000 bits, the model has 4221; take encoding=columns"):
        large.to_qubo(encoding="assignment")


def test_its_optimum_is_none_of_the_instance():
    solution = qopt.solve(qopt.load("tiny-n6-k3"), "exact:lower.encoding=assignment")
    assert solution.status is Status.FEASIBLE
    assert solution.bound is None
    assert solution.objective >= 263
    assert [value for _, value in solution.record.trace["incumbents"]] == [solution.objective]
