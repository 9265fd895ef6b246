//! Figures as people read them.

use terrarium_model::UnixSeconds;

use super::Unit;

/// A figure for a sentence, such as "-1,234.5 tCO2e".
pub fn spoken(value: i64, unit: Unit) -> String {
    if unit == Unit::Date {
        return terrarium_model::format_rfc3339_utc(UnixSeconds(value))[..10].to_owned();
    }
    let (name, power) = unit.read_in();
    let digits = figure(value, power, decimals(value, power));
    match name {
        "" => digits,
        "%" => format!("{digits} %"),
        _ => format!("{digits} {name}"),
    }
}

/// A figure without its unit, such as "-1,234.5".
pub fn bare(value: i64, unit: Unit) -> String {
    if unit == Unit::Date {
        return spoken(value, unit);
    }
    let (_, power) = unit.read_in();
    figure(value, power, decimals(value, power))
}

/// Decimals that people need: three below 10, one below 10,000, none above.
fn decimals(value: i64, power: u32) -> u32 {
    let whole = value.unsigned_abs() / 10_u64.pow(power);
    match whole {
        0..10 => power.min(3),
        10..10_000 => power.min(1),
        _ => 0,
    }
}

/// Value x 10^-power with so many decimals, half to even, with thousands separators.
pub fn figure(value: i64, power: u32, decimals: u32) -> String {
    let step = 10_i128.pow(power - decimals.min(power));
    let rounded = terrarium_model::round_half_even_div(i128::from(value), step);
    let scale = 10_u128.pow(decimals.min(power));
    let (whole, rest) = (
        rounded.unsigned_abs() / scale,
        rounded.unsigned_abs() % scale,
    );
    let digits = whole.to_string();
    let mut text = String::new();
    if rounded < 0 {
        text.push('-');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if decimals.min(power) > 0 {
        text.push_str(&format!(
            ".{rest:0width$}",
            width = decimals.min(power) as usize
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_as_people_write_them() {
        assert_eq!(spoken(-921_000_000_000, Unit::Co2eMg), "-921.0 tCO2e");
        assert_eq!(spoken(2_139_123_000_000, Unit::Co2eMg), "2,139.1 tCO2e");
        assert_eq!(spoken(934_500, Unit::Ppm), "93.4 %");
        assert_eq!(spoken(0, Unit::Co2eMg), "0.000 tCO2e");
        assert_eq!(
            spoken(12_345_678_900_000_000, Unit::Wh),
            "12,345,678,900 MWh"
        );
    }
}
