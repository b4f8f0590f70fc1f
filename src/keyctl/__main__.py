"""The program's entry. Answers --version before anything heavy is imported."""

import sys


def main() -> None:
    """Runs keyctl on the process's arguments and ends with its exit code."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from keyctl import __version__

        sys.stdout.write(f"keyctl {__version__} (keyctl-crypto)\n")
        return
    from keyctl.cli import run

    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
