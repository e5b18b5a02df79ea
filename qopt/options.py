"""Typed options of solvers, problems and lowerings, read from a signature.

The keyword-only parameters of a callable are its options: their annotations are the types, their
defaults the defaults, and the numpydoc ``Parameters`` section the help. There is no second place
to declare an option, so none can be parsed and ignored.
"""

import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from numbers import Integral, Real
from typing import Any, Literal, Union

from .errors import UnknownNameError, UsageError


@dataclass(frozen=True)
class Option:
    """One option.

    Parameters
    ----------
    name : str
    annotation : object
        Its type: bool, int, float, str, a Literal, a tuple of one of these, a dict from str to one
        of these, or a union of them.
    default : object
        ``inspect.Parameter.empty`` where the option is required.
    help : str
        First paragraph of its documentation.
    """

    name: str
    annotation: Any
    default: Any
    help: str = ""

    @property
    def required(self) -> bool:
        """Whether there is no default."""
        return self.default is inspect.Parameter.empty

    @property
    def type_name(self) -> str:
        """The type in words: ``"int or none"``, ``"'ring' or 'complete'"``."""
        return _type_name(self.annotation)

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values of its Literals; none where it has none."""
        return tuple(
            value for member in _members(self.annotation)
            if typing.get_origin(member) is Literal for value in typing.get_args(member)
        )


def options_of(target: Callable[..., Any]) -> dict[str, Option]:
    """The options of a callable or class by name: its keyword-only parameters.

    Parameters
    ----------
    target : callable
        Annotated; postponed annotations are resolved.
    """
    function = target.__init__ if inspect.isclass(target) else target
    hints = typing.get_type_hints(function)
    help_texts = _parameter_help(inspect.getdoc(target) or "")
    return {
        name: Option(name, hints.get(name, str), parameter.default, help_texts.get(name, ""))
        for name, parameter in inspect.signature(target).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }


def check_options(
    target: Callable[..., Any], given: Mapping[str, Any], what: str
) -> dict[str, Any]:
    """Check and convert options for a callable.

    Parameters
    ----------
    target : callable
    given : mapping of str to object
        Text (from a command line) is parsed; other values (from Python, TOML) are checked.
    what : str
        Whose options they are, for messages: ``"solver 'sa'"``.

    Returns
    -------
    dict
        Exactly the given names with values of the declared types.

    Raises
    ------
    UnknownNameError
        For a name that is not an option, with the nearest ones.
    UsageError
        For a value that does not fit, or a required option left out.
    """
    options = options_of(target)
    checked = {}
    for name, value in given.items():
        key = name.replace("-", "_")
        if key not in options:
            raise UnknownNameError(f"option of {what}", name, options)
        option = options[key]
        try:
            checked[key] = _convert(value, option.annotation)
        except ValueError:
            raise UsageError(
                f"option {name!r} of {what} must be {option.type_name}, got {value!r}"
            ) from None
    missing = [name for name, option in options.items() if option.required and name not in checked]
    if missing:
        raise UsageError(f"{what} needs option {missing[0]!r}: {options[missing[0]].help}")
    return checked


def split_assignments(text: str, separator: str = ",") -> dict[str, str]:
    """Split ``"p=3,angles=0.1;0.2"`` into ``{"p": "3", "angles": "0.1;0.2"}``.

    A separator inside brackets or parentheses does not split.
    """
    parts, depth, start = [], 0, 0
    for i, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == separator and depth == 0:
            parts.append(text[start:i])
            start = i + 1
    parts.append(text[start:])
    pairs: dict[str, str] = {}
    for part in filter(None, (p.strip() for p in parts)):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"options are written name=value, got {part!r}")
        if name.strip() in pairs:
            raise UsageError(f"option {name.strip()!r} is given twice")
        pairs[name.strip()] = value.strip()
    return pairs


def _members(annotation: Any) -> tuple[Any, ...]:
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return typing.get_args(annotation)
    return (annotation,)


def _convert(value: Any, annotation: Any) -> Any:
    members = _members(annotation)
    # Text is tried last, or it would swallow every other reading.
    for member in sorted(members, key=lambda m: m is str):
        try:
            return _convert_one(value, member)
        except (ValueError, OverflowError):  # a whole number may be above every double
            continue
    raise ValueError


def _convert_one(value: Any, kind: Any) -> Any:
    origin = typing.get_origin(kind)
    text = isinstance(value, str)
    if kind is type(None):
        if value is None or (text and value.lower() == "none"):
            return None
    elif origin is Literal:
        for choice in typing.get_args(kind):
            if value == choice or (text and value == str(choice)):
                return choice
    elif origin is tuple:
        return _convert_tuple(value, typing.get_args(kind))
    elif origin in (dict, Mapping):
        return _convert_table(value, typing.get_args(kind)[1])
    elif kind is bool:
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if isinstance(value, bool):
            return value
        if text and value.lower() in words:
            return words[value.lower()]
    elif kind is int:
        if _is_number(value, Integral):
            return int(value)
        if text:
            return int(value)
    elif kind is float:
        if _is_number(value, Real) and isfinite(value):
            return float(value)
        if text and isfinite(float(value)):
            return float(value)
    elif kind is str:
        if text:
            return value
    elif inspect.isclass(kind) and isinstance(value, kind):
        return value
    raise ValueError


def _is_number(value: Any, kind: type) -> bool:
    """Whether it is a number of that kind, Python's or numpy's; a truth value is none."""
    return isinstance(value, kind) and not isinstance(value, bool)


def _convert_tuple(value: Any, members: tuple[Any, ...]) -> tuple[Any, ...]:
    if isinstance(value, str):
        inner = value.strip().removeprefix("[").removesuffix("]")
        items: list[Any] = [part for part in re.split(r"[;,\s]+", inner) if part]
    elif isinstance(value, list | tuple):
        items = list(value)
    else:
        raise ValueError
    if len(members) == 2 and members[1] is Ellipsis:
        return tuple(_convert(item, members[0]) for item in items)
    if len(items) != len(members):
        raise ValueError
    return tuple(_convert(item, member) for item, member in zip(items, members, strict=True))


def _convert_table(value: Any, member: Any) -> dict[str, Any]:
    """A table with text keys; as text, ``"Energy=2;Health Care=3"``."""
    if isinstance(value, str):
        parts = [part.partition("=") for part in value.split(";") if part.strip()]
        if not parts or not all(name.strip() and equals for name, equals, _ in parts):
            raise ValueError
        items = [(name.strip(), item.strip()) for name, _, item in parts]
        if len({name for name, _ in items}) < len(items):
            raise ValueError
        return {name: _convert(item, member) for name, item in items}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise ValueError
    return {key: _convert(item, member) for key, item in value.items()}


def _type_name(annotation: Any) -> str:
    words = []
    for member in _members(annotation):
        origin = typing.get_origin(member)
        if member is type(None):
            words.append("none")
        elif origin is Literal:
            words.extend(repr(choice) for choice in typing.get_args(member))
        elif origin is tuple and typing.get_origin(typing.get_args(member)[0]) in (dict, Mapping):
            words.append("tables of an instance file")
        elif origin is tuple:
            words.append(f"values of {_type_name(typing.get_args(member)[0])} separated by ';'")
        elif origin in (dict, Mapping):
            words.append(f"name={_type_name(typing.get_args(member)[1])} separated by ';'")
        else:
            words.append({int: "a whole number", float: "a finite number", bool: "true or false",
                          str: "text"}.get(member, getattr(member, "__name__", str(member))))
    return " or ".join(words)


def _parameter_help(doc: str) -> dict[str, str]:
    """First paragraph for each parameter of a numpydoc ``Parameters`` section."""
    lines = doc.splitlines()
    try:
        start = next(
            i for i, line in enumerate(lines[:-1])
            if line.strip() == "Parameters" and set(lines[i + 1].strip()) == {"-"}
        ) + 2
    except StopIteration:
        return {}
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for i, line in enumerate(lines[start:], start):
        if i + 1 < len(lines) and lines[i + 1].strip() and set(lines[i + 1].strip()) == {"-"}:
            break
        if line and not line[0].isspace():
            names = [name.strip() for name in line.partition(":")[0].split(",")]
            for name in names:
                found[name] = []
        elif line.strip():
            for name in names:
                found[name].append(line.strip())
        else:
            names = []
    return {name: " ".join(text) for name, text in found.items()}
