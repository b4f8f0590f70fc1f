"""What is kept in plain files: the account list, config.toml, profiles."""
