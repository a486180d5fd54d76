"""The types that the fake knows: version, models, and the rules that are a type's own."""

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from tests.fakes.azure.checking import Wrong, check
from tests.fakes.azure.errors import ArmError
from tests.fakes.azure.oldmodels import check_old, is_old

if TYPE_CHECKING:
    from tests.fakes.azure.cloud import Azure

Raw = dict[str, Any]


class Rules:
    """What is a type's own; this one has nothing of its own."""

    def put(self, cloud: "Azure", new: Raw, before: Raw | None) -> None:
        """Check a resource that is made or replaced, and fill in what the service fills in."""

    def patch(self, cloud: "Azure", raw: Raw, body: Raw) -> None:
        """Change it; tags are changed already."""

    def free(self, cloud: "Azure", raw: Raw) -> None:
        """See that nothing is in the way of deleting it."""

    def gone(self, cloud: "Azure", raw: Raw) -> None:
        """It is deleted: what goes with it, and what is told."""

    def view(self, cloud: "Azure", raw: Raw) -> Raw:
        """As it is shown."""
        return raw


@dataclass(frozen=True)
class Kind:
    """One resource type.

    Attributes:
        namespace: For example ``Microsoft.Network``.
        type: For example ``virtualNetworks/subnets``.
        version: The api-version of the SDK.
        model: Name of the SDK's model of a whole one.
        patch: Name of the model of a PATCH; empty where there is none.
        rules: See `Rules`.
        tags: It has tags and a location of its own.
        sync: Its PUT and DELETE are over when they are answered.
        conditional: It heeds ``If-Match`` and ``If-None-Match``.
        accepted: Status of the answer to a PUT of something new.
        instant: Its PUT is over when it is answered, and its DELETE is not.
        located: Only its first PUT takes a while, and ``Location`` tells how that goes.
        place: The only location that it may be in; empty for any.
    """

    namespace: str
    type: str
    version: str
    model: str
    patch: str
    rules: Rules
    tags: bool = True
    sync: bool = False
    conditional: bool = True
    accepted: int = 201
    instant: bool = False
    located: bool = False
    place: str = ""

    @property
    def full(self) -> str:
        return f"{self.namespace}/{self.type}"

    def check(self, body: Any, *, patch: bool = False) -> None:
        """The body against the model.

        Raises:
            ArmError: In the words of the provider.
        """
        is_dns = self.type.startswith("dnszones")
        package = f"azure.mgmt.{'dns' if is_dns else self.namespace.partition('.')[2].lower()}"
        name = self.patch if patch else self.model
        if not name:
            raise ArmError(405, "MethodNotAllowed", "The requested resource does not support http method 'PATCH'.")
        models = import_module(f"{package}.models")
        model = getattr(models, name)
        try:
            if is_old(model):
                check_old(models, model, body)
            else:
                check(model, body)
        except Wrong as exc:
            code = "InvalidRequestFormat" if self.namespace == "Microsoft.Network" else "InvalidParameter"
            raise ArmError(400, code, str(exc)) from exc
