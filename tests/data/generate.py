#!/usr/bin/env python3
"""Makes the readings of the demo park (deploy/parks/demo.toml): two weeks of June 2023, all invented.

    generate.py            writes the files of tests/data/demo again
    generate.py --check    exits 1 if they are not what this script makes, byte for byte

Only + - * / on floats and random.random() are used, which give the same bits everywhere; no libm, no gauss().

readings.csv       what counts: with gaps, duplicates, late rows out of order, one reading of 6 hours, two that do not
                   start on a quarter, and a counter that is read at odd times
suspicious.csv     rows that must be quarantined once readings.csv is recorded, one of each reason
corrections.csv    rows that replace recorded ones, for `import readings --as-correction`
grid_intensity.csv hourly factors of the second week, for deploy/factors/demo-hourly.toml
counts.json        how many rows of what are in there
"""

import json
import random
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

SEED = 20230605
ZONE = timezone(timedelta(hours=8))
START = datetime(2023, 6, 5, tzinfo=ZONE)  # a Monday
DAYS = 14
HEADER = "interval_start,interval_seconds,meter,quantity,value,unit"

# kW at each full hour of the day, straight lines between.
OFFICE_WORKDAY = [14, 13, 13, 13, 13, 14, 18, 34, 62, 84, 92, 95, 88, 94, 98, 97, 92, 80, 55, 38, 28, 22, 18, 15, 14]
OFFICE_WEEKEND = [13, 12, 12, 12, 12, 12, 13, 15, 18, 20, 21, 22, 22, 22, 22, 21, 20, 18, 17, 16, 15, 14, 13, 13, 13]
VISITORS_WORKDAY = [5, 5, 5, 5, 5, 5, 6, 8, 14, 20, 23, 25, 26, 26, 25, 24, 22, 18, 13, 10, 8, 6, 5, 5, 5]
VISITORS_WEEKEND = [5, 5, 5, 5, 5, 6, 7, 11, 22, 34, 40, 43, 45, 45, 44, 41, 37, 29, 20, 14, 10, 7, 6, 5, 5]
TEA_HOUSE = [0.8, 0.8, 0.8, 0.8, 0.8, 0.9, 1.5, 4, 6, 7, 8, 10, 12, 11, 10, 10, 9, 8, 9, 8, 6, 3, 1.2, 0.9, 0.8]
DEPOT = [26, 24, 20, 15, 11, 8, 5, 4, 4, 5, 6, 6, 7, 6, 6, 6, 7, 8, 7, 8, 12, 22, 30, 29, 26]

SUNRISE_H, SUNSET_H = 4.75, 19.70  # Beijing in June


def kw_at(curve, hour_of_day):
    """Power on a day curve at a time of day in hours."""
    whole = int(hour_of_day)
    return curve[whole] + (curve[whole + 1] - curve[whole]) * (hour_of_day - whole)


def sun_at(hour_of_day):
    """Clear-sky sun, 0 to 1: a squared parabola between sunrise and sunset."""
    through = (hour_of_day - SUNRISE_H) / (SUNSET_H - SUNRISE_H)
    if through <= 0 or through >= 1:
        return 0.0
    arc = 4 * through * (1 - through)
    return arc * arc


def decimal(value, digits):
    """`value` with exactly `digits` decimals, half away from zero (all our values are positive)."""
    scaled = int(value * 10**digits + 0.5)
    whole, rest = divmod(scaled, 10**digits)
    return f"{whole}.{rest:0{digits}d}" if digits else str(whole)


def row(start, seconds, meter, value, unit, quantity="active_energy"):
    return f"{start.isoformat()},{seconds},{meter},{quantity},{value},{unit}"


class Plant:
    """The invented park: weather by the day, and what each meter shows."""

    def __init__(self, rng):
        self.rng = rng
        self.clearness = [0.35 + 0.65 * rng.random() for _ in range(DAYS)]
        self.rows = {}  # (start, meter) -> line

    def about(self, value, spread):
        return value * (1 - spread + 2 * spread * self.rng.random())

    def add(self, start, seconds, meter, value, unit, quantity="active_energy"):
        self.rows[(start, meter)] = row(start, seconds, meter, value, unit, quantity)

    def drop(self, meter, begin, end):
        for key in [key for key in self.rows if key[1] == meter and begin <= key[0] < end]:
            del self.rows[key]

    def office(self, day):
        curve = OFFICE_WEEKEND if at(day).weekday() >= 5 else OFFICE_WORKDAY
        for quarter in range(96):
            middle = quarter / 4 + 0.125
            start = at(day, minutes=15 * quarter)
            load_kwh = self.about(kw_at(curve, middle), 0.08) / 4
            pv_kwh = self.about(52 * sun_at(middle) * self.clearness[day], 0.06) / 4
            self.add(start, 900, "office.load", decimal(load_kwh, 3), "kWh")
            # Four decimals: tenths of a Wh, so that rounding to whole Wh is exercised.
            self.add(start, 900, "office.pv", decimal(pv_kwh, 4), "kWh")

    def visitor_centre(self, day):
        curve = VISITORS_WEEKEND if at(day).weekday() >= 5 else VISITORS_WORKDAY
        breeze = 0.2 + 0.8 * self.rng.random()
        for hour in range(24):
            start = at(day, hours=hour)
            load = self.about(kw_at(curve, hour + 0.5), 0.1)
            pv = self.about(34 * sun_at(hour + 0.5) * self.clearness[day], 0.05)
            wind = 8 * breeze * self.rng.random() * self.rng.random()
            net = load - pv - wind
            # Within one hour energy flows both ways when load and generation are close.
            both_ways = max(0.0, 3 - abs(net)) * 0.4 * self.rng.random()
            self.add(start, 3600, "visitor-centre.import", decimal((max(0.0, net) + both_ways) * 1000, 0), "Wh")
            self.add(start, 3600, "visitor-centre.export", decimal((max(0.0, -net) + both_ways) * 1000, 0), "Wh")
            self.add(start, 3600, "visitor-centre.pv", decimal(pv, 2), "kWh")
            # The turbine's controller reports megajoules.
            self.add(start, 3600, "visitor-centre.wind", decimal(wind * 3.6, 2), "MJ")

    def tea_house(self, day):
        for hour in range(24):
            start = at(day, hours=hour)
            load = self.about(kw_at(TEA_HOUSE, hour + 0.5), 0.15)
            pv = self.about(10.5 * sun_at(hour + 0.5) * self.clearness[day], 0.05)
            net = load - pv
            # Meters of class 1: each is off by up to one per cent, so the four do not add up.
            self.add(start, 3600, "tea-house.load", decimal(self.about(load, 0.01), 2), "kWh")
            self.add(start, 3600, "tea-house.pv", decimal(self.about(pv, 0.01), 2), "kWh")
            self.add(start, 3600, "tea-house.import", decimal(self.about(max(0.0, net), 0.01), 3), "kWh")
            self.add(start, 3600, "tea-house.export", decimal(self.about(max(0.0, -net), 0.01), 3), "kWh")

    def depot(self):
        """Reads of a counter that shows hundredths of a kWh, at odd times about an hour apart."""
        end_minute = DAYS * 24 * 60 - 8
        kwh, minute, next_read = 48213.37, 0, 7
        while next_read <= end_minute:
            while minute < next_read:
                kwh += self.about(kw_at(DEPOT, minute % 1440 / 60), 0.2) / 60
                minute += 1
            self.add(at(0, minutes=minute), 0, "depot.import", decimal(kwh, 2), "kWh", "active_energy_register")
            next_read += 40 + int(40 * self.rng.random())

    def long_and_odd_readings(self):
        # The tea house's logger gave the night of 8 June in one piece.
        self.drop("tea-house.load", at(3), at(3, hours=6))
        self.add(at(3), 21600, "tea-house.load", "5.07", "kWh")
        # The office's logger slipped for an hour: 10:15 to 11:15 came as 50 and 10 minutes.
        self.drop("office.load", at(8, minutes=615), at(8, minutes=675))
        self.add(at(8, minutes=615), 3000, "office.load", "77.291", "kWh")
        self.add(at(8, minutes=665), 600, "office.load", "15.458", "kWh")

    def gaps(self):
        self.drop("office.load", at(2, hours=14), at(2, hours=16))
        self.drop("office.pv", at(6, minutes=630), at(6, minutes=645))
        self.drop("visitor-centre.export", at(1, hours=3), at(1, hours=4))
        for meter in ("import", "export", "pv", "wind"):
            self.drop(f"visitor-centre.{meter}", at(8, hours=8), at(8, hours=12))
        self.drop("tea-house.pv", at(10, hours=13), at(10, hours=14))
        # Nine hours without a read: the counter's difference is spread, no hour is missing.
        self.drop("depot.import", at(4, hours=20), at(5, hours=5))


def at(day, hours=0, minutes=0):
    return START + timedelta(days=day, hours=hours, minutes=minutes)


def take_some(rng, items, count):
    """`count` different items, in random order."""
    left = list(items)
    taken = []
    for _ in range(count):
        taken.append(left.pop(int(rng.random() * len(left))))
    return taken


def in_utc(line):
    """The same reading, its start written in UTC."""
    start, rest = line.split(",", 1)
    utc = datetime.fromisoformat(start).astimezone(timezone.utc)
    return f"{utc.strftime('%Y-%m-%dT%H:%M:%SZ')},{rest}"


def readings(plant, rng):
    """Lines of readings.csv in the order of arrival, and how many of them are repeats."""
    in_order = [plant.rows[key] for key in sorted(plant.rows)]
    late = take_some(rng, in_order, 120)
    late_set = set(late)
    on_time = [line for line in in_order if line not in late_set]
    repeated = take_some(rng, in_order, 40)
    repeats = repeated[:30] + [in_utc(line) for line in repeated[30:]]
    tail = late + repeats
    return on_time + take_some(rng, tail, len(tail)), len(repeats)


SUSPICIOUS = [
    ("QUARANTINE_REASON_WRONG_DIMENSION", row(at(8, hours=8), 3600, "visitor-centre.import", "61.2", "kVA")),
    ("QUARANTINE_REASON_ABOVE_RATING", row(at(6, minutes=630), 900, "office.pv", "1130.5", "kWh")),
    (
        "QUARANTINE_REASON_COUNTER_BACKWARDS",
        row(at(5, minutes=754.5), 0, "depot.import", "12.40", "kWh", "active_energy_register"),
    ),
    ("QUARANTINE_REASON_NEGATIVE", row(at(10, hours=13), 3600, "tea-house.pv", "-1.25", "kWh")),
    ("QUARANTINE_REASON_OVERLAP", row(at(3, minutes=545), 1800, "office.load", "44.200", "kWh")),
    (
        "QUARANTINE_REASON_IN_FUTURE",
        row(datetime(2199, 1, 1, tzinfo=ZONE), 3600, "tea-house.load", "1.00", "kWh"),
    ),
]

CORRECTIONS = [
    row(at(1, minutes=600), 900, "office.load", "24.118", "kWh"),
    row(at(7, hours=12), 3600, "visitor-centre.export", "2750", "Wh"),
    row(at(9, hours=18), 3600, "tea-house.load", "9.87", "kWh"),
]


def grid_intensity(rng):
    lines = ["interval_start,interval_seconds,kg_co2_per_kwh"]
    for hour in range(7 * 24):
        start = at(7, hours=hour)
        sun = sun_at(hour % 24 + 0.5)
        factor = 0.6361 * (1.07 - 0.24 * sun) + 0.03 * (rng.random() - 0.5)
        lines.append(f"{start.isoformat()},3600,{decimal(factor, 4)}")
    return lines


def files():
    """Every file by its name."""
    rng = random.Random(SEED)
    plant = Plant(rng)
    for day in range(DAYS):
        plant.office(day)
        plant.visitor_centre(day)
        plant.tea_house(day)
    plant.depot()
    plant.long_and_odd_readings()
    plant.gaps()
    lines, repeats = readings(plant, rng)
    counts = {
        "rows": len(lines),
        "distinct_readings": len(plant.rows),
        "repeated_rows": repeats,
        "suspicious": [reason for reason, _ in SUSPICIOUS],
        "corrections": len(CORRECTIONS),
    }
    assert len(lines) == len(plant.rows) + repeats
    return {
        "readings.csv": text([HEADER, *lines]),
        "suspicious.csv": text([HEADER, *(line for _, line in SUSPICIOUS)]),
        "corrections.csv": text([HEADER, *CORRECTIONS]),
        "grid_intensity.csv": text(grid_intensity(rng)),
        "counts.json": json.dumps(counts, indent=2) + "\n",
    }


def text(lines):
    return "\n".join(lines) + "\n"


def main():
    folder = Path(__file__).resolve().parent / "demo"
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(__doc__)
    different = []
    for name, content in files().items():
        path = folder / name
        if not check:
            folder.mkdir(exist_ok=True)
            path.write_bytes(content.encode())
        elif not path.is_file() or path.read_bytes() != content.encode():
            different.append(str(path))
    if different:
        sys.exit("not what tests/data/generate.py makes (run it to write them again): " + ", ".join(different))
    print("tests/data/demo is what the generator makes" if check else f"written: {folder}")


if __name__ == "__main__":
    main()
