"""Executing the circuits of a method on a device, and what that took."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

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


def execute(
    jobs: Sequence[Job], compiled: Compiled, device: Sampler, shots: int, seed: int, watch: Watch,
    plain: Samples | None = None,
) -> list[Result]:
    """Results of all jobs; fewer where `watch` ends the run.

    Parameters
    ----------
    jobs : sequence of Job
        Of `Mitigation.circuits`.
    compiled : Compiled
    device : Sampler
    shots : int
        Of the run, before the shares.
    seed : int
    watch : Watch
    plain : Samples, optional
        Of the compiled circuit, where it has been executed.

    Raises
    ------
    UsageError
        Where the shots do not suffice for all.
    """
    seeds = np.random.SeedSequence(seed).generate_state(len(jobs))
    results: list[Result] = []
    for job, share, own in zip(jobs, allot(jobs, shots), seeds.tolist(), strict=True):
        if job.role == "plain" and plain is not None:
            results.append(Result(job, plain))
            continue
        if watch.over:
            break
        samples = device.sample(replace(compiled, circuit=job.circuit), share, own, watch)
        if not len(samples.bits):
            break
        results.append(Result(job, samples))
    return results


def charge(usage: Usage, compiled: Compiled, results: Sequence[Result]) -> None:
    """Add what was executed beside the compiled circuit to the ledger.

    A circuit lasts as much longer than the compiled one as it is deeper; that is no less than it
    takes, for readout is not repeated.
    """
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


def told(
    mitigation: Mitigation, jobs: Sequence[Job], results: Sequence[Result]
) -> dict[str, Any]:
    """What the record says: raw and mitigated expectation, and what that cost.

    Wall time is the ledger's: its phase ``mitigate``.
    """
    facts: dict[str, Any] = {
        "method": mitigation.name,
        "shot_multiplier": multiplier(jobs),
        "circuits": len(jobs),
        "shots": sum(len(result.samples.bits) for result in results),
        "raw": _pair(mitigation.raw(results)),
        "mitigated": None,
    }
    if len(results) == len(jobs):
        found = mitigation.combine(results)
        facts |= {"mitigated": _pair(found), **found.details}
    return facts


def _pair(found: Estimate) -> dict[str, float | None]:
    return {"expectation": found.value, "standard_error": found.standard_error}
