"""The gRPC face of the plugin: protobuf in, protobuf out, and never an error in the raw.

Configuration and cancel flag belong to a connection, because Configure and Cancel carry nothing else: one server may
serve many stacks.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import grpc
from google.protobuf import any_pb2, empty_pb2
from google.protobuf.struct_pb2 import Struct
from google.rpc import status_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from providers.gatekeeper import words
from providers.identity import Urn, parse_urn
from providers.plugin import accounts, check, diff, functions
from providers.plugin.answers import diff_response, foreseen, live_inputs, named, outputs_only, properties_of
from providers.plugin.calls import Paces
from providers.plugin.enginelog import EngineLog
from providers.plugin.faults import code_of, text_of
from providers.plugin.lifecycle import Lifecycle
from providers.plugin.package import package_schema, plugin_version
from providers.plugin.references import Resolver
from providers.plugin.session import Session
from providers.plugin.wire import UNKNOWN, from_struct, is_unknown, plain, to_struct
from providers.ports import Made, PartlyMade
from pse.core.errors import BadInput, PseError, Refused, of_disk
from pse.core.schema import Kind
from pse.core.text import printable

T = TypeVar("T")
Context = grpc.ServicerContext
_CONFIG = ("workspace", "unit", "plan")
"""Settings of the namespace ``pse``; ``plan`` is the root program's own, and nothing here reads it."""
_STATUS = "grpc-status-details-bin"


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine.

    Args:
        engine: Address of the engine's own server, for its log; empty when it is told later.
        busy: Entered around each call that may change something, so that the process does not end inside one.
    """

    def __init__(self, engine: str = "", busy: Callable[[], AbstractContextManager[None]] = nullcontext) -> None:
        """Start without any session."""
        self._log = EngineLog(engine)
        self._busy = busy
        self._lock = threading.Lock()
        self._sessions: dict[str, Session] = {}
        self._paces = Paces()
        self._shared = False

    # -- the plugin itself --

    def Handshake(self, request: provider_pb2.ProviderHandshakeRequest, _context: Context) -> Any:  # noqa: N802  gRPC's name
        """See the protocol."""
        self._log.attach(request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True, accept_resources=True)

    def Attach(self, request: plugin_pb2.PluginAttach, _context: Context) -> Any:  # noqa: N802
        """See the protocol."""
        self._log.attach(request.address)
        return empty_pb2.Empty()

    def GetPluginInfo(self, _request: Any, _context: Context) -> Any:  # noqa: N802
        """See the protocol."""
        return plugin_pb2.PluginInfo(version=plugin_version())

    def GetSchema(self, _request: Any, context: Context) -> Any:  # noqa: N802
        """See the protocol."""
        return provider_pb2.GetSchemaResponse(schema=self._safe(context, package_schema))

    def GetMapping(self, _request: Any, _context: Context) -> Any:  # noqa: N802
        """No other ecosystem's names are mapped."""
        return provider_pb2.GetMappingResponse()

    def GetMappings(self, _request: Any, _context: Context) -> Any:  # noqa: N802
        """No other ecosystem's names are mapped."""
        return provider_pb2.GetMappingsResponse()

    def Cancel(self, _request: Any, context: Context) -> Any:  # noqa: N802
        """End what this connection has under way; the engine also says it after a good operation."""
        for session in self._of(context):
            session.calls.cancel()
        return empty_pb2.Empty()

    def over(self) -> bool:
        """Whether every connection was cancelled, as the engine does at the end of each operation."""
        with self._lock:
            return all(session.calls.cancelled for session in self._sessions.values())

    def cancel_all(self) -> None:
        """End everything: the engine is gone."""
        with self._lock:
            sessions = list(self._sessions.values())
        for session in sessions:
            session.calls.cancel()

    # -- configuration --

    def CheckConfig(self, request: provider_pb2.CheckRequest, _context: Context) -> Any:  # noqa: N802
        """See the protocol."""
        news = from_struct(request.news)
        failures = [
            provider_pb2.CheckFailure(property=key, reason=f"unknown setting; there are {', '.join(_CONFIG)}")
            for key in news
            if key not in {*_CONFIG, "version"}
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def DiffConfig(self, request: provider_pb2.DiffRequest, _context: Context) -> Any:  # noqa: N802
        """A workspace that was moved is the same workspace: nothing is ever replaced for it."""
        same = from_struct(request.old_inputs) == from_struct(request.news)
        changes = provider_pb2.DiffResponse.DIFF_NONE if same else provider_pb2.DiffResponse.DIFF_SOME
        return provider_pb2.DiffResponse(changes=changes)

    def Configure(self, request: provider_pb2.ConfigureRequest, context: Context) -> Any:  # noqa: N802
        """See the protocol."""

        def configure() -> None:
            given = {key: plain(value) for key, value in from_struct(request.args).items()}
            if is_unknown(given):
                raise BadInput("the provider's own settings have to be known before anything is judged")
            session = Session.open(
                str(given.get("workspace") or ""),
                str(given.get("unit") or ""),
                stack=parse_urn(request.urn).stack if request.urn else "",
                paces=self._paces,
            )
            with self._lock:
                self._shared = bool(self._sessions)
                self._sessions[context.peer()] = session

        self._safe(context, configure)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True, acceptResources=True)

    # -- functions --

    def Invoke(self, request: provider_pb2.InvokeRequest, context: Context) -> Any:  # noqa: N802
        """Answer a question; what is wrong with it is told like a failure of Check."""

        def answer() -> Any:
            given, found = functions.answer(
                self._session(context), request.tok, from_struct(request.args), preview=request.preview
            )
            failures = [provider_pb2.CheckFailure(property=name, reason=printable(reason)) for name, reason in found]
            # The field's name is a word of Python's.
            words: dict[str, Any] = {"return": to_struct(given), "failures": failures}
            return provider_pb2.InvokeResponse(**words)

        return self._safe(context, answer)

    # -- resources --

    def Check(self, request: provider_pb2.CheckRequest, context: Context) -> Any:  # noqa: N802
        """Judge what is known, fill in defaults, wrap secrets, and ask the gate before any adapter."""

        def answer() -> Any:
            kind, urn = named(request.urn)
            olds, news = from_struct(request.olds), from_struct(request.news)
            found = check.failures(kind, plain(olds), news)
            kept = check.checked(kind, news)
            self._session(context).want(urn, may_go=plain(kept).get("allowReplace") is True)
            found += self._judge(context, kind, urn, plain(kept), ask=not found)
            if not found and isinstance(place := plain(kept)["place"], str):
                provider = self._session(context).places.provider(place)
                found += check.lacking(kind, plain(kept), provider) + check.unusable(place, provider)
            shown = [check.without_value(kind, failure) for failure in found]
            failures = [provider_pb2.CheckFailure(property=name, reason=reason) for name, reason in shown]
            return provider_pb2.CheckResponse(inputs=to_struct(kept), failures=failures)

        return self._safe(context, answer)

    def Diff(self, request: provider_pb2.DiffRequest, context: Context) -> Any:  # noqa: N802
        """Compare inputs with inputs; outputs are the cloud's business."""

        def answer() -> Any:
            kind, urn = named(request.urn)
            old, new = plain(from_struct(request.old_inputs)), plain(from_struct(request.news))
            if isinstance(old.get("place"), str):
                self._session(context).saw(kind.name, request.id, old["place"])
            found = diff.differences(kind, old, new, request.ignoreChanges)
            if diff.loses_data(kind, found, new):
                # Without a program it is a refresh, which only shows what differs. Should it be the engine that works
                # out what a replacement takes along, `Lifecycle.delete` refuses.
                self._session(context).would_lose(urn)
                if self._session(context).has_program:
                    raise Refused(
                        f"a change of {', '.join(c.property for c in found if c.replaces)} would replace {request.id}, "
                        "and its data would be lost",
                        where=urn.text,
                        hint="Set allowReplace to true if the data may go.",
                    )
            if not any(change.replaces for change in found):
                self._session(context).stays(urn, request.id)
            return diff_response(kind, found)

        return self._safe(context, answer)

    def Create(self, request: provider_pb2.CreateRequest, context: Context) -> Any:  # noqa: N802
        """Make it, once; at preview say what will be known later."""

        def answer() -> Any:
            kind, urn = named(request.urn)
            raw = from_struct(request.properties)
            if request.preview:
                return provider_pb2.CreateResponse(properties=to_struct(foreseen(kind, raw)))
            self._must_pass(context, kind, urn, plain(raw))
            made = self._lifecycle(context, kind, urn, request.timeout).create(raw)
            return provider_pb2.CreateResponse(id=made.id, properties=self._state(context, kind, raw, made))

        return self._safe(context, answer, inputs=lambda: from_struct(request.properties), urn=request.urn)

    def Read(self, request: provider_pb2.ReadRequest, context: Context) -> Any:  # noqa: N802
        """The live object for refresh, import and get; an empty id when it is gone."""

        def answer() -> Any:
            kind, urn = named(request.urn)
            raw, state = from_struct(request.inputs), plain(from_struct(request.properties))
            made = self._lifecycle(context, kind, urn, request.timeout).read(request.id, raw, state)
            if made is None and not raw:
                self._refuse_unplaced(context, kind, urn, request.id)
            if made is None:
                return provider_pb2.ReadResponse(id="")
            live = live_inputs(kind, raw, made)
            if not made.healthy:
                raise PartlyMade(made)
            properties = self._state(context, kind, live, made)
            return provider_pb2.ReadResponse(id=made.id, inputs=to_struct(live), properties=properties)

        return self._safe(context, answer, inputs=lambda: from_struct(request.inputs), urn=request.urn)

    def Update(self, request: provider_pb2.UpdateRequest, context: Context) -> Any:  # noqa: N802
        """Change it in place, or repair what was made partly."""

        def answer() -> Any:
            kind, urn = named(request.urn)
            old, raw = from_struct(request.old_inputs), from_struct(request.news)
            if request.preview:
                promised = {**foreseen(kind, raw), **outputs_only(kind, from_struct(request.olds))}
                return provider_pb2.UpdateResponse(properties=to_struct(promised))
            self._must_pass(context, kind, urn, plain(raw))
            made = self._lifecycle(context, kind, urn, request.timeout).update(request.id, old, raw)
            return provider_pb2.UpdateResponse(properties=self._state(context, kind, raw, made))

        return self._safe(context, answer, inputs=lambda: from_struct(request.news), urn=request.urn)

    def Delete(self, request: provider_pb2.DeleteRequest, context: Context) -> Any:  # noqa: N802
        """Delete it; quiet when it is gone. The gate has no say: what should not be somewhere must be able to go."""

        def answer() -> Any:
            kind, urn = named(request.urn)
            if self._session(context).is_kept(urn, request.id):
                # The state has it twice: a replacement failed, and what was to go was imported since.
                said = f"{kind.name} {request.id} waited to be deleted, and stays: the program has it"
                self._log.warn(said, urn.text)
                return empty_pb2.Empty()
            raw = {**from_struct(request.properties), **from_struct(request.old_inputs)}
            self._lifecycle(context, kind, urn, request.timeout).delete(request.id, raw)
            return empty_pb2.Empty()

        return self._safe(context, answer)

    # -- below: what the calls share --

    def _of(self, context: Context) -> list[Session]:
        with self._lock:
            own = self._sessions.get(context.peer())
            if own is not None:
                return [own]
            # A connection that broke and came back has a new name; with one session ever there is no doubt whose it is.
            return [] if self._shared else list(self._sessions.values())

    def _session(self, context: Context) -> Session:
        found = self._of(context)
        if not found:
            raise BadInput("the provider was not configured on this connection")
        return found[0]

    def _state(self, context: Context, kind: Kind, raw: dict[str, Any], made: Made) -> Struct:
        """What the state is to hold of a live object."""
        return to_struct(properties_of(kind, raw, made) | accounts.mark(self._session(context), made.inputs.place))

    def _lifecycle(self, context: Context, kind: Kind, urn: Urn, timeout_s: float) -> Lifecycle:
        def warn(message: str) -> None:
            self._log.warn(message, urn.text)

        return Lifecycle(self._session(context), kind, urn, warn=warn, timeout_s=timeout_s)

    def _judge(
        self, context: Context, kind: Kind, urn: Urn, inputs: dict[str, Any], *, ask: bool
    ) -> list[check.Failure]:
        """What the gate says: first of what is written, then, if an adapter may be asked, of what it refers to."""
        session = self._session(context)
        own = inputs.get("place")
        place = own if isinstance(own, str) else None
        resolver = Resolver(session, kind, urn, place)
        rounds: list[Callable[[str, object], str | None]] = [lambda _wire, _value: place]
        if ask:
            rounds.append(resolver)
        for place_of in rounds:
            refusals = session.gatekeeper(urn).judge(
                kind.name,
                inputs,
                urn=urn.text,
                stack=urn.stack,
                place_of=place_of,
                unknown=lambda value: value is UNKNOWN,
                endpoint_of=session.places.endpoint_of,
            )
            if refusals:
                return [("place", words(refusal)) for refusal in refusals]
        return []

    def _refuse_unplaced(self, context: Context, kind: Kind, urn: Urn, object_id: str) -> None:
        """Refuse an import of what stands at no place that the gate allows: it may be anywhere else.

        Raises:
            Refused: Always; the ledger has it.
        """
        gatekeeper = self._session(context).gatekeeper(urn)
        refusals = gatekeeper.judge(
            kind.name,
            {"workload": min(gatekeeper.file().workloads, default="")},
            urn=urn.text,
            stack=urn.stack,
            place_of=lambda _wire, _value: None,
            unknown=lambda _value: False,
        )
        found = f"{printable(object_id)} is at no place that the gate of this unit allows"
        raise Refused(
            "; ".join((found, *(words(refusal) for refusal in refusals if ".place" in refusal.message))),
            where=urn.text,
            hint="Correct the id, or the place.",
        )

    def _must_pass(self, context: Context, kind: Kind, urn: Urn, inputs: dict[str, Any]) -> None:
        """Check once more before a change: a client that skips it gets no further."""
        wrong = check.failures(kind, {}, inputs)
        if wrong:
            raise BadInput("; ".join(f"{name} {reason}" for name, reason in wrong), where=urn.text)
        refused = self._judge(context, kind, urn, inputs, ask=True)
        if refused:
            raise Refused("; ".join(reason for _, reason in refused), where=urn.text)

    def _safe(
        self,
        context: Context,
        answer: Callable[[], T],
        *,
        inputs: Callable[[], dict[str, Any]] | None = None,
        urn: str = "",
    ) -> T:
        """Run ``answer``; whatever it raises becomes a status with words."""
        try:
            with self._busy():
                return answer()
        except PartlyMade as exc:
            self._fail_partly(context, exc, inputs() if inputs else {}, urn)
        except PseError as exc:
            context.abort(code_of(exc), printable(text_of(exc)))
        except Exception as exc:  # noqa: BLE001  the engine shows a raw error as an unreadable one; this is the boundary
            if disk := of_disk(exc):
                context.abort(code_of(disk), printable(f"{disk.where}: {text_of(disk)}"))
            self._log.trace(exc)
            context.abort(grpc.StatusCode.INTERNAL, f"a defect of the provider: {type(exc).__name__}")
        raise AssertionError("abort raises")

    def _fail_partly(self, context: Context, exc: PartlyMade, raw: dict[str, Any], urn: str) -> None:
        """The detail that makes the engine keep the id of what exists and is not usable."""
        kind, _ = named(urn)
        live = raw or live_inputs(kind, raw, exc.made)
        detail = provider_pb2.ErrorResourceInitFailed(
            id=exc.made.id,
            properties=self._state(context, kind, live, exc.made),
            inputs=to_struct(live),
            reasons=[printable(reason) for reason in exc.made.reasons] or ["it is not usable"],
        )
        packed = any_pb2.Any()
        packed.Pack(detail)
        message = printable(f"{kind.name} {exc.made.id} exists and is not usable: {exc.message}")
        code = grpc.StatusCode.UNKNOWN.value[0]
        status = status_pb2.Status(code=code, message=message, details=[packed])
        context.set_trailing_metadata(((_STATUS, status.SerializeToString()),))
        context.abort(grpc.StatusCode.UNKNOWN, message)
