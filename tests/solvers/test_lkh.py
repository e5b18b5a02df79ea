"""LKH against enumeration, and the process that it runs in."""

import subprocess
import threading
import time
from dataclasses import replace
from itertools import permutations
from resource import RUSAGE_CHILDREN, getrusage

import numpy as np
import pytest

from qopt.errors import SizeError, SolverError, UnsupportedError, UsageError
from qopt.forms import Client, Depot, Route, Routing, Shipment, VehicleType
from qopt.solver import Budget, Progress, Status

pytest.importorskip("elkai")

from qopt.solvers import lkh
from qopt.solvers.lkh import Lkh, problem_text
from qopt.solvers.lkh_runs import parameters, trials_of_runs


def tour(locations, seed=0, symmetric=True, **vehicle) -> Routing:
    rng = np.random.default_rng(seed)
    places = rng.integers(0, 1000, (locations, 2)).astype(float)
    matrix = np.rint(np.hypot(*np.moveaxis(places[:, None] - places[None], -1, 0)))
    if not symmetric:
        matrix += rng.integers(0, 400, matrix.shape) * (1 - np.eye(locations))
    clients = tuple(Client(f"c{i}") for i in range(locations - 1))
    return Routing((Depot("d"),), clients, (VehicleType(**vehicle),), matrix, matrix)


def solve(model, evaluations=None, seed=0, progress=None, **options):
    budget = Budget(evaluations=evaluations)
    return Lkh(**options).solve(model, budget, seed, progress or Progress())


def shortest(model):
    orders = permutations(range(len(model.clients)))
    return min(model.evaluate([Route(0, order)])[0] for order in orders)


@pytest.mark.parametrize("symmetric", [True, False])
@pytest.mark.parametrize("locations", [1, 2, 3, 4, 5, 6, 8])
def test_short_tours_are_the_shortest(locations, symmetric):
    model = tour(locations, locations, symmetric)
    outcome = solve(model, 20)
    value, broken = model.evaluate(outcome.answers[0])
    assert broken == []
    assert value == (shortest(model) if locations > 1 else 0.0)
    small = locations < 5
    assert outcome.status is (Status.OPTIMAL if small else Status.FEASIBLE)
    assert outcome.bound == (value if small else None)


@pytest.mark.parametrize("factor", [0.25, np.pi, 1e-9 * np.pi, 1e9 * np.pi, 2.0**40, 0.0])
def test_lengths_of_any_size_and_precision(factor):
    model = tour(7, 1)
    model = replace(model, distance=factor * model.distance)
    value, _ = model.evaluate(solve(model, 20).answers[0])
    assert value == pytest.approx(shortest(model), rel=1e-6)


def test_the_text_of_a_problem():
    matrix = np.array([[0.0, 1.5, 2.0], [1.5, 0.0, 1.0], [2.0, 1.0, 7.0]])
    assert problem_text(matrix) == (
        "TYPE : TSP\nDIMENSION : 3\nEDGE_WEIGHT_TYPE : EXPLICIT\n"
        "EDGE_WEIGHT_FORMAT : FULL_MATRIX\nEDGE_WEIGHT_SECTION\n0 3 4\n3 0 2\n4 2 0\n"
    )
    matrix[0, 2] = 3.0
    assert problem_text(matrix) == (
        "TYPE : ATSP\nDIMENSION : 3\nEDGE_WEIGHT_TYPE : EXPLICIT\n"
        "EDGE_WEIGHT_FORMAT : FULL_MATRIX\nEDGE_WEIGHT_SECTION\n0 3 6\n3 0 2\n4 2 0\n"
    )


def test_parameters_of_the_runs():
    end = "PROBLEM_FILE = :stdin:\n"
    assert parameters(0, 1, 4, 5.0) == (
        f"RUNS = 1\nSEED = 5\nMAX_TRIALS = 1\nSUBGRADIENT = NO\n{end}"
    )
    assert parameters(1, 1, 4, 5.0) == f"RUNS = 1\nSEED = 6\nMAX_TRIALS = 1\n{end}"
    assert parameters(2, 9, 2**31, 10.0) == (
        f"RUNS = 1\nSEED = 3\nMAX_TRIALS = 9\nTIME_LIMIT = 9.000\n{end}"
    )
    assert parameters(2, 9, 0, None) == f"RUNS = 1\nSEED = 3\nMAX_TRIALS = 9\n{end}"


def test_trials_make_runs():
    assert list(trials_of_runs(None, 60)) == [1, 1, *[60] * 8]
    assert list(trials_of_runs(1, 60)) == [1]
    assert list(trials_of_runs(70, 60)) == [1, 1, 60, 8]
    assert next(trials_of_runs(10**12, 60)) == 1


def test_one_seed_one_answer_and_as_many_trials_as_the_budget_says():
    model = tour(60)
    first, second = solve(model, 30, seed=1), solve(model, 30, seed=1)
    assert first.answers == second.answers
    assert first.usage.evaluations == 30
    progress = Progress()
    assert solve(model, progress=progress, trials=1).usage.evaluations == 10
    values = [value for _, value in progress.trace.incumbents]
    assert values == sorted(set(values), reverse=True)


def test_the_seconds_of_the_process_are_in_the_ledger():
    before = getrusage(RUSAGE_CHILDREN)
    outcome = solve(tour(40), 100)
    after = getrusage(RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert 0.0 < used <= outcome.usage.phases["execute"].cpu + 1e-6


def test_limits_and_stops_end_the_process():
    model = tour(1500)  # a run takes many seconds, the first a fraction of one
    begin = time.perf_counter()
    outcome = Lkh().solve(model, Budget(time_limit=0.01), 0, Progress())
    assert outcome.status is Status.TIME_LIMIT
    stopped = Progress(lambda progress: progress.stop())
    outcome = Lkh().solve(model, Budget(), 0, stopped)
    assert (outcome.status, outcome.usage.evaluations) == (Status.FEASIBLE, 1)
    later = Progress()
    threading.Timer(0.05, later.stop).start()
    outcome = Lkh().solve(model, Budget(time_limit=60.0), 0, later)
    assert outcome.status in (Status.FEASIBLE, Status.TIME_LIMIT)
    assert time.perf_counter() - begin < 45.0


def test_a_broken_run_is_a_fault_with_its_last_words(monkeypatch):
    monkeypatch.setattr(lkh, "problem_text", lambda distance: "TYPE : NONSENSE\n")
    with pytest.raises(SolverError, match="LKH ended without an answer:"):
        solve(tour(6), 1)
    with pytest.raises(SolverError, match="NONSENSE"):
        solve(tour(6), 1)


def test_a_process_that_never_reads_is_ended_too(monkeypatch):
    """The problem is larger than a pipe holds: writing it must not wait for ever."""
    real = subprocess.Popen

    def sleeper(command, **more):
        return real([command[0], "-c", "import time; time.sleep(60)"], **more)

    monkeypatch.setattr(lkh.subprocess, "Popen", sleeper)
    begin = time.perf_counter()
    outcome = Lkh().solve(tour(300), Budget(time_limit=0.3), 0, Progress())
    assert outcome.status is Status.TIME_LIMIT
    assert time.perf_counter() - begin < 30.0


@pytest.mark.parametrize(
    "change",
    [
        {"vehicles": (VehicleType(count=2),)},
        {"vehicles": (VehicleType(end=None),)},
        {"vehicles": (VehicleType(max_distance=9.0),)},
        {"shipments": (Shipment(0, 1),)},
        {"depots": (Depot("d", late=9.0),)},
    ],
)
def test_all_but_plain_tours_are_refused(change):
    with pytest.raises(UnsupportedError, match="one closed tour"):
        solve(replace(tour(5), **change))


def test_edges():
    with pytest.raises(SizeError, match="locations"):
        solve(replace(
            tour(1), clients=tuple(Client(str(i)) for i in range(3000)),
            distance=np.broadcast_to(0.0, (3001, 3001)),
            duration=np.broadcast_to(0.0, (3001, 3001)),
        ))
    with pytest.raises(UsageError, match="trials must be at least 1, got 0"):
        Lkh(trials=0)
