"""The auditor: compares the books of the processor, KasperPay and Open Dental. Shares no code with the product.

    from ops.audit import Books, audit
    violations = audit(Books(database=..., stripe=..., opendental=..., messaging=..., now=...))

`Books.database` is the address of a role that row-level security doesn't bind (a superuser). `stripe`, `opendental` and
`messaging` are the state folders of the sandbox's processes (their `--state`): SQLite files, read without asking the
processes, so they may run or not. `now` is business time, UTC. `Books.of_place(folder)` fills all of it from a
`bin/run --data` folder whose database runs; `python -m ops.audit --place DIR [--json]` also starts the database of one
that was stopped, and ends with code 1 when it finds something.

`audit()` returns a list of `Violation(check, text)`: the name of the check, and a sentence with ids and cents (never a
name, number or address of a patient). An empty list says that everything is right. Let business time pass (30 minutes
are enough) with all processes running after the last fault: what is younger than 10 minutes may still be on its way and
is not judged; what is older must be final.
"""

from __future__ import annotations

from ops.audit.books import Books
from ops.audit.run import audit
from ops.audit.violations import Violation

__all__ = ["Books", "Violation", "audit"]
