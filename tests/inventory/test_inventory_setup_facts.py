"""Sections that look for files, run by real shells over a host of files made here."""

import os
import subprocess
from pathlib import Path

import pytest

from inventory.facts import TABLE, Frame
from inventory.facts.certificates import Certificate, CertificatesFact
from inventory.facts.configured import Configured, ConfiguredFact, Mention
from inventory.facts.kernel import Kernel, KernelFact
from inventory.facts.setup import Jobs, JobsFact, Services
from inventory.probe import _functions
from tests.require import require

SHELLS = ("dash", "bash", "busybox ash")
CANARY = "pse-canary-9f2"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the beginnings of a host."""
    for folder in ("etc/cron.daily", "etc/nginx/ssl", "etc/app", "etc/systemd/system/multi-user.target.wants"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def printed(name: str, root: Path, shell: str, *, tools: Path | None = None) -> bytes:
    """What the section prints where all that it reads lies below ``root``; paths as on the host.

    ``tools`` holds programs besides the machine's own.
    """
    require(*shell.split()[:1])
    text = _functions(TABLE[name])
    for folder in (
        "/etc/",
        "/opt/",
        "/usr/local/etc/",
        "/var/spool/",
        "/lib/modules/",
        "/sys/",
        "/proc/sys/",
        "/var/log/",
    ):
        text = text.replace(f" {folder}", f" {root}{folder}").replace(f'"{folder}', f'"{root}{folder}')
    path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
    if shell.startswith("busybox"):
        links = root / "links"
        links.mkdir(exist_ok=True)
        subprocess.run(["busybox", "--install", "-s", str(links)], check=True, timeout=60)
        path = f"PATH={links}"
    if tools is not None:
        path += f":{tools}"
    done = subprocess.run(
        ["/usr/bin/env", "-i", path, "LC_ALL=C", *shell.split(), "-s"]
        if " " not in shell
        else ["/usr/bin/env", "-i", path, "LC_ALL=C", str(root / "links" / "ash"), "-s"],
        input=f"{text}pse_s_{name}\n".encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.stdout.replace(str(root).encode(), b"")


def certificate(folder: Path) -> tuple[str, str]:
    """Text of a certificate and of its private key."""
    require("openssl")
    key, cert = folder / "key", folder / "cert"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(cert)),
            *("-days", "90", "-subj", "/CN=pay.example.org"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return cert.read_text("utf-8"), key.read_text("utf-8")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_private_key_beside_a_certificate_is_never_printed(shell: str, root: Path) -> None:
    cert, key = certificate(root)
    half = cert[: cert.index("-----END")]
    ssl = root / "etc/nginx/ssl"
    (ssl / "whole.pem").write_text(cert + key, "utf-8")
    (ssl / "before.pem").write_text(key + cert, "utf-8")
    (ssl / "half.pem").write_text(half + key, "utf-8")
    (ssl / "key.pem").write_text(key, "utf-8")
    (ssl / "chain.crt").write_text(cert + cert, "utf-8")
    (ssl / "f=1.crt").write_text(cert, "utf-8")
    raw = printed("certificates", root, shell)
    assert not {line for line in raw.decode().splitlines() if line in key.splitlines()}
    found: tuple[Certificate, ...] = CertificatesFact().parse(raw) or ()
    assert [one.file for one in found] == [
        f"/etc/nginx/ssl/{n}" for n in ("before.pem", "chain.crt", "half.pem", "whole.pem")
    ]
    assert {one.names for one in found} == {("pay.example.org",)}


@pytest.mark.parametrize("shell", SHELLS)
def test_configuration_is_searched_and_comments_and_what_follows_are_left(shell: str, root: Path) -> None:
    (root / "etc/app/db.conf").write_text(
        f"# host = 10.1.1.1\nhost = 10.1.1.2 password={CANARY}\nnet = 10.3.0.0/16\nmask 255.255.0.0\n; old 10.1.1.3\n"
        "url = http://10.1.1.4/x\n[db] a=1 ; 10.1.1.5\nversion 1.2.3.4.5\nbind 127.0.0.1\n",
        "utf-8",
    )
    (root / "etc/app/bytes.conf").write_bytes(b"\0\xff host=10.1.1.6\n")
    raw = printed("configured", root, shell)
    assert CANARY.encode() not in raw
    found = ConfiguredFact().parse(raw) or Configured()
    assert found.addresses == (
        Mention(file="/etc/app/bytes.conf", address="10.1.1.6"),
        Mention(file="/etc/app/db.conf", address="10.1.1.2"),
        Mention(file="/etc/app/db.conf", address="10.1.1.4"),
    )


@pytest.mark.parametrize("shell", SHELLS)
def test_services_and_jobs_are_told_by_names(shell: str, root: Path) -> None:
    system = root / "etc/systemd/system"
    (system / "pay.service").write_text("[Service]\n", "utf-8")
    (system / "multi-user.target.wants/pay.service").symlink_to("/etc/systemd/system/pay.service")
    (system / "multi-user.target.wants/a\\x2db.service").symlink_to("/nowhere")
    (system / "multi-user.target.wants/fstrim.timer").symlink_to("/nowhere")
    (root / "sys/fs/cgroup/system.slice/pay.service").mkdir(parents=True)
    script = root / "etc/cron.daily/backup"
    script.write_text("#!/bin/sh\n", "utf-8")
    script.chmod(0o755)
    (root / "etc/cron.daily/.placeholder").write_text("", "utf-8")
    (root / "etc/crontab").write_text(f"1 2 * * * root TOKEN={CANARY} /opt/x --password={CANARY}\n", "utf-8")
    assert TABLE["services"].parse(printed("services", root, shell)) == Services(
        enabled=("a\\x2db.service", "pay.service"), running=("pay.service",), own=("pay.service",)
    )
    jobs = (JobsFact().parse(printed("jobs", root, shell)) or Jobs()).jobs
    assert [(job.program, job.when, job.user) for job in jobs] == [
        ("/opt/x", "1 2 * * *", "root"),
        ("backup", "daily", ""),
        ("fstrim.timer", "timer", ""),
    ]
    assert CANARY not in repr(jobs)


@pytest.mark.parametrize("shell", SHELLS)
def test_drivers_are_found_as_modules_and_built_in(shell: str, root: Path) -> None:
    (root / "proc/sys/kernel").mkdir(parents=True)
    (root / "proc/sys/kernel/osrelease").write_text("6.1.0-1-amd64\n", "utf-8")
    for path in ("drivers/block/virtio_blk.ko.xz", "drivers/nvme/host/nvme.ko", "drivers/scsi/hv_storvsc.ko.zst"):
        file = root / "lib/modules/6.1.0-1-amd64/kernel" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (root / "sys/bus/virtio/drivers/virtio_net").mkdir(parents=True)
    (root / "sys/module/ena").mkdir(parents=True)
    old = root / "lib/modules/5.10.0-1-amd64/kernel/drivers/net/ethernet/google/gve/gve.ko"
    old.parent.mkdir(parents=True)
    old.touch()
    found = KernelFact().parse(printed("kernel", root, shell)) or Kernel()
    assert found.drivers == ("virtio_blk", "virtio_net", "nvme", "ena", "hv_storvsc")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_newest_days_of_sysstat_are_read_and_no_more(shell: str, root: Path) -> None:
    logs = root / "var/log/sysstat"
    logs.mkdir(parents=True)
    for day in range(1, 31):
        file = logs / f"sa{day:02}"
        file.touch()
        os.utime(file, (1_700_000_000 + 86_400 * ((day + 9) % 30),) * 2)  # the month began on the 21st
    (logs / "sa31.xz").touch()
    tools = root / "tools"
    tools.mkdir()
    (tools / "sadf").write_text('#!/bin/sh\necho "asked:$*"\n', "utf-8")
    (tools / "sadf").chmod(0o755)
    raw = printed("history", root, shell, tools=tools)
    assert sorted(raw.decode().splitlines()) == [
        f"asked:-d /var/log/sysstat/sa{day:02} 600 -- -u -r -b -n DEV" for day in range(13, 21)
    ]
    assert printed("history", root, shell) == b"", "no sadf, nothing is run"


def test_a_search_that_could_not_be_made_is_not_taken_for_none() -> None:
    reading = TABLE["configured"].read(Frame(raw=b"grep:126\n"))
    assert (reading.outcome, reading.value) == ("failed", None)
