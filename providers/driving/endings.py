"""How the CLI ended: its last words, what they mean, and what to do about it."""

import re
import signal
from collections.abc import Callable, Sequence

from pse.core.errors import PseError, Refused
from pse.core.text import printable, without_userinfo

SHOWN = 5
"""Messages of one failure that are shown."""
_INVALID = "[invalid, "
"""Stands in the text of a `PortError` whose reason is ``invalid``: asking again gets the same answer."""
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


def hint_after(error: Exception, errors: Sequence[str] = (), *, begun: bool = False) -> str:
    """What to do after an operation that failed; empty where only its message says it.

    Args:
        error: The ``CommandError``.
        errors: What failed, as `providers.plugin.faults.text_of` writes it.
        begun: Something was changed, so that another run has less to do.
    """
    if any(_INVALID in said for said in errors):
        return "The cloud cannot make it as it was asked for: correct the price book or the workload, and plan again."
    return "Run the same command again; it goes on from here." if begun or killed(error) else ""


def refused(messages: Sequence[str], unit: str) -> Refused:
    """What the gate refused of a unit."""
    hint = "Make the plan again with allowed places; nobody may change a place behind the gate's back."
    return Refused(listed(messages), where=unit, hint=hint)


def listed(messages: Sequence[str]) -> str:
    """The first messages, and how many more there are."""
    more = f"; and {len(messages) - SHOWN} more" if len(messages) > SHOWN else ""
    return "; ".join(messages[:SHOWN]) + more


def last_line(error: Exception) -> str:
    """The last words of the CLI."""
    if said := killed(error):
        return said
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if lines and lines[-1] in {"stderr:", "error:"}:
        return "pulumi ended without a word"
    told = [line for line in lines if line.startswith("error:")] or lines
    return printable(without_userinfo(told[-1].removeprefix("error:").strip())[:400]) if told else type(error).__name__


def keeping(program: Callable[[], None], raised: list[PseError]) -> Callable[[], None]:
    """``program``, its own errors kept: through the engine they would arrive as text."""

    def run() -> None:
        try:
            program()
        except PseError as exc:
            raised.append(exc)
            raise

    return run
