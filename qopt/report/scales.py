"""Axes of plots: from values to positions, with ticks that a person would choose."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

_LEAST = 1e-300


@dataclass(frozen=True)
class Scale:
    """An axis.

    Parameters
    ----------
    place : callable
        Gives the position of a value between 0 and 1.
    ticks : tuple of (float, str)
        Values and their labels.
    """

    place: Callable[[float], float]
    ticks: tuple[tuple[float, str], ...]


def linear(values: Iterable[float], ticks: int = 5, *, from_zero: bool = False) -> Scale:
    """Even spacing, a little beyond the values at either end."""
    # Parts of the smallest doubles are 0: such values have no scale of their own.
    known = [v if abs(v) > _LEAST else 0.0 for v in values if isfinite(v)] or [0.0]
    low, high = min(known), max(known)
    if from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low <= 1e-12 * max(abs(low), abs(high)):
        pad = abs(low) * 0.05 or 1.0
        low, high = (low if from_zero and low == 0.0 else low - pad), high + pad
    else:
        pad = 0.03 * (high - low)
        low, high = (low if from_zero and low == 0.0 else low - pad), high + pad
    step = _step((high - low) / ticks)
    first = ceil(low / step - 1e-9)
    places = range(first, floor(high / step + 1e-9) + 1)
    decimals = max(0, -floor(log10(step) + 1e-9))
    labels = tuple((i * step, _label(i * step, decimals)) for i in places)
    return Scale(lambda v: (v - low) / (high - low), labels)


def logarithmic(values: Iterable[float]) -> Scale:
    """Powers of ten; only values above 0 have a place, others sit at the left end."""
    known = [v for v in values if isfinite(v) and v > 0.0] or [1.0]
    low, high = floor(log10(min(known)) + 1e-9), ceil(log10(max(known)) - 1e-9)
    if low == high:
        low, high = low - 1, high + 1
    every = max(1, ceil((high - low) / 6))
    labels = tuple((10.0**e, _power(e)) for e in range(low, high + 1, every))

    def place(value: float) -> float:
        return 0.0 if value <= 0.0 else min(1.0, max(0.0, (log10(value) - low) / (high - low)))

    return Scale(place, labels)


def gaps(values: Iterable[float]) -> Scale:
    """Gaps in percent: from zero evenly, or by decades beyond the smallest where they span many."""
    known = [v for v in values if isfinite(v)] or [0.0]
    sizes = [abs(v) for v in known if abs(v) > 1e-9]
    if not sizes or max(sizes) / min(sizes) < 30.0:
        return linear(known, from_zero=True)
    knee = 10.0 ** floor(log10(min(sizes)))

    def bend(value: float) -> float:
        size = log10(1.0 + abs(value) / knee)
        return size if value >= 0.0 else -size

    low, high = min(0.0, *map(bend, known)), max(0.0, *map(bend, known))
    low, high = low - 0.03 * (high - low) * (low < 0.0), high + 0.04 * (high - low)
    top = floor(log10(max(sizes)))
    every = max(1, ceil((top - log10(knee)) / 5))
    decades = [10.0**e for e in range(top, round(log10(knee)) - 1, -every)]
    marks = [0.0, *(m for d in decades for m in (-d, d) if low <= bend(m) <= high)]
    return Scale(
        lambda v: (bend(v) - low) / (high - low), tuple((m, f"{m:g}") for m in sorted(marks))
    )


def _step(rough: float) -> float:
    """1, 2 or 5 times a power of ten, at least `rough`."""
    power = 10.0 ** floor(log10(rough))
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= rough * (1 - 1e-9))


def _label(value: float, decimals: int) -> str:
    if value == 0.0:
        return "0"
    if abs(value) >= 1e6 or decimals > 5:
        return f"{value:.3g}"
    return f"{value:.{decimals}f}"


def _power(exponent: int) -> str:
    return f"{10.0**exponent:g}" if -4 <= exponent <= 4 else f"1e{exponent}"
