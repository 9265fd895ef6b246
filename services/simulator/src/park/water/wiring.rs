//! From a park definition to tanks, fixtures and zones.

use std::collections::BTreeMap;

use terrarium_model::{
    AssetId, AssetKind, AssetParameters, ConnectionKind, ParkDefinition, WaterClass,
};

use super::{Fixture, Tank, Water, Zone};
use crate::park::plan;
use crate::park::register::Register;
use crate::physics::rain::Surface;
use crate::physics::soil::{Planting, Soil};

/// Litres for each visitor. Calibrated, so that the toilet building of Haotian takes its published 0.3 m3 of fresh water for
/// 1,000 visitors a day; flushing is assumed (0.6 uses of 3 l).
const WASHING_L: f64 = 0.32;
const FLUSHING_L: f64 = 1.8;
/// The same for each fixture of a place of work on a working day. Assumed.
const WORKPLACE_TAP_L_PER_DAY: f64 = 60.0;
const WORKPLACE_FLUSH_L_PER_DAY: f64 = 90.0;

impl Water {
    pub(super) fn add_tanks(&mut self, park: &ParkDefinition) -> BTreeMap<AssetId, usize> {
        let tanks: Vec<_> = plan::of_kind(park, AssetKind::Tank).collect();
        let places: BTreeMap<AssetId, usize> = tanks
            .iter()
            .enumerate()
            .map(|(place, tank)| (tank.id.clone(), place))
            .collect();
        let planted = plan::planted_zones(park);
        let waters_zones = |id: &AssetId| {
            plan::of_kind(park, AssetKind::IrrigationZone).any(|zone| {
                matches!(&zone.parameters, AssetParameters::IrrigationZone { tank, .. } if tank == id)
            })
        };
        for asset in tanks {
            let AssetParameters::Tank {
                capacity_l,
                reserve_l,
                water,
            } = asset.parameters
            else {
                continue;
            };
            let sources = plan::sources(park, ConnectionKind::Water, &asset.id);
            let upstream = sources
                .iter()
                .find_map(|source| places.get(&source.id).copied());
            let downstream = plan::targets(park, ConnectionKind::Water, &asset.id)
                .iter()
                .find_map(|target| places.get(&target.id).copied());
            let is_rain = water == WaterClass::Rain;
            let mut catchments: Vec<(Surface, f64)> = sources
                .iter()
                .filter(|source| source.kind == AssetKind::Building)
                .map(|building| (Surface::Roof, plan::roof_m2(building)))
                .collect();
            if catchments.is_empty() {
                let is_planted = planted.contains(asset.zone.as_str());
                let surface = if is_planted {
                    Surface::Planted
                } else {
                    Surface::Paved
                };
                catchments.push((surface, plan::zone_area_m2(park, asset.zone.as_str())));
            }
            self.tanks.push(Tank {
                id: asset.id.clone(),
                capacity_l,
                reserve_l,
                water,
                level_l: reserve_l + (capacity_l - reserve_l) / 2,
                catchments: if is_rain { catchments } else { Vec::new() },
                caught: Register::default(),
                spills_to: downstream.filter(|_| is_rain),
                filled_from: upstream.filter(|_| !is_rain),
                is_filled_by_main: (!is_rain && upstream.is_none())
                    || (is_rain && waters_zones(&asset.id)),
                is_filling: false,
                is_unfit: false,
                promised_l: 0,
                flows: BTreeMap::new(),
            });
        }
        places
    }

    pub(super) fn add_fixtures(
        &mut self,
        park: &ParkDefinition,
        places: &BTreeMap<AssetId, usize>,
    ) {
        let drinking_count: i64 = plan::of_kind(park, AssetKind::Fixture)
            .filter_map(|asset| match asset.parameters {
                AssetParameters::Fixture {
                    count,
                    water: WaterClass::Drinking,
                    ..
                } => Some(count),
                _ => None,
            })
            .sum();
        for asset in plan::of_kind(park, AssetKind::Fixture) {
            let AssetParameters::Fixture { count, water, tank } = &asset.parameters else {
                continue;
            };
            let is_drinking = *water == WaterClass::Drinking;
            let (per_visitor_l, per_workday_l) =
                match (plan::is_workplace(park, asset), is_drinking) {
                    (true, true) => (0.0, WORKPLACE_TAP_L_PER_DAY * *count as f64),
                    (true, false) => (0.0, WORKPLACE_FLUSH_L_PER_DAY * *count as f64),
                    (false, true) => (
                        WASHING_L * *count as f64 / drinking_count as f64 * 1.15,
                        0.0,
                    ),
                    (false, false) => (FLUSHING_L, 0.0),
                };
            self.fixtures.push(Fixture {
                id: asset.id.clone(),
                tank: tank.as_ref().map(|tank| places[tank]),
                per_visitor_l,
                per_workday_l,
                register: Register::default(),
            });
        }
    }

    pub(super) fn add_zones(&mut self, park: &ParkDefinition, places: &BTreeMap<AssetId, usize>) {
        for asset in plan::of_kind(park, AssetKind::IrrigationZone) {
            let AssetParameters::IrrigationZone { area_m2, tank } = &asset.parameters else {
                continue;
            };
            let has_trees =
                plan::of_kind(park, AssetKind::TreeGroup).any(|trees| trees.zone == asset.zone);
            let planting = if has_trees {
                Planting::WOOD
            } else {
                Planting::LAWN
            };
            self.zones.push(Zone {
                id: asset.id.clone(),
                tank: places[tank],
                area_m2: *area_m2 as f64,
                soil: Soil::new(planting),
                given_today_l: 0,
                watering: None,
            });
        }
    }
}
