"""Measurements of the product: bin/bench NAME. Each starts throw-away services, is bounded, stops by itself."""
