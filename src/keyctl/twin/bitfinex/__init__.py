"""The twin's Bitfinex."""
