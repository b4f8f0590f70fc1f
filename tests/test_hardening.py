"""A hardened process leaves no core file, and its own user cannot look into it any more."""

import os
import resource
import sys
from collections.abc import Callable

import pytest

from keyctl.hardening import harden_process
from tests.vault.trials import forked

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells through /proc who may look")
NOBODY = 65534
PR_SET_DUMPABLE = 4
FILES = ("environ", "maps", "mem")


def in_child(work: Callable[[], int]) -> int:
    """What the work gives, in a child that is no root and that others of its user may look into."""

    def run() -> None:
        import ctypes

        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
        # Changing the user makes a process undumpable by itself, which would hide what is tested here.
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
        os._exit(work())

    return os.waitstatus_to_exitcode(os.waitpid(forked(run), 0)[1])


def readable_by_a_sibling() -> int:
    """How many of this process's files another process of the same user can open."""
    watched = os.getpid()

    def look() -> None:
        opened = 0
        for name in FILES:
            try:
                with open(f"/proc/{watched}/{name}", "rb"):
                    opened += 1
            except PermissionError:
                pass
        os._exit(opened)

    return os.waitstatus_to_exitcode(os.waitpid(forked(look), 0)[1])


@linux_only
def test_before_hardening_the_same_user_can_look_into_the_process() -> None:
    """The control, without which the next test would prove nothing."""
    assert in_child(readable_by_a_sibling) == len(FILES)


@linux_only
def test_a_hardened_process_cannot_be_looked_into_by_its_own_user() -> None:
    def work() -> int:
        harden_process()
        return readable_by_a_sibling()

    assert in_child(work) == 0


def test_a_hardened_process_leaves_no_core_file() -> None:
    def work() -> int:
        harden_process()
        return 0 if resource.getrlimit(resource.RLIMIT_CORE) == (0, 0) else 1

    assert in_child(work) == 0
