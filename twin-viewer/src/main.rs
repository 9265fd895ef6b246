//! The 3D twin of a park on the control-room wall.
//!
//! - `args`, `start`: the command line, and the first thing shown
//! - `window`, `offscreen`, `benchmark`: the three ways to run; `series`: many pictures from one process
//! - `app`: the Bevy app that they share
//! - `view`: what is shown, kept in step with the services; `dress`: from values to how parts stand and look
//! - `rig`, `cameras`, `pick`: the camera, cameras by name, pointing at things
//! - `panels`, `marks`: the operator's panels; signs over the scene; `repaint`: when they are laid out anew;
//!   `redraw`: what of them is drawn anew
//! - `pace`: when a frame is drawn at all; `recovery`: what becomes of a lost graphics adapter
//! - `rotation`: screens that follow one another
//! - `files`, `bundle`, `written_report`: what is written to files
//! - `status`: what is shown, told to other programs
//! - `picture`: pixels of a finished picture

mod app;
mod args;
mod benchmark;
mod bundle;
mod cameras;
mod dress;
mod files;
#[cfg(test)]
mod golden_tests;
mod marks;
mod offscreen;
mod pace;
mod panels;
mod pick;
mod picture;
mod recovery;
mod redraw;
mod repaint;
mod rig;
mod rotation;
mod series;
mod start;
mod status;
mod view;
mod window;
mod written_report;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    let result = match (args.benchmark, &args.shift_report) {
        (Some(frames), _) => benchmark::run(&args, frames),
        (None, Some(out)) => written_report::run(&args, out),
        (None, None) if args.links.is_some() => series::run(&args),
        (None, None) if args.offscreen => offscreen::run(&args),
        (None, None) => window::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("twin-viewer: {error:#}");
            ExitCode::FAILURE
        }
    }
}
