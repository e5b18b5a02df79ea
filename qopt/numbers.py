"""Numbers as people read them: one place decides digits and units for every table and sentence."""

from collections.abc import Iterable
from itertools import pairwise
from math import isfinite

from .judge import TOLERANCE

LEAST_DIGITS = 6
MOST_DIGITS = 15


def digits_for(values: Iterable[float | None]) -> int:
    """The fewest significant digits, 6 to 15, at which different objectives look different."""
    known = sorted({v for v in values if v is not None and isfinite(v)})
    apart = [
        (a, b)
        for a, b in pairwise(known)
        if b - a > TOLERANCE * max(abs(a), abs(b))
    ]
    for digits in range(LEAST_DIGITS, MOST_DIGITS):
        if all(value_text(a, digits) != value_text(b, digits) for a, b in apart):
            return digits
    return MOST_DIGITS


def value_text(value: float | None, digits: int = LEAST_DIGITS) -> str:
    """An objective: whole numbers in full, others to so many significant digits."""
    if value is None:
        return "–"
    if value == round(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.{digits}g}"


def percent_text(part: float | None) -> str:
    """A share or relative gap as a percentage without its sign: 0.0344 is ``"3.44"``."""
    if part is None:
        return "–"
    percent = 100.0 * part
    if abs(percent) >= 999.5:
        return f"{percent:.0f}"
    return f"{percent:.3g}"


def seconds_text(seconds: float | None) -> str:
    """Seconds to two or three digits, never finer than a tenth of a millisecond."""
    if seconds is None:
        return "–"
    if seconds >= 99.5:
        return f"{seconds:.0f}"
    if seconds >= 9.95:
        return f"{seconds:.1f}"
    if seconds >= 0.0995:
        return f"{seconds:.2f}"
    return f"{seconds:.4f}" if seconds >= 0.00005 else "0"


def money_text(amount: float | None) -> str:
    """An amount of money to three digits, small ones too: 0.0000227 is ``"0.0000227"``."""
    if amount is None:
        return "–"
    if amount == 0:
        return "0"
    if abs(amount) >= 0.995:
        return f"{amount:.2f}"
    if abs(amount) < 1e-7:
        return f"{amount:.2g}"
    text = f"{amount:.10f}" if abs(amount) < 1e-4 else f"{amount:.6f}"
    return _significant(text, 2)


def count_text(value: float | None) -> str:
    """A count; a median of counts may end in a half."""
    if value is None:
        return "–"
    return str(int(value)) if value == int(value) else f"{value:.1f}"


def plural(count: int, word: str) -> str:
    """``"1 run"``, ``"2 runs"``."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def join(words: Iterable[str], last: str = "and") -> str:
    """``"a, b and c"``."""
    items = list(words)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def _significant(text: str, digits: int) -> str:
    """Cut a decimal fraction under 1 after so many digits that are not leading zeros, rounding."""
    places = 0
    for letter in text.partition(".")[2]:
        if letter != "0":
            break
        places += 1
    return f"{float(text):.{places + digits}f}"
