"""The edge QUBO of a tour and its subtour cuts, against enumeration."""

from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_tours import instances

import qopt
from qopt.errors import SizeError, UnsupportedError, UsageError
from qopt.problems.routing import Tsp
from qopt.problems.routing.edges import (
    Cut,
    Ways,
    bits_of_tour,
    components,
    edge_qubo,
    new_cuts,
    proven_weights,
    tour_of_bits,
)
from qopt.solver import Status


def ways_of(problem):
    return Ways(problem.distance, [str(c + 1) for c in range(problem.num_cities)])


def every_cut(ways):
    """Cuts against all sets that a subtour may visit."""
    least = 2 if ways.directed else 3
    return [
        Cut(cities)
        for size in range(least, ways.cities // 2 + 1)
        for cities in combinations(range(ways.cities), size)
    ]


def all_bits(n):
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)


def tours(problem):
    return [(0, *order) for order in permutations(range(1, problem.num_cities))]


@settings(max_examples=40)
@given(problem=instances(most=4) | instances(least=5, directed=(False,)))
def test_bits_against_enumeration(problem):
    """With all cuts, tours keep their length, and all other bits lie above the best tour."""
    ways = ways_of(problem)
    model = edge_qubo(ways, proven_weights(ways), every_cut(ways))
    bits = all_bits(model.num_variables)
    scores = [problem.score(tour_of_bits(ways, row)) for row in bits]
    feasible = np.array([score.feasible for score in scores])
    lengths = np.array([score.objective for score in scores])
    best = min(problem.score(tour).objective for tour in tours(problem))
    slack = 1e-9 * max(1.0, best)
    for energies in (model.energies(bits), model.penalised().energies(bits)):
        assert energies[feasible].min() == pytest.approx(best)
        assert (energies[feasible] >= lengths[feasible] - slack).all()
    assert (model.penalised().energies(bits)[~feasible] > best).all()
    kept = model.group_violations(bits) == 0
    assert kept[feasible].all()
    assert (model.energies(bits)[kept & ~feasible] > best).all()


@settings(max_examples=40)
@given(problem=instances(most=6), data=st.data())
def test_tours_and_back(problem, data):
    ways = ways_of(problem)
    cuts = data.draw(st.lists(st.sampled_from(every_cut(ways) or [None]), unique=True, max_size=4))
    cuts = [cut for cut in cuts if cut is not None]
    model = edge_qubo(ways, proven_weights(ways), cuts)
    tour = data.draw(st.sampled_from(tours(problem)))
    turned = tour[2:] + tour[:2]
    bits = bits_of_tour(ways, cuts, turned)
    backwards = (tour[0], *tour[:0:-1])
    found = tour_of_bits(ways, bits)
    assert found == tour or (problem.symmetric and found == backwards)
    assert model.energy(bits) == pytest.approx(problem.score(tour).objective)
    assert not model.group_violations(bits)[0]


@pytest.mark.parametrize("size", range(2, 9))
def test_a_cut_costs_nothing_up_to_its_limit_and_two_beyond(size):
    """Over the best slack; the slack's bits are the fewest that can count it in twos."""
    cut = Cut(tuple(range(size)))
    sums = {int(np.dot(row, cut.worth)) for row in all_bits(len(cut.worth))}
    assert sums == set(range(cut.slack + 1))
    costs = []
    for inside in range(size * (size - 1) + 1):
        h = [inside + size % 2 - 2 * slack for slack in sums]
        costs.append(min(k * (k - 1) for k in h))
    assert costs[:size] == [0] * size
    assert costs[size] == 2
    assert costs[size:] == sorted(costs[size:])
    assert len(cut.worth) == int(np.ceil(np.log2(np.ceil(size / 2))))


def test_subtours_are_no_tour_and_are_cut_off():
    ways = Ways(np.ones((7, 7)) - np.eye(7), "1234567")
    picked = [(0, 1), (1, 2), (0, 2), (3, 4), (4, 5), (5, 6), (3, 6)]
    bits = np.array([int(way in picked) for way in zip(*ways.ends, strict=True)], dtype=np.int8)
    assert components(ways, bits) == [(0, 1, 2), (3, 4, 5, 6)]
    assert tour_of_bits(ways, bits) == (0, 1, 2)
    assert new_cuts(ways, [], [bits], 100.0) == [Cut((0, 1, 2))]
    assert new_cuts(ways, [Cut((0, 1, 2))], [bits], 100.0) == []
    assert new_cuts(ways, [], [bits], 7.0) == []             # no shorter than a known tour
    tour = bits_of_tour(ways, [], range(7))
    assert new_cuts(ways, [], [tour, bits], 100.0) == []     # the best answer is a tour
    model = edge_qubo(ways, proven_weights(ways), [Cut((0, 1, 2))])
    ends = np.concatenate([np.tile(bits, (2, 1)), [[0], [1]]], axis=1)
    assert (model.energies(ends) > 7.0).all()


def test_bits_that_break_a_degree_are_no_tour():
    """A path through all cities lacks an edge: closing it would be mending."""
    ways = Ways(np.ones((4, 4)), "1234")
    path = np.array([int(w in [(0, 1), (1, 2), (2, 3)]) for w in zip(*ways.ends, strict=True)])
    assert tour_of_bits(ways, path) == (1, 2)
    arcs = Ways(np.triu(np.ones((3, 3))), "123")
    assert arcs.directed
    into = np.array([int(w in [(0, 1), (1, 0), (2, 0)]) for w in zip(*arcs.ends, strict=True)])
    assert tour_of_bits(arcs, into) == (1,)
    assert tour_of_bits(arcs, np.zeros(6)) == ()


def test_arcs_out_of_a_city_are_a_group():
    problem = Tsp(distance=[[0, 1, 5], [2, 0, 1], [1, 9, 0]])
    model = problem.to_qubo(encoding="edges").model
    assert model.names[:2] == ("1>2", "1>3")
    assert [(g.members, g.size, g.name) for g in model.groups] == [
        ((0, 1), 1, "ways out of 1"), ((2, 3), 1, "ways out of 2"), ((4, 5), 1, "ways out of 3"),
    ]


def test_what_cannot_be_split_is_no_relaxation():
    five = qopt.load("burma5").to_qubo(encoding="edges")
    assert (five.model.num_variables, five.relaxed, five.refine) == (10, False, None)
    assert five.model.names[0] == "1-2"
    fourteen = qopt.load("burma14").to_qubo(encoding="edges")
    assert fourteen.relaxed
    assert fourteen.complete
    assert "14 cities by 91 edges = 91 qubits" in fourteen.notes[0]
    assert "until then the model is a relaxation" in fourteen.notes[2]
    assert fourteen.model.is_integral


def two_clusters(size=3):
    """Cities far apart in two bunches: the shortest edges that keep the degrees are subtours."""
    place = np.concatenate([np.arange(size) * 3.0, 100.0 + np.arange(size) * 3.0])
    return Tsp(distance=np.abs(place[:, None] - place[None]))


def test_enumeration_proves_the_optimum_after_a_refinement():
    problem = two_clusters()
    solution = qopt.solve(problem, "exact:lower.encoding=edges")
    assert solution.status is Status.OPTIMAL
    assert solution.objective == solution.bound == 212.0
    assert [each["bound"] for each in solution.record.details["models"]] == [24.0, 212.0]
    assert solution.record.notes[0].startswith("6 cities by 15 edges and 1 slack bit of 1 subtour")
    assert solution.record.notes[-1] == "2 rounds, a proof ended them"


def test_arcs_are_proven_too():
    rng = np.random.default_rng(3)
    distance = rng.integers(50, 90, (5, 5)).astype(float)
    distance[[0, 1, 2, 3, 4], [1, 0, 3, 4, 2]] = [1, 2, 3, 4, 5]
    problem = Tsp(distance=distance)
    best = min(problem.score(tour).objective for tour in tours(problem))
    solution = qopt.solve(problem, "exact:lower.encoding=edges")
    assert (solution.status, solution.objective, solution.bound) == (Status.OPTIMAL, best, best)
    assert len(solution.record.details["models"]) > 1


def test_a_round_that_ends_early_is_no_proof():
    problem = two_clusters()
    solution = qopt.solve(problem, "exact:lower.encoding=edges", evaluations=4096)
    assert solution.status is not Status.OPTIMAL
    assert solution.bound < min(problem.score(tour).objective for tour in tours(problem))


def test_annealing_finds_the_optimum_of_burma14_with_cuts():
    solution = qopt.solve(qopt.load("burma14"), "sa:lower.encoding=edges", seed=1,
                          evaluations=400_000_000)
    assert solution.objective == 3323
    assert solution.status is Status.FEASIBLE
    assert any("subtour cuts" in note for note in solution.record.notes)
    assert "rounds" in solution.record.notes[-1]


def test_limits_are_refused_in_words():
    with pytest.raises(UnsupportedError, match="from 3 cities on, tsp has 2: take encoding=one-"):
        Tsp(distance=np.ones((2, 2))).to_qubo(encoding="edges")
    with pytest.raises(SizeError, match=r"200 cities.*201.*20100 qubits"):
        Tsp(distance=np.ones((201, 201))).to_qubo(encoding="edges")
    with pytest.raises(UsageError, match="above 0"):
        Tsp(distance=np.ones((4, 4))).to_qubo(encoding="edges", weight=-1.0)
    asked = Tsp(distance=np.ones((4, 4))).to_qubo(encoding="edges", weight=2.0)
    assert asked.notes[1] == "penalty weight 2 as asked, not proven sufficient"
