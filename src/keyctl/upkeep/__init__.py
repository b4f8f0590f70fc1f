"""The machine and the home: doctor, backup, restore, left-overs."""
