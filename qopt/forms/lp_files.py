"""LP files: reading and writing programs in the CPLEX LP format.

Read are linear constraints, ranges (``-3 <= x + y <= 8``), constants and variables on both sides,
bounds, general and binary variables, and a quadratic objective ``[ 2 x ^ 2 + 4 x * y ] / 2``. (The
readers in reach were found wanting: HiGHS's, which is dimod's too, takes any text for an empty
program, tells no line, and refuses ranges and right-hand variables; qiskit-optimization's needs
CPLEX.)
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from pathlib import Path
from typing import NoReturn

import numpy as np

from ..errors import InputError, ParseError
from .program import Comparator, Constraint, Program, Sense, constraint

_HUGE = 1e20
"""Bounds of this size and more stand for none."""

_WIDTH = 78
"""Columns of a line written."""

_HEADERS: tuple[tuple[str, str], ...] = (
    ("minimise", r"minimi[sz]e|minimum|min"),
    ("maximise", r"maximi[sz]e|maximum|max"),
    ("constraints", r"subject\s+to|such\s+that|s\.t\.?|st\.?|lazy\s+constraints"),
    ("bounds", r"bounds?"),
    ("general", r"generals?|gen|integers?|int"),
    ("binary", r"binar(?:y|ies)|bin"),
    ("user cuts", r"user\s+cuts"),
    ("general constraints", r"general\s+constraints?"),
    ("semi-continuous variables", r"semi-continuous|semis?"),
    ("special ordered sets", r"sos[12]?"),
    ("piecewise-linear objectives", r"pwlobj"),
    ("several objectives", r"multi-objectives?"),
    ("end", r"end"),
)
_READ = {"minimise", "maximise", "constraints", "bounds", "general", "binary", "end"}
# The longest keywords first, so that "general constraints" is not taken for "general".
_HEADER = re.compile(
    r"\s*(?:"
    + "|".join(
        f"(?P<h{k}>{pattern})"
        for k, (_, pattern) in sorted(
            enumerate(_HEADERS), key=lambda item: -len(item[1][1].partition("|")[0])
        )
    )
    + r")(?=\s|$)(?!\s*(?:[-+*/^:<>=]|\[))",
    re.IGNORECASE,
)

_LETTERS = r"""!"#$%&(),;?@'`{}~|"""
_NAME = rf"[^\W\d{_LETTERS}]|[{_LETTERS}]"
_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
    r"|(?P<arrow>->)"
    r"|(?P<comparator><=|>=|=<|=>|==|<|>|=)"
    rf"|(?P<name>(?:{_NAME})[\w.{_LETTERS}]*(?:\[[^\]\s]*\])*)"
    r"|(?P<mark>[-+*/^:\[\]])"
    r")"
)
_COMPARATORS: dict[str, Comparator] = {
    "<=": "<=", "=<": "<=", "<": "<=", ">=": ">=", "=>": ">=", ">": ">=", "=": "==", "==": "==",
}
_MIRRORED: dict[Comparator, Comparator] = {"<=": ">=", ">=": "<=", "==": "=="}
_NO_NUMBER = {"inf", "infinity", "nan"}


# -- reading --------------------------------------------------------------------------------------


def read_program(path: str | Path) -> Program:
    """Read an LP file.

    Raises
    ------
    ParseError
        Where the file is not an LP file, or holds what a `Program` cannot (quadratic constraints,
        semi-continuous variables, special ordered sets).
    InputError
        Where there is no such file.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as fault:
        raise InputError(f"{path} cannot be read: {fault.strerror}") from None
    if b"\0" in content:
        raise ParseError(path, "not an LP file: it is not text")
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return program_from_lp(text, path)


def program_from_lp(text: str, source: str | Path = "<text>") -> Program:
    """Read LP text; `source` names it in errors.

    Variables are in the order in which they first occur. A range becomes two constraints, named
    ``NAME.low`` and ``NAME.high``.

    Raises
    ------
    ParseError
        As `read_program`.
    """
    return _Reader(source).read(text)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int


@dataclass
class _Side:
    """A linear expression, and where it has quadratic terms."""

    terms: list[tuple[int, float]] = field(default_factory=list)
    constant: float = 0.0
    quadratic: list[tuple[int, int, float]] = field(default_factory=list)


class _Tokens:
    """A cursor over the tokens of a section."""

    def __init__(self, tokens: Sequence[_Token], header: int) -> None:
        self._tokens = tokens
        self._at = 0
        self._header = header

    def __bool__(self) -> bool:
        return self._at < len(self._tokens)

    @property
    def line(self) -> int:
        """Line of the next token, or else of the last."""
        if self:
            return self._tokens[self._at].line
        return self._tokens[-1].line if self._tokens else self._header

    @property
    def last_line(self) -> int:
        """Line of the token taken last."""
        return self._tokens[self._at - 1].line if self._at else self._header

    def peek(self, ahead: int = 0) -> _Token:
        """The next token, or the one `ahead` of it; an empty one past the end."""
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else _Token("end", "", self.line)

    def take(self) -> _Token:
        """The next token, and step over it."""
        token = self.peek()
        self._at += 1
        return token

    def take_if(self, *texts: str) -> bool:
        """Step over the next token if it is one of `texts`."""
        if self.peek().text in texts and self:
            self._at += 1
            return True
        return False


class _Reader:
    """One reading of one file."""

    def __init__(self, source: str | Path) -> None:
        self.source = source
        self.place: dict[str, int] = {}
        self.sense: Sense | None = None
        self.objective = _Side()
        self.constraints: list[Constraint] = []
        self.lower: dict[int, float] = {}
        self.upper: dict[int, tuple[float, int]] = {}
        self.integer: set[int] = set()
        self.binary: set[int] = set()

    def fail(self, message: str, line: int | None) -> NoReturn:
        """Raise a `ParseError`."""
        raise ParseError(self.source, message, line)

    def read(self, text: str) -> Program:
        """Read the whole text."""
        ended = False
        for title, tokens in self._sections(text):
            if title in ("minimise", "maximise"):
                self._read_objective(title, tokens)
            elif title == "constraints":
                while tokens:
                    self._read_constraint(tokens)
            elif title == "bounds":
                while tokens:
                    self._read_bound(tokens)
            elif title == "end":
                ended = True
            else:
                self._read_kind(tokens, self.integer if title == "general" else self.binary)
        if self.sense is None:
            self.fail("not an LP file: there is no Minimize or Maximize", None)
        if not ended:
            self.fail("the file ends without End; it may be truncated", text.count("\n") + 1)
        return self._program()

    # -- from text to tokens --------------------------------------------------------------------

    def _sections(self, text: str) -> Iterator[tuple[str, _Tokens]]:
        title, header = "", 1
        tokens: list[_Token] = []
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.partition("\\")[0]
            if found := _HEADER.match(line):
                if title:
                    yield title, _Tokens(tokens, header)
                title, tokens, header = self._title(found, number), [], number
                if title == "end":
                    yield title, _Tokens([], number)
                    return
                line = line[found.end() :]
            if not title and line.strip():
                self.fail("not an LP file: Minimize or Maximize must come first", number)
            tokens.extend(self._tokens(line, number))
        if title:
            yield title, _Tokens(tokens, header)

    def _title(self, found: re.Match[str], line: int) -> str:
        group = next(name for name, value in found.groupdict().items() if value is not None)
        title = _HEADERS[int(group[1:])][0]
        if title not in _READ:
            self.fail(f"{title} are not supported", line)
        return title

    def _tokens(self, line: str, number: int) -> Iterator[_Token]:
        at = 0
        while line[at:].strip():
            found = _TOKEN.match(line, at)
            if found is None:
                self.fail(f"{line[at:].strip()[:20]!r} is not understood", number)
            assert found.lastgroup is not None
            yield _Token(found.lastgroup, found[found.lastgroup], number)
            at = found.end()

    # -- from tokens to the program ---------------------------------------------------------------

    def _read_objective(self, title: str, tokens: _Tokens) -> None:
        if self.sense is not None:
            self.fail("there are two objectives", tokens.line)
        self.sense = "minimise" if title == "minimise" else "maximise"
        self._label(tokens)
        if tokens:
            self.objective = self._side(tokens, to_line_end=False)
        if tokens:
            self.fail(f"{tokens.peek().text!r} is not part of an objective", tokens.line)

    def _label(self, tokens: _Tokens) -> str:
        """The name before a colon, if there is one."""
        if tokens.peek(1).text == ":" and tokens.peek().kind in ("name", "number"):
            name = tokens.take().text
            tokens.take()
            return name
        tokens.take_if(":")
        return ""

    def _read_constraint(self, tokens: _Tokens) -> None:
        line = tokens.line
        name = self._label(tokens) or f"c{len(self.constraints) + 1}"
        sides = [self._side(tokens, to_line_end=False)]
        comparators: list[Comparator] = []
        while tokens.peek().kind == "comparator":
            comparators.append(_COMPARATORS[tokens.take().text])
            sides.append(self._side(tokens, to_line_end=True))
        if tokens.peek().kind == "arrow":
            self.fail("indicator constraints are not supported", tokens.line)
        if not comparators:
            self.fail(f"constraint {name!r} has no comparison (<=, >= or =)", line)
        if any(side.quadratic for side in sides):
            self.fail(f"constraint {name!r} is quadratic; only linear ones are supported", line)
        if len(sides) == 2:
            self._add(name, sides[0], comparators[0], sides[1])
            return
        if len(sides) > 3 or comparators[0] != comparators[1] or "==" in comparators:
            self.fail(f"constraint {name!r} has comparisons that do not make a range", line)
        suffixes = (".low", ".high") if comparators[0] == "<=" else (".high", ".low")
        self._add(name + suffixes[0], sides[1], _MIRRORED[comparators[0]], sides[0])
        self._add(name + suffixes[1], sides[1], comparators[1], sides[2])

    def _add(self, name: str, left: _Side, comparator: Comparator, right: _Side) -> None:
        terms = left.terms + [(i, -a) for i, a in right.terms]
        self.constraints.append(
            constraint(
                name,
                np.array([i for i, _ in terms], dtype=np.int64),
                np.array([a for _, a in terms]),
                comparator,
                right.constant - left.constant,
            )
        )

    def _side(self, tokens: _Tokens, *, to_line_end: bool) -> _Side:
        """A sum of terms; after a comparison it ends with the line, as nothing else marks it."""
        side = _Side()
        first = True
        while tokens and tokens.peek().kind not in ("comparator", "arrow"):
            if not first and to_line_end and tokens.line > tokens.last_line:
                break
            if not first and tokens.peek(1).text == ":":
                break
            signed = self._sign(tokens)
            if not first and signed is None:
                self.fail(f"+ or - is missing before {tokens.peek().text!r}", tokens.line)
            self._term(tokens, side, signed or 1.0)
            first = False
        if first:
            self.fail("an expression is missing", tokens.line)
        return side

    def _sign(self, tokens: _Tokens) -> float | None:
        sign: float | None = None
        while tokens.peek().text in ("+", "-"):
            sign = (sign or 1.0) * (-1.0 if tokens.take().text == "-" else 1.0)
        return sign

    def _term(self, tokens: _Tokens, side: _Side, factor: float) -> None:
        if tokens.peek().text == "[":
            self._quadratic(tokens, side, factor)
            return
        if tokens.peek().kind == "number":
            factor *= self._number(tokens.take())
            tokens.take_if("*")
            if tokens.peek().kind != "name" or self._starts_next(tokens):
                side.constant += factor
                return
        elif tokens.peek().kind != "name":
            self.fail(f"a number or a variable is missing before {tokens.peek().text!r}",
                      tokens.last_line)
        side.terms.append((self._variable(tokens.take()), factor))

    def _starts_next(self, tokens: _Tokens) -> bool:
        """Whether the name ahead is on the next line, and so no variable of this number."""
        return tokens.peek(1).text == ":" or tokens.line > tokens.last_line

    def _quadratic(self, tokens: _Tokens, side: _Side, factor: float) -> None:
        line = tokens.take().line
        pairs: list[tuple[int, int, float]] = []
        while not tokens.take_if("]"):
            if not tokens:
                self.fail("the bracket [ is not closed", line)
            signed = self._sign(tokens)
            if pairs and signed is None:
                self.fail(f"+ or - is missing before {tokens.peek().text!r}", tokens.line)
            weight = signed or 1.0
            if tokens.peek().kind == "number":
                weight *= self._number(tokens.take())
                tokens.take_if("*")
            first = self._variable(tokens.take())
            if tokens.take_if("^"):
                if not tokens.take_if("2"):
                    self.fail("only the square, ^ 2, is a quadratic term", tokens.line)
                pairs.append((first, first, weight))
            elif tokens.take_if("*"):
                pairs.append((first, self._variable(tokens.take()), weight))
            else:
                self.fail("terms in [ ] are x ^ 2 or x * y", tokens.last_line)
        if tokens.take_if("/"):
            if not tokens.take_if("2"):
                self.fail("[ ] is followed by / 2", tokens.line)
            factor /= 2.0
        side.quadratic.extend((i, j, factor * weight) for i, j, weight in pairs)

    def _variable(self, token: _Token) -> int:
        if token.kind != "name":
            what = repr(token.text) if token.text else "the end of the section"
            self.fail(f"a variable is expected, not {what}", token.line)
        if token.text.lower() in _NO_NUMBER:
            self.fail(f"{token.text} is not a finite number", token.line)
        return self.place.setdefault(token.text, len(self.place))

    def _number(self, token: _Token) -> float:
        value = float(token.text)
        if not isfinite(value) or abs(value) >= _HUGE:
            self.fail(f"{token.text} is too large a number", token.line)
        return value

    # -- bounds and kinds -------------------------------------------------------------------------

    def _read_bound(self, tokens: _Tokens) -> None:
        line = tokens.line
        left = self._limit(tokens)
        if left is not None:
            comparator = self._comparator(tokens)
            i = self._variable(tokens.take())
            self._bound(i, _MIRRORED[comparator], left, line)
            if tokens.peek().kind == "comparator" and tokens.line == line:
                second = self._comparator(tokens)
                if second != comparator or second == "==":
                    self.fail("a bound on both sides is written -3 <= x <= 5", line)
                self._bound(i, second, self._required_limit(tokens), line)
            return
        i = self._variable(tokens.take())
        if tokens.peek().text.lower() == "free":
            tokens.take()
            self.lower[i], self.upper[i] = -inf, (inf, line)
            return
        self._bound(i, self._comparator(tokens), self._required_limit(tokens), line)

    def _comparator(self, tokens: _Tokens) -> Comparator:
        token = tokens.take()
        if token.kind != "comparator":
            self.fail("a bound is written x <= 5, -3 <= x <= 5, x = 2 or x free", token.line)
        return _COMPARATORS[token.text]

    def _limit(self, tokens: _Tokens) -> float | None:
        """A signed number or infinity, if one comes next."""
        ahead = 0
        while tokens.peek(ahead).text in ("+", "-"):
            ahead += 1
        token = tokens.peek(ahead)
        infinite = token.text.lower() in ("inf", "infinity")
        if token.kind != "number" and not infinite:
            if ahead:
                self.fail(f"a bound is expected, not {token.text!r}", token.line)
            return None
        sign = self._sign(tokens) or 1.0
        tokens.take()
        value = inf if infinite else float(token.text)
        return sign * (inf if value >= _HUGE else value)

    def _required_limit(self, tokens: _Tokens) -> float:
        token = tokens.peek()
        value = self._limit(tokens)
        if value is None:
            self.fail(f"a bound is expected, not {token.text!r}", token.line)
        return value

    def _bound(self, i: int, comparator: Comparator, value: float, line: int) -> None:
        if comparator == "==" and not isfinite(value):
            self.fail("a variable cannot equal infinity", line)
        if comparator in (">=", "=="):
            self.lower[i] = value
        if comparator in ("<=", "=="):
            self.upper[i] = (value, line)

    def _read_kind(self, tokens: _Tokens, kind: set[int]) -> None:
        while tokens:
            kind.add(self._variable(tokens.take()))

    def _program(self) -> Program:
        n = len(self.place)
        names = list(self.place)
        lower, upper = np.zeros(n), np.full(n, inf)
        for i, value in self.lower.items():
            lower[i] = value
        for i, (value, line) in self.upper.items():
            upper[i] = value
            if value < 0 and i not in self.lower:
                # Programs differ: some read a lower bound of 0 here, some none.
                self.fail(
                    f"variable {names[i]!r} has the upper bound {value:g} and no lower one; "
                    f"write -inf <= {names[i]} <= {value:g} if there is none", line
                )
            if lower[i] > value:
                self.fail(f"variable {names[i]!r} has bounds {lower[i]:g} > {value:g}", line)
        for i in self.binary:
            lower[i], upper[i] = max(lower[i], 0.0), min(upper[i], 1.0)
        linear = np.zeros(n)
        for i, a in self.objective.terms:
            linear[i] += a
        pairs = self.objective.quadratic
        assert self.sense is not None
        try:
            return Program.build(
                sense=self.sense, linear=linear,
                row=[i for i, _, _ in pairs], col=[j for _, j, _ in pairs],
                value=[v for _, _, v in pairs], offset=self.objective.constant,
                lower=lower, upper=upper,
                integer=[i in self.integer or i in self.binary for i in range(n)],
                constraints=self.constraints, names=names,
            )
        except InputError as fault:
            raise ParseError(self.source, str(fault)) from fault


# -- writing --------------------------------------------------------------------------------------


def write_program(program: Program, path: str | Path) -> None:
    """Write an LP file."""
    Path(path).write_text(program_to_lp(program), encoding="utf-8")


def program_to_lp(program: Program) -> str:
    """The program as LP text, which `program_from_lp` reads back in the same order.

    A name that the format does not take is replaced by ``x7`` or ``c7``; a comment tells it.
    """
    names, comments = _legal_names(program.names, "x")
    titles, more = _legal_names([item.name for item in program.constraints], "c")
    lines = [f"\\ {text}" for text in (*comments, *more)]
    lines.append("Minimize" if program.sense == "minimise" else "Maximize")
    lines += _wrapped(" obj:", _objective_terms(program, names))
    lines.append("Subject To")
    for title, item in zip(titles, program.constraints, strict=True):
        terms = [
            _term(a, names[i]) for i, a in zip(item.indices, item.coefficients, strict=True)
        ] or [f"+ 0 {names[0]}" if names else "+ 0"]
        comparator = "=" if item.comparator == "==" else item.comparator
        lines += _wrapped(f" {title}:", [*terms, f"{comparator} {float(item.rhs)!r}"])
    lines.append("Bounds")
    for i, name in enumerate(names):
        lines += _bound_line(program, i, name)
    binary = program.integer & (program.lower == 0.0) & (program.upper == 1.0)
    for title, which in (("Generals", program.integer & ~binary), ("Binaries", binary)):
        chosen = [names[i] for i in np.flatnonzero(which)]
        if chosen:
            lines += [title, *_wrapped("", chosen)]
    return "\n".join([*lines, "End", ""])


def _legal_names(names: Sequence[str], letter: str) -> tuple[list[str], list[str]]:
    """Names that every reader takes, all different, and comments on those that were replaced."""
    legal = re.compile(r"(?![eE](?:\d|$))[A-Za-z_][A-Za-z0-9_.\[\],(){}#$]{0,254}")
    out: list[str] = []
    comments: list[str] = []
    taken = set(names)
    used: set[str] = set()
    for i, name in enumerate(names):
        plain = legal.fullmatch(name) and re.fullmatch(r"[^\[\]]*(?:\[[^\[\]]*\])*", name)
        keyword = _HEADER.match(name) or name.lower() in (*_NO_NUMBER, "free")
        new = name
        if not plain or keyword or name in used:
            k = i
            while (new := f"{letter}{k}") in taken | used:
                k += len(names)
            comments.append(f"{new} is {name!r}")
        used.add(new)
        out.append(new)
    return out, comments


def _term(coefficient: float, name: str) -> str:
    sign = "-" if coefficient < 0 else "+"
    return f"{sign} {abs(float(coefficient))!r} {name}"


def _objective_terms(program: Program, names: Sequence[str]) -> list[str]:
    # Every variable is written, so that the order and variables without terms survive.
    terms = [_term(a, name) for a, name in zip(program.linear, names, strict=True)]
    if len(program.value):
        terms.append("+ [")
        terms += [
            _term(2.0 * v, f"{names[i]} ^ 2" if i == j else f"{names[i]} * {names[j]}")
            for i, j, v in zip(program.row, program.col, program.value, strict=True)
        ]
        terms.append("] / 2")
    if program.offset or not terms:
        terms.append(f"{'-' if program.offset < 0 else '+'} {abs(float(program.offset))!r}")
    return terms


def _bound_line(program: Program, i: int, name: str) -> list[str]:
    low, high = float(program.lower[i]), float(program.upper[i])
    if (program.integer[i] and low == 0.0 and high == 1.0) or (low == 0.0 and high == inf):
        return []
    if low == -inf and high == inf:
        return [f" {name} free"]
    if low == high:
        return [f" {name} = {low!r}"]
    left = "-inf" if low == -inf else repr(low)
    return [f" {left} <= {name}" + ("" if high == inf else f" <= {high!r}")]


def _wrapped(start: str, parts: Sequence[str]) -> list[str]:
    lines = [start]
    for part in parts:
        if len(lines[-1]) + len(part) >= _WIDTH:
            lines.append("  ")
        lines[-1] += f" {part}"
    return lines
