"""Low autocorrelation binary sequences against enumeration."""

from itertools import product

import numpy as np
import pytest
from lowerings import check_lowerings

import qopt
from qopt.errors import InputError, ParseError, SizeError, UsageError
from qopt.forms import Program, Qubo, Table
from qopt.problems.formats import labs as files
from qopt.problems.labs import OPTIMA, Labs

BARKER = "+++++--++-+-+"


def energy(bits):
    """By the definition."""
    z = [1 - 2 * int(b) for b in bits]
    n = len(z)
    return sum(sum(z[i] * z[i + k] for i in range(n - k)) ** 2 for k in range(1, n))


def least_energy(n):
    """Over all sequences that begin with two positive signs, by arrays."""
    free = np.arange(2 ** (n - 2))
    z = np.ones((n, len(free)), dtype=np.int8)
    for i in range(2, n):
        z[i] = 1 - 2 * (free >> (i - 2) & 1)
    total = np.zeros(len(free), dtype=np.int32)
    for k in range(1, n):
        total += (z[:-k] * z[k:]).sum(axis=0, dtype=np.int32) ** 2
    return int(total.min())


@pytest.mark.parametrize("n", range(3, 9))
def test_every_model_finds_the_least_energy(n):
    every = [np.array(x, dtype=np.int8) for x in product((0, 1), repeat=n)]
    problem = Labs(name="l", length=n)
    assert [problem.score(x).objective for x in every] == [energy(x) for x in every]
    assert {energy(x) for x in every if not x[0] and not x[1]} == {energy(x) for x in every}
    lowerings = [problem.to_qubo(), problem.to_program(), problem.to_table(),
                 problem.to_table(symmetry=False)]
    for x in every:
        for lowering in lowerings:
            value = lowering.encode(x)
            model = lowering.model
            program = isinstance(model, Program)
            found = model.objective(value) if program else model.energy(value)
            assert found == energy(x) == energy(lowering.decode(value))
            assert not program or not model.violations(value)
    check_lowerings(problem, [x for x in every if not x[0] and not x[1]])
    assert qopt.solve(problem, "cpsat").objective == problem.reference.value


@pytest.mark.parametrize("n", range(3, 21))
def test_the_optima_of_the_literature(n):
    assert OPTIMA[n - 3] == least_energy(n)


def test_merit_factors_of_the_literature():
    assert len(OPTIMA) == 64
    known = {27: 9.85, 32: 8.00, 40: 7.41, 51: 8.50, 60: 8.26, 61: 8.23, 62: 8.18, 63: 9.59,
             64: 9.85, 65: 8.80, 66: 8.47}
    for n, merit in known.items():
        assert n**2 / (2 * OPTIMA[n - 3]) == pytest.approx(merit, abs=0.005)


@pytest.mark.parametrize("n", range(3, 67))
def test_optima_are_sums_of_such_squares(n):
    """A correlation of an odd number of terms is odd, its square 1 modulo 4; others are even."""
    odd = sum((n - k) % 2 for k in range(1, n))
    assert (OPTIMA[n - 3] - odd) % 4 == 0


@pytest.mark.parametrize("n", [9, 12, 16])
def test_wrong_products_gain_nothing(n):
    problem = Labs(name="l", length=n)
    lowering = problem.to_qubo()
    rng = np.random.default_rng(n)
    samples = rng.integers(0, 2, (3000, lowering.model.num_variables), dtype=np.int8)
    samples[:, n - 2 :] = rng.random(samples[:, n - 2 :].shape) < rng.random((3000, 1))
    values = lowering.model.energies(samples)
    true = [energy(lowering.decode(sample)) for sample in samples]
    assert (values >= true).all()


def test_how_many_bits_there_are():
    sizes = {n: Labs(name="l", length=n).lower(Qubo).model.num_variables for n in (4, 8, 16, 24)}
    assert sizes == {4: 3, 8: 16, 16: 73, 24: 173}
    assert "14 for signs" in Labs(name="l", length=16).lower(Qubo).notes[0]
    assert Labs(name="l", length=16).describe()["terms_of_degree_four"] == len(
        Labs(name="l", length=16)._quadruples
    )


def test_the_barker_sequence():
    problem = Labs(name="l", length=13)
    answer = problem.decode_answer(BARKER)
    assert problem.score(answer).objective == 6
    assert problem.insight(answer) == {
        "merit factor": pytest.approx(14.083, abs=1e-3), "largest correlation": 1
    }
    assert problem.encode_answer(answer) == BARKER
    assert problem.decode_answer("0" * 13).tolist() == [0] * 13
    assert [v.text for v in problem.score([0.5] + [0] * 12).violations] == ["bit 1 is undecided"]
    with pytest.raises(UsageError, match="one bit for each of 13 signs"):
        problem.score([0])


def test_long_sequences_are_scored_and_not_modelled():
    problem = Labs(name="l", length=1000)
    assert problem.score(np.zeros(1000)).objective == sum(k**2 for k in range(1, 1000))
    assert problem.reference is None
    for form in (Qubo, Program, Table):
        with pytest.raises(SizeError, match="at most 200 signs"):
            problem.lower(form)
    with pytest.raises(InputError, match="3 to 10000 signs, got 2"):
        Labs(name="l", length=2)


def test_tables_are_given_up_to_their_largest_size():
    assert Labs(name="l", length=20).lower(Table).model.values.min() == OPTIMA[17]
    with pytest.raises(SizeError, match="at most 26 signs, the model has 27"):
        Labs(name="l", length=27).lower(Table)
    with pytest.raises(SizeError, match="at most 24 signs, the model has 25"):
        Labs(name="l", length=25).lower(Table, symmetry=False)


def test_circuits_are_simulated_on_the_table():
    problem = Labs(name="l", length=8)
    solution = qopt.solve(problem, "qaoa:p=2,shots=200,form=table", seed=1)
    assert solution.objective == 8
    assert solution.record.usage.qubits == 6


def load(tmp_path, name, text, **given):
    path = tmp_path / name
    path.write_bytes(text.encode())
    return qopt.load(path, **given)


def test_files(tmp_path):
    problem = load(tmp_path, "labs012.dat", "12\r\n")
    assert (problem.kind, problem.name, problem.length) == ("labs", "labs012", 12)
    assert problem.reference.proven
    assert load(tmp_path, "x.txt", "# length\n7\n", kind="labs").length == 7
    longer = load(tmp_path, "labs012", "12", length=14)
    assert (longer.name, longer.length) == ("labs014", 14)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("7\n8\n", 2, "goes on with '8'"),
        ("seven\n", 1, "must be a whole number, got 'seven'"),
        ("1e1\n", 1, "must be a whole number, got '1e1'"),
        ("-7\n", 1, "between 3 and 10000, got -7"),
        ("2\n", 1, "between 3 and 10000"),
        ("\n", None, "the file ends before the length"),
    ],
)
def test_faults_are_named_with_their_line(tmp_path, text, line, said):
    with pytest.raises(ParseError, match=said) as fault:
        load(tmp_path, "l.txt", text, kind="labs")
    assert fault.value.line == line


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [("labs003", "3\n", True), ("LABS_60.txt", "60", True), ("labs003.lp", "3\n", False),
     ("labs003.dat", "3 4\n", False), ("seven.txt", "7\n", False), ("labs.txt", "7\n", False)],
)
def test_only_named_files_are_recognised(name, head, expected):
    assert files.recognises(name, head) is expected
