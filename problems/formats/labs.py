"""Files of low autocorrelation binary sequences: the length, and nothing else."""

import re
from pathlib import Path

from .graph_data import is_count
from .plain_numbers import PlainNumbers

LONGEST = 10_000
"""The longest sequence that is read."""

_NAME = re.compile(r"labs[-_]?\d+(\.(txt|dat))?")


def recognises(name: str, head: str) -> bool:
    """Whether a file is called ``labs`` with a number and holds one number."""
    cells = head.removeprefix("\ufeff").split()
    return _NAME.fullmatch(name.lower()) is not None and len(cells) == 1 and is_count(cells[0])


def read_length(path: Path) -> int:
    """The length of the sequences.

    Raises
    ------
    ParseError
        Where the file does not hold one whole number, 3 or more; the line is named.
    """
    numbers = PlainNumbers.read(path, ("#",))
    length = numbers.whole("the length of the sequence", 3, LONGEST)
    numbers.end("the length of the sequence")
    return length
