"""keyctl: API keys and orders for crypto exchanges. Importing this package loads nothing else."""

__version__ = "0.1.0"
