"""The product as people use it: a real Chromium against the whole running stack, at a desk's width and at a phone's."""
