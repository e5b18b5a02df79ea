"""dwave-samplers' annealing and tabu search behind our contract."""

import warnings

import numpy as np
import pytest

from qopt.errors import UsageError
from qopt.forms import Group, Qubo
from qopt.solver import Budget, Progress, Status
from qopt.solvers.dwave import DwaveAnnealing, DwaveTabu, default_betas

SOLVERS = [DwaveAnnealing(num_reads=20, num_sweeps=200), DwaveTabu(num_reads=20, timeout=0.02)]


def model(n=10, groups=()) -> Qubo:
    matrix = np.random.default_rng(n).integers(-9, 10, (n, n))
    return Qubo.from_matrix(matrix, offset=2.0, groups=groups)


def optimum(qubo: Qubo) -> float:
    n = qubo.num_variables
    bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
    return qubo.energies(bits[qubo.group_violations(bits) == 0]).min()


def solve(solver, qubo, budget=None, seed=0, progress=None):
    return solver.solve(qubo, budget or Budget(), seed, progress or Progress())


@pytest.mark.parametrize("solver", SOLVERS, ids=["sa", "tabu"])
@pytest.mark.parametrize("groups", [(), (Group((0, 1, 2), 1), Group((4, 5, 6, 7), 2))])
def test_small_models_are_solved(solver, groups):
    qubo, progress = model(groups=groups), Progress()
    budget = Budget(evaluations=40) if isinstance(solver, DwaveTabu) else Budget()
    outcome = solve(solver, qubo, budget, progress=progress)
    assert outcome.status is Status.FEASIBLE
    assert outcome.bound is None
    assert not qubo.group_violations(outcome.answers[:1])[0]
    assert qubo.energy(outcome.answers[0]) == optimum(qubo) == progress.trace.incumbents[-1][1]
    energies = qubo.penalised().energies(outcome.answers)
    assert (np.diff(energies) >= 0).all()
    assert outcome.counts.sum() == solver.num_reads
    assert set(outcome.usage.phases) == {"setup", "compile", "execute"}


@pytest.mark.parametrize("solver", SOLVERS, ids=["sa", "tabu"])
@pytest.mark.parametrize("qubo", [Qubo.from_arrays([]), Qubo.from_arrays(np.zeros(3))])
def test_models_without_coefficients(solver, qubo):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outcome = solve(solver, qubo)
    assert outcome.status is Status.FEASIBLE
    assert outcome.answers.shape[1] == qubo.num_variables


def test_broken_groups_are_not_called_feasible():
    # A penalty far below what the bits cost: every group is emptied.
    groups = [Group((0, 1, 2), 2, weight=1e-3), Group((3, 4, 5), 1, weight=1e-3)]
    qubo = Qubo.from_arrays(np.ones(6), groups=groups)
    for solver in SOLVERS:
        outcome = solve(solver, qubo)
        assert qubo.group_violations(outcome.answers).all()
        assert outcome.status is Status.INFEASIBLE_ANSWERS


def test_one_seed_one_answer():
    qubo = model(40)
    for solver, budget in (
        (DwaveAnnealing(num_sweeps=5), Budget()),
        (DwaveTabu(), Budget(evaluations=3)),
    ):
        first, again, other = (solve(solver, qubo, budget, seed) for seed in (3, 3, 4))
        assert first.answers.tolist() == again.answers.tolist()
        assert first.counts.tolist() == again.counts.tolist()
        if isinstance(solver, DwaveAnnealing):
            assert first.answers.tolist() != other.answers.tolist()


def test_reads_do_not_repeat_one_another(monkeypatch):
    monkeypatch.setattr("qopt.solvers.dwave.CHUNK", 1)
    outcome = solve(DwaveAnnealing(num_reads=8, num_sweeps=2), model(60))
    assert len(outcome.answers) == 8


@pytest.mark.parametrize(
    ("evaluations", "reads", "sweeps"), [(10 * 50 * 7, 7, 50), (10 * 20, 1, 20), (1, 1, 1)]
)
def test_evaluations_are_flip_proposals(evaluations, reads, sweeps):
    outcome = solve(DwaveAnnealing(num_sweeps=50), model(), Budget(evaluations=evaluations))
    assert outcome.counts.sum() == reads
    assert outcome.details == {"reads": reads, "sweeps": sweeps}
    assert outcome.usage.evaluations == reads * sweeps * 10


def test_a_read_that_does_not_fit_the_time_limit_is_cut():
    outcome = solve(DwaveAnnealing(num_sweeps=10**9), model(), Budget(time_limit=0.2))
    assert "sweeps cut from 1000000000" in outcome.reason
    assert outcome.status is Status.FEASIBLE


@pytest.mark.parametrize("solver", [DwaveAnnealing(), DwaveTabu()], ids=["sa", "tabu"])
def test_a_time_limit_ends_an_open_number_of_reads(solver):
    outcome = solve(solver, model(), Budget(time_limit=0.2))
    assert outcome.counts.sum() > 1
    nothing = solve(solver, model(), Budget(time_limit=0.0))
    assert (nothing.status, len(nothing.answers)) == (Status.TIME_LIMIT, 0)


@pytest.mark.parametrize("solver", [DwaveAnnealing(), DwaveTabu()], ids=["sa", "tabu"])
def test_a_stop_keeps_the_reads_so_far(solver, monkeypatch):
    monkeypatch.setattr("qopt.solvers.dwave.CHUNK", 1)
    progress = Progress(lambda p: p.stop() if p.done else None)
    outcome = solve(solver, model(), progress=progress)
    assert outcome.counts.sum() == 1


@pytest.mark.parametrize("matrix", [np.diag([1.0, -2, 0]), np.ones((4, 4)), None])
def test_temperatures_are_the_library_s_own(matrix):
    from dwave.samplers import SimulatedAnnealingSampler

    qubo = model(12) if matrix is None else Qubo.from_matrix(matrix)
    import dimod

    bqm = dimod.BinaryQuadraticModel.from_numpy_vectors(
        qubo.linear, (qubo.row, qubo.col, qubo.value), 0.0, "BINARY"
    )
    theirs = SimulatedAnnealingSampler().sample(bqm, num_sweeps=1).info["beta_range"]
    assert default_betas(qubo) == pytest.approx(theirs)


@pytest.mark.parametrize(
    ("solver", "options"),
    [
        (DwaveAnnealing, {"num_reads": 0}), (DwaveAnnealing, {"num_sweeps": 0}),
        (DwaveTabu, {"num_reads": -1}), (DwaveTabu, {"timeout": 0.0}),
    ],
)
def test_options_are_checked(solver, options):
    with pytest.raises(UsageError, match="must be above 0"):
        solver(**options)
