#!/usr/bin/env python3
"""Recomputes one ledger entry from what `terrarium ledger explain ENTRY --format json` prints (on stdin).

Goes the whole way up again: reported decimal -> reading -> share of the hour -> account sums -> activity -> milligrams.
Exits 1 and says what differs if any step gives another figure.
"""

import json
import sys
from collections import defaultdict
from fractions import Fraction

from ledger import FACTOR_UNITS, HOUR, laid_out, round_half_even, seconds_of, whole_wh

BOOKS = ("unspecified", "energy", "emission", "avoided")
ACCOUNTS = ("unspecified", "consumption", "generation", "import", "export", "self_use", "unexplained", "charge", "discharge")


def name_of(value, prefix, names):
    """An enum as its bare name, from "ENERGY_ACCOUNT_IMPORT", "import" or 3."""
    if value is None:
        return names[0]
    if isinstance(value, int) or str(value).isdigit():
        return names[int(value)]
    return str(value).lower().removeprefix(prefix)


def account_of(holder):
    return name_of(holder.get("account"), "energy_account_", ACCOUNTS)


def integer(holder, field):
    """A 64-bit integer, written as number or text; absent is 0."""
    return int(holder.get(field) or 0)


class Check:
    """Collects what differs."""

    def __init__(self):
        self.differences = []
        self.compared = 0

    def same(self, what, told, recomputed):
        self.compared += 1
        if told != recomputed:
            self.differences.append(f"{what}: told {told}, recomputed {recomputed}")


def check_contributions(contributions, hour, check):
    """Every reading's share of the hour, and that each meter covers the hour once. Gives the sums per account."""
    sums = defaultdict(int)
    covered = defaultdict(int)
    for part in contributions:
        meter = part["meter"]
        start, seconds = seconds_of(part["interval_start"]), integer(part, "interval_seconds")
        reading_wh = integer(part, "reading_wh")
        events = part.get("events") or []
        what = f"{meter} from {part['interval_start']}"
        check.same(f"{what}: is traced to events", bool(events), True)
        # A register's energy is the difference of two reads; only one of the two decimals is told.
        if len(events) < 2:
            check.same(f"{what}: reading_wh", reading_wh, whole_wh(part["value"], part["unit"]))
        share_wh = laid_out(start, seconds, reading_wh).get(hour)
        check.same(f"{what}: energy_wh in the hour", integer(part, "energy_wh"), share_wh)
        covered[meter] += min(start + seconds, hour + HOUR) - max(start, hour)
        sums[account_of(part)] += integer(part, "energy_wh")
    for meter, seconds in covered.items():
        check.same(f"{meter}: seconds of the hour covered", seconds, HOUR)
    return sums


def accounts_of(sums):
    """All accounts of the node hour from the sums of those that are metered."""
    generation = sums.get("generation", 0)
    charge, discharge = sums.get("charge", 0), sums.get("discharge", 0)
    stored = {"charge": charge, "discharge": discharge}
    if "import" not in sums:
        consumption = sums["consumption"]
        net = consumption + charge - generation - discharge
        return stored | {
            "consumption": consumption,
            "generation": generation,
            "import": net if net > 0 else 0,
            "export": -net if net < 0 else 0,
            "self_use": generation if generation < consumption else consumption,
            "unexplained": 0,
        }
    supplied = generation + sums["import"] + discharge - sums.get("export", 0) - charge
    consumption = sums.get("consumption", supplied)
    kept = generation - sums.get("export", 0)
    # Loads come before stores.
    if charge and kept > consumption:
        kept = consumption
    return stored | {
        "consumption": consumption,
        "generation": generation,
        "import": sums["import"],
        "export": sums.get("export", 0),
        "self_use": kept if kept > 0 else 0,
        "unexplained": supplied - consumption,
    }


def check_mass(entry, explained, hour, check):
    factor = entry["factor"]
    if factor["unit"] not in FACTOR_UNITS:
        raise SystemExit(f"explain: factor unit {factor['unit']}")
    for field in ("set", "version", "publisher", "region"):
        check.same(f"factor has a {field}", bool(factor.get(field)), True)
    valid = seconds_of(factor["valid_from"]) <= hour < seconds_of(factor["valid_to"])
    check.same("factor row is valid at the hour", valid, True)
    # kg per kWh is g per Wh: a thousand times as many milligrams.
    exact = integer(entry, "energy_wh") * Fraction(factor["value"]) * 1000
    check.same("mass_mg", integer(entry, "mass_mg"), round_half_even(exact))
    if explained.get("exact_denominator"):
        told = Fraction(int(explained["exact_numerator"]), int(explained["exact_denominator"]))
        check.same("exact product in mg", told, exact)


def checked(explained):
    entry = explained["entry"]
    hour = seconds_of(entry["interval_start"])
    check = Check()
    check.same("interval_seconds", integer(entry, "interval_seconds"), HOUR)
    contributions = explained.get("contributions") or []
    if not contributions:
        raise SystemExit("explain: no contributions, so nothing to recompute from")
    sums = check_contributions(contributions, hour, check)
    inputs = {account_of(amount): integer(amount, "energy_wh") for amount in explained.get("inputs") or []}
    accounts = accounts_of(sums)
    for account, energy_wh in inputs.items():
        check.same(f"input {account}", energy_wh, accounts[account])
    book = name_of(entry.get("book"), "book_", BOOKS)
    activity = {"energy": account_of(entry), "emission": "import", "avoided": "export"}[book]
    check.same(f"energy_wh ({activity})", integer(entry, "energy_wh"), accounts[activity])
    if book != "energy":
        check_mass(entry, explained, hour, check)
    return entry, check


def main():
    entry, check = checked(json.load(sys.stdin))
    if check.differences:
        sys.exit(f"{entry['entry_id']} differs:\n  " + "\n  ".join(check.differences))
    result = f"{entry['mass_mg']} mg" if entry.get("factor") else f"{entry['energy_wh']} Wh"
    print(f"{entry['entry_id']}: {result}, recomputed ({check.compared} figures)")


if __name__ == "__main__":
    main()
