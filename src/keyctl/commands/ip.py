"""keyctl ip: this machine's public IP address, for the IP whitelists of keys. Needs no account."""

from __future__ import annotations

from keyctl.app import App
from keyctl.commands.framing import keyctl_command
from keyctl.terminal.output import Result


@keyctl_command(examples="keyctl ip\nkeyctl ip --json\nkeyctl config set echo on")
def command(app: App) -> Result:
    """Show the public IP address of this machine

    IPv4 and IPv6, for the direct connection and every proxy of a stored account. An echo service is asked only after
    you allowed it (keyctl config set echo on), at most once an hour; it sees no key. Else the last response of an
    exchange that contained the IP address is shown, with its age.
    """
    from keyctl.verify.public_ip import show

    return show(app)
