"""Where secrets rest: the operating system's keyring, or one encrypted file. One store per home, chosen on purpose."""
