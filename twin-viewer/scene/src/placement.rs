//! Where trees and lamps stand: the definition counts them, so their places are made up, the same every time.

use terrarium_view_model::{AssetView, GroundPoint, ParkView};

use crate::ground::smoothed;

/// Where one tree of a group stands, and how it differs from the mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TreePlace {
    pub at: GroundPoint,
    /// Against the mean height of the group.
    pub height_share: f32,
    /// About its trunk, in radians.
    pub turn: f32,
}

/// Places for the trees of a group: even, with a little disorder, off paths, waters and buildings.
pub fn trees(park: &ParkView, group: &AssetView, count: usize) -> Vec<TreePlace> {
    const TRIES_PER_TREE: usize = 12;
    let obstacles = Obstacles::of(park, group);
    let mut chance = Chance::seeded_by(&group.id);
    let start = (chance.share(), chance.share());
    let mut places = Vec::with_capacity(count);
    let mut spare = Vec::new();
    let [width, depth, _] = group.size_m;
    let spacing = (width * depth / count.max(1) as f32).sqrt();
    for step in 0..count * TRIES_PER_TREE {
        if places.len() == count {
            break;
        }
        let (x, y) = even_spread(step, start);
        let (x, y) = (2.0 * x - 1.0, 2.0 * y - 1.0);
        let place = TreePlace {
            at: turned(
                group,
                x * width / 2.0 + (chance.share() - 0.5) * spacing * 0.5,
                y * depth / 2.0 + (chance.share() - 0.5) * spacing * 0.5,
            ),
            height_share: 0.76 + 0.48 * chance.share(),
            turn: chance.share() * std::f32::consts::TAU,
        };
        let is_in_the_round = x.abs().powi(4) + y.abs().powi(4) < 1.05;
        if is_in_the_round && obstacles.leave_free(place.at, 0.9) {
            places.push(place);
        } else if obstacles.leave_free(place.at, 0.2) {
            spare.push(place);
        }
    }
    let missing = count - places.len();
    places.extend(spare.into_iter().take(missing));
    places
}

/// Places for lamps: along the path that they stand at, both sides in turn, where that gives them the distance that lamps
/// of paths have; else spread over their zone.
pub fn lamps(park: &ParkView, lighting: &AssetView, count: usize) -> Vec<GroundPoint> {
    const BELONGS_WITHIN_M: f32 = 6.0;
    const USUAL_APART_M: std::ops::Range<f32> = 3.0..25.0;
    let nearest = park
        .paths
        .iter()
        .map(|path| (distance_to_line(lighting.at, &path.line), path))
        .filter(|(distance, path)| {
            let apart_m = length(&path.line) / count.max(1) as f32;
            *distance < BELONGS_WITHIN_M && USUAL_APART_M.contains(&apart_m)
        })
        .min_by(|one, other| one.0.total_cmp(&other.0));
    match nearest {
        Some((_, path)) => along(&smoothed(&path.line), path.width_m / 2.0 + 0.7, count),
        None => in_zone(park, lighting, count),
    }
}

fn length(line: &[GroundPoint]) -> f32 {
    line.windows(2).map(|pair| distance(pair[0], pair[1])).sum()
}

fn along(line: &[GroundPoint], aside: f32, count: usize) -> Vec<GroundPoint> {
    let total = length(line);
    (0..count)
        .filter_map(|lamp| {
            let target = total * (lamp as f32 + 0.5) / count as f32;
            let side = if lamp % 2 == 0 { 1.0 } else { -1.0 };
            point_along(line, target, side * aside)
        })
        .collect()
}

fn point_along(line: &[GroundPoint], target: f32, aside: f32) -> Option<GroundPoint> {
    let mut travelled = 0.0;
    for pair in line.windows(2) {
        let length = distance(pair[0], pair[1]);
        if travelled + length >= target && length > 0.0 {
            let share = (target - travelled) / length;
            let east = (pair[1].east_m - pair[0].east_m) / length;
            let north = (pair[1].north_m - pair[0].north_m) / length;
            return Some(GroundPoint {
                east_m: pair[0].east_m + east * length * share - north * aside,
                north_m: pair[0].north_m + north * length * share + east * aside,
            });
        }
        travelled += length;
    }
    None
}

fn in_zone(park: &ParkView, lighting: &AssetView, count: usize) -> Vec<GroundPoint> {
    let outline = &park.zones[lighting.zone].outline;
    let obstacles = Obstacles::of(park, lighting);
    let start = (0.5, 0.5);
    let (low, high) = corners(outline, lighting.at);
    (0..count * 20)
        .map(|step| {
            let (x, y) = even_spread(step, start);
            GroundPoint {
                east_m: low.east_m + (high.east_m - low.east_m) * x,
                north_m: low.north_m + (high.north_m - low.north_m) * y,
            }
        })
        .filter(|point| obstacles.leave_free(*point, 0.4))
        .take(count)
        .collect()
}

/// What nothing may be planted on.
struct Obstacles<'a> {
    park: &'a ParkView,
    zone: &'a [GroundPoint],
}

impl<'a> Obstacles<'a> {
    fn of(park: &'a ParkView, asset: &AssetView) -> Obstacles<'a> {
        Obstacles {
            park,
            zone: &park.zones[asset.zone].outline,
        }
    }

    fn leave_free(&self, point: GroundPoint, margin: f32) -> bool {
        let is_in_zone = self.zone.is_empty() || contains(self.zone, point);
        let is_in_water = || {
            self.park
                .waters
                .iter()
                .any(|water| contains(&water.outline, point))
        };
        let is_on_path = || {
            self.park
                .paths
                .iter()
                .any(|path| distance_to_line(point, &path.line) < path.width_m / 2.0 + margin)
        };
        let is_on_an_asset = || {
            self.park.assets.iter().any(|asset| {
                let stands = asset.is_placed && stands_on_the_ground(asset);
                let [width, depth, _] = asset.size_m;
                let (east, north) = into_frame(asset, point);
                stands
                    && east.abs() < width / 2.0 + margin + 0.6
                    && north.abs() < depth / 2.0 + margin + 0.6
            })
        };
        is_in_zone && !is_in_water() && !is_on_path() && !is_on_an_asset()
    }
}

/// Whether an asset takes ground that nothing else can stand on.
fn stands_on_the_ground(asset: &AssetView) -> bool {
    use terrarium_model::AssetKind::{IrrigationZone, Lighting, TreeGroup};
    !matches!(asset.kind, TreeGroup | IrrigationZone | Lighting)
}

/// A point in the frame of an asset: east and north of its middle before it is turned.
fn into_frame(asset: &AssetView, point: GroundPoint) -> (f32, f32) {
    let (sine, cosine) = asset.turn_deg.to_radians().sin_cos();
    let (east, north) = (
        point.east_m - asset.at.east_m,
        point.north_m - asset.at.north_m,
    );
    (east * cosine - north * sine, east * sine + north * cosine)
}

/// A place in the frame of an asset, on the ground; turned clockwise as seen from above.
fn turned(asset: &AssetView, east: f32, north: f32) -> GroundPoint {
    let (sine, cosine) = asset.turn_deg.to_radians().sin_cos();
    GroundPoint {
        east_m: asset.at.east_m + east * cosine + north * sine,
        north_m: asset.at.north_m - east * sine + north * cosine,
    }
}

/// The R2 sequence: spreads evenly over the unit square however many are taken (Roberts 2018, "The unreasonable
/// effectiveness of quasirandom sequences"; from the plastic number).
fn even_spread(step: usize, start: (f32, f32)) -> (f32, f32) {
    const PLASTIC: f64 = 1.324_717_957_244_746;
    let at = |start: f32, stride: f64| (f64::from(start) + stride * step as f64).fract() as f32;
    (
        at(start.0, 1.0 / PLASTIC),
        at(start.1, 1.0 / (PLASTIC * PLASTIC)),
    )
}

/// Chance that is the same in every run: SplitMix64 (Steele, Lea, Flood 2014) seeded by a name.
struct Chance(u64);

impl Chance {
    /// FNV-1a of the name.
    fn seeded_by(name: &str) -> Chance {
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Chance(seed)
    }

    /// From 0 to below 1.
    fn share(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        (mixed >> 40) as f32 / (1_u64 << 24) as f32
    }
}

/// Whether a point lies within a polygon.
pub fn contains(outline: &[GroundPoint], point: GroundPoint) -> bool {
    let mut is_within = false;
    for (place, to) in outline.iter().enumerate() {
        let from = outline[(place + outline.len() - 1) % outline.len()];
        if (from.north_m > point.north_m) != (to.north_m > point.north_m) {
            let share = (point.north_m - from.north_m) / (to.north_m - from.north_m);
            if point.east_m < from.east_m + share * (to.east_m - from.east_m) {
                is_within = !is_within;
            }
        }
    }
    is_within
}

fn corners(outline: &[GroundPoint], fallback: GroundPoint) -> (GroundPoint, GroundPoint) {
    let Some(first) = outline.first() else {
        let reach = 15.0;
        let corner = |side: f32| GroundPoint {
            east_m: fallback.east_m + side * reach,
            north_m: fallback.north_m + side * reach,
        };
        return (corner(-1.0), corner(1.0));
    };
    outline.iter().fold((*first, *first), |(low, high), point| {
        (
            GroundPoint {
                east_m: low.east_m.min(point.east_m),
                north_m: low.north_m.min(point.north_m),
            },
            GroundPoint {
                east_m: high.east_m.max(point.east_m),
                north_m: high.north_m.max(point.north_m),
            },
        )
    })
}

fn distance(one: GroundPoint, other: GroundPoint) -> f32 {
    (one.east_m - other.east_m).hypot(one.north_m - other.north_m)
}

fn distance_to_line(point: GroundPoint, line: &[GroundPoint]) -> f32 {
    line.windows(2)
        .map(|pair| {
            let (east, north) = (
                pair[1].east_m - pair[0].east_m,
                pair[1].north_m - pair[0].north_m,
            );
            let squared = (east * east + north * north).max(1e-9);
            let along =
                (point.east_m - pair[0].east_m) * east + (point.north_m - pair[0].north_m) * north;
            let share = (along / squared).clamp(0.0, 1.0);
            let nearest = GroundPoint {
                east_m: pair[0].east_m + east * share,
                north_m: pair[0].north_m + north * share,
            };
            distance(point, nearest)
        })
        .fold(f32::INFINITY, f32::min)
}
