"""What devices there are, what each was measured to be, and what it costs: what is shown."""

from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

from .calibration import Calibration
from .devices import DeviceSize, describe
from .errors import pip_install
from .pricing import Price, PriceList, staleness
from .registry import Spec, available


@dataclass(frozen=True)
class Row:
    """A device, or a family of devices that are made by their names.

    Parameters
    ----------
    name : str
    qubits : int, optional
        None where its name decides, or its package is missing.
    kind : str
        ``"simulation"``, ``"real"``, or ``"real, simulated here"``.
    simulated : int, optional
        Qubits up to which a real device is simulated here.
    needs : str
        The line that installs its package; empty where it is installed.
    price : str
        In words; empty where none is known.
    summary : str
        Of its family.
    """

    name: str
    qubits: int | None
    kind: str
    simulated: int | None
    needs: str
    price: str
    summary: str

    def to_json(self) -> dict[str, Any]:
        """The row as JSON values."""
        return {**asdict(self), "price_known": bool(self.price)}


def rows(prices: PriceList) -> list[Row]:
    """All devices, family by family, those of missing packages too; nothing is described."""
    found = []
    for spec in available("device"):
        if missing := spec.missing():
            needs = pip_install([spec.install] if spec.install else missing)
            found.append(Row(spec.name, None, "", None, needs, "", spec.summary))
            continue
        sizes = spec.load().sizes()
        found += [_row(size, spec, prices) for size in sizes]
        if not sizes:
            found.append(Row(spec.name, None, "simulation", None, "", "", spec.summary))
    return found


def _row(size: DeviceSize, spec: Spec, prices: PriceList) -> Row:
    kind = "simulation" if not size.real else "real"
    if size.real and size.simulated is not None:
        kind = "real, simulated here"
    price = " + ".join(_tariff(each) for each in prices.tariff(size.name)) if size.real else ""
    return Row(size.name, size.qubits, kind, size.simulated, "", price, spec.summary)


def _tariff(price: Price) -> str:
    """A price in words."""
    if price.price is None:
        return f"unknown a {price.unit}"
    return f"{price.price:g} {price.currency} a {price.unit}"


def facts(name: str, prices: PriceList, today: date | None = None) -> dict[str, Any]:
    """What is known of one device, as JSON values.

    Parameters
    ----------
    name : str
        As solvers take it, or a snapshot's file.
    prices : PriceList
    today : date, optional
        To tell old prices by.

    Raises
    ------
    UnknownNameError
        With the nearest names.
    ParseError
        Where a file is no calibration.
    """
    told = describe(name)
    kept = {f.name: getattr(told, f.name) for f in fields(told) if f.name != "calibration"}
    calibration = None if told.calibration is None else calibration_facts(told.calibration)
    return {
        **kept,
        "basis": list(told.basis),
        "calibration": calibration,
        "prices": [
            {
                **asdict(price), "text": _tariff(price),
                "warning": staleness(price.sku, price.retrieved, today or date.today()),
            }
            for price in prices.tariff(told.name)
        ],
    }


def calibration_facts(calibration: Calibration) -> dict[str, Any]:
    """What a calibration amounts to, as JSON values; times in seconds."""
    return {
        "device": calibration.name,
        "date": calibration.date,
        "age_days": calibration.age(),
        "hash": calibration.key,
        "source": calibration.source,
        "couplings": len(calibration.couplings),
        "dead_couplings": [list(pair) for pair in sorted(calibration.dead_couplings)],
        "dead_qubits": sorted(calibration.dead_qubits),
        "connected_qubits": len(calibration.region),
        "errors": {name: asdict(spread) for name, spread in calibration.spreads.items()},
        "median_t1": calibration.median_time("t1"),
        "median_t2": calibration.median_time("t2"),
        "repetition_delay": calibration.repetition_delay,
    }
