from collections.abc import Callable
from pathlib import Path

import pytest

from pse.core.settings import Workspace
from tests.policy.house import build


@pytest.fixture
def house(tmp_path: Path) -> Workspace:
    """A workspace with a signed register."""
    return build(tmp_path)


@pytest.fixture
def refusing() -> Callable[..., None]:
    """Write a file with one bit turned and expect the reader to refuse it; then put it back."""

    def check(path: Path, bit: int, read: Callable[[], object]) -> None:
        from pse.core.errors import Refused

        whole = path.read_bytes()
        turned = bytearray(whole)
        turned[bit // 8 % len(whole)] ^= 1 << bit % 8
        path.write_bytes(turned)
        try:
            with pytest.raises(Refused):
                read()
        finally:
            path.write_bytes(whole)

    return check
