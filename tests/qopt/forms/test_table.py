"""The values of every bit string: order of bits, feasibility, refusals."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qopt.errors import InputError, SizeError, UsageError
from qopt.forms import FORMS, Table


@given(values=st.integers(0, 5).flatmap(
    lambda n: st.lists(st.floats(-1e6, 1e6), min_size=2**n, max_size=2**n)
))
def test_bit_i_of_an_index_is_variable_i(values):
    table = Table(values)
    assert table.num_variables == len(values).bit_length() - 1
    samples = table.samples(np.arange(len(values)))
    for index, row in enumerate(samples):
        assert sum(int(bit) << i for i, bit in enumerate(row)) == index
        assert table.energy(row) == values[index]
    assert (table.indices(samples) == np.arange(len(values))).all()
    assert (table.energies(samples) == values).all()
    assert table.num_feasible == len(values)
    assert table.keeps(samples).all()


def test_the_penalty_marks_what_stands_for_no_answer():
    table = Table([3.0, 9.0, 1.0, 9.0], penalty=9.0, labels=("a", "b"))
    assert table.feasible.tolist() == [True, False, True, False]
    assert table.keeps([[0, 0], [1, 0], [0, 1]]).tolist() == [True, False, True]
    assert repr(table) == "Table(2 variables, 2 of 4 strings feasible)"
    assert table.names == ("a", "b")
    assert repr(Table([1.0, 2.0])) == "Table(1 variables)"
    assert Table([0.0, 1.0]).names == ("x0",)


def test_it_is_a_form_that_does_not_change():
    given = np.array([1.0, 2.0])
    table = Table(given)
    given[0] = 5.0
    assert table.energy([0]) == 1.0
    with pytest.raises(ValueError, match="read-only"):
        table.values[0] = 3.0
    assert FORMS["table"] is Table
    assert pickle.loads(pickle.dumps(table)).energy([1]) == 2.0


@pytest.mark.parametrize(
    ("values", "more", "message"),
    [
        ([1.0, 2.0, 3.0], {}, r"2\*\*n bit strings, got shape \(3,\)"),
        ([], {}, r"shape \(0,\)"),
        ([[1.0, 2.0]], {}, r"shape \(1, 2\)"),
        ([1.0, np.nan], {}, "must be finite"),
        ([1.0, np.inf], {}, "must be finite"),
        ([1.0, 7.0], {"penalty": 5.0}, "penalty 5 .* the largest value is 7"),
        ([1.0, 7.0], {"labels": ("a", "b")}, "2 labels for 1 variables"),
    ],
)
def test_wrong_tables_are_refused(values, more, message):
    with pytest.raises(InputError, match=message):
        Table(values, **more)


def test_sizes_are_refused():
    with pytest.raises(SizeError, match="24 bits, the model has 25"):
        Table(np.zeros(2**25))
    with pytest.raises(UsageError, match="samples have 3 bits, the table 1"):
        Table([0.0, 1.0]).energy([0, 1, 1])
