//! From the state of the park to how its parts stand and look. Pure.

use bevy::prelude::Vec3;
use terrarium_model::{AssetKind, ConnectionKind};
use terrarium_render::Look;
use terrarium_scene::{Pose, Poses, Tags};
use terrarium_view_model::color::{Rgb, of_priority};
use terrarium_view_model::{AssetIndex, AssetState, AssetView, Overlay, OverlayCell, ViewState};

/// Fans of heat pumps and chillers while they run, in radians a second. For the eye only.
const FAN_SPIN: f32 = 7.0;
/// A value covers the clay whole, so that its colour in the picture is that of the scale.
const TINT_SHARE: f32 = 1.0;

/// How all parts stand.
pub fn poses(state: &ViewState) -> Poses {
    let Some(park) = state.park() else {
        return Poses::default();
    };
    let assets = park
        .indexed()
        .map(|(index, asset)| {
            state
                .state_of(index)
                .map(|of| pose(asset, of))
                .unwrap_or_default()
        })
        .collect();
    Poses {
        assets,
        networks: networks(state.shown_overlay()),
    }
}

fn pose(asset: &AssetView, state: &AssetState) -> Pose {
    let spin_rad_per_s = match asset.kind {
        AssetKind::Wind => state.rotor_rpm.unwrap_or(0.0) * std::f32::consts::TAU / 60.0,
        _ if state.power_w.is_some_and(|power_w| power_w > 0) => FAN_SPIN,
        _ => 0.0,
    };
    Pose {
        full: state.full,
        spin_rad_per_s,
        has_car: state.session.is_some(),
        tree_height_m: state
            .trees
            .and_then(|trees| trees.height_cm)
            .map(|height_cm| height_cm as f32 / 100.0),
        living_trees: state
            .trees
            .map(|trees| trees.living.clamp(0, i64::from(u32::MAX)) as u32),
    }
}

/// Which lines an overlay brings to light.
fn networks(overlay: Overlay) -> Vec<ConnectionKind> {
    match overlay {
        Overlay::Power | Overlay::CarbonIntensity | Overlay::Imbalance => {
            vec![ConnectionKind::Electric]
        }
        Overlay::Water => vec![ConnectionKind::Water],
        Overlay::WasteFill => vec![ConnectionKind::Waste],
        Overlay::None | Overlay::StateOfCharge | Overlay::DataQuality => Vec::new(),
    }
}

/// The look of every tag.
pub fn looks(state: &ViewState, hovered: Option<AssetIndex>) -> Vec<(terrarium_scene::Tag, Look)> {
    let Some(park) = state.park() else {
        return Vec::new();
    };
    let tags = Tags::of(park);
    let mut looks = Vec::with_capacity(tags.count() as usize);
    for (index, asset) in park.indexed() {
        let of = state.state_of(index);
        let mut look = look_of_asset(state, index, of);
        if state.selection.contains(index) {
            look.emphasis = 0.75;
        } else if hovered == Some(index) {
            look.emphasis = 0.35;
        }
        if asset.kind == AssetKind::Charger {
            // The cable: towards the car, or out of it.
            let power_w = of
                .and_then(|of| of.session)
                .map_or(0, |session| session.power_w);
            look.flow_m_per_s = speed(power_w as f32, asset.rated_w);
        }
        looks.push((tags.asset(index), look));
        if asset.kind == AssetKind::IrrigationZone {
            let ground = Look {
                tint_share: look.tint_share
                    * if state.shown_overlay() == Overlay::Water {
                        0.55
                    } else {
                        0.0
                    },
                emphasis: 0.0,
                ..look
            };
            looks.push((tags.zone(asset.zone), ground));
        }
    }
    for number in 0..park.connections.len() {
        looks.push((tags.connection(number), look_of_line(state, number)));
    }
    looks
}

/// Every asset in the colour of its number, from 1 in the order of the ids; what is no asset is black. Five bits a channel,
/// as no driver keeps all eight.
pub fn numbers(state: &ViewState) -> Vec<(terrarium_scene::Tag, Look)> {
    let Some(park) = state.park() else {
        return Vec::new();
    };
    let tags = Tags::of(park);
    let mut looks: Vec<(terrarium_scene::Tag, Look)> = (0..tags.count())
        .map(|tag| (terrarium_scene::Tag(tag), Look::default()))
        .collect();
    for (index, _) in park.indexed() {
        let number = index.0 + 1;
        let channel = |shift: u32| (((number >> shift) & 31) * 8 + 4) as u8;
        let look = Look {
            tint: linear(Rgb([channel(10), channel(5), channel(0)])),
            tint_share: 1.0,
            ..Look::default()
        };
        looks.push((tags.asset(index), look));
    }
    looks
}

fn look_of_asset(state: &ViewState, index: AssetIndex, of: Option<&AssetState>) -> Look {
    let mut look = Look::default();
    let Some(of) = of else {
        return look;
    };
    if of.quality.is_some() {
        look.fade = 1.0 - of.fade;
    }
    let cell = state
        .overlay_view()
        .and_then(|view| view.values.get(index.0 as usize).copied().flatten());
    if let Some(cell) = cell {
        look.tint = linear(cell.color());
        look.tint_share = match cell {
            OverlayCell::NoData => 0.5,
            OverlayCell::Value(value) if value.is_doubtful => 0.6,
            OverlayCell::Value(_) => TINT_SHARE,
        };
    }
    // An alarm is seen in every overlay.
    if let Some(alarm) = of.alarm {
        look.tint = linear(of_priority(alarm.priority));
        look.tint_share = if alarm.is_unacknowledged {
            TINT_SHARE
        } else {
            0.7
        };
        look.fade = 0.0;
    }
    look
}

/// Lines are grey; what flows along them is told by arrows and by the colour of the overlay at the end that it is about.
fn look_of_line(state: &ViewState, number: usize) -> Look {
    const LINE: Rgb = Rgb([108, 112, 116]);
    let mut look = Look {
        tint: linear(LINE),
        tint_share: 0.9,
        ..Look::default()
    };
    let Some(park) = state.park() else {
        return look;
    };
    let connection = park.connections[number];
    let end = match connection.kind {
        // Electric lines lead from an asset towards the grid, water to who takes it.
        ConnectionKind::Electric => connection.from.unwrap_or(connection.to),
        _ => connection.to,
    };
    let Some(of) = state.state_of(end) else {
        return look;
    };
    look.flow_m_per_s = match connection.kind {
        ConnectionKind::Electric => {
            let into_asset = of.power_w.unwrap_or(0) as f32;
            let towards_to = if connection.from.is_some() {
                -into_asset
            } else {
                into_asset
            };
            speed(towards_to, park.asset(end).rated_w)
        }
        ConnectionKind::Water => {
            let flows = of.is_irrigating || of.flow_l_per_h.is_some_and(|litres| litres > 0);
            if flows { 2.5 } else { 0.0 }
        }
        _ => 0.0,
    };
    let cell = state
        .overlay_view()
        .and_then(|view| view.values.get(end.0 as usize).copied().flatten());
    if let Some(OverlayCell::Value(value)) = cell {
        look.tint = linear(value.color);
    }
    look
}

/// Speed of the arrows: still below one part in two hundred of the rated power, then from slow to fast.
fn speed(power_w: f32, rated_w: Option<i64>) -> f32 {
    const SLOWEST: f32 = 1.2;
    const FASTEST: f32 = 6.0;
    let rated_w = rated_w.unwrap_or(10_000).max(1) as f32;
    let share = (power_w.abs() / rated_w).min(1.0);
    if share < 0.005 {
        return 0.0;
    }
    power_w.signum() * (SLOWEST + (FASTEST - SLOWEST) * share)
}

fn linear(Rgb([red, green, blue]): Rgb) -> [f32; 3] {
    terrarium_scene::linear_of_srgb(u32::from_be_bytes([0, red, green, blue]))
}

/// The middle of an asset's body, where a marker points at.
pub fn middle(anchor: &terrarium_scene::Anchor) -> Vec3 {
    (anchor.foot + anchor.top) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_stand_still_for_noise_and_run_with_the_sign_of_the_power() {
        assert_eq!(speed(1.0, Some(10_000)), 0.0);
        assert!(speed(5_000.0, Some(10_000)) > 0.0);
        assert!(speed(-5_000.0, Some(10_000)) < speed(-500.0, Some(10_000)));
        assert!(speed(1e9, Some(1)) <= 6.0);
    }
}
