"""Runs an inline program for the engine, and ends quietly when the engine is gone.

Pulumi's own server for inline programs writes tracebacks to stderr and leaves its event loop open when the engine
dies under it, which is the very thing that we recover from; so `Run` is ours.
"""

import asyncio
import contextvars
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import grpc
from pulumi.automation._server import LanguageServer
from pulumi.errors import RunError
from pulumi.runtime import reset_options, run_in_stack, set_all_config
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

from pse.core.structs import prepare_structs

THREADS = 16


class QuietLanguageServer(LanguageServer):
    """The language host of one program.

    Attributes:
        finished: The program ran to its end, and all that it declared was answered.
    """

    finished: bool = False

    def Run(self, request: language_pb2.RunRequest, _context: Any) -> language_pb2.RunResponse:  # noqa: N802  gRPC's name
        """Run the program once; its errors are the answer's text."""
        return contextvars.copy_context().run(self._run, request)

    def _run(self, request: language_pb2.RunRequest) -> language_pb2.RunResponse:
        reset_options(
            project=request.project,
            monitor_address=request.monitor_address,
            engine_address=request.args[0] if request.args else "",
            stack=request.stack,
            parallel=request.parallel,
            preview=request.dryRun,
            organization=request.organization or "organization",
        )
        if request.config:
            set_all_config(dict(request.config), list(request.configSecretKeys) or None)
        loop = asyncio.new_event_loop()
        loop.set_exception_handler(_quiet)
        prepare_structs()
        pool = ThreadPoolExecutor(THREADS)
        loop.set_default_executor(pool)
        try:
            loop.run_until_complete(run_in_stack(self.program))
        except grpc.RpcError as exc:
            # Also where the engine seems to be gone: to one that is not, a program without an error is an empty one.
            return language_pb2.RunResponse(error=str(exc.details() or exc.code()))
        except RunError as exc:
            return language_pb2.RunResponse(error=str(exc))
        except Exception as exc:  # noqa: BLE001  the program's own error becomes the engine's, whatever it is
            return language_pb2.RunResponse(error=f"the program failed: {type(exc).__name__}: {exc}")
        finally:
            _close(loop)
            pool.shutdown(wait=False, cancel_futures=True)
        self.finished = True
        return language_pb2.RunResponse()


@contextmanager
def served(program: Callable[[], None]) -> Iterator[tuple[str, QuietLanguageServer]]:
    """Serve a program on a free loopback port; gives the address and the host."""
    server = grpc.server(ThreadPoolExecutor(4), options=_GRPC_CHANNEL_OPTIONS)
    host = QuietLanguageServer(program)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}", host
    finally:
        server.stop(0).wait(10)


def _quiet(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # Tasks that fail beside the first one are never looked at: the first one's error is the answer.
    if isinstance(context.get("exception"), grpc.RpcError):
        loop.stop()


def _close(loop: asyncio.AbstractEventLoop) -> None:
    for task in asyncio.all_tasks(loop):
        task.cancel()
        # Whatever a cancelled task says now, the program's answer stands.
        with suppress(asyncio.CancelledError, grpc.RpcError, RunError, RuntimeError):
            loop.run_until_complete(task)
    loop.close()
