"""How a key comes in, is used, is changed and is replaced."""
