//! A park as the viewer draws it: metres, indices instead of ids, names in both languages.

use std::collections::BTreeMap;

use terrarium_model::{
    AssetKind, AssetParameters, ConnectionKind, ConnectionSource, Name, ParkClock, ParkDefinition,
    SitePoint, TimeZone, WaterClass,
};

use crate::words::Language;

/// Place of an asset in [`ParkView::assets`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AssetIndex(pub u32);

/// A point on the ground in metres from the site's origin. In Bevy: x = east, z = -north.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroundPoint {
    pub east_m: f32,
    pub north_m: f32,
}

/// A park as it is drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct ParkView {
    pub id: String,
    pub name: Name,
    pub time_zone: TimeZone,
    pub is_simulated: bool,
    /// Where on Earth, where the definition says so.
    pub location: Option<Location>,
    /// The park's border; empty where the definition gives none.
    pub outline: Vec<GroundPoint>,
    pub zones: Vec<ZoneView>,
    pub paths: Vec<PathView>,
    pub waters: Vec<WaterView>,
    /// In the order of their ids.
    pub assets: Vec<AssetView>,
    pub connections: Vec<ConnectionView>,
    by_id: BTreeMap<String, AssetIndex>,
}

/// In degrees, north and east positive, and metres above the sea.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Location {
    pub latitude_deg: f64,
    pub longitude_deg: f64,
    pub elevation_m: f64,
}

/// A part of the ground.
#[derive(Debug, Clone, PartialEq)]
pub struct ZoneView {
    pub id: String,
    pub name: Name,
    pub outline: Vec<GroundPoint>,
}

/// A way to walk or drive on.
#[derive(Debug, Clone, PartialEq)]
pub struct PathView {
    pub name: Option<Name>,
    pub width_m: f32,
    pub line: Vec<GroundPoint>,
}

/// A pond or a stream.
#[derive(Debug, Clone, PartialEq)]
pub struct WaterView {
    pub name: Option<Name>,
    pub outline: Vec<GroundPoint>,
}

/// An asset and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct AssetView {
    pub id: String,
    pub kind: AssetKind,
    pub parameters: AssetParameters,
    pub name: Name,
    /// Place in [`ParkView::zones`].
    pub zone: usize,
    pub rated_w: Option<i64>,
    pub at: GroundPoint,
    /// Height of its foot above the ground.
    pub raised_m: f32,
    /// West to east, south to north, height; before it is turned.
    pub size_m: [f32; 3],
    /// Clockwise as seen from above, in degrees.
    pub turn_deg: f32,
    /// False: the definition says nothing of its place, so it stands in a row beside the others of its zone.
    pub is_placed: bool,
    /// Ids of its meters.
    pub meters: Vec<String>,
}

/// A line that something flows along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionView {
    pub kind: ConnectionKind,
    /// `None`: the public grid.
    pub from: Option<AssetIndex>,
    pub to: AssetIndex,
}

impl ParkView {
    /// Draws up a park from its definition.
    pub fn new(park: &ParkDefinition) -> ParkView {
        let zone_places: BTreeMap<&str, usize> = park
            .zones
            .keys()
            .enumerate()
            .map(|(place, zone)| (zone.as_str(), place))
            .collect();
        let by_id: BTreeMap<String, AssetIndex> = (0_u32..)
            .zip(park.assets.keys())
            .map(|(index, id)| (id.as_str().to_owned(), AssetIndex(index)))
            .collect();
        let mut meters: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for meter in park.meters.values() {
            let of_asset = meters.entry(meter.asset.as_str()).or_default();
            of_asset.push(meter.id.as_str().to_owned());
        }
        let mut rows = Rows::default();
        let assets = park
            .assets
            .values()
            .map(|asset| {
                let zone = zone_places[asset.zone.as_str()];
                let size = asset.place.and_then(|place| place.size);
                let at = asset
                    .place
                    .map_or_else(|| rows.next_in(zone), |place| ground(place.at));
                AssetView {
                    id: asset.id.as_str().to_owned(),
                    kind: asset.kind,
                    parameters: asset.parameters.clone(),
                    name: asset.name.clone(),
                    zone,
                    rated_w: asset.rated_w,
                    at,
                    raised_m: asset.place.map_or(0.0, |place| metres(place.raised_cm)),
                    size_m: size.map_or_else(
                        || usual_size_m(asset.kind),
                        |size| [size.width_cm, size.depth_cm, size.height_cm].map(metres),
                    ),
                    turn_deg: asset.place.map_or(0.0, |place| place.turn_deg as f32),
                    is_placed: asset.place.is_some(),
                    meters: meters.remove(asset.id.as_str()).unwrap_or_default(),
                }
            })
            .collect();
        let index_of = |id: &str| by_id[id];
        let connections = park
            .connections
            .iter()
            .map(|connection| ConnectionView {
                kind: connection.kind,
                from: match &connection.from {
                    ConnectionSource::Grid => None,
                    ConnectionSource::Asset(asset) => Some(index_of(asset.as_str())),
                },
                to: index_of(connection.to.as_str()),
            })
            .collect();
        let site = park.site.as_ref();
        let outline = site.and_then(|site| site.outline.as_ref());
        ParkView {
            id: park.id.as_str().to_owned(),
            name: park.name.clone(),
            time_zone: park.time_zone.clone(),
            is_simulated: park.clock == ParkClock::Simulated,
            location: site.map(|site| Location {
                latitude_deg: f64::from(site.latitude_udeg) / 1e6,
                longitude_deg: f64::from(site.longitude_udeg) / 1e6,
                elevation_m: site.elevation_m.unwrap_or(0) as f64,
            }),
            outline: outline.map_or_else(Vec::new, |outline| line(outline.points())),
            zones: park
                .zones
                .values()
                .map(|zone| ZoneView {
                    id: zone.id.as_str().to_owned(),
                    name: zone.name.clone(),
                    outline: zone
                        .outline
                        .as_ref()
                        .map_or_else(Vec::new, |outline| line(outline.points())),
                })
                .collect(),
            paths: park
                .paths
                .iter()
                .map(|path| PathView {
                    name: path.name.clone(),
                    width_m: metres(path.width_cm),
                    line: line(&path.line),
                })
                .collect(),
            waters: park
                .waters
                .iter()
                .map(|water| WaterView {
                    name: water.name.clone(),
                    outline: line(water.outline.points()),
                })
                .collect(),
            assets,
            connections,
            by_id,
        }
    }

    /// The asset at an index of this park.
    pub fn asset(&self, index: AssetIndex) -> &AssetView {
        &self.assets[index.0 as usize]
    }

    /// The asset with this id.
    pub fn index_of(&self, id: &str) -> Option<AssetIndex> {
        self.by_id.get(id).copied()
    }

    /// Every asset with its index.
    pub fn indexed(&self) -> impl Iterator<Item = (AssetIndex, &AssetView)> {
        (0..).map(AssetIndex).zip(&self.assets)
    }

    /// Whether the definition says where anything stands.
    pub fn has_geometry(&self) -> bool {
        self.assets.iter().any(|asset| asset.is_placed)
    }

    /// South-west and north-east corner of everything, with room around it.
    pub fn bounds(&self) -> (GroundPoint, GroundPoint) {
        const MARGIN_M: f32 = 10.0;
        let corners = self.assets.iter().map(|asset| asset.at);
        let points = corners.chain(self.outline.iter().copied());
        let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
        for point in points {
            low = [low[0].min(point.east_m), low[1].min(point.north_m)];
            high = [high[0].max(point.east_m), high[1].max(point.north_m)];
        }
        if low[0] > high[0] {
            (low, high) = ([0.0; 2], [0.0; 2]);
        }
        (
            GroundPoint {
                east_m: low[0] - MARGIN_M,
                north_m: low[1] - MARGIN_M,
            },
            GroundPoint {
                east_m: high[0] + MARGIN_M,
                north_m: high[1] + MARGIN_M,
            },
        )
    }

    /// What is connected to an asset directly: the other end, and whether the line leads to the asset. `None`: the grid.
    pub fn neighbours(
        &self,
        asset: AssetIndex,
    ) -> impl Iterator<Item = (ConnectionKind, Option<AssetIndex>, bool)> {
        self.connections.iter().filter_map(move |connection| {
            if connection.to == asset {
                Some((connection.kind, connection.from, true))
            } else if connection.from == Some(asset) {
                Some((connection.kind, Some(connection.to), false))
            } else {
                None
            }
        })
    }
}

impl AssetView {
    /// Its name in a language.
    pub fn name_in(&self, language: Language) -> &str {
        language.of(&self.name)
    }

    /// What the asset can hold, in the unit of the quantity that says how full it is: Wh, litres or grams.
    pub fn capacity(&self) -> Option<i64> {
        match &self.parameters {
            AssetParameters::Battery { capacity_wh, .. }
            | AssetParameters::Vehicle { capacity_wh }
            | AssetParameters::Shuttle { capacity_wh, .. } => Some(*capacity_wh),
            AssetParameters::Tank { capacity_l, .. } => Some(*capacity_l),
            AssetParameters::CompostBay { capacity_kg } => Some(capacity_kg.saturating_mul(1_000)),
            _ => None,
        }
    }

    /// Which water a tank or fixture has to do with.
    pub fn water(&self) -> Option<WaterClass> {
        match &self.parameters {
            AssetParameters::Tank { water, .. } | AssetParameters::Fixture { water, .. } => {
                Some(*water)
            }
            _ => None,
        }
    }
}

/// Places for assets that the definition does not place: rows of the zones, south of the origin, 12 m apart.
#[derive(Default)]
struct Rows {
    taken: BTreeMap<usize, u32>,
}

impl Rows {
    fn next_in(&mut self, zone: usize) -> GroundPoint {
        const APART_M: f32 = 12.0;
        let place = self.taken.entry(zone).or_default();
        let at = GroundPoint {
            east_m: *place as f32 * APART_M,
            north_m: -(zone as f32) * APART_M,
        };
        *place += 1;
        at
    }
}

/// Width, depth and height where the definition gives none. Assumed.
fn usual_size_m(kind: AssetKind) -> [f32; 3] {
    match kind {
        AssetKind::Building => [12.0, 8.0, 4.0],
        AssetKind::Pv | AssetKind::SolarThermal => [6.0, 3.0, 2.0],
        AssetKind::Wind => [1.0, 1.0, 18.0],
        AssetKind::Battery => [6.0, 2.5, 2.6],
        AssetKind::Tank => [3.0, 3.0, 2.5],
        AssetKind::IrrigationZone | AssetKind::TreeGroup => [10.0, 10.0, 0.1],
        AssetKind::CompostBay => [3.0, 2.0, 1.2],
        AssetKind::Display => [3.0, 0.4, 2.5],
        AssetKind::Vehicle => [1.8, 4.5, 1.5],
        AssetKind::Shuttle => [2.0, 5.5, 2.3],
        AssetKind::WeatherStation => [1.0, 1.0, 3.0],
        _ => [1.0, 1.0, 1.5],
    }
}

fn metres(centimetres: i32) -> f32 {
    centimetres as f32 / 100.0
}

fn ground(point: SitePoint) -> GroundPoint {
    GroundPoint {
        east_m: metres(point.east_cm),
        north_m: metres(point.north_cm),
    }
}

fn line(points: &[SitePoint]) -> Vec<GroundPoint> {
    points.iter().copied().map(ground).collect()
}
