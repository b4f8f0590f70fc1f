"""What scripts/lines counts: code lines, and questions about the kind of order outside an adapter's choosers."""

import runpy
from pathlib import Path

COUNTER = runpy.run_path(str(Path(__file__).parent.parent / "scripts" / "lines"))

MODULE = '''"""What it is.

More of it.
"""

import json
from os import (
    path,
)

# A comment.
TEXT = """not a
docstring"""


def order_api(order):  # the chooser may ask
    return ALGO if order.trigger is not None else PLAIN


def order_request(order):
    """What it gives."""
    assert order.market is not None
    if order.market is Market.FUTURES:
        return json
    if order.market is Market.SPOT and order.reduce_only:
        raise ValueError("only perpetuals")
    return path if ":" in order.symbol and futures else is_algo(order)
'''


def test_blank_lines_imports_docstrings_and_comments_are_no_code() -> None:
    assert COUNTER["code_lines"](MODULE) == 11


def test_questions_are_counted_outside_the_choosers_only() -> None:
    assert COUNTER["questions"](MODULE) == [(23, True), (27, False), (27, True), (27, True)]
