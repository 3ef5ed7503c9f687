"""The checks: each a function from the world to the texts of its violations; its name is the function's."""
