"""Limits of shots and money: what is refused, what is counted, and what they leave as it is."""

from dataclasses import replace
from time import perf_counter

import pytest
from factories import device_usage
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import Pick

from qopt import Status, compare, solve
from qopt.errors import LimitError, UsageError
from qopt.limits import Limits, Money, RunMeter, times
from qopt.pricing import PriceList, charge, price_list, total
from qopt.run import Task, attempt, collect
from qopt.solver import Budget, Progress, Usage
from qopt.store import SqliteStore

pytestmark = pytest.mark.usefixtures("toy_registry")


def plan(shots: int = 1000, circuits: int = 1, **changes) -> Usage:
    """Of a simulated Torino: 0.35 ms a shot, and 2 s a job, at 1.60 USD a second."""
    return device_usage(0.0, shots, circuits=circuits, **changes)


def price(usage: Usage) -> float:
    return total(charge(replace(usage, phases={}), price_list()), "estimated")


def euros() -> PriceList:
    """The bundled list in euros, but for one row."""
    prices = price_list()
    first = next(p for p in prices.prices if p.sku == "ibm-pay-as-you-go")
    return replace(prices, prices=tuple(
        p if p is first else replace(p, currency="EUR") for p in prices.prices
    ))


# -- as they are given ------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["5USD", "5 USD", "5usd", "5", 5, 5.0, " 5.00 USD ", "0.5e1USD"])
def test_money_is_read(text):
    assert Money.parse(text, price_list()) == Money(5.0, "USD")
    assert str(Money(5.0, "USD")) == "5 USD"


@pytest.mark.parametrize(
    "text", ["-1", "0", "0USD", "nan", "inf", "1e999", "five", "", "USD", "5 dollars", "$5", True,
             "1.2.3", "--5", "5USD6"],
)
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(UsageError, match="must be an amount above 0 such as 5USD, got"):
        Money.parse(text, price_list())


def test_a_currency_that_no_price_is_in_is_refused():
    with pytest.raises(UsageError, match="prices are in USD, and a limit in EUR cannot be held"):
        Limits.of("5EUR", None)
    with pytest.raises(UsageError, match="prices are in EUR and USD: write the limit with its"):
        Limits.of("5", None, euros())
    assert Limits.of("5EUR", None, euros()).max_cost == Money(5.0, "EUR")


@pytest.mark.parametrize("shots", [0, -1, 2.5, True, "10"])
def test_a_limit_of_shots_is_a_number_above_0(shots):
    with pytest.raises(UsageError, match="max_shots must be a whole number above 0"):
        solve(Pick(), "brute", max_shots=shots)


def test_no_limits_are_none():
    assert Limits.of(None, None) is None


# -- shots ------------------------------------------------------------------------------------


def test_shots_add_up_over_submissions():
    meter = RunMeter(Limits.of(None, 1000))
    meter.admit(plan(600))
    assert not meter.acted
    with pytest.raises(LimitError, match="500 shots of 1 circuit on aer:torino, and 600 were taken "
                       "before: more than max-shots 1000; take fewer shots"):
        meter.admit(plan(500))
    assert meter.acted
    meter.give_back(plan(300))
    meter.admit(plan(700))
    with pytest.raises(LimitError):
        meter.foresee(plan(1))


@settings(deadline=None, max_examples=40)
@given(
    st.integers(0, 3000), st.integers(1, 500), st.integers(1, 500), st.integers(0, 40),
    st.integers(0, 1000),
)
def test_affordable_turns_are_those_that_fit(limit, each, then, most, spent):
    meter = RunMeter(Limits.of(None, limit + spent + 1))
    if spent:
        meter.admit(plan(spent))
    found = meter.affordable(plan(each), plan(then), most)
    fits = [n for n in range(most + 1) if spent + n * each + then <= limit + spent + 1]
    assert found == max(fits, default=0)
    assert meter.acted == (most not in fits)


# -- money ------------------------------------------------------------------------------------


def test_a_simulated_device_costs_what_the_real_one_would():
    cost = price(plan(1000))
    assert cost == pytest.approx(1.60 * 2.35)
    RunMeter(Limits.of(cost + 0.01)).admit(plan(1000))
    with pytest.raises(LimitError, match=r"1000 shots of 1 circuit on aer:torino would bring the "
                       r"run to 3\.76\d* USD, of which \d.* USD for this machine: more than "
                       r"max-cost 3\.75 USD"):
        RunMeter(Limits.of("3.75USD")).admit(plan(1000))


@settings(deadline=None, max_examples=20)
@given(st.floats(0.5, 300.0), st.integers(0, 60))
def test_affordable_turns_by_money(limit, most):
    meter = RunMeter(Limits.of(limit))
    each, then = plan(1024), plan(4096)
    found = meter.affordable(each, then, most)

    def cost(n: int) -> float:
        whole = times(each, n)
        whole.add(then)
        return price(whole)

    # Each turn is a job of its own: its overhead is counted, and so is the final circuit's.
    assert found == 0 or cost(found) <= limit
    assert found == most or cost(found + 1) > limit - 0.001
    if cost(found) <= limit - 0.001:
        whole = times(each, found)
        whole.add(then)
        meter.admit(whole)


def test_what_was_admitted_before_counts():
    meter = RunMeter(Limits.of(10.0))
    meter.admit(plan(1000))
    meter.admit(plan(1000, device="aer:fez"))
    with pytest.raises(LimitError):
        meter.admit(plan(1000))
    meter.give_back(plan(1000, device="aer:fez"))
    meter.admit(plan(1000))


@pytest.mark.parametrize(
    ("device", "why"),
    [("aer:unheard-of", "there is no tariff for it"), ("h2-1", "azure-quantinuum-hqc is unknown")],
)
def test_what_nobody_can_price_is_refused(device, why):
    for ask in ("foresee", "admit"):
        with pytest.raises(LimitError, match=why):
            getattr(RunMeter(Limits.of(1000.0)), ask)(plan(10, device=device))
    # A limit of shots alone needs no price.
    RunMeter(Limits.of(None, 10)).admit(plan(10, device=device))


def test_unknown_device_seconds_are_refused_under_a_limit_of_money():
    with pytest.raises(LimitError, match="ibm-pay-as-you-go is unknown"):
        RunMeter(Limits.of(1000.0)).admit(plan(10, device_seconds=None))


def test_a_device_that_nobody_sells_costs_nothing():
    meter = RunMeter(Limits.of(0.01))
    meter.foresee(plan(10**9, device="statevector", hypothetical=True))
    meter.admit(plan(10**9, device="statevector", hypothetical=True, device_seconds=None))


def test_a_price_in_another_currency_is_refused():
    limits = Limits.of("5EUR", None, euros())
    with pytest.raises(LimitError, match="its price is in USD"):
        RunMeter(limits).admit(plan(1))
    with pytest.raises(LimitError, match="this machine is priced in EUR"):
        RunMeter(Limits.of("5USD", None, euros()))
    with pytest.raises(LimitError, match="the price of this machine is unknown"):
        RunMeter(Limits(Money(5.0, "USD"), None, PriceList(())))


# -- the machine's time -----------------------------------------------------------------------


def test_machine_time_caps_a_time_limit():
    # 0.0816 USD an hour: 36 s cost 0.000816 USD.
    meter = RunMeter(Limits.of(0.000816))
    assert meter.shorten(None) is None
    assert meter.shorten(5.0) == 5.0
    assert not meter.acted
    assert meter.shorten(100.0) == pytest.approx(36.0, abs=0.5)
    assert meter.acted
    # Six threads are three such machines.
    assert RunMeter(Limits.of(0.000816), threads=6).shorten(100.0) == pytest.approx(12.0, abs=0.5)
    assert RunMeter(Limits.of(None, 5)).shorten(100.0) == 100.0


def test_a_run_without_a_time_limit_ends_when_the_machine_has_cost_as_much():
    meter, progress = RunMeter(Limits.of(0.0816 / 3600 * 0.2)), Progress()
    with meter.guarding(progress):
        begin = perf_counter()
        while not progress.stopping and perf_counter() - begin < 30.0:
            pass
    assert progress.stopping
    assert meter.ended
    assert meter.acted


def test_a_guard_is_gone_after_the_run():
    meter, progress = RunMeter(Limits.of(100.0)), Progress()
    with meter.guarding(progress):
        assert not progress.stopping
    assert not meter.acted


def test_a_classical_run_is_held_to_its_cost():
    # `waits` polls until it is stopped.
    record = attempt(Task(Pick(), "waits", limits=Limits.of(0.0816 / 3600 * 0.3)))
    assert record.limits == {"max_cost": str(Limits.of(0.0816 / 3600 * 0.3).max_cost),
                             "max_shots": None, "acted": True}
    assert "ended by max-cost" in record.reason
    assert not record.deterministic


# -- keys and stores --------------------------------------------------------------------------


def test_limits_are_no_part_of_a_key():
    plain = Task(Pick(), "brute")
    limited = Task(Pick(), "brute", limits=Limits.of("5USD", 100))
    assert plain.key == limited.key
    assert plain.preimage["budget"] == {"time_limit": None, "evaluations": None, "threads": 1}
    assert Budget(meter=RunMeter(Limits.of(None, 1))) == Budget()


def test_a_limit_that_does_not_act_changes_nothing():
    plain, limited = solve(Pick(), "brute"), solve(Pick(), "brute", max_cost=1.0, max_shots=10)
    assert plain.answer == limited.answer
    assert plain.record.limits == {}
    assert limited.record.limits == {"max_cost": "1 USD", "max_shots": 10, "acted": False}
    assert limited.record.deterministic == plain.record.deterministic


def test_a_stored_run_answers_a_task_unless_other_limits_shaped_it(tmp_path):
    def run(store, shots):
        limits = Limits.of(None, shots)
        task = Task(Pick(), "qaoa", {"shots": 64, "presolve": False}, limits=limits)
        (record,) = collect([task], store=store)
        return record

    with SqliteStore(tmp_path / "runs.db") as store:
        refused = run(store, 10)
        assert refused.status is Status.UNSUPPORTED
        assert refused.limits == {"max_cost": None, "max_shots": 10, "acted": True}
        assert run(store, 10).started == refused.started
        done = run(store, 100)
        assert done.started > refused.started
        assert done.status is Status.FEASIBLE
        # It is paid for: a lower limit, or none, takes it as it is.
        assert run(store, 10).started == run(store, None).started == done.started
        assert len(store) == 1


def test_a_comparison_records_a_refusal_and_no_loss():
    found = compare(Pick(), ["brute", "qaoa:presolve=False,shots=64"], seeds=[0], max_shots=10)
    rows = {row.label: row for row in found.instances[0].rows}
    refused = rows["qaoa:presolve=False,shots=64"]
    assert (refused.attempted, refused.failed, refused.unsupported) == (0, 0, 1)
    assert "more than max-shots 10" in refused.reasons[0]
    assert rows["brute"].attempted == 1
