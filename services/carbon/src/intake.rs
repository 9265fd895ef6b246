//! From a factor set as sent to one that can be published. Pure.

use terrarium_ledger::{FactorDetail, FactorKind, FactorSet, InvalidFactorSet};
use terrarium_model::{
    Decimal, FactorSetId, FactorUnit, SECONDS_PER_HOUR, parse_rfc3339_with_offset,
};
use terrarium_proto::carbon::v1 as wire;
use terrarium_proto::carbon::v1::factor_set::Values;

/// Checks a factor set field by field.
pub fn take_in(sent: wire::FactorSet) -> Result<FactorSet, InvalidFactorSet> {
    let invalid = |field: &'static str, problem: String| InvalidFactorSet { field, problem };
    let instant = |field: &'static str, text: &str| {
        parse_rfc3339_with_offset(text).map_err(|error| invalid(field, error.to_string()))
    };
    let (texts, step_seconds, field) = match sent.values {
        Some(Values::Constant(constant)) => (vec![constant], None, "constant"),
        Some(Values::Series(series)) => (
            series.hourly,
            Some(SECONDS_PER_HOUR as u32),
            "series.hourly",
        ),
        None => {
            return Err(invalid(
                "values",
                "it has none; give a constant or an hourly series".to_owned(),
            ));
        }
    };
    let (scale, values) = to_one_scale(field, &texts)?;
    let factor_set = FactorSet {
        set: FactorSetId::new(&sent.set).map_err(|error| invalid("set", error.to_string()))?,
        version: sent.version,
        publisher: sent.publisher,
        region: sent.region,
        kind: FactorKind::parse(&sent.kind).ok_or_else(|| {
            invalid(
                "kind",
                format!("\"{}\" is not known; write grid_average", sent.kind),
            )
        })?,
        unit: FactorUnit::parse(&sent.unit).map_err(|error| invalid("unit", error.to_string()))?,
        valid_from: instant("valid_from", &sent.valid_from)?,
        valid_to: instant("valid_to", &sent.valid_to)?,
        published_on: sent.published_on,
        source: sent.source,
        scale,
        step_seconds,
        values,
        detail: FactorDetail::default(),
    };
    factor_set.check()?;
    factor_set.refuse_below_zero()?;
    Ok(factor_set)
}

/// All values at the largest number of decimals among them, so that none is rounded.
fn to_one_scale(
    field: &'static str,
    texts: &[String],
) -> Result<(u32, Vec<i64>), InvalidFactorSet> {
    let mut decimals = Vec::with_capacity(texts.len());
    for (row, text) in texts.iter().enumerate() {
        decimals.push(Decimal::parse(text).map_err(|error| InvalidFactorSet {
            field,
            problem: format!("row {row}: {error}"),
        })?);
    }
    let scale = decimals.iter().map(Decimal::scale).max().unwrap_or(0);
    let mut values = Vec::with_capacity(decimals.len());
    for (row, decimal) in decimals.iter().enumerate() {
        let value = decimal
            .mantissa_at_scale(scale)
            .and_then(|mantissa| i64::try_from(mantissa).ok())
            .filter(|mantissa| i128::from(*mantissa).abs() <= 100 * 10i128.pow(u32::from(scale)))
            .ok_or_else(|| InvalidFactorSet {
                field,
                problem: format!("row {row}: {decimal} is beyond 100 kg/kWh; check its unit"),
            })?;
        values.push(value);
    }
    Ok((u32::from(scale), values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent() -> wire::FactorSet {
        wire::FactorSet {
            set: "north-china".into(),
            version: "2022".into(),
            publisher: "MEE".into(),
            region: "north-china".into(),
            kind: "grid_average".into(),
            unit: "kgCO2/kWh".into(),
            valid_from: "2022-01-01T00:00:00+08:00".into(),
            valid_to: "2022-01-01T02:00:00+08:00".into(),
            published_on: "2024-12-20".into(),
            source: "table 2".into(),
            values: Some(Values::Series(wire::FactorSeries {
                hourly: vec!["0.5366".into(), "0.02".into()],
            })),
        }
    }

    #[test]
    fn values_of_different_decimals_are_kept_exactly() {
        let set = take_in(sent()).expect("valid");
        assert_eq!(
            (set.scale, set.values.as_slice()),
            (4, [5366, 200].as_slice())
        );
    }

    #[test]
    fn only_the_margin_can_be_below_zero() {
        let negative = |kind: &str| wire::FactorSet {
            kind: kind.into(),
            values: Some(Values::Series(wire::FactorSeries {
                hourly: vec!["0.5366".into(), "-0.02".into()],
            })),
            ..sent()
        };
        let margin = take_in(negative("grid_marginal")).expect("valid");
        assert_eq!(margin.values.as_slice(), [5366, -200]);
        let refused = take_in(negative("grid_average")).expect_err("below zero");
        assert_eq!(refused.field, "series.hourly");
        assert!(refused.problem.contains("row 1: "), "{refused}");
    }

    #[test]
    fn each_wrong_field_is_named_with_its_remedy() {
        type Change = fn(&mut wire::FactorSet);
        let cases: [(&str, &str, Change); 9] = [
            ("set", "", |set| set.set = "North China".into()),
            ("unit", "kgCO2/kWh", |set| set.unit = "t/MWh".into()),
            ("kind", "grid_average", |set| set.kind = "guess".into()),
            ("valid_from", "offset", |set| {
                set.valid_from = "2022-01-01T00:00:00".into()
            }),
            ("valid_to", "after", |set| {
                set.valid_to = set.valid_from.clone()
            }),
            ("published_on", "YYYY-MM-DD", |set| {
                set.published_on = "20.12.2024".into()
            }),
            ("publisher", "write 1 to", |set| set.publisher.clear()),
            ("values", "constant", |set| set.values = None),
            ("series.hourly", "exactly one per hour", |set| {
                set.values = Some(Values::Series(wire::FactorSeries {
                    hourly: vec!["0.5".into()],
                }));
            }),
        ];
        for (field, remedy, change) in cases {
            let mut changed = sent();
            change(&mut changed);
            let refusal = take_in(changed).expect_err(field);
            assert_eq!(refusal.field, field, "{refusal}");
            assert!(refusal.problem.contains(remedy), "{refusal}");
        }
    }

    #[test]
    fn a_value_that_is_no_factor_is_named_by_its_row() {
        let mut changed = sent();
        changed.values = Some(Values::Series(wire::FactorSeries {
            hourly: vec!["0.5".into(), "536.6".into()],
        }));
        assert!(
            take_in(changed)
                .expect_err("g/kWh")
                .problem
                .contains("row 1")
        );
    }
}
