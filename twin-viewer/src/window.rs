//! The viewer in a window.

use anyhow::{Result, bail};
use bevy::prelude::*;
use terrarium_view_model::Report;

use crate::app::{self, Surface};
use crate::args::Args;
use crate::files::{FilesPlugin, SaveTo};
use crate::pace::{Pace, PacePlugin, Waker};
use crate::panels::Bare;
use crate::pick::PickPlugin;
use crate::recovery;
use crate::repaint::Patience;
use crate::rig::steer;
use crate::rotation::{Rotation, RotationPlugin};
use crate::start;
use crate::status::{StatusOut, StatusPlugin};
use crate::view::{Link, View, apply};

/// Opens the window and runs until it is closed.
pub fn run(args: &Args) -> Result<()> {
    let mut view = View::default();
    let waker = Waker::default();
    start::set_preferences(&mut view, args);
    let link = match &args.park_file {
        Some(file) => {
            start::park_of_file(&mut view, file, args.at.as_deref())?;
            start::check_geometry(&view)?;
            Link::default()
        }
        None => start::connect(args, waker.wake())?,
    };
    // A link of another park is refused before a window opens.
    start::link(args)?;
    if args.park_file.is_some() {
        start::wishes(&view, args)?;
    }
    let kiosk = start::kiosk(args)?;
    if let Some(kiosk) = &kiosk {
        view.0.audience = kiosk.audience;
    }
    let title = match &args.park_file {
        Some(file) => format!("Terrarium: {}", file.display()),
        None => format!("Terrarium: {}", start::park_name(args)?),
    };
    let status = StatusOut::new(args.status_out.as_deref(), args.controls_out.clone())?;
    let mut app = app::build(&Surface::Window {
        title,
        size: args.size,
    })?;
    waker.attach(&app);
    app.add_plugins((PickPlugin, FilesPlugin, StatusPlugin, PacePlugin))
        .insert_resource(SaveTo(args.save_to.clone()))
        .insert_resource(status)
        .insert_resource(view)
        .insert_resource(link)
        .insert_resource(Bare(args.bare))
        .insert_resource(waker.clone())
        .insert_resource(Pace::new(kiosk.is_some()))
        .insert_resource(Patience::Short)
        .add_systems(Startup, |mut commands: Commands<'_, '_>| {
            commands.spawn(app::scene_camera());
        })
        .add_systems(Update, steer);
    if let Some(kiosk) = kiosk {
        app.insert_resource(Rotation::new(kiosk))
            .add_plugins(RotationPlugin);
    }
    app.insert_resource(Wanted(Some(args.clone())))
        .add_systems(Update, show_wanted);
    match app.run() {
        AppExit::Success => Ok(()),
        AppExit::Error(code) if code.get() == recovery::ADAPTER_LOST => Err(recovery::start_anew()),
        AppExit::Error(code) => bail!("the window ended with code {code}"),
    }
}

/// The command line, until the park is there that it is about.
#[derive(Resource)]
struct Wanted(Option<Args>);

fn show_wanted(mut wanted: ResMut<'_, Wanted>, mut view: ResMut<'_, View>, link: Res<'_, Link>) {
    if wanted.0.is_none() || view.bypass_change_detection().0.park().is_none() {
        return;
    }
    let Some(args) = wanted.0.take() else {
        return;
    };
    match start::wishes(&view, &args) {
        Ok(commands) => apply(&mut view, &link, commands),
        Err(error) => {
            view.0.take(Report::Failed {
                what: "command line",
                reason: format!("{error:#}"),
            });
        }
    }
}
