"""Vehicle routing with time windows in the layout of Solomon."""

from importlib.resources import files
from pathlib import Path

import pytest

import qopt
from qopt.errors import UsageError
from qopt.forms import Route
from qopt.problem import fingerprint
from qopt.problems.routing import Vrptw
from qopt.solver import Status
from qopt.testing import check_problem

BUNDLED = Path(str(files("qopt.instances"))) / "vrptw" / "windows-12.txt"
BEST = [[2, 4, 7], [6], [8, 5, 1, 3], [12, 11, 10, 9]]


@pytest.fixture
def problem():
    return qopt.load("windows-12")


def test_the_known_answer_has_exactly_its_known_value(problem):
    assert isinstance(problem, Vrptw)
    score = problem.score(problem.decode_answer({"routes": BEST}))
    assert (score.objective, score.feasible) == (288.3, True)
    assert problem.reference.value == 288.3
    check_problem(problem)


def test_distances_are_cut_after_one_decimal_unless_asked_otherwise(problem):
    # Customers 1 (37, 15) and the depot (30, 30): 16.552945...
    assert problem.routing.distance[0, 1] == 16.5
    exact = qopt.load(BUNDLED, rounding="none")
    assert exact.routing.distance[0, 1] == pytest.approx(16.552945357)
    whole = qopt.load(BUNDLED, rounding="tsplib")
    assert whole.routing.distance[0, 1] == 17
    said = [p.describe()["distances"] for p in (problem, exact, whole)]
    assert said == ["EUC_2D, cut after one decimal", "EUC_2D, not rounded",
                    "EUC_2D, whole numbers by TSPLIB's rule"]
    assert len({fingerprint(p) for p in (problem, exact, whole)}) == 3
    # A value holds under its convention alone.
    assert exact.reference is None


def test_windows_and_vehicles_bind(problem):
    late = problem.score((Route(0, (9, 1)),))
    assert any("client 2: arrival" in str(v) for v in late.violations)
    few = qopt.load(BUNDLED, vehicles=3)
    score = few.score(few.decode_answer({"routes": BEST}))
    assert [str(v) for v in score.violations] == ["4 routes for 3 of vehicle"]
    with pytest.raises(UsageError, match="vehicles must be at least 1"):
        qopt.load(BUNDLED, vehicles=0)


def test_describe_says_size_and_convention(problem):
    assert problem.describe() == {
        "clients": 12, "time windows": 12, "demand": 128.0,
        "vehicles": "5 of vehicle (capacity 60)", "distances": "EUC_2D, cut after one decimal",
        "durations": "equal to the distances", "objective": "total distance",
    }


def test_solution_files_come_back(problem, tmp_path):
    answer = problem.decode_answer({"routes": BEST})
    path = tmp_path / "a.sol"
    path.write_text(problem.to_sol(answer))
    assert path.read_text().splitlines()[0] == "Route #1: 2 4 7"
    assert path.read_text().splitlines()[-1] == "Cost 288.3"
    assert problem.read_sol(path) == answer


def test_a_demand_above_the_capacity_has_no_answer(tmp_path):
    path = tmp_path / "heavy.txt"
    path.write_text(BUNDLED.read_text().replace("   5            60", "   5            15"))
    none = qopt.solve(qopt.load(path), "pyvrp")
    assert none.status is Status.PROVEN_INFEASIBLE
    assert "client 4: its load 18 is above the largest capacity 15" in none.record.reason


def test_a_rich_reader_sends_the_file_to_its_own_kind():
    with pytest.raises(UsageError, match="read it as kind 'vrptw'"):
        qopt.load(BUNDLED, kind="vrp")
