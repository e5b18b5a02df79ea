import json

import pytest

from qopt.errors import UnknownNameError, UsageError
from qopt.forms import Group
from qopt.problems.generic import QuboProblem
from qopt.solvers.qaoa.mitigate.study import METHODS, mitigation

NOISY = "depolarizing:0.001;0.02;0.03"


@pytest.fixture
def problem(random_qubo):
    return QuboProblem(name="four", qubo=random_qubo(4))


def without_times(table):
    data = table.to_json()
    return [{k: v for k, v in row.items() if k != "seconds"} for row in data["rows"]]


class Watcher:
    def __init__(self):
        self.total, self.titles = 0, []

    def begin(self, title):
        self.titles.append(title)

    def report(self, progress):
        raise AssertionError("nothing reports here")


@pytest.fixture
def study(problem):
    return mitigation(
        problem, device=NOISY, shots=20_000, seeds=3,
        methods=("none", "readout", "readout+zne", "twirling:mitigation_circuits=2", "symmetry"),
    )


def test_the_picture(study):
    raw, readout, both, twirled, symmetry = study.rows
    assert [row.method for row in study.rows] == [
        "raw", "readout", "readout+zne", "twirling", "symmetry",
    ]
    assert (raw.multiplier, readout.multiplier, both.multiplier) == (1.0, 2.0, 4.0)
    assert abs(raw.bias) > abs(readout.bias) > abs(both.bias)
    assert both.rmse < 0.4 * raw.rmse
    # Twirling shows nothing under noise without memory; its Paulis are noisy gates themselves.
    assert twirled.bias == pytest.approx(raw.bias, rel=0.4)
    assert "exactly-k groups" in symmetry.reason
    for row in (raw, readout, both, twirled):
        assert row.mean - study.ideal == pytest.approx(row.bias)
        assert row.rmse >= abs(row.bias) - 1e-12
        assert len(row.values) == 3
        assert row.seconds > 0.0
    assert study.answered
    notes = "\n".join(study.notes)
    assert "twirling turns coherent errors" in notes
    assert "dynamical decoupling is not in the table" in notes
    assert "symmetry: left out" in notes


def test_it_is_written_in_every_way(study):
    text = study.render()
    assert "noiseless mean energy" in text
    assert all(row.method in text for row in study.rows)
    assert json.loads(json.dumps(study.to_json(), allow_nan=False))["seeds"] == 3
    header, *rows = study.to_csv().splitlines()
    assert header.startswith("method,multiplier")
    assert len(rows) == 5
    assert "Error mitigation of four" in study.to_html()


def test_one_seed_one_table_and_a_watcher(problem):
    watcher = Watcher()
    methods = ("none", "readout+pec:mitigation_circuits=3")
    options = {"device": NOISY, "shots": 300, "seeds": 2, "methods": methods}
    first = mitigation(problem, observer=watcher, **options)
    assert without_times(first) == without_times(mitigation(problem, **options))
    assert without_times(first) != without_times(mitigation(problem, seed=1, **options))
    assert (watcher.total, watcher.titles) == (2, ["seed 1", "seed 2"])


def test_groups_are_a_symmetry(random_qubo):
    model = random_qubo(4).with_groups([Group((0, 1, 2, 3), 2)])
    table = mitigation(
        QuboProblem(name="two of four", qubo=model), device="depolarizing:0.002;0.02;0.02",
        shots=5000, seeds=2, mixer="ring", methods=("none", "symmetry", "symmetry+zne"),
    )
    raw, selected, both = table.rows
    assert abs(selected.bias) < abs(raw.bias)
    assert abs(both.bias) < abs(selected.bias)
    assert selected.multiplier == 1.0


def test_a_hopeless_method_is_left_out_with_its_reason(problem):
    table = mitigation(
        problem, device="depolarizing:0;0.3;0", p=3, shots=100, seeds=2, methods=("none", "pec"),
    )
    assert "times the shots" in table.rows[1].reason
    assert table.rows[1].bias is None
    assert table.rows[0].bias is not None


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"device": "statevector"}, UsageError, "no noise"),
        ({"seeds": 1}, UsageError, "seeds must be between 2"),
        ({"methods": ("zne:what=1",)}, UnknownNameError, "what"),
        ({"methods": ("zne:zne_factors=3",)}, UsageError, "ascending from 1"),
        ({"methods": ()}, UsageError, "no mitigation to compare"),
        ({"shots": 0}, UsageError, "shots must be between"),
    ],
)
def test_what_is_refused(problem, options, error, message):
    with pytest.raises(error, match=message):
        mitigation(problem, **{"device": NOISY, "seeds": 2, **options})


def test_every_method_of_the_table_is_known():
    from qopt.solvers.qaoa.mitigate import Choice

    labels = [Choice.parse(method).label for method in METHODS]
    assert labels[0] == "raw"
    assert len(set(labels)) == len(labels)
