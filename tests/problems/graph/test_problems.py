"""Maximum cut, independent set and vertex cover against enumeration."""

from itertools import product

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from random_graphs import graphs

import qopt
from qopt.errors import InputError, UnsupportedError, UsageError
from qopt.forms import Program, Qubo, Routing
from qopt.problem import fingerprint
from qopt.problems.graph import Graph, IndependentSet, MaxCut, VertexCover
from qopt.testing import check_problem


def every_answer(graph: Graph) -> list[np.ndarray]:
    return [np.array(x, dtype=np.int8) for x in product((0, 1), repeat=graph.vertices)]


def best(problem) -> float:
    """The best score, by looking at every answer and every edge one by one."""
    graph, values = problem.graph, []
    ends = list(zip(graph.tail, graph.head, graph.weight, strict=True))
    for x in every_answer(graph):
        if problem.kind == "maxcut":
            values.append(sum(w for a, b, w in ends if x[a] != x[b]))
        elif problem.kind == "independent-set" and not any(x[a] and x[b] for a, b, _ in ends):
            values.append(float(graph.vertex_weight @ x))
        elif problem.kind == "vertex-cover" and all(x[a] or x[b] for a, b, _ in ends):
            values.append(-float(graph.vertex_weight @ x))
    return max(values) if problem.sense == "maximise" else -max(values)


KINDS = [MaxCut, IndependentSet, VertexCover]


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None, max_examples=40)
@given(graph=graphs())
def test_every_lowering_has_the_true_optimum(kind, graph):
    problem = kind(name="g", graph=graph)
    answers = every_answer(graph)
    scores = [problem.score(x) for x in answers]
    wanted = best(problem)
    for lowering, evaluate in (
        (problem.to_qubo(), lambda model, x: model.energy(x)),
        (problem.to_program(), lambda model, x: model.objective(x)),
    ):
        model = lowering.model
        values = [lowering.objective(evaluate(model, x)) for x in answers]
        ok = [isinstance(model, Qubo) or not model.violations(x) for x in answers]
        sign = 1 if problem.sense == "maximise" else -1
        reached = max(sign * v for v, good in zip(values, ok, strict=True) if good)
        assert reached == pytest.approx(sign * wanted, abs=1e-9)
        for x, value, score, good in zip(answers, values, scores, ok, strict=True):
            if score.feasible:
                assert good
                assert value == pytest.approx(score.objective, abs=1e-9)
            elif isinstance(model, Qubo):
                assert sign * value < sign * wanted, "an infeasible answer is not worse"
            else:
                assert not good
            assert np.array_equal(lowering.decode(lowering.encode(x)), x)


@pytest.mark.parametrize("kind", KINDS)
def test_conformance(kind):
    rng = np.random.default_rng(3)
    tail, head = np.nonzero(np.triu(rng.random((9, 9)) < 0.4, 1))
    graph = Graph.build(
        9, tail, head, rng.integers(-3, 4, len(tail)), vertex_weight=rng.integers(0, 4, 9),
        names=[f"v{i}" for i in range(9)],
    )
    check_problem(kind(name="g", graph=graph))


def test_known_optima():
    petersen = nx.petersen_graph()
    for kind, value in ((MaxCut, 12), (IndependentSet, 4), (VertexCover, 6)):
        solution = qopt.solve(kind.from_networkx(petersen), "exact")
        assert (solution.status, solution.objective) == ("optimal", value)


def test_violations_name_the_edges():
    graph = Graph.build(3, [0, 1], [1, 2])
    score = IndependentSet(name="g", graph=graph).score([1, 1, 1])
    assert [(v.text, v.amount) for v in score.violations] == [
        ("edge 1-2: both ends are chosen", 1.0), ("edge 2-3: both ends are chosen", 1.0),
    ]
    score = VertexCover(name="g", graph=graph).score([1, 0, 0])
    assert [(v.text, v.amount) for v in score.violations] == [
        ("edge 2-3: neither end is chosen", 1.0)
    ]
    assert score.objective == 1.0


def test_many_violations_are_counted_in_one():
    graph = Graph.build(8, *np.triu_indices(8, 1))
    violations = IndependentSet(name="g", graph=graph).score(np.ones(8)).violations
    assert len(violations) == 11
    assert violations[-1].text == "and 18 more like it"
    assert sum(v.amount for v in violations) == 28


@pytest.mark.parametrize("kind", KINDS)
def test_fractions_are_not_repaired(kind):
    problem = kind(name="g", graph=Graph.build(2, [0], [1]))
    answer = problem.to_program().decode([0.5, 1.0])
    assert [v.text for v in problem.score(answer).violations] == ["vertex 1 is undecided"]


def test_notes_say_whether_the_penalty_suffices():
    problem = IndependentSet(name="g", graph=Graph.build(2, [0], [1]))
    assert "proven sufficient" in problem.lower(Qubo).notes[0]
    assert "not proven" in problem.lower(Qubo, penalty=1.0).notes[0]
    assert problem.lower(Qubo, penalty=4).model.value.tolist() == [4.0]
    with pytest.raises(UsageError, match="penalty must be above 0"):
        problem.lower(Qubo, penalty=0.0)


@pytest.mark.parametrize("kind", [IndependentSet, VertexCover])
def test_cliques_can_be_left_as_edges(kind):
    problem = kind(name="g", graph=Graph.build(3, *np.triu_indices(3, 1)))
    assert len(problem.lower(Program).model.constraints) == 1
    assert len(problem.lower(Program, cliques="false").model.constraints) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_there_are_no_routes(kind):
    with pytest.raises(UnsupportedError, match="not routing"):
        kind(name="g", graph=Graph.build(2)).lower(Routing)


@pytest.mark.parametrize("kind", [IndependentSet, VertexCover])
def test_negative_vertex_weights_are_refused(kind):
    with pytest.raises(InputError, match="vertex 2 weighs -1"):
        kind(name="g", graph=Graph.build(2, vertex_weight=[1, -1]))


def test_only_what_matters_is_in_the_fingerprint():
    plain = Graph.build(3, [0], [1])
    edge, vertex = Graph.build(3, [0], [1], 2.0), Graph.build(3, [0], [1], vertex_weight=2.0)

    def key(kind, graph, name="g"):
        return fingerprint(kind(name=name, graph=graph))

    assert key(MaxCut, plain) == key(MaxCut, vertex) == key(MaxCut, plain, "other")
    assert key(MaxCut, plain) != key(MaxCut, edge)
    assert key(VertexCover, plain) == key(VertexCover, edge) != key(VertexCover, vertex)


def test_loading_with_settings(tmp_path):
    path = tmp_path / "triangle.col"
    path.write_text("p edge 4 3\ne 1 2\ne 1 3\ne 2 3\nn 4 5\n")
    assert qopt.load(path).kind == "maxcut"
    problem = qopt.load(path, kind="independent-set")
    assert (problem.name, problem.describe()["weighted"]) == ("triangle", True)
    assert qopt.solve(problem, "exact").objective == 6
    clique = qopt.load(path, kind="independent-set", complement="yes")
    assert qopt.solve(clique, "exact").objective == 5
    assert qopt.solve(qopt.load(path, kind="vertex-cover"), "exact").objective == 2


def test_a_number_at_the_end_of_a_name_stays(tmp_path):
    path = tmp_path / "g05_100.3"
    path.write_text("2 1\n1 2\n")
    assert qopt.load(path).name == "g05_100.3"


def test_a_zero_weight_edge_still_counts_as_an_edge():
    problem = IndependentSet(name="g", graph=Graph.build(2, [0], [1], 0.0))
    assert not problem.score([1, 1]).feasible
    assert MaxCut(name="g", graph=problem.graph).score([0, 1]).objective == 0.0
