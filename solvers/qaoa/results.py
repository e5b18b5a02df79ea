"""What a run of QAOA reports: its ledger, its details and its answers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError
from qopt.forms import Qubo
from qopt.solver import WARM_START, Outcome, Progress, Status, Usage

from . import circuit as circuits
from .ansatz import Angles, Ansatz, TermAngles
from .devices import Compiled, Device, Samples, Watch
from .mitigate import Plan, charge, execute, told
from .shot_statistics import statistics
from .warm_start import WarmStart

_AT_ONCE = 2**16
"""Shots of a warm start that are drawn together."""

_ROUNDING = 1e-9
"""Difference of energies, relative to the largest coefficient, that is rounding."""


def describe(compiled: Compiled, device: Device, usage: Usage) -> None:
    """Put the facts of a compiled circuit into the ledger."""
    logical = circuits.build_circuit(compiled.ansatz)
    usage.qubits = compiled.circuit.num_qubits
    usage.depth = circuits.depth(compiled.circuit)
    usage.two_qubit_gates = circuits.two_qubit_gates(compiled.circuit)
    usage.one_qubit_gates = compiled.one_qubit_gates
    usage.logical_depth = circuits.depth(logical)
    usage.logical_two_qubit_gates = circuits.two_qubit_gates(logical)
    usage.device = device.name
    usage.simulated = device.simulated
    usage.hypothetical = device.hypothetical
    usage.success_probability = compiled.success_probability


def execution(compiled: Compiled, samples: Samples) -> dict[str, Any]:
    """What the record says of the execution."""
    facts: dict[str, Any] = {
        "circuit_hash": circuits.fingerprint(compiled.circuit),
        "sampling": samples.method,
        **compiled.details,
        **samples.details,
    }
    if samples.trajectories is not None:
        facts["noise_trajectories"] = samples.trajectories
    if compiled.duration is not None:
        facts["circuit_seconds"] = compiled.duration
    return facts


def mitigate(
    plan: Plan, device: Device, samples: Samples, watch: Watch, usage: Usage
) -> dict[str, Any]:
    """Execute what a mitigation needs beside the samples; what the record says of it."""
    watch.progress.step(0.7, "mitigating")
    with usage.phase("mitigate"):
        results = execute(plan, device, watch, plain=samples)
        charge(usage, plan, results)
        return {"mitigation": told(plan, results)}


def mitigation_words(details: dict[str, Any]) -> str:
    """The mean as it was and as it is mitigated, to end a reason with."""
    if not details:
        return ""
    facts = details["mitigation"]
    raw, found = facts["raw"], facts["mitigated"]
    words = f"; mean energy on the device {_with_error(raw)}"
    if found is None:
        return f"{words}, not mitigated: {facts['reason']}"
    return (
        f"{words}, {_with_error(found)} by {facts['method']} with {facts['shot_multiplier']:.3g} "
        "times the shots"
    )


def _with_error(figure: dict[str, Any]) -> str:
    error = figure["standard_error"]
    return f"{figure['expectation']:.6g}" + ("" if error is None else f" +- {error:.2g}")


def run_again(ansatz: Ansatz, details: Mapping[str, Any], *, multi_angle: bool) -> Ansatz:
    """The state of a run by its details: with its angles and tilts.

    Raises
    ------
    InputError
        Where they are not of a run of this model.
    """
    try:
        gammas, betas = details["gammas"], details["betas"]
        angles: Angles | TermAngles = Angles(tuple(gammas), tuple(betas))
        if multi_angle:
            angles = TermAngles(np.array(gammas), np.array(betas))
            none = TermAngles.none(ansatz.cost)
            fits = angles.gammas.shape[1:] == none.gammas.shape[1:]
        else:
            fits = all(isinstance(angle, float) for angle in (*gammas, *betas))
        if "tilts" in details:
            ansatz = replace(ansatz, tilts=np.array(details["tilts"], dtype=np.float64))
            fits = fits and len(details["tilts"]) == ansatz.cost.qubits
    except (KeyError, TypeError, ValueError):
        fits = False
    if not fits:
        raise InputError("the run's record holds no angles of a circuit of this model")
    return ansatz.at(angles)


def describe_start(start: WarmStart, model: Qubo, found: Outcome, seed: int) -> None:
    """Tell what a warm start was worth by itself: its mean, and the best of as many shots of it."""
    assert found.counts is not None
    ones = np.sin(0.5 * start.tilts) ** 2
    penalised = model.penalised()
    mean = penalised.offset + float(
        penalised.linear @ ones + (penalised.value * ones[penalised.row]) @ ones[penalised.col]
    )
    alone = _best_drawn(model, ones, int(found.counts.sum()), np.random.default_rng(seed))
    best = model.energy(found.answers[0]) if found.status is Status.FEASIBLE else None
    # What differs by rounding alone is no better.
    better = best is not None and (alone is None or best < alone - _ROUNDING * model.scale)
    found.details["warm_start"] = {
        "from": start.method,
        "epsilon": start.epsilon,
        "tilts": start.tilts.tolist(),
        "mean": mean,
        "best_of_as_many_shots": alone,
        "circuit_is_better": better,
    }
    worth = "none keeps the groups" if alone is None else f"the best has energy {alone:.6g}"
    ours = "no shot" if best is None else f"{best:.6g}"
    found.reason += (
        f"; as many shots of the warm start ({start.method}) itself: {worth}, mean {mean:.6g}; "
        f"the circuit's best is {ours}, {'better' if better else 'no better'}"
    )
    add_caveat(
        found, WARM_START,
        f"its circuit starts from a classical answer ({start.method}), which random samples do not "
        "have",
    )


def _best_drawn(
    model: Qubo, ones: NDArray[np.float64], shots: int, generator: np.random.Generator
) -> float | None:
    """The lowest energy of shots of a product state that keep all groups; None where none does."""
    best = None
    for start in range(0, shots, _AT_ONCE):
        count = min(_AT_ONCE, shots - start)
        bits = (generator.random((count, len(ones))) < ones).astype(np.int8)
        kept = bits[model.group_violations(bits) == 0]
        if len(kept):
            lowest = float(model.energies(kept).min())
            best = lowest if best is None else min(best, lowest)
    return best


def add_caveat(found: Outcome, code: str, text: str) -> None:
    """Note what a reader of a comparison must know."""
    found.details.setdefault("caveats", {})[code] = text


def outcome(
    model: Qubo,
    ansatz: Ansatz,
    samples: Samples,
    usage: Usage,
    details: dict[str, Any],
    reason: str,
    progress: Progress,
) -> Outcome:
    """Distinct answers, those that keep the groups first, each part by energy."""
    answers, which, counts = distinct(samples.bits)
    energies = model.energies(answers)
    broken = model.group_violations(answers)
    details["sampled"] = _sampled(model, ansatz, answers, which, samples)
    order = np.lexsort((energies, broken))
    kept = broken[order[0]] == 0
    if kept:
        progress.incumbent(float(energies[order[0]]))
    return Outcome(
        Status.FEASIBLE if kept else Status.INFEASIBLE_ANSWERS,
        answers[order],
        counts=counts[order].astype(np.int64),
        independent=samples.trajectories,
        usage=usage,
        reason=reason if kept else f"no shot kept every group; {reason}",
        details=details,
    )


def distinct(
    bits: NDArray[np.int8],
) -> tuple[NDArray[np.int8], NDArray[np.int64], NDArray[np.int64]]:
    """Distinct rows in lexicographic order, which of them each row is, and their counts.

    Rows of up to 64 bits are sorted as numbers, a hundred times faster than as rows.
    """
    if bits.shape[1] > 64:
        rows, which, counts = np.unique(bits, axis=0, return_inverse=True, return_counts=True)
        return rows, which.reshape(-1), counts
    words = np.zeros((len(bits), 8), dtype=np.uint8)
    packed = np.packbits(bits.astype(bool), axis=1)
    words[:, : packed.shape[1]] = packed
    numbers = words.view(">u8").reshape(-1).astype(np.uint64)
    _, first, which, counts = np.unique(
        numbers, return_index=True, return_inverse=True, return_counts=True
    )
    return bits[first], which.reshape(-1), counts


def _sampled(
    model: Qubo, ansatz: Ansatz, answers: NDArray[np.int8], which: NDArray[np.int64],
    samples: Samples,
) -> dict[str, Any]:
    """Figures of the shots, in the energies that the details speak of."""
    if not ansatz.groups:
        return statistics(model.penalised().energies(answers)[which], samples.batch)
    # Noise carries shots out of the groups, where the objective means nothing.
    kept = (model.group_violations(answers) == 0)[which]
    share = {"kept_groups": float(kept.mean())}
    if not kept.any():
        return share
    batch = None if samples.batch is None else samples.batch[kept]
    return share | statistics(model.energies(answers)[which[kept]], batch)


def unfinished(usage: Usage, progress: Progress, when: str) -> Outcome:
    """What a run that ended too early gives back."""
    ended = "interrupted" if progress.stopping else "the time limit came"
    return Outcome(Status.TIME_LIMIT, usage=usage, reason=f"{ended} {when}")
