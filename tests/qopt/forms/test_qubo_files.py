"""QUBO files: every format there and back, and malformed files."""

import io
import json
from contextlib import suppress
from pathlib import Path

import dimod
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import assert_same_qubo, qubos
from scipy.sparse import coo_array, coo_matrix, save_npz

from qopt.errors import InputError, ParseError, UsageError
from qopt.forms import Group, Qubo, qubo_files
from qopt.forms.qubo_files import dump_qubo, read_qubo, write_qubo
from qopt.forms.qubo_json import ising_to_json, qubo_from_json, qubo_to_json


def back(qubo: Qubo, suffix: str, tmp_path_factory) -> Qubo:
    path = tmp_path_factory.mktemp("files") / f"model{suffix}"
    write_qubo(qubo, path)
    return read_qubo(path)


# -- there and back ---------------------------------------------------------------------------


@settings(deadline=None, max_examples=50)
@given(qubo=qubos())
def test_json(qubo: Qubo) -> None:
    assert_same_qubo(qubo_from_json(qubo_to_json(qubo)), qubo)


@settings(deadline=None, max_examples=40)
@given(qubo=qubos())
def test_ising_json(qubo: Qubo) -> None:
    plain = qubo.penalised()
    again = qubo_from_json(ising_to_json(qubo))
    bits = np.arange(2**qubo.num_variables)[:, None] >> np.arange(qubo.num_variables) & 1
    assert again.energies(bits) == pytest.approx(plain.energies(bits), rel=1e-9, abs=1e-6)
    assert again.labels == plain.labels


@settings(deadline=None, max_examples=40)
@given(qubo=qubos())
def test_bqm(qubo: Qubo, tmp_path_factory) -> None:
    assert_same_qubo(back(qubo, ".bqm", tmp_path_factory), qubo.penalised())


@settings(deadline=None, max_examples=40)
@given(qubo=qubos())
def test_biqmac_and_npz(qubo: Qubo, tmp_path_factory) -> None:
    plain = qubo.penalised()
    unlabelled = Qubo.from_arrays(
        plain.linear, plain.row, plain.col, plain.value, offset=plain.offset
    )
    assert_same_qubo(back(qubo, ".sparse", tmp_path_factory), unlabelled)
    assert_same_qubo(back(qubo, ".npz", tmp_path_factory), unlabelled)


def test_without_a_suffix_the_content_tells(tmp_path: Path) -> None:
    qubo = Qubo.from_arrays([1.0, -2.0], [0], [1], [3.0])
    path = tmp_path / "model"
    for name in ("json", "ising", "bqm", "sparse", "npz"):
        path.write_bytes(dump_qubo(qubo, name))
        assert_same_qubo(read_qubo(path), qubo)
        assert_same_qubo(read_qubo(path, format=name), qubo)


def test_formats_must_be_known(tmp_path: Path) -> None:
    qubo = Qubo.from_arrays([1.0])
    with pytest.raises(UsageError, match="names no format"):
        write_qubo(qubo, tmp_path / "model.txt")
    with pytest.raises(UsageError, match="one of json, ising"):
        read_qubo(tmp_path / "model.txt", format="yaml")
    with pytest.raises(UsageError, match="one of json, ising"):
        dump_qubo(qubo, "yaml")
    with pytest.raises(InputError, match="cannot be read"):
        read_qubo(tmp_path / "missing.bqm")


# -- what is in the files ---------------------------------------------------------------------


def test_json_layout() -> None:
    qubo = Qubo.from_arrays(
        [1.0, 0.0], [0], [1], [2.5], offset=3.0, labels=["a", "b"],
        groups=[Group((0, 1), 1, 6.0, "one")],
    )
    assert json.loads(qubo_to_json(qubo)) == {
        "format": "qopt-qubo",
        "linear": [1.0, 0.0],
        "quadratic": [[0, 1, 2.5]],
        "offset": 3.0,
        "labels": ["a", "b"],
        "groups": [{"members": [0, 1], "size": 1, "name": "one", "weight": 6.0}],
    }
    assert json.loads(ising_to_json(Qubo.from_arrays([2.0, 0.0], [0], [1], [4.0]))) == {
        "format": "qopt-ising", "h": [-2.0, -1.0], "J": [[0, 1, 1.0]], "offset": 2.0,
    }


def test_json_may_leave_out_and_repeat() -> None:
    qubo = qubo_from_json('{"linear": [1, 2], "quadratic": [[1, 0, 2], [0, 1, 3], [0, 0, 4]]}')
    assert_same_qubo(qubo, Qubo.from_arrays([5.0, 2.0], [0], [1], [5.0]))
    assert qubo_from_json('{"h": [1]}').energies([[0], [1]]).tolist() == [1.0, -1.0]


def test_off_diagonal_entries_of_biqmac_count_twice(tmp_path: Path) -> None:
    path = tmp_path / "q.sparse"
    path.write_text("3 4\n1 1 -3\n\n1 2 5\n3 2 -1.5\n3 3 2\n")
    qubo = read_qubo(path)
    assert qubo.linear.tolist() == [-3, 0, 2]
    assert (qubo.row.tolist(), qubo.col.tolist()) == ([0, 1], [1, 2])
    assert qubo.value.tolist() == [10, -3]
    assert dump_qubo(qubo, "sparse") == b"3 4\n1 1 -3\n1 2 5\n2 3 -1.5\n3 3 2\n"


def test_biqmac_keeps_the_offset_behind_the_entries() -> None:
    qubo = Qubo.from_arrays([1.0], offset=-2.5)
    assert dump_qubo(qubo, "sparse") == b"1 1\n1 1 1\n# offset -2.5\n"


def test_npz_counts_each_entry_once(tmp_path: Path) -> None:
    path = tmp_path / "q.npz"
    np.savez(path, i=np.array([0, 2, 2]), j=np.array([0, 1, 1]), q=np.array([4, 5, 6]))
    qubo = read_qubo(path)
    assert_same_qubo(qubo, Qubo.from_arrays([4.0, 0, 0], [1], [2], [11.0]))
    np.savez(path, i=np.array([0]), j=np.array([1]), q=np.array([4.0]), n=5, offset=1.5)
    assert read_qubo(path).num_variables == 5
    assert read_qubo(path).offset == 1.5


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("vartype", ["BINARY", "SPIN"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("names", [["b", "a", "c"], [("t", 1), 2, "x"], [0, 1, 2], [2, 0, 1]])
def test_files_of_dimods_own(version, vartype, dtype, names, tmp_path: Path) -> None:
    u, v, w = names
    bqm = dimod.BinaryQuadraticModel(
        {u: 1.0, v: -2.0, w: 0.25}, {(u, v): 3.0, (w, u): -0.5}, 0.5, vartype, dtype=dtype
    )
    path = tmp_path / "q.bqm"
    path.write_bytes(bqm.to_file(version=version).read())
    qubo = read_qubo(path)
    assert_same_qubo(qubo, Qubo.from_dimod(bqm))
    bits = np.array([1, 0, 1])
    values = bits if vartype == "BINARY" else 2 * bits - 1
    assert qubo.energy(bits) == bqm.energy(dict(zip(bqm.variables, values, strict=True)))


def test_an_empty_file_of_dimods(tmp_path: Path) -> None:
    path = tmp_path / "q.bqm"
    path.write_bytes(dimod.BinaryQuadraticModel("BINARY").to_file().read())
    assert read_qubo(path).num_variables == 0


# -- malformed files --------------------------------------------------------------------------

BAD_SPARSE = [
    ("", None, "empty"),
    ("# only a comment\n", None, "empty"),
    ("3\n", 1, "the first line is n m"),
    ("three 4\n", 1, "the first line is n m"),
    ("0 0\n", 1, "the first line is n m"),
    ("2 -1\n", 1, "the first line is n m"),
    ("999999999 0\n", 1, "more than"),
    ("2 2\n1 1 3\n", 2, "2 entries are announced, 1 are there"),
    ("2 1\n1 1 3\n\n2 2 1\n", 4, "1 entries are announced, 2 are there"),
    ("2 2\n1 1 3\n1 2\n", 3, "an entry is i j v, not '1 2'"),
    ("2 2\n1 1 3\n1 2 3 4\n", 3, "an entry is i j v"),
    ("2 2\n1 1 3\n1 3 1\n", 3, r"'3' is no variable in 1\.\.2"),
    ("2 2\n0 1 3\n1 2 1\n", 2, r"'0' is no variable"),
    ("2 2\n1 1 3\n1.5 2 1\n", 3, r"'1.5' is no variable"),
    ("2 2\n1 1 3\n1 2 x\n", 3, "'x' is not a finite number"),
    ("2 2\n1 1 nan\n1 2 3\n", 2, "'nan' is not a finite number"),
    ("2 2\n1 1 1e999\n1 2 3\n", 2, "'1e999' is not a finite number"),
    ("2 3\n1 2 3\n1 1 1\n2 1 3\n", 4, "pair 2 1 occurs twice"),
    ("1 1\n1 1 1\n# offset many\n", 3, "'many' is not a finite number"),
]

BAD_JSON = [
    ("{", 1, "not JSON"),
    ('{\n "linear": [1,\n}', 3, "not JSON"),
    ("[1, 2]", None, "a JSON object is expected"),
    ("[" * 100_000, None, "nested too deeply"),
    ("{}", None, "'linear' is missing"),
    ('{"format": "qopt-ising"}', None, "'h' is missing"),
    ('{"format": "other", "linear": [1]}', None, "\"format\" is 'other'"),
    ('{"linear": [1], "qadratic": []}', None, "unknown key 'qadratic'"),
    ('{"linear": 3}', None, "'linear' must be a list"),
    ('{"linear": [1, "2"]}', None, "'2' where a number is expected"),
    ('{"linear": [true]}', None, "True where a number is expected"),
    ('{"linear": [NaN]}', None, "nan, which is not a finite number"),
    ('{"linear": [1e999]}', None, "inf, which is not a finite number"),
    ('{"linear": [1], "offset": null}', None, "'offset' has None"),
    ('{"linear": [1], "quadratic": 3}', None, "'quadratic' must be a list"),
    ('{"linear": [1], "quadratic": [[0, 0]]}', None, r"\[0, 0\] where \[i, j, value\]"),
    ('{"linear": [1], "quadratic": [[0, 1, 2]]}', None, r"1 where a variable in 0\.\.0"),
    ('{"linear": [1], "quadratic": [[0, 0.5, 2]]}', None, "0.5 where a variable"),
    ('{"linear": [1], "labels": ["a", "b"]}', None, "2 labels for 1"),
    ('{"linear": [1], "labels": [1]}', None, "'labels' must be a list of texts"),
    ('{"linear": [1], "groups": [3]}', None, "'groups' must be a list of objects"),
    ('{"linear": [1], "groups": [{"size": 1}]}', None, "needs 'members'"),
    ('{"linear": [1], "groups": [{"members": [0]}]}', None, "size None"),
    ('{"linear": [1], "groups": [{"members": [0], "size": 2}]}', None, "exactly 2 of 1"),
    ('{"linear": [1], "groups": [{"members": [4], "size": 1}]}', None, "4 where a variable"),
    ('{"linear": [1], "groups": [{"members": [0], "size": 1, "k": 2}]}', None, "unknown key 'k'"),
    ('{"h": [1, 2], "J": [[1, 1, 3]]}', None, "couples a spin with itself"),
]


@pytest.mark.parametrize(
    ("name", "text", "line", "words"),
    [("bad.sparse", *case) for case in BAD_SPARSE] + [("bad.json", *case) for case in BAD_JSON],
)
def test_malformed_text(name: str, text: str, line: int | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(ParseError, match=words) as caught:
        read_qubo(path)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"{path}:{line}: " if line else f"{path}: ")


def npz(**arrays) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


GOOD = {"i": np.array([0, 1]), "j": np.array([1, 1]), "q": np.array([1.0, 2.0])}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04 and then nothing", "not a .npz file"),
        (npz(**GOOD)[:200], "not a .npz file"),
        (b"plain text", "not a .npz file"),
        (npz(i=GOOD["i"], j=GOOD["j"]), "array 'q' is missing"),
        (npz(**{**GOOD, "q": np.ones(3)}), "same length"),
        (npz(**{**GOOD, "i": np.ones((2, 2), dtype=int)}), "same length"),
        (npz(**{**GOOD, "i": np.array([0.0, 1.0])}), "whole numbers"),
        (npz(**{**GOOD, "q": np.array(["a", "b"])}), "whole numbers, and q numbers"),
        (npz(**{**GOOD, "q": np.array([{}, {}], dtype=object)}), "not a .npz file"),
        (npz(**{**GOOD, "q": np.array([np.nan, 1.0])}), "finite"),
        (npz(**{**GOOD, "i": np.array([-1, 0])}), "indices must lie"),
        (npz(**{**GOOD, "i": np.array([10**12, 0])}), "variables are more than"),
        (npz(**GOOD, n=1), "n is 1, and the indices need 2"),
        (npz(**GOOD, n=np.array([3, 4])), "n must be one finite number"),
        (npz(**GOOD, offset=np.inf), "offset must be one finite number"),
    ],
)
def test_malformed_npz(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.npz"
    path.write_bytes(content)
    with pytest.raises(ParseError, match=words):
        read_qubo(path)


GOOD_BQM = dump_qubo(
    Qubo.from_arrays([1.0, 2.0, 0.5], [0, 1], [1, 2], [3.0, -1.0], labels=["a", "b", "c"]), "bqm"
)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "does not begin with DIMODBQM"),
        (b"nothing of the kind", "does not begin with DIMODBQM"),
        (GOOD_BQM.replace(b"BQM\x02", b"BQM\x09"), "version 9"),
        (GOOD_BQM[:40], "ends within the header"),
        (GOOD_BQM.replace(b'{"dtype"', b'["dtype"'), "no JSON text"),
        (GOOD_BQM.replace(b"float64", b"float16"), "dtype is 'float16'"),
        (GOOD_BQM.replace(b'"BINARY"', b'"TERNAR"'), "vartype is 'TERNAR'"),
        (GOOD_BQM.replace(b"[3, 2]", b"[3,-2]"), "does not fit"),
        (GOOD_BQM.replace(b"[3, 2]", b"[9, 2]"), "neighbourhoods do not fit|truncated|no JSON"),
        (GOOD_BQM.replace(b"[3, 2]", b"[3, 9]"), "truncated"),
        (GOOD_BQM[:-128], "labels are missing|truncated"),
        (GOOD_BQM.replace(b'["a", "b", "c"]', b'["a", "b", 4.5 '), "no JSON text"),
        (GOOD_BQM.replace(b'["a", "b", "c"]', b'["a",  "bc"   ]'), "no list of 3 labels"),
        (GOOD_BQM.replace(b'["a", "b", "c"]', b'["a", "b", "a"]'), "same name"),
        (GOOD_BQM.replace(np.float64(3.0).tobytes(), np.float64(4.0).tobytes(), 1),
         "differs between its two ends"),
        (GOOD_BQM.replace(np.float64(3.0).tobytes(), np.float64(np.nan).tobytes()), "finite"),
    ],
)
def test_malformed_bqm(content: bytes, words: str, tmp_path: Path) -> None:
    assert content != GOOD_BQM
    path = tmp_path / "bad.bqm"
    path.write_bytes(content)
    with pytest.raises(ParseError, match=words):
        read_qubo(path)


@settings(deadline=None, max_examples=250)
@given(
    name=st.sampled_from(["json", "ising", "bqm", "sparse", "npz"]),
    at=st.floats(0, 1), length=st.integers(0, 6),
    junk=st.one_of(st.binary(max_size=6), st.sampled_from([b"nan", b"1e999", b"-", b"[", b"null"])),
)
def test_damage_is_told_and_nothing_worse(name, at, length, junk, tmp_path_factory) -> None:
    model = Qubo.from_arrays(
        [1.0, -2.5, 3.0], [0, 1], [1, 2], [4.0, 5.0], offset=1.5, labels=["a", "b", "c"],
        groups=[Group((0, 1), 1, 2.0, "g")],
    )
    content = bytearray(dump_qubo(model, name))
    start = int(at * len(content))
    content[start : start + length] = junk
    path = tmp_path_factory.mktemp("damaged") / "model"
    path.write_bytes(content)
    with suppress(ParseError):
        assert read_qubo(path, format=name).num_variables >= 0


def test_binary_where_text_is_expected(tmp_path: Path) -> None:
    path = tmp_path / "bad.sparse"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ParseError, match="not text"):
        read_qubo(path)


# -- read only --------------------------------------------------------------------------------


@settings(deadline=None, max_examples=20)
@given(n=st.integers(1, 6), seed=st.integers(0, 99), separator=st.sampled_from([",", "; ", "\t"]))
def test_square_matrices(n: int, seed: int, separator: str, tmp_path_factory) -> None:
    matrix = np.random.default_rng(seed).integers(-4, 5, (n, n)) / 4.0
    folder = tmp_path_factory.mktemp("files")
    np.save(folder / "q.npy", matrix)
    rows = [separator.join(map(repr, row)) for row in matrix.tolist()]
    (folder / "q.csv").write_text("\ufeff# a matrix\n" + "\n\n".join(rows), encoding="utf-8")
    bits = np.arange(2**n)[:, None] >> np.arange(n) & 1
    energies = np.einsum("ki,ij,kj->k", bits, matrix, bits)
    for name in ("q.npy", "q.csv"):
        assert read_qubo(folder / name).energies(bits) == pytest.approx(energies)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3,x\n", r"q\.csv:2: 'x' is not a finite number"),
        ("1,2\n\n3,inf\n", r"q\.csv:3: 'inf' is not a finite number"),
        ("1,2\n3\n", r"q\.csv:2: a row of 1 numbers, and those above have 2"),
        ("1,2\n3,4\n5,6\n", r"q\.csv:3: a square matrix is expected, and this is row 3 of 2"),
        ("1,2,3\n3,4,5\n", r"q\.csv: a square matrix is expected, got shape \(2, 3\)"),
        ("# nothing\n", r"q\.csv: the file holds no matrix"),
    ],
)
def test_a_wrong_matrix_as_text(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text(text)
    with pytest.raises(ParseError, match=message):
        read_qubo(path)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros(3), "got shape"),
        (np.zeros((2, 3)), "got shape"),
        (np.array([[0.0, np.nan], [0.0, 0.0]]), r"entry \[0, 1\] is nan"),
        (np.array([["a"]]), "a matrix of numbers is expected"),
        (np.array([[1j]]), "a matrix of numbers is expected"),
        (None, "not a .npy file"),
    ],
)
def test_a_wrong_matrix_of_numpy(matrix: np.ndarray, message: str, tmp_path: Path) -> None:
    path = tmp_path / "q.npy"
    path.write_bytes(b"\x93NUMPY") if matrix is None else np.save(path, matrix)
    with pytest.raises(ParseError, match=message):
        read_qubo(path)


@pytest.mark.parametrize("format", ["csr", "csc", "coo", "bsr", "dia"])
@pytest.mark.parametrize("dtype", [np.float64, np.int32])
def test_sparse_matrices_of_scipy(format: str, dtype: type, tmp_path: Path) -> None:
    matrix = np.random.default_rng(3).integers(-3, 4, (6, 6)).astype(dtype)
    matrix[2] = 0
    for name, file in (("plain.npz", coo_array(matrix)), ("old.npz", coo_matrix(matrix))):
        save_npz(tmp_path / name, file.asformat(format))
        assert_same_qubo(read_qubo(tmp_path / name), Qubo.from_matrix(matrix.astype(np.float64)))
    save_npz(tmp_path / "empty.npz", coo_array((3, 3)).asformat(format))
    assert read_qubo(tmp_path / "empty.npz").num_variables == 3


CSR = {
    "format": np.bytes_(b"csr"), "shape": np.array([2, 2]), "data": np.array([1.0, 2.0]),
    "indices": np.array([0, 1]), "indptr": np.array([0, 1, 2]),
}
COO = {
    "format": np.bytes_(b"coo"), "shape": np.array([2, 2]), "data": np.array([1.0, 2.0]),
    "row": np.array([0, 1]), "col": np.array([1, 1]),
}


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({**CSR, "shape": np.array([2, 3])}, r"a square matrix is expected, got shape \(2, 3\)"),
        ({**CSR, "data": np.array([1.0, np.inf])}, r"entry \[1, 1\] is inf"),
        ({**CSR, "data": np.array([1j, 1.0])}, "a matrix of numbers is expected"),
        ({**CSR, "data": np.array([{}, 1], dtype=object)}, "not a file of scipy.sparse.save_npz"),
        ({**CSR, "indices": np.array([0, 7])}, "not a file of scipy.sparse.save_npz"),
        ({**CSR, "indptr": np.array([0, 9, 2])}, "not a file of scipy.sparse.save_npz"),
        ({**CSR, "indptr": np.array([0, 1, 9])}, "not a file of scipy.sparse.save_npz"),
        ({**CSR, "format": np.bytes_(b"lil")}, "not a file of scipy.sparse.save_npz"),
        ({"format": np.bytes_(b"csr")}, "not a file of scipy.sparse.save_npz"),
        ({**COO, "row": np.array([0, -1])}, "not a file of scipy.sparse.save_npz"),
        ({**COO, "row": np.array([0, 5])}, "not a file of scipy.sparse.save_npz"),
        ({**COO, "row": np.array([0])}, "not a file of scipy.sparse.save_npz"),
        ({**COO, "shape": np.array([10**12, 10**12])}, "variables are more than"),
    ],
)
def test_a_wrong_sparse_matrix(arrays: dict[str, np.ndarray], words: str, tmp_path: Path) -> None:
    path = tmp_path / "q.npz"
    path.write_bytes(npz(**arrays))
    with pytest.raises(ParseError, match=words) as caught:
        read_qubo(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_arrays_that_unfold_without_end_are_not_read(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(qubo_files, "_MOST_BYTES", 10_000)
    path = tmp_path / "q.npz"
    np.savez_compressed(path, **{**GOOD, "q": np.zeros(10_000)})
    assert path.stat().st_size < 10_000
    with pytest.raises(ParseError, match="at most 10000"):
        read_qubo(path)


@pytest.mark.parametrize("vartype", ["BINARY", "SPIN"])
def test_the_json_of_dimod(vartype: str, tmp_path: Path) -> None:
    pairs = {("a", ("t", 1)): -3.0, ("a", 3): 2.0}
    bqm = dimod.BinaryQuadraticModel({"a": 1.0, ("t", 1): 2.0, 3: -0.5}, pairs, 0.5, vartype)
    path = tmp_path / "model.json"
    path.write_text(json.dumps(bqm.to_serializable(), sort_keys=vartype == "SPIN"))
    assert_same_qubo(read_qubo(path), Qubo.from_dimod(bqm))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variable_type": "INTEGER"}, "'variable_type' is 'INTEGER'"),
        ({"use_bytes": True}, "use_bytes=False"),
        ({"offset": None}, "'offset' has None where a number is expected"),
        ({"linear_biases": [1.0, "x"]}, "'linear_biases' has 'x'"),
        ({"quadratic_head": [7]}, r"'quadratic_head' has 7 where a variable in 0..1 is expected"),
        ({"quadratic_tail": []}, "'quadratic_tail' must be a list of 1 variables"),
        ({"quadratic_head": [1], "quadratic_tail": [1]}, "couple a variable with itself"),
        ({"variable_labels": ["a"]}, "'variable_labels' must be a list of 2 labels"),
    ],
)
def test_wrong_json_of_dimod(change: dict, message: str) -> None:
    bqm = dimod.BinaryQuadraticModel({"a": 1.0, "b": 2.0}, {("a", "b"): -3.0}, 0.5, "SPIN")
    with pytest.raises(ParseError, match=message):
        qubo_from_json(json.dumps({**bqm.to_serializable(), **change}))
    data = bqm.to_serializable()
    del data["offset"]
    with pytest.raises(ParseError, match="the key 'offset' is missing"):
        qubo_from_json(json.dumps(data))
