"""How places are scored against each other; ``[compare]`` of ``pse.toml``, which is no input of a plan."""

from types import MappingProxyType
from typing import Annotated

import msgspec

MEASURED = MappingProxyType(
    {
        "price": "cheapest allowed cost over the horizon / this one; 0 where it lacks more prices",
        "known": "100 when the bill lacks no price, else 0",
        "together": "share of the plan's other workloads that are at the place",
    }
)
"""Criteria that a plan tells by itself, each 0 to 100, and how."""


class CompareSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Weights of the criteria for the most advantageous place; the usual ones are our own, and no procurement rule.

    Attributes:
        weights: By criterion: those of `MEASURED`, and others for which `marks` are given.
        marks: By place id and criterion: 0 to 100, as the entity has judged, for example of support or experience.
    """

    weights: dict[str, Annotated[int, msgspec.Meta(ge=0, le=1000)]] = msgspec.field(
        default_factory=lambda: {"price": 60, "known": 20, "together": 20}
    )
    marks: dict[str, dict[str, Annotated[int, msgspec.Meta(ge=0, le=100)]]] = {}

    def __post_init__(self) -> None:
        """Refuse weights that weigh nothing, and marks that nothing weighs.

        Raises:
            ValueError: msgspec turns it into a validation error that names the table.
        """
        if not sum(self.weights.values()):
            raise ValueError("the weights come to 0")
        marked = {criterion for given in self.marks.values() for criterion in given}
        if strange := sorted(marked - set(self.weights)):
            raise ValueError(f"there are marks for {strange[0]}, and no weight")
        if fixed := sorted(marked & set(MEASURED)):
            raise ValueError(f"{fixed[0]} is told by the plan, and takes no marks")
        if unmarked := sorted(set(self.weights) - set(MEASURED) - marked):
            raise ValueError(f"there is a weight for {unmarked[0]}, and no marks")
