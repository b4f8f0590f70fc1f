"""Makes this process harder to look into, before the first secret is read."""

from __future__ import annotations

import sys

_PR_SET_DUMPABLE = 4


def harden_process() -> None:
    """No core files; on Linux other processes of the same user can no longer read our memory or environment."""
    try:
        import resource
    except ImportError:  # Windows has no such limits
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
