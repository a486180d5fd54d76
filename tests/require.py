"""What a test needs from the machine: skipped by name where it is missing, a failure under ``PSE_TEST_REQUIRE=all``."""

import os
import shutil

import pytest

_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin")


def require(*programs: str) -> None:
    """Skip the calling test, or module at import, when one of ``programs`` is not on this machine."""
    path = os.pathsep.join((os.environ.get("PATH", ""), *_FOLDERS))
    for program in programs:
        if shutil.which(program, path=path) is None:
            missing(program)


def missing(what: str) -> None:
    """Say that ``what`` is missing: a skip by name, or a failure where everything is required."""
    if os.environ.get("PSE_TEST_REQUIRE") == "all":
        pytest.fail(f"{what} is missing, and PSE_TEST_REQUIRE=all", pytrace=False)
    pytest.skip(f"{what} is missing", allow_module_level=True)
