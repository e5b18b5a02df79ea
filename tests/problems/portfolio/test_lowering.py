"""Everything small is enumerated: lowered optima are true optima, and energies are objectives."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qopt.errors import InputError, SizeError, UnknownNameError, UnsupportedError, UsageError
from qopt.forms import Program, Qubo, Routing
from qopt.problems.portfolio import Moments, Portfolio

NAMES = ("A", "B", "C", "D", "E")


def moments(n, seed):
    rng = np.random.default_rng(seed)
    spread = rng.normal(size=(n, n + 2))
    return Moments(NAMES[:n], rng.normal(0.0, 0.01, n), 1e-4 * spread @ spread.T)


@st.composite
def cases(draw):
    """Moments and settings, which may well be impossible to meet."""
    n = draw(st.integers(2, 4))
    selecting = draw(st.booleans())
    chosen = {"risk": draw(st.sampled_from([0.0, 0.3, 0.9, 1.0]))}
    if selecting:
        chosen["select"] = draw(st.integers(1, n))
    else:
        chosen["budget"] = draw(st.integers(1, 5))
        chosen["max_lots"] = draw(st.sampled_from([None, 1, 2, 3]))
    roles = draw(st.lists(st.sampled_from(["free"] * 4 + ["hold", "exclude"]),
                          min_size=n, max_size=n))
    chosen["hold"] = tuple(a for a, role in zip(NAMES, roles, strict=False) if role == "hold")
    chosen["exclude"] = tuple(a for a, role in zip(NAMES, roles, strict=False) if role == "exclude")
    cap = draw(st.sampled_from(["none", "assets", "weight", "both"]))
    if cap != "none":
        labels = draw(st.lists(st.sampled_from(["x", "y"]), min_size=n, max_size=n))
        chosen["sectors"] = dict(zip(NAMES, labels, strict=False))
    if cap in ("assets", "both"):
        chosen["sector_max_assets"] = draw(
            st.one_of(st.integers(0, 2), st.just({chosen["sectors"]["A"]: 1}))
        )
    if cap in ("weight", "both"):
        chosen["sector_max_weight"] = draw(
            st.one_of(st.sampled_from([0.3, 0.5, 0.6, 1.0]), st.just({chosen["sectors"]["A"]: 0.5}))
        )
    return moments(n, draw(st.integers(0, 99))), chosen


def keeps(chosen, names, lots):
    """The settings read literally."""
    total = chosen.get("select") or chosen["budget"]
    most = 1 if "select" in chosen else chosen["max_lots"] or total
    have = dict(zip(names, lots, strict=True))
    if sum(lots) != total or max(lots) > most:
        return False
    if any(have[a] < 1 for a in chosen["hold"]) or any(have[a] for a in chosen["exclude"]):
        return False
    for sector in set(chosen.get("sectors", {}).values()):
        inside = [have[a] for a in names if chosen["sectors"][a] == sector]
        count, share = chosen.get("sector_max_assets"), chosen.get("sector_max_weight")
        count = count.get(sector) if isinstance(count, dict) else count
        share = share.get(sector) if isinstance(share, dict) else share
        if count is not None and sum(x > 0 for x in inside) > count:
            return False
        if share is not None and sum(inside) > share * total + 1e-9:
            return False
    return True


def value(model, risk, total, lots):
    w = np.array(lots) / total
    return risk * w @ model.covariance @ w - (1 - risk) * model.mean @ w


def oracle(model, chosen):
    """Every portfolio that keeps the settings, with its objective."""
    total = chosen.get("select") or chosen["budget"]
    everything = product(range(total + 1), repeat=len(model.assets))
    return {
        lots: value(model, chosen["risk"], total, lots)
        for lots in everything if keeps(chosen, model.assets, lots)
    }


def bits_of(n):
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)


def build(case):
    """The problem and its feasible portfolios; settings without any are refused."""
    model, chosen = case
    feasible = oracle(model, chosen)
    if not feasible:
        with pytest.raises(InputError):
            Portfolio(name="case", moments=model, **chosen)
        return None, feasible
    return Portfolio(name="case", moments=model, **chosen), feasible


@given(case=cases())
@settings(max_examples=60, deadline=None)
def test_score_and_refusal_agree_with_the_settings_read_literally(case):
    problem, feasible = build(case)
    if problem is None:
        return
    for lots in product(range(-1, 5), repeat=len(problem.assets)):
        score = problem.score(np.array(lots))
        assert score.feasible == (lots in feasible)
        assert all(v.amount > 0 and v.text for v in score.violations)
        if lots in feasible:
            assert score.objective == pytest.approx(feasible[lots], abs=1e-15)


@given(case=cases(), encoding=st.sampled_from([None, "unary", "binary", "one-hot"]))
@settings(max_examples=60, deadline=None)
def test_qubo(case, encoding):
    problem, feasible = build(case)
    assume(problem is not None)
    lowering = problem.lower(Qubo, encoding=encoding)
    model = lowering.model
    assume(model.num_variables <= 14)
    bits = bits_of(model.num_variables)
    lots = [tuple(lowering.decode(row).tolist()) for row in bits]
    good = np.array([item in feasible for item in lots])
    true = np.array([feasible.get(item, np.inf) for item in lots])
    best = min(feasible.values())
    broken = model.group_violations(bits) > 0
    scale = max(abs(v) for v in feasible.values()) + 1e-6
    energies = lowering.scale * model.energies(bits) + lowering.offset
    kept = np.where(broken, np.inf, energies)
    assert set(lots) >= set(feasible)
    assert (kept[good] >= true[good] - 1e-9 * scale).all()
    assert kept.min() == pytest.approx(best, abs=1e-9 * scale)
    penalised = lowering.scale * model.penalised().energies(bits) + lowering.offset
    assert (penalised[~good] >= best - 1e-9 * scale).all()
    assert penalised.min() == pytest.approx(best, abs=1e-9 * scale)
    for item, objective in feasible.items():
        row = lowering.encode(np.array(item))
        assert tuple(lowering.decode(row).tolist()) == item
        assert model.group_violations(row)[0] == 0
        assert lowering.objective(model.energy(row)) == pytest.approx(objective, abs=1e-9 * scale)


@given(case=cases(), encoding=st.sampled_from(["integer", "unary", "one-hot"]))
@settings(max_examples=80, deadline=None)
def test_program(case, encoding):
    problem, feasible = build(case)
    assume(problem is not None)
    lowering = problem.lower(Program, encoding=encoding)
    model = lowering.model
    ranges = [range(int(a), int(b) + 1) for a, b in zip(model.lower, model.upper, strict=True)]
    assume(np.prod([len(r) for r in ranges]) <= 5000)
    seen = set()
    for values in product(*ranges):
        item = tuple(lowering.decode(np.array(values, dtype=float)).tolist())
        if not model.violations(values):
            seen.add(item)
            assert lowering.objective(model.objective(values)) == pytest.approx(
                feasible[item], abs=1e-12
            )
    assert seen == set(feasible)
    for item in feasible:
        values = lowering.encode(np.array(item))
        assert not model.violations(values)
        assert tuple(lowering.decode(values).tolist()) == item


def test_selection_is_one_group_without_penalties():
    lowering = Portfolio(name="p", moments=moments(5, 1), select=3, hold=("B",)).lower(Qubo)
    assert lowering.model.num_variables == 4
    [group] = lowering.model.groups
    assert (group.size, group.members) == (2, (0, 1, 2, 3))
    assert lowering.model.names == ("A", "C", "D", "E")


def test_unary_lots_are_one_group():
    lowering = Portfolio(name="p", moments=moments(3, 1), budget=5, max_lots=3).lower(Qubo)
    [group] = lowering.model.groups
    assert (group.size, len(group.members)) == (5, 9)


def test_binary_lots_take_fewer_bits():
    problem = Portfolio(name="p", moments=moments(4, 1), budget=9, max_lots=7)
    assert problem.to_qubo(encoding="binary").model.num_variables == 12
    assert problem.to_qubo(encoding="unary").model.num_variables == 28


def test_the_default_code_is_unary_while_that_is_short():
    def names(budget):
        return Portfolio(name="p", moments=moments(4, 1), budget=budget).lower(Qubo).notes

    assert names(256)[0] == "unary code: 1024 bits for 4 whole numbers"
    assert names(257)[0] == "36 bits: 36 for variables"


@pytest.mark.parametrize("encoding", ["unary", "one-hot"])
def test_codes_that_would_be_too_long_are_refused(encoding):
    problem = Portfolio(name="p", moments=moments(4, 1), budget=10**9)
    with pytest.raises(SizeError, match="takes at most 4096 bits, the model has 4"):
        problem.lower(Program, encoding=encoding)


def sectoral(**caps):
    sectors = dict(zip(NAMES, ["Energy"] * 4 + ["Materials"], strict=True))
    return Portfolio(name="p", moments=moments(5, 1), select=3, sectors=sectors, **caps)


def test_constraints_have_names():
    problem = sectoral(sector_max_assets=2, sector_max_weight={"Energy": 0.7})
    assert [c.name for c in problem.to_program().model.constraints] == [
        "select exactly 3", "sector Energy weighs at most 0.7", "sector Energy has at most 2 assets"
    ]


def test_caps_that_cannot_be_broken_take_no_bits():
    lowering = sectoral(sector_max_assets=3, sector_max_weight=1.0).lower(Qubo)
    assert lowering.model.num_variables == 5


def test_weight_is_used():
    problem = Portfolio(name="p", moments=moments(4, 1), budget=3, max_lots=3)
    light = problem.to_qubo(encoding="binary", weight=1.0).model
    heavy = problem.to_qubo(encoding="binary", weight=7.0).model
    assert heavy.offset - light.offset == pytest.approx(6.0 * 3**2)


def test_unbalanced_slack_takes_no_bits_and_claims_nothing():
    problem = Portfolio(
        name="p", moments=moments(5, 1), select=3, sectors=dict(zip(NAMES, "xxxxy", strict=True)),
        sector_max_assets=2,
    )
    exact, unbalanced = problem.to_qubo(), problem.to_qubo(slack="unbalanced")
    assert exact.model.num_variables > 5
    assert exact.complete
    assert unbalanced.model.num_variables == 5
    assert not unbalanced.complete


def test_selecting_everything_leaves_nothing_to_choose():
    lowering = Portfolio(name="p", moments=moments(3, 1), select=3).lower(Qubo)
    assert lowering.model.num_variables == 0
    assert lowering.decode(np.zeros(0, dtype=np.int8)).tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("form", "options", "fault"),
    [
        (Routing, {}, UnsupportedError),
        (Qubo, {"encodng": "unary"}, UnknownNameError),
        (Qubo, {"encoding": "ternary"}, UsageError),
        (Qubo, {"weight": -1.0}, UsageError),
        (Program, {"weight": 1.0}, UnknownNameError),
    ],
)
def test_options_are_checked(form, options, fault):
    with pytest.raises(fault):
        Portfolio(name="p", moments=moments(3, 1), budget=4, max_lots=2).lower(form, **options)
