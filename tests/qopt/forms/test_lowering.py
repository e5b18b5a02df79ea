"""Lowerings compose: answers, objectives, notes and completeness."""

from qopt.forms import Lowering


def doubled(**more) -> Lowering[str]:
    return Lowering("first", decode=lambda a: a * 2, encode=lambda a: a / 2, scale=-1.0,
                    offset=3.0, notes=("one",), **more)


def shifted(**more) -> Lowering[str]:
    return Lowering("second", decode=lambda a: a + 1, encode=lambda a: a - 1, scale=2.0,
                    offset=5.0, notes=("two",), **more)


def test_the_way_back_is_taken_in_reverse() -> None:
    both = doubled().then(shifted())
    assert both.model == "second"
    assert both.decode(10) == 22
    assert both.encode is not None
    assert both.encode(22) == 10
    assert both.notes == ("one", "two")


def test_objectives_go_through_both_maps() -> None:
    both = doubled().then(shifted())
    assert both.objective(7.0) == doubled().objective(shifted().objective(7.0)) == -16.0
    assert both.scale == -2.0


def test_what_one_step_lacks_both_lack() -> None:
    assert doubled().then(shifted()).complete
    assert not doubled(complete=False).then(shifted()).complete
    assert not doubled().then(shifted(complete=False)).complete
    no_way = Lowering("third", decode=lambda a: a)
    assert doubled().then(no_way).encode is None
    assert no_way.then(doubled()).encode is None
