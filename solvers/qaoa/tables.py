"""QAOA on a table: any objective as the phase, simulated as a diagonal.

There is no circuit: a diagonal of ``2**n`` values has no short one. What is told of such a run is
what an ideal machine that applied it would sample.
"""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from qopt.errors import UnsupportedError
from qopt.forms import Table
from qopt.limits import times
from qopt.solver import Budget, Outcome, Progress, Status, Usage

from .angle_search import DEFAULT_RESTARTS, DEFAULT_TRAINING_SHOTS, train
from .angles import Allowance, Trained
from .ansatz import Angles
from .devices import Watch
from .devices.statevector import NAME as STATEVECTOR
from .objective import Objective
from .plans import evaluations_of, trains_by_shots
from .results import add_caveat, distinct, unfinished
from .shot_statistics import statistics
from .simulate.diagonal import Diagonal
from .simulate.sampling import sample
from .simulate.statevector import Statevector, check_size
from .training import SHARE_WITHOUT_NOISE, late, objective_of

if TYPE_CHECKING:
    from .solver import Qaoa

_CONVENTION = (
    "U = exp(-i beta sum X), after exp(-i gamma C); energy = scale * C + offset; gammas then betas"
)


@dataclass(frozen=True, eq=False)
class TableCost:
    """The values of a table as a diagonal operator C whose mean over all strings is zero.

    They are divided by their standard deviation over the root of the number of qubits, as costs
    within groups are, so that good angles do not depend on the unit of the objective.

    Parameters
    ----------
    diagonal : Diagonal
    scale, offset : float
        ``energy = scale * C + offset``.
    """

    diagonal: Diagonal = field(repr=False)
    scale: float
    offset: float

    @classmethod
    def of(cls, model: Table) -> "TableCost":
        """Normalise the values of a table."""
        stored = Diagonal.of(model.values)
        mean, deviation = float(model.values.mean()), float(model.values.std())
        size = float(np.abs(model.values).max())
        scale = deviation / float(np.sqrt(model.num_variables)) if deviation > 1e-12 * size else 1.0
        whole = Diagonal(stored.stored, stored.unit / scale, (stored.base - mean) / scale)
        return cls(whole, scale, mean)

    def energy(self, value: float) -> float:
        """Turn a value of C into one of the table."""
        return self.scale * value + self.offset


def solve_table(
    options: "Qaoa", model: Table, budget: Budget, seed: int, progress: Progress
) -> Outcome:
    """Train angles on the exact state and draw shots from it.

    Raises
    ------
    UnsupportedError
        For options that need gates, groups or a quadratic cost.
    SizeError
        Where the amplitudes do not fit.
    """
    check_options(options)
    usage = Usage()
    with usage.phase("setup"):
        import scipy.optimize  # noqa: F401 - the import is what takes time

        check_size(model.num_variables, options.precision)
        _warm_up(options)
    clock = budget.start()
    watch = Watch(clock, progress)
    seeds = np.random.SeedSequence(seed).generate_state(4)
    allowed = _admitted(options, budget)
    progress.step(0.0, "training angles")
    with usage.phase("optimise"):
        cost = TableCost.of(model)
        simulator = Statevector(cost.diagonal, budget.threads, options.precision)
        objective = objective_of(options, simulator)
        trained = _train(options, simulator, objective, allowed, watch, int(seeds[0]))
        if not watch.over:
            noiseless = _figures(simulator, cost, trained.angles, objective)
    usage.evaluations, usage.circuits, usage.shots = (
        trained.evaluations, trained.circuits, trained.shots
    )
    if watch.over:
        return unfinished(usage, progress, "before a shot was taken")
    progress.step(0.7, "executing")
    with usage.phase("execute"):
        drawn = sample(
            simulator.probabilities(trained.angles), options.shots, np.random.default_rng(seeds[2])
        )
    usage.circuits, usage.shots = trained.circuits + 1, trained.shots + options.shots
    usage.qubits, usage.device = model.num_variables, STATEVECTOR
    usage.simulated = usage.hypothetical = True
    details = _details(options, cost, simulator, trained) | {"noiseless": noiseless}
    found = _outcome(model, simulator.bits(drawn), usage, details, trained, progress)
    if not trained.complete:
        text = f"the training of angles was cut short ({trained.source})"
        add_caveat(found, "training-cut", text)
    return found


def _admitted(options: "Qaoa", budget: Budget) -> Budget:
    """What the limits of a run leave to its training, all shots being of a device that is free.

    Raises
    ------
    LimitError
        Where they leave nothing.
    """
    if budget.meter is None:
        return budget

    def plan(shots: int) -> Usage:
        return Usage(
            circuits=1, shots=shots, device=STATEVECTOR, simulated=True, hypothetical=True
        )

    last = plan(options.shots)
    if not trains_by_shots(options):
        budget.meter.admit(last)
        return budget
    each = plan(options.training_shots or DEFAULT_TRAINING_SHOTS)
    most = evaluations_of(options, budget)
    turns = budget.meter.affordable(each, last, most)
    whole = times(each, max(1, turns))
    whole.add(last)
    budget.meter.admit(whole)
    return budget if turns == most else replace(budget, evaluations=turns)


def check_options(options: "Qaoa") -> None:
    """Refuse what has no meaning for a table.

    Raises
    ------
    UnsupportedError
    """
    why = {
        f"device={options.device}": options.device != STATEVECTOR,
        f"mixer={options.mixer}": options.mixer not in ("auto", "x"),
        f"warm_start={options.warm_start}": options.warm_start != "none",
        "multi_angle=true": options.multi_angle,
        "training=fixed": options.training == "fixed",
        f"postprocess={options.postprocess}": options.postprocess != "none",
    }
    wrong = [name for name, given in why.items() if given]
    if wrong:
        raise UnsupportedError(
            f"a table of values is simulated as one diagonal, by device=statevector and the mixer "
            f"x alone: leave out {' and '.join(wrong)}, or take another encoding (form=qubo)"
        )


def _warm_up(options: "Qaoa") -> None:
    """Compile, or load from numba's cache, what the run uses, for both ways of storing values."""
    from .objective import Mean

    for values in (np.arange(2.0**13) % 7.0, np.cos(np.arange(2.0**13))):
        small = Statevector(Diagonal.of(values), 1, options.precision)
        angles = Angles((0.1,), (0.1,))
        small.value_and_gradient(angles, Mean())
        small.probabilities(angles)


def _train(
    options: "Qaoa", simulator: Statevector, objective: Objective, budget: Budget, watch: Watch,
    seed: int,
) -> Trained[Angles]:
    """Given, stored or trained angles."""
    if options.angles is not None:
        return Trained(Angles.split(options.angles), "given")
    if (stored := options.stored_angles) is not None:
        return Trained(*stored.at(options.p, "x", simulator.units))
    restarts = DEFAULT_RESTARTS if options.restarts is None else options.restarts
    evaluations = evaluations_of(options, budget)
    return train(
        simulator, options.p, objective, Allowance(evaluations, late(watch, SHARE_WITHOUT_NOISE)),
        training=options.training, restarts=restarts,
        shots=options.training_shots or DEFAULT_TRAINING_SHOTS, seed=seed,
    )


def _figures(
    simulator: Statevector, cost: TableCost, angles: Angles, objective: Objective
) -> dict[str, float]:
    """Noiseless figures in the table's units."""
    figures = {"expectation": cost.energy(simulator.expectation(angles))}
    if objective.name != "mean":
        figures[objective.name] = cost.energy(simulator.value(angles, objective))
    return figures


def _details(
    options: "Qaoa", cost: TableCost, simulator: Statevector, trained: Trained[Angles]
) -> dict[str, Any]:
    given = options.angles is not None or options.angles_from is not None
    return {
        "p": trained.angles.layers,
        "gammas": list(trained.angles.gammas),
        "betas": list(trained.angles.betas),
        "mixer": "x",
        "convention": _CONVENTION,
        "scale": cost.scale,
        "offset": cost.offset,
        "units": simulator.units._asdict(),
        "angles_from": trained.source,
        "training": "none" if given else options.training,
        "objective": options.objective,
        "uniform_mean": cost.offset,
        "simulator": simulator.where,
        "sampling": "exact state, no noise; the phase is a diagonal, no circuit of gates",
    }


def _outcome(
    model: Table, bits: Any, usage: Usage, details: dict[str, Any], trained: Trained[Angles],
    progress: Progress,
) -> Outcome:
    """Distinct answers, the feasible ones first, each part by value."""
    answers, which, counts = distinct(bits)
    energies, kept = model.energies(answers), model.keeps(answers)
    details["sampled"] = statistics(energies[which], None) | {
        "feasible": float(kept[which].mean())
    }
    order = np.lexsort((energies, ~kept))
    some = bool(kept[order[0]])
    if some:
        progress.incumbent(float(energies[order[0]]))
    reason = (
        f"{len(bits)} shots (exact state, no noise); the phase is a diagonal of {len(model.values)}"
        f" values, for which no circuit is made; noiseless mean value "
        f"{details['noiseless']['expectation']:.6g}; angles by {trained.source}"
    )
    return Outcome(
        Status.FEASIBLE if some else Status.INFEASIBLE_ANSWERS,
        answers[order],
        counts=counts[order].astype(np.int64),
        usage=usage,
        reason=reason if some else f"no shot is a feasible answer; {reason}",
        details=details,
    )
