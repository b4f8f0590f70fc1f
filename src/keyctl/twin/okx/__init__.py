"""The twin's OKX."""
