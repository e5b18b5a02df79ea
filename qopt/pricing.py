"""Money: a ledger of usage becomes lines of a bill, by a dated and sourced price list.

The rules, in full:

- **Classical machine.** What one pays for is the wall time of a rented machine, so a run is charged
  its wall seconds on one machine of the list (two processors), and CPU seconds / 2 where it kept
  more processors busy than one such machine has. Seconds are measured here, all phases of the run
  included but ``setup``: the first run of a process alone would pay it, and costs would depend on
  the order of the runs. The price is the list's. Simulating a quantum device is paid here too.
- **Quantum device.** Charged by the tariff of the named device: its seconds, shots, circuits or
  gates. Where the device was simulated the line is an *estimate* of what the real one would cost;
  it never replaces the simulation's own cost. A device without a tariff has no line, and a quantity
  or price that is unknown has the amount None: never 0.
- **Jobs.** What is paid a task, and what a seller adds to every job, counts the jobs that the
  circuits were sent in (`Usage.jobs`), each circuit one of its own where the ledger does not say,
  and no fewer than the seller's jobs can hold.
- **Minimum.** A row that is a minimum adds what the seller's other lines leave short of it.
- **Basis.** ``"measured"`` and ``"estimated"`` lines are never added to each other.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import date
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from math import ceil, isfinite
from pathlib import Path
from typing import Any, Literal

from .errors import InputError, ParseError
from .solver import Usage

Basis = Literal["measured", "estimated"]

STALE_DAYS = 90
"""Age in days over which a price warns."""

UNITS = (
    "instance hour", "QPU second", "QPU minute", "10 ms of QPU time", "task", "program", "shot",
    "one-qubit gate-shot", "two-qubit gate-shot", "HQC",
)
"""What a tariff may charge for; `_quantity` says how many of them a run has."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """One tariff of a price list.

    Parameters
    ----------
    provider, device, sku : str
        Seller, device or family of devices (``"processor"``: the classical machine), and a name
        that is unique in the list.
    unit : str
        One of `UNITS`.
    price : float, optional
        Of one unit; None where it is unknown.
    currency : str
    source : str
        Where it was read.
    confidence : {"first-hand", "second-hand", "disputed"}
    region, effective_from, retrieved, note : str
        Empty where unknown; dates as ``YYYY-MM-DD`` or ``YYYY-MM``.
    charged : bool
        Whether `charge` uses it.
    vcpus : int, optional
        Processors of a rented machine.
    job_seconds : float
        Device seconds that the seller adds to every job.
    job_circuits : int
        Circuits that may be sent as one job, which pays one fee or overhead.
    job_shots : int, optional
        Shots of one job at most, over all its circuits; None where no limit is known.
    minimum : bool
        Whether it is the least that the seller's other rows come to, rather than added to them.
    """

    provider: str
    device: str
    sku: str
    unit: str
    currency: str
    source: str
    confidence: str
    price: float | None = None
    region: str = ""
    effective_from: str = ""
    retrieved: str = ""
    note: str = ""
    charged: bool = False
    vcpus: int | None = None
    job_seconds: float = 0.0
    job_circuits: int = 1
    job_shots: int | None = None
    minimum: bool = False

    def jobs(self, usage: Usage) -> int:
        """Jobs that a run's circuits are charged as."""
        fewest = ceil(usage.circuits / self.job_circuits)
        if self.job_shots is not None:
            fewest = max(fewest, ceil(usage.shots / self.job_shots))
        return max(usage.job_count, fewest)

    @property
    def read_on(self) -> date | None:
        """When it was read: the first day of the month where only the month is known."""
        return _date(self.retrieved)


@dataclass(frozen=True)
class PriceList:
    """A price list.

    Parameters
    ----------
    prices : tuple of Price
    families : mapping of str to tuple of str
        Name patterns of the devices that share a tariff.
    """

    prices: tuple[Price, ...]
    families: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @cached_property
    def version(self) -> str:
        """The first 12 digits of the SHA-256 of the content."""
        content = {"prices": [asdict(p) for p in self.prices], "families": dict(self.families)}
        text = json.dumps(content, sort_keys=True, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def tariff(self, device: str) -> tuple[Price, ...]:
        """The charged prices of a device, all of one seller; empty where there are none.

        Parameters
        ----------
        device : str
            As a run's ledger names it. What stands before a colon chooses the seller
            (``"azure:aria-1"``) or says how the device was simulated (``"aer:torino"``); without a
            seller the first one of the list is taken. Of an ARN
            (``"braket:arn:aws:braket:...:device/qpu/ionq/Forte-1"``) the last part is the name.
        """
        before, name = device.lower().partition(":")[0], device.lower().rpartition(":")[2]
        name = name.rpartition("/")[2].removeprefix("ibm_")
        rows = [p for p in self.prices if p.charged and self._names(p.device, name)]
        if any(before in p.provider.lower().split() for p in self.prices):
            rows = [p for p in rows if before in p.provider.lower().split()]
        return tuple(p for p in rows if p.provider == rows[0].provider)

    def stale(self, on: date | None = None) -> tuple[str, ...]:
        """A warning for each charged price that is older than 90 days, or of unknown age.

        Parameters
        ----------
        on : date, optional
            Today, if left out.
        """
        today = on or date.today()
        texts = (staleness(p.sku, p.retrieved, today) for p in self.prices if p.charged)
        return tuple(filter(None, texts))

    def _names(self, device: str, name: str) -> bool:
        plain = device.lower().rpartition(":")[2].removeprefix("ibm_")
        patterns = self.families.get(device, (plain,))
        return any(fnmatchcase(name, pattern) for pattern in patterns)


def staleness(sku: str, retrieved: str, on: date) -> str:
    """A sentence if a price read on `retrieved` is too old on a date; empty if it is not."""
    read_on = _date(retrieved)
    if read_on is None:
        return f"the price {sku} is of unknown date: check it before you rely on it"
    age = (on - read_on).days
    if age <= STALE_DAYS:
        return ""
    return f"the price {sku} was read in {retrieved}, more than {STALE_DAYS} days before {on}"


# -- reading lists --------------------------------------------------------------------------------


def price_list(*own: str | Path) -> PriceList:
    """The bundled price list, changed by your own ones.

    Parameters
    ----------
    *own : path-like
        TOML files laid out as ``qopt/pricing.toml``. A row replaces the one with the same ``sku``;
        charged rows for a device take the place of all that were charged for it before.

    Raises
    ------
    ParseError
        Where a file is no price list.
    """
    merged = _bundled()
    for path in own:
        merged = _merge(merged, read_price_list(path))
    return merged


@lru_cache(maxsize=1)
def _bundled() -> PriceList:
    return read_price_list(Path(__file__).with_name("pricing.toml"))


def read_price_list(path: str | Path) -> PriceList:
    """Read one price list.

    Raises
    ------
    ParseError
        Where it cannot be read, or a row is not a tariff.
    """
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
    except OSError as fault:
        raise ParseError(path, f"cannot be read: {fault.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ParseError(path, f"is no TOML: {fault}") from None
    unknown = set(data) - {"price", "families"}
    if unknown or not isinstance(data.get("price", []), list):
        raise ParseError(path, "a price list has [[price]] rows and one [families] table")
    prices = tuple(_price(path, row) for row in data.get("price", []))
    seen: set[str] = set()
    for price in prices:
        if price.sku in seen:
            raise ParseError(path, f"sku {price.sku!r} is there twice")
        seen.add(price.sku)
    return PriceList(prices, _families(path, data.get("families", {})))


def _families(path: str | Path, table: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(table, dict) or not all(
        isinstance(names, list) and all(isinstance(name, str) for name in names)
        for names in table.values()
    ):
        raise ParseError(path, "[families] names lists of device names")
    return {family: tuple(name.lower() for name in names) for family, names in table.items()}


def _price(path: str | Path, row: Mapping[str, Any]) -> Price:
    """One row, checked."""
    name = f"price {row.get('sku', '')!r}"
    known = {f.name: f.type for f in fields(Price)}
    if unknown := sorted(set(row) - set(known)):
        raise ParseError(path, f"{name}: unknown field {unknown[0]!r}; known: {', '.join(known)}")
    for needed in ("provider", "device", "sku", "unit", "currency", "source", "confidence"):
        if not row.get(needed) or not isinstance(row[needed], str):
            raise ParseError(path, f"{name} needs {needed!r} as text")
    if row["unit"] not in UNITS:
        raise ParseError(path, f"{name}: unit {row['unit']!r} is none of {', '.join(UNITS)}")
    if row["confidence"] not in ("first-hand", "second-hand", "disputed"):
        raise ParseError(path, f"{name}: confidence is first-hand, second-hand or disputed")
    for number in ("price", "job_seconds", "vcpus", "job_circuits", "job_shots"):
        value = row.get(number, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not (
            isfinite(value) and value >= 0
        ):
            raise ParseError(path, f"{name}: {number} must be at least 0, got {value!r}")
        if number in row and number.startswith("job_") and number != "job_seconds" and not (
            isinstance(value, int) and value >= 1
        ):
            raise ParseError(
                path, f"{name}: {number} must be a whole number above 0, got {value!r}"
            )
    values = dict(row)
    for when in ("effective_from", "retrieved"):
        values[when] = str(row.get(when, ""))
        if values[when] and _date(values[when]) is None:
            raise ParseError(path, f"{name}: {when} must be YYYY-MM-DD or YYYY-MM")
    for switch in ("charged", "minimum"):
        if not isinstance(row.get(switch, False), bool):
            raise ParseError(path, f"{name}: {switch} must be true or false")
    if row["unit"] == "instance hour" and not row.get("vcpus"):
        raise ParseError(path, f"{name} needs 'vcpus', the machine's number of processors")
    return Price(**values)


def _merge(old: PriceList, new: PriceList) -> PriceList:
    """`old` with the rows of `new`, which take over the devices that they charge for."""
    taken = {p.device for p in new.prices if p.charged}
    replaced = {p.sku for p in new.prices}
    kept = [
        Price(**{**asdict(p), "charged": p.charged and p.device not in taken})
        for p in old.prices
        if p.sku not in replaced
    ]
    return PriceList((*new.prices, *kept), {**old.families, **new.families})


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text if len(text) != 7 else f"{text}-01")
    except ValueError:
        return None


# -- the bill -------------------------------------------------------------------------------------


def charge(usage: Usage, prices: PriceList) -> list[dict[str, Any]]:
    """What a run costs.

    Parameters
    ----------
    usage : Usage
    prices : PriceList

    Returns
    -------
    list of dict
        Lines with ``item``, ``quantity``, ``unit``, ``unit_price``, ``amount``, ``currency``,
        ``basis``, ``sku``, ``note`` and ``retrieved``, all JSON values.
    """
    lines = []
    if usage.wall > 0:
        for price in prices.tariff("processor"):
            lines.append(_line("classical machine", price, _quantity(price, usage), "measured"))
    if not usage.device or not (usage.shots or usage.circuits or usage.device_seconds):
        return lines
    return lines + _device_lines(usage, prices)


def _device_lines(usage: Usage, prices: PriceList) -> list[dict[str, Any]]:
    """What the tariff of a run's device charges; minima last."""
    basis: Basis = "estimated" if usage.simulated else "measured"
    lines = []
    tariff = prices.tariff(usage.device)
    for price in (price for price in tariff if not price.minimum):
        lines.append(_line(f"device {usage.device}", price, _quantity(price, usage), basis))
        # Measured device seconds are the seller's own and hold the overhead already.
        if price.job_seconds and usage.simulated:
            quantity = price.job_seconds * price.jobs(usage)
            item = f"job overhead of {usage.device}"
            lines.append(_line(item, price, quantity, basis, price.note))
    for price in (price for price in tariff if price.minimum):
        least = _line(f"minimum of {usage.device}", price, _quantity(price, usage), basis)
        amounts = [line["amount"] for line in lines]
        if least["amount"] is not None and None not in amounts:
            least["amount"] = max(0.0, least["amount"] - sum(amounts))
            lines.append(least)
    return lines


def machine_rate(prices: PriceList, threads: int = 1) -> tuple[float, str] | None:
    """What a second of this machine costs, with its currency, by the tariff that `charge` takes.

    None where it is unknown.
    """
    rows = prices.tariff("processor")
    if not rows or any(row.price is None for row in rows):
        return None
    rates = [
        row.price / 3600.0 * max(1.0, threads / (row.vcpus or 1))
        for row in rows if row.price is not None
    ]
    return sum(rates), currency_of([{"currency": row.currency} for row in rows])


def up_to(lines: Iterable[Mapping[str, Any]], share: float) -> list[dict[str, Any]]:
    """The bill of the first `share` of a run's time.

    Rented machines are paid by time, and CPU seconds taken to be spread evenly over the run; what
    was paid to devices stays.
    """
    return [
        {**line, "quantity": share * line["quantity"], "amount": share * line["amount"]}
        if line["unit"] == "instance hour" and line["amount"] is not None else {**line}
        for line in lines
    ]


def total(lines: Iterable[Mapping[str, Any]], basis: Basis) -> float | None:
    """Sum of the lines of one basis; None without any, or where an amount is unknown.

    Raises
    ------
    InputError
        Where currencies are mixed.
    """
    chosen = [line for line in lines if line["basis"] == basis]
    currency_of(chosen)
    amounts = [line["amount"] for line in chosen]
    if not amounts or any(amount is None for amount in amounts):
        return None
    return float(sum(amounts))


def currency_of(lines: Sequence[Mapping[str, Any]]) -> str:
    """The one currency of lines; empty without lines.

    Raises
    ------
    InputError
        Where currencies are mixed.
    """
    currencies = sorted({line["currency"] for line in lines})
    if len(currencies) > 1:
        raise InputError(
            f"prices in {' and '.join(currencies)} cannot be added; give tariffs in one currency"
        )
    return currencies[0] if currencies else ""


def _line(
    item: str, price: Price, quantity: float | None, basis: Basis, note: str | None = None
) -> dict[str, Any]:
    if note is None:
        note = price.note if not price.job_seconds else ""
    amount = None if quantity is None or price.price is None else quantity * price.price
    if quantity is None:
        note = "; ".join(filter(None, [note, "the run does not say how much it used"]))
    return {
        "item": item,
        "quantity": quantity,
        "unit": price.unit,
        "unit_price": price.price,
        "amount": amount,
        "currency": price.currency,
        "basis": basis,
        "sku": price.sku,
        "note": note,
        "retrieved": price.retrieved,
    }


def _quantity(price: Price, usage: Usage) -> float | None:
    """How many units of a tariff a run has; None where the ledger does not say."""
    seconds = usage.device_seconds
    match price.unit:
        case "instance hour":
            return max(usage.wall, usage.cpu / (price.vcpus or 1)) / 3600.0
        case "QPU second":
            return seconds
        case "QPU minute":
            return None if seconds is None else seconds / 60.0
        case "10 ms of QPU time":
            return None if seconds is None else float(ceil(100.0 * seconds))
        case "task":
            return float(price.jobs(usage))
        case "program":
            return float(usage.circuits)
        case "shot":
            return float(usage.shots)
        case "one-qubit gate-shot":
            return float(usage.one_qubit_gates * usage.shots)
        case "two-qubit gate-shot":
            return float(usage.two_qubit_gates * usage.shots)
        case "HQC":
            # 5 + shots (N1q + 10 N2q + 5 Nm) / 5000 a circuit, every qubit measured once.
            weight = usage.one_qubit_gates + 10 * usage.two_qubit_gates + 5 * usage.qubits
            return 5.0 * usage.circuits + usage.shots * weight / 5000.0
    raise AssertionError(f"no quantity for unit {price.unit!r}")
