"""Leaked keys: finding one's own secrets wherever they are, and what to do then."""
