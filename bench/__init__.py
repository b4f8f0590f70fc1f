"""Speed, measured as ratios in one run. Not part of the program and of no test; see scripts/bench."""
