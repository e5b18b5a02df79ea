"""Placing qubits on a line so that coupled ones are near each other."""

import numpy as np
from numpy.typing import NDArray

from qopt.forms import Ising

_ROUNDS = 20
"""Rounds of moves at most; few are needed."""

Floats = NDArray[np.float64]
Order = NDArray[np.int64]


def arrange(ising: Ising) -> Order:
    """A linear arrangement with a small sum of coupling strengths times distances.

    The shortest of the given order, reverse Cuthill-McKee's and the spectral one (by the Fiedler
    vector; Juvan and Mohar, Discrete Applied Mathematics 36, 153, 1992), and from there the best
    move of one qubit after another, until none is shorter.

    Parameters
    ----------
    ising : Ising
        Fields do not matter.

    Returns
    -------
    ndarray of int64, shape (n,)
        The qubit at each place.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    strengths = np.zeros((ising.num_spins, ising.num_spins))
    strengths[ising.row, ising.col] = np.abs(ising.J)
    strengths += strengths.T
    by_bandwidth = reverse_cuthill_mckee(csr_array(strengths), symmetric_mode=True)
    candidates = (np.arange(ising.num_spins), by_bandwidth.astype(np.int64), _spectral(strengths))
    order: Order = min(candidates, key=lambda each: _length(each, strengths))
    for _ in range(_ROUNDS):
        before = order
        for qubit in range(ising.num_spins):
            order = _moved(order, qubit, strengths)
        if np.array_equal(before, order):
            break
    return order


def _length(order: Order, strengths: Floats) -> float:
    """Twice the sum of strengths times distances."""
    places = np.argsort(order)
    return float((strengths * np.abs(places[:, None] - places)).sum())


def _spectral(strengths: Floats) -> Order:
    """Components one after another, each by its Laplacian's second eigenvector."""
    from scipy.sparse.csgraph import connected_components

    _, labels = connected_components(strengths > 0.0, directed=False)
    parts = []
    for label in range(labels.max() + 1):
        members = np.flatnonzero(labels == label)
        inner = strengths[np.ix_(members, members)]
        laplacian = np.diag(inner.sum(axis=0)) - inner
        fiedler = np.linalg.eigh(laplacian)[1][:, min(1, len(members) - 1)]
        parts.append(members[np.argsort(fiedler, kind="stable")])
    return np.concatenate(parts)


def _moved(order: Order, qubit: int, strengths: Floats) -> Order:
    """The order with one qubit at its best place, where that is shorter."""
    now = int(np.flatnonzero(order == qubit)[0])
    rest = np.delete(order, now)
    inner = strengths[np.ix_(rest, rest)]
    # The gap before each place, and what the qubit adds there: couplings over the gap, stretched
    # by one, and its own.
    forward, backward = np.triu(inner).sum(axis=1), np.tril(inner).sum(axis=1)
    over = np.concatenate([[0.0], np.cumsum(forward - backward)])
    gaps, places = np.arange(len(order)), np.arange(len(rest))
    distances = np.where(places < gaps[:, None], gaps[:, None] - places, places - gaps[:, None] + 1)
    added = over + distances @ strengths[qubit, rest]
    best = int(np.argmin(added))
    if added[best] >= added[now] * (1.0 - 1e-12):
        return order
    return np.asarray(np.insert(rest, best, qubit))
