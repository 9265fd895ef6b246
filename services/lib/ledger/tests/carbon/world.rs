//! A park with water, waste, compost and trees, factors, and facts about it.

use std::sync::Arc;

use terrarium_ledger::carbon::{
    Activity, ActivityKind, CarbonFact, WaterFlow, WaterMetered, u95_ppm_of_tier,
};
use terrarium_ledger::{
    AsOf, Fact, FactorDetail, FactorKind, FactorMark, FactorSet, ParkLedger, Period, Posting,
};
use terrarium_model::{
    AmountUnit, Decimal, FactorSetId, FactorUnit, FactorValue, Interval, ParkDefinition,
    UnixSeconds,
};

pub use crate::told::{HOUR, asset, ledger_of};

/// 2025-01-01T00:00:00Z.
pub const NEW_YEAR: i64 = 1_735_689_600;
pub const DAY: i64 = 86_400;
pub const YEAR: i64 = 365 * DAY;

const PARK: &str = r#"
[park]
id = "demo"
name = { en = "Demo", zh = "演示" }
time_zone = "Etc/UTC"
clock = "wall"
grid_region = "north-china"

[[zones]]
id = "all"
name = { en = "All", zh = "全部" }

[[assets]]
id = "centre"
kind = "building"
zone = "all"
name = { en = "Centre", zh = "中心" }

[[connections]]
kind = "electric"
from = "grid"
to = "centre"

[[meters]]
id = "centre.in"
asset = "centre"
measures = "grid_import"
reports = "interval"
rated_kw = 20.0

[[assets]]
id = "bin-residual"
kind = "bin"
zone = "all"
name = { en = "Bin", zh = "垃圾桶" }
capacity_l = 240
limit_g = 60000
waste = "residual"

[[assets]]
id = "bin-garden"
kind = "bin"
zone = "all"
name = { en = "Garden bin", zh = "绿化桶" }
capacity_l = 240
limit_g = 60000
waste = "garden"

[[assets]]
id = "pines"
kind = "tree_group"
zone = "all"
name = { en = "Pines", zh = "松" }
count = 100
species = "Pinus tabuliformis"
"#;

pub fn defined() -> Fact {
    Fact::ParkDefined {
        definition: Arc::new(
            ParkDefinition::parse(PARK, "demo.toml").unwrap_or_else(|error| panic!("{error}")),
        ),
        sha256: [1; 32],
    }
}

/// A row that holds from 2000 to 2100.
pub fn row(kind: FactorKind, subject: &str, region: &str, unit: &str, value: &str) -> FactorSet {
    let value =
        FactorValue::from_decimal(&Decimal::parse(value).expect("a decimal")).expect("fits");
    let unit = FactorUnit::parse(unit).expect("a unit");
    FactorSet {
        set: FactorSetId::new("library").expect("valid"),
        version: "1".to_owned(),
        publisher: "a test".to_owned(),
        region: region.to_owned(),
        kind,
        unit,
        valid_from: UnixSeconds(946_684_800),
        valid_to: UnixSeconds(4_102_444_800),
        published_on: "2024-01-01".to_owned(),
        source: "made".to_owned(),
        scale: value.scale,
        step_seconds: None,
        values: vec![value.mantissa],
        detail: FactorDetail {
            row: format!("{}-{subject}-{region}-{unit}", kind.token()),
            subject: subject.to_owned(),
            locator: "row 1".to_owned(),
            mark: FactorMark::Secondary,
            u95_ppm: 100_000,
            ..FactorDetail::default()
        },
    }
}

pub fn published(set: FactorSet) -> Fact {
    set.check().unwrap_or_else(|error| panic!("{error}"));
    Fact::FactorSetPublished(Arc::new(set))
}

/// Values of the library's files.
pub fn library() -> Vec<Fact> {
    use FactorKind as Kind;
    [
        row(
            Kind::GridAverage,
            "electricity",
            "north-china",
            "kgCO2/kWh",
            "0.6361",
        ),
        row(Kind::WaterEnergy, "tap-water", "china", "kWh/m3", "0.681"),
        row(Kind::WaterEnergy, "waste-water", "china", "kWh/m3", "0.20"),
        row(Kind::FuelProperty, "diesel", "china", "GJ/t", "42.652"),
        row(Kind::FuelProperty, "diesel", "china", "kgC/GJ", "20.20"),
        row(Kind::FuelProperty, "diesel", "china", "1", "0.98"),
        row(Kind::FuelProperty, "diesel", "china", "kg/L", "0.84"),
        row(
            Kind::FuelProperty,
            "natural-gas",
            "china",
            "MJ/Nm3",
            "38.931",
        ),
        row(
            Kind::FuelProperty,
            "natural-gas",
            "china",
            "kgC/GJ",
            "15.30",
        ),
        row(Kind::FuelProperty, "natural-gas", "china", "1", "0.99"),
        row(Kind::FuelUpstream, "diesel", "uk", "kgCO2e/L", "0.61101"),
        row(Kind::Compost, "wet-mass", "world", "kgCH4-biogenic/t", "4"),
        row(Kind::Compost, "wet-mass", "world", "kgN2O/t", "0.3"),
        row(Kind::WasteBiogenic, "wet-mass", "world", "kgCO2/t", "366.7"),
        row(
            Kind::Waste,
            "residual/incineration",
            "china",
            "kgCO2/t",
            "271.7",
        ),
        row(
            Kind::WasteBiogenic,
            "residual/incineration",
            "china",
            "kgCO2/t",
            "424.9",
        ),
        row(Kind::Waste, "garden/composting", "uk", "kgCO2e/t", "8.98"),
        row(Kind::Waste, "residual/landfill", "uk", "kgCO2e/t", "497.24"),
        row(
            Kind::Decay,
            "garden/degradable-carbon",
            "world",
            "1",
            "0.20",
        ),
        row(Kind::Decay, "garden/decay-rate", "world", "1/yr", "0.05"),
        row(
            Kind::Decay,
            "landfill/decomposing-share",
            "world",
            "1",
            "0.5",
        ),
        row(
            Kind::Decay,
            "landfill/methane-correction",
            "world",
            "1",
            "1",
        ),
        row(Kind::Decay, "landfill/methane-share", "world", "1", "0.5"),
        row(Kind::Decay, "landfill/oxidised-share", "world", "1", "0.1"),
        row(Kind::Refrigerant, "R-410A", "world", "kgHFC-32/kg", "0.5"),
        row(Kind::Refrigerant, "R-410A", "world", "kgHFC-125/kg", "0.5"),
        row(Kind::RefrigerantLeak, "split", "world", "1/yr", "0.05"),
        row(Kind::Heat, "heat", "china", "kgCO2/GJ", "110"),
        row(Kind::Transport, "lorry", "uk", "kgCO2e/tkm", "0.10163"),
        row(Kind::Transport, "car-petrol", "uk", "kgCO2e/km", "0.16272"),
        row(Kind::Material, "concrete-c30", "china", "kgCO2e/m3", "295"),
        row(Kind::Process, "quicklime", "world", "kgCO2/t", "784.8"),
        row(Kind::Tree, "tree", "world", "kgCO2/tree.yr", "36.67"),
    ]
    .map(published)
    .to_vec()
}

pub fn activity(kind: ActivityKind, subject: &str, amount: i64, unit: AmountUnit) -> Activity {
    Activity {
        kind,
        subject: subject.to_owned(),
        asset: asset("centre"),
        name: format!("{}-{subject}", kind.token()).replace('/', "-"),
        party: "park".to_owned(),
        interval: Interval {
            start: UnixSeconds(NEW_YEAR + 10 * DAY),
            seconds: 3_600,
        },
        amount,
        unit,
        revision: 0,
        tier: 2,
        u95_ppm: u95_ppm_of_tier(2),
        source: "log".to_owned(),
        evidence: Some([7; 32]),
    }
}

pub fn reported(activity: Activity) -> Fact {
    Fact::Carbon(CarbonFact::Activity(Arc::new(activity)))
}

pub fn water(flow: WaterFlow, hour: i64, litres: i64) -> Fact {
    Fact::Carbon(CarbonFact::Water(WaterMetered {
        asset: asset("centre"),
        flow,
        interval: Interval {
            start: UnixSeconds(NEW_YEAR + hour * HOUR),
            seconds: 3_600,
        },
        litres,
    }))
}

/// The library and these facts.
pub fn told(facts: impl IntoIterator<Item = Fact>) -> ParkLedger {
    let mut all = vec![defined()];
    all.extend(library());
    all.extend(facts);
    ledger_of(all)
}

pub fn year() -> Period {
    Period {
        from: UnixSeconds(NEW_YEAR),
        to: UnixSeconds(NEW_YEAR + YEAR),
    }
}

pub fn postings(ledger: &ParkLedger) -> Vec<Posting> {
    let unpriced = ledger.worked(year(), AsOf::default(), false).unpriced;
    assert_eq!(unpriced, Vec::new());
    ledger.activity_postings(year(), AsOf::default())
}
