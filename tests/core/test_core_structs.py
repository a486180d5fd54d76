import signal
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys
import threading
import time

import msgspec

from pse.core.structs import prepare_structs


def slow():
    time.sleep(0.05)  # the other threads come meanwhile
    return str


class Inner(msgspec.Struct):
    word: "slow()"


class Outer(msgspec.Struct):
    inner: Inner


def read():
    barrier.wait()
    got.append(msgspec.json.decode(b'{"inner": {"word": "a"}}', type=Outer).inner.word)


got = []
if "prepared" in sys.argv:
    assert prepare_structs() >= 2
    assert prepare_structs() == 0
barrier = threading.Barrier(4)
threads = [threading.Thread(target=read) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("".join(got))
"""


ODD = """
import msgspec

from pse.core.structs import prepare_structs

prepare_structs()


class Odd(msgspec.Struct):
    what: "Unknown"


class Even(msgspec.Struct):
    what: int


print(prepare_structs())
"""


def _run(source: str, *words: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    program = folder / "reader.py"
    program.write_text(source)
    return subprocess.run(
        [sys.executable, str(program), *words],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )


def test_prepared_structs_are_read_by_many_threads_at_once(tmp_path: Path) -> None:
    done = _run(PROGRAM, "prepared", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "aaaa\n"), done.stderr


def test_without_it_the_process_may_end_with_a_signal(tmp_path: Path) -> None:
    """Says when the module is not needed any more: the first msgspec that passes this by reading."""
    done = _run(PROGRAM, folder=tmp_path)
    assert done.returncode == -signal.SIGSEGV, "msgspec may be mended: see whether pse/core/structs.py can go"


def test_a_type_that_nothing_can_be_read_into_is_passed_over(tmp_path: Path) -> None:
    done = _run(ODD, folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "2\n"), done.stderr
