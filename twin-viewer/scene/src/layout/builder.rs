//! Builds the pieces of a park, one asset after the other.

use std::collections::BTreeMap;

use bevy::math::{EulerRot, Quat, Vec3};
use terrarium_model::{AssetKind, AssetParameters};
use terrarium_view_model::{AssetIndex, AssetView, GroundPoint, ParkView};

use super::{Anchor, LEAST_TREE_M, Layer, Layout, Piece, Place, Role, Tag, Tags};
use crate::ground::{above, disc, path, polygon, ribbon, smoothed, trench};
use crate::models::{self, LAMP_HEIGHT_M, Model, Motion, PanelField, Standing, TreeForm};
use crate::paint::{self, Paint};
use crate::placement;
use crate::shape::Shape;

/// Heights of what lies flat, so that nothing lies in the plane of another.
const SURROUNDINGS_M: f32 = -0.08;
const SITE_M: f32 = -0.03;
const ZONE_M: f32 = 0.0;
const KERB_M: f32 = 0.02;
const WATER_M: f32 = 0.04;
const PATH_M: f32 = 0.06;
const MARKING_M: f32 = 0.08;
const POOL_OF_LIGHT_M: f32 = 0.14;
const FLOW_M: f32 = 0.3;

pub(super) struct Builder<'a> {
    pub park: &'a ParkView,
    pub layout: Layout,
    /// Shapes of body, hull and moving parts by what decides them, so that equal assets share meshes.
    pub models: BTreeMap<String, KnownModel>,
    /// Coarser shapes that were modelled by hand, by the shape that they stand for.
    pub far: BTreeMap<usize, Vec<Shape>>,
}

#[derive(Clone)]
pub(super) struct KnownModel {
    body: usize,
    hull: usize,
    moving: Vec<(usize, models::MovingPart)>,
    top: f32,
}

impl Builder<'_> {
    pub(super) fn ground(&mut self) {
        let (low, high) = self.park.bounds();
        let middle = GroundPoint {
            east_m: (low.east_m + high.east_m) / 2.0,
            north_m: (low.north_m + high.north_m) / 2.0,
        };
        let reach = (high.east_m - low.east_m).hypot(high.north_m - low.north_m);
        self.surroundings(middle, reach);
        self.flat(
            &[polygon(&self.park.outline, SITE_M, paint::PAVED)],
            Tags::NOTHING,
        );
        for (index, zone) in self.park.zones.iter().enumerate() {
            let ground = polygon(&zone.outline, ZONE_M, self.paint_of_zone(index));
            self.flat(&[ground], self.layout.tags.zone(index));
            let mut kerb: Vec<Vec3> = zone
                .outline
                .iter()
                .map(|point| above(*point, KERB_M))
                .collect();
            kerb.extend(kerb.first().copied());
            let mut kerb = ribbon(&kerb, 0.3, paint::PLINTH);
            kerb.along.clear();
            self.flat(&[kerb], Tags::NOTHING);
        }
        for water in &self.park.waters {
            let mut ring = water.outline.clone();
            ring.extend(water.outline.first().copied());
            let smooth = smoothed(&ring);
            let mut shore: Vec<Vec3> = smooth
                .iter()
                .map(|point| above(*point, WATER_M - 0.01))
                .collect();
            shore.dedup();
            let mut shore = ribbon(&shore, 1.6, paint::SHORE);
            shore.along.clear();
            let open = &smooth[..smooth.len().saturating_sub(1)];
            self.flat(
                &[shore, polygon(open, WATER_M, paint::WATER)],
                Tags::NOTHING,
            );
        }
        let paths: Vec<Shape> = self
            .park
            .paths
            .iter()
            .enumerate()
            .map(|(number, way)| {
                // Each a hair above the last, so that crossings do not flicker.
                let height = PATH_M + 0.0005 * number as f32;
                path(&way.line, way.width_m, height, paint::PATH)
            })
            .collect();
        self.flat(&paths, Tags::NOTHING);
    }

    /// The land around the park in rings, as the renderer lets it fade into the sky by vertices.
    fn surroundings(&mut self, middle: GroundPoint, reach: f32) {
        const SIDES: usize = 48;
        let centre = above(middle, SURROUNDINGS_M);
        let mut shape = Shape::new();
        let radii = [0.0, 0.6, 0.9, 1.4, 2.2, 3.4, 5.0, 7.5, 12.0].map(|share| share * reach);
        for pair in radii.windows(2) {
            for side in 0..SIDES {
                let corner = |side: usize, radius: f32| {
                    let angle = side as f32 / SIDES as f32 * std::f32::consts::TAU;
                    centre + Vec3::new(radius * angle.cos(), 0.0, -radius * angle.sin())
                };
                let (a, b) = (corner(side, pair[0]), corner(side, pair[1]));
                let (c, d) = (corner(side + 1, pair[1]), corner(side + 1, pair[0]));
                let corners = if pair[0] == 0.0 {
                    vec![a, b, c]
                } else {
                    vec![a, b, c, d]
                };
                shape.face(&corners, paint::SURROUNDINGS);
            }
        }
        self.flat(&[shape], Tags::NOTHING);
    }

    /// Green where something grows: the definition says so by its trees and its irrigation.
    fn paint_of_zone(&self, zone: usize) -> Paint {
        let grows = |asset: &AssetView| {
            matches!(asset.kind, AssetKind::TreeGroup | AssetKind::IrrigationZone)
                && asset.zone == zone
        };
        match self.park.assets.iter().any(grows) {
            true if zone.is_multiple_of(2) => paint::GREEN,
            true => paint::GREEN_OTHER,
            false => paint::PAVED,
        }
    }

    fn flat(&mut self, shapes: &[Shape], tag: Tag) {
        let mut merged = Shape::new();
        shapes.iter().for_each(|shape| {
            merged.append(shape);
        });
        self.add(merged, Layer::Ground, None, tag, Place::ORIGIN, Role::Still);
    }

    fn add(
        &mut self,
        shape: Shape,
        layer: Layer,
        asset: Option<AssetIndex>,
        tag: Tag,
        place: Place,
        role: Role,
    ) {
        if !shape.is_empty() {
            let shape = self.keep(shape);
            self.piece(shape, layer, asset, tag, place, role);
        }
    }

    fn keep(&mut self, shape: Shape) -> usize {
        self.layout.shapes.push(shape);
        self.layout.shapes.len() - 1
    }

    fn piece(
        &mut self,
        shape: usize,
        layer: Layer,
        asset: Option<AssetIndex>,
        tag: Tag,
        place: Place,
        role: Role,
    ) {
        self.layout.pieces.push(Piece {
            shape,
            layer,
            asset,
            tag,
            place,
            role,
        });
    }

    pub(super) fn asset(&mut self, index: AssetIndex, asset: &AssetView) {
        let [width, depth, height] = asset.size_m;
        let foot = above(asset.at, asset.raised_m.max(0.0));
        let mut anchor = Anchor {
            foot,
            top: foot + Vec3::Y * height,
            radius: width.max(depth) / 2.0,
        };
        match &asset.parameters {
            AssetParameters::TreeGroup { count, species } => {
                self.trees(index, asset, *count, species);
                anchor.top = foot + Vec3::Y * height.max(LEAST_TREE_M);
            }
            AssetParameters::Lighting { lamps } => {
                self.lamps(index, asset, *lamps);
                anchor.top = foot + Vec3::Y * LAMP_HEIGHT_M;
                anchor.radius = 1.0;
            }
            _ => {
                let (place, known) = self.model(asset);
                self.stand(index, place, &known);
                anchor.top = place.at + Vec3::Y * known.top;
                if asset.kind == AssetKind::Charger {
                    self.bay(index, place);
                }
                if asset.kind == AssetKind::IrrigationZone {
                    anchor.radius = 1.0;
                }
            }
        }
        self.layout.anchors.push(anchor);
    }

    fn stand(&mut self, index: AssetIndex, place: Place, known: &KnownModel) {
        let tag = self.layout.tags.asset(index);
        self.piece(
            known.body,
            Layer::Clay,
            Some(index),
            tag,
            place,
            Role::Still,
        );
        self.piece(known.hull, Layer::Shadow, None, tag, place, Role::Still);
        for (shape, part) in &known.moving {
            let part_place = Place {
                at: place.at + place.turn * part.at,
                turn: place.turn * part.turn,
                scale: 1.0,
            };
            let role = Role::Moves(part.motion);
            self.piece(*shape, Layer::Clay, Some(index), tag, part_place, role);
            if part.throws_shadow {
                self.piece(*shape, Layer::Shadow, None, tag, part_place, role);
            }
        }
    }

    /// The model of an asset that is one thing, and where it stands.
    fn model(&mut self, asset: &AssetView) -> (Place, KnownModel) {
        let [width, depth, height] = asset.size_m;
        let size = Vec3::new(width, height, depth);
        let mut raised = asset.raised_m.max(0.0);
        let mut clockwise_deg = asset.turn_deg;
        let (key, build): (String, Box<dyn Fn() -> Model>) = match &asset.parameters {
            AssetParameters::Pv {
                tilt_deg,
                azimuth_deg,
            } => {
                let standing = self.standing(asset);
                if let Standing::Posts { .. } = standing {
                    raised = 0.0;
                }
                clockwise_deg += (*azimuth_deg - 180) as f32;
                let field = PanelField {
                    width,
                    depth,
                    tilt_deg: *tilt_deg as f32,
                    standing,
                };
                (
                    format!("{field:?}"),
                    Box::new(move || models::panels(&field)),
                )
            }
            AssetParameters::SolarThermal {
                tilt_deg,
                azimuth_deg,
                ..
            } => {
                clockwise_deg += (*azimuth_deg - 180) as f32;
                let tilt_deg = *tilt_deg as f32;
                (
                    format!("collector {width} {depth} {tilt_deg}"),
                    Box::new(move || models::collector(width, depth, tilt_deg)),
                )
            }
            AssetParameters::Wind {
                hub_height_m,
                rotor_m,
            } => {
                let (hub_m, rotor_m) = (*hub_height_m as f32, *rotor_m as f32);
                (
                    format!("turbine {hub_m} {rotor_m}"),
                    Box::new(move || models::wind_turbine(hub_m, rotor_m)),
                )
            }
            AssetParameters::Tank { .. } if asset.raised_m < 0.0 => (
                format!("buried {size}"),
                Box::new(move || models::buried_tank(size)),
            ),
            AssetParameters::IrrigationZone { .. } => {
                ("sprinkler".to_owned(), Box::new(models::sprinkler))
            }
            _ => {
                let build = plain_model(asset.kind);
                (
                    format!("{:?} {size}", asset.kind),
                    Box::new(move || build(size)),
                )
            }
        };
        let known = self.known(key, &*build);
        let place = Place {
            at: above(asset.at, raised),
            turn: Quat::from_euler(EulerRot::YXZ, -clockwise_deg.to_radians(), 0.0, 0.0),
            scale: 1.0,
        };
        (place, known)
    }

    fn known(&mut self, key: String, build: &dyn Fn() -> Model) -> KnownModel {
        if let Some(known) = self.models.get(&key) {
            return known.clone();
        }
        let model = build();
        let tops = model
            .moving
            .iter()
            .map(|part| part.at.y + part.shape.bounds().1.y);
        let top = tops.fold(model.body.bounds().1.y, f32::max);
        let body = self.keep(model.body);
        if !model.far.is_empty() {
            self.far.insert(body, model.far);
        }
        let known = KnownModel {
            body,
            hull: self.keep(model.hull),
            moving: model
                .moving
                .into_iter()
                .map(|mut part| {
                    let shape = std::mem::take(&mut part.shape);
                    (self.keep(shape), part)
                })
                .collect(),
            top,
        };
        self.models.insert(key, known.clone());
        known
    }

    /// On the roof of a building that ends near below, else on posts, else on the ground.
    fn standing(&self, asset: &AssetView) -> Standing {
        const NEAR_M: f32 = 1.5;
        let is_on_a_roof = self.park.assets.iter().any(|building| {
            let [width, depth, height] = building.size_m;
            let top = building.raised_m + height;
            let east = (asset.at.east_m - building.at.east_m).abs();
            let north = (asset.at.north_m - building.at.north_m).abs();
            building.kind == AssetKind::Building
                && (asset.raised_m - top).abs() < NEAR_M
                && east < width / 2.0
                && north < depth / 2.0
        });
        if is_on_a_roof || asset.raised_m < 0.8 {
            Standing::Roof
        } else {
            Standing::Posts {
                height: asset.raised_m,
            }
        }
    }

    /// The bay of a charger north of it, with the car that comes and goes.
    fn bay(&mut self, index: AssetIndex, charger: Place) {
        let tag = self.layout.tags.asset(index);
        let mut lines = Shape::new();
        for (least, most) in [
            ((-1.4, -6.4), (-1.28, -0.9)),
            ((1.28, -6.4), (1.4, -0.9)),
            ((-1.28, -1.02), (1.28, -0.9)),
        ] {
            let corner = |east: f32, south: f32| Vec3::new(east, MARKING_M, south);
            lines.face(
                &[
                    corner(least.0, most.1),
                    corner(most.0, most.1),
                    corner(most.0, least.1),
                    corner(least.0, least.1),
                ],
                paint::MARKING,
            );
        }
        let place = Place {
            at: charger.at,
            ..charger
        };
        self.add(
            lines,
            Layer::Ground,
            None,
            Tags::NOTHING,
            place,
            Role::Still,
        );

        let car = self.known("car".to_owned(), &|| {
            let body = models::car();
            let mut hull = Shape::new();
            hull.block(Vec3::Y * 0.3, Vec3::new(4.2, 0.6, 1.7), paint::CAR);
            hull.block(
                Vec3::new(0.3, 0.9, 0.0),
                Vec3::new(2.2, 0.5, 1.4),
                paint::CAR,
            );
            Model {
                body,
                hull,
                ..Model::default()
            }
        });
        let car_place = Place {
            at: charger.at + charger.turn * Vec3::new(0.0, 0.0, -3.5),
            // Nose towards the charger.
            turn: charger.turn * Quat::from_rotation_y(std::f32::consts::FRAC_PI_2),
            scale: 1.0,
        };
        let role = Role::Moves(Motion::Car);
        self.piece(car.body, Layer::Clay, Some(index), tag, car_place, role);
        self.piece(car.hull, Layer::Shadow, None, tag, car_place, role);

        let cable = [Vec3::new(0.0, 0.95, -0.2), Vec3::new(0.0, 0.95, -1.4)];
        let cable = ribbon(&cable, 0.5, paint::MARKING);
        self.add(cable, Layer::Flow, Some(index), tag, charger, Role::Cable);
    }

    fn trees(&mut self, index: AssetIndex, asset: &AssetView, count: i64, species: &str) {
        /// More trees of one group than this are not drawn; nobody could tell.
        const MOST_TREES: i64 = 20_000;
        let form = TreeForm::of_species(species);
        let known = self.known(format!("tree {form:?}"), &|| models::tree(form));
        let tag = self.layout.tags.asset(index);
        let mean_m = asset.size_m[2].max(LEAST_TREE_M);
        self.layout.built_trees_m[index.0 as usize] = mean_m;
        let places = placement::trees(self.park, asset, count.clamp(0, MOST_TREES) as usize);
        for (number, tree) in (0..).zip(places) {
            let place = Place {
                at: above(tree.at, 0.0),
                turn: Quat::from_rotation_y(tree.turn),
                scale: mean_m * tree.height_share,
            };
            let role = Role::Tree {
                height_share: tree.height_share,
                number,
            };
            self.piece(known.body, Layer::Clay, Some(index), tag, place, role);
            self.piece(known.hull, Layer::Shadow, Some(index), tag, place, role);
        }
    }

    fn lamps(&mut self, index: AssetIndex, asset: &AssetView, count: i64) {
        const MOST_LAMPS: i64 = 2_000;
        let tag = self.layout.tags.asset(index);
        let known = self.known("lamp".to_owned(), &models::lamp);
        let places = placement::lamps(self.park, asset, count.clamp(0, MOST_LAMPS) as usize);
        let mut pools = Shape::new();
        for at in places {
            let place = Place {
                at: above(at, 0.0),
                turn: Quat::IDENTITY,
                scale: 1.0,
            };
            self.stand(index, place, &known);
            let light = Paint::matt(0xfff0dc).vertex_color();
            let dark = [0.0, 0.0, 0.0, 1.0];
            pools.append(&disc(above(at, POOL_OF_LIGHT_M), 8.0, 16, light, dark));
        }
        self.add(pools, Layer::Glow, None, tag, Place::ORIGIN, Role::Still);
    }

    pub(super) fn lines(&mut self) {
        const WIDTH_M: f32 = 1.3;
        for (number, connection) in self.park.connections.iter().enumerate() {
            let to = self.park.asset(connection.to).at;
            let from = match connection.from {
                Some(asset) => self.park.asset(asset).at,
                // The grid's line comes in from the nearer side of the park.
                None => {
                    let (low, high) = self.park.bounds();
                    let is_west = to.east_m - low.east_m < high.east_m - to.east_m;
                    let east_m = if is_west {
                        low.east_m - 60.0
                    } else {
                        high.east_m + 60.0
                    };
                    GroundPoint { east_m, ..to }
                }
            };
            let height = FLOW_M + 0.002 * number as f32;
            let line: Vec<Vec3> = trench(from, to, number)
                .into_iter()
                .map(|point| above(point, height))
                .collect();
            let shape = ribbon(&line, WIDTH_M, paint::PLINTH);
            let role = Role::Line {
                kind: connection.kind,
                connection: number,
            };
            let tag = self.layout.tags.connection(number);
            self.add(shape, Layer::Flow, None, tag, Place::ORIGIN, role);
        }
    }
}

fn plain_model(kind: AssetKind) -> fn(Vec3) -> Model {
    match kind {
        AssetKind::Building => models::building,
        AssetKind::Battery => models::battery,
        AssetKind::Charger => models::charger,
        AssetKind::ConnectionPoint => models::substation,
        AssetKind::DcBus => models::cabinet,
        AssetKind::Tank => models::tank,
        AssetKind::Fixture => models::fixture,
        AssetKind::Bin => models::bin,
        AssetKind::CompostBay => models::compost_bay,
        AssetKind::HeatPump => models::heat_pump,
        AssetKind::Chiller => models::chiller,
        AssetKind::Display => models::display,
        AssetKind::WeatherStation => models::weather_station,
        AssetKind::EntranceCounter => models::counter,
        AssetKind::Vehicle | AssetKind::Shuttle => models::vehicle,
        _ => models::machine,
    }
}
