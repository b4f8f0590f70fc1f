"""The formats of other programs' files: each parser gives every scalar of a file as text, with its line and its names.

A parser undoes its format's own escapes once and changes nothing else. What it cannot read is named by line, in words
of ours; no text of a file is in any message.
"""
