"""The twin's LBank."""
