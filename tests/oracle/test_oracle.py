#!/usr/bin/env python3
"""The oracle's own tests: python3 -m unittest discover -s tests/oracle"""

import copy
import unittest
from fractions import Fraction

import explain
import ledger

HOUR_START = 1_686_787_200  # 2023-06-15T00:00:00Z


def explained_import():
    """900 Wh consumed (a third of a reading of 2,700 Wh over three hours), 400 Wh generated, 500 Wh imported."""
    event = {"position": "7", "event_id": "x", "stream": "energy.meter-demo.a.load"}
    return {
        "entry": {
            "entry_id": "emission/a/2023-06-15T00:00:00Z/scope2-location",
            "book": "BOOK_EMISSION",
            "interval_start": "2023-06-15T08:00:00+08:00",
            "interval_seconds": 3600,
            "energy_wh": "500",
            "mass_mg": "318050",
            "factor": {
                "set": "s", "version": "1", "publisher": "p", "region": "r", "unit": "kgCO2/kWh", "value": "0.6361",
                "valid_from": "2022-12-31T16:00:00Z", "valid_to": "2023-12-31T16:00:00Z",
            },
        },
        "contributions": [
            {
                "meter": "a.load", "account": 1, "energy_wh": 900, "interval_start": "2023-06-15T07:00:00+08:00",
                "interval_seconds": 10800, "value": "2.7", "unit": "kWh", "reading_wh": 2700, "events": [event],
            },
            {
                "meter": "a.pv", "account": "ENERGY_ACCOUNT_GENERATION", "energy_wh": "400",
                "interval_start": "2023-06-15T08:00:00+08:00", "interval_seconds": 3600, "value": "1.44", "unit": "MJ",
                "reading_wh": "400", "events": [event],
            },
        ],
        "inputs": [{"account": 1, "energy_wh": 900}, {"account": 2, "energy_wh": 400}],
        "exact_numerator": "3180500000",
        "exact_denominator": "10000",
    }


class Laying(unittest.TestCase):
    def test_wh_by_wh_is_the_same_as_cumulative_flooring(self):
        for energy_wh in (0, 1, 7, 1000, 12_345, -1, -7, -1000):
            for start, seconds in ((0, 21_600), (3599, 2), (1234, 7777), (3000, 3000)):
                shares = ledger.laid_out(start, seconds, energy_wh)
                self.assertEqual(sum(shares.values()), energy_wh)
                for hour, share in shares.items():
                    begin = max(hour, start) - start
                    end = min(hour + 3600, start + seconds) - start
                    floored = energy_wh * end // seconds - energy_wh * begin // seconds
                    self.assertEqual(share, floored, (energy_wh, start, seconds, hour))

    def test_halves_of_a_wh_round_to_even(self):
        self.assertEqual(ledger.whole_wh("0.0005", "kWh"), 0)
        self.assertEqual(ledger.whole_wh("0.0015", "kWh"), 2)
        self.assertEqual(ledger.whole_wh("3.6", "MJ"), 1000)


class Balancing(unittest.TestCase):
    def test_unmetered_grid_follows_from_consumption_and_generation(self):
        self.assertEqual(ledger.balance({"consumption": 900, "generation": 400}), (900, 400, 500, 0, 400, 0))
        self.assertEqual(ledger.balance({"consumption": 300, "generation": 400}), (300, 400, 0, 100, 300, 0))

    def test_metered_grid_gives_consumption(self):
        flows = {"grid_import": 50, "grid_export": 30, "generation": 100}
        self.assertEqual(ledger.balance(flows), (120, 100, 50, 30, 70, 0))

    def test_what_does_not_add_up_is_unexplained(self):
        flows = {"grid_import": 50, "grid_export": 30, "generation": 100, "consumption": 125}
        self.assertEqual(ledger.balance(flows), (125, 100, 50, 30, 70, -5))


class Factors(unittest.TestCase):
    def test_hourly_counts_before_constant_then_the_later_publication(self):
        def published(hourly, published_on, value):
            factor_set = ledger.FactorSet.__new__(ledger.FactorSet)
            factor_set.facts = {
                "region": "r", "kind": "grid_average", "published_on": published_on, "version": "1", "set": "s",
                "constant": value,
            }
            factor_set.valid_from, factor_set.valid_to = 0, 7200
            factor_set.hourly = {0: Fraction(value)} if hourly else None
            return factor_set

        sets = [
            published(False, "2024-01-01", "0.4"),
            published(True, "2020-01-01", "0.1"),
            published(False, "2023-01-01", "0.5"),
        ]
        self.assertEqual(ledger.factor_at(0, sets, "r"), Fraction("0.1"))
        self.assertEqual(ledger.factor_at(3600, sets, "r"), Fraction("0.4"))
        self.assertIsNone(ledger.factor_at(7200, sets, "r"))
        self.assertIsNone(ledger.factor_at(0, sets, "elsewhere"))


class Explaining(unittest.TestCase):
    def test_a_right_explanation_passes(self):
        _, check = explain.checked(explained_import())
        self.assertEqual(check.differences, [])

    def test_every_changed_figure_is_found(self):
        changes = [
            ("mass", lambda told: told["entry"].update(mass_mg=318_051)),
            ("activity", lambda told: told["entry"].update(energy_wh=501)),
            ("share", lambda told: told["contributions"][0].update(energy_wh=901)),
            ("reading", lambda told: told["contributions"][1].update(reading_wh=401)),
            ("factor", lambda told: told["entry"]["factor"].update(value="0.6362")),
            ("validity", lambda told: told["entry"]["factor"].update(valid_to="2023-06-15T00:00:00Z")),
            ("input", lambda told: told["inputs"][0].update(energy_wh=899)),
            ("exact", lambda told: told.update(exact_numerator="3180500001")),
            ("events", lambda told: told["contributions"][0].update(events=[])),
            ("coverage", lambda told: told["contributions"][1].update(interval_seconds=1800)),
        ]
        for name, change in changes:
            told = copy.deepcopy(explained_import())
            change(told)
            _, check = explain.checked(told)
            self.assertTrue(check.differences, name)


if __name__ == "__main__":
    unittest.main()
