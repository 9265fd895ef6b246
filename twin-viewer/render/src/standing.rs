//! What may stay in the picture from the frame before: all that is drawn around the scene, where none of it changes. Panels
//! are nearly half of what is filled without a graphics card.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bevy::math::URect;
use bevy::prelude::*;
use bevy::render::RenderApp;
use bevy::render::extract_resource::{ExtractResource, ExtractResourcePlugin};
use bevy::render::render_resource::TextureId;
use bevy::render::view::ViewTarget;
use bevy::render::{Render, RenderSystems};

use crate::scene_pass::SceneRoom;

/// Which state of the panels the present frame shows. Who lays them out tells every change of them, and until a change is sure
/// to have reached the adapter.
#[derive(Resource, ExtractResource, Debug, Clone, Default, PartialEq, Eq)]
pub struct PanelsVersion {
    number: u64,
    changed: PanelChange,
}

/// Where the panels changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PanelChange {
    #[default]
    Everywhere,
    /// Inside of these pixels of the picture.
    Within(Vec<URect>),
}

impl PanelsVersion {
    /// They look otherwise than in the frame before.
    pub fn change(&mut self, changed: PanelChange) {
        self.number += 1;
        self.changed = changed;
    }
}

/// In how many frames the panels were drawn whole, in how many where they had changed, and in how many they stood; counted where
/// frames are rendered, which is another thread.
#[derive(Resource, Debug, Clone, Default)]
pub struct PanelDrawings {
    whole: Arc<AtomicU64>,
    partly: Arc<AtomicU64>,
    standing: Arc<AtomicU64>,
}

impl PanelDrawings {
    pub fn whole(&self) -> u64 {
        self.whole.load(Ordering::Relaxed)
    }

    pub fn partly(&self) -> u64 {
        self.partly.load(Ordering::Relaxed)
    }

    pub fn standing(&self) -> u64 {
        self.standing.load(Ordering::Relaxed)
    }
}

/// A picture with whole panels in it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct WithPanels {
    texture: TextureId,
    version: u64,
    /// Inside of it everything is drawn with every frame.
    room: SceneRoom,
    /// Shines through what is not opaque.
    background: LinearRgba,
}

/// Where the panels stand in the picture already, so that only the rest and what lies in the scene's room has to be drawn.
#[derive(Resource, Debug, Clone, Default)]
pub struct StandingPanels {
    wanted: Option<WithPanels>,
    drawn: Option<WithPanels>,
    /// Where they do not stand as this frame wants them.
    amiss: PanelChange,
}

impl StandingPanels {
    /// They do, but for some places, in the picture that this frame is drawn into. `None`: they do not stand.
    pub fn stand_but(&self) -> Option<&[URect]> {
        match &self.amiss {
            PanelChange::Everywhere => None,
            PanelChange::Within(areas) => Some(areas),
        }
    }

    /// What is seen behind them.
    pub fn background(&self) -> LinearRgba {
        self.wanted
            .map_or(LinearRgba::BLACK, |wanted| wanted.background)
    }

    /// What a new frame shall show, and what of it the frame before did not. Where that one is not what stands there, all of it
    /// is wiped and drawn anew.
    fn want(&mut self, wanted: Option<WithPanels>, changed: &PanelChange) {
        let before = wanted.map(|wanted| WithPanels {
            version: wanted.version.saturating_sub(1),
            ..wanted
        });
        self.amiss = match self.drawn {
            None => PanelChange::Everywhere,
            drawn if drawn == wanted => PanelChange::Within(Vec::new()),
            drawn if drawn == before => changed.clone(),
            Some(_) => PanelChange::Everywhere,
        };
        self.wanted = wanted;
        if self.drawn != wanted {
            self.drawn = None;
        }
    }

    /// All that this frame wants was drawn into a picture.
    pub fn note_drawn(&mut self, texture: TextureId) {
        self.drawn = self.wanted.filter(|wanted| wanted.texture == texture);
    }
}

pub(crate) struct StandingPlugin;

/// Runs in [`RenderSystems::Queue`]: from then on [`StandingPanels::stand_but`] is about this frame.
#[derive(SystemSet, Debug, Clone, PartialEq, Eq, Hash)]
pub struct SeeWhatStands;

impl Plugin for StandingPlugin {
    fn build(&self, app: &mut App) {
        let drawings = PanelDrawings::default();
        app.init_resource::<PanelsVersion>()
            .insert_resource(drawings.clone())
            .add_plugins(ExtractResourcePlugin::<PanelsVersion>::default());
        if let Some(render_app) = app.get_sub_app_mut(RenderApp) {
            render_app
                .init_resource::<StandingPanels>()
                .insert_resource(drawings)
                .add_systems(
                    Render,
                    see_what_stands
                        .in_set(SeeWhatStands)
                        .in_set(RenderSystems::Queue),
                );
        }
    }
}

fn see_what_stands(
    mut standing: ResMut<'_, StandingPanels>,
    targets: Query<'_, '_, &ViewTarget>,
    version: Res<'_, PanelsVersion>,
    room: Res<'_, SceneRoom>,
    background: Res<'_, ClearColor>,
    drawings: Res<'_, PanelDrawings>,
) {
    let wanted = targets.single().ok().map(|target| WithPanels {
        texture: target.main_texture().id(),
        version: version.number,
        room: *room,
        background: background.0.to_linear(),
    });
    standing.want(wanted, &version.changed);
    let counted = match standing.stand_but() {
        None => &drawings.whole,
        Some([]) => &drawings.standing,
        Some(_) => &drawings.partly,
    };
    counted.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(version: u64) -> WithPanels {
        WithPanels {
            texture: TextureId::new(),
            version,
            room: SceneRoom::default(),
            background: LinearRgba::BLACK,
        }
    }

    const NOTHING: Option<&[URect]> = Some(&[]);

    #[test]
    fn panels_stand_only_in_the_picture_that_they_were_drawn_into_whole() {
        let first = picture(1);
        let everywhere = &PanelChange::Everywhere;
        let mut panels = StandingPanels::default();
        assert_eq!(panels.stand_but(), None, "nothing is drawn into nothing");
        panels.want(Some(first), everywhere);
        assert_eq!(panels.stand_but(), None, "nobody has drawn them yet");
        panels.note_drawn(TextureId::new());
        assert_eq!(panels.stand_but(), None, "they are in another picture");
        panels.note_drawn(first.texture);
        panels.want(Some(first), everywhere);
        assert_eq!(panels.stand_but(), NOTHING);
        for other in [
            picture(1),
            WithPanels {
                version: 2,
                ..first
            },
            WithPanels {
                room: SceneRoom(Some(URect::new(0, 0, 5, 5))),
                ..first
            },
            WithPanels {
                background: LinearRgba::WHITE,
                ..first
            },
        ] {
            panels.want(Some(other), everywhere);
            assert_eq!(panels.stand_but(), None, "{other:?} was not drawn");
            panels.want(Some(first), everywhere);
            assert_eq!(panels.stand_but(), None, "they were wiped for {other:?}");
            panels.note_drawn(first.texture);
        }
    }

    #[test]
    fn what_changed_since_the_frame_before_is_drawn_onto_that_one_only() {
        let first = picture(1);
        let next = |version| Some(WithPanels { version, ..first });
        let area = URect::new(3, 4, 5, 6);
        let within = PanelChange::Within(vec![area]);
        let mut panels = StandingPanels::default();
        panels.want(Some(first), &within);
        assert_eq!(panels.stand_but(), None, "nothing stands yet");
        panels.note_drawn(first.texture);
        panels.want(next(2), &within);
        assert_eq!(panels.stand_but(), Some(&[area][..]));
        panels.note_drawn(first.texture);
        panels.want(next(2), &within);
        assert_eq!(panels.stand_but(), NOTHING, "it was drawn");
        panels.want(next(4), &within);
        assert_eq!(panels.stand_but(), None, "a version was never seen");
        panels.note_drawn(first.texture);
        panels.want(next(5), &within);
        assert_eq!(panels.stand_but(), Some(&[area][..]));
        // The adapter could not draw it.
        panels.want(next(6), &within);
        assert_eq!(panels.stand_but(), None);
    }
}
