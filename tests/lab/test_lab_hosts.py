"""Lab hosts: real sshd in a sandbox that outlives its maker, and that nobody mistakes for another process."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.lab.hardware import Hardware, LabDisk
from providers.lab.hosts import Hosts
from providers.lab.skeleton import HostSpec
from pse.core.errors import RemoteError, UsageError
from tests.lab.machines import eventually, login, make_key
from tests.require import require

MAKER = """
import sys
from pathlib import Path
from providers.lab.hosts import Hosts
from providers.lab.skeleton import HostSpec
hosts = Hosts(Path(sys.argv[1]))
hosts.define(HostSpec(name="web", hostname="web", role="room"))
print(hosts.start("web").pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    require("bwrap", "setsid", "setarch", "ssh", "sshd")
    found = Hosts(tmp_path)
    yield found
    for name in found.names():
        found.remove(name)
    found.addresses.release()


def spec(name: str = "web", **more: object) -> HostSpec:
    base = HostSpec(name=name, hostname=name, role="room")
    return HostSpec(**{field: getattr(base, field) for field in base.__struct_fields__} | more)


def descendants(pid: int) -> set[int]:
    found, todo = set(), [pid]
    while todo:
        parent = todo.pop()
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
        todo += map(int, children)
        found |= set(map(int, children))
    return found


def test_a_host_answers_with_the_key_that_was_told_before_its_start(hosts: Hosts, tmp_path: Path) -> None:
    told = hosts.define(spec(authorized_keys=(make_key(tmp_path),), rc_local="#!/bin/sh\nsleep 300 &\n"))
    assert not told.running
    assert told.pid is None
    host = hosts.start("web")
    assert host.host_key == told.host_key
    shown = login(host, tmp_path / "key", "hostname; id -un; id -u; hostname -i; ps -eo comm= | wc -l").split()
    assert shown[:4] == ["web", "admin", "1000", host.address]
    assert int(shown[4]) < 15  # its own process table, not this machine's


def test_stop_ends_every_process_of_the_host(hosts: Hosts) -> None:
    hosts.define(spec(rc_local="#!/bin/sh\nsetsid sleep 300 &\nsetsid nohup sleep 300 >/dev/null 2>&1 &\n"))
    host = hosts.start("web")
    assert host.pid is not None
    assert hosts.wait_booted("web", timeout_s=10).boot == 0
    processes = descendants(host.pid)
    assert len(processes) >= 3
    assert hosts.stop("web")
    assert not any(Path(f"/proc/{pid}").exists() for pid in processes)
    assert not hosts.stop("web")
    assert not hosts.get("web").running


def test_a_second_start_leaves_a_running_host_alone_and_a_later_one_keeps_its_files(hosts: Hosts) -> None:
    hosts.define(spec())
    first = hosts.start("web")
    assert hosts.start("web").pid == first.pid
    (hosts.inside("web") / "srv/kept").write_text("kept", encoding="ascii")
    hosts.stop("web")
    again = hosts.start("web")
    assert (again.address, again.host_key) == (first.address, first.host_key)
    assert again.pid != first.pid
    assert (hosts.inside("web") / "srv/kept").read_text(encoding="ascii") == "kept"


@pytest.mark.parametrize("how", ["ends", "killed"])
def test_a_host_outlives_its_maker_and_keeps_none_of_its_pipes(hosts: Hosts, tmp_path: Path, how: str) -> None:
    read, write = os.pipe()
    os.set_inheritable(write, True)
    maker = subprocess.Popen(
        [sys.executable, "-c", MAKER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        pass_fds=(write,),
        text=True,
    )
    os.close(write)
    assert maker.stdout is not None
    pid = int(maker.stdout.readline())
    if how == "killed":
        os.kill(maker.pid, signal.SIGKILL)
    out, _ = maker.communicate(timeout=20)  # ends only if the host does not hold the maker's stdout
    assert out == ""
    assert os.read(read, 1) == b""  # nor any other inherited pipe
    os.close(read)
    assert hosts.get("web").pid == pid
    assert hosts.stop("web")


def test_a_maker_killed_before_it_noted_the_birth_leaves_a_host_that_is_found(hosts: Hosts) -> None:
    hosts.define(spec())
    host = hosts.start("web")
    (hosts.folder("web") / "noted.json").unlink()
    assert hosts.get("web").pid == host.pid
    assert hosts.stop("web")


def test_a_pid_that_went_to_another_process_is_never_killed(hosts: Hosts) -> None:
    hosts.define(spec())
    hosts.start("web")
    hosts.stop("web")
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (hosts.folder("web") / "init.json").write_text(json.dumps({"child-pid": stranger.pid}), encoding="ascii")
        (hosts.folder("web") / "noted.json").unlink()
        assert not hosts.get("web").running
        assert not hosts.stop("web")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_another_host_of_the_same_pid_is_never_killed(hosts: Hosts) -> None:
    hosts.define(spec())
    hosts.define(spec("db"))
    host = hosts.start("db")
    for name in ("init.json", "noted.json"):
        (hosts.folder("web") / name).write_bytes((hosts.folder("db") / name).read_bytes())
    assert not hosts.stop("web")
    assert hosts.get("db").pid == host.pid


def test_a_process_that_began_at_another_moment_is_not_ours(hosts: Hosts) -> None:
    hosts.define(spec())
    host = hosts.start("web")
    noted = hosts.folder("web") / "noted.json"
    told = noted.read_bytes()
    noted.write_text(json.dumps({"pid": host.pid, "started": 1}), encoding="ascii")
    assert not hosts.get("web").running
    noted.write_bytes(told)
    assert hosts.get("web").running


def test_a_host_cannot_lead_its_keeper_to_another_process(hosts: Hosts, tmp_path: Path) -> None:
    """Nothing that decides what is killed can be written from inside."""
    hosts.define(spec(authorized_keys=(make_key(tmp_path),)))
    host = hosts.start("web")
    handles = login(host, tmp_path / "key", "ls -l /proc/*/fd 2>/dev/null | sed -n 's/.*-> //p' | grep ^/")
    assert str(tmp_path) not in handles.replace(str(hosts.folder("web") / "console.log"), "")


def test_the_first_boot_runs_once_and_its_script_is_on_no_disk(hosts: Hosts, tmp_path: Path) -> None:
    secret = "canary-4711"
    script = f"#!/bin/bash\n# {secret}\n[[ -n x ]] || exit 9\necho ran >>/srv/ran\nexit 7\n".encode()
    hosts.define(spec(rc_local="#!/bin/sh\nexit 3\n"))
    hosts.start("web", first_boot=script)
    boot = hosts.wait_booted("web", timeout_s=10)
    assert (boot.first, boot.boot) == (7, 3)
    assert (hosts.inside("web") / "srv/ran").read_text(encoding="ascii") == "ran\n"
    found = subprocess.run(["grep", "-rlas", secret, str(tmp_path)], check=False, capture_output=True, timeout=30)
    assert found.stdout == b""
    hosts.stop("web")
    hosts.start("web")
    assert hosts.wait_booted("web", timeout_s=10).boot == 3
    assert (hosts.inside("web") / "srv/ran").read_text(encoding="ascii") == "ran\n"


def test_a_host_shows_the_hardware_that_it_declares_and_a_change_of_it(hosts: Hosts, tmp_path: Path) -> None:
    key = make_key(tmp_path)
    first = Hardware(vcpus=3, memory_mib=5000, disks=(LabDisk(name="vdz", size_gib=7),), product="Sample box")
    hosts.define(spec(authorized_keys=(key,), hardware=first))
    host = hosts.start("web")
    ask = (
        "grep -c ^processor /proc/cpuinfo; sed -n 's/MemTotal: *//p' /proc/meminfo; ls /sys/block; "
        "cat /sys/block/vdz/size; cat /sys/class/dmi/id/product_name; cat /sys/class/net/eth0/address"
    )
    shown = login(host, tmp_path / "key", ask).splitlines()
    assert shown[:5] == ["3", "5120000 kB", "vdz", str(7 * 2**30 // 512), "Sample box"]
    hosts.define(spec(authorized_keys=(key,), hardware=Hardware(vcpus=1, memory_mib=1024, disks=first.disks)))
    assert login(host, tmp_path / "key", ask).splitlines()[:2] == ["1", "1048576 kB"]


def test_two_hosts_have_machine_ids_macs_and_keys_of_their_own(hosts: Hosts) -> None:
    seen = []
    for name in ("web", "db"):
        hosts.define(spec(name))
        folder = hosts.folder(name)
        seen.append(
            [
                (folder / "hardware/sys/class/net/eth0/address").read_text(encoding="ascii"),
                (folder / "hardware/sys/class/dmi/id/product_uuid").read_text(encoding="ascii"),
                (folder / "root/etc/machine-id").read_text(encoding="ascii"),
                hosts.get(name).host_key.split()[1],
            ]
        )
    assert not set(seen[0]) & set(seen[1])


def test_a_personality_makes_a_machine_of_another_age(hosts: Hosts, tmp_path: Path) -> None:
    hosts.define(spec(authorized_keys=(make_key(tmp_path),), personality=("i686", "--uname-2.6")))
    shown = login(hosts.start("web"), tmp_path / "key", "uname -m; uname -r").split()
    assert shown[0] == "i686"
    assert shown[1].startswith("2.6.")


def test_an_address_in_use_is_said_and_leaves_nothing_running(hosts: Hosts) -> None:
    address = hosts.define(spec()).address
    with socket.create_server((address, 2222)), pytest.raises(RemoteError, match=r"web"):
        hosts.start("web", timeout_s=5)
    assert not hosts.get("web").running
    assert hosts.start("web").running


def test_removing_a_host_takes_folders_that_resist_and_follows_no_link(hosts: Hosts, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    hosts.define(spec())
    locked = hosts.inside("web") / "srv/locked"
    locked.mkdir()
    (locked / "file").touch()
    locked.chmod(0)
    (hosts.inside("web") / "srv/out").symlink_to(outside)
    (hosts.inside("web") / os.fsdecode(b"srv/\xff\n")).mkdir()
    hosts.remove("web")
    hosts.remove("web")
    assert not hosts.folder("web").exists()
    assert (outside / "kept").exists()


@pytest.mark.parametrize("name", ["", "..", "a/b", "A", "-x", "a" * 64, "a\n"])
def test_a_name_that_is_a_path_or_none_is_refused(hosts: Hosts, name: str) -> None:
    with pytest.raises(UsageError):
        hosts.folder(name)


def test_a_host_that_dies_is_seen_as_dead(hosts: Hosts) -> None:
    hosts.define(spec())
    host = hosts.start("web")
    assert host.pid is not None
    os.kill(host.pid, signal.SIGKILL)
    assert eventually(lambda: not hosts.get("web").running)
    assert hosts.start("web").running
