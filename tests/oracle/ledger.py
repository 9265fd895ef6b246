#!/usr/bin/env python3
"""Works a park's ledger out again, another way than the product does, from the same files.

    ledger.py --park PARK.toml --readings R.csv [--readings ...] [--corrections C.csv]
              [--factors F.toml[,SERIES.csv] ...] [--from TIME --to TIME]

Prints JSON: totals per node and for the park. Energy in Wh, mass in mg.

It shares nothing with the product but the rules: integers and fractions only, one dictionary per meter from hour to Wh,
every reading that crosses an hour border laid out Wh by Wh. It takes readings that count; what must be quarantined is
refused here, because judging that is not the ledger's work.
"""

import argparse
import csv
import json
import sys
import tomllib
from collections import defaultdict
from datetime import datetime
from fractions import Fraction
from pathlib import Path

HOUR = 3600
WH_PER_UNIT = {
    "Wh": Fraction(1),
    "kWh": Fraction(1000),
    "MWh": Fraction(1000_000),
    "GWh": Fraction(1000_000_000),
    "J": Fraction(1, 3600),
    "kJ": Fraction(1000, 3600),
    "MJ": Fraction(1000_000, 3600),
    "GJ": Fraction(1000_000_000, 3600),
}
FACTOR_UNITS = ("kgCO2/kWh", "kgCO2e/kWh")


def seconds_of(text):
    """Unix seconds of an RFC 3339 instant with an offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise SystemExit(f"oracle: {text} has no UTC offset")
    return int(moment.timestamp())


def whole_wh(value, unit):
    """A reported decimal in whole Wh; Python rounds a Fraction's halves to even."""
    return round(Fraction(value) * WH_PER_UNIT[unit])


def round_half_even(fraction):
    return round(fraction)


def laid_out(start, seconds, energy_wh):
    """Wh per hour of one reading, spread evenly: every single Wh falls in the second in which it becomes whole.

    The k-th Wh of E over T seconds is whole once E*t/T >= k, at second ceil(k*T/E). Energy below zero leaves at the
    other end: the k-th missing Wh falls where E*t/T first drops under -(k-1).
    """
    if start // HOUR == (start + seconds - 1) // HOUR:
        return {start // HOUR * HOUR: energy_wh}
    shares = defaultdict(int)
    hour = start // HOUR * HOUR
    while hour < start + seconds:
        shares[hour] = 0
        hour += HOUR
    size = abs(energy_wh)
    for k in range(1, size + 1):
        if energy_wh > 0:
            after_seconds = -(-k * seconds // size)
        else:
            after_seconds = (k - 1) * seconds // size + 1
        last_second = start + after_seconds - 1
        shares[last_second // HOUR * HOUR] += 1 if energy_wh > 0 else -1
    return dict(shares)


class Park:
    """Which node each meter counts at, and as what."""

    def __init__(self, definition):
        self.id = definition["park"]["id"]
        self.grid_region = definition["park"]["grid_region"]
        lines = [(line["from"], line["to"]) for line in definition["connections"] if line["kind"] == "electric"]
        self.nodes = sorted({to for source, to in lines if source == "grid"})
        leads_to = defaultdict(list)
        for source, to in lines:
            if source != "grid":
                leads_to[source].append(to)
        self.meters = {}
        for meter in definition["meters"]:
            node = self.node_of(meter["asset"], leads_to)
            self.meters[meter["id"]] = (node, meter["measures"], meter["reports"])

    def node_of(self, asset, leads_to):
        reached, to_visit = set(), [asset]
        while to_visit:
            here = to_visit.pop()
            if here not in reached:
                reached.add(here)
                to_visit.extend(leads_to[here])
        nodes = reached & set(self.nodes)
        if len(nodes) != 1:
            raise SystemExit(f"oracle: {asset} reaches the nodes {sorted(nodes)}, not one")
        return nodes.pop()


class MeterHours:
    """What one meter says about each hour: Wh, and how many of the hour's seconds are covered."""

    def __init__(self):
        self.wh = defaultdict(int)
        self.covered = defaultdict(int)

    def add(self, start, seconds, energy_wh):
        for hour, share in laid_out(start, seconds, energy_wh).items():
            self.wh[hour] += share
            self.covered[hour] += min(start + seconds, hour + HOUR) - max(start, hour)


def read_rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file)


def readings_by_meter(paths, corrections):
    """{meter: {(start, seconds): Wh}}; the same row again is one reading, another value is an error."""
    readings = defaultdict(dict)
    for path in paths:
        for row in read_rows(path):
            key, energy_wh = parsed(row)
            if readings[row["meter"]].setdefault(key, energy_wh) != energy_wh:
                raise SystemExit(f"oracle: {path}: two values for {row}")
    for path in corrections:
        for row in read_rows(path):
            key, energy_wh = parsed(row)
            if key not in readings[row["meter"]]:
                raise SystemExit(f"oracle: {path}: nothing to correct for {row}")
            readings[row["meter"]][key] = energy_wh
    return readings


def parsed(row):
    key = (seconds_of(row["interval_start"]), int(row["interval_seconds"]))
    return key, whole_wh(row["value"], row["unit"])


def hours_of_meter(meter, reports, readings):
    """Lays a meter's readings over the hours; a register's are the steps between neighbouring reads."""
    hours = MeterHours()
    in_order = sorted(readings.items())
    if reports == "register":
        for ((begin, _), low), ((end, _), high) in zip(in_order, in_order[1:]):
            if high < low:
                raise SystemExit(f"oracle: {meter} runs backwards at {end}: that reading does not count")
            hours.add(begin, end - begin, high - low)
        return hours
    covered_to = None
    for (start, seconds), energy_wh in in_order:
        if covered_to is not None and start < covered_to:
            raise SystemExit(f"oracle: {meter} overlaps at {start}: that reading does not count")
        covered_to = start + seconds
        hours.add(start, seconds, energy_wh)
    return hours


class FactorSet:
    """A published set: the value of each hour, and what decides between sets."""

    def __init__(self, argument):
        toml_path, _, series_path = argument.partition(",")
        with open(toml_path, "rb") as file:
            self.facts = tomllib.load(file)
        if self.facts["unit"] not in FACTOR_UNITS:
            raise SystemExit(f"oracle: {toml_path}: unit {self.facts['unit']}")
        self.valid_from = seconds_of(self.facts["valid_from"])
        self.valid_to = seconds_of(self.facts["valid_to"])
        self.hourly = None
        if "hourly" in self.facts:
            series = self.facts["hourly"]
            path = series_path or Path(toml_path).parent / series["file"]
            self.hourly = {
                seconds_of(row[series["time_column"]]): Fraction(row[series["value_column"]]) for row in read_rows(path)
            }

    def value_at(self, hour):
        if not self.valid_from <= hour < self.valid_to:
            return None
        return self.hourly.get(hour) if self.hourly is not None else Fraction(self.facts["constant"])

    def rank(self):
        facts = self.facts
        return (self.hourly is not None, facts["published_on"], facts["version"], facts["set"])


def factor_at(hour, sets, region):
    """kg per kWh: an hourly series before a constant, then what was published last, then version, then id."""
    candidates = [
        (published.rank(), published.value_at(hour))
        for published in sets
        if published.facts["region"] == region and published.facts["kind"] == "grid_average"
    ]
    candidates = [candidate for candidate in candidates if candidate[1] is not None]
    return max(candidates)[1] if candidates else None


def balance(flows):
    """The node hour's accounts from the sums of what is metered (absent: not metered)."""
    generation = flows.get("generation", 0)
    if "grid_import" not in flows:
        consumption = flows["consumption"]
        from_grid = max(0, consumption - generation)
        to_grid = max(0, generation - consumption)
        return consumption, generation, from_grid, to_grid, min(consumption, generation), 0
    from_grid, to_grid = flows["grid_import"], flows.get("grid_export", 0)
    self_use = max(0, generation - to_grid)
    supplied = generation + from_grid - to_grid
    if "consumption" not in flows:
        return supplied, generation, from_grid, to_grid, self_use, 0
    consumption = flows["consumption"]
    return consumption, generation, from_grid, to_grid, self_use, supplied - consumption


ACCOUNTS = ("consumption_wh", "generation_wh", "import_wh", "export_wh", "self_use_wh", "unexplained_wh")
CARBON = ("scope2_location_mg", "avoided_mg")
HOUR_COUNTS = ("hours_expected", "hours_metered", "hours_missing", "hours_without_factor")


def node_totals(node, park, meter_hours, period, sets):
    totals = dict.fromkeys((*ACCOUNTS, *CARBON, *HOUR_COUNTS), 0)
    meters = [(meter, measures) for meter, (at, measures, _) in park.meters.items() if at == node]
    for hour in range(period[0], period[1], HOUR):
        totals["hours_expected"] += 1
        if any(meter_hours[meter].covered[hour] != HOUR for meter, _ in meters):
            totals["hours_missing"] += 1
            continue
        totals["hours_metered"] += 1
        flows = defaultdict(int)
        for meter, measures in meters:
            flows[measures] += meter_hours[meter].wh[hour]
        amounts = balance(flows)
        for account, amount in zip(ACCOUNTS, amounts):
            totals[account] += amount
        from_grid, to_grid = amounts[2], amounts[3]
        factor = factor_at(hour, sets, park.grid_region)
        if factor is not None:
            totals["scope2_location_mg"] += round_half_even(from_grid * factor * 1000)
            totals["avoided_mg"] += round_half_even(to_grid * factor * 1000)
        elif from_grid or to_grid:
            totals["hours_without_factor"] += 1
    return with_matched(totals)


def with_matched(totals):
    consumption, self_use = totals["consumption_wh"], totals["self_use_wh"]
    # Rounded down: a share is never shown as reached before it is.
    totals["matched_ppm"] = self_use * 1000_000 // consumption if consumption > 0 else None
    return totals


def period_of(readings, arguments):
    """From the first metered hour of the park to the end of its last, unless told otherwise."""
    starts = [start for of_meter in readings.values() for start, _ in of_meter]
    # The instant of a register read closes the interval before it.
    ends = [start + seconds for of_meter in readings.values() for start, seconds in of_meter]
    begin = seconds_of(arguments.begin) if arguments.begin else min(starts)
    end = seconds_of(arguments.end) if arguments.end else max(ends)
    return begin // HOUR * HOUR, -(-end // HOUR) * HOUR


def ledger(arguments):
    with open(arguments.park, "rb") as file:
        park = Park(tomllib.load(file))
    readings = readings_by_meter(arguments.readings, arguments.corrections)
    unknown = sorted(set(readings) - set(park.meters))
    if unknown:
        raise SystemExit(f"oracle: no such meter in the park: {unknown}")
    meter_hours = {
        meter: hours_of_meter(meter, reports, readings.get(meter, {}))
        for meter, (_, _, reports) in park.meters.items()
    }
    sets = [FactorSet(argument) for argument in arguments.factors]
    period = period_of(readings, arguments)
    nodes = {node: node_totals(node, park, meter_hours, period, sets) for node in park.nodes}
    total = {key: sum(totals[key] for totals in nodes.values()) for key in (*ACCOUNTS, *CARBON, *HOUR_COUNTS)}
    return {
        "park": park.id,
        "from_s": period[0],
        "to_s": period[1],
        "readings": sum(len(of_meter) for of_meter in readings.values()),
        "nodes": nodes,
        "total": with_matched(total),
    }


def arguments_of(words):
    parser = argparse.ArgumentParser(description="Works a park's ledger out again, independently of the product.")
    parser.add_argument("--park", required=True)
    parser.add_argument("--readings", action="append", required=True)
    parser.add_argument("--corrections", action="append", default=[])
    parser.add_argument("--factors", action="append", default=[], metavar="TOML[,SERIES.csv]")
    parser.add_argument("--from", dest="begin")
    parser.add_argument("--to", dest="end")
    return parser.parse_args(words)


if __name__ == "__main__":
    json.dump(ledger(arguments_of(sys.argv[1:])), sys.stdout, indent=2)
    print()
