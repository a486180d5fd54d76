"""The host key from a console."""

from providers.kit.console import host_key

BLOCK = """
ci-info: no authorized SSH keys fingerprints found
<14>Nov 25 cloud-init: -----BEGIN SSH HOST KEY KEYS-----
ecdsa-sha2-nistp256 AAAAE2VjZHNh root@web
ssh-ed25519 {key} root@web
-----END SSH HOST KEY KEYS-----
"""


def test_first_block_counts_and_ed25519_before_the_others() -> None:
    console = BLOCK.format(key="AAAAC3Nza") + "login: " + BLOCK.format(key="AAAAlater")
    assert host_key(console) == "ssh-ed25519 AAAAC3Nza"


def test_without_a_whole_block_there_is_none() -> None:
    assert host_key("") == ""
    assert host_key("ssh-ed25519 AAAAC3Nza root@web") == ""
    assert host_key(BLOCK.partition("-----END")[0]) == ""
