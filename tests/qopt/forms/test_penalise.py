"""Lowering programs to QUBOs: every claim is checked by enumeration."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qopt.errors import InputError, UnknownNameError, UnsupportedError, UsageError
from qopt.forms import Lowering, Program, Qubo
from qopt.forms.penalise import program_to_qubo

MOST_BITS = 13


def all_bits(n: int) -> np.ndarray:
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)


def all_answers(program: Program) -> list[np.ndarray]:
    ranges = [
        range(int(a), int(b) + 1) for a, b in zip(program.lower, program.upper, strict=True)
    ]
    return [np.array(x, dtype=float) for x in product(*ranges)]


def check_lowering(program: Program, lowering: Lowering[Qubo]) -> None:
    """The lowered model says the same as the program, as a QUBO with groups and penalised."""
    sign = 1.0 if program.sense == "minimise" else -1.0
    feasible = {
        tuple(x): program.objective(x) for x in all_answers(program) if not program.violations(x)
    }
    model: Qubo = lowering.model
    penalised = model.penalised()
    best = min((sign * v for v in feasible.values()), default=None)
    scale = max(1.0, *(abs(v) for v in feasible.values()), 1.0)
    for x, value in feasible.items():
        bits = lowering.encode(x)
        assert lowering.decode(bits).tolist() == list(x)
        assert model.group_violations(bits)[0] == 0
        assert lowering.objective(model.energy(bits)) == pytest.approx(value, abs=1e-9 * scale)
        assert penalised.energy(bits) == pytest.approx(model.energy(bits), abs=1e-9 * scale)
    bits = all_bits(model.num_variables)
    kept = model.group_violations(bits) == 0
    energies, hard = model.energies(bits), penalised.energies(bits)
    for row, keeps, energy, penalty in zip(bits, kept, energies, hard, strict=True):
        x = tuple(lowering.decode(row).tolist())
        if keeps and x in feasible:
            assert energy >= sign * feasible[x] - 1e-9 * scale
        elif best is not None:
            assert penalty > best + 1e-9
            assert not keeps or energy > best + 1e-9
    if best is not None:
        assert energies[kept].min() == pytest.approx(best, abs=1e-9 * scale)


coefficients = st.sampled_from([-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.0, 1.0, 2.0, 3.0])


@st.composite
def programs(draw, most: int = 4, binary: bool = False) -> Program:
    n = draw(st.integers(1, most))
    if binary:
        lower, width = [0] * n, [1] * n
    else:
        lower = [draw(st.integers(-2, 1)) for _ in range(n)]
        width = [draw(st.sampled_from([1, 1, 2, 3])) for _ in range(n)]
    pairs = [(i, j) for i in range(n) for j in range(i, n) if draw(st.booleans())]
    constraints = []
    for k in range(draw(st.integers(0, 3))):
        terms = [draw(coefficients) for _ in range(n)]
        comparator = draw(st.sampled_from(["<=", ">=", "=="]))
        point = [draw(st.integers(a, a + w)) for a, w in zip(lower, width, strict=True)]
        rhs = float(np.dot(terms, point)) + draw(st.sampled_from([0.0, 0.0, 0.0, 1.0, -0.5]))
        constraints.append((f"c{k}", range(n), terms, comparator, rhs))
    return Program.build(
        sense=draw(st.sampled_from(["minimise", "maximise"])),
        linear=[draw(coefficients) for _ in range(n)],
        row=[i for i, _ in pairs], col=[j for _, j in pairs],
        value=[draw(coefficients) for _ in pairs],
        offset=draw(coefficients), lower=lower, upper=np.add(lower, width),
        constraints=constraints,
    )


def lower_or_skip(program: Program, **options) -> Lowering[Qubo] | None:
    try:
        lowering = program_to_qubo(program, **options)
    except InputError:
        assert all(program.violations(x) for x in all_answers(program))
        return None
    assume(lowering.model.num_variables <= MOST_BITS)
    return lowering


@settings(deadline=None, max_examples=150)
@given(programs(), st.booleans())
def test_random_programs(program: Program, groups: bool) -> None:
    lowering = lower_or_skip(program, groups=groups)
    if lowering is not None:
        assert lowering.complete
        assert groups or not lowering.model.groups
        check_lowering(program, lowering)


@settings(deadline=None, max_examples=100)
@given(programs(most=6, binary=True))
def test_random_binary_programs(program: Program) -> None:
    lowering = lower_or_skip(program)
    if lowering is not None:
        check_lowering(program, lowering)


irrational = st.floats(-3, 3).filter(lambda v: abs(v) > 0.01)


@settings(deadline=None, max_examples=80)
@given(st.data())
def test_rounding_never_admits_an_infeasible_answer(data) -> None:
    n = data.draw(st.integers(1, 4))
    program = Program.build(
        linear=data.draw(st.lists(irrational, min_size=n, max_size=n)),
        constraints=[
            ("c", range(n), data.draw(st.lists(irrational, min_size=n, max_size=n)),
             data.draw(st.sampled_from(["<=", ">="])), data.draw(irrational))
        ],
    )
    resolution = data.draw(st.sampled_from([2, 7, 40, 200]))
    try:
        lowering = program_to_qubo(program, resolution=resolution, weight=1000.0)
    except (InputError, UnsupportedError):
        return
    assume(lowering.model.num_variables <= MOST_BITS)
    bits = all_bits(lowering.model.num_variables)
    energies = lowering.model.penalised().energies(bits)
    answers = [lowering.decode(row) for row in bits]
    kept = {
        tuple(x) for x, e in zip(answers, energies, strict=True)
        if e <= program.objective(x) + 1e-6 * lowering.model.scale
    }
    assert not any(program.violations(np.array(x)) for x in kept)
    feasible = {tuple(x) for x in all_answers(program) if not program.violations(x)}
    assert kept <= feasible
    if lowering.complete:
        assert kept == feasible


# -- what is built ----------------------------------------------------------------------------


def binary(*constraints, n: int = 2, **more) -> Program:
    return Program.build(linear=more.pop("linear", [-1.0] * n), constraints=constraints, **more)


@pytest.mark.parametrize(
    ("coefficients", "comparator", "rhs"),
    [
        ([1, 1], "<=", 1), ([1, 1], ">=", 1), ([1, -1], "<=", 0), ([1, -1], ">=", 0),
        ([3, 5], "<=", 7), ([-2, -3], ">=", -4), ([0.1, 0.7], "<=", 0.75), ([1, 1, 1, 1], "<=", 1),
        ([2, 2, -2], "<=", 0), ([np.pi, np.e], "<=", 4),
    ],
)
def test_conflicts_need_no_slack(coefficients, comparator, rhs) -> None:
    n = len(coefficients)
    program = binary(("c", range(n), coefficients, comparator, rhs), n=n, linear=[-3, 2, -1, 5][:n])
    lowering = program_to_qubo(program)
    assert lowering.model.num_variables == n
    assert lowering.complete
    check_lowering(program, lowering)


def test_conflict_penalty_is_the_number_of_true_pairs() -> None:
    program = binary(("c", range(3), 1.0, "<=", 1), n=3, linear=[0, 0, 0])
    model = program_to_qubo(program, weight=2.0).model
    assert model.value.tolist() == [2.0, 2.0, 2.0]
    cover = program_to_qubo(binary(("c", [0, 1], 1.0, ">=", 1), linear=[0, 0]), weight=2.0).model
    assert cover.energies(all_bits(2)).tolist() == [2.0, 0.0, 0.0, 0.0]


def test_slack_is_tight() -> None:
    # 4 a + 6 b + 10 c <= 12 is 2 a + 3 b + 5 c <= 6: slack 0..6, three bits.
    program = binary(("w", range(3), [4, 6, 10], "<=", 12), n=3)
    lowering = program_to_qubo(program)
    assert lowering.model.labels == ("x0", "x1", "x2", "w.slack[0]", "w.slack[1]", "w.slack[2]")
    check_lowering(program, lowering)
    # Bounds are tightened to 1..3, two bits each, and 7, 8, 9 of 3..9 remain, two bits again.
    program = Program.build(linear=[1, 1, 1], lower=0, upper=3,
                            constraints=[("least", range(3), 1.0, ">=", 7)])
    assert program_to_qubo(program).model.num_variables == 3 * 2 + 2
    check_lowering(program, program_to_qubo(program))


def test_bounds_that_imply_a_constraint_drop_it() -> None:
    program = binary(("slack", [0, 1], 1.0, "<=", 2), ("fix", [0], 1.0, ">=", 1))
    lowering = program_to_qubo(program)
    assert lowering.model.labels == ("x1",)
    assert lowering.decode([0]).tolist() == [1.0, 0.0]
    assert "1 variable fixed" in lowering.notes[0]
    assert lowering.objective(lowering.model.energy([1])) == -2.0


def test_no_invalid_codes() -> None:
    program = Program.build(linear=[1.0, 1.0], lower=[-3, 2], upper=[6, 2])
    lowering = program_to_qubo(program)
    assert lowering.model.labels == ("x0[0]", "x0[1]", "x0[2]", "x0[3]")
    values = {tuple(lowering.decode(row)) for row in all_bits(4)}
    assert values == {(float(v), 2.0) for v in range(-3, 7)}


def test_groups_are_the_largest_disjoint_ones() -> None:
    program = binary(
        ("small", [0, 1], 1.0, "==", 1), ("large", [1, 2, 3], 2.0, "==", 4),
        ("other", [4, 5], -1.0, "==", -1), ("weighted", [4, 5, 0], [1, 2, 1], "==", 2), n=6,
    )
    lowering = program_to_qubo(program)
    assert [(g.name, g.members, g.size) for g in lowering.model.groups] == [
        ("large", (1, 2, 3), 2), ("other", (4, 5), 1)
    ]
    assert all(group.weight is not None for group in lowering.model.groups)
    check_lowering(program, lowering)
    assert program_to_qubo(program, groups=False).model.groups == ()


def test_an_assignment_keeps_its_rows_as_groups() -> None:
    rng = np.random.default_rng(3)
    n = 3
    cells = np.arange(n * n).reshape(n, n)
    program = Program.build(
        linear=rng.integers(-9, 9, n * n), row=[0, 4], col=[5, 8], value=[7, -6],
        constraints=[(f"row {i}", cells[i], 1.0, "==", 1) for i in range(n)]
        + [(f"column {i}", cells[:, i], 1.0, "==", 1) for i in range(n)],
    )
    lowering = program_to_qubo(program)
    assert [group.name for group in lowering.model.groups] == ["row 0", "row 1", "row 2"]
    assert lowering.model.num_variables == 9
    assert lowering.model.is_integral
    check_lowering(program, lowering)


def test_maximisation_turns_the_sign() -> None:
    program = binary(("c", [0, 1], 1.0, "<=", 1), sense="maximise", linear=[3, 5], offset=2.0)
    lowering = program_to_qubo(program)
    assert lowering.scale == -1.0
    assert lowering.objective(lowering.model.energies(all_bits(2)).min()) == 7.0


def test_independent_set_gets_weights_by_repair() -> None:
    # Mending an edge costs the lighter end: a weight above that suffices.
    program = binary(
        ("ab", [0, 1], 1.0, "<=", 1), ("bc", [1, 2], 1.0, "<=", 1), n=3, linear=[-3, -5, -2]
    )
    lowering = program_to_qubo(program)
    assert dict(zip(zip(lowering.model.row, lowering.model.col, strict=True),
                    lowering.model.value, strict=True)) == {(0, 1): 4.0, (1, 2): 3.0}
    assert "2 by the cost of mending" in lowering.notes[1]


def test_other_constraints_get_weights_by_range() -> None:
    program = binary(("half", [0, 1, 2], [1, 2, 3], "==", 3), n=3, linear=[4, 5, -2])
    lowering = program_to_qubo(program)
    # The range is -2..9 and the greedy answer (0, 0, 1) attains -2: any weight above 0 would do.
    assert "1 by the objective's range from -2 to -2" in lowering.notes[1]
    check_lowering(program, lowering)


def test_weights_may_be_given() -> None:
    program = binary(("a", [0, 1], 1.0, "<=", 1), ("b", [1, 2], 1.0, "<=", 1), n=3)
    model = program_to_qubo(program, weight={"b": 9.0}).model
    assert model.value.tolist() == [2.0, 9.0]
    assert program_to_qubo(program, weight=0.5).model.value.tolist() == [0.5, 0.5]
    notes = program_to_qubo(program, weight=0.5).notes
    assert any("not proven sufficient: a, b" in note for note in notes)
    assert not any("not proven" in note for note in program_to_qubo(program, weight=5.0).notes)
    group = binary(("one", [0, 1], 1.0, "==", 1))
    lowering = program_to_qubo(group, weight=0.25)
    assert lowering.model.groups[0].weight == 0.25
    assert any("not proven sufficient: one" in note for note in lowering.notes)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weight": 0.0}, "weight must be positive"),
        ({"weight": {"c": float("nan")}}, "weight must be positive"),
        ({"slack": "none"}, "slack must be"),
        ({"unbalanced": (1.0, -1.0)}, "unbalanced takes two"),
        ({"continuous_step": 0.0}, "continuous_step must be"),
        ({"resolution": 1}, "resolution must be"),
    ],
)
def test_bad_options_are_refused(options, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        program_to_qubo(binary(("c", [0, 1], 1.0, "<=", 1)), **options)


def test_an_unknown_constraint_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'budget'"):
        program_to_qubo(binary(("budget", [0, 1], 1.0, "<=", 1)), weight={"buget": 1.0})


@pytest.mark.parametrize(
    ("constraint", "words"),
    [
        (("c", [0, 1], 1.0, ">=", 3), "'c' cannot be met: its left-hand side is at most 2"),
        (("c", [0, 1], 1.0, "<=", -1), "'c' cannot be met: its left-hand side is at least 0"),
        (("c", [0, 1], [2, 4], "==", 3), "'c' cannot be met"),
        (("c", [], [], ">=", 1), "'c' cannot be met"),
    ],
)
def test_infeasible_constraints_are_named(constraint, words: str) -> None:
    with pytest.raises(InputError, match=words):
        program_to_qubo(binary(constraint))


def test_constraints_that_contradict_through_bounds_are_named() -> None:
    program = binary(("a", [0], 1.0, ">=", 1), ("b", [0, 1], 1.0, "<=", 0))
    with pytest.raises(InputError, match=r"'[ab]' cannot be met"):
        program_to_qubo(program)


def test_bounds_follow_from_constraints() -> None:
    program = Program.build(
        sense="maximise", linear=[1, 1], lower=[0, -np.inf], upper=[np.inf, np.inf],
        constraints=[("x", [0], 2.0, "<=", 7), ("y", [1], 1.0, ">=", -1),
                     ("sum", [0, 1], 1.0, "<=", 4)],
    )
    lowering = program_to_qubo(program)
    assert {x[0] for x in map(lowering.decode, all_bits(lowering.model.num_variables))} == {
        0.0, 1.0, 2.0, 3.0
    }
    best = all_bits(lowering.model.num_variables)[
        lowering.model.energies(all_bits(lowering.model.num_variables)).argmin()
    ]
    assert program.objective(lowering.decode(best)) == 4.0


def test_what_has_no_code_is_refused() -> None:
    free = Program.build(linear=[1, 1], upper=[np.inf, 1], names=["free", "b"])
    with pytest.raises(UnsupportedError, match=r"without finite bounds.*: free; bound them"):
        program_to_qubo(free)
    real = Program.build(linear=[1, 1], integer=[False, True], names=["share", "b"])
    with pytest.raises(UnsupportedError, match=r"no exact binary code: share; take them in steps"):
        program_to_qubo(real)
    wide = Program.build(linear=[1.0], upper=1e12, names=["w"])
    with pytest.raises(UnsupportedError, match="not coded in bits: w"):
        program_to_qubo(wide)


def test_continuous_variables_in_steps() -> None:
    program = Program.build(
        linear=[1.0, -1.0], row=[0], col=[0], value=[-4.0], lower=[0.1, 0], upper=[0.85, 1],
        integer=[False, True], constraints=[("sum", [0, 1], [2.0, 0.4], "<=", 1.6)],
    )
    lowering = program_to_qubo(program, continuous_step=0.25)
    assert not lowering.complete
    assert any("steps of 0.25" in note for note in lowering.notes)
    answers = {round(lowering.decode(row)[0], 9) for row in all_bits(lowering.model.num_variables)}
    assert answers <= {0.1, 0.35, 0.6, 0.85}
    for x in ([0.1, 1], [0.35, 0], [0.6, 1]):
        bits = lowering.encode(x)
        assert lowering.decode(bits) == pytest.approx(x)
        assert lowering.objective(lowering.model.energy(bits)) == pytest.approx(
            program.objective(x)
        )
    bits = all_bits(lowering.model.num_variables)
    order = lowering.model.energies(bits).argsort()
    assert lowering.decode(bits[order[0]]) == pytest.approx([0.6, 1.0])
    with pytest.raises(UsageError, match=r"no code for x0 = 0.2"):
        lowering.encode([0.2, 0])


def test_a_continuous_variable_that_is_fixed_needs_no_code() -> None:
    program = Program.build(linear=[1, 1], lower=[0.3, 0], upper=[0.3, 1], integer=[False, True])
    lowering = program_to_qubo(program)
    assert lowering.complete
    assert lowering.decode([1]).tolist() == [0.3, 1.0]


def test_steps_that_meet_no_constraint_are_said_to() -> None:
    program = Program.build(linear=[1.0], integer=False,
                            constraints=[("c", [0], 1.0, "==", 0.35)])
    with pytest.raises(UnsupportedError, match="continuous_step"):
        program_to_qubo(program, continuous_step=0.1)


def test_fractions_are_exact() -> None:
    program = binary(("c", range(3), [0.1, 0.2, 0.3], "<=", 0.3), n=3, linear=[-1, -2, -4])
    lowering = program_to_qubo(program)
    assert lowering.complete
    assert lowering.model.num_variables == 3 + 2
    check_lowering(program, lowering)


def test_multiples_of_an_irrational_unit_are_exact() -> None:
    program = binary(("c", range(3), [np.pi, np.pi, np.pi], "==", 2 * np.pi), n=3)
    assert program_to_qubo(program).model.groups[0].size == 2


def test_a_coarse_resolution_is_said() -> None:
    weights = [1001, 2003, 3001, 4007]
    program = binary(("w", range(4), weights, "<=", 7000), n=4)
    fine = program_to_qubo(program)
    coarse = program_to_qubo(program, resolution=20)
    assert fine.complete
    assert not coarse.complete
    assert coarse.model.num_variables < fine.model.num_variables
    assert any("rounded to the safe side (w)" in note for note in coarse.notes)
    with pytest.raises(UnsupportedError, match="'w' cannot be kept with coefficients rounded"):
        program_to_qubo(binary(("w", range(3), [1001, 2003, 3001], "==", 3004), n=3),
                        resolution=20, groups=False)


def test_unbalanced_penalties_need_no_slack_and_claim_nothing() -> None:
    program = binary(
        ("w", range(4), [2, 3, 4, 5], "<=", 7), ("l", range(4), [1, 2, 1, 1], ">=", 2), n=4,
        linear=[-3, -4, -5, -6],
    )
    lowering = program_to_qubo(program, slack="unbalanced", weight=8.0, unbalanced=(0.5, 2.0))
    assert lowering.model.num_variables == 4
    assert not lowering.complete
    assert any("heuristic" in note for note in lowering.notes)
    for x in all_bits(4):
        room, least = (7 - np.dot([2, 3, 4, 5], x)) / 5, (np.dot([1, 2, 1, 1], x) - 2) / 2
        expected = program.objective(x) + sum(
            8.0 * (-0.5 * h + 2.0 * h**2) for h in (room, least)
        )
        assert lowering.model.energy(x) == pytest.approx(expected)
    default = program_to_qubo(program, slack="unbalanced")
    assert default.model.num_variables == 4


def test_unbalanced_leaves_equalities_exact() -> None:
    program = binary(("c", range(3), [1, 2, 3], "==", 3), n=3)
    lowering = program_to_qubo(program, slack="unbalanced")
    assert lowering.complete
    check_lowering(program, lowering)


def test_huge_penalties_warn() -> None:
    program = binary(("w", range(4), [300001, 200003, 100002, 200004], "==", 400005), n=4,
                     linear=[0.1, 0.2, 0.3, 0.15])
    assert any("rounding may shift energies" in note for note in program_to_qubo(program).notes)


def test_answers_outside_the_model_have_no_code() -> None:
    lowering = program_to_qubo(binary(("c", [0, 1], 1.0, "<=", 1)))
    with pytest.raises(UsageError, match="no code for x1 = 2"):
        lowering.encode([0, 2])
    with pytest.raises(UsageError, match="needs 2 values"):
        lowering.encode([0, 1, 0])


def test_an_infeasible_answer_is_encoded_as_it_is() -> None:
    lowering = program_to_qubo(binary(("w", range(3), [2, 3, 4], "<=", 5), n=3))
    bits = lowering.encode([1, 1, 1])
    assert lowering.decode(bits).tolist() == [1, 1, 1]
    rest = all_bits(lowering.model.num_variables)
    same = rest[(rest[:, :3] == 1).all(axis=1)]
    assert lowering.model.energy(bits) == lowering.model.energies(same).min()


def test_repeated_names_get_labels_of_their_own() -> None:
    program = binary(("c", [0, 1, 2], [1, 1, 1], "<=", 2), ("c", [1, 2, 3], [1, 1, 1], "<=", 2),
                     n=4)
    labels = program_to_qubo(program).model.labels
    assert len(set(labels)) == len(labels)


def test_the_method_passes_options_on() -> None:
    program = binary(("c", range(3), 1.0, "==", 1), n=3)
    assert program.to_qubo().model.groups
    assert not program.to_qubo(groups=False).model.groups
