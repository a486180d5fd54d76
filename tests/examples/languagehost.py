"""Stands in for Pulumi's own language host of Python or Node.js: what runs a program for the engine.

The real ones come with Pulumi's install and are no part of the CLI alone. ``languagehost.py python|nodejs ENGINE``
prints its port and serves; the program itself runs as the real host runs it, by the SDK's own launcher.
"""

import json
import os
import runpy
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2

from providers.driving.language import QuietLanguageServer

BAILED = 32
"""Exit code of Node.js's launcher when the program's error was told to the engine already."""


def says(answer: Callable[[], Any]) -> Any:
    """A call with nothing to say."""
    return lambda _self, _request, _context: answer()


def main_program() -> None:
    """The program of the folder that the engine starts us in."""
    runpy.run_path("__main__.py", run_name="__main__")


class PythonHost(QuietLanguageServer):
    """Runs ``__main__.py``."""

    Handshake = says(language_pb2.LanguageHandshakeResponse)
    GetRequiredPackages = says(language_pb2.GetRequiredPackagesResponse)


class NodeHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Runs the program by ``@pulumi/pulumi/cmd/run``."""

    Handshake = says(language_pb2.LanguageHandshakeResponse)
    GetPluginInfo = says(plugin_pb2.PluginInfo)
    GetRequiredPlugins = says(language_pb2.GetRequiredPluginsResponse)
    GetRequiredPackages = says(language_pb2.GetRequiredPackagesResponse)
    About = says(language_pb2.AboutResponse)
    RuntimeOptionsPrompts = says(language_pb2.RuntimeOptionsResponse)
    Cancel = says(empty_pb2.Empty)

    def Run(self, request: Any, _context: Any) -> Any:  # noqa: N802  gRPC's name
        flags = {
            "monitor": request.monitor_address,
            "engine": sys.argv[2],
            "organization": request.organization,
            "project": request.project,
            "root-directory": request.info.root_directory,
            "stack": request.stack,
            "pwd": request.pwd,
            "parallel": str(request.parallel),
        }
        words = [f"--{name}={value}" for name, value in flags.items() if value]
        done = subprocess.run(
            ["node", "node_modules/@pulumi/pulumi/cmd/run", *words, *(["--dry-run"] if request.dryRun else []), "."],
            cwd=Path(request.info.program_directory or request.pwd),
            env={
                **os.environ,
                "PULUMI_NODEJS_TYPESCRIPT": "true",
                "PULUMI_CONFIG": json.dumps(dict(request.config)),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            },
            check=False,
            stdout=sys.stderr,
        )
        bail = done.returncode == BAILED
        wrong = "" if bail or done.returncode == 0 else f"node ended with {done.returncode}"
        return language_pb2.RunResponse(bail=bail, error=wrong)


def main() -> None:
    server = grpc.server(ThreadPoolExecutor(16))
    host: Any = PythonHost(main_program) if sys.argv[1] == "python" else NodeHost()
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    sys.stdout.write(f"{server.add_insecure_port('127.0.0.1:0')}\n")
    sys.stdout.flush()
    server.start()
    # The engine ends it by SIGINT.
    with suppress(KeyboardInterrupt):
        threading.Event().wait()
    os._exit(0)


if __name__ == "__main__":
    main()
