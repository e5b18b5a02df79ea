"""Settings, files and answers of a portfolio."""

import pickle
from pathlib import Path

import numpy as np
import pytest

import qopt
from qopt.errors import InputError, ParseError, UnknownNameError, UsageError
from qopt.problem import Problem, fingerprint
from qopt.problems.portfolio import Moments, Portfolio

DATA = Path(__file__).parent.parent / "data" / "portfolio"
ASSETS = tuple("ABCD")


def portfolio(**chosen):
    mean = np.array([0.1, 0.2, 0.3, 0.4])
    covariance = np.diag([1.0, 2.0, 3.0, 4.0]) + 0.5
    return Portfolio(name="p", moments=Moments(ASSETS, mean, covariance), **chosen)


SECTORS = {"A": "Energy", "B": "Energy", "C": "Energy", "D": "Health Care"}


# -- files ----------------------------------------------------------------------------------------


def test_port_file():
    problem = qopt.load(DATA / "port_crlf_tabs.txt", select="2", risk="0.9")
    assert isinstance(problem, Problem)
    assert problem.assets == ("asset1", "asset2", "asset3")
    sd = np.array([0.043208, 0.040258, 0.041342])
    rho = np.array([[1.0, 0.562289, -0.125], [0.562289, 1.0, 0.5], [-0.125, 0.5, 1.0]])
    assert np.allclose(problem.moments.covariance, rho * np.outer(sd, sd), rtol=1e-12)
    w = np.array([0.5, 0.0, 0.5])
    expected = 0.9 * w @ (rho * np.outer(sd, sd)) @ w - 0.1 * (0.001309 + 0.001487) / 2
    assert problem.score([1, 0, 1]).objective == pytest.approx(expected, rel=1e-12)


def test_price_file_with_everything():
    problem = qopt.load(
        DATA / "prices_wide.csv", budget=4, max_lots=3, missing="forward-fill", lookback=2,
        periods_per_year=52,
    )
    returns = np.array([[0.1, 0.0], [120 / 110 - 1, 0.25]])
    assert np.allclose(problem.moments.mean, 52 * returns.mean(axis=0))
    assert np.allclose(problem.moments.covariance, 52 * np.cov(returns.T))
    facts = problem.describe()
    assert facts["unit"] == "per year of 52 periods"
    assert facts["from"] == "2020-01-10"
    assert "carried forward: 2 values" in facts["missing values"]


def test_the_default_rule_for_missing_values_is_told():
    facts = qopt.load(DATA / "prices_long.tsv", select=1, assets="A").describe()
    assert facts["missing values"] == "dates without a price of every asset are left out: 0 of 4"
    assert facts["unit"] == "per period of the data"


def test_returns_file(tmp_path):
    file = tmp_path / "returns.csv"
    file.write_text("date,A,B\n2020-01-01,.1,.2\n2020-01-02,-.1,.4\n")
    problem = qopt.load(file, select=1, values="returns")
    assert problem.moments.mean.tolist() == pytest.approx([0.0, 0.3])
    with pytest.raises(ParseError, match="values=returns"):
        qopt.load(file, select=1)


def test_means_with_a_covariance_file_in_another_order():
    problem = qopt.load(DATA / "means.csv", select=1, covariance="covariance.csv")
    assert problem.assets == ("A", "B")
    assert problem.moments.covariance.tolist() == [[0.04, 0.001], [0.001, 0.09]]


def test_a_second_file_is_also_found_from_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "mine.csv").write_text("1,0\n0,1\n")
    monkeypatch.chdir(tmp_path)
    problem = qopt.load(DATA / "means.csv", select=1, covariance="mine.csv")
    assert problem.moments.covariance.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_sectors_from_a_file_and_from_toml(tmp_path):
    from_file = qopt.load(
        DATA / "prices_long.tsv", select=1, sectors="sectors.csv", sector_max_assets=1
    )
    toml = tmp_path / "p.toml"
    toml.write_text(
        f'kind = "portfolio"\ndata = "{DATA / "prices_long.tsv"}"\nselect = 1\n'
        '[sectors]\nA = "Energy"\nB = "Health Care"\n[sector_max_assets]\nEnergy = 1\n'
        '"Health Care" = 1\n'
    )
    assert fingerprint(from_file) == fingerprint(qopt.load(toml))
    as_text = qopt.load(
        DATA / "prices_long.tsv", select=1, sectors="A=Energy;B=Health Care",
        sector_max_assets="Energy=1;Health Care=1",
    )
    assert fingerprint(from_file) == fingerprint(as_text)


def test_assets_are_chosen_before_gaps_are_looked_at():
    problem = qopt.load(DATA / "prices_wide.csv", select=1, assets="AAPL;")
    assert problem.moments.facts["observations"] == 3
    assert qopt.load(DATA / "prices_wide.csv", select=1, assets=1).assets == ("AAPL",)


@pytest.mark.parametrize(
    ("file", "chosen", "fault", "words"),
    [
        ("prices_long.tsv", {}, UsageError, r"needs select=K .* or budget=B"),
        ("prices_long.tsv", {"select": 1, "max_assets": 2}, UsageError, "give one"),
        ("prices_long.tsv", {"select": 3}, InputError, "more assets than the 2"),
        ("prices_long.tsv", {"select": 0}, UsageError, "select=0 is no portfolio"),
        ("prices_long.tsv", {"select": 10**30}, UsageError, "between 1 and 1000000000"),
        ("prices_long.tsv", {"budget": 10**30}, UsageError, "between 1 and 1000000000"),
        ("prices_long.tsv", {"select": -1}, UsageError, "select=-1 is no portfolio"),
        ("prices_long.tsv", {"select": 1, "risk": 1.5}, UsageError, r"risk=1\.5 is not between"),
        ("prices_long.tsv", {"select": "many"}, UsageError, "must be a whole number"),
        ("prices_long.tsv", {"select": 1, "max_lots": 2}, UsageError, "goes with budget"),
        ("prices_long.tsv", {"budget": 2, "max_lots": 0}, UsageError, "max_lots=0"),
        ("prices_long.tsv", {"budget": 5, "max_lots": 2}, InputError, "room for 4 lots"),
        ("prices_long.tsv", {"select": 1, "selct": 1}, UnknownNameError, "'select'"),
        ("prices_long.tsv", {"select": 1, "assets": "AAA"}, UnknownNameError, "asset 'AAA'"),
        ("prices_long.tsv", {"select": 1, "assets": 3}, InputError, "between 1 and the 2"),
        ("prices_long.tsv", {"select": 1, "assets": ()}, UsageError, "assets names none"),
        ("prices_long.tsv", {"select": 1, "hold": "C"}, UnknownNameError, "asset 'C'"),
        ("prices_long.tsv", {"select": 1, "covariance": "c.csv"}, UsageError, "table of means"),
        ("prices_long.tsv", {"select": 1, "sectors": "no.csv"}, InputError, "no such file"),
        ("prices_long.tsv", {"select": 1, "lookback": 9}, InputError, r"long\.tsv: lookback"),
        ("prices_long.tsv", {"select": 1, "missing": "error"}, InputError, "B on 2020-03"),
        ("prices_long.tsv", {"select": 1, "periods_per_year": 0}, UsageError, "not above 0"),
        ("means.csv", {"select": 1}, UsageError, "covariance="),
        ("means.csv", {"select": 1, "covariance": "sectors.csv"}, ParseError, "none of the"),
        ("means.csv", {"select": 1, "covariance": "covariance.csv", "lookback": 3}, UsageError,
         "lookback goes with prices or returns"),
        ("port_crlf_tabs.txt", {"select": 1, "missing": "forward-fill"}, UsageError,
         "missing goes with prices"),
        ("port_crlf_tabs.txt", {"select": 1, "covariance": "covariance.csv"}, UsageError,
         "covariance goes with a table of means"),
        ("port_crlf_tabs.txt", {"select": 1, "correlation": "risk.csv"}, UsageError,
         "correlation goes with a table mean,deviation"),
        ("port_crlf_tabs.txt", {"select": 1, "estimator": "oas"}, UsageError,
         "estimator goes with prices or returns"),
        ("prices_long.tsv", {"select": 1, "index": "C"}, UnknownNameError, "index 'C'"),
        ("prices_long.tsv", {"select": 1, "halflife": 3}, UsageError, "goes with estimator=ewma"),
        ("prices_long.tsv", {"select": 1, "estimator": "ewma"}, UsageError, "needs halflife="),
        ("prices_long.tsv", {"select": 1, "estimator": "ewma", "halflife": -1}, UsageError,
         "halflife=-1 is not above 0"),
        ("prices_long.tsv", {"select": 1, "estimator": "ewma", "halflife": 0.01}, InputError,
         r"long\.tsv: halflife=0\.01 leaves the weight of one return"),
        ("prices_long.tsv", {"select": 1, "estimator": "mean"}, UnknownNameError,
         "unknown estimator 'mean'"),
        ("covariance.csv", {"select": 1}, InputError, "is a covariance matrix"),
    ],
)
def test_refused_settings(file, chosen, fault, words):
    with pytest.raises(fault, match=words) as caught:
        qopt.load(DATA / file, **chosen)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (",A\nA,1\n", "no covariance of B"),
        (",A,B,C\nA,1,0,0\nB,0,1,0\nC,0,0,1\n", "no mean of C"),
        ("1,0,0\n0,1,0\n0,0,1\n", "has 3 columns"),
        ("1,2\n2,1\n", r"cov\.csv: covariance 2 of A and B"),
        ("-1,0\n0,1\n", r"cov\.csv: variance of A is -1"),
    ],
)
def test_refused_covariances_name_their_file(tmp_path, text, words):
    (tmp_path / "means.csv").write_text("asset,mean\nA,1\nB,2\n")
    (tmp_path / "cov.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        qopt.load(tmp_path / "means.csv", select=1, covariance="cov.csv")


def test_an_indefinite_port_file_is_named(tmp_path):
    file = tmp_path / "port9.txt"
    file.write_text("3\n.1 .2\n.1 .2\n.1 .2\n1 2 .9\n1 3 -.9\n2 3 .9\n")
    with pytest.raises(InputError, match=r"port9\.txt: .* not positive semi-definite"):
        qopt.load(file, select=1)


def test_a_frontier_file_is_explained():
    with pytest.raises(ParseError, match="lists the frontier"):
        qopt.load(DATA / "bad" / "portef.txt", select=1)


def test_any_other_text_file_is_refused(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("hello\n")
    with pytest.raises(ParseError, match=r"notes\.txt:1: the number of assets was expected"):
        qopt.load(file, kind="portfolio", select=1)


@pytest.mark.parametrize(
    ("chosen", "fault", "words"),
    [
        ({"select": 2, "hold": ("A",), "exclude": ("A",)}, InputError, "both hold and exclude"),
        ({"select": 1, "hold": ("A", "B")}, InputError, "hold names 2 assets"),
        ({"select": 3, "exclude": ("A", "B")}, InputError, "room for 2 assets"),
        ({"select": 2, "sectors": SECTORS}, UsageError, "sectors without a cap"),
        ({"select": 2, "sector_max_assets": 1}, UsageError, "sector caps need sectors"),
        ({"select": 3, "sectors": SECTORS, "sector_max_assets": 1}, InputError,
         "room for 2 assets at most"),
        ({"select": 2, "sectors": SECTORS, "sector_max_assets": {"Enrgy": 1}}, UnknownNameError,
         "'Energy'"),
        ({"select": 2, "sectors": SECTORS, "sector_max_assets": -1}, UsageError, "0 or more"),
        ({"select": 2, "sectors": SECTORS, "sector_max_weight": 1.5}, UsageError, "between 0 and"),
        ({"select": 2, "sectors": {"A": "x"}, "sector_max_assets": 1}, InputError,
         "asset B has no sector"),
        ({"select": 3, "sectors": SECTORS, "sector_max_assets": 1, "hold": ("A", "B")}, InputError,
         "sector Energy: 2 assets to hold, the cap is 1"),
        ({"budget": 4, "sectors": SECTORS, "sector_max_weight": 0.25, "hold": ("A", "B")},
         InputError, "cap of weight 0.25 leaves 1 of 4"),
        ({"budget": 10, "sectors": SECTORS, "sector_max_weight": 0.4}, InputError,
         "room for 8 lots"),
    ],
)
def test_refused_limits(chosen, fault, words):
    with pytest.raises(fault, match=words):
        portfolio(**chosen)


# -- answers --------------------------------------------------------------------------------------


def texts(problem, lots):
    return {v.text: v.amount for v in problem.score(np.array(lots)).violations}


def test_violations_of_a_selection():
    problem = portfolio(
        select=3, hold=("A",), exclude=("D",), sectors=SECTORS,
        sector_max_assets={"Energy": 3, "Health Care": 0},
    )
    assert texts(problem, [1, 1, 1, 0]) == {}
    assert texts(problem, [0, 1, 1, 0]) == {
        "2 assets selected, exactly 3 asked": 1.0, "A must be held and is not": 1.0
    }
    assert texts(problem, [1, 2, 0, 1]) == {
        "4 assets selected, exactly 3 asked": 1.0,
        "B selected 2 times, once at most": 1.0,
        "D is excluded and held": 1.0,
        "sector Health Care: 1 asset over cap 0": 1.0,
    }


def test_violations_of_lots():
    problem = portfolio(
        budget=10, max_lots=5, sectors=SECTORS, sector_max_weight=0.6, sector_max_assets=2
    )
    assert texts(problem, [3, 3, 0, 4]) == {}
    found = texts(problem, [6, 1, 1, -1])
    assert found.pop("sector Energy: weight 0.8 over cap 0.6") == pytest.approx(0.2)
    assert found == {
        "7 lots bought, exactly 10 asked": 3.0,
        "A: 6 lots over the limit of 5": 1.0,
        "D: -1 lots, a portfolio holds none short": 1.0,
        "sector Energy: 3 assets over cap 2": 1.0,
    }


def test_a_cap_of_weight_counts_lots_without_rounding_down():
    problem = portfolio(budget=10, sectors=SECTORS, sector_max_weight={"Energy": 0.3})
    assert texts(problem, [1, 1, 1, 7]) == {}
    assert len(texts(problem, [2, 1, 1, 6])) == 1


def test_figures_of_an_answer():
    problem = portfolio(budget=4, risk=0.75)
    lots = np.array([1, 0, 0, 3])
    assert problem.weights(lots).tolist() == [0.25, 0.0, 0.0, 0.75]
    assert problem.expected_return(lots) == pytest.approx(0.25 * 0.1 + 0.75 * 0.4)
    assert problem.variance(lots) == pytest.approx(0.0625 * 1 + 0.5625 * 4 + 0.5)
    assert problem.score(lots).objective == pytest.approx(0.75 * 2.8125 - 0.25 * 0.325)
    assert problem.to_csv(lots) == "asset,lots,weight\nA,1,0.25\nD,3,0.75\n"


def test_answers_as_json():
    problem = portfolio(budget=4)
    assert problem.encode_answer([1, 0, 0, 3]) == {"A": 1, "D": 3}
    assert problem.decode_answer({"D": 3, "A": 1}).tolist() == [1, 0, 0, 3]
    for bad, fault in (
        ({"Z": 1}, UnknownNameError), ({"A": 1.5}, InputError), ({"A": True}, InputError),
        ({"A": 10**30}, InputError), (["A"], InputError),
    ):
        with pytest.raises(fault):
            problem.decode_answer(bad)


@pytest.mark.parametrize("answer", [[1, 0, 0], [0.5, 0.5, 0, 0], [1, np.nan, 0, 0], [[1, 0, 0, 1]]])
def test_what_is_no_answer(answer):
    with pytest.raises(UsageError):
        portfolio(select=2).score(answer)


def test_fingerprint_tells_instances_apart_and_nothing_else():
    base = portfolio(select=2)
    assert fingerprint(pickle.loads(pickle.dumps(base))) == fingerprint(base)
    assert fingerprint(portfolio(budget=2, max_lots=1)) == fingerprint(base)
    others = [
        portfolio(select=3), portfolio(select=2, risk=0.6), portfolio(budget=2),
        portfolio(select=2, hold=("A",)), portfolio(select=2, exclude=("A",)),
        portfolio(select=2, sectors=SECTORS, sector_max_assets=1),
        portfolio(select=2, sectors=SECTORS, sector_max_weight=0.5),
    ]
    # One of two by count is half by weight; as limits on lots they are told apart all the same.
    assert len({fingerprint(p) for p in [base, *others]}) == 1 + len(others)


def test_a_short_summary():
    assert repr(portfolio(select=2)) == "Portfolio(p: exactly 2 of 4 assets, risk 0.5)"
    assert repr(portfolio(budget=7)) == "Portfolio(p: 7 lots of 4 assets, risk 0.5)"


def test_describe_names_every_setting():
    facts = portfolio(
        budget=4, hold=("A",), exclude=("B",), sectors=SECTORS, sector_max_weight={"Energy": 0.5}
    ).describe()
    assert facts["budget"] == 4
    assert facts["max lots"] == 4
    assert facts["hold"] == ["A"]
    assert facts["exclude"] == ["B"]
    assert facts["sector caps"] == ["Energy: weight 0.5 at most (2 lots)"]


def test_an_index_column_is_the_benchmark_and_no_asset(tmp_path):
    file = tmp_path / "track.csv"
    file.write_text("TRACK,Index,S1,S2\nT1,100,10,5\nT2,110,11,5\nT3,99,,4\nT4,99,11,6\n")
    problem = qopt.load(file, index="Index", select=1)
    assert problem.assets == ("S1", "S2")
    history = problem.moments.history
    assert problem.describe()["index"] == "Index"
    assert history.times == ("T2", "T4")
    assert history.benchmark == pytest.approx([0.1, -0.1])
    file.write_text("TRACK,Index,S1,S2\nT1,100,10,5\nT2,110,11,5\nT4,99,11,6\n")
    assert fingerprint(qopt.load(file, index="Index", select=1)) == fingerprint(problem)
    file.write_text("TRACK,S1,S2\nT1,10,5\nT2,11,5\nT4,11,6\n")
    assert fingerprint(qopt.load(file, select=1)) == fingerprint(problem)
    first = qopt.load(file, index="S2", select=1, assets=1)
    assert first.assets == ("S1",)
    with pytest.raises(UnknownNameError, match="asset 'S2'"):
        qopt.load(file, index="S2", select=1, assets="S2")
    file.write_text("TRACK,Index\nT1,100\nT2,110\nT3,99\n")
    with pytest.raises(InputError, match="at least one asset"):
        qopt.load(file, index="Index", select=1, kind="portfolio")


@pytest.mark.parametrize("setting", ["values", "missing"])
def test_a_rule_that_there_is_not_is_refused_by_the_class_itself(setting):
    with pytest.raises(UsageError, match=f"{setting}='guess' is none of"):
        Portfolio.load(DATA / "prices_wide.csv", select=1, **{setting: "guess"})
