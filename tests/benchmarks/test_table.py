"""Tables print, are kept and are rendered from the same cells."""

import json
from math import inf

import numpy as np
import pytest

from benchmarks._table import Column, Table


def table() -> Table:
    """A table with every kind of cell."""
    made = Table(
        "Speed", [Column("who"), Column("ratio", ".2f"), Column("runs", "d")], notes=["one thread"]
    ).begin()
    made.add("sa | fast", np.float64(1.234), np.int64(3))
    made.add("tabu", "refused", None)
    made.add("none", inf, 0)
    made.find("ratios carry further than seconds")
    return made


def test_printed_as_it_fills(capsys: pytest.CaptureFixture[str]) -> None:
    made = table()
    out = capsys.readouterr().out
    assert out.strip() == made.text()
    lines = out.strip().splitlines()
    assert lines[2].split() == ["who", "ratio", "runs"]
    assert lines[3].endswith("1.23         3")
    assert lines[4].split() == ["tabu", "refused", "-"]
    assert lines[5].split() == ["none", "inf", "0"]


def test_markdown_has_the_same_cells() -> None:
    lines = table().markdown().splitlines()
    assert lines[:6] == [
        "### Speed", "", "- one thread", "", "| who | ratio | runs |", "| --- | ---: | ---: |",
    ]
    assert lines[6] == "| sa \\| fast | 1.23 | 3 |"
    assert lines[7] == "| tabu | refused | - |"
    assert lines[-1] == "- ratios carry further than seconds"


def test_json_gives_the_table_back() -> None:
    made = table()
    text = json.dumps(made.to_json(), allow_nan=False)
    back = Table.from_json(json.loads(text))
    assert back.text() == made.text()
    assert back.markdown() == made.markdown()
    assert back.rows[0][1] == 1.234  # the figure itself, not its rounding


def test_a_row_has_a_cell_for_every_column() -> None:
    with pytest.raises(ValueError, match="2 cells for 3 columns"):
        table().add("sa", 1.0)
