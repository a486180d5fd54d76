"""Finds or gets the Pulumi CLI of exactly the pinned version.

The ladder: PATH; the user's cache; Pulumi's own installer; a build of the Go module. What was got is kept in the
user's cache and never got twice, also when several processes ask at once.
"""

import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pse.core.errors import MissingTool, PseError
from pse.core.progress import Event, Progress, silent

VERSION = "3.250.0"
INSTALL_S = 60.0
"""Seconds that Pulumi's installer may take before the next rung is tried."""
BUILD_S = 1800.0
"""Seconds that the Go build may take; 4 minutes on two idle cores."""
GO = (1, 25)
_MODULE = "github.com/pulumi/pulumi"


def cache() -> Path:
    """Where the CLI is kept: ``pse/pulumi-VERSION/pulumi`` in the user's cache folder."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "pse" / f"pulumi-{VERSION}" / "pulumi"


def find(*, build: bool = False, progress: Progress = silent) -> Path:
    """The CLI of the pinned version.

    Args:
        build: Get it when it is not there: installer, else Go build. Without, only look.
        progress: Told which rung is tried.

    Raises:
        MissingTool: It is not there, or no rung could get it; the message says what each one lacked.
    """
    on_path = shutil.which("pulumi")
    if on_path is not None:
        found = version_of(Path(on_path))
        if found == VERSION:
            return Path(on_path)
        told = f"warning: {on_path} is Pulumi {found or 'of an unknown version'}, not {VERSION}; it is not used"
        progress(Event("pulumi", "update", message=told))
    cached = cache()
    if cached.exists():
        return cached
    if not build:
        raise MissingTool(
            f"the Pulumi CLI {VERSION} is not on this machine",
            hint="Run `python -m providers.pulumi_cli`. Without it, plan, cost and preview --offline still work.",
        )
    with _locked(cached.parent):
        if not cached.exists():
            _get(cached, progress)
    return cached


def version_of(program: Path) -> str:
    """Version of the CLI at ``program``, without its ``v``; empty when it does not say."""
    try:
        said = subprocess.run(
            [str(program), "version"],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stdout.strip().removeprefix("v") if said.returncode == 0 else ""


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _get(target: Path, progress: Progress) -> None:
    lacks = []
    for name, rung in (("installer", _install), ("Go build", _build)):
        progress(Event("pulumi", "start", message=f"getting the Pulumi CLI {VERSION}: {name}"))
        with tempfile.TemporaryDirectory(prefix=".get-", dir=target.parent) as scratch:
            try:
                made = rung(Path(scratch), progress)
            except PseError as exc:
                lacks.append(f"{name}: {exc.message}")
                continue
            found = version_of(made)
            if found != VERSION:
                lacks.append(f"{name}: gave version {found or 'unknown'}")
                continue
            # One rename: whoever looks sees no CLI or a whole one.
            made.replace(target)
            progress(Event("pulumi", "done", message=f"{target}"))
            return
    raise MissingTool(
        f"the Pulumi CLI {VERSION} could not be got ({'; '.join(lacks)})",
        hint=f"Install Pulumi {VERSION} and put it on PATH, or install Go {GO[0]}.{GO[1]} or newer and try again.",
    )


def _install(scratch: Path, _progress: Progress) -> Path:
    curl, shell = shutil.which("curl"), shutil.which("sh")
    if curl is None or shell is None:
        raise MissingTool("curl is not on this machine")
    script = scratch / "install.sh"
    fetch = [curl, "-fsSL", "--connect-timeout", "5", "--max-time", "20", "-o", str(script), "https://get.pulumi.com"]
    _run(fetch, cwd=scratch, timeout_s=25)
    root = scratch / "root"
    _run(
        [shell, str(script), "--version", VERSION, "--no-edit-path", "--install-root", str(root), "--silent"],
        cwd=scratch,
        timeout_s=INSTALL_S,
    )
    made = root / "bin" / "pulumi"
    if not made.exists():
        raise MissingTool("it ended without a program")
    # The language hosts lie beside it; without them a plain `pulumi preview` in a root does not work.
    for host in made.parent.glob("pulumi-*"):
        host.replace(scratch.parent / host.name)
    return made


def _build(scratch: Path, progress: Progress) -> Path:
    go = shutil.which("go")
    if go is None:
        raise MissingTool("Go is not on this machine")
    said = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, timeout=30, check=False).stdout
    match = re.match(r"go(\d+)\.(\d+)", said.strip())
    if match is None or (int(match[1]), int(match[2])) < GO:
        raise MissingTool(f"Go is {said.strip() or 'unknown'}, older than {GO[0]}.{GO[1]}")
    (scratch / "go.mod").write_text(f"module pse-pulumi-cli\n\ngo {GO[0]}.{GO[1]}\n", encoding="ascii")
    # The command's package is imported for nothing but its place in go.mod: `go install pkg@version` fails on the
    # module's replace directives.
    (scratch / "tools.go").write_text(
        f'//go:build tools\n\npackage tools\n\nimport _ "{_MODULE}/pkg/v3/cmd/pulumi"\n', encoding="ascii"
    )
    made = scratch / "pulumi"
    flags = f"-s -w -X {_MODULE}/sdk/v3/go/common/version.Version=v{VERSION}"
    deadline = time.monotonic() + BUILD_S
    for step in (
        ["get", f"{_MODULE}/pkg/v3@v{VERSION}", f"{_MODULE}/sdk/v3@v{VERSION}"],
        ["mod", "tidy"],
        ["build", "-ldflags", flags, "-o", str(made), f"{_MODULE}/pkg/v3/cmd/pulumi"],
    ):
        progress(Event("pulumi", "update", message=f"go {step[0]} (once; some minutes)"))
        _run([go, *step], cwd=scratch, timeout_s=max(1.0, deadline - time.monotonic()))
    return made


def _run(command: list[str], *, cwd: Path, timeout_s: float) -> None:
    try:
        done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as exc:
        raise MissingTool(f"{Path(command[0]).name} took longer than {timeout_s:.0f} s") from exc
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no message"]
        raise MissingTool(f"{Path(command[0]).name} ended with {done.returncode}: {last[0][:200]}")


def main() -> int:
    """Get the CLI and print where it is: what ``make setup`` calls."""
    begun = time.monotonic()

    def told(event: Event) -> None:
        print(f"{time.monotonic() - begun:6.1f} s  {event.message}", file=sys.stderr, flush=True)  # noqa: T201  as below

    try:
        where = find(build=True, progress=told)
    except MissingTool as exc:
        print(f"{exc.message}\n{exc.hint}", file=sys.stderr)  # noqa: T201  the module's own command line
        return exc.exit_code
    print(where)  # noqa: T201  the module's own command line
    return 0


if __name__ == "__main__":
    sys.exit(main())
