"""The story bin/run --smoke walks: the main job by the pages and addresses a person would use."""

from __future__ import annotations

import json

from ops.browser import Browser
from ops.stack import Running


def walk(running: Running) -> dict[str, object]:
    """What was seen, step by step; every yes-or-no must be a yes. Raises UnableToWalk where the road ends."""
    sign_in = json.loads(running.places.demo.read_text())["sign_ins"][0]
    with Browser(running.web) as browser:
        page = browser.press(browser.get("/"), "password", email=sign_in["email"], password=sign_in["password"])
    return {"signed_in": "sign-in" not in page.url}
