//! The viewer as a process that is asked for one picture after the other.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value as Json;
use terrarium_tests::haotian::PARK;
use terrarium_tests::viewer_binary;

use crate::image::{Image, Scale};

/// A software renderer beside other tests is slow.
const DRAWN_WITHIN: Duration = Duration::from_secs(120);

/// Draws the pictures that links ask for.
pub struct Viewer {
    process: Child,
    links: ChildStdin,
    pictures: Receiver<String>,
    folder: PathBuf,
}

/// One picture, what is where in it, and what it says in words.
pub struct Shot {
    pub picture: Image,
    pub mask: Image,
    pub labels: Vec<Label>,
    pub path: PathBuf,
}

/// Words and where they stand: left, top, right, bottom in pixels.
#[derive(Debug)]
pub struct Label {
    pub text: String,
    pub at: [i64; 4],
}

/// What the legend says: values at the two ends of its bar, and the bar.
pub struct Legend {
    pub range: (f64, f64),
    pub scale: Scale,
}

impl Viewer {
    pub fn start(url: &str, folder: &Path) -> Viewer {
        fs::create_dir_all(folder).expect("the scratch folder is writable");
        let log = File::create(folder.join("log")).expect("the scratch folder is writable");
        let mut process = Command::new(viewer_binary())
            .args(["--server", url, "--park", PARK])
            .args(["--offscreen", "--links", "-", "--masks", "--samples", "1"])
            .args(["--size", "1000x560", "--out"])
            .arg(folder)
            .arg("--controls-out")
            .arg(folder.join("controls.json"))
            .env("XDG_RUNTIME_DIR", folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the viewer can be started");
        let links = process.stdin.take().expect("it is piped");
        let lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let (sender, pictures) = channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Viewer {
            process,
            links,
            pictures,
            folder: folder.to_owned(),
        }
    }

    /// The picture of a link's parts, such as `overlay=power`.
    pub fn draw(&mut self, parts: &str) -> Shot {
        let asked = writeln!(self.links, "terrarium://{PARK}?{parts}");
        let answer = asked
            .ok()
            .and_then(|()| self.pictures.recv_timeout(DRAWN_WITHIN).ok());
        let Some(path) = answer.map(PathBuf::from) else {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            panic!("no picture of {parts}: {log}");
        };
        let mask_path = path.with_extension("mask.png");
        let shot = Shot {
            picture: Image::read(&path),
            mask: Image::read(&mask_path),
            labels: labels(&self.folder.join("controls.json")),
            path,
        };
        // The next ones take their place; the last stays to be looked at.
        let _ = fs::rename(&shot.path, self.folder.join("last.png"));
        let _ = fs::remove_file(mask_path);
        shot
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn labels(controls: &Path) -> Vec<Label> {
    let text = fs::read_to_string(controls).expect("the viewer writes its controls");
    let tree: Json = serde_json::from_str(&text).expect("JSON");
    let controls = tree["controls"].as_array().expect("controls").iter();
    let labels = controls.filter(|control| control["role"] == "Label");
    labels
        .map(|control| {
            let side = |side: usize| control["at"][side].as_i64().expect("a place");
            Label {
                text: control["text"].as_str().unwrap_or_default().to_owned(),
                at: [0, 1, 2, 3].map(side),
            }
        })
        .collect()
}

impl Shot {
    /// Whether some words hold this.
    pub fn says(&self, part: &str) -> bool {
        self.labels.iter().any(|label| label.text.contains(part))
    }

    /// The legend of the overlay: two figures under its bar, and how much of the park it stands on under them.
    pub fn legend(&self) -> Legend {
        const ROW_PX: i64 = 34;
        let is_coverage =
            |label: &&Label| label.text.ends_with(" assets") && label.text.contains(" of ");
        let coverage = self.labels.iter().find(is_coverage);
        let coverage = coverage.unwrap_or_else(|| panic!("no legend: {:?}", self.labels));
        let (bottom, top) = (coverage.at[1] + 4, coverage.at[1] - ROW_PX);
        let mut figures: Vec<(&Label, f64)> = self
            .labels
            .iter()
            .filter(|label| label.at[1] >= top && label.at[3] <= bottom)
            .filter_map(|label| Some((label, figure(&label.text)?)))
            .collect();
        figures.sort_by_key(|(label, _)| label.at[0]);
        let [(low, least), .., (high, most)] = figures[..] else {
            panic!("no two ends of the legend: {:?}", self.labels);
        };
        let pixel = |px: i64| usize::try_from(px).expect("in the picture");
        let columns = (pixel(low.at[0]), pixel(high.at[2]));
        Legend {
            range: (least, most),
            scale: Scale::read(&self.picture, columns, pixel(low.at[1])),
        }
    }
}

/// A figure of the legend in its smallest unit.
fn figure(text: &str) -> Option<f64> {
    match text {
        "Good" => return Some(100.0),
        "Bad" => return Some(0.0),
        _ => {}
    }
    let text = text.replace('\u{a0}', "").replace('−', "-");
    let (number, unit) = text.split_once(' ')?;
    let factor = match unit {
        "W" | "Wh" | "%" | "g CO₂/kWh" => 1.0,
        "kW" | "kWh" => 1e3,
        "MW" | "MWh" => 1e6,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * factor)
}
