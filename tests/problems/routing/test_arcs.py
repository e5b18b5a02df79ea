"""The programs over arcs, each bit string and each optimum against enumeration."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from qopt.forms import Route
from qopt.problems.routing import Cvrp, Tsp
from qopt.problems.routing.arcs import Arcs


def rows(program):
    """Constraint matrix with its limits."""
    matrix = np.zeros((len(program.constraints), program.num_variables))
    low, high = np.full(len(matrix), -np.inf), np.full(len(matrix), np.inf)
    for k, item in enumerate(program.constraints):
        matrix[k, item.indices] = item.coefficients
        if item.comparator != "<=":
            low[k] = item.rhs
        if item.comparator != ">=":
            high[k] = item.rhs
    return matrix, low, high


def solve(program):
    matrix, low, high = rows(program)
    return milp(
        program.linear, integrality=program.integer.astype(int),
        bounds=Bounds(program.lower, program.upper),
        constraints=LinearConstraint(matrix, low, high),
    )


def completable(program, arcs, values):
    """Whether further variables exist, real ones at that, that make these arcs feasible."""
    matrix, low, high = rows(program)
    lower, upper = program.lower.copy(), program.upper.copy()
    if (values > upper[:arcs]).any():
        return False
    lower[:arcs] = upper[:arcs] = values
    keep = np.isfinite(high)
    held = np.isfinite(low)
    found = linprog(
        np.zeros(len(lower)), A_ub=np.vstack([matrix[keep], -matrix[held]]),
        b_ub=np.concatenate([high[keep], -low[held]]),
        bounds=list(zip(lower, upper, strict=True)),
    )
    return found.status == 0


def all_routes(clients):
    """Every set of ordered routes that serves each client once."""
    if not clients:
        return [()]
    found = set()
    for order in permutations(range(clients)):
        for cuts in product((False, True), repeat=clients - 1):
            routes = [[order[0]]]
            for client, cut in zip(order[1:], cuts, strict=True):
                routes.append([client]) if cut else routes[-1].append(client)
            found.add(tuple(sorted(map(tuple, routes))))
    return [tuple(Route(0, route) for route in routes) for routes in sorted(found)]


@st.composite
def fleets(draw, most=4):
    size = draw(st.integers(1, most))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    whole = draw(st.booleans())
    distance = rng.integers(1, 20, (size + 1, size + 1)) if whole else rng.random((size + 1,) * 2)
    demand = rng.integers(0, 6, size) if draw(st.booleans()) else rng.random(size) * 5
    spare = draw(st.sampled_from([0.0, 2.0, 100.0]))
    longest = draw(st.sampled_from([None, 1.0, 1.3])) if draw(st.booleans()) else None
    base = 2.0 * float(distance.max())
    problem = Cvrp(
        distance=distance, demand=demand, capacity=float(demand.max()) + spare,
        max_distance=None if longest is None else longest * base,
        service=draw(st.sampled_from([0.0, 0.5 * base])) if longest else 0.0,
    )
    few = draw(st.booleans())
    if not few:
        return problem
    return Cvrp(**{
        **{name: getattr(problem, name) for name in
           ("distance", "demand", "capacity", "max_distance", "service")},
        "vehicles": problem.least_vehicles,
    })


def test_arcs_are_numbered_row_by_row():
    arcs = Arcs(4)
    assert [arcs.index(int(i), int(j)) for i, j in zip(arcs.tail, arcs.head, strict=True)] == list(
        range(12)
    )
    assert arcs.leaving(1).tolist() == [3, 4, 5]
    assert arcs.entering(1).tolist() == [0, 7, 10]


@pytest.mark.parametrize("size", [2, 3, 4])
def test_every_choice_of_arcs_of_a_tour(size):
    """The program allows exactly the tours, and decoding mends nothing."""
    problem = Tsp(distance=np.arange(size * size).reshape(size, size))
    lowering = problem.to_program()
    arcs = len(Arcs(size))
    tours = {tuple(lowering.encode((0, *order))[:arcs]) for order in permutations(range(1, size))}
    assert len(tours) == len(list(permutations(range(1, size))))
    for bits in product((0.0, 1.0), repeat=arcs):
        values = np.concatenate([bits, np.ones(size - 1)])
        assert problem.score(lowering.decode(values)).feasible == (bits in tours)
        if sum(bits) == size:
            assert completable(lowering.model, arcs, np.array(bits)) == (bits in tours)


@pytest.mark.parametrize(
    "options",
    [
        {"demand": [2, 2, 1], "capacity": 3},
        {"demand": [2, 2, 1], "capacity": 4, "vehicles": 2},
        {"demand": [0, 0, 1], "capacity": 3},
        {"demand": [0, 0, 0], "capacity": 0, "vehicles": 1},
        {"demand": [1, 1, 1], "capacity": 3, "max_distance": 14},
        {"demand": [0, 0, 1], "capacity": 3, "max_distance": 16, "service": 2.5},
    ],
)
def test_every_choice_of_arcs_of_a_fleet(options):
    distance = [[0, 3, 4, 5], [2, 0, 6, 3], [4, 5, 0, 2], [6, 3, 1, 0]]
    problem = Cvrp(distance=distance, **options)
    lowering = problem.to_program()
    arcs = len(Arcs(4))
    rest = lowering.model.num_variables - arcs
    allowed = set()
    for routes in all_routes(3):
        if problem.score(routes).feasible:
            values = lowering.encode(routes)
            assert not lowering.model.violations(values)
            allowed.add(tuple(values[:arcs]))
    assert allowed
    for bits in product((0.0, 1.0), repeat=arcs):
        values = np.concatenate([bits, np.zeros(rest)])
        assert problem.score(lowering.decode(values)).feasible == (bits in allowed)
        if sum(bits) >= 4 and not Arcs(4).chosen(bits)[1] - {0}:
            assert completable(lowering.model, arcs, np.array(bits)) == (bits in allowed)


@settings(deadline=None, max_examples=60)
@given(problem=fleets())
def test_answers_and_the_optimum_of_a_fleet(problem):
    lowering = problem.to_program()
    best = np.inf
    for routes in all_routes(problem.num_clients):
        score = problem.score(routes)
        if score.feasible:
            best = min(best, score.objective)
            values = lowering.encode(routes)
            assert not lowering.model.violations(values)
            assert lowering.model.objective(values) == pytest.approx(score.objective)
            assert sorted(r.clients for r in lowering.decode(values)) == sorted(
                r.clients for r in routes
            )
    solved = solve(lowering.model)
    if best == np.inf:
        assert solved.status == 2
        return
    assert solved.fun == pytest.approx(best)
    score = problem.score(lowering.decode(solved.x))
    assert score.feasible
    assert score.objective == pytest.approx(best)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), size=st.integers(2, 6))
def test_the_optimum_of_a_tour(seed, size):
    distance = np.random.default_rng(seed).integers(0, 50, (size, size))
    problem = Tsp(distance=distance)
    best = min(problem.score((0, *o)).objective for o in permutations(range(1, size)))
    lowering = problem.to_program()
    solved = solve(lowering.model)
    assert solved.fun == pytest.approx(best)
    assert problem.score(lowering.decode(solved.x)).objective == best
