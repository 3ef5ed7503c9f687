"""What every sandbox process shares: the movable clock, SQLite state, faults on demand, the server, page chrome."""
