"""From files to moments: which kind of file it is, and which settings fit it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, UnknownNameError, UsageError

from ..formats import orlib, parquet, tabular
from .estimate import Missing, estimate
from .moments import Moments


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a file becomes moments; as the parameters of `Portfolio.load` of the same names."""

    values: tabular.Quantity = "prices"
    missing: Missing = "drop-dates"
    lookback: int | None = None
    estimator: str = "sample"
    halflife: float | None = None
    index: str | None = None
    covariance: str | None = None
    correlation: str | None = None
    assets: int | tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("values", tabular.Quantity), ("missing", Missing)):
            if getattr(self, name) not in get_args(allowed):
                choices = ", ".join(get_args(allowed))
                raise UsageError(f"{name}={getattr(self, name)!r} is none of {choices}")


def read_moments(path: Path, settings: Reading) -> Moments:
    """Moments of the chosen assets, with their history where the file is a series."""
    with path.open("rb") as stream:
        head = stream.read(4096).decode(errors="replace")
    if not parquet.recognises(path.name, head):
        if orlib.recognises_pair(path.name, head):
            return _read_orlib_pair(path, settings)
        if orlib.recognises(path.name, head) or not any(mark in head for mark in ",;\t"):
            return _read_port(path, settings)
    table = read_table(path)
    layout = tabular.table_layout(table)
    if layout == "covariance":
        raise InputError(
            f"{path} is a covariance matrix: give the means (asset,mean) as the data file and this "
            f"as covariance={path.name}"
        )
    if layout == "mean":
        _refuse(path, "means", settings, *_OF_SERIES, "correlation")
        return _choose(_read_pair(table, settings.covariance), settings)
    _refuse(path, f"a series of {settings.values}", settings, "covariance", "correlation")
    return _estimate(table, settings)


def read_table(path: Path) -> tabular.Table:
    """The cells of a file, CSV or Parquet."""
    with path.open("rb") as stream:
        head = stream.read(4).decode(errors="replace")
    read = parquet.read_table if parquet.recognises(path.name, head) else tabular.read_table
    return read(path)


def _estimate(table: tabular.Table, settings: Reading) -> Moments:
    """Moments of the chosen assets of a series, its index among them."""
    series = tabular.read_series(table, settings.values)
    chosen = chosen_assets(series.assets, settings.assets, settings.index)
    part = tabular.Series(
        tuple(series.assets[i] for i in chosen), series.times, series.values[:, chosen]
    )
    try:
        return estimate(
            part, settings.values, missing=settings.missing, lookback=settings.lookback,
            estimator=settings.estimator, halflife=settings.halflife,
        )
    except InputError as fault:
        raise InputError(f"{table.path}: {fault}") from None


def chosen_assets(
    names: tuple[str, ...], assets: int | tuple[str, ...] | None, index: str | None = None
) -> list[int]:
    """Indices of the first so many assets, or of those named, in the order of the file.

    That of an index, which is no asset, comes first.
    """
    if index is not None:
        if index not in names:
            raise UnknownNameError("index", index, names)
        place = names.index(index)
        others = [i for i in range(len(names)) if i != place]
        chosen = chosen_assets(tuple(names[i] for i in others), assets)
        return [place, *(others[i] for i in chosen)]
    if assets is None:
        return list(range(len(names)))
    if isinstance(assets, int):
        if not 1 <= assets <= len(names):
            raise InputError(f"assets={assets} is not between 1 and the {len(names)} there are")
        return list(range(assets))
    for name in assets:
        if name not in names:
            raise UnknownNameError("asset", name, names)
    if not assets:
        raise UsageError("assets names none; name some, or give how many")
    return [i for i, name in enumerate(names) if name in assets]


def read_sectors(path: Path, sectors: str | Mapping[str, str]) -> Mapping[str, str]:
    """Sectors as given, or from a file ``asset,sector`` beside the data file at `path`."""
    if isinstance(sectors, Mapping):
        return sectors
    return tabular.read_labels(read_table(_beside(path, sectors, "sectors")), "sector")


def read_current(path: Path, current: str | Mapping[str, float]) -> Mapping[str, float]:
    """Weights as given, or from a file ``asset,weight`` beside the data file at `path`."""
    if isinstance(current, Mapping):
        return current
    table = read_table(_beside(path, current, "current"))
    weights = {}
    for asset, text in tabular.read_labels(table, "weight").items():
        try:
            weights[asset] = float(text)
        except ValueError:
            raise InputError(
                f"{table.path}: current weight of {asset} is {text!r}, a number was expected"
            ) from None
    return weights


def _beside(path: Path, name: str, setting: str) -> Path:
    """A second file: beside the data file, or else from the current folder."""
    for file in (path.parent / name, Path(name)):
        if file.is_file():
            return file
    raise InputError(f"{setting}={name}: there is no such file beside {path} or here")


_OF_SERIES = ("values", "missing", "lookback", "estimator", "halflife")
_WHERE = {"covariance": "a table of means (asset,mean)", "correlation": "a table mean,deviation"}


def _refuse(path: Path, content: str, settings: Reading, *names: str) -> None:
    """A setting that could not do anything is an error."""
    for name in names:
        if getattr(settings, name) != getattr(Reading(), name):
            where = _WHERE.get(name, "prices or returns")
            raise UsageError(f"{name} goes with {where}; {path} holds {content}")


def _choose(moments: Moments, settings: Reading) -> Moments:
    return moments.take(chosen_assets(moments.assets, settings.assets, settings.index))


def _moments_of_port(path: Path, port: orlib.PortFile) -> Moments:
    spread = np.multiply.outer(port.deviation, port.deviation)
    names = tuple(f"asset{i + 1}" for i in range(len(port.mean)))
    return _moments_of(path, names, port.mean, port.correlation * spread)


def _read_port(path: Path, settings: Reading) -> Moments:
    _refuse(path, "means and correlations", settings, *_OF_SERIES, "covariance", "correlation")
    return _choose(_moments_of_port(path, orlib.read_port(path)), settings)


def _read_orlib_pair(path: Path, settings: Reading) -> Moments:
    _refuse(path, "means and deviations", settings, *_OF_SERIES, "covariance")
    if settings.correlation is None:
        raise UsageError(
            f"{path} holds means and standard deviations: name the file of their correlations "
            "(i,j,correlation) with correlation="
        )
    file = _beside(path, settings.correlation, "correlation")
    return _choose(_moments_of_port(path, orlib.read_pair(path, file)), settings)


def _read_pair(table: tabular.Table, covariance: str | None) -> Moments:
    if covariance is None:
        raise UsageError(
            f"{table.path} holds means: name the file of their covariance matrix with covariance="
        )
    names, mean = tabular.read_means(table)
    file = _beside(table.path, covariance, "covariance")
    labels, matrix = tabular.read_matrix(read_table(file))
    if labels is None and len(matrix) != len(names):
        raise InputError(f"{file} has {len(matrix)} columns, {table.path} has {len(names)} assets")
    if labels is not None:
        if missing := sorted(set(names) - set(labels)):
            raise InputError(f"{file} has no covariance of {missing[0]}, an asset of {table.path}")
        if spare := sorted(set(labels) - set(names)):
            raise InputError(f"{table.path} has no mean of {spare[0]}, an asset of {file}")
        order = [labels.index(name) for name in names]
        matrix = matrix[np.ix_(order, order)]
    return _moments_of(file, names, mean, matrix)


def _moments_of(
    file: Path, names: tuple[str, ...], mean: NDArray[np.float64], covariance: NDArray[np.float64]
) -> Moments:
    try:
        return Moments(names, mean, covariance, {"returns": "mean and covariance as given"})
    except InputError as fault:
        raise InputError(f"{file}: {fault}") from None
