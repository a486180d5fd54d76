"""The third gate: judges every resource that the engine registers. Fails closed."""

import os
import threading
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import analyzer_pb2, analyzer_pb2_grpc, plugin_pb2

from providers.gatekeeper import MARK, Gatekeeper, words
from providers.identity import parse_urn
from providers.places import Places
from providers.plugin.package import plugin_version
from providers.plugin.session import PLAN
from providers.plugin.wire import UNKNOWN, from_struct, plain
from pse.core.errors import PseError
from pse.core.schema import KINDS
from pse.core.settings import Workspace
from pse.core.text import printable

NAME = "pse"
POLICY = "residency"
Context = grpc.ServicerContext


class Pack(analyzer_pb2_grpc.AnalyzerServicer):
    """Answers the engine."""

    def __init__(self) -> None:
        """Know nothing of the stack yet."""
        self._lock = threading.Lock()
        self._config: dict[str, str] = {}
        self._benches: dict[tuple[str, str], tuple[Gatekeeper, Places]] = {}

    def Handshake(self, _request: Any, _context: Context) -> Any:  # noqa: N802  gRPC's name
        """See the protocol."""
        return analyzer_pb2.AnalyzerHandshakeResponse()

    def GetPluginInfo(self, _request: Any, _context: Context) -> Any:  # noqa: N802
        """See the protocol."""
        return plugin_pb2.PluginInfo(version=plugin_version())

    def GetAnalyzerInfo(self, _request: Any, _context: Context) -> Any:  # noqa: N802
        """One policy, mandatory."""
        policy = analyzer_pb2.PolicyInfo(
            name=POLICY,
            displayName="Residency",
            description="Every resource is at a place that the signed gate of its unit allows.",
            enforcementLevel=analyzer_pb2.MANDATORY,
        )
        return analyzer_pb2.AnalyzerInfo(
            name=NAME, displayName="pse residency gate", version=plugin_version(), policies=[policy]
        )

    def Configure(self, _request: Any, _context: Context) -> Any:  # noqa: N802
        """Nothing about the gate can be configured away."""
        return empty_pb2.Empty()

    def ConfigureStack(self, request: analyzer_pb2.AnalyzerStackConfigureRequest, _context: Context) -> Any:  # noqa: N802
        """Take the stack's configuration."""
        with self._lock:
            self._config = dict(request.config)
        return analyzer_pb2.AnalyzerStackConfigureResponse()

    def Analyze(self, request: analyzer_pb2.AnalyzeRequest, _context: Context) -> Any:  # noqa: N802
        """Judge one resource; what cannot be judged is refused."""
        try:
            reasons = self._judge(request)
        except PseError as exc:
            reasons = [f"{MARK} {exc}"]
        except Exception as exc:  # noqa: BLE001  an error here would be shown as a warning: a gate fails closed
            reasons = [f"{MARK} it could not be judged ({type(exc).__name__})"]
        return analyzer_pb2.AnalyzeResponse(
            diagnostics=[
                analyzer_pb2.AnalyzeDiagnostic(
                    policyName=POLICY,
                    policyPackName=NAME,
                    policyPackVersion=plugin_version(),
                    description="residency",
                    message=printable(reason),
                    enforcementLevel=analyzer_pb2.MANDATORY,
                    urn=request.urn,
                )
                for reason in reasons
            ]
        )

    def AnalyzeStack(self, _request: Any, _context: Context) -> Any:  # noqa: N802
        """Comes after creation, too late for a gate: see `providers.audit`."""
        return analyzer_pb2.AnalyzeResponse()

    def Remediate(self, _request: Any, _context: Context) -> Any:  # noqa: N802
        """Nothing is changed behind the program's back."""
        return analyzer_pb2.RemediateResponse()

    def Cancel(self, _request: Any, _context: Context) -> Any:  # noqa: N802
        """See the protocol."""
        return empty_pb2.Empty()

    def over(self) -> bool:
        """A pack has nothing under way that could be lost."""
        return True

    def cancel_all(self) -> None:
        """Nothing to cancel."""

    def _judge(self, request: analyzer_pb2.AnalyzeRequest) -> list[str]:
        prefix, _, name = request.type.rpartition(":")
        ours = prefix == "pse:index" and name in KINDS
        if not ours and (request.type.startswith("pulumi:") or not request.provider.type):
            # Stacks, providers and components hold no data; a component has no provider.
            return []
        urn = parse_urn(request.urn)
        settings = plain(from_struct(request.provider.properties)) if request.HasField("provider") else {}
        workspace = self._setting(settings, "workspace")
        bench, places = self._bench(workspace, self._setting(settings, "unit") or urn.stack)
        inputs = plain(from_struct(request.properties))
        own = inputs.get("place")
        refusals = bench.judge(
            name if ours else request.type,
            inputs,
            urn=urn.text,
            stack=urn.stack,
            # A reference is judged as its own resource, and its id by the provider's Check, which can ask.
            place_of=lambda _wire, _value: own if isinstance(own, str) else None,
            unknown=lambda value: value is UNKNOWN,
            endpoint_of=places.endpoint_of,
        )
        return [words(refusal) for refusal in refusals]

    def _setting(self, settings: dict[str, Any], key: str) -> str:
        # The provider that will act counts; its settings are not known when something made at run time feeds them.
        value = settings.get(key, self._config.get(f"pse:{key}", ""))
        if not isinstance(value, str):
            raise PseError(f"the provider's {key} is not known")
        return value

    def _bench(self, workspace: str, unit: str) -> tuple[Gatekeeper, Places]:
        with self._lock:
            key = (workspace, unit)
            if key not in self._benches:
                found = Workspace.find(Path(workspace) if workspace else None)
                plan = os.environ.get(PLAN, "")
                self._benches[key] = (Gatekeeper(found, unit, plan=plan, gate="pack"), Places(found))
            return self._benches[key]
