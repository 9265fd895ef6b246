//! A park with a node for each way of metering, and facts about it.

use std::sync::Arc;

use terrarium_ledger::{Fact, FactorDetail, FactorKind, FactorSet, How, Period};
use terrarium_model::{
    EnergyWh, FactorSetId, FactorUnit, Interval, MeterId, ParkDefinition, UnixSeconds,
};

pub use crate::told::{HOUR, asset, id_of, ledger_of, tell};

/// 2016-08-01T00:00:00Z.
pub const MIDNIGHT: i64 = 1_470_009_600;

/// `home` meters consumption, `shop` the grid, `works` both; each with generation. The meter of `yard` is a register.
pub const METERS: [(&str, &str, &str, &str); 10] = [
    ("home", "home.load", "consumption", "interval"),
    ("home", "home.pv", "generation", "interval"),
    ("shop", "shop.in", "grid_import", "interval"),
    ("shop", "shop.out", "grid_export", "interval"),
    ("shop", "shop.pv", "generation", "register"),
    ("works", "works.load", "consumption", "interval"),
    ("works", "works.in", "grid_import", "register"),
    ("works", "works.out", "grid_export", "interval"),
    ("works", "works.pv", "generation", "interval"),
    ("yard", "yard.in", "grid_import", "register"),
];

/// The park's text; `note` makes another definition of the same park.
pub fn park_text(note: &str, time_zone: &str) -> String {
    let mut text = format!(
        "# {note}\n[park]\nid = \"demo\"\nname = {{ en = \"Demo\", zh = \"演示\" }}\ntime_zone = \"{time_zone}\"\n\
         clock = \"wall\"\ngrid_region = \"caiso\"\n\n[[zones]]\nid = \"street\"\nname = {{ en = \"Street\", zh = \"街区\" }}\n"
    );
    for node in ["home", "shop", "works", "yard"] {
        text.push_str(&format!(
            "\n[[assets]]\nid = \"{node}\"\nkind = \"building\"\nzone = \"street\"\nname = {{ en = \"{node}\", zh = \"楼{node}\" }}\n\
             \n[[connections]]\nkind = \"electric\"\nfrom = \"grid\"\nto = \"{node}\"\n"
        ));
    }
    for (asset, meter, measures, reports) in METERS {
        text.push_str(&format!(
            "\n[[meters]]\nid = \"{meter}\"\nasset = \"{asset}\"\nmeasures = \"{measures}\"\nreports = \"{reports}\"\nrated_kw = 20.0\n"
        ));
    }
    text
}

pub fn park() -> Arc<ParkDefinition> {
    parse_park(&park_text("", "Etc/UTC"))
}

pub fn parse_park(text: &str) -> Arc<ParkDefinition> {
    Arc::new(
        ParkDefinition::parse(text, "demo.toml").unwrap_or_else(|error| panic!("{error}\n{text}")),
    )
}

pub fn defined(definition: &Arc<ParkDefinition>, number: u8) -> Fact {
    Fact::ParkDefined {
        definition: Arc::clone(definition),
        sha256: [number; 32],
    }
}

pub fn meter(id: &str) -> MeterId {
    MeterId::new(id).expect("valid")
}

pub fn hour(number: i64) -> UnixSeconds {
    UnixSeconds(MIDNIGHT + number * HOUR)
}

pub fn period(from: i64, to: i64) -> Period {
    Period {
        from: hour(from),
        to: hour(to),
    }
}

pub fn interval(start: i64, seconds: u32) -> Interval {
    Interval {
        start: UnixSeconds(MIDNIGHT + start),
        seconds,
    }
}

pub fn counted(id: &str, interval: Interval, wh: i64) -> Fact {
    counted_as(id, interval, wh, 0, How::Reported)
}

pub fn counted_as(id: &str, interval: Interval, wh: i64, revision: u32, how: How) -> Fact {
    Fact::ReadingCounted {
        meter: meter(id),
        interval,
        energy: EnergyWh(wh),
        revision,
        how,
    }
}

/// An hour's Wh.
pub fn hourly(id: &str, number: i64, wh: i64) -> Fact {
    counted(id, interval(number * HOUR, 3_600), wh)
}

/// One value an hour from an hour on.
pub fn hourly_factors(
    set: &str,
    version: &str,
    published_on: &str,
    from: i64,
    thousandths: &[i64],
) -> FactorSet {
    FactorSet {
        set: FactorSetId::new(set).expect("valid"),
        version: version.to_owned(),
        publisher: "CAISO".to_owned(),
        region: "caiso".to_owned(),
        kind: FactorKind::GridAverage,
        unit: FactorUnit::KG_CO2_PER_KWH,
        valid_from: hour(from),
        valid_to: hour(from + thousandths.len() as i64),
        published_on: published_on.to_owned(),
        source: "daily report".to_owned(),
        scale: 3,
        step_seconds: Some(3_600),
        values: thousandths.to_vec(),
        detail: FactorDetail::default(),
    }
}

pub fn constant_factor(
    set: &str,
    version: &str,
    published_on: &str,
    from: i64,
    to: i64,
    thousandths: i64,
) -> FactorSet {
    FactorSet {
        step_seconds: None,
        values: vec![thousandths],
        valid_from: hour(from),
        valid_to: hour(to),
        ..hourly_factors(set, version, published_on, 0, &[0])
    }
}

pub fn published(set: FactorSet) -> Fact {
    set.check().expect("a valid set");
    Fact::FactorSetPublished(Arc::new(set))
}
