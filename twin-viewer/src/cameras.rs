//! Cameras by name. Pure.

use terrarium_view_model::{CameraPose, GroundPoint, ParkView};

/// A camera that the park does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no camera `{name}`: take home, top, north, east, south, west, a zone ({zones}), or the id of an asset"
)]
pub struct UnknownCamera {
    pub name: String,
    pub zones: String,
}

/// The view that a name stands for.
pub fn named(park: &ParkView, name: &str) -> Result<CameraPose, UnknownCamera> {
    let home = CameraPose::home(park);
    let from = |heading_deg: f32| CameraPose {
        heading_deg,
        pitch_deg: 30.0,
        distance_m: home.distance_m * 0.9,
        ..home
    };
    match name {
        "home" => return Ok(home),
        "top" => {
            return Ok(CameraPose {
                pitch_deg: CameraPose::MOST_PITCH_DEG,
                distance_m: home.distance_m * 1.05,
                ..home
            });
        }
        // Named by where one stands.
        "south" => return Ok(from(0.0)),
        "west" => return Ok(from(90.0)),
        "north" => return Ok(from(180.0)),
        "east" => return Ok(from(270.0)),
        _ => {}
    }
    if let Some(zone) = park.zones.iter().find(|zone| zone.id == name)
        && !zone.outline.is_empty()
    {
        return Ok(over(&zone.outline));
    }
    if let Some(asset) = park.index_of(name) {
        return Ok(CameraPose::towards(park, asset, 20.0).held_in());
    }
    let zones: Vec<&str> = park.zones.iter().map(|zone| zone.id.as_str()).collect();
    Err(UnknownCamera {
        name: name.to_owned(),
        zones: zones.join(", "),
    })
}

fn over(outline: &[GroundPoint]) -> CameraPose {
    let east = outline.iter().map(|point| point.east_m);
    let north = outline.iter().map(|point| point.north_m);
    let least = |values: &mut dyn Iterator<Item = f32>| values.fold(f32::MAX, f32::min);
    let most = |values: &mut dyn Iterator<Item = f32>| values.fold(f32::MIN, f32::max);
    let (west, east) = (least(&mut east.clone()), most(&mut east.clone()));
    let (south, north) = (least(&mut north.clone()), most(&mut north.clone()));
    CameraPose {
        target: GroundPoint {
            east_m: (west + east) / 2.0,
            north_m: (south + north) / 2.0,
        },
        distance_m: (east - west).max(north - south).max(20.0) * 1.25,
        pitch_deg: 34.0,
        heading_deg: 18.0,
    }
}
