"""What the plugin knows of one connection of the engine: workspace, unit, adapters, gate, known ids, cancel flag."""

import os
import threading
from pathlib import Path

from policy.succession import first_signer
from providers.gatekeeper import Gatekeeper
from providers.identity import Urn, stack_tag
from providers.known import VARIABLE, Known, intents_of, read_known
from providers.places import Places
from providers.plugin.calls import Calls, Paces
from providers.ports import TellsAccount
from pse.core.errors import UsageError
from pse.core.journal import FileJournal
from pse.core.settings import Workspace

PLAN = "PSE_PLAN"
"""Environment variable with the hash of the plan at work, for the ledger."""
ASK_S = 10.0
"""Seconds for a cloud to say which account this is."""


class Session:
    """One Configure of the engine.

    Args:
        workspace: Where everything is.
        unit: Configured unit id; empty means the stack's name.
        stack: Stack whose provider was configured; empty when the engine does not say.
        paces: Of all connections of this process.

    Attributes:
        workspace: Where everything is.
        places: Its adapters.
        calls: Runs the calls to them.
    """

    def __init__(self, workspace: Workspace, unit: str, *, stack: str = "", paces: Paces | None = None) -> None:
        """Remember them; files are read when they are needed."""
        self.workspace = workspace
        self.places = Places(workspace)
        self.calls = Calls(paces)
        self._unit = unit
        self._stack = stack
        self._lock = threading.RLock()
        self._first_signer = first_signer(workspace)
        self._known: dict[tuple[str, str], Known | None] = {}
        self._wanted: dict[str, tuple[str, bool]] = {}
        self._losing: set[str] = set()
        self._standing: dict[str, str] = {}
        self._seen: dict[tuple[str, str], str] = {}
        self._ids: set[str] = set()
        self._referable: dict[tuple[str, str], str] = {}
        self._gatekeepers: dict[str, Gatekeeper] = {}
        self._journals: dict[Path, FileJournal] = {}
        self._accounts: dict[str, str] = {}

    @classmethod
    def open(cls, workspace: str, unit: str, *, stack: str = "", paces: Paces | None = None) -> "Session":
        """Find the workspace: the configuration's, else ``PSE_WORKSPACE``, else the nearest ``pse.toml``.

        Raises:
            UsageError: There is none.
            BadInput: It cannot be used.
        """
        try:
            found = Workspace.find(Path(workspace) if workspace else None)
        except UsageError as exc:
            hint = "Set PSE_WORKSPACE, or run `pulumi config set pse:workspace FOLDER`; `pse init FOLDER` makes one."
            raise UsageError("no workspace here", hint=hint, where=exc.where) from exc
        return cls(found, unit, stack=stack, paces=paces)

    @property
    def asker(self) -> str:
        """The stack that a function is asked for, which comes without a URN; empty when that is not known."""
        return self._stack or self._unit

    def gatekeeper(self, urn: Urn) -> Gatekeeper:
        """The gate of the unit that this connection works for."""
        return self.gatekeeper_of(urn.stack)

    def gatekeeper_of(self, stack: str) -> Gatekeeper:
        """The same for a stack."""
        unit = self._unit or stack
        with self._lock:
            if unit not in self._gatekeepers:
                plan = os.environ.get(PLAN, "")
                self._gatekeepers[unit] = Gatekeeper(self.workspace, unit, plan=plan, gate="check")
            return self._gatekeepers[unit]

    def journal(self, urn: Urn) -> FileJournal:
        """The journal of the stack's intents."""
        path = intents_of(self.workspace.private, urn.project, urn.stack)
        with self._lock:
            return self._journals.setdefault(path, FileJournal(path))

    def account_at(self, place_id: str) -> str:
        """The account that a place leads to, in the cloud's own words; empty when that cannot be told."""
        with self._lock:
            known = self._accounts.get(place_id)
        if known is None:
            provider = self.places.provider(place_id)
            asked = self.calls.probe(provider.account, timeout_s=ASK_S) if isinstance(provider, TellsAccount) else None
            known = asked or ""
            with self._lock:
                self._accounts[place_id] = known
        return known

    def stack_tag(self, urn: Urn, *, stack: str = "") -> str:
        """Tag ``pse-stack`` of everything in the URN's stack, or in another ``stack`` of its project."""
        return stack_tag(self._first_signer, urn.project, stack or urn.stack)

    def known(self, urn: Urn) -> frozenset[str] | None:
        """Ids in the state when this operation began; None when nobody told us."""
        known = self.state_of(urn)
        return None if known is None else frozenset(known.ids)

    def state_of(self, urn: Urn) -> Known | None:
        """What the URN's state knew when this operation began; None when nobody told us."""
        key = (urn.project, urn.stack)
        with self._lock:
            if key not in self._known:
                self._known[key] = read_known(os.environ.get(VARIABLE, ""), *key)
            return self._known[key]

    def want(self, urn: Urn, *, may_go: bool) -> None:
        """Remember that the program at work has this resource, and whether it gives the data up by a replacement."""
        with self._lock:
            self._wanted[urn.text] = (urn.hash, may_go)
            # Checked once more: what stood is replaced after all, as by replaceOnChanges.
            self._standing.pop(urn.text, None)
            self._losing.discard(urn.text)

    @property
    def has_program(self) -> bool:
        """Whether a program is at work: an operation that only looks, or destroys, checks nothing."""
        with self._lock:
            return bool(self._wanted)

    def would_lose(self, urn: Urn) -> None:
        """Remember that a replacement would lose the data of a resource that was not checked yet."""
        with self._lock:
            self._losing.add(urn.text)

    def keeps(self, urn: Urn) -> bool:
        """Whether the program at work has this resource and does not give its data up."""
        with self._lock:
            return urn.text in self._losing or not self._wanted.get(urn.text, ("", True))[1]

    def wants(self, urn_hash: str) -> bool:
        """Whether the program at work has a resource whose URN has this hash."""
        with self._lock:
            return any(found == urn_hash for found, _ in self._wanted.values())

    def stays(self, urn: Urn, object_id: str) -> None:
        """Remember that the program at work keeps a resource's object as it is, or changes it in place."""
        with self._lock:
            # A refresh compares as well, before anybody knows what the program wants.
            if urn.text in self._wanted:
                self._standing[urn.text] = object_id

    def is_kept(self, urn: Urn, object_id: str) -> bool:
        """Whether `stays` was told of it."""
        with self._lock:
            return self._standing.get(urn.text) == object_id

    def saw(self, kind: str, object_id: str, place_id: str) -> None:
        """Remember an object that the engine named or that was made here: it is in the state, or about to be."""
        with self._lock:
            self._ids.add(object_id)
            if place_id:
                self._seen[kind, object_id] = place_id

    def has_seen(self, object_id: str) -> bool:
        """Whether `saw` was told of it."""
        with self._lock:
            return object_id in self._ids

    def place_of(self, kind: str, object_id: str) -> str | None:
        """The place of an object that this connection has seen."""
        with self._lock:
            return self._seen.get((kind, object_id))

    def let_refer(self, kind: str, object_id: str, place_id: str) -> None:
        """Remember that an object is one that this connection's resources may refer to."""
        with self._lock:
            self._referable[kind, object_id] = place_id

    def referable(self, kind: str, object_id: str) -> str | None:
        """The place of an object that `let_refer` was told of."""
        with self._lock:
            return self._referable.get((kind, object_id))
