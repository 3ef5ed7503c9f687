"""The fault machine: real processes, a seeded schedule of faults, and then three books that must agree.

`run.run(Wish(...))` starts everything on free ports in a folder of its own, does harm, lets things settle, and has
ops.audit compare the books. Nothing here is part of the product; what its processes are told is told from outside.
"""
