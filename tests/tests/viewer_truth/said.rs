//! What the services say of a moment, and what it means for the overlays: worked out here once more, from the proto's words.

use std::collections::BTreeMap;

use terrarium_proto::twin::v1::Quantity;
use terrarium_proto::{alarm::v1 as alarm, ledger::v1 as ledger, twin::v1 as twin};
use terrarium_tests::haotian::PARK;
use terrarium_tests::{Clients, repository};

const HOUR_MS: i64 = 3_600_000;

/// An asset as the park's file tells it.
#[derive(Debug)]
pub struct Asset {
    pub id: String,
    pub kind: String,
    pub at: (f64, f64),
    capacity: Option<i64>,
    rated_w: Option<f64>,
    is_metered: bool,
}

/// All assets in the order of their ids.
pub fn assets() -> Vec<Asset> {
    let file = repository().join("deploy/parks/haotian.toml");
    let text = std::fs::read_to_string(file).expect("a shipped park");
    let park: toml::Table = text.parse().expect("TOML");
    let list = |key: &str| park[key].as_array().expect("a list").iter();
    let number = |value: &toml::Value| {
        let whole = value.as_integer().map(|whole| whole as f64);
        whole.or(value.as_float())
    };
    let metered: Vec<&str> = list("meters")
        .filter_map(|meter| meter["asset"].as_str())
        .collect();
    let mut assets: Vec<Asset> = list("assets")
        .map(|asset| {
            let text = |key: &str| asset[key].as_str().expect("a text").to_owned();
            let whole = |key: &str| asset.get(key).and_then(toml::Value::as_integer);
            let at = asset.get("at").and_then(toml::Value::as_array);
            let at = at.expect("every asset of Haotian has its place");
            Asset {
                id: text("id"),
                kind: text("kind"),
                at: (
                    number(&at[0]).expect("metres"),
                    number(&at[1]).expect("metres"),
                ),
                capacity: whole("capacity_wh")
                    .or(whole("capacity_l"))
                    .or(whole("capacity_kg").map(|kg| kg * 1_000)),
                rated_w: asset.get("rated_kw").and_then(number).map(|kw| kw * 1e3),
                is_metered: metered
                    .iter()
                    .any(|of| *of == asset["id"].as_str().unwrap_or("")),
            }
        })
        .collect();
    assets.sort_by(|one, other| one.id.cmp(&other.id));
    assets
}

/// A value of a point.
#[derive(Clone, Copy, Debug)]
struct Told {
    value: i64,
    age_ms: i64,
    quality: i32,
    usual_interval_ms: i64,
}

/// The twin at a moment.
pub struct Twin {
    pub moment_ms: i64,
    pub position: Option<u64>,
    told: BTreeMap<(String, i32), Vec<Told>>,
}

impl Twin {
    /// At a moment, or now.
    pub async fn at(clients: &Clients, moment_ms: Option<i64>) -> Twin {
        let request = twin::SnapshotRequest {
            park: PARK.into(),
            moment: moment_ms.map(|moment_ms| twin::Moment {
                at: Some(twin::moment::At::TimeMs(moment_ms)),
            }),
        };
        let mut client = clients.twin.clone();
        let answer = client.snapshot(request).await.expect("a snapshot");
        let snapshot = answer.into_inner();
        let moment_ms = moment_ms.unwrap_or(snapshot.moment_ms);
        let points: BTreeMap<u32, &twin::Point> = snapshot
            .new_points
            .iter()
            .map(|point| (point.index, point))
            .collect();
        let values = snapshot.values.as_ref().expect("values");
        let mut told: BTreeMap<(String, i32), Vec<Told>> = BTreeMap::new();
        for (place, index) in values.points.iter().enumerate() {
            let point = points[index];
            let name = (point.asset.clone(), point.quantity);
            told.entry(name).or_default().push(Told {
                value: values.values[place],
                age_ms: moment_ms - values.times_ms[place],
                quality: values.qualities[place],
                usual_interval_ms: i64::from(point.usual_interval_s) * 1_000,
            });
        }
        Twin {
            moment_ms,
            position: snapshot.position,
            told,
        }
    }

    fn sum(&self, asset: &Asset, quantity: Quantity) -> Option<i64> {
        let told = self.told.get(&(asset.id.clone(), quantity as i32))?;
        Some(told.iter().map(|told| told.value).sum())
    }

    /// One of its alarms waits for somebody, or is present.
    pub fn has_alarm(&self, asset: &Asset) -> bool {
        const LISTED: [alarm::AlarmState; 3] = [
            alarm::AlarmState::Unacknowledged,
            alarm::AlarmState::Acknowledged,
            alarm::AlarmState::ReturnedUnacknowledged,
        ];
        let name = (asset.id.clone(), Quantity::AlarmState as i32);
        let told = self.told.get(&name).into_iter().flatten();
        let is_listed = |told: &Told| {
            LISTED
                .iter()
                .any(|state| i64::from(*state as i32) == told.value)
        };
        told.clone().any(is_listed)
    }

    /// Whether all that is known of an asset is of now, by its age and by what the record says.
    fn trust(&self, asset: &Asset) -> Option<Trust> {
        let of_asset = self.told.iter().filter(|((id, quantity), _)| {
            *id == asset.id && *quantity != Quantity::AlarmState as i32
        });
        of_asset.flat_map(|(_, told)| told).map(Told::trust).max()
    }

    fn is_all_good(&self, asset: &Asset) -> bool {
        let of_asset = self.told.iter().filter(|((id, quantity), _)| {
            *id == asset.id && *quantity != Quantity::AlarmState as i32
        });
        let mut told = of_asset.flat_map(|(_, told)| told);
        told.all(|told| told.quality == twin::Quality::Good as i32)
    }

    /// What it takes, or gives below zero, in W.
    fn power_w(&self, asset: &Asset) -> Option<i64> {
        let less = |takes, gives| match (self.sum(asset, takes), self.sum(asset, gives)) {
            (None, None) => None,
            (takes, gives) => Some(takes.unwrap_or(0) - gives.unwrap_or(0)),
        };
        let metered = less(Quantity::ConsumptionW, Quantity::GenerationW);
        match asset.kind.as_str() {
            "battery" => less(Quantity::StorageChargeW, Quantity::StorageDischargeW)
                .or_else(|| self.sum(asset, Quantity::StoragePowerW))
                .or(metered),
            "charger" => match self.sum(asset, Quantity::Session) {
                Some(1..) => Some(self.sum(asset, Quantity::SessionPowerW).unwrap_or(0)),
                _ => metered,
            },
            _ => metered.or_else(|| less(Quantity::GridImportW, Quantity::GridExportW)),
        }
    }

    /// How full it is, in percent.
    fn percent(&self, asset: &Asset, quantity: Quantity) -> Option<f64> {
        let held = self.sum(asset, quantity)? as f64;
        let whole = match quantity {
            Quantity::FillPermille => 1_000.0,
            _ => asset.capacity? as f64,
        };
        Some((held / whole * 100.0).clamp(0.0, 100.0))
    }

    /// It rains: streaks are in front of everything.
    pub fn rains(&self) -> bool {
        let of_rain = self
            .told
            .iter()
            .filter(|((_, quantity), _)| *quantity == Quantity::RainUmPerH as i32);
        of_rain
            .flat_map(|(_, told)| told)
            .any(|told| told.value > 0)
    }
}

/// How far a value can be trusted, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// Not older than it usually is.
    Fresh,
    /// Somewhat older, or at odds with what the asset can do: how it is drawn is no matter of this test.
    Between,
    /// Older than twice its interval, or in doubt by the record: it must look so.
    Doubtful,
}

impl Told {
    fn trust(&self) -> Trust {
        let is_trusted = (twin::Quality::Good as i32..=twin::Quality::Substituted as i32)
            .contains(&self.quality);
        let interval_ms = self.usual_interval_ms;
        let has_interval = interval_ms > 0;
        if !is_trusted || (has_interval && self.age_ms > 2 * interval_ms) {
            Trust::Doubtful
        } else if self.age_ms < 0 || (has_interval && self.age_ms > interval_ms) {
            Trust::Between
        } else {
            Trust::Fresh
        }
    }
}

/// Asks the ledger for the day up to a moment's hour.
pub fn day_to(moment_ms: i64, by: ledger::Grouping) -> ledger::BalanceRequest {
    let to_ms = moment_ms.div_euclid(HOUR_MS) * HOUR_MS;
    let text = |ms: i64| {
        let moment = jiff::Timestamp::from_millisecond(ms);
        moment.expect("a moment").to_string()
    };
    ledger::BalanceRequest {
        park: PARK.into(),
        period: Some(ledger::Period {
            from: text(to_ms - 24 * HOUR_MS),
            to: text(to_ms),
        }),
        by: by.into(),
        ..ledger::BalanceRequest::default()
    }
}

/// The ledger's lines of that day, by asset.
pub async fn ledger_to(clients: &Clients, moment_ms: i64) -> BTreeMap<String, ledger::BalanceLine> {
    let request = day_to(moment_ms, ledger::Grouping::Asset);
    let mut client = clients.ledger.clone();
    let answer = client.balance(request).await.expect("a balance");
    let lines = answer.into_inner().lines.into_iter();
    lines.map(|line| (line.key.clone(), line)).collect()
}

/// What an asset has to show in an overlay: a value in the unit of the legend, and how far it can be trusted. `None`: no value.
pub fn expected(
    overlay: &str,
    asset: &Asset,
    twin: &Twin,
    ledger: &BTreeMap<String, ledger::BalanceLine>,
) -> Option<(f64, Trust)> {
    let trust = twin.trust(asset);
    let by_twin = |value: Option<f64>| Some((value?, trust?));
    let of = |kinds: &[&str]| kinds.contains(&asset.kind.as_str());
    match overlay {
        "power" => {
            let power_w = twin.power_w(asset)? as f64;
            let is_possible = asset
                .rated_w
                .is_none_or(|rated_w| power_w.abs() <= rated_w * 1.2);
            let trust = match is_possible {
                true => trust?,
                false => trust?.max(Trust::Between),
            };
            Some((power_w, trust))
        }
        "charge" if of(&["battery"]) => by_twin(twin.percent(asset, Quantity::StoredWh)),
        "water" if of(&["tank"]) => by_twin(twin.percent(asset, Quantity::LevelL)),
        "waste" if of(&["bin"]) => by_twin(twin.percent(asset, Quantity::FillPermille)),
        "waste" if of(&["compost_bay"]) => by_twin(twin.percent(asset, Quantity::CompostG)),
        // What is estimated, corrected or old stands lower.
        "quality" if asset.is_metered => match trust? {
            Trust::Fresh if twin.is_all_good(asset) => Some((100.0, Trust::Fresh)),
            // Whatever it stands at, it is not good.
            Trust::Doubtful => Some((100.0, Trust::Doubtful)),
            _ => None,
        },
        "carbon" => {
            let line = ledger.get(&asset.id)?;
            let is_known = line.consumption_wh > 0 && line.hours_without_factor == 0;
            let grams_per_kwh = line.scope2_location_mg as f64 / line.consumption_wh.max(1) as f64;
            is_known.then_some((grams_per_kwh, in_ledger(line, trust)))
        }
        "imbalance" => {
            let line = ledger.get(&asset.id)?;
            let value = line.unexplained_wh as f64;
            (line.hours_metered > 0).then_some((value, in_ledger(line, trust)))
        }
        _ => None,
    }
}

/// A line with gaps is in doubt; how old the asset's own values are shows in every overlay.
fn in_ledger(line: &ledger::BalanceLine, trust: Option<Trust>) -> Trust {
    let of_line = match line.hours_missing {
        0 => Trust::Fresh,
        _ => Trust::Doubtful,
    };
    of_line.max(trust.unwrap_or(Trust::Fresh))
}
