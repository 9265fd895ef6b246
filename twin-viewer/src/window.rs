//! The viewer in a window.

use anyhow::{Result, bail};
use bevy::prelude::*;
use bevy::winit::{UpdateMode, WinitSettings};
use std::time::Duration;

use crate::app::{self, Surface};
use crate::args::Args;
use crate::panels::Bare;
use crate::pick::PickPlugin;
use crate::rig::steer;
use crate::start;
use crate::view::View;

/// Opens the window and runs until it is closed.
pub fn run(args: &Args) -> Result<()> {
    let mut view = View::default();
    start::set_preferences(&mut view, args);
    let link = match &args.park_file {
        Some(file) => {
            start::park_of_file(&mut view, file, args.at.as_deref())?;
            start::check_geometry(&view)?;
            crate::view::Link::default()
        }
        None => start::connect(args)?,
    };
    let title = match (&args.park, &args.park_file) {
        (Some(park), _) => format!("Terrarium: {park}"),
        (None, Some(file)) => format!("Terrarium: {}", file.display()),
        (None, None) => "Terrarium".to_owned(),
    };
    let mut app = app::build(&Surface::Window {
        title,
        size: args.size,
    })?;
    app.add_plugins(PickPlugin)
        .insert_resource(view)
        .insert_resource(link)
        .insert_resource(Bare(args.bare))
        // Smooth while a person looks; calm otherwise.
        .insert_resource(WinitSettings {
            focused_mode: UpdateMode::reactive(Duration::from_millis(33)),
            unfocused_mode: UpdateMode::reactive_low_power(Duration::from_millis(100)),
        })
        .add_systems(Startup, |mut commands: Commands<'_, '_>| {
            commands.spawn(app::scene_camera());
        })
        .add_systems(Update, steer);
    match app.run() {
        AppExit::Success => Ok(()),
        AppExit::Error(code) => bail!("the window ended with code {code}"),
    }
}
