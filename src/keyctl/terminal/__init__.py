"""The person at the terminal: output, questions, signals."""
