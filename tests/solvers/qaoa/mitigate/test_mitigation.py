"""Methods by name: what they execute, what they cost, and what is refused."""

from itertools import pairwise

import numpy as np
import pytest

from qopt.errors import UnknownNameError, UnsupportedError, UsageError
from qopt.forms import Group
from qopt.solver import Budget, Progress, Status
from qopt.solvers.qaoa import Qaoa
from qopt.solvers.qaoa.devices import Samples
from qopt.solvers.qaoa.mitigate import NAMES, NONE, Choice, Job, Result
from qopt.solvers.qaoa.mitigate.job import allot, multiplier

NOISY = "depolarizing:0.001;0.02;0.03"
ACTIVE = [name for name in NAMES if name != NONE and "mthree" not in name]


def solve(model, seed=0, progress=None, **options):
    chosen = {"device": NOISY, **options}
    return Qaoa(**chosen).solve(model, Budget(), seed, progress or Progress())


@pytest.fixture
def grouped(random_qubo):
    return random_qubo(4).with_groups([Group((0, 1, 2), 1)])


@pytest.mark.parametrize("name", ACTIVE)
def test_every_method_counts_all_it_takes(grouped, name):
    options = {"mitigation_circuits": 5} if {"pec", "twirling"} & set(name.split("+")) else {}
    outcome = solve(grouped, mixer="ring", mitigation=name, shots=640, **options)
    told = outcome.details["mitigation"]
    usage = outcome.usage
    assert usage.shots == told["shots"] == round(640 * told["shot_multiplier"])
    assert usage.circuits == told["circuits"]
    assert usage.phases["mitigate"].wall > 0.0
    # Answers are the circuit's own shots.
    assert outcome.counts.sum() == 640
    assert told["method"] == name
    for figure in (told["raw"], told["mitigated"]):
        assert np.isfinite(figure["expectation"])
        assert figure["standard_error"] > 0.0


def test_answers_are_those_without_mitigation(random_qubo):
    model = random_qubo(4)
    plain, mitigated = (solve(model, mitigation=name) for name in (NONE, "readout+zne"))
    np.testing.assert_array_equal(plain.answers, mitigated.answers)
    np.testing.assert_array_equal(plain.counts, mitigated.counts)
    assert "mitigation" not in plain.details
    assert "mitigate" not in plain.usage.phases
    raw = mitigated.details["mitigation"]["raw"]
    assert raw["expectation"] == pytest.approx(plain.details["sampled"]["mean"])


@pytest.mark.parametrize("name", ["readout+zne", "readout+pec", "twirling"])
def test_one_seed_one_estimate(random_qubo, name):
    options = {"mitigation_circuits": 4} if "zne" not in name else {"zne_factors": (1.0, 1.5)}
    first, again, other = (
        solve(random_qubo(3), seed, mitigation=name, **options).details["mitigation"]
        for seed in (1, 1, 2)
    )
    assert first == again
    assert first["mitigated"] != other["mitigated"]


def test_readout_and_extrapolation_come_nearer(random_qubo):
    outcome = solve(random_qubo(4), mitigation="readout+zne", shots=100_000)
    ideal = outcome.details["noiseless"]["expectation"]
    told = outcome.details["mitigation"]
    raw, better = (told[name]["expectation"] - ideal for name in ("raw", "mitigated"))
    assert abs(better) < 0.25 * abs(raw)
    assert told["factors"] == [1.0, 3.0, 5.0]
    assert told["shot_multiplier"] == 4.0


def test_stored_readout_errors_take_no_shots(random_qubo):
    outcome = solve(random_qubo(3), mitigation="readout", readout_calibration="stored")
    assert outcome.usage.circuits == 1
    assert outcome.details["mitigation"]["shot_multiplier"] == 1.0
    assert outcome.details["mitigation"]["mean_readout_error"] == pytest.approx(0.03)


def test_longer_circuits_take_longer_on_the_device(random_qubo):
    model = random_qubo(3)
    plain, folded = (
        solve(model, device="aer:manila", compile_tries=1, mitigation=name, shots=100)
        for name in (NONE, "zne")
    )
    assert folded.usage.device_seconds > 3.0 * plain.usage.device_seconds
    assert folded.details["circuit_hash"] == plain.details["circuit_hash"]


def test_an_interrupt_leaves_the_answers_and_says_what_is_missing(random_qubo, monkeypatch):
    from qopt.solvers.qaoa.devices.depolarising import DepolarisingDevice

    progress, sample = Progress(), DepolarisingDevice.sample

    def stop(self, *arguments):
        samples = sample(self, *arguments)
        progress.stop()
        return samples

    monkeypatch.setattr(DepolarisingDevice, "sample", stop)
    outcome = solve(random_qubo(3), progress=progress, mitigation="zne", shots=100)
    assert outcome.status is Status.FEASIBLE
    assert outcome.details["mitigation"]["mitigated"] is None
    assert "before all 3 circuits" in outcome.details["caveats"]["no-mitigation"]
    assert "not mitigated: the run ended" in outcome.reason
    assert outcome.usage.shots == 100


def test_answers_outlive_a_mitigation_that_fails(random_qubo):
    outcome = solve(
        random_qubo(3), device="depolarizing:0;0;0.5", mitigation="readout", shots=5000
    )
    assert outcome.status is Status.FEASIBLE
    assert outcome.counts.sum() == 5000
    assert outcome.details["mitigation"]["mitigated"] is None
    assert "cannot be inverted" in outcome.details["caveats"]["no-mitigation"]


def test_too_few_shots_are_refused_before_any_is_taken(random_qubo, monkeypatch):
    from qopt.solvers.qaoa.devices.depolarising import DepolarisingDevice

    monkeypatch.setattr(DepolarisingDevice, "sample", lambda *_: pytest.fail("was sampled"))
    with pytest.raises(UsageError, match="too few for the 101 circuits"):
        solve(random_qubo(3), mitigation="pec", shots=20)
    with pytest.raises(UnsupportedError, match="times the shots"):
        solve(random_qubo(6), mitigation="pec", device="depolarizing:0;0.3;0")


def test_a_limit_that_ends_before_the_circuits_are_made_is_said(random_qubo, monkeypatch):
    from qopt.solvers.qaoa.devices.depolarising import DepolarisingDevice

    progress, noise = Progress(), DepolarisingDevice.noise

    def stop(self, compiled):
        progress.stop()
        return noise(self, compiled)

    monkeypatch.setattr(DepolarisingDevice, "noise", stop)
    outcome = solve(random_qubo(3), progress=progress, mitigation="pec")
    assert outcome.status is Status.TIME_LIMIT
    assert "before the mitigation's circuits were made" in outcome.reason


def test_the_reason_tells_both_means(random_qubo):
    reason = solve(random_qubo(3), mitigation="readout").reason
    assert "mean energy on the device" in reason
    assert "by readout with 2 times the shots" in reason


def test_shares_become_whole_shots():
    jobs = [Job(None), *[Job(None, 1.0 / 7.0)] * 7]
    given = allot(jobs, 100)
    assert sum(given) == 200
    assert max(given[1:]) - min(given[1:]) == 1
    assert multiplier(jobs) == pytest.approx(2.0)
    with pytest.raises(UsageError, match="5 shots are too few for the 8 circuits"):
        allot(jobs, 5)


def test_results_without_shots_are_refused(random_qubo, compiled_on):
    model = random_qubo(3)
    device, compiled = compiled_on(model, NOISY)
    method = Choice(name="zne").open(model, compiled.ansatz, device, compiled)
    nothing = Samples(np.zeros((0, 3), dtype=np.int8))
    with pytest.raises(UsageError, match="no shots"):
        method.combine([Result(job, nothing) for job in method.circuits(compiled, 0)])


def test_names_in_any_order_and_with_options():
    assert Choice.parse("zne+readout:zne_factors=1;2,zne_folding=global").label == (
        "readout+zne, global"
    )
    assert Choice.parse("none").label == "raw"
    assert all(a != b for a, b in pairwise(NAMES))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mitigation": "zne", "device": "statevector"}, "has no noise: leave out mitigation"),
        ({"mitigation": "cvar", "device": "mps"}, "has no noise"),
        ({"mitigation": "symmetry", "mixer": "x"}, "keeps the shots that hold exactly-k groups"),
        ({"zne_factors": (1.0, 3.0)}, "zne_factors acts only with mitigation=zne"),
        ({"mitigation": "readout", "zne_folding": "local"}, "zne_folding acts only"),
        ({"mitigation": "zne", "mitigation_circuits": 5}, "only with mitigation=pec or mitigation"),
        ({"mitigation": "zne", "mitigation_alpha": 0.5}, "only with mitigation=cvar"),
        ({"mitigation": "zne", "readout_calibration": "stored"}, "readout_calibration acts only"),
        ({"mitigation": "cvar", "mitigation_alpha": 0.0}, "above 0 and at most 1"),
        ({"mitigation": "pec", "mitigation_circuits": 1}, "between 2 and"),
        ({"mitigation": "zne", "zne_factors": (1.0,)}, "at least two, ascending from 1"),
        ({"mitigation": "zne", "zne_factors": (2.0, 3.0)}, "at least two, ascending from 1"),
        ({"mitigation": "zne", "zne_factors": (1.0, 3.0, 3.0)}, "at least two, ascending from 1"),
        ({"mitigation": "zne", "zne_factors": (1.0, 1e9)}, "at least two, ascending from 1"),
    ],
)
def test_what_cannot_act_is_refused_at_once(options, message):
    with pytest.raises(UsageError, match=message):
        Qaoa(**{"device": NOISY, **options})


@pytest.mark.parametrize("name", ["znee", "cvar+zne", "readout+symmetry", "zne+pec", "", "zne+zne"])
def test_unknown_methods_and_pairs(name):
    with pytest.raises(UnknownNameError, match="mitigation"):
        Qaoa(device=NOISY, mitigation=name)


def test_symmetry_needs_groups(random_qubo):
    with pytest.raises(UnsupportedError, match="exactly-k groups"):
        solve(random_qubo(3), mitigation="symmetry")
