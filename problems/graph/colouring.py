"""Graph colouring: the fewest colours, or the fewest conflicts with a given number of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from qopt.errors import InputError, SizeError, UsageError
from qopt.forms import Form, Group, Lowering, Program, Qubo
from qopt.forms.program import Comparator
from qopt.problem import Reference, Score, Sense, Violation

from ..encode import choices, lower_with, one_of, renumbered
from .graph import Graph, instance_name, listed, read_graph

Objective = Literal["colours", "conflicts"]

MOST_CONFLICTS = 2_000_000
"""Edges times colours of the largest model."""

_CLIQUE_STARTS = 20
"""Vertices from which a clique is grown."""

_Row = tuple[str, list[int], list[float], Comparator, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class Colouring:
    """Colour the vertices so that no edge joins two of one colour.

    An answer is a vector of int64, shape (vertices,): the colour of each vertex, counted from 0,
    and -1 for a vertex with no colour or several. Weights play no part.

    Parameters
    ----------
    name : str
    graph : Graph
    colours : int, optional
        How many colours there are. None leaves it open: then no more are offered than a greedy
        colouring takes, which loses no optimum.
    objective : {"colours", "conflicts"}
        Minimise the number of colours that are used, with no conflict allowed; or the number of
        conflicts, edges whose ends have one colour, which then are no violations. The latter
        decides whether `colours` suffice: they do where the optimum is 0.
    reference : Reference, optional

    Raises
    ------
    InputError
        For fewer than one colour, or conflicts to be minimised without a number of colours.
    """

    kind: ClassVar[str] = "colouring"

    name: str
    graph: Graph
    colours: int | None = None
    objective: Objective = "colours"
    reference: Reference | None = None

    def __post_init__(self) -> None:
        if self.colours is not None and self.colours < 1:
            raise InputError(f"colouring takes at least one colour, got colours={self.colours}")
        if self.objective not in ("colours", "conflicts"):
            raise UsageError(
                f"objective must be 'colours' or 'conflicts', got {self.objective!r}"
            )
        if self.objective == "conflicts" and self.colours is None:
            raise InputError("objective='conflicts' needs the number of colours: colours=3")

    @classmethod
    def load(
        cls, path: Path, *, colours: int | None = None, objective: Objective = "colours"
    ) -> Self:
        """Read a graph file.

        Parameters
        ----------
        colours : int, optional
            How many colours there are; left out, as many as are needed.
        objective : {"colours", "conflicts"}
            What is minimised: the colours that are used, without any conflict, or the conflicts.
        """
        return cls(
            name=instance_name(path), graph=read_graph(path), colours=colours, objective=objective
        )

    @classmethod
    def from_networkx(
        cls, graph: Any, *, name: str = "graph", colours: int | None = None,
        objective: Objective = "colours", reference: Reference | None = None,
    ) -> Self:
        """Take over an undirected networkx graph; see `Graph.from_networkx`."""
        return cls(
            name=name, graph=Graph.from_networkx(graph), colours=colours, objective=objective,
            reference=reference,
        )

    @property
    def sense(self) -> Sense:
        """Colours and conflicts are minimised."""
        return "minimise"

    def data(self) -> Mapping[str, Any]:
        """The edges, the number of colours and the objective."""
        graph = self.graph
        return {
            "vertices": graph.vertices,
            "tail": graph.tail,
            "head": graph.head,
            "names": graph.names,
            "colours": self.colours,
            "objective": self.objective,
        }

    def describe(self) -> Mapping[str, Any]:
        """Size of the graph, and between which numbers of colours the optimum lies."""
        found = {**self.graph.describe(), "objective": self.objective}
        if self.objective == "conflicts":
            return {**found, "colours": self.colours}
        return {**found, "colours_at_least": len(self.clique), "colours_at_most": self.offered}

    @cached_property
    def _neighbours(self) -> list[set[int]]:
        found: list[set[int]] = [set() for _ in range(self.graph.vertices)]
        for a, b in zip(self.graph.tail.tolist(), self.graph.head.tolist(), strict=True):
            found[a].add(b)
            found[b].add(a)
        return found

    @cached_property
    def clique(self) -> tuple[int, ...]:
        """Vertices that are all joined, as many as are found greedily: each needs its own colour.

        A clique is grown from each of the vertices with the most neighbours, always by the one that
        leaves the most candidates.
        """
        near = self._neighbours
        best: list[int] = []
        for start in sorted(range(len(near)), key=lambda v: -len(near[v]))[:_CLIQUE_STARTS]:
            grown, common = [start], near[start]
            while common:
                vertex = min(common, key=lambda v: (-len(near[v] & common), v))
                grown.append(vertex)
                common = common & near[vertex]
            if len(grown) > len(best):
                best = grown
        return tuple(best)

    @cached_property
    def greedy(self) -> NDArray[np.int64]:
        """A colouring without conflicts, shape (vertices,): vertices that see most colours first.

        D. Brelaz, "New methods to color the vertices of a graph", Communications of the ACM 22,
        1979 (DSATUR).
        """
        from heapq import heapify, heappop, heappush

        near = self._neighbours
        colour = np.full(len(near), -1, dtype=np.int64)
        seen: list[set[int]] = [set() for _ in near]
        queue = [(0, -len(near[v]), v) for v in range(len(near))]
        heapify(queue)
        while queue:
            saturation, _, vertex = heappop(queue)
            if colour[vertex] >= 0 or -saturation != len(seen[vertex]):
                continue  # coloured, or an entry from before a neighbour was
            free = next(c for c in range(len(near) + 1) if c not in seen[vertex])
            colour[vertex] = free
            for other in near[vertex]:
                if colour[other] < 0 and free not in seen[other]:
                    seen[other].add(free)
                    heappush(queue, (-len(seen[other]), -len(near[other]), other))
        return colour

    @property
    def offered(self) -> int:
        """How many colours the models offer."""
        needed = int(self.greedy.max()) + 1
        if self.objective == "conflicts" and self.colours is not None:
            return min(self.colours, self.graph.vertices)
        return needed if self.colours is None else min(self.colours, needed)

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the instance as a `Qubo` or `Program`; options are those of `to_qubo` and so on."""
        conflicts = self.graph.edges * self.offered
        if conflicts > MOST_CONFLICTS:
            raise SizeError("a model of a colouring", conflicts, MOST_CONFLICTS,
                            "edges times colours", "fewer colours may fit: colours=K")
        return lower_with(self, form, options)

    def to_qubo(self, *, penalty: float | None = None) -> Lowering[Qubo]:
        """One bit for each vertex and colour that it may take, exactly one of a vertex is set.

        An edge with one colour costs `penalty`. That a colour is used costs 1: a bit for each
        colour beyond those of a clique says so, and each vertex with an unused colour costs 1. The
        colours of the clique are fixed, and colours are numbered as the vertices first use them.

        A penalty above 1, for edges and for vertices with no colour or several alike, is proven
        sufficient. Let an answer use `j` colours, break `m` edges and leave `u` vertices without a
        colour. Clearing the extra colours of a vertex costs nothing. Then one end of each broken
        edge and each of the `u` vertices can be given a new colour of its own, which leaves a
        proper colouring with ``j + m + u`` colours: so many are at least as many as the fewest,
        and with a price above 1 the answer costs more.

        Where conflicts are minimised there is no penalty for edges, each costs 1; a vertex without
        a colour could always take one that at most a share of its neighbours has, and its group
        weighs more than that.

        Parameters
        ----------
        penalty : float, optional
            What an edge within one colour costs, in colours; 2 where it is left out. It has no part
            where conflicts are minimised.
        """
        model, price = _Model(self), self._price(penalty)
        rows, cols, values = [], [], []
        for a, b in zip(self.graph.tail.tolist(), self.graph.head.tolist(), strict=True):
            for colour in model.shared(a, b):
                rows.append(model.bit(a, colour))
                cols.append(model.bit(b, colour))
                values.append(price)
        linear = np.zeros(model.size)
        for colour, used in model.used.items():
            linear[used] = 1.0
            for vertex in model.takers(colour):
                bit = model.bit(vertex, colour)
                linear[bit] += 1.0
                rows.append(bit)
                cols.append(used)
                values.append(-1.0)
        qubo = Qubo.from_arrays(
            linear, rows, cols, values, offset=float(model.sure), labels=model.names,
            groups=[
                Group(tuple(range(first, first + len(options))), 1,
                      self._group_weight(vertex, len(options), price),
                      f"colour of {self.graph.label(vertex)}")
                for vertex, first, options in model.rows()
            ],
        )
        return Lowering(qubo, decode=model.decode, encode=model.encode, notes=model.notes(price))

    def _price(self, penalty: float | None) -> float:
        """What an edge within one colour costs."""
        if self.objective == "conflicts":
            if penalty is not None:
                raise UsageError(
                    "penalty has no effect where conflicts are minimised; leave it out"
                )
            return 1.0
        price = 2.0 if penalty is None else penalty
        if not price > 0.0:
            raise UsageError(f"penalty must be above 0, and above 1 to suffice, got {price:g}")
        return price

    def _group_weight(self, vertex: int, options: int, price: float) -> float:
        if self.objective == "colours":
            return price
        return float(len(self._neighbours[vertex]) // options + 1)

    def to_program(self) -> Lowering[Program]:
        """Vertices to colours; of each clique one vertex at most has a colour.

        The colours of a large clique are fixed, colours are numbered as the vertices first use
        them, and used colours come first, so that of equal colourings only few are left.
        """
        model = _Model(self)
        rows: list[_Row] = [
            (f"colour of {self.graph.label(vertex)}",
             list(range(first, first + len(options))), [1.0] * len(options), "==", 1.0)
            for vertex, first, options in model.rows()
        ]
        if self.objective == "conflicts":
            return self._conflict_program(model, rows)
        cliques = self.graph.cliques()
        inside = {vertex for members in cliques for vertex in members}
        cliques += [[vertex] for vertex in range(self.graph.vertices) if vertex not in inside]
        for members in cliques:
            title = " ".join(self.graph.label(vertex) for vertex in members)
            for colour in range(self.offered):
                bits = [model.bit(v, colour) for v in members if colour in model.options[v]]
                used = model.used.get(colour)
                if used is not None and bits:
                    rows.append((f"{title} in colour {colour + 1}", [*bits, used],
                                 [1.0] * len(bits) + [-1.0], "<=", 0.0))
                elif len(bits) > 1:
                    rows.append((f"{title} in colour {colour + 1}", bits, [1.0] * len(bits),
                                 "<=", 1.0))
        for colour in list(model.used)[1:]:
            rows.append((f"colour {colour + 1} after {colour}",
                         [model.used[colour], model.used[colour - 1]], [1.0, -1.0], "<=", 0.0))
        linear = np.zeros(model.size)
        linear[list(model.used.values())] = 1.0
        program = Program.build(
            linear=linear, offset=float(model.sure), constraints=rows, names=model.names
        )
        return Lowering(program, decode=model.decode, encode=model.encode, notes=model.notes())

    def _conflict_program(self, model: "_Model", rows: list[_Row]) -> Lowering[Program]:
        """With a bit for each edge that says whether its ends have one colour."""
        ends = list(zip(self.graph.tail.tolist(), self.graph.head.tolist(), strict=True))
        for e, (a, b) in enumerate(ends):
            for colour in model.shared(a, b):
                rows.append((
                    f"edge {self.graph.edge_label(e)} in colour {colour + 1}",
                    [model.bit(a, colour), model.bit(b, colour), model.size + e],
                    [1.0, 1.0, -1.0], "<=", 1.0,
                ))
        program = Program.build(
            linear=np.concatenate([np.zeros(model.size), np.ones(len(ends))]), constraints=rows,
            names=[*model.names, *(f"conflict {self.graph.edge_label(e)}"
                                   for e in range(len(ends)))],
        )

        def encode(answer: Any) -> NDArray[np.float64]:
            colour = self._check(answer)
            broken = (colour[self.graph.tail] == colour[self.graph.head]) & (
                colour[self.graph.tail] >= 0
            )
            return np.concatenate([model.encode(answer), broken])

        return Lowering(program, decode=model.decode, encode=encode, notes=model.notes())

    def score(self, answer: Any) -> Score:
        """The colours that are used, or the conflicts; conflicts are violations in the former."""
        colour, graph = self._check(answer), self.graph
        violations = listed(
            [f"vertex {graph.label(v)} has not exactly one colour"
             for v in np.flatnonzero(colour < 0).tolist()]
        )
        used = len(np.unique(colour[colour >= 0]))
        if self.colours is not None and used > self.colours:
            text = f"{used} colours are used, there are {self.colours}"
            violations.append(Violation(text, float(used - self.colours)))
        broken = np.flatnonzero(
            (colour[graph.tail] == colour[graph.head]) & (colour[graph.tail] >= 0)
        ).tolist()
        if self.objective == "conflicts":
            return Score(float(len(broken)), tuple(violations))
        texts = [
            f"edge {graph.edge_label(e)}: both ends have colour {colour[graph.tail[e]] + 1}"
            for e in broken
        ]
        return Score(float(used), (*listed(texts), *violations))

    def insight(self, answer: Any) -> Mapping[str, Any]:
        """How many vertices have each colour."""
        colour = self._check(answer)
        used, sizes = np.unique(colour[colour >= 0], return_counts=True)
        return {
            "vertices of each colour": {
                str(c + 1): size for c, size in zip(used.tolist(), sizes.tolist(), strict=True)
            }
        }

    def encode_answer(self, answer: Any) -> Any:
        """The colour of each vertex by its name, counted from 1; null for none."""
        return {
            self.graph.label(v): c + 1 if c >= 0 else None
            for v, c in enumerate(self._check(answer).tolist())
        }

    def decode_answer(self, data: Mapping[str, int | None]) -> Any:
        """Colours from names."""
        labels = [self.graph.label(v) for v in range(self.graph.vertices)]
        for name in set(data) ^ set(labels):
            what = "misses a colour for" if name in labels else "names an unknown vertex"
            raise UsageError(f"the answer {what} {name!r}")
        values = [data[name] for name in labels]
        return np.array([-1 if c is None else c - 1 for c in values], dtype=np.int64)

    def _check(self, answer: Any) -> NDArray[np.int64]:
        colour = np.asarray(answer)
        if colour.shape != (self.graph.vertices,):
            raise UsageError(
                f"an answer has one colour for each of {self.graph.vertices} vertices, got shape "
                f"{colour.shape}"
            )
        return colour.astype(np.int64)


class _Model:
    """Which vertex may take which colour, and the places of their bits.

    Vertices are put in an order, a clique first, and colours numbered as they first appear along
    it: the vertex at place `p` takes one of the colours ``0..p``. Every colouring has such a
    numbering. Where no conflict is allowed, vertex `p` of the clique has colour `p`, and no
    neighbour of it has.
    """

    def __init__(self, problem: Colouring) -> None:
        self.problem = problem
        graph, limit = problem.graph, problem.offered
        self.counts = problem.objective == "colours"
        # Where fewer colours are given than a clique needs, nothing is feasible.
        fixed = problem.clique if self.counts and len(problem.clique) <= limit else ()
        rest = sorted(set(range(graph.vertices)) - set(fixed),
                      key=lambda v: (-len(problem._neighbours[v]), v))
        self.order = [*fixed, *rest]
        colour_of = {v: c for c, v in enumerate(fixed)}
        self.options: list[list[int]] = [[] for _ in range(graph.vertices)]
        for place, vertex in enumerate(self.order):
            barred = {colour_of[n] for n in problem._neighbours[vertex] if n in colour_of}
            free = [c for c in range(min(place + 1, limit)) if c not in barred]
            self.options[vertex] = [colour_of[vertex]] if vertex in colour_of else free
        self.first = np.cumsum([0, *(len(o) for o in self.options)]).tolist()
        self.sure = (len(fixed) or 1) if self.counts else 0
        extra = range(self.sure, limit) if self.counts else ()
        self.used = {c: self.first[-1] + k for k, c in enumerate(extra)}
        self.size = self.first[-1] + len(self.used)

    def bit(self, vertex: int, colour: int) -> int:
        """Place of the bit that says that a vertex has a colour."""
        return int(self.first[vertex] + self.options[vertex].index(colour))

    def rows(self) -> list[tuple[int, int, list[int]]]:
        """Each vertex with the place of its first bit and its colours."""
        return [(v, self.first[v], options) for v, options in enumerate(self.options)]

    def shared(self, a: int, b: int) -> list[int]:
        """Colours that both vertices may take."""
        other = set(self.options[b])
        return [c for c in self.options[a] if c in other]

    def takers(self, colour: int) -> list[int]:
        """Vertices that may take a colour."""
        return [v for v, options in enumerate(self.options) if colour in options]

    @property
    def names(self) -> list[str]:
        """A name for each bit."""
        label = self.problem.graph.label
        return [
            *(f"v{label(v)}_c{c + 1}" for v, options in enumerate(self.options) for c in options),
            *(f"used{c + 1}" for c in self.used),
        ]

    def decode(self, values: Any) -> NDArray[np.int64]:
        """Colours from a solver's bits."""
        return one_of(values, self.options)

    def encode(self, answer: Any) -> NDArray[np.float64]:
        """A solver's bits from colours."""
        colour = renumbered(self.problem._check(answer), self.order)
        head = choices(colour, self.options, "colours")
        return np.concatenate([head, [float(c in colour) for c in self.used]])

    def notes(self, penalty: float | None = None) -> tuple[str, ...]:
        """Size, and whether the penalty suffices."""
        offered = self.problem.offered
        size = f"{self.size} bits: vertices to {offered} colours"
        if not self.counts:
            return (size,)
        found = [f"{size}, at least {self.sure} by a clique"]
        if penalty is not None:
            proof = "proven sufficient" if penalty > 1.0 else "not proven sufficient: that takes "\
                "above 1"
            found.append(f"an edge within one colour costs {penalty:g} ({proof})")
        return tuple(found)
