"""The twin's Binance."""
