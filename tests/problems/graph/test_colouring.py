"""Colouring and clique against enumeration."""

from dataclasses import replace
from itertools import product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lowerings import check_lowerings, partitions
from random_graphs import graphs

import qopt
from qopt.errors import InputError, SizeError, UsageError
from qopt.forms import Qubo
from qopt.problems.graph import Clique, Colouring, Graph

TRIANGLE = Graph.build(4, [0, 0, 1], [1, 2, 2])


def colourings(graph, colours):
    return [np.array(c) for c in product(range(colours), repeat=graph.vertices)]


@settings(deadline=None, max_examples=25)
@given(graph=graphs(5), colours=st.sampled_from([None, None, 2, 3]))
def test_every_model_finds_the_fewest_colours(graph, colours):
    problem = Colouring(name="g", graph=graph, colours=colours)
    check_lowerings(
        problem, partitions(graph.vertices), lambda c: len(np.unique(c)) <= problem.offered
    )


@settings(deadline=None, max_examples=15)
@given(graph=graphs(5), colours=st.integers(1, 3))
def test_every_model_finds_the_fewest_conflicts(graph, colours):
    problem = Colouring(name="g", graph=graph, colours=colours, objective="conflicts")
    check_lowerings(problem, colourings(graph, colours))


@settings(deadline=None, max_examples=15)
@given(graph=graphs(5))
def test_every_model_finds_the_heaviest_clique(graph):
    every = [np.array(x, dtype=np.int8) for x in product((0, 1), repeat=graph.vertices)]
    whole = replace(graph, vertex_weight=np.ceil(graph.vertex_weight))
    check_lowerings(Clique(name="g", graph=whole), every)


@settings(deadline=None, max_examples=25)
@given(graph=graphs(7))
def test_the_bounds_enclose_the_optimum(graph):
    problem = Colouring(name="g", graph=graph)
    assert problem.score(problem.greedy).feasible
    pairs = set(zip(graph.tail.tolist(), graph.head.tolist(), strict=True))
    assert all((min(a, b), max(a, b)) in pairs
               for a in problem.clique for b in problem.clique if a != b)
    assert len(problem.clique) <= problem.offered


def test_known_chromatic_numbers():
    for graph, number in ((nx.petersen_graph(), 3), (nx.mycielski_graph(4), 4),
                          (nx.complete_graph(6), 6), (nx.cycle_graph(7), 3)):
        solution = qopt.solve(Colouring.from_networkx(graph), "cpsat")
        assert (solution.status, solution.objective) == ("optimal", number)
    conflicts = Colouring.from_networkx(nx.complete_graph(5), colours=2, objective="conflicts")
    assert qopt.solve(conflicts, "exact").objective == 4


def test_too_few_colours_are_proven_to_be():
    problem = Colouring.from_networkx(nx.petersen_graph(), colours=2)
    assert qopt.solve(problem, "cpsat").status == "proven_infeasible"


def test_violations_in_words():
    score = Colouring(name="g", graph=TRIANGLE, colours=2).score([0, 0, 1, -1])
    assert [(v.text, v.amount) for v in score.violations] == [
        ("edge 1-2: both ends have colour 1", 1.0),
        ("vertex 4 has not exactly one colour", 1.0),
    ]
    score = Colouring(name="g", graph=TRIANGLE, colours=2).score([0, 1, 2, 0])
    assert [(v.text, v.amount) for v in score.violations] == [
        ("3 colours are used, there are 2", 1.0)
    ]
    score = Clique(name="g", graph=TRIANGLE).score([1, 1, 0, 1])
    assert [v.text for v in score.violations] == [
        "vertices 1 and 4 are chosen and not joined", "vertices 2 and 4 are chosen and not joined",
    ]


def test_conflicts_are_counted_and_no_violations():
    problem = Colouring(name="g", graph=TRIANGLE, colours=2, objective="conflicts")
    score = problem.score([0, 0, 0, 1])
    assert (score.objective, score.feasible) == (3.0, True)
    assert problem.insight([0, 0, 0, 1]) == {"vertices of each colour": {"1": 3, "2": 1}}


def test_several_colours_of_a_vertex_are_none():
    problem = Colouring(name="g", graph=TRIANGLE, colours=2, objective="conflicts")
    decode = problem.to_qubo().decode
    assert decode([1, 1, 1, 1, 0, 1, 0]).tolist() == [0, -1, 0, 0]
    assert decode([1, 0, 0, 0.5, 0, 1, 0]).tolist() == [0, -1, -1, 0]


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="at least one colour, got colours=0"):
        Colouring(name="g", graph=TRIANGLE, colours=0)
    with pytest.raises(InputError, match="needs the number of colours"):
        Colouring(name="g", graph=TRIANGLE, objective="conflicts")
    with pytest.raises(UsageError, match="objective must be 'colours' or 'conflicts'"):
        Colouring(name="g", graph=TRIANGLE, objective="edges")
    conflicts = Colouring(name="g", graph=TRIANGLE, colours=2, objective="conflicts")
    with pytest.raises(UsageError, match="penalty has no effect"):
        conflicts.lower(Qubo, penalty=3)
    with pytest.raises(UsageError, match="penalty must be above 0"):
        Colouring(name="g", graph=TRIANGLE).lower(Qubo, penalty=0)
    with pytest.raises(UsageError, match="names an unknown vertex 'x'"):
        conflicts.decode_answer({"1": 1, "2": 1, "3": 1, "4": 1, "x": 1})
    with pytest.raises(UsageError, match="one colour for each of 4 vertices"):
        conflicts.score([0, 1])
    with pytest.raises(UsageError, match="beyond 3"):
        Colouring(name="g", graph=TRIANGLE).to_qubo().encode([0, 1, 2, 3])


def test_large_models_are_refused_with_their_size():
    graph = Graph.build(300, *np.triu_indices(300, 1))
    with pytest.raises(SizeError, match="2000000 edges times colours, the model has 13455000"):
        Colouring(name="g", graph=graph).lower(Qubo)
    assert Colouring(name="g", graph=graph, colours=40).offered == 40


def test_notes_say_whether_the_penalty_suffices():
    problem = Colouring.from_networkx(nx.cycle_graph(5))
    assert "(proven sufficient)" in problem.lower(Qubo).notes[-1]
    assert "not proven" in problem.lower(Qubo, penalty=1).notes[-1]


def test_loading(tmp_path):
    path = tmp_path / "path.col"
    path.write_text("p edge 3 2\r\ne 1 2\r\ne 2 3\r\n")
    problem = qopt.load(path, kind="colouring", colours="2")
    assert problem.describe()["colours_at_most"] == 2
    assert qopt.solve(problem, "exact").objective == 2
    few = qopt.load(path, kind="colouring", colours=1, objective="conflicts")
    assert qopt.solve(few, "exact").objective == 2
    assert qopt.solve(qopt.load(path, kind="clique"), "exact").objective == 2
    answer = few.decode_answer({"1": 1, "2": 1, "3": None})
    assert answer.tolist() == [0, 0, -1]
    assert few.encode_answer(answer) == {"1": 1, "2": 1, "3": None}
