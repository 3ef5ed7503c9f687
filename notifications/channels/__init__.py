"""The carriers: the only code that talks to them."""
