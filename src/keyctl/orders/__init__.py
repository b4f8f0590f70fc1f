"""From a wish to settled legs: plan, checks, sizing, preflight, fan-out, leverage, look-ups, verdicts."""
