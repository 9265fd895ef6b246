//! The Bevy app that window, picture and benchmark share.

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Result, bail};
use bevy::app::PluginsState;
use bevy::camera::CameraMainTextureUsages;
use bevy::core_pipeline::tonemapping::Tonemapping;
use bevy::log::{Level, LogPlugin};
use bevy::prelude::*;
use bevy::render::RenderPlugin as BevyRenderPlugin;
use bevy::render::render_resource::TextureUsages;
use bevy::render::view::{Msaa, NoIndirectDrawing};
use bevy::window::{ExitCondition, PresentMode, WindowResolution};
use bevy::winit::WinitPlugin;
use bevy_egui::EguiPlugin;
use terrarium_render::RenderPlugin;
use terrarium_scene::{ChooseDetail, StagePlugin};

use crate::panels::PanelsPlugin;
use crate::recovery;
use crate::redraw::RedrawPlugin;
use crate::repaint::RepaintPlugin;
use crate::rig::{Rig, SceneCamera, SceneClick, VERTICAL_VIEW_DEG, place_camera};
use crate::view::ViewPlugin;

/// What the app draws into.
#[derive(Debug, Clone)]
pub enum Surface {
    Window {
        title: String,
        size: (u32, u32),
    },
    /// An image; somebody else pumps the frames.
    Image,
}

/// Builds the app up to its plugins. Fails where there is nothing to render with.
pub fn build(surface: &Surface) -> Result<App> {
    // Bevy panics where it finds no adapter; a person gets a sentence instead.
    let quiet = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let built = catch_unwind(AssertUnwindSafe(|| with_plugins(surface)));
    std::panic::set_hook(quiet);
    match built {
        Ok(app) => Ok(app),
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .cloned()
                .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                .unwrap_or_default();
            bail!("{}", explained(&text, surface));
        }
    }
}

fn explained(panic: &str, surface: &Surface) -> String {
    let is_about_display = ["display", "XOpenDisplay", "event loop", "WAYLAND"]
        .iter()
        .any(|word| panic.contains(word));
    match surface {
        Surface::Window { .. } if is_about_display => format!(
            "there is no display to open a window on: set DISPLAY, or render a picture with --offscreen --out FILE ({panic})"
        ),
        _ if panic.contains("GPU") => "there is no graphics adapter, not even a software one: install a Vulkan driver; \
             on Debian and Ubuntu `apt-get install mesa-vulkan-drivers` renders without a graphics card"
            .to_owned(),
        _ => format!("the renderer can't be started: {panic}"),
    }
}

fn with_plugins(surface: &Surface) -> App {
    let mut app = App::new();
    let window = match surface {
        Surface::Window { title, size } => WindowPlugin {
            primary_window: Some(Window {
                title: title.clone(),
                name: Some("terrarium.twin-viewer".to_owned()),
                resolution: WindowResolution::new(size.0, size.1),
                present_mode: PresentMode::AutoVsync,
                ..Window::default()
            }),
            ..WindowPlugin::default()
        },
        Surface::Image => WindowPlugin {
            primary_window: None,
            exit_condition: ExitCondition::DontExit,
            ..WindowPlugin::default()
        },
    };
    let render = BevyRenderPlugin {
        // The first frame is whole: no pipeline is still being compiled.
        synchronous_pipeline_compilation: true,
        ..BevyRenderPlugin::default()
    };
    let log = LogPlugin {
        level: Level::WARN,
        // What software adapters lack is no news to anybody.
        filter: "wgpu=error,naga=error,bevy_render=error,bevy_pbr=error,bevy_egui=error".to_owned(),
        ..LogPlugin::default()
    };
    let plugins = DefaultPlugins.set(window).set(render).set(log);
    match surface {
        Surface::Window { .. } => app.add_plugins(plugins),
        Surface::Image => app.add_plugins(plugins.disable::<WinitPlugin>()),
    };
    app.add_plugins((
        EguiPlugin::default(),
        StagePlugin,
        RenderPlugin,
        ViewPlugin,
        PanelsPlugin,
        RepaintPlugin,
        RedrawPlugin,
    ))
    .insert_resource(recovery::handler())
    .init_resource::<Rig>()
    .add_message::<SceneClick>()
    .add_systems(PostUpdate, place_camera.before(ChooseDetail));
    app
}

/// What every camera of ours has in common: no tone mapping, no smoothing, a narrow view.
pub fn scene_camera() -> impl Bundle {
    (
        SceneCamera,
        Camera3d {
            // The kept depths of the scene are put back into it.
            depth_texture_usages: (TextureUsages::RENDER_ATTACHMENT
                | TextureUsages::COPY_DST
                | TextureUsages::COPY_SRC)
                .into(),
            ..Camera3d::default()
        },
        Msaa::Off,
        Tonemapping::None,
        // Which parts to draw is decided before: asking the adapter again costs more than it saves.
        NoIndirectDrawing,
        // The kept picture of the scene is put back into it.
        CameraMainTextureUsages::default().with(TextureUsages::COPY_DST),
        Projection::from(PerspectiveProjection {
            fov: VERTICAL_VIEW_DEG.to_radians(),
            near: 0.5,
            far: 20_000.0,
            ..PerspectiveProjection::default()
        }),
    )
}

/// Waits for the renderer and finishes the plugins, for who pumps the frames himself.
pub fn finish(app: &mut App) {
    while app.plugins_state() == PluginsState::Adding {
        bevy::tasks::tick_global_task_pools_on_main_thread();
    }
    app.finish();
    app.cleanup();
}
