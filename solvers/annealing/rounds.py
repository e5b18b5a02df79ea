"""How much work to do: rounds of reads, each with more sweeps than the last."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

FIRST_SWEEPS = 32
"""Sweeps of the reads in the first round."""

GROWTH = 4
"""By how much the next round has more sweeps: the last round takes most of the budget."""


def most_sweeps(moves: int) -> int:
    """Sweeps after which more reads are worth more than longer ones.

    Parameters
    ----------
    moves : int
        Proposals in a sweep.
    """
    return max(1 << 10, min(64 * moves, 1 << 17))


@dataclass(frozen=True)
class Round:
    """Reads that are alike.

    Parameters
    ----------
    reads : int
    sweeps : int
        For each read. In the last round of a timed run, an estimate.
    last : bool
        Whether this round takes whatever is left of the budget.
    """

    reads: int
    sweeps: int
    last: bool = False


def growing(reads: int, most: int, affordable: Callable[[int], int]) -> Iterator[Round]:
    """Rounds of growing sweeps until the budget is used.

    A larger budget repeats the rounds of a smaller one except its last: early rounds are cheap,
    give a good answer soon, and waste little, since each costs a fraction of the one after it.

    Parameters
    ----------
    reads : int
        Reads in a round.
    most : int
        Sweeps beyond which reads do not grow.
    affordable : callable
        Given a number of reads, how many sweeps each could have with what is left of the budget.
    """
    sweeps = FIRST_SWEEPS
    while (left := affordable(reads)) > 0:
        following = min(GROWTH * sweeps, most)
        if left < sweeps + following:
            yield Round(reads, left, last=True)
            return
        yield Round(reads, sweeps)
        sweeps = following
    # Too little for a sweep of every read: fewer reads, if any.
    while reads > 1:
        reads //= 2
        if affordable(reads) > 0:
            yield Round(reads, affordable(reads), last=True)
            return
