"""From a place of the register to its adapter: the one way to a cloud for plugin, audit and engine."""

import threading
from collections.abc import Iterable

from policy.gate import is_local
from policy.register import Place, Register, load_register
from providers import registry
from providers.ports import ChecksOptions, OnThisMachine, PortError, Provider, Store, Target
from pse.core.errors import BadInput, Refused
from pse.core.settings import Workspace
from pse.core.structs import prepare_structs


class Places:
    """The adapters of one workspace, each made when it is first asked for; safe to use from many threads.

    Args:
        workspace: Whose signed register names providers and endpoints.
    """

    def __init__(self, workspace: Workspace) -> None:
        """Remember the workspace; the register is read when it is first needed."""
        self._workspace = workspace
        self._lock = threading.RLock()
        self._register: Register | None = None
        self._providers: dict[str, Provider] = {}

    @property
    def register(self) -> Register:
        """The register.

        Raises:
            Refused: Unsigned or altered.
            BadInput: It cannot be read.
        """
        with self._lock:
            if self._register is None:
                self._register = load_register(self._workspace)
            return self._register

    def place(self, place_id: str) -> Place:
        """A place of the register.

        Raises:
            BadInput: The register does not list it.
        """
        found = self.register.place(place_id)
        if found is None:
            raise BadInput(f"the register has no place {place_id!r}", where="policy/register.toml")
        return found

    def endpoint_of(self, place_id: str) -> str | None:
        """The service address of a place, for the gate; None when the register does not list it.

        Raises:
            Refused: The register is unsigned or altered.
        """
        found = self.register.place(place_id)
        return found.endpoint if found else None

    def provider(self, place_id: str) -> Provider:
        """The adapter of a place.

        Raises:
            BadInput: No such place, or no such adapter.
            MissingTool: The vendor's SDK is not installed.
            Refused: A sample register names a real cloud.
        """
        with self._lock:
            if place_id not in self._providers:
                place = self.place(place_id)
                if place.sample and not is_local(place.endpoint):
                    raise Refused(
                        f"the register is a sample, and {place.endpoint or place_id} is a real cloud",
                        where="policy/register.toml",
                        hint="Use the register of the Cloud Office for a real cloud.",
                    )
                target = Target(
                    place=place.id,
                    country=place.country,
                    endpoint=place.endpoint,
                    workspace=self._workspace.root,
                    options=place.options,
                )
                self._providers[place_id] = registry.fitted(place.provider, place.options)(target)
                prepare_structs()  # those of the adapter, whose modules came just now
            return self._providers[place_id]

    def store(self, place_id: str, kind: str) -> Store:
        """The store of one kind at a place.

        Raises:
            BadInput: The adapter cannot make that kind, or see `provider`.
        """
        provider = self.provider(place_id)
        if kind not in provider.kinds:
            raise BadInput(f"the provider {provider.name} makes no {kind}", where=place_id)
        return provider.store(kind)

    def ready(self, place_ids: Iterable[str]) -> None:
        """See that entry and machine have what the adapters of these places need, before any work begins.

        Raises:
            BadInput: An entry of the register cannot be used.
            MissingTool: The machine lacks something; the hint is the line to run.
        """
        for place_id in sorted(place_ids):
            provider = self.provider(place_id)
            if isinstance(provider, ChecksOptions):
                try:
                    provider.check_options()
                except PortError as exc:
                    where = f"policy/register.toml, options of {place_id}"
                    raise BadInput(exc.message, where=where, hint=exc.hint) from exc
            if isinstance(provider, OnThisMachine):
                provider.ready()

    def close(self) -> None:
        """Give back all connections."""
        with self._lock:
            for provider in self._providers.values():
                provider.close()
            self._providers.clear()
