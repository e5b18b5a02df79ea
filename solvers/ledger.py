"""Adding up what several runs used."""

from qopt.solver import Span, Usage

_SUMS = ("circuits", "shots")
_LARGEST = ("qubits", "depth", "logical_depth")
_GATES = ("two_qubit_gates", "one_qubit_gates", "logical_two_qubit_gates")


def add_usage(whole: Usage, part: Usage) -> None:
    """Add one run's ledger to another's.

    Seconds of all phases, device seconds, circuits and shots are added; qubits and depths are those
    of the largest circuit. Gates of a circuit become the mean over all shots, so that tariffs on
    gates and shots charge what was run. Evaluations stay: they count in another unit.

    Parameters
    ----------
    whole : Usage
        Changed in place.
    part : Usage
    """
    for name, span in part.phases.items():
        total = whole.phases.setdefault(name, Span())
        total.wall += span.wall
        total.cpu += span.cpu
    shots = whole.shots + part.shots
    for name in _GATES:
        before, now = getattr(whole, name), getattr(part, name)
        mean = (before * whole.shots + now * part.shots) / shots if shots else max(before, now)
        setattr(whole, name, round(mean))
    for name in _LARGEST:
        setattr(whole, name, max(getattr(whole, name), getattr(part, name)))
    if whole.jobs or part.jobs:
        whole.jobs = whole.job_count + part.job_count
    for name in _SUMS:
        setattr(whole, name, getattr(whole, name) + getattr(part, name))
    if part.device:
        whole.device = part.device
        whole.simulated, whole.hypothetical = part.simulated, part.hypothetical
    if part.device_seconds is not None:
        whole.device_seconds = (whole.device_seconds or 0.0) + part.device_seconds
    if part.success_probability is not None:
        known = whole.success_probability
        whole.success_probability = (
            part.success_probability if known is None else min(known, part.success_probability)
        )
