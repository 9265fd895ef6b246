//! What each kind of asset looks like: one merged body, its moving parts apart, and a plain hull that throws its shadow.
//!
//! All models stand on the origin: x is east, y up and z south, front towards the south.

mod building;
mod climate;
mod power;
mod solar;
mod street;
mod trees;
mod waste;
mod water;

use bevy::math::{Quat, Vec3};

use crate::shape::Shape;

pub use building::building;
pub use climate::{chiller, heat_pump};
pub use power::{battery, cabinet, car, charger, machine, substation, vehicle, wind_turbine};
pub use solar::{PanelField, Standing, collector, panels};
pub use street::{LAMP_HEIGHT_M, counter, display, lamp, weather_station};
pub use trees::{TreeForm, tree};
pub use waste::{bin, compost_bay};
pub use water::{buried_tank, fixture, sprinkler, tank};

/// An asset of one kind and size.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    pub body: Shape,
    /// What throws the shadow: fewer faces than the body.
    pub hull: Shape,
    pub moving: Vec<MovingPart>,
    /// The body from afar, at the levels of detail above 0, where leaving out what is small would not do.
    pub far: Vec<Shape>,
}

/// A part that moves on its own.
#[derive(Debug, Clone, PartialEq)]
pub struct MovingPart {
    pub motion: Motion,
    pub shape: Shape,
    pub at: Vec3,
    pub turn: Quat,
    pub throws_shadow: bool,
}

/// How a part moves.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Motion {
    /// Turns about an axis of its own frame.
    Spin(Vec3),
    /// Grows from its origin along an axis of its own frame: full at its built length.
    Gauge(Vec3),
    /// Stands there only while a charging session runs.
    Car,
}

impl Model {
    fn solid(body: Shape) -> Model {
        let hull = box_hull(&body);
        Model {
            body,
            hull,
            ..Model::default()
        }
    }

    fn with_gauge(mut self, axis: Vec3, shape: Shape, at: Vec3) -> Model {
        self.moving.push(MovingPart {
            motion: Motion::Gauge(axis),
            shape,
            at,
            turn: Quat::IDENTITY,
            throws_shadow: false,
        });
        self
    }
}

/// The box around a shape.
fn box_hull(shape: &Shape) -> Shape {
    let (least, most) = shape.bounds();
    let mut hull = Shape::new();
    if !shape.is_empty() {
        hull.cuboid(least, most, crate::paint::WALL);
    }
    hull
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shape::soundness::*;

    /// The least and greatest corner of what an asset of a size may fill.
    fn room(size: Vec3) -> (Vec3, Vec3) {
        (
            Vec3::new(-size.x / 2.0, 0.0, -size.z / 2.0),
            Vec3::new(size.x / 2.0, size.y, size.z / 2.0),
        )
    }

    fn models_with_sizes() -> Vec<(&'static str, Model, Vec3)> {
        let sized = |x, y, z| Vec3::new(x, y, z);
        let field = PanelField {
            width: 15.0,
            depth: 2.6,
            tilt_deg: 10.0,
            standing: Standing::Posts { height: 3.2 },
        };
        let roof = PanelField {
            width: 62.0,
            depth: 64.0,
            tilt_deg: 8.0,
            standing: Standing::Roof,
        };
        vec![
            (
                "visitor centre",
                building(sized(34.0, 5.2, 15.0)),
                sized(34.0, 5.2, 15.0),
            ),
            (
                "office tower",
                building(sized(110.0, 28.0, 38.0)),
                sized(110.0, 28.0, 38.0),
            ),
            ("hut", building(sized(2.0, 2.2, 2.0)), sized(2.0, 2.2, 2.0)),
            (
                "battery",
                battery(sized(6.0, 2.6, 2.4)),
                sized(6.0, 2.6, 2.4),
            ),
            (
                "charger",
                charger(sized(0.8, 1.9, 0.6)),
                sized(0.8, 1.9, 0.6),
            ),
            (
                "cabinet",
                cabinet(sized(2.4, 2.1, 0.8)),
                sized(2.4, 2.1, 0.8),
            ),
            (
                "substation",
                substation(sized(3.0, 2.2, 2.0)),
                sized(3.0, 2.2, 2.0),
            ),
            (
                "machine",
                machine(sized(3.2, 2.4, 1.8)),
                sized(3.2, 2.4, 1.8),
            ),
            ("tank", tank(sized(4.0, 2.6, 4.0)), sized(4.0, 2.6, 4.0)),
            (
                "square tank",
                tank(sized(3.0, 2.2, 2.0)),
                sized(3.0, 2.2, 2.0),
            ),
            (
                "buried tank",
                buried_tank(sized(16.0, 2.6, 10.0)),
                sized(16.0, 1.6, 10.0),
            ),
            (
                "fixture",
                fixture(sized(0.6, 1.1, 0.6)),
                sized(0.6, 1.1, 0.6),
            ),
            ("sprinkler", sprinkler(), sized(1.2, 0.9, 1.2)),
            ("bin", bin(sized(1.1, 1.4, 0.8)), sized(1.1, 1.4, 0.8)),
            (
                "compost bay",
                compost_bay(sized(6.0, 1.8, 4.0)),
                sized(6.0, 1.8, 4.0),
            ),
            (
                "heat pump",
                heat_pump(sized(1.2, 1.6, 1.0)),
                sized(1.2, 1.6, 1.0),
            ),
            (
                "big heat pump",
                heat_pump(sized(8.0, 3.0, 4.0)),
                sized(8.0, 3.0, 4.0),
            ),
            (
                "chiller",
                chiller(sized(8.0, 4.0, 5.0)),
                sized(8.0, 4.0, 5.0),
            ),
            (
                "display",
                display(sized(6.0, 4.0, 0.6)),
                sized(6.0, 4.0, 0.6),
            ),
            (
                "weather station",
                weather_station(sized(1.5, 4.0, 1.5)),
                sized(1.5, 4.0, 1.5),
            ),
            (
                "counter",
                counter(sized(3.0, 1.2, 0.4)),
                sized(3.0, 1.2, 0.4),
            ),
            (
                "shuttle",
                vehicle(sized(6.0, 2.4, 2.2)),
                sized(6.0, 2.4, 2.2),
            ),
            ("lamp", lamp(), sized(1.8, LAMP_HEIGHT_M, 1.8)),
            ("panels", panels(&field), sized(15.0, 4.0, 2.7)),
            ("roof panels", panels(&roof), sized(62.0, 2.0, 64.0)),
            ("collector", collector(6.0, 4.0, 40.0), sized(6.0, 3.2, 4.0)),
            (
                "turbine",
                wind_turbine(90.0, 121.0),
                sized(121.0, 151.0, 121.0),
            ),
            (
                "small turbine",
                wind_turbine(18.0, 7.0),
                sized(7.0, 22.0, 7.0),
            ),
        ]
    }

    #[test]
    fn every_model_is_closed_looks_outward_and_stays_within_its_size() {
        for (name, model, size) in models_with_sizes() {
            let (least, most) = room(size);
            assert_closed(&model.body, name);
            assert_normals_follow_winding(&model.body, name);
            assert!(volume(&model.body) > 0.0, "{name} is inside out");
            assert_within(&model.body, least, most, name);
            assert_closed(&model.hull, name);
            assert!(
                model.hull.triangles() <= model.body.triangles().max(12),
                "{name}'s hull is finer than it"
            );
            for part in &model.moving {
                assert_closed(&part.shape, name);
                assert_normals_follow_winding(&part.shape, name);
                assert!(volume(&part.shape) > 0.0, "a part of {name} is inside out");
            }
        }
    }

    #[test]
    fn every_model_keeps_to_its_budget_of_triangles() {
        for (name, model, _) in models_with_sizes() {
            let moving: usize = model.moving.iter().map(|part| part.shape.triangles()).sum();
            let triangles = model.body.triangles() + moving;
            assert!(
                (12..=1_200).contains(&triangles),
                "{name} has {triangles} triangles"
            );
        }
    }

    #[test]
    fn cars_and_trees_are_closed_and_cheap() {
        let car = car();
        assert_closed(&car, "car");
        assert_normals_follow_winding(&car, "car");
        assert!((100..=400).contains(&car.triangles()));
        for form in TreeForm::ALL {
            let model = tree(form);
            assert_closed(&model.body, "tree");
            assert_normals_follow_winding(&model.body, "tree");
            assert!(
                model.body.triangles() <= 80,
                "{form:?} has {}",
                model.body.triangles()
            );
            assert_within(
                &model.body,
                Vec3::new(-0.5, 0.0, -0.5),
                Vec3::new(0.5, 1.0, 0.5),
                "tree",
            );
        }
    }
}
