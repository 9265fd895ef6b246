#!/usr/bin/env python3
"""Checks the oracle itself on a measured year: ten homes, against totals that were published beside the figures.

The folder is TERRARIUM_ZNE_HOMES, by default ../shared/data/zne-homes beside the repository. Without it the check is
left out and says so; with CI=true that is a failure.
"""

import os
import sys
from pathlib import Path

import ledger

ROOT = Path(__file__).resolve().parents[2]
READINGS = 175_200
KWH_TOLERANCE, KG_TOLERANCE, SHARE_TOLERANCE = 0.1, 0.05, 0.0005


def compared(expected, totals):
    """(column, expected, found, tolerance) of one home."""
    energy = {
        "load_kwh": "consumption_wh",
        "pv_kwh": "generation_wh",
        "grid_import_kwh": "import_wh",
        "grid_export_kwh": "export_wh",
        "self_use_kwh": "self_use_wh",
    }
    mass = {"location_based_kg_co2": "scope2_location_mg", "export_at_hourly_factor_kg_co2": "avoided_mg"}
    for column, key in energy.items():
        yield column, float(expected[column]), totals[key] / 1000, KWH_TOLERANCE
    for column, key in mass.items():
        yield column, float(expected[column]), totals[key] / 1_000_000, KG_TOLERANCE
    yield "cfe_matched_share", float(expected["cfe_matched_share"]), totals["matched_ppm"] / 1_000_000, SHARE_TOLERANCE
    yield "hours", int(expected["hours"]), totals["hours_metered"], 0


def main():
    folder = Path(os.environ.get("TERRARIUM_ZNE_HOMES") or ROOT.parent / "shared/data/zne-homes")
    if not (folder / "readings.csv").is_file():
        message = f"no zne-homes readings in {folder}; name the folder with TERRARIUM_ZNE_HOMES"
        if os.environ.get("CI") == "true":
            sys.exit(f"failed: {message}")
        print(f"left out: {message}")
        return
    found = ledger.ledger(
        ledger.arguments_of(
            [
                *("--park", str(ROOT / "deploy/parks/zne-homes.toml")),
                *("--readings", str(folder / "readings.csv")),
                *("--factors", f"{ROOT / 'deploy/factors/zne-homes.toml'},{folder / 'grid_intensity.csv'}"),
            ]
        )
    )
    wrong = [] if found["readings"] == READINGS else [f"{found['readings']} readings instead of {READINGS}"]
    worst = {}
    for row in ledger.read_rows(folder / "expected.csv"):
        for column, expected, value, tolerance in compared(row, found["nodes"][row["home"]]):
            difference = abs(expected - value)
            worst[column] = max(worst.get(column, 0), difference)
            # 1e-9: the expected decimals are floats here.
            if difference > tolerance + 1e-9:
                wrong.append(f"{row['home']} {column}: expected {expected}, found {value}")
    print("largest differences:", ", ".join(f"{column} {difference:.6f}" for column, difference in worst.items()))
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"zne-homes: {found['readings']} readings, {len(found['nodes'])} homes agree with expected.csv")


if __name__ == "__main__":
    main()
