//! How the finished picture gets into the window: Bevy samples it, which costs a software adapter more than reading it.

use bevy::asset::{load_internal_asset, uuid_handle};
use bevy::core_pipeline::blit::{BlitPipeline, init_blit_pipeline};
use bevy::prelude::*;
use bevy::render::{RenderApp, RenderStartup};
use bevy::shader::Shader;

const SHADER: Handle<Shader> = uuid_handle!("0f3c0f1e-54f4-4a69-8f1c-b3f7a0a1d6be");

pub(crate) struct OutputPlugin;

impl Plugin for OutputPlugin {
    fn build(&self, app: &mut App) {
        load_internal_asset!(app, SHADER, "output.wgsl", Shader::from_wgsl);
        if let Some(render_app) = app.get_sub_app_mut(RenderApp) {
            render_app.add_systems(RenderStartup, read_instead.after(init_blit_pipeline));
        }
    }
}

fn read_instead(mut pipeline: ResMut<'_, BlitPipeline>) {
    pipeline.fragment_shader = SHADER;
}
