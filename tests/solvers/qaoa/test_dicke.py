from math import comb, log2

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import Statevector

from qopt.solvers.qaoa import circuit as circuits
from qopt.solvers.qaoa.dicke import append_dicke


def prepared(n, ones, order=None):
    circuit = QuantumCircuit(n)
    append_dicke(circuit, list(range(n)) if order is None else order, ones)
    return circuit


@pytest.mark.parametrize("n", range(1, 10))
def test_all_strings_with_so_many_ones_alike(n):
    weights = np.array([bin(index).count("1") for index in range(2**n)])
    for ones in range(n + 1):
        expected = (weights == ones) / np.sqrt(comb(n, ones))
        np.testing.assert_allclose(Statevector(prepared(n, ones)).data, expected, atol=1e-13)


def test_other_qubits_are_left_alone():
    circuit = QuantumCircuit(5)
    append_dicke(circuit, (4, 0, 2), 2)
    used = {circuit.find_bit(qubit).index for gate in circuit.data for qubit in gate.qubits}
    assert used == {4, 0, 2}
    chosen = [index for index in range(32) if abs(Statevector(circuit).data[index]) > 1e-9]
    assert chosen == [0b00101, 0b10001, 0b10100]


@pytest.mark.parametrize("n", [8, 20, 50])
def test_a_single_one_is_shared_out_in_logarithmic_depth(n):
    circuit = prepared(n, 1)
    assert circuits.two_qubit_gates(circuit) == 2 * (n - 1)
    assert circuits.depth(circuit) <= 4 * log2(n) + 2


@pytest.mark.parametrize(("n", "ones"), [(20, 5), (20, 10), (16, 8)])
def test_gates_grow_as_members_times_ones(n, ones):
    circuit = prepared(n, ones)
    assert circuits.two_qubit_gates(circuit) <= 6 * n * ones
    assert circuits.depth(circuit) <= 13 * n
