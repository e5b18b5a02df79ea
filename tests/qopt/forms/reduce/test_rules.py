"""Each rule of presolve on a model that it was made for, and on one that it must leave alone."""

import networkx as nx
import numpy as np
import pytest

import qopt
from qopt.forms import Group, Qubo
from qopt.forms.reduce import PRESOLVED, Reduction, driver, reduce_qubo, roof, screen
from qopt.forms.reduce.lifting import ONE, OPPOSITE, SAME, ZERO, Lifting
from qopt.forms.reduce.state import State
from qopt.reduction import lower


def cut(graph: nx.Graph, weight: float = 1.0) -> Qubo:
    edges = np.array(graph.edges()).reshape(-1, 2)
    degree = np.bincount(edges.ravel(), minlength=len(graph))
    return Qubo.from_arrays(
        -weight * degree, edges[:, 0], edges[:, 1], np.full(len(edges), 2.0 * weight)
    )


def removed(qubo: Qubo) -> dict[str, int]:
    report = reduce_qubo(qubo).reduction
    assert report is not None
    return dict(report.removed)


def joined(*qubos: Qubo) -> Qubo:
    """Models side by side."""
    shifts = np.cumsum([0, *(q.num_variables for q in qubos)])
    return Qubo.from_arrays(
        np.concatenate([q.linear for q in qubos]),
        np.concatenate([q.row + s for q, s in zip(qubos, shifts, strict=False)]),
        np.concatenate([q.col + s for q, s in zip(qubos, shifts, strict=False)]),
        np.concatenate([q.value for q in qubos]),
    )


HARD = cut(nx.complete_graph(6))
"""No rule applies to it."""


def test_isolated_variables_go_by_their_sign():
    lowering = reduce_qubo(Qubo.from_arrays([2.0, -3.0, 0.0], offset=1.0))
    assert lowering.model.offset == -2.0
    assert lowering.decode([]).tolist() == [0, 1, 0]
    assert lowering.reduction.removed == {"isolated": 3}


def test_bounds_of_the_field_decide_a_variable():
    dense = Qubo.from_matrix(np.triu(np.ones((8, 8))) + np.diag(np.r_[np.full(7, -4.0), 0.0]))
    assert removed(dense)["persistency"] >= 1
    never = Qubo.from_matrix(np.triu(np.ones((5, 5)), 1) - 5.0 * np.eye(5))
    assert removed(never) == {"persistency": 4, "isolated": 1}


@pytest.mark.parametrize("graph", [nx.path_graph(9), nx.cycle_graph(8), nx.random_labeled_tree(30)])
def test_trees_and_rings_fold_up(graph):
    lowering = reduce_qubo(cut(graph))
    assert lowering.model.num_variables == 0
    assert set(lowering.reduction.removed) <= {"folded", "isolated", "merged"}
    answer = lowering.decode(np.zeros(0, dtype=np.int8))
    assert cut(graph).energy(answer) == lowering.model.offset == -graph.number_of_edges()


def test_a_strong_pair_is_merged():
    for sign in (1.0, -1.0):
        strong = Qubo.from_arrays(
            HARD.linear - 10.0 * (np.arange(6) < 2) * sign, HARD.row, HARD.col,
            HARD.value + 20.0 * sign * ((HARD.row == 0) & (HARD.col == 1)),
        )
        lowering = reduce_qubo(strong)
        assert lowering.reduction.removed.get("merged", 0) >= 1
        answers = lowering.decode_all(np.eye(lowering.model.num_variables, dtype=np.int8))
        assert (answers[:, 0] == (1 - answers[:, 1] if sign > 0 else answers[:, 1])).all()


def test_duplicates_are_merged():
    assert removed(cut(nx.complete_bipartite_graph(3, 4)))["duplicates"] >= 2
    three = Qubo.from_arrays(
        [*HARD.linear, -1.0, -1.0, -1.0], [*HARD.row, *[0, 1, 2] * 3],
        [*HARD.col, *np.repeat([6, 7, 8], 3)], [*HARD.value, *[3.0, -4.0, 2.0] * 3],
    )
    assert removed(three)["duplicates"] == 2


def test_groups_that_leave_no_choice_are_settled():
    model = Qubo.from_arrays(
        np.arange(7.0), [0], [6], [2.0],
        groups=[Group((0, 1), 2), Group((2, 3), 0), Group((4, 5), 1)],
    )
    lowering = reduce_qubo(model)
    assert lowering.model.num_variables == 0
    assert lowering.decode([]).tolist() == [1, 1, 0, 0, 1, 0, 0]


def test_dominated_members_leave_the_group():
    rng = np.random.default_rng(1)
    linear = np.array([-9.0, -8.0, -7.0, -6.0, 30.0, 40.0, 50.0])
    row, col = np.triu_indices(7, 1)
    model = Qubo.from_arrays(
        linear, row, col, rng.uniform(-4, 4, len(row)), groups=[Group(tuple(range(7)), 2)]
    )
    lowering = reduce_qubo(model)
    assert lowering.reduction.removed["groups"] >= 3
    kept = lowering.model.groups
    assert all(group.size == 2 and len(group.members) <= 4 for group in kept)


def test_members_that_nothing_tells_apart_leave_as_many_as_are_needed():
    model = Qubo.from_arrays(np.full(9, -2.0), groups=[Group(tuple(range(9)), 4)])
    lowering = reduce_qubo(model)
    assert lowering.model.num_variables == 0
    assert lowering.model.offset == -8.0
    assert lowering.decode([]).sum() == 4


def test_what_is_constant_over_a_group_goes_into_the_offset():
    row, col = np.triu_indices(4, 1)
    inner = Qubo.from_arrays(
        [3.0, 1.0, -1.0, 2.0, 0.0, 0.0, 0.0],
        [*row, 0, 1, 2, 3, 0, 1, 2, 3, 4, 4, 5],
        [*col, 4, 4, 4, 4, 5, 6, 5, 6, 5, 6, 6],
        [*np.full(6, 7.0), 2.0, 2.0, 2.0, 2.0, 5.0, -4.0, -5.0, 3.0, -1.0, -2.0, 4.0],
        groups=[Group((0, 1, 2, 3), 1)],
    )
    assert inner_pairs(reduce_qubo(inner).model) == 0


def inner_pairs(model: Qubo) -> int:
    members = {i for group in model.groups for i in group.members}
    pairs = zip(model.row.tolist(), model.col.tolist(), strict=True)
    return sum(a in members and b in members for a, b in pairs)


def test_a_proven_penalty_weight_is_kept_with_the_terms_that_it_was_proven_for():
    base = Qubo.from_arrays(
        [*HARD.linear, 0.0, 0.0, 0.0, 50.0], [*HARD.row, 0, 1, 2, 6, 6, 7],
        [*HARD.col, 6, 7, 8, 7, 8, 8], [*HARD.value, -3.0, -3.0, -3.0, 5.0, 5.0, 5.0],
    )
    derived = reduce_qubo(base.with_groups([Group((6, 7, 8, 9), 1)])).model
    proven = reduce_qubo(base.with_groups([Group((6, 7, 8, 9), 1, weight=7.0)])).model
    assert (derived.groups[0].weight, inner_pairs(derived)) == (None, 0)
    assert (proven.groups[0].weight, inner_pairs(proven)) == (7.0, 3)


def test_roof_duality_decides_what_bounds_do_not(monkeypatch):
    rng = np.random.default_rng(32)
    edges = np.array(nx.gnp_random_graph(100, 0.08, seed=32).edges())
    model = Qubo.from_arrays(
        rng.integers(-8, 9, 100), edges[:, 0], edges[:, 1], rng.choice([-2.0, 2.0], len(edges))
    )
    with_it = removed(model)
    monkeypatch.setattr(driver.roof, "_installed", lambda: False)
    assert "roof duality" in with_it
    assert sum(with_it.values()) > sum(removed(model).values())


def test_what_roof_duality_fixes_is_part_of_a_best_answer():
    whole = (np.arange(1 << 10)[:, None] >> np.arange(10) & 1).astype(np.int8)
    fixed = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        draw = rng.integers(-3, 4, (10, 10)) if seed % 2 else rng.normal(size=(10, 10))
        matrix = np.triu(draw * (rng.random((10, 10)) < 0.4), 1) + np.diag(2.0 * np.diag(draw))
        model = Qubo.from_matrix(matrix)
        state = State(model, lambda: False)
        roof.fix_by_roof_duality(state)
        reduced, lifting = state.result()
        fixed += state.removed["roof duality"]
        lifted = lifting.lift(whole[: 1 << reduced.num_variables, : reduced.num_variables])
        assert model.energies(lifted).min() == pytest.approx(model.energies(whole).min())
    assert fixed > 200


def test_small_parts_are_enumerated_and_the_largest_is_left():
    grouped = Qubo.from_arrays(
        [0.5, -1.0, 0.3, 2.0, -0.1, 0.0], *np.triu_indices(6, 1),
        np.random.default_rng(2).choice([-3.0, 3.0], 15), groups=[Group((0, 1, 2, 3), 2)],
    )
    model = joined(cut(nx.complete_graph(7)), HARD, grouped)
    lowering = reduce_qubo(replace_groups(model, 13))
    assert lowering.model.num_variables == 7
    assert lowering.reduction.removed["components"] >= 6


def replace_groups(model: Qubo, shift: int) -> Qubo:
    return model.with_groups([Group(tuple(range(shift, shift + 4)), 2)])


@pytest.mark.parametrize("graph", [
    nx.random_regular_graph(3, 30, seed=1), nx.petersen_graph(), nx.complete_graph(5),
    nx.random_regular_graph(3, 14, seed=5), nx.hypercube_graph(3), nx.random_regular_graph(4, 12),
])
def test_cuts_of_regular_graphs_are_left_as_they_are(graph):
    model = cut(nx.convert_node_labels_to_integers(graph))
    lowering = reduce_qubo(model)
    assert lowering.model is model
    n, seconds = len(graph), lowering.reduction.seconds
    assert lowering.reduction == Reduction(n, {}, seconds, float(n), float(n))
    assert lowering.notes == ()


@pytest.mark.parametrize("most", [0, 20])
def test_large_models_are_cut_down_by_bounds_first(monkeypatch, most):
    rng = np.random.default_rng(0)
    matrix = np.triu(rng.integers(-2, 3, (14, 14)), 1) + np.diag(rng.integers(-40, 41, 14))
    model = Qubo.from_matrix(matrix, groups=[Group((0, 3, 5), 1)], labels=list("abcdefghijklmn"))
    plain = reduce_qubo(model)
    monkeypatch.setattr(driver, "MOST_PAIRS", most)
    lowering = reduce_qubo(model)
    left = lowering.model.num_variables
    assert plain.model.num_variables <= left < 14
    assert set(lowering.model.labels) <= set("abcdefghijklmn")
    bits = (np.arange(1 << left)[:, None] >> np.arange(left) & 1).astype(np.int8)
    lifted = lowering.decode_all(bits)
    np.testing.assert_allclose(model.energies(lifted), lowering.model.energies(bits), atol=1e-9)
    kept = lowering.model.group_violations(bits) == 0
    whole = (np.arange(1 << 14)[:, None] >> np.arange(14) & 1).astype(np.int8)
    best = model.energies(whole)[model.group_violations(whole) == 0].min()
    assert lowering.model.energies(bits)[kept].min() == best


def test_it_ends_when_it_is_told_to():
    count = iter(range(10**9))
    lowering = reduce_qubo(cut(nx.path_graph(40)), stop=lambda: next(count) > 10)
    assert 0 < lowering.reduction.total < 40
    answers = np.random.default_rng(0).integers(0, 2, (20, lowering.model.num_variables))
    np.testing.assert_allclose(
        cut(nx.path_graph(40)).energies(lowering.decode_all(answers)),
        lowering.model.energies(answers),
    )


def test_large_sparse_models_of_every_degree_keep_their_energies():
    rng = np.random.default_rng(4)
    for mean in (1.5, 3.0, 6.0):
        edges = np.array(nx.gnp_random_graph(3000, mean / 3000, seed=1).edges())
        model = Qubo.from_arrays(
            rng.normal(size=3000) * (mean > 2), edges[:, 0], edges[:, 1],
            rng.normal(size=len(edges)),
        )
        lowering = reduce_qubo(model)
        assert lowering.reduction.total > 300
        answers = rng.integers(0, 2, (5, lowering.model.num_variables))
        np.testing.assert_allclose(
            model.energies(lowering.decode_all(answers)), lowering.model.energies(answers),
            atol=1e-8,
        )


def test_the_screen_misses_nothing_that_the_rules_find(monkeypatch):
    rng = np.random.default_rng(6)
    for _ in range(60):
        n = int(rng.integers(4, 25))
        upper = np.triu(rng.random((n, n)) < rng.uniform(0.1, 0.9), 1)
        matrix = upper * rng.integers(-3, 4, (n, n)) + np.diag(rng.integers(-4, 5, n))
        model = Qubo.from_matrix(matrix)
        found = removed(model)
        with monkeypatch.context() as patch:
            patch.setattr(screen, "promising", lambda qubo: np.arange(qubo.num_variables))
            assert sum(removed(model).values()) == sum(found.values())


def test_a_start_that_breaks_a_group_of_what_is_left_is_mended():
    model = Qubo.from_arrays(
        [*HARD.linear, 0.0, 0.0, 0.0, 50.0], [*HARD.row, 0, 1, 2], [*HARD.col, 6, 7, 8],
        [*HARD.value, -3.0, -3.0, -3.0], groups=[Group((6, 7, 8, 9), 1)],
    )
    lowering = reduce_qubo(model)
    assert lowering.reduction.removed == {"groups": 1}
    encoded = lowering.encode([1, 0, 1, 0, 1, 0, 0, 0, 0, 1])
    assert encoded.tolist() == [1, 0, 1, 0, 1, 0, 1, 0, 0]


# -- the way back -------------------------------------------------------------------------------


def test_lifting_follows_truth_tables_in_any_shape():
    steps = [
        (0, 1, 4, 0b0110), (1, 3, 3, OPPOSITE), (2, 4, 4, SAME), (3, 0, 0, ONE), (5, 0, 0, ZERO),
    ]
    lifting = Lifting(7, np.array([4, 6]), steps)
    every = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    whole = lifting.lift(every)
    np.testing.assert_array_equal(whole[:, [4, 6]], every)
    np.testing.assert_array_equal(whole[:, 3], 1)
    np.testing.assert_array_equal(whole[:, 5], 0)
    np.testing.assert_array_equal(whole[:, 1], 0)
    np.testing.assert_array_equal(whole[:, 2], every[:, 0])
    np.testing.assert_array_equal(whole[:, 0], whole[:, 1] ^ whole[:, 4])
    np.testing.assert_array_equal(lifting.lift(every[2]), whole[2])
    np.testing.assert_array_equal(lifting.restrict(whole), every)


# -- what is told -------------------------------------------------------------------------------


def test_the_report_names_the_rules_in_their_order():
    report = Reduction(120, {"duplicates": 2, "persistency": 12, "folded": 20}, 0.0123)
    assert str(report) == (
        "presolve: 34 of 120 variables removed (12 persistency, 20 folded, 2 duplicates) in 0.01 s"
    )
    assert (report.total, report.left, report.size) == (34, 86, "34 of 120 variables")
    assert Reduction(40, {"folded": 20}).caveats == {
        PRESOLVED: "presolve had removed 20 of 40 variables before the solver ran"
    }
    assert Reduction(0).caveats == Reduction(7).caveats == {}


@pytest.mark.parametrize(("bits", "left", "words"), [
    (20.0, 19.0, "50 % of the answers"), (20.0, 10.0, "all but one in 1024 of the answers"),
    (400.0, 100.0, "all but one in 2^300 of the answers"), (20.0, 20.0, None), (None, None, None),
])
def test_the_report_counts_answers(bits, left, words):
    report = Reduction(20, {"groups": 1}, bits=bits, bits_left=left)
    assert report.size == "1 of 20 variables" + (f", {words}" if words else "")
    assert Reduction.from_json(report.to_json()) == report


def test_answers_are_counted_within_groups():
    rng = np.random.default_rng(5)
    model = Qubo.from_arrays(
        rng.integers(-9, 10, 9).astype(float), *np.triu_indices(9, 1),
        rng.integers(-1, 2, 36).astype(float), groups=[Group((0, 1, 2, 3, 4, 5), 2)],
    )
    lowering = reduce_qubo(model)
    for each, bits in ((model, lowering.reduction.bits),
                       (lowering.model, lowering.reduction.bits_left)):
        n = each.num_variables
        every = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)
        kept = np.count_nonzero(each.group_violations(every) == 0)
        assert 2.0**bits == pytest.approx(kept)
    assert lowering.reduction.bits_left < lowering.reduction.bits


def test_portfolios_lose_what_no_best_choice_holds():
    _, lowering = lower(qopt.load("factor-120-k10"), ["qubo"])
    assert removed(lowering.model)["groups"] > 90
