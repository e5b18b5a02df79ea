"""Ledgers of several runs, added up."""

from qopt.pricing import charge, price_list, total
from qopt.solver import Span, Usage
from qopt.solvers.ledger import add_usage


def circuit(shots: int, gates: int, seconds: float) -> Usage:
    return Usage(
        phases={"execute": Span(1.0, 2.0)}, evaluations=7, circuits=1, shots=shots, qubits=gates,
        depth=gates, two_qubit_gates=gates, one_qubit_gates=2 * gates, device="aer:aria-1",
        simulated=True, device_seconds=seconds, success_probability=1.0 / gates,
    )


def test_what_two_circuits_used():
    whole = Usage(phases={"execute": Span(0.5, 0.5)}, evaluations=3)
    add_usage(whole, Usage(phases={"compile": Span(0.25, 0.25)}))
    assert (whole.device, whole.device_seconds, whole.success_probability) == ("", None, None)
    add_usage(whole, circuit(100, 10, 0.2))
    add_usage(whole, circuit(300, 20, 0.6))
    assert whole.phases == {"execute": Span(2.5, 4.5), "compile": Span(0.25, 0.25)}
    assert (whole.circuits, whole.shots, whole.evaluations) == (2, 400, 3)
    assert (whole.qubits, whole.depth) == (20, 20)
    assert whole.two_qubit_gates == (100 * 10 + 300 * 20) / 400 + 0.5  # 17.5, to whole gates
    assert whole.device == "aer:aria-1"
    assert whole.simulated
    assert whole.device_seconds == 0.2 + 0.6
    assert whole.success_probability == 1 / 20


def test_money_adds_up():
    parts = [circuit(100, 10, 0.2), circuit(300, 20, 0.6)]
    for part in parts:
        part.device = "aer:torino"
    whole = Usage()
    for part in parts:
        add_usage(whole, part)
    prices = price_list()
    bills = [total(charge(usage, prices), "estimated") for usage in (*parts, whole)]
    assert bills[0] is not None
    assert abs(bills[2] - bills[0] - bills[1]) < 1e-9
