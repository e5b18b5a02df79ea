"""How much quantum devices hold: published by plug-ins as data, so that nothing need be opened."""

from dataclasses import dataclass

from .registry import available


@dataclass(frozen=True)
class DeviceSize:
    """What fits a device, by size alone.

    Parameters
    ----------
    name : str
        As solvers take it: ``"aer:torino"``.
    qubits : int
        Largest register, qubits without a usable coupling included.
    states : int, optional
        Bit strings that keep the groups of a model, up to which it is held whatever its qubits;
        None where groups take as many qubits as they have members.
    forms : tuple of str
        Forms of models that it takes.
    simulated : int, optional
        Qubits up to which it is simulated here, where that is less than the device has.
    real : bool
        Whether there is such a device, rather than a simulation alone.
    """

    name: str
    qubits: int
    states: int | None = None
    forms: tuple[str, ...] = ("qubo",)
    simulated: int | None = None
    real: bool = False

    def holds(self, form: str, qubits: int, states: int | None = None) -> bool:
        """Whether a model of a form fits.

        Parameters
        ----------
        form : str
        qubits : int
        states : int, optional
            Bit strings that keep its groups; None without groups.
        """
        if form not in self.forms:
            return False
        within = states is not None and self.states is not None and states <= self.states
        return within or qubits <= self.qubits


def device_sizes() -> list[DeviceSize]:
    """All devices whose packages are installed, in the order of their families' names."""
    return [
        size for spec in available("device") if not spec.missing() for size in spec.load()()
    ]
