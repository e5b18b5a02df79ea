"""What a QAOA circuit is made of: a cost, a mixer, an initial state and angles.

The state is ``U(beta_p, gamma_p) ... U(beta_1, gamma_1) |start>`` with
``U(beta, gamma) = M(beta) exp(-i gamma C)``, the normalised cost ``C`` and a mixer ``M``, as
``exp(-i beta sum_i X_i)`` on the uniform superposition.
Everything is little-endian: qubit ``i`` is variable ``i`` is bit ``i`` of a basis-state index.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from qopt.errors import UsageError
from qopt.forms import Group, Ising, Qubo

from .group_moments import effective_qubits, moments
from .mixers import Mixer

_CONSTANT = 1e-12
"""Deviation of the energies, or size of the couplings, relative to the largest coefficient, that is
rounding."""

LARGEST_ANGLE = 1000.0
"""Size up to which angles are taken: beyond it single precision keeps no digit of the phases."""


@dataclass(frozen=True, eq=False)
class Cost:
    """A QUBO as the diagonal operator ``C = sum_i h_i Z_i + sum_e J_e Z_row[e] Z_col[e]``.

    The coefficients are divided by the root mean square of the couplings (of the fields where no
    coupling exceeds rounding errors of the fields), so that good angles do not depend on the unit
    of the objective; after Sureshbabu et al., Quantum 8, 1231 (2024). The energy of a state is
    ``scale * C + offset``.

    Parameters
    ----------
    ising : Ising
        Normalised fields and couplings, without offset.
    scale : float
        What the coefficients were divided by; 1 for a constant cost.
    offset : float
        Mean energy over all bit strings, or over those that keep the groups: there C is zero in
        the mean, and so is the sum of the fields and couplings but for a constant.
    """

    ising: Ising = field(repr=False)
    scale: float = 1.0
    offset: float = 0.0

    @classmethod
    def of(cls, qubo: Qubo) -> "Cost":
        """Normalise a QUBO. Groups are left out: penalise them first."""
        ising = qubo.to_ising()
        fields, couplings = (float(np.abs(part).max(initial=0.0)) for part in (ising.h, ising.J))
        coupled = couplings > _CONSTANT * fields
        weights = ising.J if coupled else ising.h[ising.h != 0.0]
        largest = couplings if coupled else fields
        # Dividing by the largest first keeps the squares of huge or tiny weights in range.
        scale = largest * float(np.sqrt(np.mean((weights / largest) ** 2))) if largest else 1.0
        normalised = Ising(ising.h / scale, ising.row, ising.col, ising.J / scale)
        return cls(normalised, scale, ising.offset)

    @classmethod
    def within_groups(cls, qubo: Qubo) -> "Cost":
        """Normalise a QUBO over the bit strings that keep its groups.

        The scale is the standard deviation over these, divided by the root of the number of qubits
        that they would fill. So terms that are the same for all of them change no angle.
        """
        ising, (mean, deviation) = qubo.to_ising(), moments(qubo)
        if deviation <= _CONSTANT * qubo.scale:
            return cls(ising, 1.0, mean)
        scale = deviation / float(np.sqrt(effective_qubits(qubo)))
        return cls(Ising(ising.h / scale, ising.row, ising.col, ising.J / scale), scale, mean)

    @property
    def qubits(self) -> int:
        """Number of qubits."""
        return self.ising.num_spins

    @property
    def terms(self) -> int:
        """Number of terms: n fields, zero ones too, and the couplings."""
        return len(self.ising.h) + len(self.ising.J)

    @property
    def spread(self) -> float:
        """Root of the variance of C over all bit strings, a qubit; 1 where C vanishes.

        Good phases ``gamma`` are of the order of its inverse.
        """
        variance = float(self.ising.h @ self.ising.h + self.ising.J @ self.ising.J)
        return float(np.sqrt(variance / self.qubits)) if variance > 0.0 else 1.0

    def couplings(self) -> NDArray[np.float64]:
        """Symmetric matrix of the normalised couplings, shape (n, n)."""
        matrix = np.zeros((self.qubits, self.qubits))
        matrix[self.ising.row, self.ising.col] = self.ising.J
        return matrix + matrix.T

    def energy(self, value: float) -> float:
        """Turn a value of C into an energy of the QUBO."""
        return self.scale * value + self.offset


@dataclass(frozen=True)
class Angles:
    """Angles of all layers, for the normalised cost.

    Parameters
    ----------
    gammas : tuple of float
        Phase angles, first layer first.
    betas : tuple of float
        Mixer angles.
    """

    gammas: tuple[float, ...]
    betas: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.gammas) != len(self.betas):
            raise UsageError(
                f"angles are as many gammas as betas: got {len(self.gammas)} and {len(self.betas)}"
            )

    @classmethod
    def split(cls, flat: "tuple[float, ...] | NDArray[np.float64]") -> "Angles":
        """Read ``gamma_1 .. gamma_p, beta_1 .. beta_p``."""
        if len(flat) % 2:
            raise UsageError(f"angles are p gammas, then p betas: got {len(flat)} values")
        p = len(flat) // 2
        values = tuple(float(angle) for angle in flat)
        return cls(values[:p], values[p:])

    @property
    def layers(self) -> int:
        """The number of layers, p."""
        return len(self.gammas)

    def padded(self, layers: int) -> "Angles":
        """The same state with more layers: those added do nothing."""
        nothing = (0.0,) * (layers - self.layers)
        return Angles(self.gammas + nothing, self.betas + nothing)

    @property
    def flat(self) -> tuple[float, ...]:
        """Gammas, then betas: what `split` reads."""
        return self.gammas + self.betas


@dataclass(frozen=True, eq=False)
class TermAngles:
    """Angles of all layers, one for each term of the cost and each qubit: multi-angle QAOA.

    After Herrman et al., Scientific Reports 12, 6781 (2022), arXiv 2109.11455. A layer's phase is
    ``exp(-i sum_t gamma_t term_t)``; the terms are the n fields ``h_i Z_i``, zero ones too, then
    the m couplings ``J_e Z_row[e] Z_col[e]`` of `Cost.ising`, in its order.

    Parameters
    ----------
    gammas : ndarray of float64, shape (p, n + m)
        Phase angles, first layer first.
    betas : ndarray of float64, shape (p, n)
        Mixer angles, one a qubit.

    Raises
    ------
    UsageError
        Where the numbers of layers differ.
    """

    gammas: NDArray[np.float64]
    betas: NDArray[np.float64]

    def __post_init__(self) -> None:
        shapes = np.shape(self.gammas), np.shape(self.betas)
        if [len(shape) for shape in shapes] != [2, 2] or shapes[0][0] != shapes[1][0]:
            raise UsageError(
                f"angles of terms are arrays of shapes (p, terms) and (p, qubits): got {shapes[0]} "
                f"and {shapes[1]}"
            )

    @classmethod
    def split(
        cls, flat: NDArray[np.float64], layers: int, terms: int, qubits: int
    ) -> "TermAngles":
        """Read all gammas layer by layer, then all betas."""
        if len(flat) != layers * (terms + qubits):
            raise UsageError(
                f"{layers} layers of {terms} terms and {qubits} qubits have "
                f"{layers * (terms + qubits)} angles: got {len(flat)} values"
            )
        values = np.asarray(flat, dtype=np.float64)
        gammas, betas = np.split(values, [layers * terms])
        return cls(gammas.reshape(layers, terms), betas.reshape(layers, qubits))

    @classmethod
    def spread(cls, angles: Angles, terms: int, qubits: int) -> "TermAngles":
        """The same circuit: every term and qubit takes its layer's angle."""
        return cls(
            np.repeat(np.array(angles.gammas)[:, None], terms, axis=1),
            np.repeat(np.array(angles.betas)[:, None], qubits, axis=1),
        )

    @classmethod
    def none(cls, cost: Cost) -> "TermAngles":
        """Those of no layers."""
        return cls(np.zeros((0, cost.terms)), np.zeros((0, cost.qubits)))

    @property
    def layers(self) -> int:
        """The number of layers, p."""
        return len(self.gammas)

    @property
    def flat(self) -> NDArray[np.float64]:
        """All gammas layer by layer, then all betas: what `split` reads."""
        return np.concatenate([np.ravel(self.gammas), np.ravel(self.betas)])


@dataclass(frozen=True, eq=False)
class Ansatz:
    """One QAOA state. Without layers it is the initial state.

    Parameters
    ----------
    cost : Cost
    angles : Angles or TermAngles
    mixer : {"x", "ring", "complete", "grover"}
        ``x`` on the uniform superposition, or one that keeps the groups, on the superposition of
        all bit strings that do; see `simulate.subspace.Subspace`.
    groups : tuple of Group
        Groups that the mixer keeps; none for ``x``.
    tilts : ndarray of float64, shape (n,), optional
        With the mixer ``x``, angles theta of the qubits' initial states ``ry(theta)|0>``, about
        which the mixer turns; see `simulate.product.ProductStatevector`. All are pi / 2 if left
        out.
    """

    cost: Cost
    angles: Angles | TermAngles = Angles((), ())
    mixer: Mixer = "x"
    groups: tuple[Group, ...] = ()
    tilts: NDArray[np.float64] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.mixer != "x" and (self.tilts is not None or isinstance(self.angles, TermAngles)):
            raise UsageError(
                f"tilted initial states and angles of terms go with the mixer x, not {self.mixer}"
            )

    @classmethod
    def of(cls, model: Qubo, mixer: Mixer) -> "Ansatz":
        """The initial state of a model: groups become penalties where the mixer keeps none."""
        if mixer == "x":
            return cls(Cost.of(model.penalised()))
        if not model.groups:
            raise UsageError(
                f"mixer={mixer} acts within exactly-k groups and this model has none: "
                "take mixer=x or mixer=auto"
            )
        return cls(Cost.within_groups(model), mixer=mixer, groups=model.groups)

    def at(self, angles: Angles | TermAngles) -> "Ansatz":
        """The same with other angles."""
        return replace(self, angles=angles)
