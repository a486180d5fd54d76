"""What there is at the places of the register, as their accounts list it: ours, other workspaces' and nobody's."""

import msgspec

from policy.succession import first_signer
from providers.identity import PROJECT, stack_tag
from providers.places import Places
from providers.ports import Made
from pse.core.settings import Workspace


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """A live object.

    Attributes:
        place: Place id where it was found.
        kind: For example ``Volume``.
        made: As the adapter tells of it.
        listed: The account's listing has it; false when only its tags led to it.
    """

    place: str
    kind: str
    made: Made
    listed: bool = True

    @property
    def key(self) -> tuple[str, str, str]:
        """What a state knows it by: place, kind and id."""
        return self.place, self.kind, self.made.id

    @property
    def stack(self) -> str:
        """Tag ``pse-stack``; empty when a stranger made it."""
        return self.made.identity.stack if self.made.identity else ""


def survey(places: Places) -> tuple[Live, ...]:
    """Every object of every kind at every place of the register, sorted by place and kind.

    Raises:
        Refused: The register is unsigned or altered.
        RemoteError: A cloud could not be asked; a survey that did not see everything is none.
        MissingTool: A vendor's SDK is not installed.
    """
    found: list[Live] = []
    for place in places.register.places:
        provider = places.provider(place.id)
        for kind in sorted(provider.kinds):
            found += (Live(place=place.id, kind=kind, made=made) for made in provider.store(kind).list())
    return tuple(found)


class Tags:
    """Tags ``pse-stack`` of a workspace, and back to the stack.

    Args:
        workspace: Whose.
        stacks: Names that are known; a long one cannot be told from its tag alone.
    """

    def __init__(self, workspace: Workspace, stacks: "frozenset[str]") -> None:
        """Work the tags out."""
        self._signer = first_signer(workspace)
        self._known = {self.of(stack): stack for stack in stacks}

    def of(self, stack: str) -> str:
        """The tag of a stack."""
        return stack_tag(self._signer, PROJECT, stack)

    def stack(self, tag: str) -> str | None:
        """The stack of ours that a tag is of; None for another workspace's."""
        if tag in self._known:
            return self._known[tag]
        name = tag.rpartition("-")[0]
        return name if name and self.of(name) == tag else None
