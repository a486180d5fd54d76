"""How the CLI ended when it could not say so itself."""

import re
import signal

_CODE = re.compile(r"^ code: -(\d+)$", re.MULTILINE)


def killed(error: Exception) -> str:
    """Which signal ended the CLI, in words; empty when none did.

    Args:
        error: A ``CommandError`` of the Automation API, whose text is all that it tells: exit code, stdout, stderr.
    """
    found = _CODE.search(str(error))
    if found is None:
        return ""
    number = int(found[1])
    name = next((f" ({known.name})" for known in signal.Signals if known == number), "")
    memory = ", as the system does when memory runs out" if number == signal.SIGKILL else ""
    return f"pulumi was ended by signal {number}{name}{memory}"
