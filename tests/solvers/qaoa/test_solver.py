import itertools

import numpy as np
import pytest

from qopt.errors import SizeError, UnknownNameError, UsageError
from qopt.forms import Qubo
from qopt.forms.qubo import Group
from qopt.solver import Budget, Clock, Progress, Status
from qopt.solvers.qaoa import Qaoa, results, shot_statistics
from qopt.solvers.qaoa.ansatz import Ansatz
from qopt.solvers.qaoa.devices import Watch, open_device
from qopt.solvers.qaoa.training import AngleFinder

NOISY = "depolarizing:0.01;0.05;0.02"


def solve(model, seed=0, progress=None, time_limit=None, evaluations=None, threads=1, **options):
    budget = Budget(time_limit=time_limit, evaluations=evaluations, threads=threads)
    return Qaoa(**options).solve(model, budget, seed, progress or Progress())


def test_an_outcome_is_whole(random_qubo):
    model, progress = random_qubo(6), Progress()
    outcome = solve(model, progress=progress, shots=500)
    energies = model.energies(outcome.answers)
    assert outcome.status is Status.FEASIBLE
    assert outcome.answers.dtype == np.int8
    assert outcome.counts.sum() == outcome.usage.shots == 500
    assert len(np.unique(outcome.answers, axis=0)) == len(outcome.answers)
    assert (np.diff(energies) >= 0).all()
    assert [value for _, value in progress.trace.incumbents] == [energies[0]]
    assert outcome.bound is None
    sampled = outcome.details["sampled"]
    assert sampled["mean"] == pytest.approx(outcome.counts @ energies / 500)
    assert sampled["best"] == energies[0]
    expectation = outcome.details["noiseless"]["expectation"]
    assert abs(sampled["mean"] - expectation) < 5.0 * sampled["standard_error"]
    assert "angles by auto: the closed form of one layer" in outcome.reason
    usage = outcome.usage
    assert (usage.qubits, usage.circuits, usage.device) == (6, 1, "statevector")
    assert usage.simulated
    assert usage.device_seconds is None
    assert usage.two_qubit_gates == usage.logical_two_qubit_gates == 15
    assert {"setup", "compile", "optimise", "execute"} <= set(usage.phases)


@pytest.mark.parametrize("device", ["statevector", NOISY, "aer:manila"])
def test_one_seed_one_answer(random_qubo, device):
    model = random_qubo(4)
    first, again, other = (
        solve(model, seed=seed, device=device, shots=100) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.answers, again.answers)
    np.testing.assert_array_equal(first.counts, again.counts)
    assert first.details == again.details
    assert first.counts.tolist() != other.counts.tolist()


def test_noise_makes_samples_worse_and_success_rarer(random_qubo):
    model = random_qubo(5)
    ideal = solve(model, shots=4000)
    noisy = solve(model, shots=4000, device=NOISY)
    assert ideal.details["gammas"] == noisy.details["gammas"]
    assert noisy.details["noiseless"] == ideal.details["noiseless"]
    assert noisy.usage.success_probability < ideal.usage.success_probability == 1.0
    gap = noisy.details["sampled"]["mean"] - ideal.details["sampled"]["mean"]
    assert gap > 5.0 * noisy.details["sampled"]["standard_error"]


def test_given_angles_are_taken_as_they_are(random_qubo):
    model = random_qubo(4)
    outcome = solve(model, p=2, angles=(0.1, 0.2, 0.3, 0.4))
    assert outcome.details["gammas"] == [0.1, 0.2]
    assert outcome.details["betas"] == [0.3, 0.4]
    assert outcome.details["angles_from"] == "given"
    assert outcome.usage.evaluations == 0
    assert "trained" not in outcome.reason


def test_evaluations_bound_the_training(random_qubo):
    model = random_qubo(4)
    short = solve(model, p=2, evaluations=5)
    long = solve(model, p=2, evaluations=300)
    assert short.usage.evaluations <= 5 < long.usage.evaluations <= 300
    assert long.details["noiseless"]["expectation"] <= short.details["noiseless"]["expectation"]


@pytest.mark.parametrize(
    "training", ["auto", "ramp", "interp", "fourier", "multistart", "spsa", "cobyla"]
)
def test_the_record_names_the_training(random_qubo, training):
    outcome = solve(random_qubo(4), p=2, training=training, evaluations=20)
    assert outcome.details["training"] == training
    assert outcome.details["angles_from"].startswith(training)
    assert outcome.details["noiseless"]["expectation"] < outcome.details["uniform_mean"]


@pytest.mark.parametrize("training", ["spsa", "cobyla"])
def test_shots_spent_on_angles_count(random_qubo, training):
    outcome = solve(
        random_qubo(4), p=2, training=training, training_shots=30, shots=100, evaluations=40,
        device="aer:manila", compile_tries=1,
    )
    usage = outcome.usage
    assert 0 < usage.evaluations <= 40
    assert usage.circuits == usage.evaluations + 1
    assert usage.shots == 100 + 30 * usage.evaluations
    assert outcome.counts.sum() == 100
    one = usage.device_seconds / usage.shots
    assert one == pytest.approx(250e-6 + outcome.details["circuit_seconds"])
    assert "by 30 noiseless shots" in outcome.reason


def test_cvar_is_trained_and_reported(random_qubo):
    model = random_qubo(7)
    mean = solve(model)
    cvar = solve(model, objective="cvar", cvar_alpha=0.2)
    assert set(mean.details["noiseless"]) == {"expectation"}
    assert cvar.details["noiseless"]["cvar"] < cvar.details["noiseless"]["expectation"]
    assert cvar.details["gammas"] != mean.details["gammas"]


def test_groups_become_penalties_and_broken_ones_are_no_incumbents(random_qubo):
    group = Group(members=(0, 1, 2, 3), size=1, name="choice")
    model, progress = random_qubo(5).with_groups([group]), Progress()
    outcome = solve(model, progress=progress, mixer="x")
    broken = model.group_violations(outcome.answers)
    assert outcome.status is Status.FEASIBLE
    assert broken[0] == 0
    assert (np.diff(broken) >= 0).all()
    assert outcome.details["penalties"]["weights"] == list(model.penalty_weights())
    best = min(
        model.energy(bits) for bits in itertools.product((0, 1), repeat=5) if sum(bits[:4]) == 1
    )
    assert progress.trace.incumbents[0][1] == pytest.approx(best)


def test_no_shot_within_the_groups_is_said():
    # With beta = gamma = 0 a single shot of 12 bits almost never has exactly 12 ones.
    model = Qubo.from_arrays(np.zeros(12), groups=[Group(tuple(range(12)), 12)])
    progress = Progress()
    outcome = solve(model, progress=progress, shots=1, angles=(0.0, 0.0), mixer="x")
    assert outcome.status is Status.INFEASIBLE_ANSWERS
    assert "no shot kept every group" in outcome.reason
    assert progress.trace.incumbents == []


@pytest.mark.parametrize("device", ["statevector", NOISY, "aer:manila"])
@pytest.mark.parametrize(
    "model",
    [
        Qubo.from_arrays([]),
        Qubo.from_arrays([3.0], offset=2.0),
        Qubo.from_arrays([0.0, 0.0], offset=5.0),
        Qubo.from_arrays([1.0, -1.0]),
    ],
    ids=["empty", "one variable", "constant", "no couplings"],
)
def test_models_with_little_in_them(model, device):
    outcome = solve(model, device=device, shots=64)
    best = min(
        model.energy(np.array(bits, dtype=np.int8))
        for bits in itertools.product((0, 1), repeat=model.num_variables)
    )
    assert outcome.status is Status.FEASIBLE
    assert model.energies(outcome.answers)[0] == best


def test_a_time_limit_of_nothing_ends_without_an_answer(random_qubo):
    outcome = solve(random_qubo(4), time_limit=0.0)
    assert outcome.status is Status.TIME_LIMIT
    assert "time limit" in outcome.reason
    assert len(outcome.answers) == 0
    assert outcome.usage.shots == 0


def test_more_states_than_the_limit_sets_up_are_refused_at_once(random_qubo):
    grouped = random_qubo(28).with_groups([Group(tuple(range(28)), 10)])
    outcome = solve(grouped, time_limit=3.0)
    assert outcome.status is Status.TIME_LIMIT
    assert "to set up the states within the groups takes some 31 s" in outcome.reason
    assert outcome.usage.evaluations == 0
    small = random_qubo(10).with_groups([Group(tuple(range(10)), 5)])
    assert solve(small, time_limit=3.0).status is Status.FEASIBLE


def test_the_training_foresees_another_evaluation_as_long_as_the_last(random_qubo, monkeypatch):
    budget = Budget(time_limit=10.0)
    watch = Watch(budget.start(), Progress())
    model, device = random_qubo(4), open_device("statevector")
    finder = AngleFinder(Qaoa(), model, Ansatz.of(model, "x"), budget, watch, 0, device)
    monkeypatch.setattr(Clock, "elapsed", 0.0)
    late = finder._late(0.4)
    for elapsed, ends in ((1.0, False), (2.4, False), (3.3, True), (3.3, True)):
        monkeypatch.setattr(Clock, "elapsed", elapsed)
        assert late() is ends
    # After an expectation of one second a gradient would take four.
    monkeypatch.setattr(Clock, "elapsed", 0.0)
    late = finder._late(0.4)
    monkeypatch.setattr(Clock, "elapsed", 1.0)
    assert late(4.0)


def test_a_stop_in_the_training_ends_without_an_answer(random_qubo):
    progress = Progress(lambda progress: progress.stop())
    outcome = solve(random_qubo(4), progress=progress, p=3)
    assert outcome.status is Status.TIME_LIMIT
    assert "interrupted" in outcome.reason
    assert outcome.usage.evaluations == 0


def test_a_stop_between_trajectories_keeps_their_shots(random_qubo, monkeypatch):
    from qopt.solvers.qaoa.simulate.noisy import NoisyCircuit

    progress, original, calls = Progress(), NoisyCircuit.trajectories, []

    def stop_in_second_call(self, count, seed):
        calls.append(count)
        if len(calls) == 2:
            progress.stop()
        return original(self, count, seed)

    monkeypatch.setattr(NoisyCircuit, "trajectories", stop_in_second_call)
    outcome = solve(random_qubo(4), progress=progress, device=NOISY, trajectories=100, shots=200)
    assert outcome.status is Status.FEASIBLE
    assert outcome.usage.shots == outcome.counts.sum() == 128
    assert "interrupted before all 200 shots" in outcome.reason
    assert outcome.details["noise_trajectories"] == 64
    assert outcome.independent == 64


def test_a_limit_too_short_for_one_trajectory_is_said(random_qubo, monkeypatch):
    from qopt.solvers.qaoa.devices import noisy

    monkeypatch.setattr(noisy, "expected_seconds", lambda *arguments: 1e6)
    outcome = solve(random_qubo(4), device=NOISY, trajectories=4, time_limit=100.0)
    assert outcome.status is Status.TIME_LIMIT
    assert "before a shot was taken" in outcome.reason


@pytest.mark.parametrize("qubits", [1, 8, 13, 64, 70])
def test_distinct_rows_are_those_of_numpy(qubits):
    bits = np.random.default_rng(0).integers(0, 2, (300, qubits)).astype(np.int8)
    bits[100:200] = bits[:100]
    rows, which, counts = np.unique(bits, axis=0, return_inverse=True, return_counts=True)
    found = results.distinct(bits)
    for one, other in zip(found, (rows, which.reshape(-1), counts), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_error_of_a_mean_counts_trajectories_not_shots():
    energies = np.array([1.0, 1.0, 1.0, 3.0, 3.0, 3.0])
    alike = shot_statistics.statistics(energies, np.array([0, 0, 0, 1, 1, 1]))
    apart = shot_statistics.statistics(energies, None)
    assert alike["mean"] == apart["mean"] == 2.0
    # Two means, 1 and 3: standard deviation sqrt(2), over sqrt(2).
    assert alike["standard_error"] == pytest.approx(1.0)
    assert apart["standard_error"] == pytest.approx(np.std(energies, ddof=1) / np.sqrt(6))
    assert shot_statistics.statistics(energies[:1], None)["standard_error"] is None


@pytest.mark.parametrize("unit", [1e250, 1e-250])
def test_the_error_of_a_mean_does_not_depend_on_the_unit(unit):
    energies = np.array([1.0, -2.0, 4.0])
    error = shot_statistics.statistics(unit * energies, None)["standard_error"]
    assert error == pytest.approx(
        unit * np.std(energies, ddof=1) / np.sqrt(3), rel=1e-12, abs=0.0
    )


def test_a_calibrated_device_is_accounted_for(random_qubo):
    outcome = solve(random_qubo(5), device="aer:torino", shots=200, compile_tries=2)
    usage, details = outcome.usage, outcome.details
    assert usage.device == "aer:torino"
    assert usage.simulated
    assert usage.two_qubit_gates > usage.logical_two_qubit_gates == 10
    assert usage.depth > usage.logical_depth
    assert 0.0 < usage.success_probability < 1.0
    assert usage.device_seconds == pytest.approx(200 * (250e-6 + details["circuit_seconds"]))
    assert len(details["circuit_hash"]) == len(details["calibration_hash"]) == 64
    assert details["calibration_date"].startswith("2025-02-26")


def test_compiler_options_act(random_qubo):
    model = random_qubo(5)

    def circuit(**options):
        details = solve(model, device="aer:manila", shots=1, **options).details
        return details["circuit_hash"], details["compile_seed"]

    assert circuit(compile_seed=1, compile_tries=1) != circuit(compile_seed=2, compile_tries=1)
    assert circuit(compile_seed=1) == circuit(compile_seed=1, compile_tries=4)
    levels = [circuit(optimisation_level=level, compiler="qiskit")[0] for level in (0, 3)]
    assert levels[0] != levels[1]
    assert circuit(compiler="qiskit")[0] == levels[1] != circuit(compiler="line")[0]


def test_qasm3_is_the_bound_circuit(random_qubo):
    from qiskit import qasm3

    model = random_qubo(3)
    text = Qaoa(p=2, angles=(0.1, 0.2, 0.3, 0.4)).openqasm(model)
    assert text.startswith("OPENQASM 3")
    lines = [line.split("(")[0].split(" ")[0] for line in text.splitlines()]
    assert (lines.count("h"), lines.count("rzz"), lines.count("rz"), lines.count("rx")) == (
        3, 6, 6, 6,
    )
    assert text.count("= measure") == 3
    trained = Qaoa().openqasm(model)
    assert trained == Qaoa().openqasm(model) != text
    parsed = pytest.importorskip("qiskit_qasm3_import") and qasm3.loads(text)
    assert parsed.count_ops()["rzz"] == 6


def test_qasm3_knows_no_limit_of_size():
    model = Qubo.from_arrays(np.ones(60))
    assert Qaoa(angles=(0.1, 0.2)).circuit(model).num_qubits == 60
    assert Qaoa().circuit(model).num_qubits == 60
    dense = Qubo.from_matrix(np.ones((60, 60)))
    with pytest.raises(SizeError, match=r"training=interp.*training=fixed"):
        Qaoa(p=2, training="interp").circuit(dense)


def test_too_large_a_model_is_refused_before_anything_is_loaded():
    with pytest.raises(SizeError, match="at most 26 qubits, the model has 60"):
        solve(Qubo.from_arrays(np.ones(60)))
    with pytest.raises(SizeError, match=r"at most 26 qubits, the model has 3000.*more memory than"):
        solve(Qubo.from_arrays(np.ones(3000)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"p": 0}, "p must be between"),
        ({"shots": 0}, "shots must be between"),
        ({"p": 2, "angles": (0.1, 0.2)}, "p=2 needs 4 angles"),
        ({"cvar_alpha": 0.5}, "objective=cvar"),
        ({"objective": "cvar", "cvar_alpha": 0.0}, "above 0"),
        ({"restarts": 3}, "only with training=multistart"),
        ({"restarts": 3, "training": "ramp"}, "only with training=multistart"),
        ({"training_shots": 100}, "only with training=spsa or training=cobyla"),
        ({"training_shots": 0, "training": "spsa"}, "training_shots must be between"),
        ({"angles": (0.1, 0.2), "training": "ramp"}, "angles are given"),
        ({"angles": (0.1, 0.2), "restarts": 1}, "only with training=multistart"),
        ({"trajectories": 5}, "no noise"),
        ({"device": NOISY, "trajectories": 50, "shots": 10}, "trajectories must be between 1 and"),
        ({"compile_seed": 3}, "needs no compiler"),
        ({"compiler": "line"}, "needs no compiler"),
        (
            {"device": "aer:torino", "compiler": "line", "optimisation_level": 2},
            "for qiskit's compiler",
        ),
        ({"optimisation_level": 4, "device": "aer:torino"}, "between 0 and 3"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(UsageError, match=message):
        Qaoa(**options)


def test_an_unknown_device_is_refused_at_once():
    with pytest.raises(UnknownNameError, match="did you mean 'aer:torino'"):
        Qaoa(device="aer:torinoo")
