//! One `[[assets]]` table: what all assets have, and the parameters of its kind.

use toml::Spanned;
use toml::de::DeValue;

use super::asset::{
    AssetKind, AssetParameters, Chemistry, HeatSource, LoadRole, WasteStream, WaterClass,
};
use super::definition::Name;
use super::geometry::Place;
use super::parameter_reader::{AssetReference, ParameterReader};
use super::problem::{Problems, list, nearest};
use super::read_site::read_place;
use super::table::{Located, Table, note_wrong_type, read_decimal, read_text};
use crate::found::shown;

/// 100 GW: far above any park, and ten times it over a year of hours stays far inside 64 bits of Wh.
const MOST_RATED_W: i64 = 100_000_000_000;
const MOST_CAPACITY_WH: i64 = 1_000_000_000_000;
const MOST_LITRES: i64 = 1_000_000_000;
const MOST_AREA_M2: i64 = 100_000_000;
const MOST_COUNT: i64 = 10_000_000;

/// Keys that an asset of any kind may have.
const COMMON_KEYS: &[&str] = &[
    "id", "kind", "zone", "name", "rated_kw", "at", "size", "raised", "turn_deg", "assumed",
    "source",
];

#[derive(Debug)]
pub(super) struct DraftAsset {
    pub(super) id: Option<Located<String>>,
    pub(super) kind: Option<AssetKind>,
    pub(super) zone: Option<Located<String>>,
    pub(super) name: Option<Name>,
    pub(super) rated_w: Option<i64>,
    pub(super) parameters: Option<AssetParameters>,
    pub(super) references: Vec<AssetReference>,
    pub(super) place: Option<Place>,
    pub(super) assumed: Vec<String>,
    pub(super) source: Option<String>,
}

pub(super) fn read_asset(table: &Table<'_>, problems: &mut Problems<'_>) -> DraftAsset {
    let kind = table.choice("kind", AssetKind::TOKENS, problems);
    let mut known_keys = COMMON_KEYS.to_vec();
    let (mut parameters, mut references, mut defaulted) = (None, Vec::new(), Vec::new());
    // Of an asset of unknown kind nobody can say which keys it may have.
    if let Some(kind) = kind {
        let mut reader = ParameterReader::new(table, kind);
        parameters = read_parameters(kind, &mut reader, problems);
        known_keys.extend(reader.keys);
        (references, defaulted) = (reader.references, reader.defaulted);
        table.note_unknown_keys(&known_keys, problems);
    }
    DraftAsset {
        id: table.required_text("id", "home-01", problems),
        kind,
        zone: table.required_text("zone", "street", problems),
        name: table.name(problems),
        rated_w: read_rated_of_asset(table, kind, problems),
        parameters,
        references,
        place: read_place(table, problems),
        assumed: read_assumed(table, &known_keys, defaulted, problems),
        source: table
            .get("source")
            .and_then(|value| read_text("source", value, problems))
            .map(|text| text.value),
    }
}

fn read_rated_of_asset(
    table: &Table<'_>,
    kind: Option<AssetKind>,
    problems: &mut Problems<'_>,
) -> Option<i64> {
    let value = table.get("rated_kw");
    if let (None, Some(kind)) = (value, kind)
        && kind.needs_rated_power()
    {
        problems.note(
            table.at,
            format!("{} of kind \"{kind}\" has no key \"rated_kw\"", table.place),
            "write rated_kw = 4.0 (in kW)",
        );
    }
    read_rated_w(value?, problems)
}

/// Reads what a kind needs. `None` if any of it was noted as a problem.
fn read_parameters(
    kind: AssetKind,
    reader: &mut ParameterReader<'_, '_>,
    problems: &mut Problems<'_>,
) -> Option<AssetParameters> {
    let parameters = match kind {
        AssetKind::ConnectionPoint
        | AssetKind::Display
        | AssetKind::WeatherStation
        | AssetKind::EntranceCounter => AssetParameters::None,
        AssetKind::Load => AssetParameters::Load {
            role: reader.choice_or("role", LoadRole::TOKENS, LoadRole::General, problems)?,
        },
        AssetKind::Building => AssetParameters::Building {
            height_m: reader.whole_or("height_m", 1..=1_000, 4, problems)?,
        },
        AssetKind::Pv => {
            let tilt_deg = reader.degrees_or("tilt_deg", 0..=90, 30, problems);
            let azimuth_deg = reader.degrees_or("azimuth_deg", 0..=359, 180, problems);
            AssetParameters::Pv {
                tilt_deg: tilt_deg?,
                azimuth_deg: azimuth_deg?,
            }
        }
        AssetKind::Wind => {
            let hub_height_m = reader.whole_or("hub_height_m", 1..=300, 18, problems);
            let rotor_m = reader.whole_or("rotor_m", 1..=350, 7, problems);
            AssetParameters::Wind {
                hub_height_m: hub_height_m?,
                rotor_m: rotor_m?,
            }
        }
        AssetKind::Battery => {
            let capacity_wh = reader.whole(
                "capacity_wh",
                1..=MOST_CAPACITY_WH,
                "100000 (in Wh)",
                problems,
            );
            let chemistry = reader.choice("chemistry", Chemistry::TOKENS, problems);
            AssetParameters::Battery {
                capacity_wh: capacity_wh?,
                chemistry: chemistry?,
            }
        }
        AssetKind::Charger => AssetParameters::Charger {
            bidirectional: reader.flag_or("bidirectional", false, problems)?,
        },
        AssetKind::DcBus => AssetParameters::DcBus {
            voltage_v: reader.whole("voltage_v", 1..=100_000, "750 (in V)", problems)?,
        },
        AssetKind::Tank => read_tank(reader, problems)?,
        AssetKind::IrrigationZone => {
            let area_m2 = reader.whole("area_m2", 1..=MOST_AREA_M2, "2500 (in m2)", problems);
            let tank = reader.asset("tank", AssetKind::Tank, problems);
            AssetParameters::IrrigationZone {
                area_m2: area_m2?,
                tank: tank?,
            }
        }
        AssetKind::Fixture => {
            let count = reader.whole("count", 1..=MOST_COUNT, "12", problems);
            let water = reader.choice("water", WaterClass::TOKENS, problems);
            let has_tank = reader.has("tank");
            let tank = reader.optional_asset("tank", AssetKind::Tank, problems);
            if has_tank && tank.is_none() {
                return None;
            }
            AssetParameters::Fixture {
                count: count?,
                water: water?,
                tank,
            }
        }
        AssetKind::Bin => {
            let capacity_l =
                reader.whole("capacity_l", 1..=MOST_LITRES, "240 (in litres)", problems);
            let limit_g = reader.whole("limit_g", 1..=1_000_000_000, "40000 (in grams)", problems);
            let waste = reader.choice("waste", WasteStream::TOKENS, problems);
            AssetParameters::Bin {
                capacity_l: capacity_l?,
                limit_g: limit_g?,
                waste: waste?,
            }
        }
        AssetKind::CompostBay => AssetParameters::CompostBay {
            capacity_kg: reader.whole(
                "capacity_kg",
                1..=1_000_000_000,
                "3000 (in kg)",
                problems,
            )?,
        },
        AssetKind::TreeGroup => {
            let count = reader.whole("count", 1..=MOST_COUNT, "350", problems);
            let species = reader.text("species", "Pinus tabuliformis", problems);
            AssetParameters::TreeGroup {
                count: count?,
                species: species?,
            }
        }
        AssetKind::HeatPump => {
            let heat_w = reader.whole("heat_w", 1..=MOST_RATED_W, "12000 (in W of heat)", problems);
            let heat_source = reader.choice("heat_source", HeatSource::TOKENS, problems);
            AssetParameters::HeatPump {
                heat_w: heat_w?,
                heat_source: heat_source?,
            }
        }
        AssetKind::SolarThermal => {
            let area_m2 = reader.whole(
                "area_m2",
                1..=MOST_AREA_M2,
                "12 (in m2 of collectors)",
                problems,
            );
            let tilt_deg = reader.degrees_or("tilt_deg", 0..=90, 30, problems);
            let azimuth_deg = reader.degrees_or("azimuth_deg", 0..=359, 180, problems);
            AssetParameters::SolarThermal {
                area_m2: area_m2?,
                tilt_deg: tilt_deg?,
                azimuth_deg: azimuth_deg?,
            }
        }
        AssetKind::Chiller => AssetParameters::Chiller {
            cooling_w: reader.whole(
                "cooling_w",
                1..=MOST_RATED_W,
                "350000 (in W of cooling)",
                problems,
            )?,
        },
        AssetKind::Lighting => AssetParameters::Lighting {
            lamps: reader.whole("lamps", 1..=MOST_COUNT, "60", problems)?,
        },
        AssetKind::Vehicle => AssetParameters::Vehicle {
            capacity_wh: reader.whole(
                "capacity_wh",
                1..=MOST_CAPACITY_WH,
                "60000 (in Wh)",
                problems,
            )?,
        },
        AssetKind::Shuttle => {
            let capacity_wh = reader.whole(
                "capacity_wh",
                1..=MOST_CAPACITY_WH,
                "20000 (in Wh)",
                problems,
            );
            let seats = reader.whole("seats", 1..=1_000, "14", problems);
            AssetParameters::Shuttle {
                capacity_wh: capacity_wh?,
                seats: seats?,
            }
        }
    };
    Some(parameters)
}

fn read_tank(
    reader: &mut ParameterReader<'_, '_>,
    problems: &mut Problems<'_>,
) -> Option<AssetParameters> {
    let capacity_l = reader.whole("capacity_l", 1..=MOST_LITRES, "20000 (in litres)", problems);
    let reserve_l = reader.whole("reserve_l", 0..=MOST_LITRES, "2000 (in litres)", problems);
    let water = reader.choice("water", WaterClass::TOKENS, problems);
    let (capacity_l, reserve_l, water) = (capacity_l?, reserve_l?, water?);
    if reserve_l > capacity_l {
        let at = reader
            .table
            .get("reserve_l")
            .map_or(reader.table.at, |value| value.span().start);
        problems.note(
            at,
            format!("reserve_l = {reserve_l} is more than the tank holds ({capacity_l} l)"),
            "write a reserve of at most capacity_l",
        );
        return None;
    }
    Some(AssetParameters::Tank {
        capacity_l,
        reserve_l,
        water,
    })
}

/// The keys whose figures have no source: those listed, which must be keys of this asset, and those left to defaults.
fn read_assumed(
    table: &Table<'_>,
    known_keys: &[&'static str],
    defaulted: Vec<String>,
    problems: &mut Problems<'_>,
) -> Vec<String> {
    let mut assumed = defaulted;
    if let Some(value) = table.get("assumed") {
        let Some(elements) = value.get_ref().as_array() else {
            note_wrong_type(
                problems,
                "assumed",
                value,
                "a list of keys: assumed = [\"capacity_l\"]",
            );
            return assumed;
        };
        for element in elements {
            let Some(key) = read_text("assumed", element, problems) else {
                continue;
            };
            if table.get(&key.value).is_none() {
                let written = || {
                    known_keys
                        .iter()
                        .copied()
                        .filter(|known| table.get(known).is_some())
                };
                let remedy = match nearest(&key.value, written()) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("write keys that this asset has: {}", list(written())),
                };
                problems.note(
                    key.at,
                    format!(
                        "assumed names {}, which {} does not have",
                        shown(&key.value),
                        table.place
                    ),
                    remedy,
                );
            }
            assumed.push(key.value);
        }
    }
    assumed.sort();
    assumed.dedup();
    assumed
}

/// The rated power in whole watts.
pub(super) fn read_rated_w(
    value: &Spanned<DeValue<'_>>,
    problems: &mut Problems<'_>,
) -> Option<i64> {
    let wanted = "a number of kW, as a plain decimal such as rated_kw = 4.0";
    let kilowatts = read_decimal("rated_kw", value, wanted, problems)?;
    let at = value.span().start;
    match kilowatts.to_integer_units(1_000, 1) {
        Some(watts @ 1..=MOST_RATED_W) => Some(watts),
        Some(..=0) => {
            problems.note(
                at,
                format!("rated_kw = {kilowatts} is no rating"),
                "write the rated power in kW, above zero (at least 0.001)",
            );
            None
        }
        _ => {
            problems.note(
                at,
                format!("rated_kw = {kilowatts} is more than 100,000,000 kW"),
                "write the rated power in kW, not in W",
            );
            None
        }
    }
}
