//! Files that a person asked for: reports, bundles, pictures. Each is there whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bevy::prelude::*;
use bevy::render::view::screenshot::{Screenshot, ScreenshotCaptured};
use terrarium_view_model::{BundleFile, FileWish, Report};

use crate::bundle::bundle;
use crate::picture::Picture;
use crate::view::View;

/// Where files go.
#[derive(Resource, Debug, Clone)]
pub struct SaveTo(pub PathBuf);

/// Writes what is wished for, once per frame.
pub struct FilesPlugin;

impl Plugin for FilesPlugin {
    fn build(&self, app: &mut App) {
        app.add_systems(Last, write_wishes);
    }
}

fn write_wishes(
    mut view: ResMut<'_, View>,
    folder: Res<'_, SaveTo>,
    mut commands: Commands<'_, '_>,
) {
    let wishes = view.bypass_change_detection().0.take_file_wishes();
    for wish in wishes {
        match wish {
            FileWish::Text { name, text } => {
                let path = folder.0.join(name);
                let saved = write_whole(&path, text.as_bytes());
                tell(&mut view, &path, saved);
            }
            FileWish::Picture { name } => {
                commands
                    .spawn(Screenshot::primary_window())
                    .observe(save_picture(folder.0.join(name), None));
            }
            FileWish::Bundle { name, files } => {
                commands
                    .spawn(Screenshot::primary_window())
                    .observe(save_picture(folder.0.join(name), Some(files)));
            }
        }
    }
}

/// Saves a captured picture, or the bundle of these files and the picture.
fn save_picture(
    path: PathBuf,
    files: Option<Vec<BundleFile>>,
) -> impl FnMut(On<'_, '_, ScreenshotCaptured>, ResMut<'_, View>) {
    move |captured, mut view| {
        let image = captured.image.clone();
        let saved = png_of(image).and_then(|png| match &files {
            None => write_whole(&path, &png),
            Some(files) => write_whole(&path, &bundle(files, &png)?),
        });
        tell(&mut view, &path, saved);
    }
}

fn png_of(image: Image) -> io::Result<Vec<u8>> {
    let (width, height) = (image.width(), image.height());
    // A window's own pixels may be BGRA: Bevy turns them.
    let rgba = image
        .try_into_dynamic()
        .map_err(io::Error::other)?
        .into_rgba8();
    let picture = Picture::averaged(rgba.as_raw(), width, height, 1);
    picture.png().map_err(io::Error::other)
}

fn tell(view: &mut View, path: &Path, saved: io::Result<()>) {
    let saved = match saved {
        Ok(()) => Ok(path.display().to_string()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    };
    view.0.take(Report::Saved(saved));
}

/// Writes a file under another name first, so that no half of it is ever read.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        fs::create_dir_all(folder)?;
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    fs::write(&unfinished, bytes)?;
    fs::rename(&unfinished, path)
}
