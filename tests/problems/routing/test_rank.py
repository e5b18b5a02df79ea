"""Ranks of tours against enumeration."""

from itertools import permutations
from math import ceil, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_tours import instances

import qopt
from qopt.errors import SizeError
from qopt.forms import Table
from qopt.problems.routing import Tsp
from qopt.problems.routing.rank import (
    all_tours,
    num_bits,
    num_tours,
    rank_of_tour,
    tour_lengths,
    tour_of_rank,
)
from qopt.solver import Status
from qopt.testing import check_problem


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("cities", range(2, 7))
def test_every_tour_has_one_rank(cities, symmetric):
    ranks = {}
    for order in permutations(range(1, cities)):
        for turn in (0, cities // 2):
            tour = (0, *order)
            rank = rank_of_tour(tour[turn:] + tour[:turn], symmetric)
            found = tour_of_rank(rank, cities, symmetric)
            assert found == tour or (symmetric and found == (0, *tour[:0:-1]))
            ranks[rank] = found
    assert set(ranks) == set(range(num_tours(cities, symmetric)))
    assert [tuple(tour) for tour in all_tours(cities, symmetric).tolist()] == [
        ranks[rank] for rank in sorted(ranks)
    ]


def test_bits_are_the_fewest():
    assert [num_bits(n, True) for n in (2, 3, 4, 5, 6, 11)] == [0, 0, 2, 4, 6, 21]
    assert [num_bits(n, False) for n in (2, 3, 4, 6, 11)] == [0, 1, 3, 7, 22]
    assert num_bits(17, False) == ceil(log2(num_tours(17, False))) == 45


@given(problem=instances(least=2, most=6))
def test_the_table_against_the_score(problem):
    table = problem.to_table().model
    lowering = problem.to_table()
    scores = [
        problem.score(lowering.decode(row)) for row in table.samples(np.arange(len(table.values)))
    ]
    feasible = np.array([score.feasible for score in scores])
    assert (table.feasible == feasible).all()
    assert feasible.sum() == num_tours(problem.num_cities, problem.symmetric)
    lengths = np.array([score.objective for score in scores])
    assert table.values[feasible] == pytest.approx(lengths[feasible])
    if not feasible.all():
        assert table.values[~feasible].min() > table.values[feasible].max()
        assert (table.values[~feasible] == table.penalty).all()


@given(problem=instances(least=2, most=6), data=st.data())
def test_a_tour_and_back(problem, data):
    lowering = problem.to_table()
    tour = (0, *data.draw(st.permutations(range(1, problem.num_cities))))
    bits = lowering.encode(tour)
    assert bits.shape == (lowering.model.num_variables,)
    found = lowering.decode(bits)
    assert found == tour or (problem.symmetric and found == (0, *tour[:0:-1]))
    assert lowering.objective(lowering.model.energy(bits)) == pytest.approx(
        problem.score(tour).objective
    )


def test_lengths_of_many_tours():
    rng = np.random.default_rng(4)
    distance = rng.random((9, 9))
    lengths = tour_lengths(distance, False)
    assert len(lengths) == 40320
    for rank in (0, 7, 40319):
        score = Tsp(distance=distance).score(tour_of_rank(rank, 9, False))
        assert lengths[rank] == pytest.approx(score.objective)


def test_notes_and_refusals():
    lowering = qopt.load("burma5").lower(Table)
    assert lowering.notes[0] == (
        "5 cities by the rank of the tour among 12, both directions being one = 4 qubits"
    )
    assert lowering.notes[1] == (
        "4 of 16 bit strings are no tour: value 3751, above the longest tour's 3621"
    )
    assert lowering.complete
    assert lowering.model.names == ("rank[0]", "rank[1]", "rank[2]", "rank[3]")
    with pytest.raises(SizeError, match=r"24 qubits, the model has 32; 14 cities .*10\*\*9"):
        qopt.load("burma14").to_table()
    check_problem(qopt.load("burma5"))


@pytest.mark.parametrize("solver", ["exact", "qaoa", "auto", "random"])
def test_the_encoding_chooses_the_form(solver):
    solution = qopt.solve(qopt.load("burma5"), f"{solver}:lower.encoding=rank", seed=1)
    assert solution.record.form == "table"
    assert solution.objective == 2321
    proven = solver in ("exact", "auto")
    assert solution.status is (Status.OPTIMAL if proven else Status.FEASIBLE)
    assert solution.bound == (2321 if proven else None)
