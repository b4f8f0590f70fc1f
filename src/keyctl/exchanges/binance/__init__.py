"""Binance: what its API looks like, and its facts."""
