//! The 3D twin of a park on the control-room wall.
//!
//! - `args`, `start`: the command line, and the first thing shown
//! - `window`, `offscreen`, `benchmark`: the three ways to run
//! - `app`: the Bevy app that they share
//! - `view`: what is shown, kept in step with the services; `dress`: from values to how parts stand and look
//! - `rig`, `cameras`, `pick`: the camera, cameras by name, pointing at things
//! - `panels`, `marks`: the operator's panels; signs over the scene; `repaint`: when they are laid out anew
//! - `picture`: pixels of a finished picture

mod app;
mod args;
mod benchmark;
mod cameras;
mod dress;
#[cfg(test)]
mod golden_tests;
mod marks;
mod offscreen;
mod panels;
mod pick;
mod picture;
mod repaint;
mod rig;
mod start;
mod view;
mod window;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;

fn main() -> ExitCode {
    let args = Args::parse();
    let result = match args.benchmark {
        Some(frames) => benchmark::run(&args, frames),
        None if args.offscreen => offscreen::run(&args),
        None => window::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("twin-viewer: {error:#}");
            ExitCode::FAILURE
        }
    }
}
