"""Everything said to Open Dental: client, parsing, pull, discovery, posting, read-back, health."""
