use crate::park_view::{AssetIndex, GroundPoint, ParkView};

/// Where the camera looks from: an orbit around a point on the ground, north up.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CameraPose {
    pub target: GroundPoint,
    /// From the target to the eye.
    pub distance_m: f32,
    /// Above the horizon, [`CameraPose::LEAST_PITCH_DEG`] to [`CameraPose::MOST_PITCH_DEG`]: never below ground.
    pub pitch_deg: f32,
    /// Direction that the camera looks in, clockwise from north.
    pub heading_deg: f32,
}

/// A named view. The digit keys call the first nine.
#[derive(Debug, Clone, PartialEq)]
pub struct Bookmark {
    pub name: String,
    pub pose: CameraPose,
}

/// What the camera is to do; only a person's command makes one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum CameraWish {
    To(CameraPose),
    NorthUp,
}

impl CameraPose {
    pub const LEAST_PITCH_DEG: f32 = 20.0;
    pub const MOST_PITCH_DEG: f32 = 80.0;
    /// A flight takes at most this long.
    pub const MOST_FLIGHT_MS: u32 = 800;

    /// Sees the whole park from the south.
    pub fn home(park: &ParkView) -> CameraPose {
        let (low, high) = park.bounds();
        let (width_m, depth_m) = (high.east_m - low.east_m, high.north_m - low.north_m);
        CameraPose {
            target: GroundPoint {
                east_m: (low.east_m + high.east_m) / 2.0,
                north_m: (low.north_m + high.north_m) / 2.0,
            },
            distance_m: width_m.max(depth_m).max(30.0) * 0.95,
            pitch_deg: 48.0,
            heading_deg: 0.0,
        }
    }

    /// Sees an asset near by, from where the camera looks now.
    pub fn towards(park: &ParkView, asset: AssetIndex, heading_deg: f32) -> CameraPose {
        let view = park.asset(asset);
        let extent_m = view.size_m.iter().copied().fold(2.0, f32::max);
        CameraPose {
            target: view.at,
            distance_m: (extent_m * 3.5).max(12.0),
            pitch_deg: 35.0,
            heading_deg,
        }
    }

    /// Within the limits of pitch and distance; the heading from 0 to 360.
    pub fn held_in(self) -> CameraPose {
        CameraPose {
            distance_m: self.distance_m.clamp(4.0, 4_000.0),
            pitch_deg: self
                .pitch_deg
                .clamp(Self::LEAST_PITCH_DEG, Self::MOST_PITCH_DEG),
            heading_deg: self.heading_deg.rem_euclid(360.0),
            ..self
        }
    }
}
