//! Numbers, units and times as a person reads them. Numbers are written alike in both languages.

use terrarium_model::{TimeZone, UnixMillis};

use crate::overlay::LegendUnit;
use crate::quality::Quality;
use crate::quantity::{Quantity, Unit};
use crate::words::{Language, Word};

/// A value of a quantity with its unit, such as `12.3 kW` or `21.5 ℃`.
pub fn value_text(quantity: Quantity, value: i64, language: Language) -> String {
    match quantity.unit() {
        Unit::Watt => watts(value as f64),
        Unit::WattHour => watt_hours(value as f64),
        Unit::Flag | Unit::Count => whole(value),
        Unit::State => state_text(quantity, value, language),
        Unit::Litre => litres(value),
        Unit::LitrePerHour => format!("{} L/h", whole(value)),
        Unit::Permille => format!("{} %", decimals(value as f64 / 10.0, 1)),
        Unit::Gram => grams(value as f64),
        Unit::MilliCelsius => format!("{} ℃", decimals(value as f64 / 1_000.0, 1)),
        Unit::Centimetre => format!("{} m", decimals(value as f64 / 100.0, 2)),
        Unit::PerHour => format!("{} /h", whole(value)),
        Unit::WattPerM2 => format!("{} W/m²", whole(value)),
        Unit::MillimetrePerSecond => format!("{} m/s", decimals(value as f64 / 1_000.0, 1)),
        Unit::MicrometrePerHour => format!("{} mm/h", decimals(value as f64 / 1_000.0, 1)),
    }
}

fn state_text(quantity: Quantity, value: i64, language: Language) -> String {
    match quantity {
        Quantity::AlarmState => {
            let state = crate::alarm::AlarmState::from_wire(i32::try_from(value).unwrap_or(0));
            Word::of_alarm_state(state).text(language).to_owned()
        }
        _ => whole(value),
    }
}

/// A legend's figure with its unit.
pub fn legend_text(unit: LegendUnit, value: f64, language: Language) -> String {
    match unit {
        LegendUnit::Watt => watts(value),
        LegendUnit::WattHour => watt_hours(value),
        LegendUnit::Percent => format!("{} %", decimals(value, 0)),
        LegendUnit::GramsCo2PerKwh => format!("{} g CO₂/kWh", decimals(value, 0)),
        LegendUnit::Quality => {
            let quality = if value >= 50.0 {
                Quality::Good
            } else {
                Quality::Bad
            };
            if value <= 0.0 || value >= 100.0 {
                Word::of_quality(quality).text(language).to_owned()
            } else {
                format!("{} %", decimals(value, 0))
            }
        }
    }
}

/// Power in W, kW or MW.
pub fn watts(value: f64) -> String {
    scaled(value, &[(1e6, "MW"), (1e3, "kW"), (1.0, "W")])
}

/// Energy in Wh, kWh or MWh.
pub fn watt_hours(value: f64) -> String {
    scaled(value, &[(1e6, "MWh"), (1e3, "kWh"), (1.0, "Wh")])
}

/// A mass in g, kg or t.
pub fn grams(value: f64) -> String {
    scaled(value, &[(1e6, "t"), (1e3, "kg"), (1.0, "g")])
}

/// A mass of CO2 that is known in mg, in kg or t.
pub fn co2(mass_mg: i64) -> String {
    format!(
        "{} CO₂",
        scaled(mass_mg as f64, &[(1e9, "t"), (1e6, "kg"), (1e3, "g")])
    )
}

/// Litres, or cubic metres from 10,000 l on.
pub fn litres(value: i64) -> String {
    if value.abs() < 10_000 {
        format!("{} L", whole(value))
    } else {
        format!("{} m³", decimals(value as f64 / 1_000.0, 1))
    }
}

/// A share in millionths as a percentage.
pub fn ppm(value: u32) -> String {
    format!("{} %", decimals(f64::from(value) / 10_000.0, 1))
}

/// A share in millionths as a percentage, below zero too.
pub fn share_ppm(value: i64) -> String {
    format!("{} %", decimals(value as f64 / 10_000.0, 1))
}

/// Three significant digits in the greatest unit that leaves 1 or more before the point.
fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    let (last, smallest) = units[units.len() - 1];
    // Rounding may carry into the next unit: 999.6 W is 1.00 kW.
    let size = value.abs() * 1.000_5;
    let (factor, unit) = units
        .iter()
        .copied()
        .find(|(factor, _)| size >= *factor)
        .unwrap_or((last, smallest));
    let number = value / factor;
    let places = match number.abs() {
        _ if factor == last && last == 1.0 => 0,
        size if size >= 99.95 => 0,
        size if size >= 9.995 => 1,
        _ => 2,
    };
    format!("{} {unit}", decimals(number, places))
}

/// A whole number with thin spaces between thousands.
pub fn whole(value: i64) -> String {
    decimals_of_text(&value.to_string())
}

fn decimals(value: f64, places: usize) -> String {
    decimals_of_text(&format!("{value:.places$}"))
}

/// A true minus sign, and a space between thousands from 10,000 on.
fn decimals_of_text(text: &str) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) if digits.bytes().any(|digit| (b'1'..=b'9').contains(&digit)) => ("−", digits),
        Some(digits) => ("", digits),
        None => ("", text),
    };
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut grouped = String::from(sign);
    for (place, digit) in whole.char_indices() {
        if whole.len() > 4 && place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push('\u{a0}');
        }
        grouped.push(digit);
    }
    grouped.push_str(fraction);
    grouped
}

/// A length of time in its greatest unit, such as `5 min`.
pub fn duration(ms: i64, language: Language) -> String {
    let seconds = ms.abs() / 1_000;
    let (count, word) = match seconds {
        0..=119 => (seconds, Word::Seconds),
        120..=7_199 => (seconds / 60, Word::Minutes),
        7_200..=172_799 => (seconds / 3_600, Word::Hours),
        _ => (seconds / 86_400, Word::Days),
    };
    word.with(language, &[("count", &whole(count))])
}

/// Date and time of the park's zone: `2026-05-01 14:03:12`.
pub fn moment(zone: &TimeZone, ms: i64) -> String {
    let text = zone.format_rfc3339(UnixMillis(ms).seconds());
    let mut text = text.replacen('T', " ", 1);
    text.truncate("2026-05-01 14:03:12".len());
    text
}

/// Only the time of day: `14:03:12`.
pub fn time_of_day(zone: &TimeZone, ms: i64) -> String {
    moment(zone, ms).split_off("2026-05-01 ".len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_is_told_in_the_unit_that_suits_it() {
        let texts = [
            0.0, 999.0, 999.6, 1_234.0, 12_340.0, 98_000.0, 999_600.0, -2.5e6,
        ]
        .map(watts);
        let expected = [
            "0 W",
            "999 W",
            "1.00 kW",
            "1.23 kW",
            "12.3 kW",
            "98.0 kW",
            "1.00 MW",
            "−2.50 MW",
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn units_and_carbon_dioxide_are_written_as_people_write_them() {
        let text = |quantity, value| value_text(quantity, value, Language::English);
        assert_eq!(text(Quantity::AirTemperatureMc, -4_560), "−4.6 ℃");
        assert_eq!(text(Quantity::FillPermille, 875), "87.5 %");
        assert_eq!(text(Quantity::LevelL, 12_345), "12.3 m³");
        assert_eq!(text(Quantity::Trees, 2_800), "2800");
        assert_eq!(whole(1_234_567), "1\u{a0}234\u{a0}567");
        assert_eq!(co2(1_234_567), "1.23 kg CO₂");
        assert_eq!(decimals(-0.04, 1), "0.0");
        assert_eq!(co2(0), "0.00 g CO₂");
    }

    #[test]
    fn times_are_those_of_the_park() {
        let zone = TimeZone::named("Asia/Shanghai").expect("it is in the time zone database");
        assert_eq!(moment(&zone, 1_777_615_392_000), "2026-05-01 14:03:12");
        assert_eq!(time_of_day(&zone, 1_777_615_392_999), "14:03:12");
        assert_eq!(duration(-125_000, Language::Chinese), "2 分");
    }
}
