"""Which echo service may tell the public IP address of this machine: only one that the person agreed to, and none
without. The answer is kept beside config.toml, which holds the text of the person alone. Asks nobody."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from keyctl.answers import Unreadable, read_object
from keyctl.errors import SetupProblem
from keyctl.home.files import WRITABLE_BY_OTHERS, locked, read_owned, write_whole
from keyctl.model.route import is_loopback

if TYPE_CHECKING:
    from keyctl.home.folders import Home

# Both answer with the caller's address as text, by IPv4 and IPv6, over https and without a key; the second is asked
# where the first gives no answer. Sources, as read 2026-11-30: www.ipify.org ("without limit", "no visitor information
# is ever logged"); major.io, "A new future for icanhazip" (2021: run by Cloudflare since).
SERVICES = ("https://api64.ipify.org/", "https://icanhazip.com/")
ON, OFF = "on", "off"


def service_address(text: str) -> str:
    """The URL of a service, with a path. Raises ValueError, in words for a person, unless it is https, or http on this
    machine."""
    from urllib.parse import urlsplit

    if not re.fullmatch(r"https?://[!-~]+", text):
        raise ValueError("must be a URL such as https://ip.example.org/")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("is not a usable URL") from None
    if "@" in parts.netloc or parts.fragment or port == 0 or not host:
        raise ValueError("must have a host and a path, without user, password or fragment")
    if parts.scheme != "https" and not is_loopback(host):
        raise ValueError("must be https")
    return text if parts.path else f"{parts.scheme}://{parts.netloc}/{'?' + parts.query if parts.query else ''}"


def agreed(home: Home) -> tuple[str, ...] | None:
    """The services that may be asked, in this order; () where the person said no, None where nobody said anything.

    What cannot be read, or could be written by others, counts as nothing said.
    """
    try:
        data = read_owned(home.echo_file, forbidden_mode=WRITABLE_BY_OTHERS, problem=SetupProblem)
        if data is None:
            return None
        said = read_object(data)["echo"]
        if said in (ON, OFF):
            return SERVICES if said == ON else ()
        return (service_address(said if isinstance(said, str) else ""),)
    except (SetupProblem, Unreadable, KeyError, TypeError, ValueError):
        return None


def keep(home: Home, said: str) -> None:
    """Keeps the person's answer: on, off, or the URL of a service. Raises ValueError as above, StoreUnusable."""
    said = said if said in (ON, OFF) else service_address(said)
    home.prepare()
    with locked(home.echo_file):
        write_whole(home.echo_file, json.dumps({"echo": said}).encode() + b"\n")
