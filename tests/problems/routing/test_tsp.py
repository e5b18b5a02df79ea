import json
from importlib.resources import files
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qopt
from qopt.errors import (
    InputError,
    ParseError,
    SizeError,
    UnknownNameError,
    UnsupportedError,
    UsageError,
)
from qopt.forms import Program, Qubo, Route, Routing
from qopt.problem import fingerprint
from qopt.problems.routing import Tsp
from qopt.testing import check_problem

INSTANCES = Path(str(files("qopt.instances"))) / "tsp"

BURMA14 = [1, 2, 14, 3, 4, 5, 6, 12, 7, 13, 8, 11, 9, 10]
GR17 = [1, 4, 13, 7, 8, 6, 17, 14, 15, 3, 11, 10, 2, 5, 9, 12, 16]


@st.composite
def instances(draw, least=2, most=5):
    """Distances of every sort: metric, symmetric, asymmetric, whole, real, zero."""
    size = draw(st.integers(least, most))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    sort = draw(st.sampled_from(["plane", "whole", "real", "zero", "skewed"]))
    if sort == "plane":
        xy = rng.integers(0, 40, (size, 2))
        distance = np.floor(np.hypot(*np.moveaxis(xy[:, None] - xy[None], -1, 0)) + 0.5)
    elif sort == "whole":
        distance = rng.integers(0, 20, (size, size))
    elif sort == "real":
        distance = rng.random((size, size)) * 10
    elif sort == "zero":
        distance = np.zeros((size, size))
    else:
        distance = rng.integers(0, 2, (size, size)) * 1000 + rng.integers(0, 3, (size, size))
    return Tsp(distance=distance)


def tours(problem):
    return [(0, *order) for order in permutations(range(1, problem.num_cities))]


def optimum(problem):
    return min(problem.score(tour).objective for tour in tours(problem))


# -- judging ------------------------------------------------------------------------------------


def test_known_tours_have_their_known_lengths():
    burma = Tsp.load(INSTANCES / "burma14.tsp")
    assert burma.score([c - 1 for c in BURMA14]).objective == 3323
    assert burma.score([c - 1 for c in BURMA14]).feasible
    gr = Tsp.load(INSTANCES / "gr17.tsp")
    assert gr.score([c - 1 for c in GR17]) == gr.score(gr.decode_answer({"tour": GR17}))
    assert gr.score([c - 1 for c in GR17]).objective == 2085


def test_the_small_bundled_instance_has_its_reference():
    problem = qopt.load(INSTANCES / "burma5.toml")
    assert problem.reference.value == optimum(problem)
    check_problem(problem)


@pytest.mark.parametrize(
    ("tour", "words"),
    [
        ((0, 1, 2), ["city 4 is not visited"]),
        ((0, 1, 2, 2), ["city 3 is visited 2 times", "city 4 is not visited"]),
        ((0, 1, 2, 3, 7), ["city 8 does not exist"]),
        ((0, 1, 2, 3, -1), ["city 0 does not exist"]),
        ((), [f"city {c} is not visited" for c in (1, 2, 3, 4)]),
    ],
)
def test_violations_are_said_in_words(tour, words):
    problem = Tsp(distance=np.ones((4, 4)))
    score = problem.score(tour)
    assert sorted(v.text for v in score.violations) == sorted(words)
    assert all(v.amount > 0 for v in score.violations)


def test_the_start_and_the_direction():
    problem = Tsp(distance=[[0, 1, 5], [2, 0, 1], [1, 9, 0]])
    assert not problem.symmetric
    assert problem.score((0, 1, 2)) == problem.score((2, 0, 1))
    assert problem.score((0, 1, 2)).objective == 3
    assert problem.score((0, 2, 1)).objective == 16


def test_an_answer_survives_json_and_a_tour_file(tmp_path):
    problem = Tsp(distance=np.ones((4, 4)))
    answer = (0, 3, 1, 2)
    data = json.loads(json.dumps(problem.encode_answer(answer)))
    assert data == {"tour": [1, 4, 2, 3]}
    assert problem.decode_answer(data) == answer
    path = tmp_path / "a.tour"
    path.write_text(problem.to_tour(answer))
    assert problem.read_tour(path) == answer
    with pytest.raises(InputError, match="4 cities, tsp has 5"):
        Tsp(distance=np.ones((5, 5))).read_tour(path)
    with pytest.raises(InputError, match="a tour is written as"):
        problem.decode_answer({"routes": []})


@pytest.mark.parametrize(
    ("distance", "message"),
    [
        ([[0, 1], [1, 0], [2, 2]], "square"),
        ([[0]], "at least 2"),
        ([[0, -1], [1, 0]], "from location 1 to 2 is -1"),
        ([[0, 1], [float("nan"), 0]], "from location 2 to 1 is nan"),
        ([[0, float("inf")], [1, 0]], "finite"),
        ([["a", 1], [1, 0]], "numbers"),
    ],
)
def test_wrong_distances_are_refused(distance, message):
    with pytest.raises(InputError, match=message):
        Tsp(distance=distance)


def test_the_rounding_is_part_of_the_instance():
    whole = Tsp.load(INSTANCES / "burma14.tsp")
    real = qopt.load(INSTANCES / "burma14.tsp", rounding="none")
    assert whole.describe()["distances"] == "GEO, whole numbers by TSPLIB's rule"
    assert real.describe()["distances"] == "GEO, not rounded"
    assert fingerprint(whole) != fingerprint(real)
    assert whole.score(range(14)).objective != real.score(range(14)).objective
    with pytest.raises(UsageError, match="rounding"):
        qopt.load(INSTANCES / "burma14.tsp", rounding="nearest")


# -- lowering -----------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(problem=instances(most=4))
def test_one_hot_bits_against_enumeration(problem):
    """Every bit string: feasible ones keep their length, and all others lie above the optimum."""
    lowering = problem.to_qubo()
    model = lowering.model
    n = model.num_variables
    assert n == (problem.num_cities - 1) ** 2
    bits = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)
    scores = [problem.score(lowering.decode(row)) for row in bits]
    feasible = np.array([score.feasible for score in scores])
    lengths = np.array([score.objective for score in scores])
    assert feasible.sum() == len(tours(problem))
    grouped = model.group_violations(bits) == 0
    assert grouped[feasible].all()
    for energies in (model.energies(bits), model.penalised().energies(bits)):
        assert energies[feasible] == pytest.approx(lengths[feasible])
    best = optimum(problem)
    assert (model.energies(bits)[grouped & ~feasible] > best).all()
    assert (model.penalised().energies(bits)[~feasible] > best).all()


@settings(deadline=None, max_examples=30)
@given(problem=instances(), data=st.data())
def test_tours_pass_through_every_form(problem, data):
    tour = data.draw(st.sampled_from(tours(problem)))
    turned = tour[2:] + tour[:2]
    length = problem.score(tour).objective
    for form in (Routing, Program, Qubo):
        lowering = problem.lower(form)
        answer = lowering.encode(turned)
        assert lowering.decode(answer) == tour
        if form is Routing:
            value, broken = lowering.model.evaluate(answer)
        elif form is Program:
            value, broken = lowering.model.objective(answer), lowering.model.violations(answer)
        else:
            value = lowering.model.energy(answer)
            broken = lowering.model.group_violations(answer)[0]
        assert not broken
        assert lowering.objective(value) == pytest.approx(length)


def test_more_than_one_route_is_no_tour():
    problem = Tsp(distance=np.ones((4, 4)))
    lowering = problem.to_routing()
    assert lowering.model.is_tsp
    assert problem.score(lowering.decode((Route(0, (2, 0, 1)),))).feasible
    for routes in ((), (Route(0, (0,)), Route(0, (1, 2))), (Route(0, (0, 1)),)):
        assert lowering.model.evaluate(routes)[1]
        assert not problem.score(lowering.decode(routes)).feasible


def test_whole_distances_give_a_whole_qubo():
    assert Tsp.load(INSTANCES / "gr17.tsp").to_qubo().model.is_integral


def test_notes_say_the_qubits_and_what_the_weight_is_worth():
    problem = Tsp.load(INSTANCES / "burma5.tsp")
    notes = problem.to_qubo().notes
    assert "16 qubits" in notes[0]
    assert notes[1].endswith("proven sufficient")
    asked = problem.to_qubo(weight=1.5)
    assert asked.notes[1].endswith("not proven sufficient")
    assert {group.weight for group in asked.model.groups} == {1.5}
    assert asked.model.linear[5] == -1.5
    with pytest.raises(UsageError, match="above 0"):
        problem.to_qubo(weight=0.0)


def test_lowering_options_are_checked():
    problem = Tsp(distance=np.ones((4, 4)))
    assert problem.lower(Qubo, weight="3").model.groups[0].weight == 3.0
    with pytest.raises(UnknownNameError, match="did you mean 'weight'"):
        problem.lower(Qubo, wieght=3)
    with pytest.raises(UnknownNameError):
        problem.lower(Program, weight=3)
    with pytest.raises(UnsupportedError):
        problem.lower(int)


def test_sizes_are_refused_before_anything_is_built():
    problem = Tsp(distance=np.ones((301, 301)))
    with pytest.raises(SizeError, match=r"150 cities.*301.*90000 qubits"):
        problem.to_qubo()
    with pytest.raises(SizeError, match="300 nodes"):
        problem.to_program()
    assert problem.to_routing().model.num_locations == 301


@pytest.mark.parametrize(
    ("dimension", "section", "words"),
    [
        (1, "NODE_COORD_SECTION\n1 0 0\n", "at least 2 locations"),
        (2, "EDGE_WEIGHT_SECTION\n0 -2\n1 0\n", "from location 1 to 2 is -2"),
    ],
)
def test_what_no_tour_has_is_told_with_the_file(tmp_path, dimension, section, words):
    path = tmp_path / "bad.tsp"
    kind = "EUC_2D" if "COORD" in section else "EXPLICIT\nEDGE_WEIGHT_FORMAT: FULL_MATRIX"
    path.write_text(
        f"NAME: bad\nTYPE: TSP\nDIMENSION: {dimension}\nEDGE_WEIGHT_TYPE: {kind}\n{section}EOF\n"
    )
    with pytest.raises(ParseError, match=words) as fault:
        Tsp.load(path)
    assert str(path) in str(fault.value)
