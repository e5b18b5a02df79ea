"""Times of day: ``HH:MM`` in files, numbers in the model."""

import re
from dataclasses import dataclass
from math import isfinite
from typing import Literal

TimeUnit = Literal["seconds", "minutes", "hours"]

PER_HOUR: dict[TimeUnit, float] = {"seconds": 3600.0, "minutes": 60.0, "hours": 1.0}
"""How many of each make an hour."""

_TIME = re.compile(r"(\d{1,3}):([0-5]\d)(?::([0-5]\d))?")


@dataclass(frozen=True)
class Clock:
    """How times are read and written.

    Parameters
    ----------
    unit : {"seconds", "minutes", "hours"} or ""
        What a number counts; empty where the instance does not say.
    of_day : bool
        Whether times are written as ``HH:MM``, counted from midnight.
    """

    unit: TimeUnit | Literal[""] = ""
    of_day: bool = False

    def text(self, value: float) -> str:
        """A time for people: ``"08:30"``, or a number of up to two decimals."""
        if not self.of_day or not self.unit:
            return number(value)
        minutes = round(value * 60.0 / PER_HOUR[self.unit])
        return f"{minutes // 60:02d}:{minutes % 60:02d}"

    def precise(self, value: float) -> str:
        """A time to the second, ``"08:30"`` or ``"08:30:12"``, or a number of six digits."""
        if not self.of_day or not self.unit or not isfinite(value):
            return f"{value:g}"
        seconds = round(abs(value) * 3600.0 / PER_HOUR[self.unit])
        sign = "-" if value < 0 and seconds else ""
        hours, minutes, rest = seconds // 3600, seconds // 60 % 60, seconds % 60
        return f"{sign}{hours:02d}:{minutes:02d}" + (f":{rest:02d}" if rest else "")


def hours_of(text: str) -> float | None:
    """Hours since midnight of ``HH:MM`` or ``HH:MM:SS``; None for any other text."""
    match = _TIME.fullmatch(text.strip())
    if match is None:
        return None
    return int(match[1]) + int(match[2]) / 60.0 + int(match[3] or 0) / 3600.0


def number(value: float) -> str:
    """A number for people: at most two decimals, none where it is whole."""
    if not isfinite(value):
        return "unlimited"
    return f"{value:.2f}".rstrip("0").rstrip(".") if value % 1 else f"{value:.0f}"
