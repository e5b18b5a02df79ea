"""Budgets: what they take, and that one budget is written in one way."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from qopt.errors import UsageError
from qopt.solver import Budget


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_limit": -1.0}, {"time_limit": float("nan")}, {"time_limit": float("inf")},
        {"time_limit": "5"}, {"evaluations": 0}, {"evaluations": 1.5}, {"threads": 0},
        {"threads": "2"},
    ],
)
def test_what_is_no_budget_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=repr(next(iter(wrong.values())))):
        Budget(**wrong)


def test_equal_budgets_are_written_alike() -> None:
    one = Budget(time_limit=5, evaluations=np.int64(7), threads=np.int32(2))
    assert repr(asdict(one)) == repr(asdict(Budget(time_limit=5.0, evaluations=7, threads=2)))
