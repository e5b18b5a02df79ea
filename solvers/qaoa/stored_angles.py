"""Angles of earlier runs, for other instances of their family."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from qopt.errors import InputError, UsageError

from .angles import interpolate
from .ansatz import LARGEST_ANGLE, Angles
from .simulate import Units


@dataclass(frozen=True)
class StoredRun:
    """One run's angles.

    Parameters
    ----------
    angles : Angles
        In usual sizes of the run's own instance, as `Units` tells them.
    mixer : str
    """

    angles: Angles
    mixer: str


@dataclass(frozen=True)
class StoredAngles:
    """The angles of a file.

    Parameters
    ----------
    path : Path
    runs : tuple of StoredRun
    digest : str
        SHA-256 of the file.
    """

    path: Path
    runs: tuple[StoredRun, ...] = field(repr=False)
    digest: str

    @classmethod
    def read(cls, path: Path) -> "StoredAngles":
        """Read what ``qopt solve --json`` printed: one run, several, or an array of them.

        Raises
        ------
        InputError
            Where the file cannot be read or holds no angles of QAOA.
        """
        try:
            data = path.read_bytes()
            text = data.decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot read the angles of {path}: {error}") from None
        runs = tuple(run for each in _documents(path, text) if (run := _run(each)) is not None)
        if not runs:
            raise InputError(
                f"{path} holds no angles: give the output of 'qopt solve ... --solver qaoa --json'"
            )
        return cls(path, runs, hashlib.sha256(data).hexdigest())

    def at(self, layers: int, mixer: str, units: Units) -> tuple[Angles, str]:
        """Angles for another instance, and where they come from.

        The median over the runs with so many layers, or with the next fewer, which are then
        extended by INTERP (Zhou et al., PRX 10, 021067, 2020). Phases are scaled by the usual size
        that the instances' own variances give (after Sureshbabu et al., Quantum 8, 1231, 2024).

        Raises
        ------
        UsageError
            Where no run has the mixer and few enough layers.
        """
        known = {run.angles.layers for run in self.runs if run.mixer == mixer}
        depth = max((p for p in known if p <= layers), default=0)
        if not depth:
            held = sorted({(run.mixer, run.angles.layers) for run in self.runs})
            raise UsageError(
                f"{self.path} holds no angles of mixer={mixer} with at most p={layers}; take what "
                "it holds: " + ", ".join(f"mixer={name},p={p}" for name, p in held)
            )
        chosen = [
            run.angles.flat for run in self.runs
            if run.mixer == mixer and run.angles.layers == depth
        ]
        sizes = np.repeat([units.phase, units.mixer], depth)
        angles = Angles.split(np.median(chosen, axis=0) * sizes)
        while angles.layers < layers:
            angles = interpolate(angles)
        source = f"earlier runs: median of {len(chosen)} with p={depth} in {self.path.name}"
        return angles, f"{source}, SHA-256 {self.digest[:12]}"


def circuit_name(mixer: str, warm: bool) -> str:
    """By what circuits are told apart whose angles do not serve each other."""
    return f"{mixer} from a warm start" if warm else mixer


def _documents(path: Path, text: str) -> list[Any]:
    """The JSON values of a file, one after another; those of an array one by one."""
    decoder, found, position = json.JSONDecoder(), [], 0
    end = len(text.rstrip())
    while position < end:
        while text[position].isspace():
            position += 1
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path} is no JSON: {error}") from None
        found.extend(value if isinstance(value, list) else [value])
    return found


def _run(document: Any) -> StoredRun | None:
    """The angles of one run; None where it has none, as runs of other solvers."""
    details = document.get("details") if isinstance(document, dict) else None
    if not isinstance(details, dict):
        return None
    try:
        found = [details[name] for name in ("gammas", "betas")]
        if not all(isinstance(values, list) for values in found):
            return None
        angles = Angles(*(tuple(map(float, values)) for values in found))
        sizes = np.array([float(details["units"]["phase"]), float(details["units"]["mixer"])])
    # An angle a term is of no use elsewhere.
    except (KeyError, TypeError, ValueError, OverflowError, UsageError):
        return None
    if not angles.layers:
        return None
    if not (np.isfinite(sizes).all() and (sizes > 0.0).all()):
        return None
    with np.errstate(over="ignore"):
        flat = np.array(angles.flat) / np.repeat(sizes, angles.layers)
    if not (np.abs(flat) <= LARGEST_ANGLE).all():
        return None
    mixer = circuit_name(str(details.get("mixer")), "warm_start" in details)
    return StoredRun(Angles.split(flat), mixer)
