"""The nouns: what keyctl talks about. Frozen data without behavior beyond checks of its own shape; no I/O."""
