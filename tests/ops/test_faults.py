"""The fault machine's parts: the schedule follows the seed, armed points kill, replies are spoiled by the seed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from ops.children import ROOT
from ops.faults import harm, journal, schedule, spoiling
from ops.faults.clockwork import Clockwork
from ops.faults.points import ALL_POINTS, RARE, Armory
from ops.faults.schedule import Step
from tests import outside

NEW_YORK = ZoneInfo("America/New_York")


def test_the_same_seed_gives_the_same_schedule_and_another_one_a_different() -> None:
    assert schedule.make(7, 60) == schedule.make(7, 60)
    assert schedule.make(7, 60) != schedule.make(8, 60)


def test_leaving_kinds_out_does_not_move_the_others() -> None:
    everything, some = schedule.make(3, 600), schedule.make(3, 600, only=("database", "clock"))

    assert some == [step for step in everything if step.kind in ("database", "clock")]
    assert {step.kind for step in everything} == {*schedule.RATES, "clock"}


def test_every_crash_point_is_armed_and_those_that_few_pass_twice_as_often() -> None:
    chosen = schedule.make(1, 60, points=("post_sent", "settled"))
    assert {step.facts["point"] for step in chosen if step.kind == "kill_at"} == {"post_sent", "settled"}
    armed = Counter(step.facts["point"] for step in schedule.make(1, 600) if step.kind == "kill_at")

    assert set(armed) == set(ALL_POINTS)
    for points, most in ((set(ALL_POINTS) - set(RARE), 1), (set(RARE), 2)):
        counts = [armed[point] for point in points]
        assert max(counts) - min(counts) <= most
    assert min(armed[point] for point in RARE) > max(armed[point] for point in set(ALL_POINTS) - set(RARE))


def test_the_log_of_a_run_is_its_schedule_again(tmp_path: Path) -> None:
    steps = schedule.make(5, 20)
    written = journal.Journal(tmp_path / "faults.jsonl", {"seed": 5})
    for step in reversed(steps):
        written.write(step=step.line(), said="done")
    written.write(ended={"name": "beat", "pid": 1, "status": -9})
    written.close()

    assert journal.steps(tmp_path / "faults.jsonl") == steps


def spring_in_a_child(armory: Armory, point: str) -> int:
    """The signal that ended a forked process which passed the point; 0 when it lived."""
    pid = os.fork()
    if pid == 0:
        armory.spring(point)
        os._exit(0)
    return os.WTERMSIG(os.waitpid(pid, 0)[1])


def test_an_armed_point_kills_one_process_that_passes_it_and_writes_it_down(tmp_path: Path) -> None:
    armory = Armory(tmp_path)
    Armory(tmp_path).arm("after_claim")

    assert spring_in_a_child(armory, "in_settle") == 0
    assert spring_in_a_child(armory, "after_claim") == signal.SIGKILL
    assert spring_in_a_child(armory, "after_claim") == 0
    assert armory.counted() == {"after_claim": 1}


def test_disarmed_points_kill_nobody(tmp_path: Path) -> None:
    armory = Armory(tmp_path)
    assert [armory.arm("settled") for _ in range(4)] == [1, 2, 3, 3]
    armory.disarm()

    assert spring_in_a_child(armory, "settled") == 0
    assert armory.counted() == {}


def test_business_time_runs_ahead_and_never_back(tmp_path: Path) -> None:
    began = datetime(2027, 3, 13, 13, 0, tzinfo=UTC)
    clock = Clockwork(tmp_path / "clock.json", began)
    clock.run_at(1000)
    try:
        assert clock.jump(timedelta(hours=2)) >= began + timedelta(hours=2)
        before = clock.now()
        assert clock.jump(timedelta(hours=-5)) >= before
    finally:
        clock.close()
    written = json.loads((tmp_path / "clock.json").read_text())["offset_seconds"]
    assert datetime.now(UTC) + timedelta(seconds=written) >= before - timedelta(seconds=1)


@pytest.mark.parametrize(
    ("to", "reached"),
    [
        ("morning", datetime(2027, 3, 13, 14, 59, 40, tzinfo=UTC)),
        ("midnight", datetime(2027, 3, 14, 4, 59, 40, tzinfo=UTC)),
        # Clocks go from 2:00 to 3:00 at 7:00 UTC.
        ("dst", datetime(2027, 3, 14, 6, 59, 40, tzinfo=UTC)),
        ("hours", datetime(2027, 3, 13, 16, 0, tzinfo=UTC)),
    ],
)
def test_a_jump_ends_shortly_before_the_moment(to: str, reached: datetime) -> None:
    now = datetime(2027, 3, 13, 13, 0, tzinfo=UTC)
    assert now + harm.distance(to, now, NEW_YORK, 0.5) == reached


def test_a_seed_spoils_the_same_requests_again_and_counts_them(tmp_path: Path) -> None:
    found = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        process = outside.start("sandbox.stripe", tmp_path / folder)
        wish = {"match": "GET /v1/*", "shares": {"throttle": 0.3, "conflict": 0.3}, "seconds": 0}
        process.http.post("/_sandbox/faults/random", json={"seed": "9", "rules": [wish]}).raise_for_status()
        codes = [process.http.get("/v1/account").status_code for _ in range(40)]
        told = process.http.delete("/_sandbox/faults/random").json()
        assert process.http.get("/v1/account").status_code == 401
        assert told["counts"] == {"throttle": codes.count(429), "conflict": codes.count(409)}
        assert (told["seen"], told["writing"], told["holding"]) == (40, 0, 0)
        found.append(codes)
        process.stop()

    assert found[0] == found[1]
    assert set(found[0]) == {401, 409, 429}


def test_only_known_kinds_of_spoiled_replies_are_taken(tmp_path: Path) -> None:
    process = outside.start("sandbox.opendental", tmp_path)
    wish = {"seed": "1", "rules": [{"match": "*", "shares": {"eat": 1.0}}]}
    try:
        assert process.http.post("/_sandbox/faults/random", json=wish).status_code == 400
        assert process.http.get("/_sandbox/faults/random").json()["counts"] == {}
    finally:
        process.stop()


def test_an_answer_that_is_held_is_done_already(tmp_path: Path) -> None:
    process = outside.start("sandbox.stripe", tmp_path)
    key = process.http.post("/_sandbox/accounts", json={"account_key": "sk_test_held"}).json()
    assert key["account"].startswith("acct_")
    wish = {"match": "POST /v1/customers", "kind": "slow_after", "times": 1, "seconds": 3}
    process.http.post("/_sandbox/faults", json=wish).raise_for_status()
    try:
        with pytest.raises(httpx.ReadTimeout):
            process.http.post("/v1/customers", auth=("sk_test_held", ""), timeout=1)
        assert len(process.http.get("/v1/customers", auth=("sk_test_held", "")).json()["data"]) == 1
        assert process.http.get("/_sandbox/faults/random").json()["holding"] == 1
    finally:
        process.stop()


def test_every_wait_and_every_crash_point_still_exists_in_the_product(tmp_path: Path) -> None:
    """A process of its own: it replaces functions of the product."""
    environment = {**os.environ, "FAULTS_FOLDER": str(tmp_path)}
    program = "from ops.faults import jobs; jobs.prepare(); print('ready')"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.endswith("ready\n"), done.stderr[-2000:]


@dataclass
class Asked:
    """A spoiler that has seen so many requests."""

    numbers: list[int]

    def seen(self) -> int:
        return self.numbers.pop(0)


def test_the_schedule_is_as_slow_as_the_product_and_never_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [0.0]
    monkeypatch.setattr("ops.faults.spoiling.time.monotonic", lambda: moment[0])
    # 15 requests are 0.6 s of the schedule, none a tenth of the time, many no more than thrice the time.
    pace = spoiling.Pace(Asked([100, 115, 115, 915]))  # type: ignore[arg-type]
    found = []
    for moment[0] in (1.0, 2.0, 2.1, 3.0):
        found.append(round(pace.now(), 3))

    assert found == [0.6, 0.7, 0.7, 3.7]


def test_a_step_survives_its_line() -> None:
    step = Step(1.5, "webhook", 0.25, {"trouble": "late", "seconds": 2.0})
    assert Step(**json.loads(json.dumps(step.line()))) == step
