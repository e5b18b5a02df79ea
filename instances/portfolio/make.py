"""Write ``sp500-20.csv``: weekly prices of 20 American companies, 2018 to 2022.

Run by hand where skfolio is installed (``pip install skfolio``)::

    python instances/portfolio/make.py

The source is the data set ``sp500_dataset`` that ships with skfolio (BSD 3-Clause, copyright the
skfolio developers): daily closing prices, adjusted for splits and dividends, for testing and
examples only. Of each week the last trading day is kept. ``sp500-20-sectors.csv`` is written by
hand: each company's sector in the Global Industry Classification Standard as of 2022.
"""

import csv
import gzip
from datetime import date
from importlib.resources import files
from pathlib import Path

FIRST, LAST = date(2018, 1, 1), date(2022, 12, 31)


def main() -> None:
    """Read the daily prices, keep the last day of each week, write the table."""
    source = files("skfolio.datasets.data").joinpath("sp500_dataset.csv.gz")
    with source.open("rb") as raw, gzip.open(raw, "rt", newline="") as text:
        header, *days = csv.reader(text)
    weeks = {}
    for row in days:
        day = date.fromisoformat(row[0])
        if FIRST <= day <= LAST:
            weeks[day.isocalendar()[:2]] = row
    target = Path(__file__).with_name("sp500-20.csv")
    with target.open("w", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["date", *header[1:]])
        writer.writerows(weeks.values())
    print(f"{target}: {len(weeks)} weeks of {len(header) - 1} assets")


if __name__ == "__main__":
    main()
