"""Card readers of the desk: where they stand, who uses which, and the payments that are taken at them."""
