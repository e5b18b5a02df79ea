"""The variants of QAOA as options of the solver."""

import itertools
import json

import networkx as nx
import numpy as np
import pytest

from qopt.errors import SizeError, UsageError
from qopt.forms import Group, Qubo
from qopt.loading import load
from qopt.solver import Budget, Progress, Status
from qopt.solvers.qaoa import Qaoa
from qopt.solvers.qaoa.ansatz import Angles, Ansatz, Cost, TermAngles
from qopt.solvers.qaoa.devices import DeviceOptions, Watch, open_device
from qopt.solvers.qaoa.noise import depolarising_noise
from qopt.solvers.qaoa.simulate import open_for_training, reference
from qopt.solvers.qaoa.simulate.light_cone import LightCones
from qopt.solvers.qaoa.simulate.noisy import NoisyCircuit
from qopt.solvers.qaoa.simulate.product import ProductStatevector
from qopt.solvers.qaoa.warm_start import tilts_of, warm_start

NOISY = "depolarizing:0.01;0.03;0.02"


def solve(model, seed=0, evaluations=None, **options):
    budget = Budget(evaluations=evaluations)
    return Qaoa(**options).solve(model, budget, seed, Progress())


def grouped(random_qubo):
    """A selection, a choice and two free bits."""
    return random_qubo(9).with_groups([Group((0, 2, 4, 6), 2), Group((1, 3, 8), 1)])


def kept(model, outcome):
    return outcome.counts[model.group_violations(outcome.answers) == 0].sum()


# -- mixers that keep groups --------------------------------------------------------------------


@pytest.mark.parametrize("mixer", ["auto", "ring", "complete", "grover"])
def test_every_noiseless_shot_keeps_the_groups(random_qubo, mixer):
    model = grouped(random_qubo)
    outcome = solve(model, mixer=mixer, p=2)
    assert kept(model, outcome) == outcome.counts.sum() == 1024
    details = outcome.details
    assert details["mixer"] == (mixer if mixer != "auto" else "complete")
    assert "penalties" not in details
    assert details["sampled"]["kept_groups"] == 1.0
    bits = (np.arange(2**9)[:, None] >> np.arange(9)) & 1
    energies = model.energies(bits[model.group_violations(bits) == 0])
    assert details["uniform_mean"] == pytest.approx(energies.mean())
    assert details["noiseless"]["expectation"] < energies.mean() - 0.3 * energies.std()
    sampled = details["sampled"]
    assert sampled["mean"] == pytest.approx(
        details["noiseless"]["expectation"], abs=6 * sampled["standard_error"]
    )


def test_noise_carries_shots_out_of_the_groups_and_that_is_told(random_qubo):
    model = grouped(random_qubo)
    outcome = solve(model, device=NOISY, mixer="complete", trajectories=200)
    share = outcome.details["sampled"]["kept_groups"]
    assert share == pytest.approx(kept(model, outcome) / 1024)
    assert 0.2 < share < 0.95
    assert outcome.usage.two_qubit_gates > 0


def test_a_calibrated_device_runs_a_circuit_that_keeps_groups(random_qubo):
    model = random_qubo(4).with_groups([Group((0, 1, 2, 3), 2)])
    outcome = solve(model, mixer="ring", device="aer:torino", compile_tries=1)
    # Of 16 strings 6 keep the group: noise has not washed it out.
    assert kept(model, outcome) > 0.75 * outcome.counts.sum()


def test_a_group_of_one_state_is_simply_prepared():
    model = Qubo.from_arrays(np.ones(3), groups=[Group((0, 2), 2)])
    outcome = solve(model)
    assert outcome.answers[0].tolist() == [1, 0, 1]


@pytest.mark.parametrize("mixer", ["ring", "complete", "grover"])
def test_mixers_within_groups_need_groups(random_qubo, mixer):
    with pytest.raises(UsageError, match=f"mixer={mixer}.*this model has none"):
        solve(random_qubo(4), mixer=mixer)


def test_groups_beyond_the_statevector(random_qubo):
    # 36 qubits, but 6^6 states.
    groups = [Group(tuple(range(6 * i, 6 * i + 6)), 1) for i in range(6)]
    model = random_qubo(36, density=0.2).with_groups(groups)
    outcome = solve(model, shots=200)
    assert kept(model, outcome) == 200
    with pytest.raises(SizeError):
        solve(model, mixer="x")


# -- warm starts --------------------------------------------------------------------------------


@pytest.mark.parametrize("start", ["convex", "multilinear", "annealing"])
def test_a_warm_start_says_what_it_was_worth(random_qubo, start):
    model = random_qubo(7)
    outcome = solve(model, seed=3, warm_start=start)
    told = outcome.details["warm_start"]
    seed = int(np.random.SeedSequence(3).generate_state(4)[3])
    found = warm_start(model, start, None, seed)
    assert told["tilts"] == pytest.approx(found.tilts)
    ones = np.sin(found.tilts / 2.0) ** 2
    bits = (np.arange(2**7)[:, None] >> np.arange(7)) & 1
    weights = np.prod(np.where(bits == 1, ones, 1.0 - ones), axis=1)
    assert told["mean"] == pytest.approx(weights @ model.energies(bits))
    assert model.energies(bits).min() <= told["best_of_as_many_shots"] < told["mean"]
    ours = model.energy(outcome.answers[0])
    assert told["circuit_is_better"] == (ours < told["best_of_as_many_shots"])
    assert "warm-start" in outcome.details["caveats"]
    assert f"as many shots of the warm start ({start}) itself" in outcome.reason
    assert outcome.status is Status.FEASIBLE


def test_an_epsilon_of_a_half_is_the_usual_circuit(random_qubo):
    model = random_qubo(5)
    angles = (0.3, 0.4)
    plain = solve(model, angles=angles)
    warm = solve(model, angles=angles, warm_start="annealing", warm_epsilon=0.5)
    assert warm.details["noiseless"]["expectation"] == pytest.approx(
        plain.details["noiseless"]["expectation"]
    )
    assert warm.details["circuit_hash"] == plain.details["circuit_hash"]


def test_a_warm_start_is_prepared(random_qubo):
    model = random_qubo(6)
    outcome = solve(model, warm_start="annealing", warm_epsilon=0.01, angles=(0.0, 0.0))
    seed = int(np.random.SeedSequence(0).generate_state(4)[3])
    start = warm_start(model, "annealing", 0.01, seed)
    assert set(np.unique(tilts_of(start.probabilities, 0.01))) <= set(start.tilts)
    most = outcome.answers[np.argmax(outcome.counts)]
    np.testing.assert_array_equal(most, start.bits)
    assert outcome.counts.max() > 0.85 * 1024


def test_groups_become_penalties_under_a_warm_start(random_qubo):
    outcome = solve(grouped(random_qubo), warm_start="convex")
    assert outcome.details["mixer"] == "x"
    assert outcome.details["penalties"]["groups"] == 2


# -- an angle a term and qubit ------------------------------------------------------------------


@pytest.mark.parametrize("start", ["none", "convex"])
def test_more_angles_are_no_worse(random_qubo, start):
    model = random_qubo(6)
    plain = solve(model, p=2, warm_start=start)
    many = solve(model, p=2, warm_start=start, multi_angle=True)
    assert (
        many.details["noiseless"]["expectation"]
        < plain.details["noiseless"]["expectation"] - 0.05 * plain.details["scale"]
    )
    gammas, betas = np.array(many.details["gammas"]), np.array(many.details["betas"])
    assert gammas.shape == (2, Cost.of(model).terms)
    assert betas.shape == (2, 6)
    simulator = ProductStatevector(
        Cost.of(model),
        None if start == "none" else warm_start(model, start, None, 0).tilts,
    )
    value = simulator.expectation(TermAngles(gammas, betas))
    assert Cost.of(model).energy(value) == pytest.approx(many.details["noiseless"]["expectation"])
    assert "then an angle a term and qubit" in many.details["angles_from"]


def test_an_allowance_is_shared_with_the_angles_of_terms(random_qubo):
    outcome = solve(random_qubo(6), p=2, multi_angle=True, evaluations=12)
    assert outcome.usage.evaluations <= 12
    assert outcome.status is Status.FEASIBLE


# -- objectives ---------------------------------------------------------------------------------


def test_circuits_of_shots_are_not_those_of_the_descent_in_the_angles_of_terms(random_qubo):
    outcome = solve(random_qubo(5), training="spsa", training_shots=100, multi_angle=True)
    assert outcome.usage.evaluations > 400
    assert outcome.usage.circuits == 401
    assert outcome.usage.shots == 400 * 100 + 1024


@pytest.mark.parametrize("multi_angle", [False, True])
def test_details_suffice_to_prepare_a_tilted_state_again(random_qubo, multi_angle):
    model = random_qubo(5)
    details = solve(model, p=2, warm_start="convex", multi_angle=multi_angle).details
    kind = TermAngles if multi_angle else Angles
    angles = kind(np.array(details["gammas"]), np.array(details["betas"]))
    cost = Cost.of(model)
    state = reference.product_state(cost, np.array(details["tilts"]), angles)
    value = np.abs(state) ** 2 @ reference.diagonal(cost)
    assert cost.energy(value) == pytest.approx(details["noiseless"]["expectation"])


def test_the_gibbs_objective_is_what_is_trained(random_qubo):
    model = random_qubo(6)
    found = {
        name: solve(model, p=2, objective=name).details["noiseless"]
        for name in ("mean", "gibbs", "cvar")
    }
    assert set(found["gibbs"]) == {"expectation", "gibbs"}
    assert found["gibbs"]["gibbs"] < found["gibbs"]["expectation"]
    assert found["mean"]["expectation"] <= found["gibbs"]["expectation"] + 1e-9
    strong = solve(model, objective="gibbs", gibbs_eta=50.0).details["noiseless"]["gibbs"]
    bits = (np.arange(2**6)[:, None] >> np.arange(6)) & 1
    # With a large eta the objective is the least energy, less what its probability takes.
    assert strong == pytest.approx(model.energies(bits).min(), rel=0.05)


# -- large registers ----------------------------------------------------------------------------


def cubic(n):
    edges = np.array(sorted(nx.random_regular_graph(3, n, seed=1).edges()))
    linear = -np.bincount(edges.ravel(), minlength=n).astype(float)
    return Qubo.from_arrays(linear, edges[:, 0], edges[:, 1], np.full(len(edges), 2.0))


@pytest.mark.parametrize(("p", "how"), [(1, "closed form"), (2, "L-BFGS on the noiseless mean")])
def test_fifty_qubits_of_a_sparse_cost_are_trained_exactly(p, how):
    outcome = solve(cubic(50), p=p, device="mps:16", shots=100)
    assert how in outcome.details["angles_from"]
    # The share of edges cut that two layers ensure; a cut of 75 edges is minus the energy.
    assert -outcome.details["noiseless"]["expectation"] / 75 > {1: 0.69, 2: 0.74}[p]
    assert "truncation error" in outcome.reason
    assert 0.0 < outcome.details["estimated_fidelity"] <= 1.0


@pytest.mark.parametrize("made", [False, True])
def test_a_time_limit_ends_light_cones(monkeypatch, made):
    model = cubic(40)
    cones = LightCones(Cost.of(model), 2).distinct
    asked = model.num_interactions + cones + 1 if made else 30
    answers = itertools.chain([False] * asked, itertools.repeat(True))
    monkeypatch.setattr(Watch, "past", lambda watch, share: next(answers))
    outcome = solve(model, p=2, device="mps:4", shots=20)
    told = "without a search: the time limit left none to make light cones"
    assert (told in outcome.reason) != made
    assert outcome.details["noiseless"] == {}
    assert outcome.counts.sum() == 20


def test_what_no_simulator_takes_gets_angles_from_the_table(random_qubo):
    model = random_qubo(30)
    assert open_for_training(Ansatz(Cost.of(model)), 2) is None
    outcome = solve(model, p=2, device="mps:2", shots=20)
    assert "without a search: no simulator takes so many qubits" in outcome.reason
    assert outcome.details["noiseless"] == {}
    ramp = solve(model, p=2, device="mps:2", shots=20, training="ramp")
    assert ramp.details["angles_from"].startswith("ramp")
    for options, error in (
        ({"training": "multistart"}, SizeError), ({"training": "spsa"}, SizeError),
        ({"objective": "cvar"}, UsageError),
    ):
        with pytest.raises(error):
            solve(model, p=2, device="mps:2", shots=20, **options)
    # In light cones the mean is known, and no shot can be drawn.
    with pytest.raises(UsageError, match="training=spsa draws shots"):
        solve(cubic(40), p=2, device="mps:2", training="spsa")


def test_light_cones_take_over_where_the_state_does_not_fit():
    assert isinstance(open_for_training(Ansatz(Cost.of(cubic(40))), 2), LightCones)


def test_fixed_angles_prepare_no_state_for_the_training():
    outcome = solve(cubic(12), p=3, training="fixed")
    assert outcome.usage.evaluations == 0
    assert -outcome.details["noiseless"]["expectation"] / 18 > 0.75


@pytest.mark.parametrize("options", [{"mixer": "ring"}, {"mixer": "x", "warm_start": "convex"}])
def test_fixed_angles_are_of_the_usual_circuit(random_qubo, options):
    with pytest.raises(UsageError, match="training=fixed knows the mixer x"):
        solve(grouped(random_qubo), training="fixed", **options)


# -- angles of earlier runs ---------------------------------------------------------------------


def test_angles_serve_another_instance_of_the_family(random_qubo, tmp_path):
    path = tmp_path / "runs.json"
    earlier = [solve(random_qubo(7, seed=seed), p=3).details for seed in range(3)]
    path.write_text("\n".join(json.dumps({"details": each}) for each in earlier))
    # In other units, and larger.
    other = random_qubo(9, seed=9)
    model = Qubo.from_matrix(1000.0 * other.to_matrix(), offset=3.0)
    stored = solve(model, p=3, angles_from=str(path))
    trained = solve(model, p=3)
    uniform = stored.details["uniform_mean"]
    gain = {
        name: uniform - run.details["noiseless"]["expectation"]
        for name, run in (("stored", stored), ("trained", trained))
    }
    assert gain["stored"] > 0.75 * gain["trained"]
    assert stored.usage.evaluations == 0
    assert stored.details["training"] == "none"


@pytest.mark.parametrize(("options", "message"), [
    ({"mixer": "ring", "warm_start": "convex"}, "warm_start=convex goes with the mixer x"),
    ({"mixer": "grover", "multi_angle": True}, "multi_angle=true goes with the mixer x"),
    ({"warm_epsilon": 0.1}, "acts only with a warm_start"),
    ({"warm_start": "convex", "warm_epsilon": 0.6}, "0 to 0.5"),
    ({"multi_angle": True, "angles": (0.1, 0.1)}, "multi_angle cannot act"),
    ({"gibbs_eta": 1.0}, "only with objective=gibbs"),
    ({"objective": "gibbs", "gibbs_eta": 0.0}, "above 0"),
    ({"objective": "gibbs", "gibbs_eta": float("nan")}, "above 0"),
    ({"angles": (0.1, 0.1), "angles_from": "x"}, "two sources"),
    ({"angles": (0.1, float("nan"))}, "got nan"),
    ({"angles": (0.1, -1e9)}, r"got -1e\+09"),
])
def test_options_that_cannot_act_are_refused(options, message):
    with pytest.raises(UsageError, match=message):
        Qaoa(**options)


def test_on_a_noisy_device_the_shorter_circuit_is_taken():
    # W states and rings of four one-hot groups cost less than their penalties.
    tour = load("burma5").lower(Qubo).model
    selection = load("sp500-10-k4").lower(Qubo).model
    for model, mixer in ((tour, "ring"), (selection, "x")):
        options = {"device": "depolarizing:0.001;0.01;0.01", "trajectories": 1, "shots": 20}
        assert solve(model, **options).details["mixer"] == mixer
        assert solve(model, shots=20).details["mixer"] == "complete"
    assert solve(selection, device="mps", shots=20).details["mixer"] == "x"


# -- training under noise -----------------------------------------------------------------------


@pytest.mark.parametrize("training", ["spsa", "cobyla"])
def test_training_sees_the_devices_noise(random_qubo, training):
    outcome = solve(
        random_qubo(4), training=training, training_noise=True, training_shots=50,
        evaluations=12, device=NOISY, shots=100,
    )
    assert outcome.usage.shots == 100 + 50 * outcome.usage.evaluations
    assert outcome.usage.circuits == 1 + outcome.usage.evaluations
    assert "by 50 shots each under the device's noise" in outcome.reason
    again = solve(
        random_qubo(4), training=training, training_noise=True, training_shots=50,
        evaluations=12, device=NOISY, shots=100,
    )
    assert again.details["gammas"] == outcome.details["gammas"]


def test_without_noise_worth_the_name_both_trainings_agree(random_qubo):
    options = {
        "training": "spsa", "training_shots": 4000, "evaluations": 30, "shots": 10,
        "device": "depolarizing:0;0;0",
    }
    found = [
        solve(random_qubo(4), training_noise=noise, **options).details["noiseless"]["expectation"]
        for noise in (False, True)
    ]
    assert found[0] == pytest.approx(found[1], abs=0.2)


def test_a_circuit_is_compiled_once_for_all_angles(random_qubo, watch):
    ansatz = Ansatz(Cost.of(random_qubo(4)))
    device = open_device("aer:manila", DeviceOptions(tries=1))
    device.load()
    bind = device.prepare(ansatz, 2, 1, watch)
    for angles in (Angles((0.3, 0.1), (0.4, -0.2)), Angles((0.0, 1.0), (2.0, 0.1))):
        compiled = bind(angles)
        assert not compiled.circuit.parameters
        exact = np.abs(reference.state(ansatz.at(angles))) ** 2
        silent = NoisyCircuit(
            compiled.circuit, depolarising_noise(compiled.circuit.num_qubits, 0.0, 0.0, 0.0)
        )
        bits = silent.draw(silent.density_matrix(), 20_000, np.random.default_rng(1))
        seen = np.bincount(bits @ (1 << np.arange(4)), minlength=16) / 20_000
        np.testing.assert_allclose(seen, exact, atol=0.02)


@pytest.mark.parametrize(("options", "message"), [
    ({"training_noise": True}, "only with training=spsa"),
    ({"training_noise": True, "training": "spsa"}, "has no noise"),
    ({"training_noise": True, "training": "cobyla", "device": "mps:8"}, "has no noise"),
])
def test_noise_of_no_device_is_refused(options, message):
    with pytest.raises(UsageError, match=message):
        Qaoa(**options)


# -- caveats ------------------------------------------------------------------------------------


def test_a_truncated_state_and_a_cut_training_are_caveats(random_qubo):
    cut = solve(cubic(30), p=2, device="mps:2", shots=10, training="fixed")
    assert "fidelity" in cut.details["caveats"]["truncated-state"]
    whole = solve(random_qubo(6), p=2, device="mps:64", shots=10)
    assert "caveats" not in whole.details
    for options in ({}, {"multi_angle": True}):
        short = solve(random_qubo(6), p=3, evaluations=4, **options)
        assert "cut short" in short.details["caveats"]["training-cut"]
