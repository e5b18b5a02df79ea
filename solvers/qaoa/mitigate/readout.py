"""Readout errors undone qubit by qubit: the tensored inverse."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.devices import describe
from qopt.errors import SolverError, UsageError

from ..devices import Compiled, Device, Samples
from .gates import NativePaulis, measure_as, without_gates
from .job import Job, Reading, Result
from .observable import Observable
from .shots import mean_of

Errors = NDArray[np.float64]
"""Shape (n, 2): the probability that the bit of variable i is read wrong when it is 0, and 1."""

_LEAST = 0.02
"""Least ``1 - error of 0 - error of 1`` of a qubit whose bit still tells something."""

MOST_DENSE = 16
"""Qubits up to which a distribution over all bit strings is made."""


@dataclass(frozen=True)
class TensoredReadout:
    """The mean energy of the shots with each qubit's readout errors inverted.

    Errors of qubits are taken as independent. A bit that is read as the spin z stands for
    ``(z - a) / s`` with ``a = e1 - e0`` and ``s = 1 - e0 - e1``, whose mean is that of the true
    spin; of a pair it is the product. So the mean is unbiased without a matrix of all bit strings.

    Parameters
    ----------
    observable : Observable
    stored : ndarray of float64, shape (n, 2), optional
        Readout errors of the device's calibration; None where they are to be measured.
    """

    observable: Observable
    stored: Errors | None = field(default=None, repr=False)

    def calibrations(self, compiled: Compiled) -> list[Job]:
        """All zeros and all ones, of half the shots each, unless errors are known."""
        return [] if self.stored is not None else calibration_jobs(compiled)

    def read(self, samples: Samples, calibrations: Sequence[Result]) -> Reading:
        """The corrected mean, and how it follows the errors that were measured."""
        errors, variances = known_errors(self.stored, calibrations)
        check_invertible(errors)
        shift, scale = errors[:, 1] - errors[:, 0], 1.0 - errors.sum(axis=1)
        spins = (1.0 - 2.0 * samples.bits - shift) / scale
        slopes = self.observable.slopes(spins)
        by_shift = -slopes.mean(axis=0) / scale
        by_scale = -(slopes * spins).mean(axis=0) / scale
        return mean_of(
            self.observable.at(spins), samples.batch,
            slopes=np.stack([-by_shift - by_scale, by_shift - by_scale], axis=1).ravel(),
            variances=variances.ravel(),
            details={"mean_readout_error": float(errors.mean())},
        )

    def most_likely(
        self, samples: Samples, calibrations: Sequence[Result]
    ) -> dict[str, Any]:
        """The likeliest bit string once readout errors are undone, and its share before and after.

        Empty beyond `MOST_DENSE` qubits.
        """
        bits = samples.bits
        if bits.shape[1] > MOST_DENSE:
            return {}
        errors, _ = known_errors(self.stored, calibrations)
        shares = nearest_distribution(quasi_distribution(bits, errors))
        number = int(np.argmax(shares))
        answer = (number >> np.arange(bits.shape[1])) & 1
        raw = float((bits == answer).all(axis=1).mean())
        return {"most_likely": {
            "bits": answer.tolist(), "raw": raw, "mitigated": float(shares[number]),
        }}


def calibration_jobs(compiled: Compiled) -> list[Job]:
    """Two circuits on the compiled one's qubits: all read as they are, and all flipped before."""
    circuit, jobs = compiled.circuit, []
    paulis = NativePaulis(circuit)
    for flipped in (False, True):
        made = without_gates(circuit)
        for gate in circuit.data if flipped else ():
            if gate.operation.name == "measure":
                paulis.append(made, gate.qubits, "X")
        measure_as(made, circuit)
        jobs.append(Job(made, 0.5, "calibration", float(flipped)))
    return jobs


def known_errors(
    stored: Errors | None, calibrations: Sequence[Result]
) -> tuple[Errors, NDArray[np.float64]]:
    """Readout errors and their variances, both of shape (n, 2): as stored, or as measured.

    The flips' own errors count as readout errors.
    """
    if stored is not None:
        return stored, np.zeros_like(stored)
    by_state = {result.job.setting: result.samples.bits for result in calibrations}
    zeros, ones = by_state[0.0], by_state[1.0]
    errors = np.stack([zeros.mean(axis=0), 1.0 - ones.mean(axis=0)], axis=1)
    shots = np.array([len(zeros), len(ones)])
    # With no error seen the rule of succession keeps the variance from vanishing.
    likely = (errors * shots + 1.0) / (shots + 2.0)
    return errors, likely * (1.0 - likely) / shots


def check_invertible(errors: Errors) -> None:
    """Refuse errors by which a bit tells nothing.

    Raises
    ------
    SolverError
    """
    scale = 1.0 - errors.sum(axis=1)
    if (scale < _LEAST).any():
        worst = int(np.argmin(scale))
        raise SolverError(
            f"variable {worst} is read wrong with probability {errors[worst, 0]:.2g} and "
            f"{errors[worst, 1]:.2g}: such readout cannot be inverted; take another device or more "
            "shots"
        )


def stored_errors(device: Device, compiled: Compiled) -> Errors:
    """Readout errors of a device's calibration, for every variable of a circuit.

    Raises
    ------
    UsageError
        Where the device tells none.
    """
    known = _readout_of(device, compiled)
    if known is None:
        raise UsageError(
            f"device {device.name!r} tells no readout errors: leave out readout_calibration=stored"
        )
    errors = np.zeros((compiled.circuit.num_clbits, 2))
    for gate in compiled.circuit.data:
        if gate.operation.name == "measure":
            qubit = compiled.circuit.find_bit(gate.qubits[0]).index
            errors[compiled.circuit.find_bit(gate.clbits[0]).index] = known[qubit]
    return errors


def _readout_of(device: Any, compiled: Compiled) -> Errors | None:
    """Readout errors by the circuit's own qubits: those simulated, or those last measured."""
    if hasattr(device, "noise"):
        return np.asarray(device.noise(compiled).readout)
    calibration = describe(device.name).calibration
    if calibration is None:
        return None
    qubits = [calibration.qubits[number] for number in compiled.physical]
    return np.array([[qubit.misread_zero, qubit.misread_one] for qubit in qubits])


def quasi_distribution(bits: NDArray[np.int8], errors: Errors) -> NDArray[np.float64]:
    """The tensored inverse on the frequencies of all bit strings, shape (2**n,).

    It sums to one and may be negative; its means are those of `TensoredReadout`.

    Raises
    ------
    UsageError
        Beyond `MOST_DENSE` qubits.
    """
    n = bits.shape[1]
    if n > MOST_DENSE:
        raise UsageError(
            f"a distribution is made of at most {MOST_DENSE} qubits, got {n}: take expectations"
        )
    check_invertible(errors)
    numbers = bits.astype(np.int64) @ (1 << np.arange(n))
    found = np.bincount(numbers, minlength=2**n) / len(bits)
    for i, (zero, one) in enumerate(errors):
        undo = np.linalg.inv(np.array([[1.0 - zero, one], [zero, 1.0 - one]]))
        halves = found.reshape(-1, 2, 2**i)
        found = np.einsum("ab,xby->xay", undo, halves).reshape(-1)
    return np.asarray(found)


def nearest_distribution(quasi: NDArray[np.float64]) -> NDArray[np.float64]:
    """The probabilities that are nearest to a quasi-distribution, shape as it.

    Smolin, Gambetta and Smith, Phys. Rev. Lett. 108, 070502 (2012), algorithm 1.
    """
    order = np.sort(quasi)[::-1]
    reached = (np.cumsum(order) - 1.0) / np.arange(1, len(order) + 1)
    shift = reached[np.nonzero(order > reached)[0][-1]]
    return np.asarray(np.maximum(quasi - shift, 0.0))
