"""Post-selection by the problem's groups: shots that left them have met an error."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from qopt.errors import SolverError
from qopt.forms import Qubo

from ..devices import Compiled, Samples
from .job import Job, Reading, Result
from .observable import Observable
from .shots import mean_of


@dataclass(frozen=True)
class PostSelection:
    """The mean energy of the shots that keep every exactly-k group.

    A circuit whose mixer keeps the groups never leaves them without an error (Bonet-Monroig et al.,
    Phys. Rev. A 98, 062339, 2018); of one with penalties it would be another mean.

    Parameters
    ----------
    observable : Observable
    model : Qubo
        With its groups.
    """

    observable: Observable
    model: Qubo = field(repr=False)

    def calibrations(self, compiled: Compiled) -> list[Job]:
        """None."""
        return []

    def read(self, samples: Samples, calibrations: Sequence[Result]) -> Reading:
        """The mean of those that are kept.

        Raises
        ------
        SolverError
            Where none is.
        """
        kept = self.model.group_violations(samples.bits) == 0
        if not kept.any():
            raise SolverError(
                f"none of {len(kept)} shots kept the groups: take more shots or another device"
            )
        batch = None if samples.batch is None else samples.batch[kept]
        return mean_of(
            self.observable.values(samples.bits[kept]), batch,
            details={"kept_shots": float(kept.mean())},
        )
