"""The plan where the user names a quantum device."""

from qopt.devices import DeviceSize, device_sizes
from qopt.errors import UsageError
from qopt.forms import Qubo, Table
from qopt.numbers import plural

from ..exact import count_answers
from .features import Features
from .rules import Rule, Step

HYBRID_QUBITS = 16
"""Largest subproblem of a model that does not fit the device as a whole."""


def on_device(device: str, features: Features) -> Rule:
    """The plan for a quantum device: QAOA where the model fits it, else a hybrid.

    Raises
    ------
    UsageError
        For models that no device takes.
    """
    model = features.model
    if not isinstance(model, Qubo | Table):
        raise UsageError(
            f"device={device} takes QUBOs and tables, and this problem was given as "
            f"{features.form}; choose form=qubo, or leave out the device"
        )
    qubits = model.num_variables
    fits, room, holder = _fit(device, features.form, model)
    if fits:
        why = f"{plural(qubits, 'qubit')} fit {device}"
        return Rule(
            features.form, f"models that fit {device}", lambda _: True, why,
            (Step("search", (f"qaoa:device={device}",)),),
        )
    size = min(HYBRID_QUBITS, room)
    why = f"{plural(qubits, 'variable')} do not fit {holder}, subproblems of {size} do"
    solver = f"hybrid:size={size},subsolver=[qaoa:device={device}]"
    return Rule(
        features.form, f"models larger than {device}", lambda _: True, why,
        (Step("search", (solver,)),),
    )


def _fit(device: str, form: str, model: Qubo | Table) -> tuple[bool, int, str]:
    """Whether a device holds a model, its qubits, and what limits them, in words.

    A device of unknown size is taken to hold it.
    """
    size: DeviceSize | None = next((d for d in device_sizes() if d.name == device), None)
    if size is None:
        return True, model.num_variables, device
    states = count_answers(model) if isinstance(model, Qubo) and model.groups else None
    room, holder = size.qubits, f"{device} ({plural(size.qubits, 'qubit')})"
    if size.simulated is not None and size.simulated < size.qubits:
        room = size.simulated
        holder = (
            f"the simulation of {device} ({plural(room, 'qubit')}; the device itself has "
            f"{size.qubits})"
        )
    fits = size.holds(form, model.num_variables, states)
    return fits and (states is not None or model.num_variables <= room), room, holder
