"""Energies are evaluated again in ways that find a lie."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from benchmarks._instances import Instance, from_files
from benchmarks._recount import Recount, plain_energies, slack
from benchmarks._table import Failure
from qopt.forms import Group, Qubo


def all_samples(n: int) -> np.ndarray:
    """Every vector of n bits."""
    return np.array(list(product((0, 1), repeat=n)), dtype=np.int8)


def by_hand(qubo: Qubo, sample: np.ndarray) -> float:
    """The sum as it is written down."""
    x = sample.tolist()
    total = qubo.offset + sum(a * b for a, b in zip(qubo.linear.tolist(), x, strict=True))
    for i, j, value in zip(qubo.row, qubo.col, qubo.value, strict=True):
        total += float(value) * x[i] * x[j]
    return total


@pytest.mark.parametrize("integral", [True, False])
def test_plain_energies(integral: bool) -> None:
    qubo = Qubo.from_matrix(np.random.default_rng(1).normal(size=(6, 6)), offset=0.5)
    if integral:
        qubo = Qubo.from_arrays(
            np.rint(3 * qubo.linear), qubo.row, qubo.col, np.rint(3 * qubo.value), offset=2.0
        )
    samples = all_samples(6)
    expected = [by_hand(qubo, sample) for sample in samples]
    assert plain_energies(qubo, samples) == pytest.approx(expected, abs=1e-12)
    assert (slack(qubo) == 0.0) == integral


def test_counts_and_leaves_out_what_breaks_a_group() -> None:
    qubo = Qubo.from_arrays([1.0, 2.0, 3.0], [0], [1], [4.0], groups=[Group((0, 1), 1)])
    recount = Recount()
    samples = np.array([[1, 0, 1], [1, 1, 0]], dtype=np.int8)
    claimed = qubo.penalised().energies(samples)
    energies = recount.check("sa", Instance("toy", qubo), samples, claimed, 1e-6)
    assert energies.tolist() == [4.0, np.inf]
    assert (recount.samples, recount.claims, recount.from_files) == (2, 2, 0)
    assert "2 returned samples" in str(recount)


def test_a_claim_that_does_not_hold_fails() -> None:
    qubo = Qubo.from_arrays([1.0, 2.0], [0], [1], [4.0])
    samples = np.array([[1, 1]], dtype=np.int8)
    for claimed in ([6.5], [np.nan]):
        with pytest.raises(Failure, match="peer's own word on toy"):
            Recount().check("peer", Instance("toy", qubo), samples, np.array(claimed), 1e-6)


def test_a_sample_that_is_no_bits_fails() -> None:
    qubo = Qubo.from_arrays([1.0, 2.0], [0], [1], [4.0])
    with pytest.raises(Failure, match="other than 0 and 1"):
        Recount().check("peer", Instance("toy", qubo), np.array([[1, 2]]), None, 1e-6)


def test_an_evaluation_that_errs_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Qubo, "energies", lambda _, samples: np.zeros(len(samples)))
    qubo = Qubo.from_arrays([1.0, 2.0], [0], [1], [4.0])
    with pytest.raises(Failure, match="one evaluation gives"):
        Recount().check("sa", Instance("toy", qubo), np.array([[1, 1]]), None, 1e-6)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The same small model in three formats, and one more that is not read here."""
    (tmp_path / "graph.mc").write_text("3 3\n1 2 1\n1 3 -2\n2 3 5\n")
    (tmp_path / "model.sparse").write_text("3 3\n1 1 -4\n1 2 3\n2 3 -1\n")
    np.savez(tmp_path / "arrays.npz", i=[0, 0, 1], j=[0, 1, 2], q=[-4, 6, -2])
    return tmp_path


def test_files_are_evaluated_by_themselves(files: Path) -> None:
    recount = Recount()
    found = {instance.name: instance for instance in from_files([files])}
    assert set(found) == {"graph.mc", "model.sparse", "arrays.npz"}
    for instance in found.values():
        energies = recount.check("sa", instance, all_samples(3), None, 1e-6)
        if instance.name == "graph.mc":
            assert energies.min() == -6.0  # the cut of 1 + 5 around the second vertex
        else:
            assert energies[all_samples(3).tolist().index([1, 1, 1])] == 0.0
    assert recount.from_files == 24


def test_a_file_that_says_otherwise_fails(files: Path) -> None:
    instance = next(i for i in from_files([files]) if i.name == "graph.mc")
    (files / "graph.mc").write_text("3 3\n1 2 1\n1 3 -2\n2 3 4\n")
    with pytest.raises(Failure, match="by the file"):
        Recount().check("sa", instance, all_samples(3), None, 1e-6)
