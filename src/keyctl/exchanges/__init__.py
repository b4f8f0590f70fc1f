"""What exchanges' APIs look like: the contract and shared shapes here, one folder an exchange below."""
