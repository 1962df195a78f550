"""Make timezones.csv, the example table: one row for each time zone of the tz database.

    python docs/data/make_timezones.py

Everything comes from the PyPI package `tzdata`, whose data are in the public domain, and from the
formulas below; the same version of it gives the same file, byte for byte. README.md tells what the
columns mean.
"""

from __future__ import annotations

import csv
import math
import re
import struct
from collections import Counter
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, reset_tzpath

TABLE = Path(__file__).with_name("timezones.csv")
YEAR = 2025
"""The year whose clocks the table describes."""

JANUARY, JULY = datetime(YEAR, 1, 1, tzinfo=UTC), datetime(YEAR, 7, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TILT = math.radians(23.44)
"""Latitude over which the sun stands at the June solstice."""

SUNRISE = math.radians(-0.833)
"""Height of the sun's centre at sunrise: its radius and the air's refraction."""


def lines(name: str) -> list[list[str]]:
    """Rows of one of the tab-separated files beside the zones."""
    text = (resources.files("tzdata") / "zoneinfo" / name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and line[0] != "#"]


def degrees(digits: str) -> float:
    """±DDMM, ±DDDMM, ±DDMMSS or ±DDDMMSS as degrees."""
    sign, digits = (-1 if digits[0] == "-" else 1), digits[1:]
    seconds = 0
    if len(digits) > 5:
        digits, seconds = digits[:-2], int(digits[-2:])
    return sign * (int(digits[:-2]) + int(digits[-2:]) / 60 + seconds / 3600)


class History:
    """What the compiled zone (RFC 9636) says: first offset, changes, and what is yet to come."""

    def __init__(self, path: str) -> None:
        data = resources.files("tzdata").joinpath("zoneinfo", *path.split("/")).read_bytes()
        start = data.index(b"TZif", 4)  # the second block, with times of 64 bits
        n_utc, n_standard, _, n_times, n_types, n_letters = struct.unpack_from(
            ">6l", data, start + 20
        )
        at = start + 44
        self.times = struct.unpack_from(f">{n_times}q", data, at)
        at += 8 * n_times
        order = struct.unpack_from(f">{n_times}B", data, at)
        at += n_times
        offsets = [struct.unpack_from(">lBB", data, at + 6 * i)[::2] for i in range(n_types)]
        at += 6 * n_types
        letters = data[at : at + n_letters]
        names = [letters[i : letters.index(b"\0", i)].decode() for _, i in offsets]
        at += n_letters + n_standard + n_utc  # the tables have no leap seconds
        self.rule = data[at:].decode().strip()
        """POSIX rule of the time after the last change; with a comma if clocks still change."""
        self.first_name, self.first_offset = names[0], offsets[0][0]
        self.offsets = [offsets[i][0] for i in order]
        """Seconds east of Greenwich after each change."""


def changes(zone: ZoneInfo, history: History) -> list[datetime]:
    """Moments up to the end of the year at which the offset changes, by rule or by decree."""
    end = datetime(YEAR + 1, 1, 1, tzinfo=UTC)
    offsets = [history.first_offset, *history.offsets]
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    listed = [epoch + timedelta(seconds=time) for time in history.times]
    steps = zip(listed, pairwise(offsets), strict=True)
    found = [moment for moment, (before, after) in steps if before != after and moment < end]
    if "," in history.rule:  # the file stops listing where its rule takes over
        found += ruled_changes(zone, max([epoch, *listed]), end)
    return found


def ruled_changes(zone: ZoneInfo, last: datetime, end: datetime) -> list[datetime]:
    """Half-hours at which the offset changes after the last listed moment."""
    found: list[datetime] = []
    day = last + timedelta(hours=1)
    while day < end:
        if day.astimezone(zone).utcoffset() != (day + DAY).astimezone(zone).utcoffset():
            halves = [day + timedelta(minutes=30 * i) for i in range(49)]
            offsets = [half.astimezone(zone).utcoffset() for half in halves]
            steps = zip(halves[1:], pairwise(offsets), strict=True)
            found += [half for half, (before, after) in steps if before != after and half < end]
        day += DAY
    return found


def hours(delta: timedelta | None) -> float:
    """An offset in hours."""
    assert delta is not None
    return delta.total_seconds() / 3600


def day_length(latitude: float, declination: float) -> float | None:
    """Hours between sunrise and sunset; None where the sun does not rise or does not set."""
    phi = math.radians(latitude)
    cosine = (math.sin(SUNRISE) - math.sin(phi) * math.sin(declination)) / (
        math.cos(phi) * math.cos(declination)
    )
    return None if abs(cosine) >= 1 else 24 * math.acos(cosine) / math.pi


def row(codes: str, place: str, name: str, countries: dict[str, str]) -> dict[str, object]:
    """What the table tells about one zone."""
    zone, history = ZoneInfo(name), History(name)
    split = max(place.rfind("+"), place.rfind("-"))
    latitude, longitude = degrees(place[:split]), degrees(place[split:])
    in_january, in_july = (hours(day.astimezone(zone).utcoffset()) for day in (JANUARY, JULY))
    winter, summer = sorted((in_january, in_july))
    shift = summer - winter
    winter_day = JANUARY if in_january == winter else JULY
    abbreviation = winter_day.astimezone(zone).tzname()
    moments = changes(zone, history)
    springs = [
        moment.astimezone(zone).month
        for moment in moments
        if moment.year == YEAR
        and hours((moment + timedelta(hours=1)).astimezone(zone).utcoffset()) == summer
    ]
    solar = longitude / 15
    later = [offset / 3600 for offset in history.offsets] + [winter, summer]
    begins_with_mean_time = history.first_name == "LMT"
    return {
        "zone": name,
        "country": countries[codes[:2]],
        "region": name.partition("/")[0],
        "latitude": latitude,
        "longitude": longitude,
        "hemisphere": "north" if latitude >= 0 else "south",
        "utc_offset_hours": winter,
        "utc_offset_1970_hours": hours(
            datetime(1970, 1, 1, tzinfo=UTC).astimezone(zone).utcoffset()
        ),
        "local_mean_time_hours": history.first_offset / 3600 if begins_with_mean_time else None,
        "clock_minus_sun_hours": (winter - solar + 12) % 24 - 12,
        "is_whole_hour": winter == int(winter),
        "abbreviation": abbreviation if abbreviation and abbreviation.isalpha() else None,
        "observes_summer_time": shift > 0,
        "summer_time_shift_minutes": round(60 * shift) if shift else None,
        "summer_time_begins_month": springs[0] if shift and springs else None,
        "first_change_year": moments[0].year if moments else None,
        "last_change_year": moments[-1].year if moments and not shift else None,
        "number_of_changes": len(moments),
        "number_of_offsets": len(set(later)),
        "span_of_offsets_hours": max(later) - min(later),
        "countries_in_zone": codes.count(",") + 1,
        "zones_in_country": None,  # known when all rows are
        "day_length_june_hours": day_length(latitude, TILT),
        "day_length_december_hours": day_length(latitude, -TILT),
    }


def cell(value: object) -> str:
    """A value as it stands in the file; nothing where it is missing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(round(value, 4) + 0.0) if isinstance(value, float) else str(value)


def main() -> None:
    """Write the table, and the version that it is made from into README.md beside it."""
    reset_tzpath([])  # the package's zones, never the system's
    countries = dict(lines("iso3166.tab"))
    zones = lines("zone1970.tab")
    rows = [row(codes, place, name, countries) for codes, place, name, *_ in zones]
    in_country = Counter(r["country"] for r in rows)
    for r in rows:
        r["zones_in_country"] = in_country[r["country"]]
    rows.sort(key=lambda r: str(r["zone"]))
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows[0])
        writer.writerows([cell(value) for value in r.values()] for r in rows)
    version = (resources.files("tzdata") / "zoneinfo" / "tzdata.zi").read_text().split()[2]
    readme = TABLE.with_name("README.md")
    text = readme.read_text(encoding="utf-8")
    readme.write_text(re.sub(r"version \d{4}[a-z]+", f"version {version}", text), encoding="utf-8")
    print(f"{TABLE.name}: {len(rows)} zones of tz database {version}, {len(rows[0])} columns")


if __name__ == "__main__":
    main()
