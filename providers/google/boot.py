"""What a new server runs first: it says its host keys on its console, then does what it was given, and that once.

Google's images run ``startup-script`` at every boot, and not all of them have cloud-init, whose way of telling host
keys this is.
"""

import base64

_SCRIPT = """#!/bin/sh
# Runs at every boot, and does something at the first one only.
umask 077
mark=/var/lib/pse/first-boot
[ -e "$mark" ] && exit 0
mkdir -p /var/lib/pse && : >"$mark"
tries=60
while [ ! -s /etc/ssh/ssh_host_ed25519_key.pub ] && [ "$tries" -gt 0 ]; do sleep 1; tries=$((tries - 1)); done
echo '-----BEGIN SSH HOST KEY KEYS-----'
cat /etc/ssh/ssh_host_*_key.pub
echo '-----END SSH HOST KEY KEYS-----'
"""
_GIVEN = """base64 -d >/var/lib/pse/user-data <<'END'
{text}
END
chmod 700 /var/lib/pse/user-data
exec /var/lib/pse/user-data
"""


def startup_script(user_data: str) -> str:
    """The value of the metadata key ``startup-script``.

    Args:
        user_data: Script for the first boot; empty for none.
    """
    text = base64.encodebytes(user_data.encode()).decode().strip()
    return _SCRIPT + (_GIVEN.format(text=text) if user_data else "")
