#!/usr/bin/env python3
"""Writes reference.csv: what pvlib makes of a year at Haotian's site, for the simulator's tests to be compared with.

    python3 -m venv venv && venv/bin/pip install --require-hashes -r requirements.txt
    venv/bin/python reference.py

The weather is made up by formulas (no file of anybody's is needed): clear sky by Ineichen and Perez, thinned by a clearness
that swings over days and hours; what the panels see of it follows pvlib's own chain:

    NREL SPA (no refraction) -> Erbs -> Perez (all sites composite 1990) -> Faiman -> PVWatts DC -> losses -> inverter

One row for each hour of 2025 (UTC, mid-hour) in which the sun is up, and every 12th hour of the night for the sun alone.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pvlib

LATITUDE, LONGITUDE, ALTITUDE = 39.73, 116.14, 45.0
TILT, AZIMUTH = 30.0, 180.0
RATED_W = 98_000.0
GAMMA = -0.0035
ALBEDO = 0.18
TURBIDITY = 4.0

times = pd.date_range("2025-01-01T00:30", "2025-12-31T23:30", freq="h", tz="UTC")
sun = pvlib.solarposition.get_solarposition(times, LATITUDE, LONGITUDE, altitude=0)
zenith, azimuth = sun["zenith"], sun["azimuth"]
extra = pvlib.irradiance.get_extra_radiation(times, method="spencer")

relative = pvlib.atmosphere.get_relative_airmass(zenith, model="kastenyoung1989")
absolute = pvlib.atmosphere.get_absolute_airmass(relative, pvlib.atmosphere.alt2pres(ALTITUDE))
clear = pvlib.clearsky.ineichen(zenith, absolute, TURBIDITY, altitude=ALTITUDE, dni_extra=extra)["ghi"]

hour = np.arange(len(times))
day = hour / 24
clearness = np.clip(0.72 + 0.28 * np.sin(2.1 * day) + 0.12 * np.sin(1.3 * hour) + 0.06 * np.cos(0.37 * hour), 0.06, 1.0)
ghi = (clear * clearness).round(1)
air = pd.Series(13 - 15 * np.cos(2 * np.pi * (day - 18) / 365) - 5 * np.cos(2 * np.pi * (hour + 5) / 24), times).round(1)
wind = pd.Series(2.4 + 1.4 * np.sin(0.9 * day) + 0.8 * np.sin(0.26 * hour), times).clip(lower=0.2).round(1)

split = pvlib.irradiance.erbs(ghi, zenith, times)
in_plane = pvlib.irradiance.get_total_irradiance(
    TILT, AZIMUTH, zenith, azimuth, split["dni"], ghi, split["dhi"],
    dni_extra=extra, airmass=relative, albedo=ALBEDO, model="perez",
)["poa_global"].fillna(0.0)
cell = pvlib.temperature.faiman(in_plane, air, wind)
dc = pvlib.pvsystem.pvwatts_dc(in_plane, cell, RATED_W, GAMMA)
dc = dc * (1 - pvlib.pvsystem.pvwatts_losses() / 100)
ac = pvlib.inverter.pvwatts(dc, RATED_W)

rows = pd.DataFrame({
    "unix_s": times.as_unit("s").asi8,
    "zenith_deg": zenith.round(4),
    "azimuth_deg": azimuth.round(4),
    "clear_ghi": clear.round(2),
    "ghi": ghi,
    "air_c": air,
    "wind_m_s": wind,
    "in_plane": in_plane.round(2),
    "ac_w": pd.Series(ac, times).round(1),
}, index=times)
kept = rows[(rows["ghi"] > 0) | (hour % 12 == 0)]
target = Path(__file__).with_name("reference.csv")
header = f"# pvlib {pvlib.__version__}; written by reference.py; annual {rows['ac_w'].sum() / 1e6:.3f} MWh\n"
target.write_text(header + kept.to_csv(index=False, lineterminator="\n"))
print(f"{target}: {len(kept)} rows, {rows['ac_w'].sum() / 1e6:.3f} MWh a year")
