"""Which clock a person lives by: the first three digits of a US ZIP code (decisions 17), else the practice's. Pure.

Prefixes that straddle a border carry both zones; a message then waits until it is allowed in both.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.calendar import quiet_until

_ZIP = re.compile(r"(\d{3})\d{2}(?:-?\d{4})?")
E, C, M, P = "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles"
ARIZONA, BOISE, ALASKA = "America/Phoenix", "America/Boise", "America/Anchorage"
HAWAII, PUERTO_RICO, GUAM = "Pacific/Honolulu", "America/Puerto_Rico", "Pacific/Guam"

# (first prefix, last prefix, zones), in order; military mail (090-098, 340, 962-966) has no zone.
_RANGES: list[tuple[int, int, tuple[str, ...]]] = [
    (5, 5, (E,)), (6, 9, (PUERTO_RICO,)), (10, 89, (E,)),  # New York, the islands, New England, New Jersey
    (100, 323, (E,)), (324, 325, (C,)), (326, 339, (E,)), (341, 349, (E,)),  # the coast; Florida's panhandle
    (350, 369, (C,)), (370, 372, (C,)), (373, 374, (E,)), (375, 375, (C,)),  # Alabama, Tennessee
    (376, 379, (E,)), (380, 384, (C,)), (385, 385, (E, C)), (386, 397, (C,)),  # Tennessee, Mississippi
    (398, 418, (E,)), (420, 424, (C,)), (425, 426, (E,)), (427, 427, (E, C)),  # Georgia, Kentucky
    (430, 462, (E,)), (463, 464, (C,)), (465, 474, (E,)), (475, 477, (E, C)),  # Ohio, Indiana
    (478, 497, (E,)), (498, 499, (E, C)),  # Indiana, Michigan and its upper peninsula
    (500, 575, (C,)), (576, 576, (C, M)), (577, 577, (M,)),  # Iowa, Wisconsin, Minnesota, South Dakota
    (580, 585, (C,)), (586, 586, (C, M)), (587, 588, (C,)), (590, 599, (M,)),  # North Dakota, Montana
    (600, 676, (C,)), (677, 678, (C, M)), (679, 690, (C,)),  # Illinois, Missouri, Kansas, Nebraska
    (691, 692, (C, M)), (693, 693, (M,)), (700, 797, (C,)), (798, 799, (M,)),  # Nebraska, the South, El Paso
    (800, 831, (M,)), (832, 834, (BOISE,)), (835, 835, (P, BOISE)), (836, 837, (BOISE,)), (838, 838, (P,)),  # Idaho
    (840, 847, (M,)), (850, 859, (ARIZONA,)), (860, 860, (ARIZONA, M)), (863, 864, (ARIZONA,)),  # Utah, Arizona
    (865, 865, (ARIZONA, M)), (870, 885, (M,)), (889, 897, (P,)), (898, 898, (P, M)),  # New Mexico, Nevada
    (900, 961, (P,)), (967, 968, (HAWAII,)), (969, 969, (GUAM,)),  # California, Hawaii, Guam
    (970, 978, (P,)), (979, 979, (BOISE,)), (980, 994, (P,)), (995, 999, (ALASKA,)),  # Oregon, Washington, Alaska
]  # fmt: skip


def zones_of(zip_code: str, otherwise: ZoneInfo) -> tuple[ZoneInfo, ...]:
    """The zones of a ZIP code ("96814", "96814-1234"); `otherwise` for anything that is none."""
    found = _ZIP.fullmatch(zip_code.strip())
    names = _names(int(found[1])) if found else ()
    return tuple(ZoneInfo(name) for name in names) or (otherwise,)


def _names(prefix: int) -> tuple[str, ...]:
    return next((names for first, last, names in _RANGES if first <= prefix <= last), ())


def allowed_from(now: datetime, zones: tuple[ZoneInfo, ...], quiet_from: int, quiet_end: int) -> datetime:
    """The first instant from `now` on that is quiet in none of the zones; hours are local (21 and 8: 21:00 to 8:00)."""
    moment = now
    # Each round passes the end of one zone's quiet time; hours that leave no common gap end after a day.
    while moment < now + timedelta(days=1):
        ends = [end for zone in zones if (end := quiet_until(moment, zone, time(quiet_from), time(quiet_end)))]
        if not ends:
            return moment
        moment = max(ends)
    return moment
