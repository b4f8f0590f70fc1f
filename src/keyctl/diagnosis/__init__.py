"""Live diagnosis: reads that decide (probing), what they leave possible (reasoning), and what to do (fixes)."""
