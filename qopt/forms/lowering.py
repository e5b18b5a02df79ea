"""A reduction from one description to another, with the way back."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from .reduce.report import Reduction

M = TypeVar("M")

CLASSICAL_COLUMNS = "classical-columns"
"""Code of the caveat that a model offers what a classical search made, its best answer among it."""


@dataclass(frozen=True)
class Penalties:
    """Sizes of a model's penalty weights beside those of its objective's own coefficients.

    What a device must resolve: where the largest weight is a thousand times the smallest
    coefficient, noise of a thousandth hides the objective.

    Parameters
    ----------
    least, most : float
        Penalty weights, those of groups included.
    smallest, largest : float
        Coefficients of the objective that are not zero, in size, before penalties.
    """

    least: float
    most: float
    smallest: float
    largest: float

    @classmethod
    def of(cls, weights: Iterable[float], coefficients: Iterable[float]) -> "Penalties | None":
        """From all weights and coefficients; None where there is none of either."""
        above = [abs(float(weight)) for weight in weights if weight]
        sizes = [abs(float(value)) for value in coefficients if value]
        if not above or not sizes:
            return None
        return cls(min(above), max(above), min(sizes), max(sizes))


@dataclass(frozen=True)
class Lowering(Generic[M]):
    """A model that stands for a source (a problem or another model), and the way back.

    For every answer of the source that is feasible and that the model can express,
    ``scale * model objective + offset`` is the source's objective.

    Parameters
    ----------
    model : Qubo, Program, Routing or Table
        What the solver sees.
    decode : callable
        Turns an answer of the model into an answer of the source. It never repairs: an answer that
        breaks a constraint decodes to one that the source's score finds infeasible.
    encode : callable, optional
        Turns an answer of the source into one of the model (warm starts, tests). None where the
        model cannot express every answer.
    scale, offset : float
        Affine map from the model's objective to the source's. A negative scale turns a lower bound
        into an upper one: a maximisation that was lowered to a minimisation.
    complete : bool
        False where the model leaves out part of the feasible set (a choice of route columns): then
        its bound is no bound on the source, and its infeasibility proves nothing.
    notes : tuple of str
        What a reader of the result should know: encoding, number of qubits, penalty bound.
    relaxed : bool
        True where the best answer of the model need not be one of the source, and may lie below
        (a set of subtours in place of a tour): a bound on the model is one on the source, but an
        optimum of the model proves nothing beyond its bound. With `complete` false, also where
        the model's objective only stands in for the source's.
    refine : callable, optional
        Asked after the model was solved, with its answers, best first by the solver's measure: a
        lowering that knows more (cuts that exclude them, another point to linearise at), which is
        solved next while the budget lasts; None where nothing is left to refine. Each refined
        lowering stands for the same source, and may carry a `refine` of its own.
    penalties : Penalties, optional
        Of a QUBO: how large its penalties are beside its objective.
    caveats : mapping of str to str
        What must not be overlooked where runs on this model are compared: a code and a sentence.
    known : object, optional
        An answer of the source that the model, a program, was built from, so that no solver need
        find it again: it is the answer of the run where the solver finds none that is better, and
        the run says so. Where the program becomes a QUBO it is not handed on to the run.
    decode_many : callable, optional
        What `decode` does, for a sequence of answers at once: where that is quicker.
    reduction : Reduction, optional
        What an exact presolve of the model removed; None where there was none.
    """

    model: M
    decode: Callable[[Any], Any] = field(repr=False)
    encode: Callable[[Any], Any] | None = field(default=None, repr=False)
    scale: float = 1.0
    offset: float = 0.0
    complete: bool = True
    notes: tuple[str, ...] = ()
    relaxed: bool = False
    refine: "Callable[[Sequence[Any]], Lowering[Any] | None] | None" = field(
        default=None, repr=False
    )
    penalties: Penalties | None = None
    caveats: Mapping[str, str] = field(default_factory=dict)
    known: Any = field(default=None, repr=False)
    decode_many: Callable[[Any], Sequence[Any]] | None = field(default=None, repr=False)
    reduction: "Reduction | None" = None

    def decode_all(self, answers: Any) -> Sequence[Any]:
        """Decode answers, at once where that is offered."""
        if self.decode_many is not None:
            return self.decode_many(answers)
        return [self.decode(answer) for answer in answers]

    def objective(self, value: float) -> float:
        """Turn an objective or bound of the model into the source's units and sense."""
        return self.scale * value + self.offset

    def then(self, further: "Lowering[Any]") -> "Lowering[Any]":
        """Compose: the source lowered to this model, lowered once more to `further`'s.

        What `further` refines stays refined; a refinement of this lowering itself needs `through`.
        """
        first_encode, second_encode = self.encode, further.encode
        encode = None
        if first_encode is not None and second_encode is not None:

            def encode(answer: Any) -> Any:
                return second_encode(first_encode(answer))

        def refine(answers: Sequence[Any]) -> "Lowering[Any] | None":
            assert further.refine is not None
            refined = further.refine(answers)
            return None if refined is None else self.then(refined)

        return Lowering(
            model=further.model,
            decode=lambda answer: self.decode(further.decode(answer)),
            decode_many=lambda answers: self.decode_all(further.decode_all(answers)),
            encode=encode,
            scale=self.scale * further.scale,
            offset=self.scale * further.offset + self.offset,
            complete=self.complete and further.complete,
            notes=self.notes + further.notes,
            relaxed=self.relaxed or further.relaxed,
            refine=None if further.refine is None else refine,
            penalties=further.penalties or self.penalties,
            caveats={**self.caveats, **further.caveats},
            known=self.known,
            reduction=further.reduction or self.reduction,
        )

    def through(self, lower: "Callable[[M], Lowering[Any]]") -> "Lowering[Any]":
        """Compose with what `lower` makes of this model, and of each model that refines it."""
        further = lower(self.model)
        composed = self.then(further)
        first = self.refine
        if first is None:
            return composed

        def refine(answers: Sequence[Any]) -> "Lowering[Any] | None":
            refined = first([further.decode(answer) for answer in answers])
            return None if refined is None else refined.through(lower)

        return replace(composed, refine=refine)
