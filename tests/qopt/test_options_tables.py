"""Options that are tables, from TOML and as text."""

import pytest

from qopt.errors import UsageError
from qopt.options import check_options, options_of


def target(
    *, caps: int | dict[str, int] | None = None, sectors: str | dict[str, str] | None = None
) -> None:
    """Take tables.

    Parameters
    ----------
    caps : int or dict of str to int, optional
        One cap for all, or by name.
    sectors : str or dict of str to str, optional
        A file, or a table.
    """


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ({"caps": "3"}, 3),
        ({"caps": 3}, 3),
        ({"caps": "none"}, None),
        ({"caps": "Energy=2;Health Care=3"}, {"Energy": 2, "Health Care": 3}),
        ({"caps": " Energy = 2 ; "}, {"Energy": 2}),
        ({"caps": {"Energy": 2}}, {"Energy": 2}),
        ({"caps": {"Energy": "2"}}, {"Energy": 2}),
        ({"sectors": "sectors.csv"}, "sectors.csv"),
        ({"sectors": "A=Energy"}, {"A": "Energy"}),
    ],
)
def test_good(given, value):
    assert list(check_options(target, given, "it").values()) == [value]


@pytest.mark.parametrize(
    "caps", ["Energy", "Energy=", "=2", "Energy=2;Energy=3", "Energy=2.5", {"Energy": 2.5}, {1: 2}]
)
def test_bad(caps):
    with pytest.raises(UsageError, match="option 'caps' of it must be"):
        check_options(target, {"caps": caps}, "it")


def test_type_in_words():
    assert options_of(target)["caps"].type_name == (
        "a whole number or name=a whole number separated by ';' or none"
    )


def fleet(*, vehicles: int | tuple[dict[str, object], ...] | None = None) -> None:
    """Take a list of tables, which only an instance file can hold."""


def test_lists_of_tables_keep_the_types_of_their_values():
    tables = [{"name": "van", "count": 2, "capacity": 1.5}, {"name": "7"}]
    assert check_options(fleet, {"vehicles": tables}, "it") == {"vehicles": tuple(tables)}
    assert check_options(fleet, {"vehicles": "3"}, "it") == {"vehicles": 3}
    assert options_of(fleet)["vehicles"].type_name == (
        "a whole number or tables of an instance file or none"
    )
    for wrong in ([3], ["van"], "van", 2.5):
        with pytest.raises(UsageError, match="must be a whole number or tables"):
            check_options(fleet, {"vehicles": wrong}, "it")
