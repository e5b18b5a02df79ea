"""A reduction from one description to another, with the way back."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

M = TypeVar("M")


@dataclass(frozen=True)
class Lowering(Generic[M]):
    """A model that stands for a source (a problem or another model), and the way back.

    For every answer of the source that is feasible and that the model can express,
    ``scale * model objective + offset`` is the source's objective.

    Parameters
    ----------
    model : Qubo, Program or Routing
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
    """

    model: M
    decode: Callable[[Any], Any] = field(repr=False)
    encode: Callable[[Any], Any] | None = field(default=None, repr=False)
    scale: float = 1.0
    offset: float = 0.0
    complete: bool = True
    notes: tuple[str, ...] = ()

    def objective(self, value: float) -> float:
        """Turn an objective or bound of the model into the source's units and sense."""
        return self.scale * value + self.offset

    def then(self, further: "Lowering[Any]") -> "Lowering[Any]":
        """Compose: the source lowered to this model, lowered once more to `further`'s."""
        first_encode, second_encode = self.encode, further.encode
        encode = None
        if first_encode is not None and second_encode is not None:

            def encode(answer: Any) -> Any:
                return second_encode(first_encode(answer))

        return Lowering(
            model=further.model,
            decode=lambda answer: self.decode(further.decode(answer)),
            encode=encode,
            scale=self.scale * further.scale,
            offset=self.scale * further.offset + self.offset,
            complete=self.complete and further.complete,
            notes=self.notes + further.notes,
        )
