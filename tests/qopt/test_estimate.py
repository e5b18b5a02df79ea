"""What a run would take, before it runs: arithmetic on what a solver tells."""

from dataclasses import dataclass
from datetime import date
from math import expm1, log1p
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import SPECS, Pick

from qopt import registry
from qopt.errors import SizeError, UnknownNameError, UnsupportedError, UsageError
from qopt.estimate import CONFIDENCE, Forecast, estimate, shots_to_see
from qopt.registry import Spec
from qopt.solver import Usage

TODAY = date(2026, 10, 1)


@dataclass(frozen=True, kw_only=True)
class Told:
    """Tells of a run that never is."""

    device: str = "aer:torino"
    ideal: float | None = 0.2

    def solve(self, *arguments: Any) -> Any:
        raise AssertionError("an estimate runs nothing")

    def estimate(self, model: Any, budget: Any, seed: int) -> Forecast:
        if self.device == "small":
            raise SizeError("device 'small'", model.num_variables, 1, "qubits")
        free = self.device == "free"
        plan = Usage(
            circuits=101, shots=101_000, qubits=5, depth=40, two_qubit_gates=20,
            one_qubit_gates=10, logical_depth=8, logical_two_qubit_gates=12, device=self.device,
            simulated=True, hypothetical=free, success_probability=0.5,
        )
        return Forecast(
            plan=plan, final_shots=1000, ideal=self.ideal, uniform=2 / 32, floor=0.1,
            circuit_seconds=None if free else 1e-4, readout_seconds=None if free else 4e-5,
            repetition_delay=0.0 if free else 2.5e-4,
            success_parts={"gates": 0.8, "readout": 0.625}, notes=("a note",),
        )


@pytest.fixture(autouse=True)
def told(monkeypatch):
    """A solver that can tell, and the toys, which cannot."""
    module = __name__
    monkeypatch.setitem(__import__("sys").modules, "told_here", __import__("types").SimpleNamespace(
        Told=Told
    ))
    spec = Spec("solver", "told", "tells", "told_here:Told", ("qubo",), role="quantum")
    everything = registry.gather([("bundled", registry._all().values()), (module, [*SPECS, spec])])
    monkeypatch.setattr(registry, "_all", lambda: everything)


@given(st.floats(1e-12, 0.999))
def test_shots_to_see_are_the_fewest(probability):
    shots = shots_to_see(probability)

    def seen(count):
        return -expm1(count * log1p(-probability))

    assert seen(shots) >= CONFIDENCE - 1e-9
    assert shots == 1 or seen(shots - 1) < CONFIDENCE + 1e-9


@pytest.mark.parametrize(
    ("probability", "shots"), [(None, None), (0.0, None), (1.0, 1), (0.99, 1), (0.5, 7), (0.9, 2)]
)
def test_shots_at_the_edges(probability, shots):
    assert shots_to_see(probability) == shots


def test_a_shot_sees_the_optimum_without_an_error_or_by_chance():
    (row,) = estimate(Pick(), "told").devices
    assert row.forecast.seen == pytest.approx(0.5 * 0.2 + 0.5 * 2 / 32)
    (unknown,) = estimate(Pick(), "told:ideal=none").devices
    assert unknown.forecast.seen is None
    assert unknown.optimum is None
    assert unknown.to_json()["optimum"]["shots_to_99_percent"] is None


def test_time_and_money_of_the_run_and_of_seeing_the_optimum():
    (row,) = estimate(Pick(), "told").devices
    run = row.run
    assert (run.shots, row.optimum.shots) == (1000, shots_to_see(row.forecast.seen))
    # 101 circuits of 1000 shots, each a job of its own.
    assert run.gates == pytest.approx(101_000 * 6e-5)
    assert run.readout == pytest.approx(101_000 * 4e-5)
    assert run.delay == pytest.approx(101_000 * 2.5e-4)
    assert run.overhead == 202.0
    assert run.device_seconds == pytest.approx(101_000 * 3.5e-4 + 202.0)
    assert run.wall >= run.device_seconds
    assert run.amount == pytest.approx(1.60 * run.device_seconds)
    fewer = 1000 - row.optimum.shots
    assert row.optimum.amount == pytest.approx(run.amount - 1.60 * fewer * 3.5e-4)
    assert sum(line["amount"] for line in run.lines) == pytest.approx(run.amount)


@pytest.mark.parametrize(
    ("device", "amount"),
    [
        ("cepheus", 101 * 0.30 + 101_000 * 0.000425),
        ("azure:forte", 101 * 25.79 + 101_000 * (10 * 0.0001645 + 20 * 0.001121)),
        ("free", 0.0), ("unheard-of", None), ("h2-1", None),
    ],
)
def test_money_by_the_seller_s_tariff(device, amount):
    (row,) = estimate(Pick(), "told", [device]).devices
    assert row.run.amount == (None if amount is None else pytest.approx(amount))


def test_several_devices_stand_in_one_table():
    found = estimate(Pick(), "told", ["aer:torino", "small", "free", "unheard-of"])
    head, *rows = found.table()
    assert head == ("", "aer:torino", "small", "free", "unheard-of")
    cells = {name: values for name, *values in rows}
    assert cells["two-qubit gates, before and after"] == ["12 -> 20", "-", "12 -> 20", "12 -> 20"]
    assert cells["shots to see it with 99 %"] == ["33", "-", "33", "33"]
    money = [values[2:] for name, *values in rows if "money" in name]
    assert money == [["not sold", "unknown"]] * 2
    remarks = "\n".join(found.remarks(TODAY))
    assert "small: device 'small' takes at most 1 qubits, the model has 5" in remarks
    assert "aer:torino, free, unheard-of: a note" in remarks
    assert "ibm-pay-as-you-go: 1.6 USD a QPU second, IBM Quantum (second-hand: survey" in remarks
    assert "unheard-of: there is no tariff for it, so its cost is unknown" in remarks
    assert "warning" not in remarks
    assert "warning: the price ibm-pay-as-you-go was read in" in "\n".join(
        found.remarks(date(2027, 6, 1))
    )


def test_json_tells_prices_with_source_age_and_confidence():
    (row,) = estimate(Pick(), "told", ["azure:forte"]).devices
    prices = row.to_json(TODAY)["prices"]
    assert {price["confidence"] for price in prices} == {"second-hand", "disputed"}
    assert all(price["source"] and "unknown date" in price["stale"] for price in prices)


def test_a_classical_run_may_stand_beside_it():
    found = estimate(Pick(), "told", classical=True)
    assert found.classical.objective == Pick().optimum
    assert found.to_json()["classical"]["seconds"] > 0
    assert any(line.startswith("classical, auto: optimal") for line in found.remarks(TODAY))


def test_what_cannot_be_told_is_refused():
    with pytest.raises(UnsupportedError, match="'brute' cannot be estimated before it runs; take"):
        estimate(Pick(), "brute")
    with pytest.raises(UsageError, match="names device 'free', and devices are given beside it"):
        estimate(Pick(), "told:device=free", ["aer:torino"])
    with pytest.raises(UnknownNameError):
        estimate(Pick(), "tolled")
    with pytest.raises(SizeError):  # of devices that all refuse, the first one's word
        estimate(Pick(), "told", ["small"])
