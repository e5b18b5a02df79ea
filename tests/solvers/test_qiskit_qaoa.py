import itertools

import numpy as np
import pytest

from qopt.errors import SizeError, UnsupportedError, UsageError
from qopt.forms import Program, Qubo
from qopt.forms.qubo import Group
from qopt.solver import Budget, Progress, Status
from qopt.solvers.qiskit_qaoa import QiskitQaoa


def solve(model, seed=0, progress=None, time_limit=None, evaluations=12, **options):
    budget = Budget(time_limit=time_limit, evaluations=evaluations)
    return QiskitQaoa(**options).solve(model, budget, seed, progress or Progress())


@pytest.fixture
def program():
    """Maximise over three bits and an integer of 0 to 2 with an inequality."""
    return Program.build(
        sense="maximise",
        linear=[3.0, 1.0, 2.0, 1.0],
        row=[0], col=[1], value=[-4.0], offset=10.0,
        upper=[1.0, 1.0, 1.0, 2.0],
        constraints=[("load", [0, 1, 2, 3], [1.0, 1.0, 1.0, 1.0], "<=", 2.0)],
    )


def test_answers_are_the_programs_own(program):
    progress = Progress()
    outcome = solve(program, progress=progress, shots=2000)
    best = max(
        program.objective(values)
        for values in itertools.product((0, 1), (0, 1), (0, 1), (0, 1, 2))
        if not program.violations(values)
    )
    assert outcome.status is Status.FEASIBLE
    assert not program.violations(outcome.answers[0])
    assert program.objective(outcome.answers[0]) == best
    assert progress.trace.incumbents[-1][1] == pytest.approx(best)
    assert outcome.counts.sum() == 2000
    keep = [not program.violations(answer) for answer in outcome.answers]
    assert keep == sorted(keep, reverse=True)
    assert not all(keep)  # penalties do not forbid


def test_usage_counts_every_shot(program):
    outcome = solve(program, shots=100, reps=2, evaluations=15)
    usage = outcome.usage
    assert 0 < usage.evaluations <= 15
    assert usage.circuits == usage.evaluations + 1
    assert usage.shots == 100 * usage.circuits
    assert usage.qubits > program.num_variables
    assert usage.two_qubit_gates > 0
    assert len(outcome.details["angles"]) == 4
    assert {"setup", "compile", "optimise", "execute"} == set(usage.phases)
    assert all(span.wall >= 0.0 for span in usage.phases.values())


def test_a_qubo_with_groups_comes_back_as_bits():
    model = Qubo.from_arrays(
        [1.0, -2.0, 0.5], [0], [1], [1.0], offset=3.0, groups=[Group((0, 1, 2), 2)]
    )
    outcome = solve(model, shots=500)
    assert outcome.answers[0].dtype == np.int8
    assert model.group_violations(outcome.answers[0])[0] == 0
    assert model.energy(outcome.answers[0]) == pytest.approx(1.5)


def test_one_seed_one_answer(program):
    first, again, other = (solve(program, seed=seed, shots=200) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.answers, again.answers)
    np.testing.assert_array_equal(first.counts, again.counts)
    assert first.details == again.details != other.details


def test_the_time_limit_ends_cobyla_with_the_best_angles(program, monkeypatch):
    class Sand:
        """A clock that runs out after some looks at it."""

        expired = False

        def __init__(self):
            self.looks = 0

        @property
        def remaining(self):
            self.looks += 1
            return 100.0 if self.looks <= 4 else 0.0

    monkeypatch.setattr(Budget, "start", lambda self: Sand())
    outcome = solve(program, evaluations=500, shots=100)
    assert outcome.usage.evaluations == 4
    assert "the time limit ended COBYLA after 4 evaluations" in outcome.reason
    assert outcome.counts.sum() == 100


def test_no_time_at_all_ends_without_an_answer(program):
    outcome = solve(program, time_limit=0.0)
    assert outcome.status is Status.TIME_LIMIT
    assert outcome.usage.shots == 0


def test_an_interrupt_before_the_first_circuit_ends_without_an_answer(program):
    progress = Progress()
    progress.stop()
    assert solve(program, progress=progress).status is Status.TIME_LIMIT


@pytest.mark.parametrize(
    ("model", "size"),
    [
        (Qubo.from_arrays(np.ones(17)), 17),
        (Program.build(linear=np.ones(9), upper=3.0), 18),  # two bits each
    ],
)
def test_too_large_a_model_is_refused(model, size):
    with pytest.raises(SizeError, match=f"at most 16 qubits, the model has {size}"):
        solve(model)


def test_what_the_library_cannot_convert_is_unsupported():
    with pytest.raises(UnsupportedError, match="cannot turn the program into a QUBO"):
        solve(Program.build(linear=[1.0], integer=[False]))


def test_models_with_little_in_them():
    empty = solve(Program.build(linear=[]))
    assert empty.status is Status.OPTIMAL
    assert len(empty.answers[0]) == 0
    assert solve(Qubo.from_arrays([2.0])).answers[0].tolist() == [0]
    broken = Program.build(linear=[], constraints=[("never", [], [], ">=", 1.0)])
    assert solve(broken).status is Status.PROVEN_INFEASIBLE


def test_a_constant_objective():
    model = Qubo.from_arrays([0.0, 0.0], offset=4.0)
    outcome = solve(model)
    assert outcome.status is Status.FEASIBLE
    assert model.energy(outcome.answers[0]) == 4.0


@pytest.mark.parametrize("options", [{"reps": 0}, {"shots": 0}, {"penalty": -1.0}])
def test_options_are_checked(options):
    with pytest.raises(UsageError):
        QiskitQaoa(**options)


def test_the_penalty_acts(program):
    light = solve(program, penalty=0.01, shots=500)
    heavy = solve(program, penalty=100.0, shots=500)
    assert light.details["angles"] != heavy.details["angles"]
