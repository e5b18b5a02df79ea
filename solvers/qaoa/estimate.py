"""What a run of QAOA would take: angles are trained, a circuit is compiled, and none executed."""

from dataclasses import replace
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from qopt.errors import UnsupportedError
from qopt.estimate import Forecast
from qopt.forms import Group, Qubo
from qopt.solver import Budget, Progress, Usage

from .angle_search import DEFAULT_TRAINING_SHOTS
from .angles import Trained
from .ansatz import Ansatz, TermAngles
from .devices import Compiled, Watch
from .plans import evaluations_of, plan_of, trains_by_shots
from .simulate import StateSimulator
from .simulate.product import ProductStatevector
from .training import AngleFinder

if TYPE_CHECKING:
    from .solver import Qaoa

_EQUAL = {"double": 1e-9, "single": 1e-5}
"""Differences of energies, relative to their range, that are rounding."""


def forecast(options: "Qaoa", model: Any, budget: Budget, seed: int) -> Forecast:
    """Train and compile for a model, and tell what the run would take.

    Training by shots is foreseen with as many evaluations as it may take, and replaced by one
    without shots here: its angles are not known before.

    Parameters
    ----------
    options : Qaoa
    model : Qubo
    budget : Budget
        Its time limit is that of training and compiling.
    seed : int

    Raises
    ------
    UnsupportedError
        For a table of values, which has no circuit.
    SizeError
        Where the register does not fit the device.
    """
    if not isinstance(model, Qubo):
        raise UnsupportedError(
            "a table of values has no circuit whose run could be estimated: take form=qubo"
        )
    if model.num_variables == 0:
        raise UnsupportedError("the model has no variables, so no circuit would run")
    usage = Usage()
    trainer = options
    if trains_by_shots(options):
        trainer = replace(
            options, training="auto", training_noise=False, training_shots=None,
            trajectories=None,
        )
    watch = Watch(budget.start(), Progress())
    with usage.phase("setup"):
        import qiskit  # noqa: F401 - the import is what takes time

        ansatz = options.ansatz(model)
        device = options.open_device(budget.threads, execute=False)
        device.load()
        device.check_size(ansatz)
    seeds = np.random.SeedSequence(seed).generate_state(4)
    with usage.phase("optimise"):
        ansatz = options.started(model, ansatz, int(seeds[3]))
        finder = AngleFinder(trainer, model, ansatz, budget, watch, int(seeds[0]), device)
        trained, _ = finder.find()
        ideal, optima = _optimum(finder, trained)
        notes = _notes(options, model, ansatz, trained, ideal is not None)
        del finder
    with usage.phase("compile"):
        wished = int(seeds[1] % 2**31) if options.compile_seed is None else options.compile_seed
        compiled = device.compile(ansatz.at(trained.angles), wished, watch)
    turns = evaluations_of(options, budget) if trains_by_shots(options) else 0
    shots = turns * (options.training_shots or DEFAULT_TRAINING_SHOTS)
    usage.add(plan_of(compiled, device, options.shots + shots, 1 + turns))
    return Forecast(
        plan=usage, final_shots=options.shots, **_times(compiled), ideal=ideal,
        uniform=None if optima is None else optima * 2.0**-model.num_variables,
        floor=None if optima is None else optima / _strings(model.groups, model.num_variables),
        notes=notes,
    )


def _times(compiled: Compiled) -> dict[str, Any]:
    """Seconds of a shot and the parts of its success, as the device has them."""
    return {
        "circuit_seconds": compiled.duration,
        "readout_seconds": compiled.details.get("readout_seconds"),
        "repetition_delay": compiled.repetition_delay,
        "success_parts": dict(compiled.details.get("success", {})),
    }


def _optimum(finder: AngleFinder, trained: Trained[Any]) -> tuple[float | None, int | None]:
    """Probability of the model's optimum in the trained state, and how many strings are optimal."""
    simulator, ansatz = finder.simulator, finder.ansatz
    if isinstance(trained.angles, TermAngles) and simulator is not None:
        simulator = ProductStatevector(
            ansatz.cost, ansatz.tilts, finder.budget.threads, finder.options.precision
        )
    if not isinstance(simulator, StateSimulator):
        return None, None
    values = np.asarray(simulator.diagonal)
    least, spread = float(values.min()), float(np.ptp(values))
    best = np.flatnonzero(values <= least + _EQUAL[finder.options.precision] * spread)
    # A penalty may leave strings that break a group level with the optimum.
    best = best[finder.model.group_violations(simulator.bits(best)) == 0]
    if not len(best):
        return None, None
    return float(np.asarray(simulator.probabilities(trained.angles))[best].sum()), len(best)


def _strings(groups: tuple[Group, ...], qubits: int) -> float:
    """Bit strings that keep all groups."""
    count = 2.0 ** (qubits - sum(len(group.members) for group in groups))
    for group in groups:
        count *= comb(len(group.members), group.size)
    return count


def _notes(
    options: "Qaoa", model: Qubo, ansatz: Ansatz, trained: Trained[Any], known: bool
) -> tuple[str, ...]:
    """What is to be known of the figures."""
    notes = [f"mixer {ansatz.mixer}, angles by {trained.source}"]
    if trains_by_shots(options):
        notes.append(
            f"training={options.training} takes shots: as many as it may is planned, and the "
            "angles here are those of a training without"
        )
    if not known:
        notes.append("the state is too large to be listed, so its optimum is unknown")
    elif model.groups and not ansatz.groups:
        notes.append("the optimum is that of the model with its groups as penalties")
    if not trained.complete:
        notes.append("the training of angles was cut short by the time limit")
    return tuple(notes)
