"""What every simulator of a QAOA state can do."""

from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ..ansatz import Angles, Cost
from ..objective import Objective

Amplitudes = NDArray[np.complexfloating[Any, Any]]
Precision = Literal["double", "single"]


class StoppedError(Exception):
    """The caller's `stop` ended the work; never leaves the solver."""


class Units(NamedTuple):
    """Usual sizes, by which a search scales what it sees.

    Parameters
    ----------
    phase, mixer : float
        Of the two kinds of angles.
    value : float
        Of the objective.
    """

    phase: float
    mixer: float
    value: float


class Simulator(Protocol):
    """Gives the mean of one ansatz at any angles.

    Attributes
    ----------
    where : str
        What it runs on: ``cpu``, or ``gpu:`` and the name of the device.
    precision : {"double", "single"}
        Of the amplitudes.
    """

    where: str
    precision: Precision

    @property
    def units(self) -> Units:
        """Usual sizes of angles and objective."""
        ...

    @property
    def usual(self) -> Angles:
        """One layer's angles as most instances have them."""
        ...

    @property
    def known_layer(self) -> Cost | None:
        """The cost, where the mean of one layer is known in closed form."""
        ...

    def expectation(self, angles: Angles) -> float:
        """Expectation of the normalised cost."""
        ...

    def value(self, angles: Angles, objective: Objective) -> float:
        """An objective of the normalised cost."""
        ...

    def value_and_gradient(
        self, angles: Angles, objective: Objective
    ) -> tuple[float, NDArray[np.float64]]:
        """An objective and its derivatives by gammas and betas."""
        ...


@runtime_checkable
class StateSimulator(Simulator, Protocol):
    """Holds the whole state, so that it knows more than the mean."""

    @property
    def diagonal(self) -> NDArray[np.float64]:
        """The normalised cost of every state, shape (states,)."""
        ...

    def probabilities(self, angles: Angles) -> NDArray[np.float64]:
        """Probability of every state, shape (states,)."""
        ...

    def bits(self, indices: NDArray[np.int64]) -> NDArray[np.int8]:
        """Bit strings that states stand for, shape (len(indices), n)."""
        ...
