"""``qopt estimate`` and the limits of runs, through the real command line."""

import json

import pytest
from command_line import one_line_error, qopt

NOISY = "depolarizing:0.001;0.01;0.02"


def test_estimates_stand_side_by_side_for_people_and_programs():
    arguments = ("estimate", "cubic-14", "--solver", "qaoa:p=2", "--device", NOISY)
    shown = qopt(*arguments).stdout
    assert shown.startswith("cubic-14 by qaoa:p=2\n")
    for words in ("two-qubit gates, before and after", "42 -> 42", "not sold", "No circuit"):
        assert words in shown
    more = ("--device", "aer:manila", "--device", "aer:torino", "--classical", "--json")
    data = json.loads(qopt(*arguments, *more).stdout)
    noisy, manila, torino = data["devices"]
    assert data["classical"]["objective"] == 18
    assert torino["two_qubit_gates"]["before"] == noisy["two_qubit_gates"]["after"] == 42
    assert 0.0 < torino["optimum"]["a_shot"] < torino["optimum"]["noiseless"]
    assert torino["to_optimum"]["amount"] > 3.2
    assert torino["prices"][0]["confidence"] == "second-hand"
    assert noisy["run"]["amount"] == 0.0
    assert noisy["run"]["device_seconds"] is None
    assert "5 qubits" in manila["reason"]


def test_a_price_that_is_unknown_is_not_nothing(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(
        '[[price]]\nprovider = "Acme"\ndevice = "ibm"\nsku = "acme"\nunit = "QPU second"\n'
        'currency = "USD"\nsource = "ours"\nconfidence = "first-hand"\ncharged = true\n'
    )
    data = json.loads(
        qopt("compare", "cubic-14", "--solver", "qaoa:device=aer:torino", "--seeds", 1, "--prices",
             own, "--max-cost", "100USD", "--json", code=10).stdout
    )
    assert data["instances"][0]["rows"][0]["unsupported"] == 1
    assert "the amount of acme is unknown" in json.dumps(data)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--max-cost", "-1"), 2, "a limit of money must be an amount above 0 such as 5USD"),
        (("--max-cost", "lots"), 2, "got 'lots'"),
        (("--max-cost", "5EUR"), 2, "prices are in USD, and a limit in EUR cannot be held"),
        (("--max-shots", "0"), 2, "0 is not in the range x>=1"),
        (("--max-shots", "99"), 13, "100 shots of 1 circuit on statevector: more than max-shots"),
    ],
)
def test_bad_limits_and_refusals_are_one_line(arguments, code, words):
    solver = ("--solver", "qaoa:shots=100")
    assert words in one_line_error("solve", "cubic-14", *solver, *arguments, code=code)


def test_a_comparison_has_a_row_for_what_a_limit_refused():
    line_up = ("--solver", "qaoa:shots=100", "--solver", "exact", "--seeds", 1)
    done = qopt("compare", "cubic-14", *line_up, "--max-shots", 99)
    assert "100 shots of 1 circuit on statevector: more than max-shots 99" in done.stdout
    assert "refused" in done.stdout
    assert "EUR" in one_line_error("compare", "cubic-14", *line_up, "--max-cost", "5EUR", code=2)


def test_a_real_device_s_price_is_held_against_the_limit():
    solver = ("--solver", "qaoa:device=aer:torino,compile_tries=1,shots=100,trajectories=1")
    data = json.loads(
        qopt("solve", "cubic-14", *solver, "--max-cost", "4USD", "--max-shots", 100,
             "--json").stdout
    )
    assert data["limits"] == {"max_cost": "4 USD", "max_shots": 100, "acted": False}
    paid = sum(line["amount"] for line in data["cost"])
    assert 3.2 < paid < 4.0


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--device", "aer:tornio"), 2, "did you mean 'aer:torino'"),
        (("--device", "aer:manila"), 4, "takes at most 5 qubits"),
        (("--solver", "sa"), 5, "solver 'sa' cannot be estimated before it runs; take qaoa"),
        (("--solver", "qaoa:device=statevector", "--device", "mps"), 2, "drop one"),
        (("--prices", "nowhere.toml"), 2, "nowhere.toml"),
    ],
)
def test_what_cannot_be_estimated_is_one_line(arguments, code, words):
    assert words in one_line_error("estimate", "cubic-14", *arguments, code=code)
