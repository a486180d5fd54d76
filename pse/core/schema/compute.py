"""Servers and what they start from."""

from typing import Annotated

from pse.core.schema.declaring import Inputs, Outputs, Rests, Rule, out, plain, refers


class KeyPairInputs(Inputs, frozen=True, kw_only=True):
    """A public SSH key for new servers."""

    public_key: Annotated[str, plain("One line in OpenSSH format.", replaces=True)]


class KeyPairOutputs(Outputs, frozen=True, kw_only=True):
    """The key's fingerprint."""

    fingerprint: Annotated[str, out("SHA256:… of the public key.")]


class ImageInputs(Inputs, frozen=True, kw_only=True):
    """An OS image of one's own, brought from a file of the workspace."""

    source: Annotated[str, Rule(Rests.COPY, replaces=True, doc="File in the workspace's folder ``images``.")]
    sha256: Annotated[str, plain("SHA-256 of the file, 64 hexadecimal digits; another file is refused.", replaces=True)]
    format: Annotated[str, plain("``raw``, ``qcow2``, ``vmdk`` or ``vhd``.", replaces=True)]


class ImageOutputs(Outputs, frozen=True, kw_only=True):
    """How large it is."""

    size_bytes: Annotated[int, out("Size of the file.")]


class ServerInputs(Inputs, frozen=True, kw_only=True):
    """A virtual machine."""

    shape: Annotated[str, plain("Name of a compute offer at the place; changed in place.")]
    image: Annotated[str, Rule(Rests.COPY, replaces=True, doc="OS image, by the place's own name.")]
    subnet: Annotated[str, refers("Subnet", "Id of the subnet.")]
    firewalls: Annotated[tuple[str, ...], refers("Firewall", "Ids of firewalls.", replaces=False)] = ()
    key_pair: Annotated[str, refers("KeyPair", "Id of the key pair.")]
    boot_volume: Annotated[str, refers("Volume", "Id of the volume that it starts from; empty: the image's copy.")] = ""
    apart: Annotated[
        str, plain("Servers that share this word never share a machine; empty: anywhere.", replaces=True)
    ] = ""
    user_data: Annotated[str, Rule(Rests.NONE, replaces=True, secret=True, doc="Shell script for the first boot.")] = ""


class ServerOutputs(Outputs, frozen=True, kw_only=True):
    """How to reach the server and how to know that it is the right one."""

    address: Annotated[str, out("IPv4 address.")]
    ssh_port: Annotated[int, out("TCP port of sshd.")]
    ssh_user: Annotated[str, out("Account that the key pair opens.")]
    host_key: Annotated[str, out("Public host key, one line in OpenSSH format; empty when it cannot be known.")]


class AttachmentInputs(Inputs, frozen=True, kw_only=True):
    """A volume attached to a server and mounted there."""

    server: Annotated[str, refers("Server", "Id of the server.")]
    volume: Annotated[str, refers("Volume", "Id of the volume.")]
    mount: Annotated[str, plain("Absolute path where the server mounts it.", replaces=True)]


class AttachmentOutputs(Outputs, frozen=True, kw_only=True):
    """The device's name at the server."""

    device: Annotated[str, out("Device or lab path of the volume at the server.")]
