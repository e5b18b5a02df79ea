"""Executing the circuits of a method on a device, and what that took."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from qopt.errors import SolverError
from qopt.solver import Usage

from ..circuit import depth
from ..devices import Compiled, Samples, Watch
from .job import Estimate, Job, Result, allot, multiplier
from .mitigation import Mitigation


class Sampler(Protocol):
    """What executes a circuit: a device."""

    def sample(self, compiled: Compiled, shots: int, seed: int, watch: Watch) -> Samples:
        """Shots of a circuit."""
        ...


@dataclass(frozen=True, eq=False)
class Plan:
    """All that is to be executed, known before anything is.

    Parameters
    ----------
    mitigation : Mitigation
    compiled : Compiled
    jobs : sequence of Job
        The compiled circuit first.
    shots : sequence of int
        Of every job.
    seed : int
    """

    mitigation: Mitigation
    compiled: Compiled = field(repr=False)
    jobs: Sequence[Job] = field(repr=False)
    shots: Sequence[int] = field(repr=False)
    seed: int

    @classmethod
    def of(cls, mitigation: Mitigation, compiled: Compiled, shots: int, seed: int) -> "Plan":
        """Circuits, and their shots for so many of the run.

        Raises
        ------
        UsageError
            Where the shots do not suffice for all circuits.
        UnsupportedError
            Where the method is hopeless on this circuit.
        """
        jobs = mitigation.circuits(compiled, seed)
        return cls(mitigation, compiled, jobs, allot(jobs, shots), seed)


def execute(
    plan: Plan, device: Sampler, watch: Watch, plain: Samples | None = None
) -> list[Result]:
    """Results of all jobs; fewer where `watch` ends the run.

    Parameters
    ----------
    plan : Plan
    device : Sampler
    watch : Watch
    plain : Samples, optional
        Of the compiled circuit, where it has been executed.
    """
    seeds = np.random.SeedSequence(plan.seed).generate_state(len(plan.jobs)).tolist()
    results: list[Result] = []
    for job, shots, seed in zip(plan.jobs, plan.shots, seeds, strict=True):
        if job.role == "plain" and plain is not None:
            results.append(Result(job, plain))
            continue
        if watch.over:
            break
        samples = device.sample(replace(plan.compiled, circuit=job.circuit), shots, seed, watch)
        if not len(samples.bits):
            break
        results.append(Result(job, samples))
    return results


def charge(usage: Usage, plan: Plan, results: Sequence[Result]) -> None:
    """Add what was executed beside the compiled circuit to the ledger.

    A circuit lasts as much longer than the compiled one as it is deeper; that is no less than it
    takes, for readout is not repeated.
    """
    compiled = plan.compiled
    deep = max(1, depth(compiled.circuit))
    for result in results:
        if result.job.role == "plain":
            continue
        shots = len(result.samples.bits)
        usage.circuits += 1
        usage.shots += shots
        if compiled.duration is not None and usage.device_seconds is not None:
            longer = max(1.0, depth(result.job.circuit) / deep)
            each = replace(compiled, duration=compiled.duration * longer)
            usage.device_seconds += each.seconds(shots) or 0.0


def told(plan: Plan, results: Sequence[Result]) -> dict[str, Any]:
    """What the record says: raw and mitigated expectation, and what that cost.

    Wall time is the ledger's: its phase ``mitigate``.
    """
    facts: dict[str, Any] = {
        "method": plan.mitigation.name,
        "shot_multiplier": multiplier(plan.jobs),
        "circuits": len(plan.jobs),
        "shots": sum(len(result.samples.bits) for result in results),
        "raw": _pair(plan.mitigation.raw(results)),
        "mitigated": None,
    }
    if len(results) < len(plan.jobs):
        return facts | {"reason": f"the run ended before all {len(plan.jobs)} circuits"}
    try:
        found = plan.mitigation.combine(results)
        likely = plan.mitigation.most_likely(results)
    except SolverError as fault:  # the answers are there all the same
        return facts | {"reason": str(fault)}
    return facts | {"mitigated": _pair(found), **found.details, **likely}


def _pair(found: Estimate) -> dict[str, float | None]:
    return {"expectation": found.value, "standard_error": found.standard_error}
