"""Hard limits of a run: shots and money, checked before anything is submitted.

The rules, in full:

- **Shots** are those of circuits: the angles' training by shots, every circuit of a mitigation and
  the final circuit together. Solvers without circuits take none.
- **Money** is what `qopt.pricing.charge` would bill: the device's tariff on what is planned, also
  where the device is simulated (what the real one would cost), plus this machine's time.
- **Refusal.** What would exceed a limit is not submitted: `LimitError`. So is what nobody can
  price, under a limit of money; devices that nobody sells (exact simulations, error rates of one's
  own) cost the machine's time alone. A comparison records such a run as unsupported.
- **Machine time**, setting up included, caps the time limit of a run, and ends one that has none.
- **Loops** that submit one circuit after the other are planned for as many turns as the limits
  leave beside the final circuit.
- **Content keys** leave limits out: one that does not act changes no answer. A record says whether
  a limit acted; then it answers only a task of the very same limits.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from math import inf, isfinite
from threading import Event, Thread
from time import perf_counter
from typing import Any

from .errors import LimitError, UsageError
from .pricing import PriceList, charge, machine_rate, price_list
from .solver import Progress, Usage

_WORTH_SAYING = 1e-9
"""Relative excess over a limit of money that is rounding."""

_POLL = 0.1
"""Seconds between looks at what is left for the machine: circuits may have been admitted since."""


@dataclass(frozen=True)
class Money:
    """An amount in a currency, as three letters."""

    amount: float
    currency: str

    @classmethod
    def parse(cls, text: Any, prices: PriceList) -> "Money":
        """Read ``"5USD"``, ``"5 usd"`` or a plain number, which is in the price list's currency.

        Raises
        ------
        UsageError
            For what is no amount above 0, and for a currency that no price is in.
        """
        found = re.fullmatch(r"\s*([-+0-9.eE]+?)\s*([A-Za-z]{3})?\s*", str(text))
        try:
            amount = float(found[1]) if found and not isinstance(text, bool) else None
        except ValueError:
            amount = None
        if found is None or amount is None or not (isfinite(amount) and amount > 0.0):
            raise UsageError(
                f"a limit of money must be an amount above 0 such as 5USD, got {text!r}"
            )
        known = sorted({price.currency for price in prices.prices if price.charged})
        given = (found[2] or "").upper()
        if given and given not in known:
            raise UsageError(
                f"prices are in {' and '.join(known)}, and a limit in {given} cannot be held "
                f"against them: write it as {amount:g}{known[0] if known else 'USD'}, or give "
                f"tariffs in {given}"
            )
        if not given and len(known) != 1:
            raise UsageError(
                f"prices are in {' and '.join(known) or 'no currency'}: write the limit with its "
                f"currency, as {amount:g}{known[0] if known else 'USD'}"
            )
        return cls(amount, given or known[0])

    def __str__(self) -> str:
        return f"{self.amount:.6g} {self.currency}"


@dataclass(frozen=True)
class Limits:
    """What a run may take at most.

    Parameters
    ----------
    max_cost : Money, optional
    max_shots : int, optional
    prices : PriceList
        By which costs are reckoned.
    """

    max_cost: Money | None = None
    max_shots: int | None = None
    prices: PriceList = field(default_factory=price_list, repr=False, compare=False)

    @classmethod
    def of(
        cls, max_cost: Any = None, max_shots: Any = None, prices: PriceList | None = None
    ) -> "Limits | None":
        """Limits as a user gives them; None where there are none.

        Raises
        ------
        UsageError
            For an amount or number that is none, and for a currency that no price is in.
        """
        if max_cost is None and max_shots is None:
            return None
        if max_shots is not None and (
            isinstance(max_shots, bool) or not isinstance(max_shots, int) or max_shots < 1
        ):
            raise UsageError(f"max_shots must be a whole number above 0, got {max_shots!r}")
        prices = prices or price_list()
        money = None if max_cost is None else Money.parse(max_cost, prices)
        return cls(money, max_shots, prices)

    def to_json(self, acted: bool) -> dict[str, Any]:
        """What a record tells of them."""
        return {
            "max_cost": None if self.max_cost is None else str(self.max_cost),
            "max_shots": self.max_shots,
            "acted": acted,
        }


class RunMeter:
    """Holds one run to its limits; a `qopt.solver.Meter`.

    Parameters
    ----------
    limits : Limits
    threads : int
        Of the run: a machine of the price list has so many processors.

    Attributes
    ----------
    acted : bool
        Whether a limit refused, shortened or ended anything.

    Raises
    ------
    LimitError
        Where money is limited, and the price of this machine is unknown or in another currency.
    """

    def __init__(self, limits: Limits, threads: int = 1) -> None:
        self.limits = limits
        self.acted = self.ended = False
        self._begin = perf_counter()
        self._spent: dict[str, Usage] = {}
        self._rate = 0.0
        if limits.max_cost is not None:
            self._rate = self._machine(limits.max_cost, threads)

    def _machine(self, limit: Money, threads: int) -> float:
        rate = machine_rate(self.limits.prices, threads)
        if rate is None:
            raise LimitError(
                f"the price of this machine is unknown, so a limit of {limit} cannot be held: give "
                "a tariff for the device 'processor', or leave the limit out"
            )
        if rate[1] != limit.currency:
            raise LimitError(
                f"this machine is priced in {rate[1]}, and a limit in {limit.currency} cannot be "
                "held against it: give tariffs in one currency"
            )
        return rate[0]

    # -- what is asked by solvers -----------------------------------------------------------------

    def foresee(self, plan: Usage) -> None:
        """Refuse early what cannot be admitted, by its shots and its device."""
        self._check_shots(plan)
        if self.limits.max_cost is not None:
            lines = charge(replace(plan, phases={}, device_seconds=0.0), self.limits.prices)
            self._priced(plan, lines)

    def admit(self, plan: Usage) -> None:
        """Refuse a plan, or count it as spent."""
        self._check_shots(plan)
        if self.limits.max_cost is not None:
            self._check_money(plan, self.limits.max_cost)
        self._spent[plan.device] = self._with(plan)

    def give_back(self, plan: Usage) -> None:
        """Count what was admitted, and not submitted after all, as not spent."""
        spent = self._spent[plan.device]
        if spent.jobs or plan.jobs:
            spent.jobs = spent.job_count - plan.job_count
        spent.circuits -= plan.circuits
        spent.shots -= plan.shots
        if spent.device_seconds is not None and plan.device_seconds is not None:
            spent.device_seconds = max(0.0, spent.device_seconds - plan.device_seconds)

    def affordable(self, each: Usage, then: Usage, most: int) -> int:
        """How many times a plan may be submitted so that another still can be, by bisection."""
        low, high = -1, most
        while low < high:
            middle = (low + high + 1) // 2
            plan = times(each, middle)
            plan.add(then)
            low, high = (middle, high) if self._fits(plan) else (low, middle - 1)
        self.acted = self.acted or low < most
        return max(0, low)

    # -- money and shots --------------------------------------------------------------------------

    @property
    def seconds(self) -> float:
        """What is left of the machine's time; infinite without a limit of money."""
        limit = self.limits.max_cost
        if limit is None or self._rate == 0.0:
            return inf
        devices = sum(self._amount(usage) or 0.0 for usage in self._spent.values())
        return (limit.amount - devices) / self._rate - self._elapsed

    @property
    def _elapsed(self) -> float:
        return perf_counter() - self._begin

    def _with(self, plan: Usage) -> Usage:
        """What was spent on a plan's device, the plan included."""
        whole = deepcopy(self._spent.get(plan.device, Usage()))
        whole.add(plan)
        return whole

    def _fits(self, plan: Usage) -> bool:
        acted = self.acted
        try:
            self._check_shots(plan)
            if self.limits.max_cost is not None:
                self._check_money(plan, self.limits.max_cost)
        except LimitError:
            self.acted = acted
            return False
        return True

    def _check_shots(self, plan: Usage) -> None:
        limit = self.limits.max_shots
        spent = sum(usage.shots for usage in self._spent.values())
        if limit is None or spent + plan.shots <= limit:
            return
        before = f", and {spent} were taken before" if spent else ""
        self._refuse(
            f"{_words(plan)}{before}: more than max-shots {limit}; take fewer shots, or a higher "
            "limit"
        )

    def _check_money(self, plan: Usage, limit: Money) -> None:
        device = self._amount(self._with(plan))
        machine = self._rate * self._elapsed
        others = sum(
            self._amount(usage) or 0.0 for name, usage in self._spent.items() if name != plan.device
        )
        if device is None:
            self._priced(plan, charge(self._with(plan), self.limits.prices))
            return
        whole = device + others + machine
        if whole <= limit.amount * (1.0 + _WORTH_SAYING):
            return
        self._refuse(
            f"{_words(plan)} would bring the run to {Money(whole, limit.currency)}, of which "
            f"{Money(machine, limit.currency)} for this machine: more than max-cost {limit}; take "
            "fewer shots, another device or a higher limit"
        )

    def _amount(self, usage: Usage) -> float | None:
        """What a device costs for a ledger; None where that is unknown."""
        lines = charge(replace(usage, phases={}), self.limits.prices)
        if not lines:
            return 0.0 if usage.hypothetical or not usage.circuits else None
        limit = self.limits.max_cost
        if limit is None or any(
            line["amount"] is None or line["currency"] != limit.currency for line in lines
        ):
            return None
        return float(sum(line["amount"] for line in lines))

    def _priced(self, plan: Usage, lines: list[dict[str, Any]]) -> None:
        """Refuse a device whose price is unknown."""
        limit = self.limits.max_cost
        foreign = {line["currency"] for line in lines} - {limit.currency if limit else ""}
        why = ""
        if not lines and not plan.hypothetical:
            why = "there is no tariff for it"
        elif foreign:
            why = f"its price is in {' and '.join(sorted(foreign))}"
        elif unknown := [line["sku"] for line in lines if line["amount"] is None]:
            why = f"the amount of {unknown[0]} is unknown"
        if why:
            self._refuse(
                f"what {_words(plan)} cost cannot be told, {why}, so max-cost {limit} cannot be "
                "held: give a tariff, take a device with a price, or leave the limit out"
            )

    def _refuse(self, text: str) -> None:
        self.acted = True
        raise LimitError(text)

    # -- the machine's time -----------------------------------------------------------------------

    def shorten(self, time_limit: float | None) -> float | None:
        """A time limit within what is left of the machine's time; None stays None."""
        if time_limit is None or self.seconds >= time_limit:
            return time_limit
        self.acted = True
        return max(0.0, self.seconds)

    @contextmanager
    def guarding(self, progress: Progress) -> Iterator[None]:
        """While open, the run is asked to end once the machine has cost what it may."""
        if self.seconds == inf:
            yield
            return
        over = Event()

        def watch() -> None:
            while not over.wait(min(_POLL, max(0.0, self.seconds))):
                if self.seconds <= 0.0:
                    self.acted = self.ended = True
                    progress.stop()
                    return

        watcher = Thread(target=watch, name="qopt-limit", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()


def times(each: Usage, count: int) -> Usage:
    """The plan of submitting one so many times, one after the other."""
    seconds = each.device_seconds
    return replace(
        each, phases={}, circuits=count * each.circuits, shots=count * each.shots,
        jobs=count * each.jobs, device_seconds=None if seconds is None else count * seconds,
    )


def _words(plan: Usage) -> str:
    circuits = f"{plan.circuits} circuit{'s' if plan.circuits != 1 else ''}"
    where = f" on {plan.device}" if plan.device else ""
    return f"{plan.shots} shots of {circuits}{where}"
