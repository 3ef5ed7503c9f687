"""The clock of the whole sandbox, and the index of its pages."""
