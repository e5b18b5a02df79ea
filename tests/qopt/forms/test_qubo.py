"""The QUBO form: canonical arrays, energies, groups and penalties."""

from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qopt.errors import InputError, UsageError
from qopt.forms import Group, Ising, Program, Qubo
from qopt.forms import qubo as qubo_module

whole = st.integers(-4, 4).map(float)


def all_bits(n: int) -> np.ndarray:
    return np.array(list(product((0, 1), repeat=n)), dtype=np.int8).reshape(2**n, n)


def plain_energy(linear, pairs, offset, x) -> float:
    """The definition, term by term."""
    value = offset + sum(a * x[i] for i, a in enumerate(linear))
    return value + sum(q * x[i] * x[j] for i, j, q in pairs)


@st.composite
def coordinates(draw, most: int = 6):
    n = draw(st.integers(1, most))
    linear = draw(st.lists(whole, min_size=n, max_size=n))
    index = st.integers(0, n - 1)
    pairs = draw(st.lists(st.tuples(index, index, whole), max_size=12))
    return linear, pairs, draw(whole)


@st.composite
def grouped(draw, most: int = 7) -> Qubo:
    linear, pairs, offset = draw(coordinates(most))
    scale = draw(st.sampled_from([1.0, 0.37, 100.0]))
    members = draw(st.permutations(range(len(linear))))
    groups = []
    while members:
        length = draw(st.integers(1, len(members)))
        if draw(st.booleans()):
            size = draw(st.integers(0, length))
            groups.append(Group(tuple(members[:length]), size))
        members = members[length:]
    row, col, value = (list(part) for part in zip(*pairs, strict=True)) if pairs else ([], [], [])
    return Qubo.from_arrays(
        scale * np.array(linear), row, col, scale * np.array(value), offset=offset, groups=groups
    )


# -- canonical form ---------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(coordinates())
def test_from_arrays_keeps_the_function_and_is_canonical(data) -> None:
    linear, pairs, offset = data
    row, col, value = (list(part) for part in zip(*pairs, strict=True)) if pairs else ([], [], [])
    qubo = Qubo.from_arrays(linear, row, col, value, offset=offset)
    keys = qubo.row * len(linear) + qubo.col
    assert (qubo.row < qubo.col).all()
    assert (np.diff(keys) > 0).all()
    assert (qubo.value != 0).all()
    bits = all_bits(len(linear))
    expected = [plain_energy(linear, pairs, offset, x) for x in bits]
    assert qubo.energies(bits).tolist() == expected


@settings(deadline=None, max_examples=40)
@given(coordinates())
def test_matrix_and_ising_are_the_same_function(data) -> None:
    linear, pairs, offset = data
    n = len(linear)
    matrix = np.diag(linear)
    for i, j, q in pairs:
        matrix[i, j] += q
    qubo = Qubo.from_matrix(matrix, offset=offset)
    bits = all_bits(n)
    expected = np.array([x @ matrix @ x + offset for x in bits.astype(float)])
    assert np.array_equal(qubo.energies(bits), expected)
    assert np.array_equal(Qubo.from_matrix(qubo.to_matrix(), offset=offset).to_matrix(),
                          qubo.to_matrix())
    ising = qubo.to_ising()
    assert ising.num_spins == n
    assert ising.energies(1 - 2 * bits) == pytest.approx(expected)
    assert Qubo.from_ising(ising).energies(bits) == pytest.approx(expected)


def test_ising_is_written_out() -> None:
    ising = Ising(np.array([1.0, -2.0]), np.array([0]), np.array([1]), np.array([4.0]), 0.5)
    # z = (+1, -1) is x = (0, 1).
    assert ising.energies(np.array([1, -1])).tolist() == [0.5 + 1 + 2 - 4]
    assert Qubo.from_ising(ising).energy([0, 1]) == 0.5 + 1 + 2 - 4


def test_from_terms_takes_any_names() -> None:
    qubo = Qubo.from_terms({("b",): 2.0, ("a", "b"): -3.0, (): 1.0, ("a", "a"): 5.0}, offset=1.0)
    assert qubo.labels == ("b", "a")
    assert qubo.energy([1, 1]) == 2 + 2 - 3 + 5
    with pytest.raises(InputError, match="degree 3"):
        Qubo.from_terms({("a", "b", "c"): 1.0})


def test_many_samples_are_evaluated_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    dense = Qubo.from_matrix(rng.integers(-5, 6, (7, 7)))
    sparse = Qubo.from_arrays(rng.integers(-5, 6, 7), [0, 2], [5, 3], [2.0, -7.0])
    assert dense.density > 0.25 > sparse.density
    bits = all_bits(7)
    for model in (dense, sparse):
        whole_run = model.energies(bits)
        monkeypatch.setattr(qubo_module, "_CHUNK", 20)
        assert np.array_equal(model.energies(bits), whole_run)
        monkeypatch.undo()


def test_samples_of_the_wrong_width_are_refused() -> None:
    with pytest.raises(UsageError, match="3 bits, the QUBO 2"):
        Qubo.from_arrays([1.0, 2.0]).energies([[0, 1, 1]])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([1.0, np.nan],), "NaN or infinite"),
        (([1.0, 2.0], [0], [1], [np.inf]), "NaN or infinite"),
        (([1.0, 2.0], [0], [2], [1.0]), r"0\.\.1"),
        (([1.0, 2.0], [-1], [1], [1.0]), r"0\.\.1"),
        (([1.0, 2.0], [0, 1], [1], [1.0]), "same length"),
        (([[1.0, 2.0]],), "one-dimensional"),
    ],
)
def test_bad_arrays_are_refused(arguments, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Qubo.from_arrays(*arguments)


def test_the_constructor_checks_the_canonical_form() -> None:
    linear, value = np.zeros(3), np.ones(2)
    with pytest.raises(InputError, match="sorted and unique"):
        Qubo(linear, np.array([1, 0]), np.array([2, 1]), value)
    with pytest.raises(InputError, match="row < col"):
        Qubo(linear, np.array([0, 2]), np.array([1, 2]), value)
    with pytest.raises(InputError, match="2 labels for 3"):
        Qubo.from_arrays(linear, labels=["a", "b"])
    with pytest.raises(InputError, match="square"):
        Qubo.from_matrix([[1.0, 2.0]])


@pytest.mark.parametrize(
    ("groups", "words"),
    [
        ([Group((0, 1), 3)], "exactly 3 of 2"),
        ([Group((0, 3), 1)], r"outside 0\.\.2"),
        ([Group((0, 1), 1), Group((1, 2), 1, name="late")], "'late' overlaps"),
        ([Group((0, 0), 1)], "repeats"),
    ],
)
def test_bad_groups_are_refused(groups, words: str) -> None:
    with pytest.raises(InputError, match=words):
        Qubo.from_arrays(np.zeros(3), groups=groups)


def test_a_qubo_cannot_be_changed() -> None:
    qubo = Qubo.from_arrays([1.0, 2.0], [0], [1], [3.0])
    with pytest.raises(ValueError, match="read-only"):
        qubo.linear[0] = 5.0


def test_facts() -> None:
    qubo = Qubo.from_arrays([1.0, 2.5, 0.0], [0], [1], [3.0], groups=[Group((0, 2), 1)])
    assert repr(qubo) == "Qubo(3 variables, 1 pairs, 1 groups)"
    assert qubo.names == ("x0", "x1", "x2")
    assert qubo.density == pytest.approx(1 / 3)
    assert not qubo.is_integral
    assert Qubo.from_arrays([1.0, -2.0], offset=0.5).is_integral
    assert qubo.scale == 3.0
    assert Qubo.from_arrays([0.0]).scale == 1.0
    assert Qubo.from_arrays([]).energies(np.zeros((2, 0))).tolist() == [0.0, 0.0]


def test_neighbours_are_symmetric() -> None:
    qubo = Qubo.from_arrays(np.zeros(4), [2, 0, 0], [1, 1, 3], [5.0, 6.0, 7.0])
    start, index, weight = qubo.neighbours()
    lists = [
        list(zip(index[a:b].tolist(), weight[a:b].tolist(), strict=True))
        for a, b in pairwise(start)
    ]
    assert lists == [[(1, 6.0), (3, 7.0)], [(0, 6.0), (2, 5.0)], [(1, 5.0)], [(0, 7.0)]]


@settings(deadline=None, max_examples=40)
@given(coordinates())
def test_flip_costs_are_the_worst_case(data) -> None:
    linear, pairs, offset = data
    row, col, value = (list(part) for part in zip(*pairs, strict=True)) if pairs else ([], [], [])
    qubo = Qubo.from_arrays(linear, row, col, value, offset=offset)
    setting, clearing = qubo.flip_costs()
    bits = all_bits(len(linear))
    for i in range(len(linear)):
        on, off = bits.copy(), bits.copy()
        on[:, i], off[:, i] = 1, 0
        change = qubo.energies(on) - qubo.energies(off)
        assert setting[i] == change.max()
        assert clearing[i] == (-change).max()


# -- groups and penalties ---------------------------------------------------------------------


@settings(deadline=None, max_examples=150)
@given(grouped())
def test_default_penalties_suffice(qubo: Qubo) -> None:
    bits = all_bits(qubo.num_variables)
    kept = qubo.group_violations(bits) == 0
    energies, penalised = qubo.energies(bits), qubo.penalised().energies(bits)
    assert penalised[kept] == pytest.approx(energies[kept])
    if kept.any() and not kept.all():
        # Without the offset, beside which tiny coefficients are lost in rounding.
        plain = replace(qubo, offset=0.0)
        energies, penalised = plain.energies(bits), plain.penalised().energies(bits)
        assert penalised[~kept].min() > energies[kept].min()


def test_penalties_are_as_written() -> None:
    qubo = Qubo.from_arrays([1.0, 2.0, 3.0], groups=[Group((0, 2), 1), Group((1,), 1)])
    assert qubo.penalised(10.0).energy([1, 0, 1]) == 4 + 10 * (1 + 1)
    own = qubo.with_groups([Group((0, 1, 2), 1, weight=7.0)])
    assert own.penalty_weights() == (7.0,)
    assert own.penalised().energy([1, 1, 1]) == 6 + 7 * 4
    assert own.penalised().groups == ()
    assert Qubo.from_arrays([1.0]).penalised(3.0).energy([1]) == 1.0


@pytest.mark.parametrize("weight", [0.0, -1.0, float("nan"), float("inf")])
def test_bad_penalty_weights_are_refused(weight: float) -> None:
    qubo = Qubo.from_arrays([1.0, 2.0], groups=[Group((0, 1), 1)])
    with pytest.raises(UsageError, match="positive and finite"):
        qubo.penalised(weight)


def test_group_violations_are_counted() -> None:
    qubo = Qubo.from_arrays(np.zeros(5), groups=[Group((0, 1, 2), 1), Group((3, 4), 2)])
    samples = [[1, 0, 0, 1, 1], [1, 1, 1, 0, 1], [0, 0, 0, 0, 0]]
    assert qubo.group_violations(samples).tolist() == [0, 3, 3]


# -- as a program -----------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(grouped(5))
def test_to_program_is_the_same_model(qubo: Qubo) -> None:
    lowering = qubo.to_program()
    program = lowering.model
    assert program.sense == "minimise"
    for x in all_bits(qubo.num_variables):
        values = lowering.encode(x)
        assert lowering.objective(program.objective(values)) == pytest.approx(qubo.energy(x))
        assert bool(program.violations(values)) == bool(qubo.group_violations(x)[0])
        back = lowering.decode(values + 1e-7)
        assert back.dtype == np.int8
        assert back.tolist() == x.tolist()


def test_to_program_names() -> None:
    group = Group((1, 0), 1, name="one")
    qubo = Qubo.from_arrays([1.0, 2.0], labels=["a", "b"], groups=[group])
    program = qubo.to_program().model
    assert program.names == ("a", "b")
    assert program.constraints[0].name == "one"
    same = Qubo.from_arrays([1.0, 2.0], labels=["a", "a"]).to_program().model
    assert same.names == ("x0", "x1")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Qubo.from_matrix([[1, 2], [3]]), "no matrix of numbers"),
        (lambda: Qubo.from_matrix([["a"]]), "no matrix of numbers"),
        (lambda: Qubo.from_matrix([[1j]]), "must be real"),
        (lambda: Qubo.from_terms({"ab": 1.0}), "tuples of names.*got 'ab'"),
        (lambda: Qubo.from_dimod(5), "a dimod BinaryQuadraticModel is expected, got int: 5"),
        (lambda: Qubo.from_networkx(5), "a networkx Graph is expected, got int"),
        (lambda: Program.from_dimod(5), "a dimod ConstrainedQuadraticModel is expected"),
        (lambda: Program.from_pulp(5), "a PuLP LpProblem is expected"),
        (lambda: Program.from_qiskit(5), "a qiskit-optimization QuadraticProgram is expected"),
    ],
)
def test_models_of_wrong_types_are_refused_in_words(make, words):
    with pytest.raises((InputError, UsageError), match=words):
        make()
