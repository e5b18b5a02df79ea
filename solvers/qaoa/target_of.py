"""A calibration as qiskit's compiler wants it."""

from typing import TYPE_CHECKING

from qopt.calibration import Calibration
from qopt.errors import UnsupportedError

if TYPE_CHECKING:
    from qiskit.transpiler import Target


def target_of(calibration: Calibration) -> "Target":
    """The target of a calibrated device.

    Its operations are the calibrated gates, measurement, and delays on every qubit. Control flow
    and shorter measurements for use within a circuit are left out: QAOA's circuits have neither.

    Raises
    ------
    UnsupportedError
        Where a gate is none that qiskit knows, or acts on another number of qubits.
    """
    from qiskit.circuit import Delay, Measure, Parameter
    from qiskit.circuit.library import get_standard_gate_name_mapping
    from qiskit.providers import QubitProperties
    from qiskit.transpiler import InstructionProperties, Target

    known = get_standard_gate_name_mapping()
    target = Target(
        num_qubits=len(calibration.qubits),
        dt=calibration.dt,
        qubit_properties=[
            QubitProperties(t1=q.t1, t2=q.t2, frequency=q.frequency) for q in calibration.qubits
        ],
    )
    for name, gates in calibration.gates.items():
        for gate in gates:
            if name not in known or known[name].num_qubits != len(gate.qubits):
                raise UnsupportedError(
                    f"the calibration of {calibration.name} has a gate {name!r} on qubits "
                    f"{list(gate.qubits)}, which qiskit does not know; name gates after qiskit's"
                )
        target.add_instruction(
            known[name],
            {
                gate.qubits: InstructionProperties(error=gate.error, duration=gate.seconds)
                for gate in gates
            },
            name=name,
        )
    target.add_instruction(
        Measure(),
        {
            (i,): InstructionProperties(error=q.readout_error, duration=q.readout_seconds)
            for i, q in enumerate(calibration.qubits)
        },
    )
    everywhere = {(i,): None for i in range(len(calibration.qubits))}
    target.add_instruction(Delay(Parameter("t")), everywhere)
    return target
