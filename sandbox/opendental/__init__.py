"""A stand-in for Open Dental's REST API: several offices in one process, each with its own books in SQLite."""
