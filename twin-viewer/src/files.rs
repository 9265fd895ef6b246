//! Files that a person asked for: reports, bundles, pictures. Each is there whole or not at all, and none takes the place of
//! another.

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

/// A bundle of which a part is there: its picture was asked for at once, its files come with its events, either may be first.
#[derive(Resource, Debug, Default)]
struct Unfinished {
    name: String,
    picture: Option<Vec<u8>>,
    files: Option<Vec<BundleFile>>,
}

impl Unfinished {
    /// Another bundle; what there is of the last one is given up.
    fn begin(&mut self, name: String) {
        *self = Unfinished {
            name,
            ..Unfinished::default()
        };
    }

    /// Its picture and files, once both are there.
    fn take_whole(&mut self) -> Option<(Vec<u8>, Vec<BundleFile>)> {
        let (picture, files) = (self.picture.take(), self.files.take());
        match (picture, files) {
            (Some(picture), Some(files)) => Some((picture, files)),
            (picture, files) => {
                (self.picture, self.files) = (picture, files);
                None
            }
        }
    }
}

/// Writes what is wished for, once per frame.
pub struct FilesPlugin;

impl Plugin for FilesPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Unfinished>()
            .add_systems(Last, (write_wishes, write_bundle).chain());
    }
}

fn write_wishes(
    mut view: ResMut<'_, View>,
    folder: Res<'_, SaveTo>,
    mut unfinished: ResMut<'_, Unfinished>,
    mut commands: Commands<'_, '_>,
) {
    let wishes = view.bypass_change_detection().0.take_file_wishes();
    for wish in wishes {
        match wish {
            FileWish::Text { name, text } => {
                let saved = write_beside(&folder.0, &name, text.as_bytes());
                tell(&mut view, &folder.0, saved);
            }
            FileWish::Picture { name } => {
                let folder = folder.0.clone();
                commands.spawn(Screenshot::primary_window()).observe(
                    move |captured: On<'_, '_, ScreenshotCaptured>, mut view: ResMut<'_, View>| {
                        let png = png_of(captured.image.clone());
                        let saved = png.and_then(|png| write_beside(&folder, &name, &png));
                        tell(&mut view, &folder, saved);
                    },
                );
            }
            FileWish::BundlePicture { name } => {
                unfinished.begin(name.clone());
                commands
                    .spawn(Screenshot::primary_window())
                    .observe(keep_picture(name));
            }
            FileWish::Bundle { name, files } if name == unfinished.name => {
                unfinished.files = Some(files);
            }
            FileWish::Bundle { .. } => {}
        }
    }
}

/// Keeps a captured picture for the bundle of this name.
fn keep_picture(
    name: String,
) -> impl FnMut(On<'_, '_, ScreenshotCaptured>, ResMut<'_, View>, ResMut<'_, Unfinished>) {
    move |captured, mut view, mut unfinished| match png_of(captured.image.clone()) {
        Ok(png) if unfinished.name == name => unfinished.picture = Some(png),
        Ok(_) => {}
        Err(error) => tell(&mut view, Path::new(&name), Err(error)),
    }
}

fn write_bundle(
    mut view: ResMut<'_, View>,
    folder: Res<'_, SaveTo>,
    mut unfinished: ResMut<'_, Unfinished>,
) {
    let Some((picture, files)) = unfinished.bypass_change_detection().take_whole() else {
        return;
    };
    let saved = bundle(&files, &picture)
        .and_then(|bytes| write_beside(&folder.0, &unfinished.name, &bytes));
    tell(&mut view, &folder.0, saved);
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

/// Tells which file was written, or what could not be written to.
fn tell(view: &mut View, place: &Path, saved: io::Result<PathBuf>) {
    let saved = match saved {
        Ok(path) => Ok(path.display().to_string()),
        Err(error) => Err(format!("{}: {error}", place.display())),
    };
    view.0.take(Report::Saved(saved));
}

/// Writes a file into a folder under this name; where it is taken, under this name with the next free number.
pub fn write_beside(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let named = Path::new(name);
    let stem = named.file_stem().unwrap_or_default().to_string_lossy();
    let extension = named.extension().unwrap_or_default().to_string_lossy();
    let numbered = (2..).map(|number: u32| folder.join(format!("{stem}-{number}.{extension}")));
    let free = std::iter::once(folder.join(name))
        .chain(numbered)
        .find(|path| !path.exists());
    let path = free.ok_or_else(|| io::Error::from(io::ErrorKind::AlreadyExists))?;
    write_whole(&path, bytes)?;
    Ok(path)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_file_of_the_same_name_stands_beside_the_first() {
        let folder = std::env::temp_dir().join(format!("terrarium-files-{}", std::process::id()));
        let write = |bytes: &[u8]| {
            write_beside(&folder, "haotian-2026-05-01T140000-picture.png", bytes)
                .expect("the folder is writable")
        };
        let written = [write(b"one"), write(b"two"), write(b"three")];
        let names = written.each_ref().map(|path| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        });
        let stem = "haotian-2026-05-01T140000-picture";
        let expected = ["", "-2", "-3"].map(|number| format!("{stem}{number}.png"));
        assert_eq!(names, expected);
        let read = written.map(|path| fs::read(path).expect("it was written"));
        assert_eq!(read, [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
        fs::remove_dir_all(&folder).expect("it is ours");
    }

    #[test]
    fn a_bundle_is_whole_with_its_picture_and_its_files_whichever_comes_first() {
        let file = BundleFile {
            name: "incident.json",
            text: "{}\n".to_owned(),
        };
        let mut bundle = Unfinished::default();
        bundle.begin("one.zip".to_owned());
        bundle.picture = Some(vec![1]);
        assert_eq!(bundle.take_whole(), None);
        bundle.files = Some(vec![file.clone()]);
        assert_eq!(bundle.take_whole(), Some((vec![1], vec![file.clone()])));
        assert_eq!(bundle.take_whole(), None, "it is written once");
        bundle.files = Some(vec![file]);
        bundle.begin("another.zip".to_owned());
        bundle.picture = Some(vec![2]);
        assert_eq!(bundle.take_whole(), None, "the files are of another one");
    }
}
