"""Rounds of growing reads."""

import pytest

from qopt.solvers.annealing.rounds import FIRST_SWEEPS, GROWTH, Round, growing, most_sweeps


def rounds_of(budget: int, reads: int, most: int = 1 << 20) -> list[Round]:
    """Rounds within a budget counted in sweeps of one read."""
    left = budget
    done = []

    def affordable(count: int) -> int:
        return left // count

    for planned in growing(reads, most, affordable):
        done.append(planned)
        left -= planned.reads * planned.sweeps
        assert left >= 0
    return done


@pytest.mark.parametrize("budget", [0, 1, 3, 31, 128, 1000, 12_345, 10**7])
@pytest.mark.parametrize("reads", [1, 4, 32])
def test_budget_is_used_and_never_exceeded(budget: int, reads: int) -> None:
    done = rounds_of(budget, reads)
    used = sum(r.reads * r.sweeps for r in done)
    assert used > budget - max(reads, 2) or (used > 0 and budget < reads)
    assert all(r.sweeps > 0 for r in done)


def test_a_larger_budget_repeats_all_rounds_but_the_last() -> None:
    small, large = rounds_of(10**5, 4), rounds_of(10**6, 4)
    assert small[:-1] == large[: len(small) - 1]
    assert [r.sweeps for r in large[:3]] == [FIRST_SWEEPS, FIRST_SWEEPS * GROWTH,
                                             FIRST_SWEEPS * GROWTH**2]


def test_the_last_round_takes_most() -> None:
    for budget in (10**4, 10**5, 10**6, 10**7):
        done = rounds_of(budget, 4)
        assert 4 * done[-1].sweeps > 0.7 * budget


def test_reads_stop_growing() -> None:
    done = rounds_of(10**6, 4, most=500)
    assert all(r.sweeps <= 500 for r in done[:-1])
    assert done[-1].sweeps < 1000
    assert most_sweeps(20) < most_sweeps(10**4) == most_sweeps(10**6)
