"""The run record: one run with all that is needed to repeat and to audit it."""

import hashlib
import json
import os
import platform
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from importlib.metadata import distributions
from math import inf, isclose, isfinite
from pathlib import Path
from typing import Any

import numpy as np

from .pricing import total, up_to
from .solver import Status, Usage

SCHEMA = 1
"""Version of the record's layout; older ones are read by `Record.from_json`."""

_ROUNDING = 1e-9
"""Relative difference up to which two objectives of one run are the same."""

_USED_UP = 0.9
"""Share of a time limit from which on a run is taken to have searched to the limit."""

_LIBRARIES = (
    "qopt-toolkit", "numpy", "scipy", "numba", "dimod", "dwave-samplers", "networkx", "ortools",
    "pulp", "highspy", "qiskit", "qiskit-aer", "qiskit-optimization", "qiskit-ibm-runtime",
)


def canonical_json(data: Any) -> str:
    """JSON with sorted keys and no spaces: equal data gives equal text."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def jsonable(value: Any) -> Any:
    """Numpy scalars and arrays, tuples and sets as plain JSON values; NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return jsonable(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [jsonable(item) for item in value]
    if isinstance(value, np.generic):
        return jsonable(value.item())
    if isinstance(value, float) and not isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def content_key(preimage: Mapping[str, Any]) -> str:
    """SHA-256 of canonical JSON, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical_json(preimage).encode()).hexdigest()


@dataclass(frozen=True)
class InstanceFacts:
    """What a record says of its instance.

    Parameters
    ----------
    name, kind, sense : str
        Name of the instance, kind of problem, ``"minimise"`` or ``"maximise"``.
    sha256 : str
        `qopt.problem.fingerprint`.
    size : dict
        What `Problem.describe` says: sizes, rounding convention.
    path : str
        The file it was loaded from; empty if it came from Python.
    settings : dict
        Settings it was loaded with.
    reference : dict, optional
        ``{"value", "source", "proven", "convention"}``, as `qopt.problem.Reference`.
    """

    name: str
    kind: str
    sense: str
    sha256: str
    size: dict[str, Any] = field(default_factory=dict)
    path: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    reference: dict[str, Any] | None = None


@dataclass(frozen=True)
class Record:
    """One run, finished or failed.

    Parameters
    ----------
    key : str
        Content key of the task: `content_key` of `task`.
    task : dict
        The key's preimage: instance hash, solver, its version, options, seed, budget, form.
    id : str
        The key's first 12 digits: what people type.
    instance : InstanceFacts
    solver, solver_version, role, form : str
        Solver name, version, its role and the form that it was given.
    options : dict
        Options as given, after parsing.
    seed : int
    budget : dict
        ``{"time_limit", "evaluations", "threads"}``.
    deterministic : bool
        Whether a repeat must give the same answer: a deterministic solver that no clock ended.
    status : Status
    reason : str
    objective : float, optional
        Of the best answer, feasible or not; None without any.
    feasible : bool
    violations : tuple of (str, float)
        Of the best answer.
    bound : float, optional
        Proven bound in the problem's units: a lower one when minimising.
    answer : object
        The best answer in the problem's JSON.
    picture : dict, optional
        The best answer drawn, as `qopt.picture.Picture.to_json`; None where the problem draws
        none or it would be too large.
    insight : dict
        What the problem says of the answer beside its objective (`qopt.problem.insight_of`).
    samples : dict
        ``distinct`` answers, ``total`` with multiplicity, the ``independent`` draws that
        these amount to, ``scored`` and ``feasible_total`` of
        those; ``best``, ``median`` and ``mean`` objective of the feasible ones, and ``best_total``:
        how many reached the best. Where classical post-processing worked on them, ``improved``
        holds the same of the answers that it made, with its ``method`` in words and whether one of
        them is the run's ``answer``: everything else speaks of the samples as they were drawn.
    trace : dict
        ``incumbents`` and ``bounds``: lists of [seconds, value] in the problem's units.
    usage : Usage
    money : list of dict
        Lines of `qopt.pricing.charge`.
    price_list : str
        Version of the price list.
    details : dict
        What the solver adds: angles, expectation, circuit hash.
    notes : tuple of str
        Of the lowering: encoding, qubits, penalty bound.
    environment : dict
        Package versions, Python, processor, cores, git revision, host.
    started : str
        Start of the run, ISO 8601 in UTC.
    wall, cpu : float
        Seconds from the start of lowering to the end of scoring, without ``setup``.
    error : str
        Text of the fault, for a failed run.
    interrupted : bool
        Whether it was ended by hand, before its budget was used.
    limits : dict
        ``max_cost``, ``max_shots`` and whether one of them ``acted``: refused, shortened or ended
        the run; empty without limits (`qopt.limits`).
    schema : int
    """

    key: str
    task: dict[str, Any] = field(repr=False)
    instance: InstanceFacts
    solver: str
    solver_version: str
    role: str
    form: str
    options: dict[str, Any]
    seed: int
    budget: dict[str, Any]
    deterministic: bool
    status: Status
    reason: str = ""
    objective: float | None = None
    feasible: bool = False
    violations: tuple[tuple[str, float], ...] = ()
    bound: float | None = None
    answer: Any = field(default=None, repr=False)
    picture: dict[str, Any] | None = field(default=None, repr=False)
    insight: dict[str, Any] = field(default_factory=dict, repr=False)
    samples: dict[str, Any] = field(default_factory=dict, repr=False)
    trace: dict[str, Any] = field(default_factory=dict, repr=False)
    usage: Usage = field(default_factory=Usage, repr=False)
    money: list[dict[str, Any]] = field(default_factory=list, repr=False)
    price_list: str = ""
    details: dict[str, Any] = field(default_factory=dict, repr=False)
    notes: tuple[str, ...] = ()
    environment: dict[str, Any] = field(default_factory=dict, repr=False)
    started: str = ""
    wall: float = 0.0
    cpu: float = 0.0
    error: str = ""
    interrupted: bool = False
    limits: dict[str, Any] = field(default_factory=dict)
    schema: int = SCHEMA

    @property
    def id(self) -> str:
        """The first 12 digits of the key."""
        return self.key[:12]

    @property
    def label(self) -> str:
        """Solver with its options, as a comparison shows it: ``"qaoa:p=2,device=aer:torino"``."""
        return solver_label(self.solver, self.options)

    @property
    def caveats(self) -> dict[str, str]:
        """What a reader of a comparison must know of the run, by the solver's word: code, sentence.

        Solvers put them into ``details["caveats"]``.
        """
        said = self.details.get("caveats")
        if not isinstance(said, dict):
            return {}
        return {str(code): str(text) for code, text in said.items()}

    @property
    def decided(self) -> bool:
        """Whether presolve decided every variable, so that no solver ran."""
        told = self.details.get("presolve")
        return isinstance(told, dict) and told.get("left") == 0

    @property
    def to_best(self) -> float | None:
        """Wall seconds until the run held its answer, setup apart; None without a feasible one.

        By the run's trace; an answer that the trace does not hold was there at the end.
        """
        if not self.feasible or self.objective is None:
            return None
        # Solvers may go on to answers that are better by rounding alone.
        held = (
            seconds for seconds, value in self.trace.get("incumbents") or []
            if isclose(value, self.objective, rel_tol=_ROUNDING, abs_tol=1e-12)
        )
        return min(self.wall, max(0.0, next(held, inf) - self.usage.setup))

    @property
    def money_to_best(self) -> float | None:
        """What was paid until the run held its answer (`qopt.pricing.up_to`), estimates apart.

        None without a feasible answer, and where the bill is not known or in several currencies.
        """
        currencies = {line["currency"] for line in self.money if line["basis"] == "measured"}
        if self.to_best is None or not self.wall or len(currencies) != 1:
            return None
        return total(up_to(self.money, self.to_best / self.wall), "measured")

    @property
    def used_up(self) -> bool:
        """Whether the search went on to the time limit, without a proof."""
        limit = self.budget.get("time_limit") or inf
        return self.status is not Status.OPTIMAL and self.search_seconds >= _USED_UP * float(limit)

    @property
    def search_seconds(self) -> float:
        """Wall seconds of the search: setting up, lowering and decoding apart."""
        outside = ("setup", "lower", "decode")
        return sum(s.wall for name, s in self.usage.phases.items() if name not in outside)

    @property
    def postprocessing(self) -> str:
        """What classical post-processing worked on the samples, in words; empty if none did."""
        return str(self.samples.get("improved", {}).get("method", ""))

    @property
    def postprocessed(self) -> bool:
        """Whether post-processing made the answer: no sample is as good."""
        return bool(self.samples.get("improved", {}).get("answer", False))

    def to_json(self) -> dict[str, Any]:
        """The record as JSON values, with its `id`, and what it took to the best answer."""
        data = asdict(self)
        data["status"] = str(self.status)
        data["violations"] = [list(item) for item in self.violations]
        data["notes"] = list(self.notes)
        return {
            "id": self.id, **data, "to_best": self.to_best, "money_to_best": self.money_to_best
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Record":
        """Read back what `to_json` wrote; unknown fields of newer layouts are dropped."""
        known = {f.name for f in fields(cls)}
        values = {name: value for name, value in data.items() if name in known}
        values["instance"] = InstanceFacts(**values["instance"])
        values["status"] = Status(values["status"])
        values["usage"] = Usage.from_json(values["usage"])
        values["violations"] = tuple((text, amount) for text, amount in values["violations"])
        values["notes"] = tuple(values["notes"])
        return cls(**values)


def solver_label(name: str, options: Mapping[str, Any]) -> str:
    """Solver name with options as the command line writes them."""
    if not options:
        return name

    def text(value: Any) -> str:
        if isinstance(value, list | tuple):
            return ";".join(map(text, value))
        return f"{value:g}" if isinstance(value, float) else str(value)

    return f"{name}:" + ",".join(f"{key}={text(value)}" for key, value in sorted(options.items()))


@lru_cache(maxsize=1)
def environment() -> dict[str, Any]:
    """What the run ran on."""
    installed = {d.name.lower(): d.version for d in distributions() if d.name}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "host": socket.gethostname(),
        "git": _git_revision(),
        "packages": {name: installed[name] for name in _LIBRARIES if name in installed},
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _git_revision() -> str:
    """Revision of the checkout that this package is run from; empty for an installed wheel."""
    import subprocess

    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return ""
    try:
        done = subprocess.run(
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"],
            capture_output=True, text=True, timeout=5, check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
