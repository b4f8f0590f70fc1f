"""Lines to the exchanges: connections, tunnels, pacing, one account's session, the address we leave from."""
