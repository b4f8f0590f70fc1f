"""The program's entry. Answers --version before anything heavy is imported."""

import gc
import os
import sys

# Importing makes tens of thousands of objects that stay, and looking through them for rubbish finds next to none.
OBJECTS_BEFORE_COLLECTION = 200_000


def main() -> None:
    """Runs keyctl on the process's arguments and ends with its exit code."""
    _fill_closed_streams()
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from keyctl import __version__

        sys.stdout.write(f"keyctl {__version__} (keyctl-crypto)\n")
        return
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)
    from keyctl.cli import run

    exit_code = run(arguments)
    gc.freeze()  # what is left goes with the process
    sys.exit(exit_code)


def _fill_closed_streams() -> None:
    """Puts /dev/null where the caller closed a stream, so that none of our files can get its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nothing = os.open(os.devnull, os.O_RDWR)
            try:
                os.fstat(number)
            except OSError:
                os.dup2(nothing, number)
            setattr(sys, name, open(nothing, "w" if number else "r", encoding="utf-8"))


if __name__ == "__main__":
    main()
