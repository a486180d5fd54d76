"""The way from source to target: a certificate that lives as long as the copy, and nothing else that opens the target.

The private key is made on the source and never leaves it; an authority made for this one move signs certificates for
a quarter of an hour, bound to the source's address and to one command; the target trusts that authority by one line
in ``authorized_keys``. The authority's key exists in this process only. Source of every option: OpenSSH's
``ssh-keygen(1)`` (CERTIFICATES) and ``sshd(8)`` (AUTHORIZED_KEYS FILE FORMAT).
"""

import ipaddress
import secrets
import shlex
import socket
import threading
import time

from migrate.hosts import Host
from migrate.jobs import folder_of
from pse.core.errors import Incomplete, RemoteError

LIFE_S = 15 * 60
SKEW_S = 60
_NONE = 1
_CIPHERS = "aes128-gcm@openssh.com,aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr"
# AES-GCM first: measured 2.8 times as fast as OpenSSH's default on processors with AES instructions.

_EDIT = """f=$HOME/.ssh/authorized_keys; mkdir -p -m 700 "$HOME/.ssh" && touch "$f" || exit 1
exec 9>"$f.pse-lock"; flock 9
t=$(mktemp "$f.XXXXXX") || exit 1
grep -v -- {mark} "$f" >"$t"; [ $? -le 1 ] || exit 1
{add}
chmod 600 "$t" && mv "$t" "$f" && rm -f "$f.pse-lock"
"""


class Passage:
    """The way from one source to one target for one move; safe to open again after a crash.

    Args:
        source: Connects to the target.
        target: Is connected to.
        job: Name of the move on both hosts: lower-case letters, digits and hyphens.
        forwards: Sockets may be forwarded over it.
        listens: Port of the target's loopback address that it may listen on, for programs that know no socket; 1 for
            none, because nobody but root could listen there.
    """

    def __init__(self, source: Host, target: Host, job: str, *, forwards: bool = False, listens: int = _NONE) -> None:
        """Remember the ends; nothing is made yet."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self.source = source
        self.target = target
        self.job = job
        self._forwards = forwards
        self._listens = listens
        self._authority = Ed25519PrivateKey.generate()
        self._lock = threading.Lock()
        self._folder = ""
        self._public = b""
        self._bind = ""

    def open(self) -> str:
        """Make the key, pin the target's host key and write the trust line; returns the job's folder on the source."""
        with self._lock:
            if not self._folder:
                self._make()
            return self._folder

    def shell(self, name: str, command: str) -> str:
        """A fresh certificate for exactly ``command`` on the target, and the ssh command line that uses it.

        Args:
            name: Names the certificate's file.
            command: What the target runs whatever the client asks for; empty allows no command, only forwarding.

        Returns:
            ``ssh …`` without host and command; holds no character that a shell or rsync would split wrongly.
        """
        folder = self.open()
        certificate = self._certificate(command or "exit 1", forward=not command)
        self.source.text(
            f"cat >{folder}/{name}-cert.pub.new && mv {folder}/{name}-cert.pub.new {folder}/{name}-cert.pub",
            stdin=certificate,
            what="writing the certificate",
        )
        bind = f" -b {self._bind}" if self._bind else ""
        end = self.target.endpoint
        return (
            f"ssh -F none -i {folder}/k -o CertificateFile={folder}/{name}-cert.pub -o IdentitiesOnly=yes"
            f" -o IdentityAgent=none -o UserKnownHostsFile={folder}/kh -o GlobalKnownHostsFile=/dev/null"
            f" -o StrictHostKeyChecking=yes -o UpdateHostKeys=no -o BatchMode=yes -o ConnectTimeout=10"
            f" -o ServerAliveInterval=15 -o ServerAliveCountMax=4 -o Ciphers={_CIPHERS} -o LogLevel=ERROR"
            f" -p {end.port} -l {end.user}{bind}"
        )

    @property
    def address(self) -> str:
        """The target's address, as the source dials it."""
        return self.target.endpoint.address

    def close(self, *, prove: bool = True) -> None:
        """Take the trust back, prove that the key opens nothing any more, and destroy it; safe to repeat.

        Raises:
            Incomplete: The line is still there, or the key still opens the target.
        """
        mark = shlex.quote(f" {self.job}$")
        self.target.text(_EDIT.format(mark=mark, add=":"), what="taking the trust line away")
        left = self.target.run(f'grep -c -- {mark} "$HOME/.ssh/authorized_keys"').stdout.strip()
        if left not in (b"0", b""):
            raise Incomplete("the trust line of a finished move is still there", where=self.target.name)
        with self._lock:
            if prove and self._folder:
                self._prove_refused()
            self.source.text(
                f"""for d in /run/{self.job} /dev/shm/{self.job} /tmp/{self.job}; do
  [ -d "$d" ] && [ -O "$d" ] || continue
  for k in "$d"/k; do [ -e "$k" ] && {{ shred -u "$k" 2>/dev/null || rm -f "$k"; }}; done
  rm -f "$d"/k.pub "$d"/kh "$d"/*-cert.pub "$d"/fakersh
  ls -A "$d" | grep -qvE '\\.(rc|log|lock|pid)$' || [ -e "$d/tunnel.pid" ] || rm -rf "$d"
done; true""",
                what="destroying the key",
            )
            self._folder = ""
            self.source.known.pop(f"folder {self.job}", None)

    def _prove_refused(self) -> None:
        rsh = f"ssh -F none -i {self._folder}/k -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes"
        rsh += f" -o UserKnownHostsFile={self._folder}/kh -o StrictHostKeyChecking=yes -o ConnectTimeout=10"
        end = self.target.endpoint
        bind = f" -b {self._bind}" if self._bind else ""
        done = self.source.run(
            # One stands for all: every certificate of the move was signed by the same authority.
            f"""c=$(ls -t {self._folder}/*-cert.pub 2>/dev/null | head -n 1); [ -n "$c" ] || exit 0
{rsh} -o CertificateFile="$c" -p {end.port} -l {end.user}{bind} {self.address} true </dev/null 2>/dev/null && exit 7
exit 0"""
        )
        if done.rc != 0:
            raise Incomplete("the key of a finished move still opens the target", where=self.target.name)

    def _make(self) -> None:
        from cryptography.hazmat.primitives import serialization

        end = self.target.endpoint
        if not end.host_key:
            raise RemoteError("the target's host key is not known, so nothing connects to it", where=self.target.name)
        folder = folder_of(self.source, self.job)
        shown = f"[{end.address}]:{end.port}" if end.port != 22 else end.address
        pin = f"{shown} {' '.join(end.host_key.split()[:2])}\n"
        address = _address(self.source.endpoint.address)
        answer = self.source.text(
            f"""cd {folder} && cat >kh && {{ [ -e k ] || ssh-keygen -q -t ed25519 -N '' -C {self.job} -f k; }} || exit 1
a={address}; case $a in 127.*) l=1;; *) l=$(ip -o addr show 2>/dev/null | grep -cF " $a/");; esac
echo "$l"; cat k.pub""",
            stdin=pin.encode(),
            what="making the key of the move",
        )
        local, _, public = answer.partition("\n")
        # Behind address translation the target sees another address; then the certificate cannot be bound to it.
        self._bind = address if local.strip() not in ("", "0") else ""
        self._public = public.strip().encode()
        authority = self._authority.public_key().public_bytes(
            serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
        )
        options = ["cert-authority", "restrict", f'principals="{self.job}"']
        if self._bind:
            options.append(f'from="{self._bind}"')
        if self._forwards:
            # No other TCP port is listened on. What is dialled cannot be limited to the database's socket: sshd's
            # permitopen knows TCP ports only and refuses every socket once it is given.
            options += ["port-forwarding", f'permitlisten="127.0.0.1:{self._listens}"']
        line = f"{','.join(options)} {authority.decode()} {self.job}"
        edit = _EDIT.format(mark=shlex.quote(f" {self.job}$"), add='cat >>"$t"')
        self.target.text(edit, stdin=line.encode() + b"\n", what="writing the trust line")
        self._folder = folder

    def _certificate(self, command: str, *, forward: bool) -> bytes:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        from cryptography.hazmat.primitives.serialization import (
            SSHCertificateBuilder,
            SSHCertificateType,
            load_ssh_public_key,
        )

        public = load_ssh_public_key(self._public)
        if not isinstance(public, Ed25519PublicKey):
            raise RemoteError("the source made another kind of key than asked for", where=self.source.name)
        now = int(time.time())
        builder = (
            SSHCertificateBuilder()
            .public_key(public)
            .serial(secrets.randbits(63))
            .type(SSHCertificateType.USER)
            .key_id(self.job.encode())
            .valid_principals([self.job.encode()])
            .valid_after(now - SKEW_S)
            .valid_before(now + LIFE_S)
            .add_critical_option(b"force-command", command.encode("utf-8", "surrogateescape"))
        )
        if self._bind:
            builder = builder.add_critical_option(b"source-address", f"{self._bind}/32".encode())
        if forward:
            builder = builder.add_extension(b"permit-port-forwarding", b"")
        return builder.sign(self._authority).public_bytes() + b"\n"


def _address(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        pass
    try:
        return socket.gethostbyname(name)
    except OSError as exc:
        raise RemoteError(f"the name has no address: {exc}", where=name) from exc
