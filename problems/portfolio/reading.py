"""From files to moments: which kind of file it is, and which settings fit it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, UnknownNameError, UsageError

from ..formats import orlib, tabular
from .estimate import Missing, estimate
from .moments import Moments


def read_moments(
    path: Path,
    *,
    values: tabular.Quantity,
    missing: Missing,
    lookback: int | None,
    covariance: str | None,
    assets: int | tuple[str, ...] | None,
    index: str | None = None,
) -> Moments:
    """Moments of the chosen assets and the index; parameters as in `Portfolio.load`."""
    with path.open("rb") as stream:
        head = stream.read(4096).decode(errors="replace")
    if orlib.recognises(path.name, head) or not any(mark in head for mark in ",;\t"):
        _refuse_series_settings(path, "means and correlations", values, missing, lookback)
        if covariance is not None:
            raise UsageError(f"{path} holds correlations: covariance= does not go with it")
        return _choose(_read_port(path), assets, index)
    table = tabular.read_table(path)
    layout = tabular.table_layout(table)
    if layout == "covariance":
        raise InputError(
            f"{path} is a covariance matrix: give the means (asset,mean) as the data file and this "
            f"as covariance={path.name}"
        )
    if layout == "mean":
        _refuse_series_settings(path, "means", values, missing, lookback)
        return _choose(_read_pair(table, covariance), assets, index)
    if covariance is not None:
        raise UsageError(
            f"{path} is a series of {values}: covariance= goes with a table of means (asset,mean)"
        )
    series = tabular.read_series(table, values)
    chosen = chosen_assets(series.assets, assets, index)
    part = tabular.Series(
        tuple(series.assets[i] for i in chosen), series.times, series.values[:, chosen]
    )
    try:
        return estimate(part, values, missing=missing, lookback=lookback)
    except InputError as fault:
        raise InputError(f"{path}: {fault}") from None


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
    return tabular.read_labels(tabular.read_table(_beside(path, sectors, "sectors")), "sector")


def read_current(path: Path, current: str | Mapping[str, float]) -> Mapping[str, float]:
    """Weights as given, or from a file ``asset,weight`` beside the data file at `path`."""
    if isinstance(current, Mapping):
        return current
    table = tabular.read_table(_beside(path, current, "current"))
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


def _refuse_series_settings(
    path: Path, content: str, values: tabular.Quantity, missing: Missing, lookback: int | None
) -> None:
    """A setting that could not do anything is an error."""
    given = {
        "values": values != "prices", "missing": missing != "drop-dates",
        "lookback": lookback is not None,
    }
    for name, is_given in given.items():
        if is_given:
            raise UsageError(f"{name} goes with prices or returns; {path} holds {content}")


def _choose(
    moments: Moments, assets: int | tuple[str, ...] | None, index: str | None
) -> Moments:
    return moments.take(chosen_assets(moments.assets, assets, index))


def _read_port(path: Path) -> Moments:
    port = orlib.read_port(path)
    spread = np.multiply.outer(port.deviation, port.deviation)
    names = tuple(f"asset{i + 1}" for i in range(len(port.mean)))
    return _moments_of(path, names, port.mean, port.correlation * spread)


def _read_pair(table: tabular.Table, covariance: str | None) -> Moments:
    if covariance is None:
        raise UsageError(
            f"{table.path} holds means: name the file of their covariance matrix with covariance="
        )
    names, mean = tabular.read_means(table)
    file = _beside(table.path, covariance, "covariance")
    labels, matrix = tabular.read_matrix(tabular.read_table(file))
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
