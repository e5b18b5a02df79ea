"""What drifted between two calibrations, which stored runs it touches, and what circuits become.

Devices are calibrated every day. A run is tied to its calibration by the hash in its record; a
circuit that was compiled for one calibration is not what would be compiled for the next.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from math import inf, log
from typing import Any

from .calibration import Calibration, Spread
from .devices import CircuitFacts, full_name
from .errors import InputError, QoptError, UnsupportedError
from .forms.reduce import reduce_qubo
from .loading import load
from .problem import Problem, fingerprint
from .record import Record
from .reduction import lower
from .run import Task, parse_solver

_SHORT = "ibm_"
"""What a vendor's name may begin with and a device's name need not."""


@dataclass(frozen=True)
class Change:
    """A figure of one place in two calibrations.

    Parameters
    ----------
    what : str
        Name of a gate, ``"readout"``, ``"t1"`` or ``"t2"``.
    at : tuple of int
        Qubits.
    before, after : float
        Error, or seconds.
    """

    what: str
    at: tuple[int, ...]
    before: float
    after: float

    @property
    def size(self) -> float:
        """Absolute logarithm of the ratio; infinite where one of them is 0."""
        if self.before == 0.0 or self.after == 0.0:
            return inf
        return abs(log(self.after / self.before))


@dataclass(frozen=True)
class Drift:
    """Two calibrations, compared.

    Parameters
    ----------
    before, after : Calibration
        Of one device, place is compared with place. Of two, only what each is as a whole.
    """

    before: Calibration = field(repr=False)
    after: Calibration = field(repr=False)

    @property
    def same(self) -> bool:
        """Whether nothing at all differs."""
        return self.before.key == self.after.key

    @property
    def one_device(self) -> bool:
        """Whether both are of one device."""
        pair = self.before, self.after
        return len({each.name for each in pair}) == len({len(each.qubits) for each in pair}) == 1

    @property
    def died(self) -> list[tuple[int, int]]:
        """Couplings that were usable and no longer are."""
        return self._lost(self.before, self.after)

    @property
    def revived(self) -> list[tuple[int, int]]:
        """Couplings that were not usable and now are."""
        return self._lost(self.after, self.before)

    def _lost(self, first: Calibration, second: Calibration) -> list[tuple[int, int]]:
        if not self.one_device:
            return []
        return sorted(first.usable_couplings - second.usable_couplings)

    @property
    def qubits_died(self) -> list[int]:
        """Qubits whose own gates were usable and no longer are."""
        return sorted(self.after.dead_qubits - self.before.dead_qubits) if self.one_device else []

    @property
    def qubits_revived(self) -> list[int]:
        """Qubits whose own gates were dead and no longer are."""
        return sorted(self.before.dead_qubits - self.after.dead_qubits) if self.one_device else []

    @property
    def spreads(self) -> dict[str, tuple[Spread | None, Spread | None]]:
        """The errors of each gate and of readout, before and after."""
        names = sorted({*self.before.spreads, *self.after.spreads})
        return {n: (self.before.spreads.get(n), self.after.spreads.get(n)) for n in names}

    @cached_property
    def changes(self) -> list[Change]:
        """Figures of places that are usable in both and that differ, the largest change first."""
        if not self.one_device:
            return []
        old, new = _figures(self.before), _figures(self.after)
        found = [
            Change(*place, old[place], new[place])
            for place in old.keys() & new.keys() if old[place] != new[place]
        ]
        return sorted(found, key=lambda change: (-change.size, change.what, change.at))

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON values."""
        return {
            "before": _identity(self.before),
            "after": _identity(self.after),
            "same": self.same,
            "one_device": self.one_device,
            "errors": {
                name: [None if spread is None else asdict(spread) for spread in pair]
                for name, pair in self.spreads.items()
            },
            "couplings_died": [list(pair) for pair in self.died],
            "couplings_revived": [list(pair) for pair in self.revived],
            "qubits_died": self.qubits_died,
            "qubits_revived": self.qubits_revived,
            "changes": [asdict(change) for change in self.changes],
        }


def _identity(calibration: Calibration) -> dict[str, Any]:
    return {
        "name": calibration.name,
        "date": calibration.date,
        "hash": calibration.key,
        "qubits": len(calibration.qubits),
        "connected_qubits": len(calibration.region),
        "dead_couplings": len(calibration.dead_couplings),
        "t1": calibration.median_time("t1"),
        "t2": calibration.median_time("t2"),
    }


def _figures(calibration: Calibration) -> dict[tuple[str, tuple[int, ...]], float]:
    """What was measured, by name and place, of gates that are not dead."""
    found: dict[tuple[str, tuple[int, ...]], float] = {}
    for name, gates in calibration.gates.items():
        for gate in gates:
            if gate.error is not None and not calibration.is_dead(gate):
                found[name, gate.qubits] = gate.error
    for number, qubit in enumerate(calibration.qubits):
        found["readout", (number,)] = qubit.readout_error
        for name, time in (("t1", qubit.t1), ("t2", qubit.t2)):
            if time is not None:
                found[name, (number,)] = time
    return found


# -- stored runs ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Touched:
    """Stored runs on the device, by the calibration that they used.

    Parameters
    ----------
    before, after, other : list of Record
        ``other``: of a third calibration of one of the devices, or of one that is not told.
    """

    before: list[Record] = field(default_factory=list)
    after: list[Record] = field(default_factory=list)
    other: list[Record] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """What tells the runs apart, as JSON values."""
        return {
            name: [run_facts(record) for record in getattr(self, name)]
            for name in ("before", "after", "other")
        }


def touched(records: Iterable[Record], drift: Drift) -> Touched:
    """The runs that used either calibration, or another one of either device."""
    found = Touched()
    devices = {_plain(drift.before.name), _plain(drift.after.name)}
    for record in records:
        key = record.details.get("calibration_hash")
        if key == drift.before.key:
            found.before.append(record)
        elif key == drift.after.key:
            found.after.append(record)
        elif record.usage.device and _plain(record.usage.device) in devices:
            found.other.append(record)
    return found


def run_facts(record: Record) -> dict[str, Any]:
    """A stored run in brief, as JSON values."""
    return {
        "id": record.id, "instance": record.instance.name, "solver": record.label,
        "seed": record.seed, "started": record.started, "status": str(record.status),
        "calibration_date": record.details.get("calibration_date"),
        "calibration_hash": record.details.get("calibration_hash"),
        "success_probability": record.usage.success_probability,
    }


def _plain(device: str) -> str:
    """The bare name of a device: without how it was simulated, and what was made of its noise."""
    return device.rpartition(":")[2].partition(" ")[0].removeprefix(_SHORT)


# -- compiling again ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Recompiled:
    """What two calibrations make of one circuit.

    Parameters
    ----------
    before, after : CircuitFacts
    stored : mapping, optional
        Details of the stored run whose circuit it is.
    """

    before: CircuitFacts
    after: CircuitFacts
    stored: Mapping[str, Any] | None = field(default=None, repr=False)

    @property
    def changes(self) -> bool:
        """Whether the two circuits differ, in their gates or in the qubits that they are on."""
        return _circuit(self.before) != _circuit(self.after)

    @property
    def reproduced(self) -> bool | None:
        """Whether the stored run's circuit comes out again under its own calibration.

        It does not where another version of the compiler is installed, or a time limit cut the
        compilations of the run short. None without a stored run.
        """
        if self.stored is None:
            return None
        run = self.stored.get("circuit_hash"), tuple(self.stored.get("physical_qubits", ()))
        return run in (_circuit(self.before), _circuit(self.after))

    def to_json(self) -> dict[str, Any]:
        """The comparison as JSON values."""
        return {
            "changes": self.changes, "reproduced": self.reproduced,
            "before": asdict(self.before), "after": asdict(self.after),
        }


def _circuit(facts: CircuitFacts) -> tuple[str, tuple[int, ...]]:
    return facts.hash, facts.physical


def recompiled(
    problem: Problem, solver: str, devices: tuple[str, str], *, seed: int = 0
) -> Recompiled:
    """What two devices, or two snapshots of one, make of an instance's circuit.

    Parameters
    ----------
    problem : Problem
    solver : str
        Name and options: ``"qaoa:p=2"``. Its device is replaced.
    devices : (str, str)
        As solvers take them, or snapshots' files.
    seed : int
        Of the run whose circuit it is.

    Raises
    ------
    UnsupportedError
        Where the solver compiles nothing, or presolve leaves no variable.
    SizeError
        Where a device does not hold the model.
    """
    name, options = parse_solver(solver)
    first, second = (
        _compiled(Task(problem, name, {**options, "device": full_name(device)}, seed), None)
        for device in devices
    )
    return Recompiled(first, second)


def recompiled_run(record: Record, devices: tuple[str, str]) -> Recompiled:
    """The same for the circuit of a stored run, with its own angles.

    Raises
    ------
    InputError
        Where the run's instance cannot be read again or is no longer the same.
    """
    facts = record.instance
    if not facts.path:
        raise InputError(f"run {record.id} was of an instance made in Python: it has no file")
    problem = load(facts.path, kind=facts.kind, **facts.settings)
    if fingerprint(problem) != facts.sha256:
        raise InputError(f"{facts.path} is no longer the instance of run {record.id}")
    first, second = (
        _compiled(
            Task(
                problem, record.solver, {**record.options, "device": full_name(device)},
                record.seed,
            ),
            record.details,
        )
        for device in devices
    )
    return Recompiled(first, second, stored=record.details)


def recompiled_runs(
    records: Iterable[Record], devices: tuple[str, str]
) -> dict[str, Recompiled | str]:
    """The same for several, by their ids; the reason in words where it cannot be done."""
    found: dict[str, Recompiled | str] = {}
    for record in records:
        try:
            found[record.id] = recompiled_run(record, devices)
        except QoptError as fault:
            found[record.id] = str(fault)
    return found


def _compiled(task: Task, details: Mapping[str, Any] | None) -> CircuitFacts:
    """The circuit of the model that a run of the task hands to its solver."""
    solver = task.spec.load()(**task.solver_options)
    if not hasattr(solver, "compile_only"):
        raise UnsupportedError(
            f"solver {task.solver!r} compiles no circuit for a device; qaoa does"
        )
    _, lowering = lower(task.problem, ["qubo"], task.lowering_options)
    model = lowering.model
    if task.presolves:
        model = reduce_qubo(model).model
    if model.num_variables == 0:
        raise UnsupportedError(
            f"presolve decides every variable of {task.problem.name}, so that there is no circuit; "
            "presolve=false leaves them"
        )
    facts: CircuitFacts = solver.compile_only(model, task.seed, details)
    return facts
