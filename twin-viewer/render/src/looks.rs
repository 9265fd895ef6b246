//! How every tag looks now, and the light: the words and rows that the shader reads.

use bevy::asset::RenderAssetUsages;
use bevy::prelude::*;
use bevy::render::render_resource::BufferUsages;
use bevy::render::storage::ShaderBuffer;
use terrarium_scene::{Poses, SHADOW_M, Stage, StillMotion, Tag};
use terrarium_view_model::AssetIndex;

use crate::clay::Clay;
use crate::light::Light;
use crate::rain::MOST_STREAKS;
use crate::scene_pass::SceneVersion;

/// Rows of the shader's `light`.
const LIGHT_ROWS: usize = 7;
/// The shader's `WORDS_PER_TAG`.
const WORDS_PER_TAG: usize = 13;
/// A gauge that is empty keeps a sliver, so that it is still one.
const SLIVER: f32 = 0.01;

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
    pub rain: Rain,
    /// Every part in the plain colour of its tint and everything else black: for pictures that programs read.
    pub flat: bool,
}

/// Rain at the moment shown.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rain {
    /// 0 none, 1 as heavy as is drawn.
    pub strength: f32,
    /// How far a drop is blown aside while it falls by its own way; below zero: towards the left.
    pub slant: f32,
}

impl Rain {
    /// By its rate and the wind. Drizzle is seen too; from 20 mm/h on, violent rain by the Met Office's scale is near
    /// (50 mm/h), and more streaks would hide the park. A drop of 2 mm falls at 6.5 m/s (Gunn and Kinzer 1949).
    pub fn of(rate_mm_per_h: f32, wind_m_per_s: f32) -> Rain {
        const HEAVIEST_MM_PER_H: f32 = 20.0;
        const FALL_M_PER_S: f32 = 6.5;
        if rate_mm_per_h <= 0.0 {
            return Rain::default();
        }
        Rain {
            strength: (rate_mm_per_h / HEAVIEST_MM_PER_H).sqrt().clamp(0.08, 1.0),
            slant: (wind_m_per_s / FALL_M_PER_S).clamp(0.0, 0.8) * 0.5,
        }
    }
}

/// How the parts that move under a tag stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Stance {
    pub full: f32,
    pub angle: f32,
    pub growth: f32,
    pub living: f32,
}

impl Default for Stance {
    fn default() -> Stance {
        Stance {
            full: SLIVER,
            angle: 0.0,
            growth: 1.0,
            living: f32::MAX,
        }
    }
}

impl Default for Looks {
    fn default() -> Looks {
        Looks {
            by_tag: Vec::new(),
            light: Light::constant(),
            paleness: 0.0,
            haze_m: (900.0, 3_500.0),
            rain: Rain::default(),
            flat: false,
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

    /// The light of the moment, for the shader.
    fn light_rows(&self, flow_clock_s: f32) -> [[f32; 4]; LIGHT_ROWS] {
        let light = &self.light;
        // What is flat is in no light: no lamp and no rain either.
        let (lamps, rain) = match self.flat {
            true => (0.0, Rain::default()),
            false => (light.lamps, self.rain),
        };
        let row = |xyz: Vec3, w: f32| [xyz.x, xyz.y, xyz.z, w];
        [
            row(light.direction, SHADOW_M),
            row(light.sun, lamps),
            row(light.sky, flow_clock_s),
            row(light.bounce, self.haze_m.0),
            row(self.background(), self.haze_m.1),
            [light.shade, 0.0, 0.0, self.paleness],
            [
                rain.strength * MOST_STREAKS as f32,
                rain.strength.min(1.0).sqrt(),
                rain.slant,
                f32::from(u8::from(self.flat)),
            ],
        ]
    }

    /// What the shader reads of every tag.
    fn words(&self, tags: usize, stances: &[Stance]) -> Vec<f32> {
        let mut words = Vec::with_capacity(tags * WORDS_PER_TAG);
        for tag in 0..tags {
            let look = self.by_tag.get(tag).copied().unwrap_or_default();
            let [red, green, blue] = look.tint;
            let stance = stances.get(tag).copied().unwrap_or_default();
            words.extend([
                red,
                green,
                blue,
                look.tint_share,
                look.emphasis,
                look.fade,
                look.flow_m_per_s,
            ]);
            // By kind of motion: `terrarium_scene::Follows`.
            let of_kinds: [[f32; 2]; 3] = [
                [stance.growth, stance.living],
                [stance.full, 0.0],
                [stance.angle.cos(), stance.angle.sin()],
            ];
            words.extend(of_kinds.iter().flatten());
        }
        words
    }

    /// All that decides how what stirs seldom or never looks, which stays as it is while these numbers do.
    fn of_what_stands(&self, trees: &[[f32; 2]]) -> Vec<f32> {
        let mut rows = self.light_rows(0.0);
        // How much rain falls, and how, shows in its streaks alone; that it is wet shows everywhere.
        rows[6][0] = 0.0;
        rows[6][2] = 0.0;
        let mut words: Vec<f32> = rows.into_iter().flatten().collect();
        for look in &self.by_tag {
            words.extend(look.tint);
            words.extend([look.tint_share, look.emphasis, look.fade]);
        }
        words.extend(trees.as_flattened());
        words
    }

    /// What is seen where nothing stands.
    fn background(&self) -> Vec3 {
        match self.flat {
            true => Vec3::ZERO,
            false => self.light.background,
        }
    }

    /// Whether anything moves by the clock: what flows, or rain.
    pub fn flows(&self) -> bool {
        self.rain.strength > 0.0 || self.by_tag.iter().any(|look| look.flow_m_per_s != 0.0)
    }
}

/// Where the light and the words lie, and of how many tags.
#[derive(Resource)]
pub(crate) struct Rows {
    pub words: Handle<ShaderBuffer>,
    pub light: Handle<ShaderBuffer>,
    tags: usize,
    frames_to_bind: u8,
    /// [`Looks::of_what_stands`], as it was last.
    of_what_stands: Vec<f32>,
}

/// The buffer of another park may reach the adapter after the materials do, so they bind it in several frames.
const FRAMES_TO_BIND: u8 = 3;

impl FromWorld for Rows {
    fn from_world(world: &mut World) -> Rows {
        let looks = Looks::default();
        let mut light = ShaderBuffer::new(
            &bytes_of(looks.light_rows(0.0).iter().flatten()),
            RenderAssetUsages::default(),
        );
        light.buffer_description.usage = BufferUsages::UNIFORM | BufferUsages::COPY_DST;
        let words = ShaderBuffer::new(
            &bytes_of(&looks.words(1, &[])),
            RenderAssetUsages::default(),
        );
        let mut buffers = world.resource_mut::<Assets<ShaderBuffer>>();
        Rows {
            words: buffers.add(words),
            light: buffers.add(light),
            tags: 1,
            frames_to_bind: 0,
            of_what_stands: Vec::new(),
        }
    }
}

/// The clock of everything that flows, and how far everything has turned. Wraps, so that floats stay exact.
#[derive(Resource, Default)]
pub(crate) struct Motion {
    flow_s: f32,
    /// By asset index, in radians.
    angles: Vec<f32>,
}

impl Motion {
    /// Lets all that turns turn on; whether anything did.
    fn turn(&mut self, poses: &Poses, passed_s: f32) -> bool {
        let assets = poses.assets.len();
        if self.angles.len() != assets {
            // Rotors do not all stand alike.
            self.angles = (0..assets).map(|asset| asset as f32 * 2.399).collect();
        }
        let mut has_turned = false;
        for (angle, pose) in self.angles.iter_mut().zip(&poses.assets) {
            if pose.spin_rad_per_s != 0.0 && passed_s > 0.0 {
                *angle = (*angle + pose.spin_rad_per_s * passed_s) % std::f32::consts::TAU;
                has_turned = true;
            }
        }
        has_turned
    }
}

/// A buffer of another size is another buffer: every material has to bind it.
fn bind_again(rows: &Rows, clays: &mut Assets<Clay>) {
    let ids: Vec<_> = clays.ids().collect();
    for id in ids {
        if let Some(mut clay) = clays.get_mut(id) {
            clay.words = rows.words.clone();
        }
    }
}

/// How the parts of every tag stand.
fn stances(stage: &Stage, poses: &Poses, angles: &[f32]) -> Vec<Stance> {
    let tags = stage.tags();
    let mut stances = vec![Stance::default(); tags.count() as usize];
    let built = stage.built_trees_m().iter().zip(stage.chargers());
    for (asset, (built_m, is_charger)) in (0..).map(AssetIndex).zip(built) {
        let pose = poses.of(asset);
        stances[tags.asset(asset).0 as usize] = Stance {
            full: pose.full.unwrap_or(0.0).clamp(SLIVER, 1.0),
            angle: angles.get(asset.0 as usize).copied().unwrap_or(0.0),
            growth: pose.growth(*built_m),
            living: pose.living(*is_charger),
        };
    }
    stances
}

/// By group of trees: how far they have grown, and how many live.
fn trees(stage: &Stage, poses: &Poses) -> Vec<[f32; 2]> {
    (0..)
        .map(AssetIndex)
        .zip(stage.built_trees_m())
        .filter(|(_, built_m)| **built_m > 0.0)
        .map(|(asset, built_m)| {
            let pose = poses.of(asset);
            [pose.growth(*built_m), pose.living(false)]
        })
        .collect()
}

/// Writes what changed. The buffer keeps its size while the park is the same, so nothing has to be bound again.
#[expect(
    clippy::too_many_arguments,
    reason = "a Bevy system takes what it reads as arguments"
)]
pub(crate) fn write_rows(
    looks: Res<'_, Looks>,
    poses: Res<'_, Poses>,
    stage: Option<Res<'_, Stage>>,
    time: Res<'_, Time>,
    still: Res<'_, StillMotion>,
    mut motion: ResMut<'_, Motion>,
    mut rows: ResMut<'_, Rows>,
    mut buffers: ResMut<'_, Assets<ShaderBuffer>>,
    mut clays: ResMut<'_, Assets<Clay>>,
    mut clear_color: ResMut<'_, ClearColor>,
    mut version: ResMut<'_, SceneVersion>,
) {
    const HOUR_S: f32 = 3_600.0;
    let passed_s = if still.0 { 0.0 } else { time.delta_secs() };
    let flows = looks.flows() && !still.0;
    if flows {
        motion.flow_s = (motion.flow_s + passed_s) % HOUR_S;
    }
    let turns = motion.turn(&poses, passed_s);
    let tags = stage
        .as_ref()
        .map_or(1, |stage| stage.tags().count() as usize);
    if rows.frames_to_bind > 0 {
        rows.frames_to_bind -= 1;
        bind_again(&rows, &mut clays);
        version.change();
    }
    let has_changed = looks.is_changed() || poses.is_changed();
    if !has_changed && !flows && !turns && tags == rows.tags {
        return;
    }
    let stances = stage
        .as_ref()
        .map_or_else(Vec::new, |stage| stances(stage, &poses, &motion.angles));
    if has_changed || tags != rows.tags {
        let trees = stage
            .as_ref()
            .map_or_else(Vec::new, |stage| trees(stage, &poses));
        let of_what_stands = looks.of_what_stands(&trees);
        if of_what_stands != rows.of_what_stands {
            rows.of_what_stands = of_what_stands;
            version.change_values();
        }
    }
    for (buffer, bytes) in [
        (&rows.words, bytes_of(&looks.words(tags, &stances))),
        (
            &rows.light,
            bytes_of(looks.light_rows(motion.flow_s).iter().flatten()),
        ),
    ] {
        if let Some(mut buffer) = buffers.get_mut(buffer) {
            buffer.data = Some(bytes);
        }
    }
    version.stir();
    if tags != rows.tags {
        rows.tags = tags;
        rows.frames_to_bind = FRAMES_TO_BIND;
    }
    let Vec3 { x, y, z } = looks.background();
    clear_color.0 = Color::linear_rgb(x, y, z);
}

fn bytes_of<'a>(words: impl IntoIterator<Item = &'a f32>) -> Vec<u8> {
    let words = words.into_iter();
    words.flat_map(|word| word.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use terrarium_scene::{Follows, NUMBER_SHIFT};

    use super::*;

    #[test]
    fn a_look_is_found_in_the_words_of_its_tag() {
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
        let mut stances = [Stance::default(); 4];
        stances[3] = Stance {
            full: 0.4,
            angle: 2.0,
            growth: 1.5,
            living: 12.0,
        };
        let words = looks.words(5, &stances);
        assert_eq!(words.len(), WORDS_PER_TAG * 5);
        let of_tag = &words[WORDS_PER_TAG * 3..WORDS_PER_TAG * 4];
        assert_eq!(of_tag[..7], [0.1, 0.2, 0.3, 0.9, 0.5, 0.25, -2.0]);
        let (across, along) = 2.0_f32.sin_cos();
        assert_eq!(of_tag[7..], [1.5, 12.0, 0.4, 0.0, along, across]);
        assert_eq!(looks.light_rows(7.0)[2][3], 7.0);
    }

    #[test]
    fn what_stands_is_drawn_anew_for_all_that_it_shows_and_for_nothing_else() {
        let look = Look {
            tint: [0.1, 0.2, 0.3],
            tint_share: 0.9,
            emphasis: 0.5,
            fade: 0.25,
            flow_m_per_s: -2.0,
        };
        let mut looks = Looks::default();
        looks.set(Tag(1), look);
        let before = looks.of_what_stands(&[[1.0, 9.0]]);
        let told = |change: fn(&mut Looks)| {
            let mut other = looks.clone();
            change(&mut other);
            other.of_what_stands(&[[1.0, 9.0]]) != before
        };
        let shown: [fn(&mut Looks); 12] = [
            |looks| looks.by_tag[1].tint[2] = 0.4,
            |looks| looks.by_tag[1].tint_share = 0.8,
            |looks| looks.by_tag[1].emphasis = 0.6,
            |looks| looks.by_tag[1].fade = 0.5,
            |looks| looks.light.direction.x += 0.1,
            |looks| looks.light.sun.y += 0.1,
            |looks| looks.light.lamps += 0.1,
            |looks| looks.light.background.z += 0.1,
            |looks| looks.paleness = 0.5,
            |looks| looks.haze_m.1 += 1.0,
            |looks| looks.flat = true,
            // What rain has wetted is darker.
            |looks| looks.rain.strength = 0.5,
        ];
        for (number, change) in shown.into_iter().enumerate() {
            assert!(told(change), "change {number} does not show");
        }
        assert_ne!(looks.of_what_stands(&[[1.1, 9.0]]), before, "trees grow");
        assert_ne!(looks.of_what_stands(&[[1.0, 8.0]]), before, "trees die");
        assert!(!told(|looks| looks.by_tag[1].flow_m_per_s = 3.0));
        assert!(!told(|looks| looks.rain.slant = 0.2), "streaks alone lean");
    }

    #[test]
    fn the_shader_reads_as_many_words_and_rows_as_are_written() {
        let shader = include_str!("clay.wgsl");
        assert!(shader.contains(&format!("light: array<vec4<f32>, {LIGHT_ROWS}>;")));
        assert!(shader.contains(&format!("const WORDS_PER_TAG: u32 = {WORDS_PER_TAG}u;")));
        for (name, number) in [
            ("GROWTH", Follows::Growth as u32),
            ("FILL", Follows::Fill as u32),
            ("TURN", Follows::Turn as u32),
            ("NUMBER_SHIFT", NUMBER_SHIFT),
        ] {
            assert!(
                shader.contains(&format!("const {name}: u32 = {number}u;")),
                "{name}"
            );
        }
    }
}
