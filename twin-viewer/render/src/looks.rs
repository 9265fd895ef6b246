//! How every tag looks now, and the light: the rows that the shader reads.

use bevy::asset::RenderAssetUsages;
use bevy::prelude::*;
use bevy::render::storage::ShaderBuffer;
use terrarium_scene::{SHADOW_M, Stage, StillMotion, Tag};

use crate::clay::Clay;
use crate::light::Light;

/// Rows of light before those of the tags; the shader's `LIGHT_ROWS`.
const LIGHT_ROWS: usize = 6;
const ROW_BYTES: usize = 16;

/// How something looks that has values.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Look {
    /// Linear.
    pub tint: [f32; 3],
    /// How much of the clay it covers, 0 to 1.
    pub tint_share: f32,
    /// Lifted out of the rest, 0 to 1: selected or hovered.
    pub emphasis: f32,
    /// How far it has faded because its values are old, 0 to 1.
    pub fade: f32,
    /// Along a line; below zero: against its direction.
    pub flow_m_per_s: f32,
}

/// The looks of all tags and the light they stand in.
#[derive(Resource, Debug, Clone, PartialEq)]
pub struct Looks {
    by_tag: Vec<Look>,
    pub light: Light,
    /// 0, or up to 1 while an overlay is on: the rest of the world goes pale.
    pub paleness: f32,
    /// Distances from the eye where the haze begins and where it hides everything.
    pub haze_m: (f32, f32),
}

impl Default for Looks {
    fn default() -> Looks {
        Looks {
            by_tag: Vec::new(),
            light: Light::constant(),
            paleness: 0.0,
            haze_m: (900.0, 3_500.0),
        }
    }
}

impl Looks {
    /// Sets how a tag looks. Tags that were never set look like plain clay.
    pub fn set(&mut self, tag: Tag, look: Look) {
        let place = tag.0 as usize;
        if self.by_tag.len() <= place {
            self.by_tag.resize(place + 1, Look::default());
        }
        self.by_tag[place] = look;
    }

    pub fn get(&self, tag: Tag) -> Look {
        self.by_tag.get(tag.0 as usize).copied().unwrap_or_default()
    }

    fn rows(&self, tags: usize, flow_clock_s: f32) -> Vec<[f32; 4]> {
        let light = &self.light;
        let row = |xyz: Vec3, w: f32| [xyz.x, xyz.y, xyz.z, w];
        let mut rows = vec![
            row(light.direction, SHADOW_M),
            row(light.sun, light.lamps),
            row(light.sky, flow_clock_s),
            row(light.bounce, self.haze_m.0),
            row(light.background, self.haze_m.1),
            row(light.shadow, self.paleness),
        ];
        debug_assert_eq!(rows.len(), LIGHT_ROWS);
        for tag in 0..tags {
            let look = self.by_tag.get(tag).copied().unwrap_or_default();
            let [red, green, blue] = look.tint;
            rows.push([red, green, blue, look.tint_share]);
            rows.push([look.emphasis, look.fade, look.flow_m_per_s, 0.0]);
        }
        rows
    }

    fn has_flow(&self) -> bool {
        self.by_tag.iter().any(|look| look.flow_m_per_s != 0.0)
    }
}

/// Where the rows lie, and how many tags they hold.
#[derive(Resource)]
pub(crate) struct Rows {
    pub buffer: Handle<ShaderBuffer>,
    tags: usize,
}

impl FromWorld for Rows {
    fn from_world(world: &mut World) -> Rows {
        let bytes = bytes_of(&Looks::default().rows(1, 0.0));
        let mut buffers = world.resource_mut::<Assets<ShaderBuffer>>();
        Rows {
            buffer: buffers.add(ShaderBuffer::new(&bytes, RenderAssetUsages::default())),
            tags: 1,
        }
    }
}

/// The clock of everything that flows. Wraps after an hour so that floats stay exact.
#[derive(Resource, Default)]
pub(crate) struct FlowClock(f32);

/// Writes what changed. The buffer keeps its size while the park is the same, so nothing has to be bound again.
#[expect(
    clippy::too_many_arguments,
    reason = "a Bevy system takes what it reads as arguments"
)]
pub(crate) fn write_rows(
    looks: Res<'_, Looks>,
    stage: Option<Res<'_, Stage>>,
    time: Res<'_, Time>,
    still: Res<'_, StillMotion>,
    mut clock: ResMut<'_, FlowClock>,
    mut rows: ResMut<'_, Rows>,
    mut buffers: ResMut<'_, Assets<ShaderBuffer>>,
    mut clays: ResMut<'_, Assets<Clay>>,
    mut clear_color: ResMut<'_, ClearColor>,
) {
    const HOUR_S: f32 = 3_600.0;
    let flows = looks.has_flow() && !still.0;
    if flows {
        clock.0 = (clock.0 + time.delta_secs()) % HOUR_S;
    }
    let tags = stage.map_or(1, |stage| stage.tags.count() as usize);
    if !looks.is_changed() && !flows && tags == rows.tags {
        return;
    }
    let Some(mut buffer) = buffers.get_mut(&rows.buffer) else {
        return;
    };
    buffer.data = Some(bytes_of(&looks.rows(tags, clock.0)));
    if tags != rows.tags {
        rows.tags = tags;
        // A buffer of another size is another buffer: every material has to bind it.
        let ids: Vec<_> = clays.ids().collect();
        for id in ids {
            if let Some(clay) = clays.get_mut(id) {
                let _ = clay;
            }
        }
    }
    let Vec3 { x, y, z } = looks.light.background;
    clear_color.0 = Color::linear_rgb(x, y, z);
}

fn bytes_of(rows: &[[f32; 4]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rows.len() * ROW_BYTES);
    for value in rows.iter().flatten() {
        bytes.extend(value.to_le_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_found_in_the_rows_of_its_tag() {
        let mut looks = Looks::default();
        let look = Look {
            tint: [0.1, 0.2, 0.3],
            tint_share: 0.9,
            emphasis: 0.5,
            fade: 0.25,
            flow_m_per_s: -2.0,
        };
        looks.set(Tag(3), look);
        assert_eq!(looks.get(Tag(3)), look);
        assert_eq!(looks.get(Tag(99)), Look::default());
        let rows = looks.rows(5, 7.0);
        assert_eq!(rows.len(), LIGHT_ROWS + 2 * 5);
        assert_eq!(rows[LIGHT_ROWS + 6], [0.1, 0.2, 0.3, 0.9]);
        assert_eq!(rows[LIGHT_ROWS + 7], [0.5, 0.25, -2.0, 0.0]);
        assert_eq!(rows[2][3], 7.0);
        assert_eq!(bytes_of(&rows).len(), rows.len() * ROW_BYTES);
    }

    #[test]
    fn the_shader_reads_as_many_rows_of_light_as_are_written() {
        let shader = include_str!("clay.wgsl");
        assert!(shader.contains(&format!("const LIGHT_ROWS: u32 = {LIGHT_ROWS}u;")));
    }
}
