"""The twin: exchanges of our own on loopback, for demos and tests. It shares no code with what it checks."""
