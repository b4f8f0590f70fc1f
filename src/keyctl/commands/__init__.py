"""The commands, one module each: parse, ask, show. A module's `command` is found by its file name."""
