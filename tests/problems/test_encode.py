"""What the lowerings of several problems share."""

import numpy as np
import pytest

from qopt.errors import UnsupportedError, UsageError
from qopt.forms import Lowering, Program, Qubo, Routing
from qopt.problems.encode import bits, lower_with, whole_answer


class Toy:
    kind = "toy"

    def to_qubo(self, *, weight: float = 1.0) -> Lowering[Qubo]:
        """Scale.

        Parameters
        ----------
        weight : float
            A factor.
        """
        return Lowering(Qubo.from_arrays([weight]), decode=bits)


def test_options_are_parsed_and_handed_on():
    assert lower_with(Toy(), Qubo, {"weight": "2.5"}).model.linear.tolist() == [2.5]


def test_forms_and_options_that_do_not_exist_are_refused():
    with pytest.raises(UnsupportedError, match="toy gives qubo, not routing"):
        lower_with(Toy(), Routing, {})
    with pytest.raises(UnsupportedError, match="not program"):
        lower_with(Toy(), Program, {})
    with pytest.raises(UsageError, match="did you mean 'weight'"):
        lower_with(Toy(), Qubo, {"wieght": 1})


def test_bits_do_not_repair():
    values = [0.0, 1.0, 1e-7, 1 - 1e-7, 0.5, 2.0, -1.0, float("nan"), float("inf")]
    assert bits(values).tolist() == [0, 1, 0, 1, -1, -1, -1, -1, -1]
    assert bits(np.array([True, False])).dtype == np.int8


@pytest.mark.parametrize("wrong", [0.5, np.nan, np.inf, 1e300])
def test_answers_in_whole_numbers_are_not_rounded(wrong):
    np.testing.assert_array_equal(whole_answer(np.array([[1.0, -1.0]]), "bins"), [[1, -1]])
    with pytest.raises(UsageError, match="bins must be whole numbers, got"):
        whole_answer(np.array([1.0, wrong]), "bins")
