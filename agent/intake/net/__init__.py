"""Everything that opens a socket: address guard, fetching, politeness, the log of answers."""
