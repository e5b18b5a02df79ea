"""Reading programs in the CPLEX LP format.

Read are linear constraints, ranges (``-3 <= x + y <= 8``), constants and variables on both sides,
bounds, general and binary variables, and a quadratic objective ``[ 2 x ^ 2 + 4 x * y ] / 2``. (The
readers in reach were found wanting: HiGHS's, which is dimod's too, takes any text for an empty
program, tells no line, and refuses ranges and right-hand variables; qiskit-optimization's needs
CPLEX.)
"""

import re
from collections import Counter
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

_HEADERS: tuple[tuple[str, str], ...] = (
    ("general constraints", r"general\s+constraints?"),
    ("user cuts", r"user\s+cuts"),
    ("several objectives", r"multi-objectives?"),
    ("piecewise-linear objectives", r"pwlobj"),
    ("semi-continuous variables", r"semi-continuous|semis?"),
    ("special ordered sets", r"sos[12]?"),
    ("minimise", r"minimi[sz]e|minimum|min"),
    ("maximise", r"maximi[sz]e|maximum|max"),
    ("constraints", r"subject\s+to|such\s+that|s\.t\.?|st\.?|lazy\s+constraints"),
    ("bounds", r"bounds?"),
    ("general", r"generals?|gen|integers?|int"),
    ("binary", r"binar(?:y|ies)|bin"),
    ("end", r"end"),
)
"""Sections and what opens them; the first six are refused."""

HEADER = re.compile(
    rf"\s*(?:{'|'.join(f'(?P<h{k}>{words})' for k, (_, words) in enumerate(_HEADERS))})"
    # A variable or a label of that name is followed by an operator or a colon.
    r"(?=\s|$)(?!\s*[-+*/^:<>=\[])",
    re.IGNORECASE,
)
NO_NUMBER = {"inf", "infinity", "nan"}
"""Words that stand for no finite number, and so for no variable either."""

_LETTERS = r"""!"#$%&(),;?@'`{}~|"""
_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
    r"|(?P<arrow>->)"
    r"|(?P<comparator><=|>=|=<|=>|==|<|>|=)"
    rf"|(?P<name>(?:[^\W\d]|[{_LETTERS}])[\w.{_LETTERS}]*(?:\[[^\]\s]*\])*)"
    r"|(?P<mark>[-+*/^:\[\]])"
    r")"
)
_COMPARATORS: dict[str, Comparator] = {
    "<=": "<=", "=<": "<=", "<": "<=", ">=": ">=", "=>": ">=", ">": ">=", "=": "==", "==": "==",
}
_MIRRORED: dict[Comparator, Comparator] = {"<=": ">=", ">=": "<=", "==": "=="}


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
        self.uses: Counter[int] = Counter()
        self.right: dict[int, tuple[str, int]] = {}
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
            if found := HEADER.match(line):
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
        kind = int(group[1:])
        title = _HEADERS[kind][0]
        if kind < 6:
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
            if len(sides[-1].terms) == 1:
                self.right[sides[-1].terms[0][0]] = name, line
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
        if token.text.lower() in NO_NUMBER:
            self.fail(f"{token.text} is not a finite number", token.line)
        index = self.place.setdefault(token.text, len(self.place))
        self.uses[index] += 1
        return index

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
        for i, (name, line) in self.right.items():
            if self.uses[i] == 1:
                self.fail(
                    f"the right side of constraint {name!r} is {names[i]!r}, which is no number, "
                    "and no other line has a variable of that name", line
                )
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
