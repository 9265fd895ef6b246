//! What may stay in the picture from the frame before: all that is drawn around the scene, while none of it changes. Panels
//! are nearly half of what is filled without a graphics card.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bevy::prelude::*;
use bevy::render::RenderApp;
use bevy::render::extract_resource::{ExtractResource, ExtractResourcePlugin};
use bevy::render::render_resource::TextureId;
use bevy::render::view::ViewTarget;
use bevy::render::{Render, RenderSystems};

use crate::scene_pass::SceneRoom;

/// Which state of the panels the present frame shows. Who lays them out counts it up with every change of them, and until a
/// change is sure to have reached the adapter.
#[derive(Resource, ExtractResource, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PanelsVersion(pub u64);

/// In how many frames the panels were drawn whole, and in how many they stood; counted where frames are rendered, which is
/// another thread.
#[derive(Resource, Debug, Clone, Default)]
pub struct PanelDrawings {
    whole: Arc<AtomicU64>,
    standing: Arc<AtomicU64>,
}

impl PanelDrawings {
    pub fn whole(&self) -> u64 {
        self.whole.load(Ordering::Relaxed)
    }

    pub fn standing(&self) -> u64 {
        self.standing.load(Ordering::Relaxed)
    }
}

/// A picture with whole panels in it.
#[derive(Debug, Clone, Copy, PartialEq)]
struct WithPanels {
    texture: TextureId,
    version: PanelsVersion,
    /// Inside of it everything is drawn with every frame.
    room: SceneRoom,
    /// Shines through what is not opaque.
    background: LinearRgba,
}

/// Whether the panels stand in the picture already, so that only what lies in the scene's room has to be drawn.
#[derive(Resource, Debug, Clone, Copy, Default)]
pub struct StandingPanels {
    wanted: Option<WithPanels>,
    drawn: Option<WithPanels>,
}

impl StandingPanels {
    /// They do, in the picture that this frame is drawn into.
    pub fn stand(&self) -> bool {
        self.wanted.is_some() && self.wanted == self.drawn
    }

    /// What a new frame shall show. Where that is not what stands there, all of it is wiped and drawn anew.
    fn want(&mut self, wanted: Option<WithPanels>) {
        self.wanted = wanted;
        self.drawn = self.drawn.filter(|_| self.drawn == wanted);
    }

    /// All that this frame wants was drawn into a picture.
    pub fn note_drawn(&mut self, texture: TextureId) {
        self.drawn = self.wanted.filter(|wanted| wanted.texture == texture);
    }
}

pub(crate) struct StandingPlugin;

/// Runs in [`RenderSystems::Queue`]: from then on [`StandingPanels::stand`] is about this frame.
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
        version: *version,
        room: *room,
        background: background.0.to_linear(),
    });
    standing.want(wanted);
    let counted = match standing.stand() {
        true => &drawings.standing,
        false => &drawings.whole,
    };
    counted.fetch_add(1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_stand_only_in_the_picture_that_they_were_drawn_into_whole() {
        let picture = |version| WithPanels {
            texture: TextureId::new(),
            version: PanelsVersion(version),
            room: SceneRoom::default(),
            background: LinearRgba::BLACK,
        };
        let first = picture(1);
        let mut panels = StandingPanels::default();
        assert!(!panels.stand(), "nothing is drawn into nothing");
        panels.want(Some(first));
        assert!(!panels.stand(), "nobody has drawn them yet");
        panels.note_drawn(TextureId::new());
        assert!(!panels.stand(), "they are in another picture");
        panels.note_drawn(first.texture);
        panels.want(Some(first));
        assert!(panels.stand());
        for other in [
            picture(1),
            WithPanels {
                version: PanelsVersion(2),
                ..first
            },
            WithPanels {
                room: SceneRoom(Some(bevy::math::URect::new(0, 0, 5, 5))),
                ..first
            },
            WithPanels {
                background: LinearRgba::WHITE,
                ..first
            },
        ] {
            panels.want(Some(other));
            assert!(!panels.stand(), "{other:?} was not drawn");
            panels.want(Some(first));
            assert!(!panels.stand(), "they were wiped for {other:?}");
            panels.note_drawn(first.texture);
        }
    }
}
