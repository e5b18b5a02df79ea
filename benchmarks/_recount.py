"""Energies evaluated again, in ways that share no code, so that no solver is taken at its word."""

from dataclasses import dataclass, field
from math import fsum
from pathlib import Path

import numpy as np

from benchmarks._instances import Instance
from benchmarks._table import Failure
from qopt.forms import Qubo

_EXACT = 2.0**53
"""Sums of whole numbers up to this size are exact."""

_RELATIVE = 1e-9


@dataclass
class Recount:
    """Counts what was evaluated again; any disagreement ends the benchmark.

    Parameters
    ----------
    samples, claims, from_files : int
        Samples evaluated twice from the model; of these, energies that the solver's library claimed
        itself; and samples evaluated from the text of the file as well.
    """

    samples: int = 0
    claims: int = 0
    from_files: int = 0
    _entries: dict[Path, "_Entries | None"] = field(default_factory=dict, repr=False)

    def check(
        self, who: str, instance: Instance, samples: np.ndarray, claimed: np.ndarray | None,
        tolerance: float,
    ) -> np.ndarray:
        """Energies of samples, shape (samples, n), with what breaks a group at infinity.

        Raises
        ------
        Failure
            Where a sample is no vector of bits, or two evaluations of it differ.
        """
        qubo = instance.qubo
        if not np.isin(samples, (0, 1)).all():
            raise Failure(f"{who} on {instance.name}: a sample has an entry other than 0 and 1")
        energies = qubo.energies(samples) if len(samples) else np.zeros(0)
        self._compare(who, instance, energies, plain_energies(qubo, samples), slack(qubo))
        if claimed is not None:
            model = qubo.penalised()
            meant = plain_energies(model, samples) if qubo.groups else energies
            size = max(1.0, float(np.abs(meant).max(initial=0.0)))
            self._compare(f"{who}'s own word", instance, meant, claimed, tolerance * size)
            self.claims += len(samples)
        if instance.file is not None and not qubo.groups:
            self._from_file(who, instance, samples, energies)
        self.samples += len(samples)
        return np.where(qubo.group_violations(samples) == 0, energies, np.inf)

    def _from_file(
        self, who: str, instance: Instance, samples: np.ndarray, energies: np.ndarray
    ) -> None:
        file = instance.file
        assert file is not None
        if file not in self._entries:
            self._entries[file] = _read(file, instance.kind)
        entries = self._entries[file]
        if entries is not None:
            told = np.array([entries.energy(sample) for sample in samples])
            self._compare(f"{who}, by the file", instance, energies, told, slack(instance.qubo))
            self.from_files += len(samples)

    @staticmethod
    def _compare(
        who: str, instance: Instance, first: np.ndarray, second: np.ndarray, most: float
    ) -> None:
        apart = np.abs(first - second)
        if len(apart) and not apart.max() <= most:
            k = int(np.argmax(np.nan_to_num(apart, nan=np.inf)))
            raise Failure(
                f"{who} on {instance.name}: one evaluation gives {first[k]!r}, another "
                f"{second[k]!r}"
            )

    def __str__(self) -> str:
        return (
            f"{self.samples} returned samples evaluated again in two ways ({self.claims} of them "
            f"compared with their library's own energies, {self.from_files} evaluated from the "
            "text of their file as well): no mismatch"
        )


def slack(qubo: Qubo) -> float:
    """How far two evaluations may lie apart: not at all, where all sums are of whole numbers."""
    size = float(np.abs(qubo.linear).sum() + np.abs(qubo.value).sum())
    if qubo.is_integral and qubo.offset == round(qubo.offset) and size < _EXACT:
        return 0.0
    return _RELATIVE * max(1.0, size)


def plain_energies(qubo: Qubo, samples: np.ndarray) -> np.ndarray:
    """Energies by adding up the coefficients of the bits and pairs that are set, exactly."""
    return np.array([_plain_energy(qubo, sample == 1) for sample in samples])


def _plain_energy(qubo: Qubo, chosen: np.ndarray) -> float:
    pairs = qubo.value[chosen[qubo.row] & chosen[qubo.col]]
    terms = np.concatenate([qubo.linear[chosen], pairs])
    if slack(qubo) == 0.0:
        return float(int(terms.astype(np.int64).sum()) + qubo.offset)
    return fsum([*terms.tolist(), qubo.offset])


@dataclass(frozen=True)
class _Entries:
    """Lines ``i j weight`` of a file, from 0, and what they stand for."""

    first: np.ndarray
    second: np.ndarray
    weight: np.ndarray
    cut: bool

    def energy(self, sample: np.ndarray) -> float:
        """Minus the weight that is cut, or the sum over the pairs of ones."""
        one, other = sample[self.first], sample[self.second]
        if self.cut:
            return -fsum(self.weight[one != other].tolist())
        return fsum(self.weight[(one == 1) & (other == 1)].tolist())


def _read(file: Path, kind: str) -> _Entries | None:
    """A file's entries, read without the project's parsers; None for a format not known here.

    Graphs in rudy's format, BiqMac's ``.sparse`` (a symmetric matrix of which half is written), and
    arrays ``i``, ``j``, ``q`` in ``.npz``.
    """
    if file.suffix == ".npz":
        arrays = np.load(file)
        if not {"i", "j", "q"} <= set(arrays.files) <= {"n", "i", "j", "q"}:
            return None
        return _Entries(arrays["i"], arrays["j"], arrays["q"].astype(float), cut=False)
    if not (file.suffix == ".sparse" or kind == "maxcut"):
        return None
    lines = [line.split() for line in file.read_text().splitlines() if line.strip()]
    try:
        count = int(lines[0][1])
        rows = [(int(a) - 1, int(b) - 1, float(rest[0]) if rest else 1.0)
                for a, b, *rest in lines[1:]]
    except (ValueError, IndexError):
        return None
    if len(rows) != count:
        return None
    first, second, weight = (np.array(part) for part in zip(*rows, strict=True))
    if kind != "maxcut":
        weight = np.where(first == second, weight, 2.0 * weight)
    return _Entries(first, second, weight, cut=kind == "maxcut")
