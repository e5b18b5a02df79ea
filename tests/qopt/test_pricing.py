from dataclasses import replace
from datetime import date

import pytest
from factories import device_usage, usage

from qopt.errors import InputError, ParseError
from qopt.pricing import (
    PriceList,
    charge,
    currency_of,
    machine_rate,
    price_list,
    read_price_list,
    total,
    up_to,
)
from qopt.solver import Span, Usage

ROW = """
[[price]]
provider = "Acme Quantum"
device = "acme-1"
sku = "acme-shot"
unit = "shot"
price = 0.5
currency = "USD"
source = "our contract"
confidence = "first-hand"
charged = true
"""


def on(device: str, **changes: object) -> list[dict]:
    """100 circuits of 1000 shots, 35 device seconds."""
    used = device_usage(
        device=device, circuits=100, shots=100_000, device_seconds=35.0, one_qubit_gates=10,
        two_qubit_gates=20,
    )
    return charge(replace(used, **changes), price_list())


# -- the bundled list -------------------------------------------------------------------------


def test_every_bundled_row_is_sourced_and_unknown_is_never_zero():
    prices = price_list()
    assert {p.provider for p in prices.prices} == {
        "Amazon EC2", "IBM Quantum", "Amazon Braket", "Azure Quantum", "IonQ",
        "IQM Resonance",
    }
    for price in prices.prices:
        assert price.source, price.sku
        assert price.price is None or price.price > 0, price.sku


def test_the_version_is_the_hash_of_the_content():
    prices = price_list()
    assert len(prices.version) == 12
    assert set(prices.version) <= set("0123456789abcdef")
    assert PriceList(prices.prices, prices.families).version == prices.version
    dearer = replace(prices.prices[0], price=1.0)
    assert PriceList((dearer, *prices.prices[1:]), prices.families).version != prices.version


def test_old_and_undated_prices_warn():
    prices = price_list()
    assert not any("ibm-pay-as-you-go" in text for text in prices.stale(date(2026, 12, 24)))
    assert any("ibm-pay-as-you-go" in text for text in prices.stale(date(2026, 12, 25)))
    # Of a month the first day counts: 90 days after 2026-08-01 is 2026-10-30.
    assert not any("iqm-resonance" in text for text in prices.stale(date(2026, 10, 30)))
    assert any("iqm-resonance" in text for text in prices.stale(date(2026, 10, 31)))
    assert any("azure-aria-program is of unknown date" in t for t in prices.stale(date(2026, 1, 1)))
    # What is never charged needs no warning.
    assert not any("ibm-flex" in text for text in prices.stale(date(2030, 1, 1)))


# -- bills ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("device", "expected"),
    [
        ("aer:torino", 376.00),          # 100 jobs: (2 s each + 35 s) at 1.60
        ("ibm_torino", 376.00),
        ("AER:Torino", 376.00),
        ("cepheus-1-108q", 72.50),
        ("emerald", 190.00),
        ("forte", 8030.00),
        ("iqm:emerald", 10.50),          # the same device by another seller, by the second
        ("azure:forte", 100_000 * (10 * 0.0001645 + 20 * 0.001121) + 100 * 25.79),
        ("azure:cepheus", 70.00),        # 3500 times 10 ms
    ],
)
def test_worked_examples(device, expected):
    assert total(on(device), "estimated") == pytest.approx(expected)


def test_one_batched_job_pays_the_overhead_once():
    assert total(on("aer:torino", circuits=1), "estimated") == pytest.approx(59.20)


@pytest.mark.parametrize(
    ("device", "separate", "together"),
    # 100 iterations of 1000 shots: each a job of its own, and all in one job or program set.
    [
        ("aer:torino", 376.00, 59.20), ("cepheus-1-108q", 72.50, 42.80),
        ("emerald", 190.00, 160.30), ("forte", 8030.00, 8000.30),
    ],
)
def test_circuits_sent_together_pay_one_fee(device, separate, together):
    assert total(on(device), "estimated") == pytest.approx(separate)
    assert total(on(device, jobs=100), "estimated") == pytest.approx(separate)
    assert total(on(device, jobs=1), "estimated") == pytest.approx(together)


def test_a_job_holds_no_more_than_its_seller_lets_it():
    # A program set of Braket's holds 100 circuits, a job of IBM's 10 million shots.
    sets = on("forte", jobs=1, circuits=250, shots=1000)
    assert [line["quantity"] for line in sets if line["unit"] == "task"] == [3]
    large = on("aer:torino", jobs=1, circuits=2, shots=25_000_000)
    overhead = [line for line in large if line["item"].startswith("job overhead")]
    assert [line["quantity"] for line in overhead] == [3 * 2.0]
    # Programs that a seller charges one by one are not saved by sending them together.
    programs = on("azure:forte", jobs=1)
    assert [line["quantity"] for line in programs if line["unit"] == "program"] == [100]


def test_jobs_of_several_runs_add_up():
    one, other = Usage(circuits=10, jobs=1), Usage(circuits=5)
    one.add(other)
    assert (one.circuits, one.jobs, one.job_count) == (15, 6, 6)
    plain = Usage(circuits=3)
    plain.add(Usage(circuits=4))
    assert (plain.jobs, plain.job_count) == (0, 7)


@pytest.mark.parametrize(("shots", "whole"), [(2, 7.0), (10, 7.0), (14, 7.0), (20, 10.0)])
def test_a_minimum_is_what_other_rows_leave_short_of_it(tmp_path, shots, whole):
    path = tmp_path / "own.toml"
    least = ROW.replace("acme-shot", "acme-least").replace('"shot"', '"program"').replace(
        "price = 0.5", "price = 7.0\nminimum = true"
    )
    path.write_text(ROW + least)
    used = device_usage(device="acme-1", circuits=1, shots=shots, device_seconds=None)
    lines = charge(used, price_list(path))
    assert total(lines, "estimated") == pytest.approx(whole)
    assert [line["sku"] for line in lines[1:]] == ["acme-shot", "acme-least"]


def test_the_machine_s_rate_is_what_a_run_is_charged():
    prices = price_list()
    for threads in (1, 2, 6):
        rate, currency = machine_rate(prices, threads)
        busy = Usage(phases={"execute": Span(10.0, 10.0 * threads)})
        assert rate * 10.0 == pytest.approx(charge(busy, prices)[0]["amount"])
        assert currency == "USD"
    assert machine_rate(PriceList(())) is None


def test_the_simulation_s_own_cost_stays_apart_from_the_device_s():
    used = device_usage(wall=3600.0)
    lines = charge(used, price_list())
    assert {line["basis"] for line in lines} == {"measured", "estimated"}
    # 3600 s wall, 5760 s CPU: two processors are not kept busier than the wall time
    assert total(lines, "measured") == pytest.approx(0.0816)
    assert total(lines, "estimated") == pytest.approx(1.60 * (2 + 0.00035 * 1024))


def test_a_real_device_is_measured_and_its_seconds_hold_the_overhead():
    lines = on("ibm_torino", simulated=False)
    assert total(lines, "estimated") is None
    device = [line for line in lines if line["item"].startswith("device")]
    assert [line["basis"] for line in device] == ["measured"]
    assert device[0]["amount"] == pytest.approx(56.0)
    assert not any("overhead" in line["item"] for line in lines)


@pytest.mark.parametrize("device", ["statevector", "aer:unheard-of", "braket:ibm_torino", "aer"])
def test_an_unknown_device_has_no_line(device):
    lines = on(device)
    assert [line["item"] for line in lines] == ["classical machine"]
    assert total(lines, "estimated") is None


def test_unknown_quantities_and_prices_are_none():
    lines = on("aer:torino", device_seconds=None)
    assert lines[1]["amount"] is None
    assert "does not say" in lines[1]["note"]
    assert total(lines, "estimated") is None
    credits = on("h2-1")[1]
    assert credits["unit"] == "HQC"
    assert credits["quantity"] == pytest.approx(500 + 100_000 * (10 + 200 + 70) / 5000)
    assert credits["unit_price"] is None
    assert credits["amount"] is None


def test_a_classical_run_pays_for_the_machine_s_wall_time_or_for_two_processors_each():
    calm = charge(usage(wall=7200.0), price_list())
    assert [line["amount"] for line in calm] == pytest.approx([2 * 0.0816])
    assert calm[0]["basis"] == "measured"
    busy = Usage(phases={"execute": Span(3600.0, 4 * 3600.0)})
    assert charge(busy, price_list())[0]["quantity"] == pytest.approx(2.0)


def test_the_bill_of_a_part_of_the_time_takes_its_share_of_the_machine_and_all_of_a_device():
    lines = on("ibm_torino", simulated=False)
    part = up_to(lines, 0.25)
    assert [line["item"] for line in part] == [line["item"] for line in lines]
    for line, whole in zip(part, lines, strict=True):
        share = 0.25 if line["unit"] == "instance hour" else 1.0
        assert line["amount"] == share * whole["amount"]
        assert line["quantity"] == share * whole["quantity"]
    assert any(line["unit"] == "instance hour" for line in part)
    assert any(line["unit"] != "instance hour" for line in part)


def test_nothing_used_costs_nothing_and_has_no_line():
    assert charge(Usage(), price_list()) == []
    unused = Usage(device="aer:torino", simulated=True)
    assert charge(unused, price_list()) == []


def test_lines_are_json_values_that_tell_all():
    for line in on("aer:torino"):
        assert list(line) == [
            "item", "quantity", "unit", "unit_price", "amount", "currency", "basis", "sku", "note",
            "retrieved",
        ]
        assert line["quantity"] is None or isinstance(line["quantity"], float)


def test_currencies_are_never_added():
    lines = [{"amount": 1.0, "currency": c, "basis": "measured"} for c in ("USD", "EUR")]
    with pytest.raises(InputError, match="EUR and USD"):
        total(lines, "measured")
    assert currency_of([]) == ""


# -- own lists --------------------------------------------------------------------------------


def test_own_tariffs_add_devices(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(ROW)
    prices = price_list(path)
    assert prices.version != price_list().version
    bill = charge(device_usage(device="acme-1", shots=10), prices)
    assert total(bill, "estimated") == pytest.approx(5.0)


def test_own_tariffs_take_the_place_of_the_bundled_ones_for_their_device(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(ROW.replace('"acme-1"', '"ibm"') + ROW.replace('"acme-1"', '"processor"')
                    .replace("acme-shot", "our-server").replace('"shot"', '"instance hour"')
                    .replace("charged", "vcpus = 64\ncharged"))
    prices = price_list(path)
    bill = charge(device_usage(wall=3600.0, device="aer:torino", shots=10), prices)
    assert [line["sku"] for line in bill] == ["our-server", "acme-shot"]
    assert total(bill, "measured") == pytest.approx(0.5)


def test_a_row_with_the_same_sku_is_replaced(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(ROW.replace("acme-shot", "ibm-pay-as-you-go").replace("acme-1", "ibm"))
    own = [p for p in price_list(path).prices if p.sku == "ibm-pay-as-you-go"]
    assert [p.unit for p in own] == ["shot"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("price = 0.5", "price = -0.5", "price must be at least 0, got -0.5"),
        ("price = 0.5", "price = nan", "price must be at least 0"),
        ("price = 0.5", 'price = "free"', "price must be at least 0"),
        ('unit = "shot"', 'unit = "shots"', "unit 'shots' is none of"),
        ('sku = "acme-shot"', "", "needs 'sku'"),
        ('source = "our contract"', "", "needs 'source'"),
        ('confidence = "first-hand"', 'confidence = "sure"', "first-hand, second-hand or disputed"),
        ("charged = true", "charged = 1", "charged must be true or false"),
        ("charged = true", "minimum = 1", "minimum must be true or false"),
        ("charged = true", "job_circuits = 0", "job_circuits must be a whole number above 0, got"),
        ("charged = true", "job_shots = 2.5", "job_shots must be a whole number above 0, got 2.5"),
        ("charged = true", "cost = 3", "unknown field 'cost'"),
        ("charged = true", 'retrieved = "last week"', "retrieved must be YYYY-MM-DD"),
        ('unit = "shot"', 'unit = "instance hour"', "needs 'vcpus'"),
        ("[[price]]", "[[prices]]", "rows and one"),
        ("[[price]]", "[[price", "is no TOML"),
        ("[[price]]", ROW + "[[price]]", "is there twice"),
        ("[[price]]", "[families]\nours = 3\n[[price]]", "lists of device names"),
    ],
)
def test_faulty_lists_are_refused_with_the_file(tmp_path, old, new, message):
    path = tmp_path / "own.toml"
    path.write_text(ROW.replace(old, new, 1))
    with pytest.raises(ParseError, match=message) as refusal:
        read_price_list(path)
    assert str(path) in str(refusal.value)


def test_a_missing_list_is_said(tmp_path):
    with pytest.raises(ParseError, match="cannot be read"):
        price_list(tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["torino", "ibm_torino", "aer:torino"])
def test_own_tariffs_for_one_device_come_before_those_of_its_family(tmp_path, name):
    path = tmp_path / "own.toml"
    path.write_text(ROW.replace("acme-1", name))
    prices = price_list(path)
    assert [p.sku for p in prices.tariff("aer:torino")] == ["acme-shot"]
    assert [p.sku for p in prices.tariff("aer:fez")] == ["ibm-pay-as-you-go"]
