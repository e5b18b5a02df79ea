"""QAOA states as matrix product states: many qubits, as far as their entanglement allows."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Ising

from ..ansatz import Ansatz
from .arrangement import arrange
from .simulator import StoppedError
from .threads import blas_threads

Complex = NDArray[np.complex128]

BATCH = 1024
"""Shots that are drawn at once."""

_NEGLIGIBLE = 1e-10
"""Schmidt values below this share of the largest are rounding errors, dropped at any bond."""

_Z = np.array([1.0, -1.0])


class MatrixProductState:
    """A QAOA state, prepared gate by gate in canonical form (Schollwoeck, arXiv 1008.3477).

    Qubits stand in a line, `arrange`d by their couplings. In a phase layer all couplings of a qubit
    to later ones are one operator, controlled by that qubit: of bond dimension 2, so that it at
    most doubles the bonds it spans, which are then cut back in one sweep. That takes no swaps and
    far fewer cuts than one gate after another.

    Parameters
    ----------
    ansatz : Ansatz
    bond : int
        Largest bond dimension kept.
    stop : callable, optional
        Asked between the steps whether to end.

    Attributes
    ----------
    truncation : float
        Sum of the discarded squared Schmidt values, of a normalised state; 0 where none was cut.
    fidelity : float
        Product of the kept shares: an estimate of the overlap, squared, with the exact state.
    reached : int
        Largest bond dimension that occurred.

    Raises
    ------
    StoppedError
        Where `stop` says so.
    """

    def __init__(
        self, ansatz: Ansatz, bond: int, stop: Callable[[], bool] = lambda: False
    ) -> None:
        self.bond, self._stop = bond, stop
        self.truncation, self.fidelity, self.reached = 0.0, 1.0, 1
        self._sites = [np.full((1, 2, 1), np.sqrt(0.5) + 0j) for _ in range(ansatz.cost.qubits)]
        self._centre = 0
        with blas_threads(1):
            self._order = arrange(ansatz.cost.ising)
            ising = _placed(ansatz.cost.ising, self._order)
            for gamma, beta in zip(ansatz.angles.gammas, ansatz.angles.betas, strict=True):
                self._phase(ising, gamma)
                self._mix(ising, gamma, beta)
            self._sweep_left(0)

    def sample(self, shots: int, generator: np.random.Generator) -> NDArray[np.int8]:
        """Independent shots, as many as there are before `stop`; column ``i`` is qubit ``i``.

        Bits are drawn from left to right, each given those before (Ferris and Vidal, arXiv
        1201.3974).
        """
        bits = np.zeros((shots, len(self._sites)), dtype=np.int8)
        done = 0
        with blas_threads(1):
            while done < shots and not (done and self._stop()):
                count = min(BATCH, shots - done)
                bits[done : done + count, self._order] = self._draw(count, generator)
                done += count
        return bits[:done]

    def amplitudes(self) -> Complex:
        """All of them, shape (2**n,), for few qubits."""
        state = np.ones((1, 1), dtype=np.complex128)
        for site in self._sites:
            state = np.tensordot(state, site, 1).reshape(-1, site.shape[2])
        n = len(self._sites)
        # The first axis of `state` is the first place; little-endian wants qubit n - 1 first.
        places = np.argsort(self._order)[::-1]
        return np.asarray(state.reshape((2,) * n).transpose(places).reshape(-1))

    # -- gates ----------------------------------------------------------------------------------

    def _phase(self, ising: Ising, gamma: float) -> None:
        """The couplings of a layer; `ising` is in the order of the places, rows before columns."""
        for place in range(ising.num_spins):
            mine = ising.row == place
            if mine.any():
                self._control(place, ising.col[mine], gamma * ising.J[mine])

    def _control(
        self, place: int, others: NDArray[np.int64], angles: NDArray[np.float64]
    ) -> None:
        """Apply ``exp(-i sum_k angles[k] Z_place Z_others[k])``, all others being later."""
        last = int(others.max())
        turns = np.zeros(last + 1)
        turns[others] = angles
        self._sweep_right(place)
        sites = self._sites
        left, _, right = sites[place].shape
        # The bond carries a copy of the controlling bit to the last of the others.
        opened = np.zeros((left, 2, 2, right), dtype=np.complex128)
        opened[:, 0, 0], opened[:, 1, 1] = sites[place][:, 0], sites[place][:, 1]
        sites[place] = opened.reshape(left, 2, 2 * right)
        for k in range(place + 1, last + 1):
            phases = np.exp(-1j * turns[k] * np.outer(_Z, _Z))
            left, _, right = sites[k].shape
            turned = phases[:, None, :, None] * sites[k]
            if k < last:
                opened = np.zeros((2, left, 2, 2, right), dtype=np.complex128)
                opened[0, :, :, 0], opened[1, :, :, 1] = turned
                sites[k] = opened.reshape(2 * left, 2, 2 * right)
            else:
                sites[k] = turned.reshape(2 * left, 2, right)
        self._sweep_right(last)
        self._sweep_left(place)

    def _mix(self, ising: Ising, gamma: float, beta: float) -> None:
        """Fields and mixers of a layer."""
        stay, flip = np.cos(beta), -1j * np.sin(beta)
        rotation = np.array([[stay, flip], [flip, stay]])
        for place, field in enumerate(ising.h.tolist()):
            gate = rotation * np.exp(-1j * gamma * field * _Z)
            self._sites[place] = np.einsum("ab,lbr->lar", gate, self._sites[place])

    # -- canonical form -------------------------------------------------------------------------

    def _sweep_right(self, to: int) -> None:
        """Move the centre right."""
        while self._centre < to:
            self._check()
            site = self._sites[self._centre]
            left, _, right = site.shape
            basis, rest = np.linalg.qr(site.reshape(2 * left, right))
            self._sites[self._centre] = basis.reshape(left, 2, -1)
            self._centre += 1
            self._sites[self._centre] = np.tensordot(rest, self._sites[self._centre], 1)

    def _sweep_left(self, to: int) -> None:
        """Move the centre left, cutting every bond on the way."""
        while self._centre > to:
            self._check()
            site = self._sites[self._centre]
            left, _, right = site.shape
            basis, values, rest = np.linalg.svd(site.reshape(left, 2 * right), full_matrices=False)
            kept = min(self.bond, int((values > _NEGLIGIBLE * values[0]).sum()))
            squares = values**2
            share = float(squares[:kept].sum() / squares.sum())
            if kept == self.bond:
                self.truncation += max(0.0, float(squares[kept:].sum() / squares.sum()))
                self.fidelity *= share
            self.reached = max(self.reached, kept)
            self._sites[self._centre] = rest[:kept].reshape(kept, 2, right)
            self._centre -= 1
            weights = basis[:, :kept] * (values[:kept] / np.sqrt(squares[:kept].sum()))
            self._sites[self._centre] = np.tensordot(self._sites[self._centre], weights, 1)

    def _check(self) -> None:
        if self._stop():
            raise StoppedError

    def _draw(self, shots: int, generator: np.random.Generator) -> NDArray[np.int8]:
        """Shots in the order of the places; the centre is the first."""
        bits = np.zeros((shots, len(self._sites)), dtype=np.int8)
        before = np.ones((shots, 1), dtype=np.complex128)
        for place, site in enumerate(self._sites):
            both = np.tensordot(before, site, 1)
            chances = (np.abs(both) ** 2).sum(axis=2)
            one = generator.random(shots) * chances.sum(axis=1) >= chances[:, 0]
            bits[:, place] = one
            before = both[np.arange(shots), one.astype(np.int64)]
            before /= np.linalg.norm(before, axis=1)[:, None]
        return bits


def _placed(ising: Ising, order: NDArray[np.int64]) -> Ising:
    """The same with qubits numbered by their places."""
    places = np.argsort(order)
    row, col = places[ising.row], places[ising.col]
    return Ising(ising.h[order], np.minimum(row, col), np.maximum(row, col), ising.J)
