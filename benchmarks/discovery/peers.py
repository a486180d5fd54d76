"""Ansible and pyinfra, installed into an environment of their own that the project does not depend on."""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.discovery.lab import Lab

PINNED = ("ansible-core==2.19.14", "pyinfra==3.10.0")
FORKS = 50

TEN_FACTS = (
    *("server.Hostname", "server.Kernel", "server.KernelVersion", "server.Arch", "server.LinuxDistribution"),
    *("server.Mounts", "hardware.Cpus", "hardware.Memory", "hardware.BlockDevices", "hardware.NetworkDevices"),
)
"""pyinfra's facts that can be held against ours."""


def installed(cache: Path) -> Path:
    """Folder of the peers' programs; they are installed there when they are missing."""
    folder = cache / "-".join(pin.replace("==", "-") for pin in PINNED)
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(folder / "bin/pip"), "install", "-q", *PINNED], check=True, stdout=sys.stderr)
        (folder / "complete").touch()
    return folder / "bin"


def environment(folder: Path) -> dict[str, str]:
    """A clean environment: a home of its own, no agent, no colours."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}


def ansible(lab: Lab, programs: Path, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Ansible's `setup` of all hosts as it is set up to be fast: pipelining, kept connections, no search for Python."""
    host = lab.hosts[0]
    inventory = folder / "inventory.ini"
    inventory.write_text(
        "".join(f"{h.name} ansible_host={h.address}\n" for h in lab.hosts)
        + f"[all:vars]\nansible_port={host.ssh_port}\nansible_user={host.ssh_user}\n"
        + f"ansible_ssh_private_key_file={lab.key}\nansible_python_interpreter=/usr/bin/python3\n",
        encoding="utf-8",
    )
    options = (
        f"-o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile={folder}/known -o StrictHostKeyChecking=no"
    )
    env = environment(folder) | {
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_FORKS": str(FORKS),
        "ANSIBLE_HOST_KEY_CHECKING": "False",
        "ANSIBLE_SSH_ARGS": options,
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "cp"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
    }
    return [str(programs / "ansible"), "all", "-i", str(inventory), "-m", "setup"], env


def pyinfra(lab: Lab, programs: Path, folder: Path) -> tuple[list[str], dict[str, str]]:
    """Ten facts of all hosts by pyinfra."""
    host = lab.hosts[0]
    data = {
        "ssh_port": host.ssh_port,
        "ssh_user": host.ssh_user,
        "ssh_key": str(lab.key),
        "ssh_known_hosts_file": str(folder / "known"),
        "ssh_strict_host_key_checking": "off",
    }
    inventory = folder / "inventory.py"
    inventory.write_text(f"hosts = ({[h.address for h in lab.hosts]!r}, {data!r})\n", encoding="utf-8")
    (folder / "known").write_text(
        "".join(f"[{h.address}]:{h.ssh_port} {' '.join(h.host_key.split()[:2])}\n" for h in lab.hosts), encoding="utf-8"
    )
    command = [str(programs / "pyinfra"), "--parallel", str(FORKS), "-y", str(inventory), "fact", *TEN_FACTS]
    return command, environment(folder)
