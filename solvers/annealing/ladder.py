"""The temperatures of replica exchange, and which replica stands at which."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

STEP = 1.8
"""Longest distance between neighbouring temperatures: a fifth of the exchanges are accepted."""


class Ladder:
    """Temperatures from hot to cold, with copies of one replica for each.

    Neighbours exchange replicas with probability ``min(1, exp(d_beta d_energy))``, even and odd
    pairs in turn, which takes replicas up and down fastest (Syed, Bouchard-Cote, Deligiannidis and
    Doucet, J. R. Stat. Soc. B 84, 321, 2022).

    Parameters
    ----------
    hot, cold : float
    size : int
        Number of temperatures.
    copies : int
        Replicas at each temperature.

    Attributes
    ----------
    temperatures : ndarray of float64, shape (size,)
    order : ndarray of int64, shape (copies, size)
        Replica of each copy at each temperature.
    """

    def __init__(self, hot: float, cold: float, size: int, copies: int) -> None:
        self.temperatures = np.geomspace(hot, cold, size)
        self.order = np.tile(np.arange(size), (copies, 1))
        self._turn = 0
        self._forget()

    def _forget(self) -> None:
        size = len(self.temperatures)
        self._sum, self._seen = np.zeros(size), 0
        self._tried, self._accepted = np.zeros(size - 1), np.zeros(size - 1)

    @property
    def acceptance(self) -> NDArray[np.float64]:
        """Share of the exchanges that were accepted since the ladder was last adapted."""
        return self._accepted / np.maximum(1.0, self._tried)

    def of_replicas(self, copy: int) -> NDArray[np.float64]:
        """Temperature of each replica of a copy."""
        each = np.empty(len(self.temperatures))
        each[self.order[copy]] = self.temperatures
        return each

    def exchange(self, energies: NDArray[np.float64], rng: Generator) -> None:
        """Let neighbours exchange replicas.

        Parameters
        ----------
        energies : ndarray of float64, shape (copies, size)
            Of each replica of each copy.
        rng : Generator
        """
        beta = 1.0 / self.temperatures
        first = np.arange(self._turn % 2, len(beta) - 1, 2)
        self._turn += 1
        self._seen += len(energies)
        for order, energy in zip(self.order, energies, strict=True):
            placed = energy[order]
            self._sum += placed
            gain = (beta[first + 1] - beta[first]) * (placed[first + 1] - placed[first])
            chosen = first[rng.random(len(first)) < np.exp(np.minimum(0.0, gain))]
            self._tried[first] += 1.0
            self._accepted[chosen] += 1.0
            order[chosen], order[chosen + 1] = order[chosen + 1], order[chosen]

    def adapt(self) -> None:
        """Place the temperatures so that all exchanges are accepted alike.

        The exchange rate of neighbours depends on ``sqrt(d_beta d_energy)`` of their mean energies
        (Kofke, J. Chem. Phys. 117, 6911, 2002), which is measured; temperatures are put at equal
        distances in it. Where they would be further apart than `STEP`, the hottest are given up:
        many replicas that never meet are worth less than a short ladder.
        """
        if len(self.temperatures) < 2 or not self._seen:
            return
        beta, energy = 1.0 / self.temperatures, self._sum / self._seen
        steps = np.sqrt(np.maximum(0.0, np.diff(beta) * -np.diff(energy)))
        place = np.concatenate([[0.0], np.cumsum(steps + 1e-3)])
        most = STEP * (len(beta) - 1)
        goal = np.linspace(max(0.0, place[-1] - most), place[-1], len(beta))
        self.temperatures = 1.0 / np.interp(goal, place, beta)
        self._forget()
