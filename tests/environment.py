"""A pytest plugin loaded before Django reads its settings: gives the tests an environment of their own.

bin/test exports the addresses of a throw-away PostgreSQL and Valkey; without them the tests stop here and say so.
"""

from __future__ import annotations

import os
import tempfile
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

NEEDED = ("DATABASE_SUPERUSER_URL", "REDIS_URL")

for _name in NEEDED:
    if not os.environ.get(_name):
        raise SystemExit(f"{_name} is not set: run bin/test, which starts the services the tests need.")

# A cache of its own for each test process: counters of one must not fill up another's.
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 15
os.environ["REDIS_URL"] = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{_worker + 1}").geturl()
os.environ["SECRET_KEY"] = "tests-only-" + "k" * 40
os.environ["FIELD_KEYS"] = Fernet.generate_key().decode()
os.environ["BASE_URL"] = "http://testserver"
os.environ["ALLOWED_HOSTS"] = "*"
os.environ["STATICFILES_STORAGE"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
os.environ["EMAIL_URL"] = "memorymail://"
# WhiteNoise warns about a folder that is not there, and a warning fails a test.
os.environ["STATIC_ROOT"] = tempfile.mkdtemp(prefix="kasperpay-static-")
os.environ.pop("CLOCK_FILE", None)
os.environ.pop("CLOCK_CONTROL_URL", None)
# The real addresses are put in by the database fixture; settings only need something readable.
os.environ["DATABASE_URL"] = "postgres://kasperpay_app:app@127.0.0.1:1/none"
os.environ["DATABASE_OWNER_URL"] = "postgres://kasperpay_owner:owner@127.0.0.1:1/none"
