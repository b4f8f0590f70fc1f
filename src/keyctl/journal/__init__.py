"""What was sent: legs and the right to send them, what becomes of them, notes, rotations, addresses."""
