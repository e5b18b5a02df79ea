"""Methods by name, with their options."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from qopt.errors import MissingPackageError, UnknownNameError, UnsupportedError, UsageError
from qopt.forms import Qubo
from qopt.options import check_options, split_assignments

from ..ansatz import Ansatz
from ..devices import Compiled, Device
from . import pec, twirling, zne
from .execute import Plan
from .extrapolate import Extrapolation
from .folding import Folding
from .mitigation import Mitigation
from .observable import Observable

if TYPE_CHECKING:
    from .job import Reader, Spread

NONE = "none"

READERS = ("readout", "mthree", "symmetry", "cvar")
SPREADS = ("zne", "pec", "twirling")

NAMES = (
    NONE, *READERS, *SPREADS,
    *(f"{reader}+{spread}" for reader in ("readout", "mthree") for spread in SPREADS),
    "symmetry+zne", "symmetry+twirling",
)
"""Everything that can be asked for.

A tail of the shots is no mean that could be extrapolated, and a signed mean needs all shots: cvar
goes alone, and symmetry not with pec.
"""

ReadoutCalibration = Literal["circuits", "stored"]

_MOST_CIRCUITS = 100_000
_MOST_FACTOR = 100.0


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A method and its options; None leaves one to the method.

    Parameters
    ----------
    name : str
        One of `NAMES`; the order of two names does not matter.
    zne_factors : tuple of float, optional
    zne_folding : {"local", "global"}, optional
    zne_extrapolation : {"linear", "exponential", "richardson"}, optional
    mitigation_circuits : int, optional
        Random circuits of pec and twirling.
    readout_calibration : {"circuits", "stored"}, optional
    mitigation_alpha : float, optional
        Share of cvar.

    Raises
    ------
    UsageError
        For unknown names, and options that do not act or are out of range.
    """

    name: str = NONE
    zne_factors: tuple[float, ...] | None = None
    zne_folding: Folding | None = None
    zne_extrapolation: Extrapolation | None = None
    mitigation_circuits: int | None = None
    readout_calibration: ReadoutCalibration | None = None
    mitigation_alpha: float | None = None

    def __post_init__(self) -> None:
        if self._ordered not in NAMES:
            raise UnknownNameError("mitigation", self.name, NAMES)
        for option, value, methods in (
            ("zne_factors", self.zne_factors, ("zne",)),
            ("zne_folding", self.zne_folding, ("zne",)),
            ("zne_extrapolation", self.zne_extrapolation, ("zne",)),
            ("mitigation_circuits", self.mitigation_circuits, ("pec", "twirling")),
            ("readout_calibration", self.readout_calibration, ("readout", "mthree")),
            ("mitigation_alpha", self.mitigation_alpha, ("cvar",)),
        ):
            if value is not None and not any(self.has(method) for method in methods):
                where = " or ".join(f"mitigation={method}" for method in methods)
                raise UsageError(f"{option} acts only with {where}")
        self._check_values()

    def _check_values(self) -> None:
        circuits, alpha = self.mitigation_circuits, self.mitigation_alpha
        if circuits is not None and not 2 <= circuits <= _MOST_CIRCUITS:
            raise UsageError(
                f"mitigation_circuits must be between 2 and {_MOST_CIRCUITS}, got {circuits}"
            )
        if alpha is not None and not 0.0 < alpha <= 1.0:
            raise UsageError(f"mitigation_alpha must be above 0 and at most 1, got {alpha:g}")
        factors = self.zne_factors
        if factors is None:
            return
        ascending = all(a < b for a, b in pairwise(factors))
        if len(factors) < 2 or factors[0] != 1.0 or not ascending or factors[-1] > _MOST_FACTOR:
            raise UsageError(
                f"zne_factors are at least two, ascending from 1 to at most {_MOST_FACTOR:g}, got "
                f"{';'.join(f'{factor:g}' for factor in factors)}"
            )

    @classmethod
    def parse(cls, text: str) -> "Choice":
        """Read ``NAME`` or ``NAME:OPTION=VALUE,...``: ``readout+zne:zne_extrapolation=linear``.

        Raises
        ------
        UsageError
        """
        name, _, options = text.partition(":")
        given = split_assignments(options)
        return cls(name=name.strip(), **check_options(cls, given, f"mitigation {name!r}"))

    @property
    def label(self) -> str:
        """The name, and what was chosen of the ways to fold and to fit."""
        name = self._ordered if self.asked else "raw"
        return ", ".join(filter(None, (name, self.zne_extrapolation, self.zne_folding)))

    @property
    def _ordered(self) -> str:
        """The name with its reader first."""
        return "+".join(sorted(self.name.split("+"), key=lambda part: part in SPREADS))

    @property
    def asked(self) -> bool:
        """Whether there is a method at all."""
        return self.name != NONE

    def has(self, method: str) -> bool:
        """Whether a method is one of those named."""
        return method in self.name.split("+")

    def check(self, device: Device, mixer: str) -> None:
        """Refuse what cannot act, as far as it is seen before there is a model.

        Raises
        ------
        UsageError
        MissingPackageError
            Where mthree is asked for and not there.
        """
        if not self.asked:
            return
        if not device.noisy:
            raise UsageError(
                f"device {device.name!r} has no noise: leave out mitigation={self.name}"
            )
        if self.has("pec") and not hasattr(device, "noise"):
            raise UsageError(
                f"device {device.name!r} tells no noise model, which mitigation=pec inverts: take "
                "mitigation=readout+zne"
            )
        if self.has("symmetry") and mixer == "x":
            raise UsageError(_NO_SYMMETRY)
        if self.has("mthree"):
            from importlib.util import find_spec

            if find_spec("mthree") is None:
                raise MissingPackageError("mitigation=mthree", ["mthree"])

    def open(
        self, model: Qubo, ansatz: Ansatz, device: Device, compiled: Compiled,
        over: Callable[[], bool] = lambda: False,
    ) -> Mitigation:
        """The method for a compiled circuit; `over` ends the making of its circuits.

        Raises
        ------
        UnsupportedError
            Where it cannot act on it.
        """
        observable = Observable.of(model, ansatz)
        reader = self._reader(model, ansatz, observable, device, compiled)
        # Post-selected, noise leads to the mean over the strings that keep the groups.
        end = ansatz.cost.offset if self.has("symmetry") else observable.mixed
        return Mitigation(self._ordered, observable, self._spread(device, end, over), reader)

    def plan(
        self, model: Qubo, ansatz: Ansatz, device: Device, compiled: Compiled, shots: int,
        seed: int, over: Callable[[], bool] = lambda: False,
    ) -> Plan:
        """What the method executes, before anything is executed.

        Raises
        ------
        UnsupportedError, UsageError
            As `open` and `Plan.of`.
        StoppedError
            Where `over` says to end.
        """
        method = self.open(model, ansatz, device, compiled, over)
        return Plan.of(method, compiled, shots, seed)

    def _reader(
        self, model: Qubo, ansatz: Ansatz, observable: Observable, device: Device,
        compiled: Compiled,
    ) -> "Reader | None":
        if self.has("readout") or self.has("mthree"):
            from . import mthree, readout

            stored = None
            if self.readout_calibration == "stored":
                stored = readout.stored_errors(device, compiled)
            kind: Any = readout.TensoredReadout if self.has("readout") else mthree.MthreeReadout
            reader: Reader = kind(observable, stored)
            return reader
        if self.has("symmetry"):
            if not ansatz.groups:
                raise UnsupportedError(_NO_SYMMETRY)
            from .symmetry import PostSelection

            return PostSelection(observable, model)
        if self.has("cvar"):
            from .cvar import Tail

            alpha = self.mitigation_alpha or compiled.success_probability
            if not alpha:
                raise UsageError(
                    f"device {device.name!r} foretells no success probability: give "
                    "mitigation_alpha"
                )
            return Tail(observable, alpha)
        return None

    def _spread(
        self, device: Device, end: float, over: Callable[[], bool]
    ) -> "Spread | None":
        if self.has("zne"):
            return zne.ZeroNoiseExtrapolation(
                end, self.zne_factors or zne.FACTORS, self.zne_folding or "local",
                self.zne_extrapolation or "exponential",
            )
        if self.has("pec"):
            modelled: Any = device
            circuits = self.mitigation_circuits or pec.CIRCUITS
            return pec.ErrorCancellation(end, modelled.noise, circuits, over)
        if self.has("twirling"):
            return twirling.PauliTwirling(self.mitigation_circuits or twirling.CIRCUITS)
        return None


_NO_SYMMETRY = (
    "mitigation=symmetry keeps the shots that hold exactly-k groups, and the circuit does not keep "
    "any: take a model with groups and mixer=ring, mixer=complete or mixer=grover"
)
