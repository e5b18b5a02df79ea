"""What a quantum run would take, before it runs: qubits, gates, shots, time and money.

No circuit is executed. The solver trains its angles without noise and compiles, which takes seconds
of this machine that are told; all else is arithmetic:

- **A shot sees the optimum** with probability ``success * ideal + (1 - success) * uniform``:
  `success` is that of a shot without any error, `ideal` the optimum's in the noiseless state at the
  trained angles, and an erroneous shot is taken for a uniformly random string, of which `uniform`
  are optimal. Errors that leave the optimum where it was make it more, readout errors near it too.
- **Shots to 99 %** are the fewest of which one or more sees it with that probability, were they
  independent.
- **Time** has no queue in it: this machine's seconds, and the device's for gates, readout, the
  delay between shots and what the seller adds to every job.
- **Money** is that of `qopt.pricing.charge`. What is unknown is None, and never 0.

A solver that can tell has a method ``estimate(model, budget, seed)`` that gives a `Forecast`.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from math import ceil, log, log1p
from typing import Any

from .errors import (
    InfeasibleError,
    MissingPackageError,
    QoptError,
    SizeError,
    UnknownNameError,
    UnsupportedError,
    UsageError,
)
from .loading import as_problem
from .numbers import count_text, join, money_text, seconds_text
from .pricing import Price, PriceList, charge, price_list, staleness, total
from .problem import Problem
from .reduction import forms_for, lower, ruled_out
from .registry import available, find
from .run import Task, parse_solver, presolved, solve
from .solution import Solution
from .solver import Budget, Progress, Usage

CONFIDENCE = 0.99
"""With which one shot or more shall see the optimum."""

CLASSICAL_SECONDS = 10.0
"""Time limit of the classical run beside an estimate."""

UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a solver tells of a run without running it.

    Parameters
    ----------
    plan : Usage
        Ledger of the whole run as it is planned: circuits and shots of the training too, device
        seconds; its phases are what this machine took for the forecast.
    final_shots : int
        Those of its shots that are the final circuit's.
    circuit_seconds, readout_seconds : float, optional
        Of one shot, from the first gate to the end of readout, and of readout alone.
    repetition_delay : float
        Seconds between shots.
    success_parts : dict of str to float
        Factors of the success probability by what they stand for; empty where it is not divided.
    ideal : float, optional
        Probability of the optimum in the noiseless state; None where the state is not known.
    uniform, floor : float, optional
        Share of optimal strings among all, and among those that keep the groups.
    notes : tuple of str
    """

    plan: Usage
    final_shots: int
    circuit_seconds: float | None = None
    readout_seconds: float | None = None
    repetition_delay: float = 0.0
    success_parts: dict[str, float] = field(default_factory=dict)
    ideal: float | None = None
    uniform: float | None = None
    floor: float | None = None
    notes: tuple[str, ...] = ()

    @property
    def seen(self) -> float | None:
        """Probability that a shot sees the optimum."""
        success = self.plan.success_probability
        if success is None or self.ideal is None or self.uniform is None:
            return None
        return success * self.ideal + (1.0 - success) * self.uniform


def shots_to_see(probability: float | None, confidence: float = CONFIDENCE) -> int | None:
    """The fewest independent shots of which one or more sees what a shot sees with a probability.

    None where that is unknown, and where no number suffices.
    """
    if probability is None or probability <= 0.0:
        return None
    if probability >= 1.0:
        return 1
    return max(1, ceil(log(1.0 - confidence) / log1p(-probability) - 1e-9))


@dataclass(frozen=True)
class Cost:
    """Time and money of so many shots of the final circuit, the training included.

    Parameters
    ----------
    shots : int
        Those of the final circuit.
    gates, readout, delay, overhead : float, optional
        Device seconds by what they go to.
    wall : float, optional
        Seconds from start to end without a queue, those of this machine included.
    amount : float, optional
        For the device; None where unknown, 0 where nobody sells it.
    currency : str
    lines : list of dict
        Of the bill.
    """

    shots: int
    gates: float | None
    readout: float | None
    delay: float | None
    overhead: float
    wall: float | None
    amount: float | None
    currency: str
    lines: list[dict[str, Any]] = field(repr=False)

    @property
    def device_seconds(self) -> float | None:
        """On the device, job overhead included."""
        parts = (self.gates, self.readout, self.delay)
        known = [part for part in parts if part is not None]
        return sum(known) + self.overhead if len(known) == len(parts) else None


@dataclass(frozen=True)
class DeviceEstimate:
    """One device.

    Parameters
    ----------
    device : str
    forecast : Forecast, optional
        None where the device does not take the run.
    run, optimum : Cost, optional
        Of the run as its options say, and with as many shots as see the optimum with 99 %; None
        where that number is unknown.
    tariff : tuple of Price
    reason : str
        Why there is no forecast.
    """

    device: str
    forecast: Forecast | None = None
    run: Cost | None = None
    optimum: Cost | None = None
    tariff: tuple[Price, ...] = ()
    reason: str = ""

    def to_json(self, on: date | None = None) -> dict[str, Any]:
        """The estimate as JSON values."""
        told = self.forecast
        if told is None:
            return {"device": self.device, "reason": self.reason}
        plan = told.plan
        return {
            "device": self.device,
            "simulated": plan.simulated, "hypothetical": plan.hypothetical,
            "qubits": plan.qubits,
            "depth": {"before": plan.logical_depth, "after": plan.depth},
            "two_qubit_gates": {
                "before": plan.logical_two_qubit_gates, "after": plan.two_qubit_gates
            },
            "one_qubit_gates": plan.one_qubit_gates,
            "success_probability": plan.success_probability,
            "success_parts": told.success_parts,
            "optimum": {
                "noiseless": told.ideal, "uniform": told.uniform, "a_shot": told.seen,
                "shots_to_99_percent": shots_to_see(told.seen),
                "random_shots_to_99_percent": shots_to_see(told.floor),
            },
            "circuit_seconds": told.circuit_seconds, "readout_seconds": told.readout_seconds,
            "repetition_delay": told.repetition_delay,
            "here": {name: span.wall for name, span in plan.phases.items()},
            "circuits": plan.circuits, "shots": plan.shots,
            "run": _cost_json(self.run), "to_optimum": _cost_json(self.optimum),
            "prices": [_price_json(price, on or date.today()) for price in self.tariff],
            "notes": list(told.notes),
        }


def _cost_json(cost: Cost | None) -> dict[str, Any] | None:
    return None if cost is None else {**asdict(cost), "device_seconds": cost.device_seconds}


def _price_json(price: Price, on: date) -> dict[str, Any]:
    return {
        "provider": price.provider, "sku": price.sku, "unit": price.unit, "price": price.price,
        "currency": price.currency, "source": price.source, "confidence": price.confidence,
        "retrieved": price.retrieved, "stale": staleness(price.sku, price.retrieved, on),
        "note": price.note,
    }


@dataclass(frozen=True)
class Estimates:
    """One run on several devices.

    Parameters
    ----------
    instance, solver : str
    devices : tuple of DeviceEstimate
    classical : Solution, optional
        A classical run to compare with.
    price_list : str
        Version.
    """

    instance: str
    solver: str
    devices: tuple[DeviceEstimate, ...]
    classical: Solution | None = None
    price_list: str = ""

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "instance": self.instance, "solver": self.solver, "price_list": self.price_list,
            "devices": [each.to_json() for each in self.devices],
            "classical": None if self.classical is None else _classical_json(self.classical),
        }

    def table(self) -> list[tuple[str, ...]]:
        """Rows for reading: a name, and a cell for each device; the first row names these."""
        cells = [_cells(each) for each in self.devices]
        return [(name, *(column[i] for column in cells)) for i, name in enumerate(_ROWS)]

    def remarks(self, on: date | None = None) -> list[str]:
        """What is to be known of the figures: refusals, prices and their sources, the model."""
        lines = [f"{each.device}: {each.reason}" for each in self.devices if each.reason]
        said: dict[str, list[str]] = {}
        for each in self.devices:
            for note in each.forecast.notes if each.forecast else ():
                said.setdefault(note, []).append(each.device)
        lines += [f"{', '.join(names)}: {note}" for note, names in said.items()]
        lines += _price_lines(self.devices, on or date.today())
        if self.classical is not None:
            lines.append(_classical_line(self.classical))
        lines.append(
            "No circuit was run. A shot sees the optimum with probability success x noiseless + "
            "(1 - success) x uniform; times are without the queue."
        )
        return lines


_ROWS = (
    "", "qubits", "depth, before and after compiling", "two-qubit gates, before and after",
    "success probability of a shot", "  of which", "optimum in the noiseless state",
    "optimum in a shot", "shots to see it with 99 %", "  random sampling's",
    "this run: circuits, shots", "  device seconds", "  gates, readout, delay, jobs",
    "  wall seconds without queue", "  money for the device", "to see the optimum: device seconds",
    "  wall seconds without queue", "  money for the device", "seconds taken here",
)


def _cells(each: DeviceEstimate) -> tuple[str, ...]:
    told = each.forecast
    if told is None or each.run is None:
        return (each.device, *("-",) * (len(_ROWS) - 1))
    plan, run, best = told.plan, each.run, each.optimum
    parts = ", ".join(f"{name} {_share(part)}" for name, part in told.success_parts.items())
    times = (run.gates, run.readout, run.delay, run.overhead)
    return (
        each.device, str(plan.qubits), f"{plan.logical_depth} -> {plan.depth}",
        f"{plan.logical_two_qubit_gates} -> {plan.two_qubit_gates}",
        _share(plan.success_probability), parts or "-", _share(told.ideal), _share(told.seen),
        _count(shots_to_see(told.seen)), _count(shots_to_see(told.floor)),
        f"{plan.circuits}, {count_text(plan.shots)}", _seconds(run.device_seconds, plan),
        "-" if run.gates is None else ", ".join(_seconds(part, plan) for part in times),
        _seconds(run.wall, plan),
        _money(run, plan),
        UNKNOWN if best is None else _seconds(best.device_seconds, plan),
        UNKNOWN if best is None else _seconds(best.wall, plan),
        UNKNOWN if best is None else _money(best, plan),
        seconds_text(plan.wall + plan.setup),
    )


def _share(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3g}"


def _count(value: int | None) -> str:
    return UNKNOWN if value is None else count_text(value)


def _seconds(value: float | None, plan: Usage) -> str:
    if value is None:
        return "-" if plan.hypothetical else UNKNOWN
    return seconds_text(value)


def _money(cost: Cost, plan: Usage) -> str:
    if plan.hypothetical and not cost.lines:
        return "not sold"
    return UNKNOWN if cost.amount is None else f"{money_text(cost.amount)} {cost.currency}"


def _price_lines(devices: Sequence[DeviceEstimate], on: date) -> list[str]:
    """A line for each tariff that was taken, with its source, and a warning where it is old."""
    lines = []
    for price in dict.fromkeys(price for each in devices for price in each.tariff):
        amount = UNKNOWN if price.price is None else f"{price.price:g} {price.currency}"
        read = f"read {price.retrieved}" if price.retrieved else "of unknown date"
        lines.append(
            f"{price.sku}: {amount} a {price.unit}, {price.provider} ({price.confidence}: "
            f"{price.source}, {read}){'; ' if price.note else ''}{price.note}"
        )
        if old := staleness(price.sku, price.retrieved, on):
            lines.append(f"warning: {old}")
    for each in devices:
        told = each.forecast
        if told is not None and not each.tariff and not told.plan.hypothetical:
            lines.append(f"{each.device}: there is no tariff for it, so its cost is unknown")
    return lines


def _classical_json(run: Solution) -> dict[str, Any]:
    record = run.record
    return {
        "solver": record.label, "status": str(record.status), "objective": record.objective,
        "seconds_to_best": record.to_best, "seconds": record.wall,
        "amount": total(record.money, "measured"),
    }


def _classical_line(run: Solution) -> str:
    record = run.record
    if record.to_best is None:
        return f"classical, {record.label}: {record.status}, no feasible answer"
    paid = total(record.money, "measured")
    cost = "" if paid is None else f", {money_text(paid)} {record.money[0]['currency']}"
    return (
        f"classical, {record.label}: {record.status}, its answer after "
        f"{seconds_text(record.to_best)} s of {seconds_text(record.wall)} s{cost}"
    )


# -- making estimates -----------------------------------------------------------------------------


def estimate(
    problem: Any,
    solver: str = "qaoa",
    devices: Sequence[str] = (),
    *,
    seed: int = 0,
    time_limit: float | None = None,
    threads: int = 1,
    classical: bool = False,
    prices: PriceList | None = None,
) -> Estimates:
    """What a run would take on each of several devices.

    Parameters
    ----------
    problem : Problem, Qubo, Program or Routing
    solver : str
        With options: ``"qaoa:p=3"``.
    devices : sequence of str
        Names; the solver's own where none is given. One that refuses the run, or an option, has a
        reason.
    seed : int
    time_limit : float, optional
        Seconds for training and compiling, of each device.
    threads : int
    classical : bool
        Whether a classical run of at most 10 s is made to compare with.
    prices : PriceList, optional

    Raises
    ------
    UsageError
        For wrong names and options.
    UnsupportedError
        Where the solver submits no circuits that it could tell of.
    QoptError
        Where no device takes the run: what the first one says.
    """
    subject, (name, options) = as_problem(problem), parse_solver(solver)
    if devices and "device" in options:
        raise UsageError(
            f"the solver names device {options['device']!r}, and devices are given beside it: "
            "drop one"
        )
    chosen: list[dict[str, Any]] = [{"device": device} for device in dict.fromkeys(devices)]
    prices = prices or price_list()
    budget = Budget(time_limit=time_limit, threads=threads)
    _check_able(name)
    rows: list[DeviceEstimate] = []
    faults: list[QoptError] = []
    for each in chosen or [{}]:
        try:
            task = Task(subject, name, {**options, **each}, seed, budget)
            rows.append(_priced(_forecast(task), prices))
        except UnknownNameError:
            raise
        except (SizeError, UnsupportedError, MissingPackageError, UsageError) as fault:
            faults.append(fault)
            rows.append(DeviceEstimate(each.get("device", name), reason=str(fault)))
    if len(faults) == len(rows):
        raise faults[0]
    rival = solve(subject, "auto", seed=seed, time_limit=CLASSICAL_SECONDS) if classical else None
    return Estimates(subject.name, solver, tuple(rows), rival, prices.version)


def _check_able(name: str) -> None:
    """Refuse a solver that tells nothing of a run before it runs."""
    if hasattr(find("solver", name).load(), "estimate"):
        return
    able = [
        spec.name for spec in available("solver")
        if spec.role == "quantum" and not spec.missing() and hasattr(spec.load(), "estimate")
    ]
    hint = f"; take {join(able, 'or')}" if able else ""
    raise UnsupportedError(f"solver {name!r} cannot be estimated before it runs{hint}")


def _forecast(task: Task) -> Forecast:
    """Lower, and ask the solver."""
    problem: Problem = task.problem
    if proof := ruled_out(problem):
        raise InfeasibleError(proof)
    usage, progress = Usage(), Progress()
    with usage.phase("lower"):
        forms = (task.form,) if task.form else forms_for(problem, task.spec)
        _, lowering = lower(problem, forms, task.lowering_options)
    lowering, budget = presolved(task, lowering, task.budget, usage, progress)
    solver = task.spec.load()(**task.solver_options)
    told: Forecast = solver.estimate(lowering.model, budget, task.seed)
    usage.add(told.plan)
    return replace(told, plan=usage, notes=(*told.notes, *_refined(lowering.refine is not None)))


def _refined(refines: bool) -> tuple[str, ...]:
    if not refines:
        return ()
    return ("the model may be refined by its answers and solved again: this is one round",)


def _priced(told: Forecast, prices: PriceList) -> DeviceEstimate:
    """Time and money of a forecast."""
    device, needed = told.plan.device, shots_to_see(told.seen)
    return DeviceEstimate(
        device, told, _cost(told, prices, told.final_shots),
        None if needed is None else _cost(told, prices, needed), prices.tariff(device),
    )


def _cost(told: Forecast, prices: PriceList, shots: int) -> Cost:
    """Of so many shots of the final circuit."""
    whole = told.plan.shots - told.final_shots + shots
    length, readout = told.circuit_seconds, told.readout_seconds
    seconds = None if length is None else (length + told.repetition_delay) * whole
    plan = replace(told.plan, shots=whole, device_seconds=seconds, simulated=True)
    lines = charge(replace(plan, phases={}), prices)
    tariff = prices.tariff(plan.device)
    overhead = max((price.job_seconds * price.jobs(plan) for price in tariff), default=0.0)
    amount = total(lines, "estimated") if lines else (0.0 if plan.hypothetical else None)
    return Cost(
        shots,
        None if length is None else whole * (length - (readout or 0.0)),
        None if length is None else whole * (readout or 0.0),
        None if length is None else whole * told.repetition_delay,
        overhead,
        None if seconds is None else told.plan.wall + seconds + overhead,
        amount, lines[0]["currency"] if lines else "", lines,
    )
