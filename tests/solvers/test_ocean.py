"""Our solvers as dimod samplers: dimod's own conformance tests, composites, labels, vartypes."""

import pickle
import unittest
import warnings
from typing import Any

import dimod
import dimod.testing
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.errors import InputError, UnknownNameError, UnsupportedError, UsageError
from qopt.registry import available
from qopt.solvers import ocean
from qopt.solvers.ocean import SimulatedAnnealingSampler, SolverSampler

REGISTERED = {spec.name for spec in available("solver") if not spec.missing()}

SAMPLERS = [
    sampler
    for sampler in vars(ocean).values()
    if isinstance(sampler, type)
    and issubclass(sampler, SolverSampler)
    and sampler.solver in REGISTERED
]

QUICK = {"evaluations": 2000, "seed": 1}


def triangle() -> dimod.BinaryQuadraticModel:
    pairs = {("a", ("b", 1)): -1.0, (("b", 1), 3): 2.0}
    return dimod.BinaryQuadraticModel({"a": 0.5, ("b", 1): -0.25, 3: 0.0}, pairs, 1.5, "SPIN")


def same(a: dimod.SampleSet, b: dimod.SampleSet) -> bool:
    """Whether samples, energies and occurrences agree; the times in ``info`` never do."""
    return list(a.variables) == list(b.variables) and np.array_equal(a.record, b.record)


def random_model(seed: int, n: int = 9) -> dimod.BinaryQuadraticModel:
    rng = np.random.default_rng(seed)
    pairs = {(i, j): float(rng.normal()) for i in range(n) for j in range(i)}
    vartype = "SPIN" if seed % 2 else "BINARY"
    return dimod.BinaryQuadraticModel(dict(enumerate(rng.normal(size=n))), pairs, 0.5, vartype)


@dimod.testing.load_sampler_bqm_tests(SimulatedAnnealingSampler)
class TestSimulatedAnnealing(unittest.TestCase):
    """dimod's own tests of samplers."""


@dimod.testing.load_sampler_bqm_tests(lambda: SolverSampler("exact"))
class TestExact(unittest.TestCase):
    """The same of a solver that has no class of its own."""


def test_the_annealer_is_there() -> None:
    assert SimulatedAnnealingSampler in SAMPLERS


@pytest.mark.parametrize("sampler", SAMPLERS, ids=lambda sampler: sampler.__name__)
class TestEverySampler:
    def test_keeps_the_contract_of_dimod(self, sampler: type[SolverSampler]) -> None:
        made = sampler()
        dimod.testing.assert_sampler_api(made)
        assert {"seed", "time_limit", "evaluations", "threads"} <= set(made.parameters)
        assert set(made.properties["options"]) <= set(made.parameters)

    def test_finds_what_enumeration_finds(self, sampler: type[SolverSampler]) -> None:
        for seed in range(2):
            bqm = random_model(seed)
            found = sampler().sample(bqm, evaluations=50_000, seed=3)
            dimod.testing.assert_sampleset_energies(found, bqm)
            assert found.vartype is bqm.vartype
            assert list(found.variables) == list(bqm.variables)
            assert (np.diff(found.record.energy) >= -1e-9).all()
            best = dimod.ExactSolver().sample(bqm).first.energy
            assert found.first.energy == pytest.approx(best)

    def test_keeps_labels_of_any_kind(self, sampler: type[SolverSampler]) -> None:
        bqm = triangle()
        bqm.add_variable("3", 0.5)  # the same text as the number 3
        found = sampler().sample(bqm, **QUICK)
        assert set(found.first.sample) == {"a", ("b", 1), 3, "3"}
        assert found.first.energy == dimod.ExactSolver().sample(bqm).first.energy

    def test_nothing_has_one_answer(self, sampler: type[SolverSampler]) -> None:
        for vartype in ("SPIN", "BINARY"):
            found = sampler().sample(dimod.BinaryQuadraticModel({}, {}, 2.5, vartype))
            assert len(found) == 1
            assert found.first.energy == 2.5

    def test_runs_that_start_from_samples_are_no_worse(self, sampler: type[SolverSampler]) -> None:
        if "initial_states" not in sampler().parameters:
            pytest.skip("starts from nothing")
        bqm = random_model(2)
        best = dimod.ExactSolver().sample(bqm).truncate(2)
        found = sampler().sample(bqm, initial_states=best, evaluations=1, seed=0)
        assert found.first.energy <= best.first.energy + 1e-9


def test_one_seed_one_sample_set() -> None:
    bqm, sampler = random_model(1, 30), SimulatedAnnealingSampler()
    first = sampler.sample(bqm, num_reads=20, num_sweeps=3, seed=4)
    again = sampler.sample(bqm, num_reads=20, num_sweeps=3, seed=4)
    other = sampler.sample(bqm, num_reads=20, num_sweeps=3, seed=5)
    assert same(first, again)
    assert not same(first, other)
    drawn = sampler.sample(bqm, num_reads=20, num_sweeps=3)
    repeated = sampler.sample(bqm, num_reads=20, num_sweeps=3, seed=drawn.info["seed"])
    assert same(drawn, repeated)


def test_names_of_ocean_and_of_ours_mean_the_same() -> None:
    bqm, sampler = random_model(1, 30), SimulatedAnnealingSampler()
    theirs = sampler.sample(
        bqm, num_reads=7, num_sweeps=9, beta_range=[0.1, 4.0], beta_schedule_type="linear", seed=1
    )
    ours = sampler.sample(
        bqm, reads=7, sweeps=9, beta_min=0.1, beta_max=4.0, schedule="linear", seed=1
    )
    assert same(theirs, ours)
    assert theirs.record.num_occurrences.sum() == 7
    assert theirs.info["details"]["beta_max"] == pytest.approx(4.0)
    assert theirs.info["details"]["schedule"] == "linear"


def test_what_happened_is_told() -> None:
    found = SimulatedAnnealingSampler().sample(triangle(), num_reads=3, num_sweeps=5, seed=2)
    info = found.info
    assert info["solver"] == "sa"
    assert info["status"] == "feasible"
    assert info["bound"] is None
    assert info["evaluations"] >= 3 * 5 * 3
    assert set(info["timing"]) == {"preprocessing_ns", "sampling_ns", "postprocessing_ns"}
    assert all(isinstance(value, int) and value >= 0 for value in info["timing"].values())
    proven = SolverSampler("exact").sample(triangle())
    assert proven.info["status"] == "optimal"
    assert proven.info["bound"] == pytest.approx(proven.first.energy)


def test_sample_sets_are_stored_and_read_back() -> None:
    found = SimulatedAnnealingSampler().sample(random_model(3), num_reads=5, seed=2)
    back = dimod.SampleSet.from_serializable(found.to_serializable())
    assert back == found
    assert back.info == found.info
    assert pickle.loads(pickle.dumps(found)) == found


@given(seed=st.integers(0, 99), spins=st.booleans(), rows=st.integers(1, 3))
@settings(deadline=None, max_examples=15)
def test_initial_states_in_bits_or_spins_in_any_order(seed: int, spins: bool, rows: int) -> None:
    bqm = random_model(seed, 8)
    rng = np.random.default_rng(seed)
    states = rng.integers(0, 2, (rows, 8))
    states[0, :2] = 0, 1  # both values, so that bits are known from spins
    order = rng.permutation(8).tolist()
    given = (2 * states - 1 if spins else states, order)
    found = SimulatedAnnealingSampler().sample(bqm, initial_states=given, time_limit=0.0, seed=0)
    own = states * 2 - 1 if bqm.vartype is dimod.SPIN else states
    best = bqm.energies((own, order)).min()
    assert found.first.energy == pytest.approx(best)
    assert found.info["details"]["starts"] >= 1


def test_it_stands_in_composites() -> None:
    from dwave.preprocessing import (
        FixVariablesComposite,
        ScaleComposite,
        SpinReversalTransformComposite,
    )

    sampler, bqm = SimulatedAnnealingSampler(), random_model(1)
    best = dimod.ExactSolver().sample(bqm).first.energy
    for composite, more in (
        (dimod.TruncateComposite(sampler, 2), {}),
        (dimod.TrackingComposite(sampler), {}),
        (SpinReversalTransformComposite(sampler), {"num_spin_reversal_transforms": 2}),
        (ScaleComposite(sampler), {"scalar": 0.5}),
        (FixVariablesComposite(sampler, algorithm="roof_duality"), {}),
        (FixVariablesComposite(sampler), {"fixed_variables": {}}),
    ):
        found = composite.sample(bqm, num_reads=8, seed=1, **more)
        dimod.testing.assert_sampleset_energies(found, bqm)
        assert found.first.energy == pytest.approx(best)
    assert len(dimod.TruncateComposite(sampler, 2).sample(bqm, num_reads=8, num_sweeps=1)) == 2
    polynomial = dimod.BinaryPolynomial({"ab": -1.0, "abc": 2.0, "c": -0.5}, "SPIN")
    higher = dimod.HigherOrderComposite(sampler).sample_poly(polynomial, seed=1)
    assert higher.first.energy == -2.5


def test_an_unknown_keyword_is_left_out_with_a_warning() -> None:
    with pytest.warns(dimod.exceptions.SamplerUnknownArgWarning, match="chain_strength"):
        found = SimulatedAnnealingSampler().sample(triangle(), chain_strength=2.0, **QUICK)
    assert len(found)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SimulatedAnnealingSampler().sample(triangle(), **QUICK)


def test_an_interrupt_ends_the_run() -> None:
    calls = []

    def interrupt() -> bool:
        calls.append(1)
        return len(calls) > 1

    bqm = dimod.generators.randint(60, "SPIN", seed=1)
    found = SimulatedAnnealingSampler().sample(
        bqm, num_reads=10**5, num_sweeps=1000, seed=1, interrupt_function=interrupt
    )
    assert calls
    assert 1 <= found.record.num_occurrences.sum() < 10**5


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ({"seed": 1.5}, "seed must be"),
        ({"num_reads": 0}, "reads must be at least 1, got 0"),
        ({"num_reads": "many"}, "'reads' of solver 'sa' must be a whole number"),
        ({"beta_range": 3.0}, "beta_range takes 2 values, got 3.0"),
        ({"beta_range": (1.0, 2.0, 3.0)}, "beta_range takes 2 values"),
        ({"num_reads": 2, "reads": 2}, "option 'reads' is given twice"),
        ({"time_limit": -1}, "time limit must be 0 or more"),
        ({"threads": 0}, "threads must be a whole number above 0"),
        ({"interrupt_function": 3}, "interrupt_function must be callable, got 3"),
    ],
)
def test_wrong_values_are_refused(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        SimulatedAnnealingSampler().sample(triangle(), **parameters)


def test_wrong_models_are_refused() -> None:
    sampler = SimulatedAnnealingSampler()
    for bias in (np.nan, np.inf, -np.inf):
        with pytest.raises(InputError, match="must be finite"):
            sampler.sample_ising({"a": bias, "b": 1.0}, {})
        with pytest.raises(InputError, match="must be finite"):
            sampler.sample_qubo({("a", "b"): bias})
    with pytest.raises(UsageError, match="a dimod BinaryQuadraticModel is expected, got dict"):
        sampler.sample({"a": 1.0})
    with pytest.raises(ValueError, match="mismatch"):
        sampler.sample(triangle(), initial_states={"a": 1})


def test_solvers_of_other_forms_and_unknown_ones_are_refused() -> None:
    with pytest.raises(UnsupportedError, match="solver 'pyvrp' takes no QUBO, but routing"):
        SolverSampler("pyvrp")
    with pytest.raises(UnknownNameError, match="saa"):
        SolverSampler("saa")


def test_any_solver_gives_as_many_samples_as_are_asked_for() -> None:
    bqm = random_model(1, 30)
    for name in ("sa", "random"):
        found = SolverSampler(name).sample(bqm, num_reads=10, seed=1)
        assert found.record.num_occurrences.sum() == 10
    tabu = SolverSampler("tabu", evaluations=20_000, patience=20, seed=1)
    bqm = random_model(1, 60)
    whole = tabu.sample(bqm)
    first, total = int(whole.record.num_occurrences[0]), int(whole.record.num_occurrences.sum())
    assert len(whole) > 2
    for most, rows in ((1, 1), (first, 1), (first + 1, 2), (10**9, len(whole))):
        found = tabu.sample(bqm, num_reads=most)
        assert found.record.num_occurrences.sum() == min(most, total)
        assert len(found) == rows
        assert np.array_equal(found.record.sample, whole.record.sample[:rows])
        dimod.testing.assert_sampleset_energies(found, bqm)
    assert len(SolverSampler("exact").sample(random_model(1), num_reads=5)) == 1
    with pytest.raises(UsageError, match="num_reads must be a whole number of at least 1, got 0"):
        SolverSampler("tabu").sample(bqm, num_reads=0)


def test_options_at_construction_hold_for_every_run() -> None:
    bqm = random_model(1, 30)
    for made in (SolverSampler("sa", reads=5, seed=2), SolverSampler("sa", num_reads=5, seed=2)):
        found = made.sample(bqm)
        assert found.record.num_occurrences.sum() == 5
        assert found.info["seed"] == 2
        assert made.sample(bqm, num_reads=3).record.num_occurrences.sum() == 3
    own = SimulatedAnnealingSampler(num_reads=4, beta_range=(0.1, 3.0)).sample(bqm, seed=1)
    assert own.record.num_occurrences.sum() == 4
    assert own.info["details"]["beta_max"] == pytest.approx(3.0)
    limited = SolverSampler("tabu", num_reads=2, evaluations=500).sample(bqm)
    assert limited.info["evaluations"] <= 500


@pytest.mark.parametrize(
    ("solver", "defaults", "message"),
    [
        ("sa", {"raeds": 5}, "did you mean 'reads'"),
        ("sa", {"reads": "many"}, "'reads' of solver 'sa' must be a whole number"),
        ("tabu", {"num_reads": -1}, "num_reads must be a whole number of at least 1, got -1"),
        ("sa", {"seed": -1}, "seed must be a whole number of at least 0, got -1"),
        ("sa", {"threads": 0}, "threads must be a whole number above 0"),
        ("sa", {"initial_states": 3}, "initial_states"),
    ],
)
def test_wrong_options_at_construction_are_refused(
    solver: str, defaults: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        SolverSampler(solver, **defaults)
