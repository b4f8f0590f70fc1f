"""Starts one process and tells what it used. Small itself: a child's peak memory begins with its parent's."""

import json
import os
import sys
import time


def main(told: str, *arguments: str) -> None:
    start = time.perf_counter()
    process = os.posix_spawn(arguments[0], arguments, os.environ)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - start
    with open(told, "w") as file:
        json.dump(
            [wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)], file
        )


main(*sys.argv[1:])
