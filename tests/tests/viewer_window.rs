//! The viewer in a real window, under Xvfb, driven by a real mouse and keyboard through xdotool. What it shows is heard from
//! `--status-out`, where its controls are from `--controls-out`; both are for everybody.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value as Json;
use terrarium_tests::{Park, feed, repository, viewer_binary, wait};

const PARK: &str = "haotian";
const FROM: &str = "2025-06-01T00:00:00+08:00";
const TO: &str = "2025-06-03T12:00:00+08:00";
/// The grid's meter falls silent in the last hours, which is an alarm.
const SILENT: &str = "grid.import:dropout=1@2025-06-03T01:00:00Z..2025-06-04";
const ALARM: &str = "Grid meter silent";
const HOUR_MS: i64 = 3_600_000;
/// At the pace of [`wait::until`] about half a second of the viewer's frames.
const LOOKS_THAT_AGREE: u32 = 150;
/// Below it is the timeline; what a panel has there has to be scrolled to. In pixels.
const SEEN_TO: i64 = 880;
/// A software renderer beside other tests is slow.
const SEEN_WITHIN: Duration = Duration::from_secs(90);

/// Programs that are not there, with the Debian package that brings them.
fn missing() -> Vec<&'static str> {
    [("Xvfb", "xvfb"), ("xdotool", "xdotool")]
        .into_iter()
        .filter(|(program, _)| {
            let found = Command::new("sh")
                .args(["-c", &format!("command -v {program}")])
                .stdout(Stdio::null())
                .status();
            !found.is_ok_and(|status| status.success())
        })
        .map(|(_, package)| package)
        .collect()
}

/// A display of its own.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    /// Xvfb takes a free number by itself and says which.
    fn start(scratch: &Path) -> Display {
        let told = scratch.join("display");
        let script = "exec Xvfb -displayfd 3 -screen 0 1600x1000x24 -nolisten tcp 3>\"$0\"";
        let server = Command::new("sh")
            .args(["-c", script])
            .arg(&told)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb can be started");
        let number = wait::until(SEEN_WITHIN, "Xvfb says which display it is", || {
            let text = fs::read_to_string(&told).ok()?;
            text.ends_with('\n').then(|| text.trim().to_owned())
        });
        Display {
            server,
            name: format!(":{number}"),
        }
    }

    fn xdotool(&self, words: &[&str]) {
        let status = Command::new("xdotool")
            .args(words)
            .env("DISPLAY", &self.name)
            .stdout(Stdio::null())
            .status()
            .expect("xdotool can be started");
        assert!(status.success(), "xdotool {words:?}: {status}");
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// The viewer's window, and a person in front of it.
struct Window {
    display: Display,
    viewer: Child,
    status: PathBuf,
    controls: PathBuf,
    log: PathBuf,
}

impl Window {
    fn open(park: &Park, more: &[&str]) -> Window {
        let folder = park.scratch("viewer");
        fs::create_dir_all(&folder).expect("the scratch folder is writable");
        let display = Display::start(&folder);
        let (status, controls) = (folder.join("status.jsonl"), folder.join("controls.json"));
        let log = folder.join("log");
        let written = fs::File::create(&log).expect("the scratch folder is writable");
        let viewer = Command::new(viewer_binary())
            .args(["--server", &park.endpoint().grpc, "--park", PARK])
            .args(["--size", "1600x1000", "--reduced-motion"])
            .arg("--status-out")
            .arg(&status)
            .arg("--controls-out")
            .arg(&controls)
            .arg("--save-to")
            .arg(&folder)
            .args(more)
            .env("DISPLAY", &display.name)
            .env_remove("WAYLAND_DISPLAY")
            .env("XDG_RUNTIME_DIR", &folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(written)
            .spawn()
            .expect("the viewer can be started");
        Window {
            display,
            viewer,
            status,
            controls,
            log,
        }
    }

    /// The newest thing that it said about itself.
    fn now(&mut self) -> Option<Json> {
        if let Ok(Some(ended)) = self.viewer.try_wait() {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            panic!("the viewer ended ({ended}): {log}");
        }
        let text = fs::read_to_string(&self.status).ok()?;
        let whole = &text[..=text.rfind('\n')?];
        serde_json::from_str(whole.lines().last()?).ok()
    }

    /// Waits until it says so.
    #[track_caller]
    fn until(&mut self, what: &str, is_so: impl Fn(&Json) -> bool) -> Json {
        wait::until(SEEN_WITHIN, what, || self.now().filter(|now| is_so(now)))
    }

    fn controls(&self) -> Vec<Json> {
        let text = fs::read_to_string(&self.controls).unwrap_or_default();
        let tree: Json = serde_json::from_str(&text).unwrap_or_default();
        tree["controls"].as_array().cloned().unwrap_or_default()
    }

    /// Where a control is whose words these are: the middle of what can be pressed, in pixels.
    #[track_caller]
    fn place_of(&self, role: &str, what: &str, is_it: impl Fn(&str) -> bool) -> (i64, i64) {
        let mut last = None;
        let mut same = 0;
        wait::until(
            SEEN_WITHIN,
            &format!("{what} can be pressed and stands still"),
            || {
                let controls = self.controls();
                let found = controls.iter().find(|control| {
                    let is_pressable = control["role"] == role;
                    let text = control["text"].as_str().unwrap_or_default();
                    let is_seen = control["at"][3]
                        .as_i64()
                        .is_some_and(|bottom| bottom < SEEN_TO);
                    is_pressable && is_seen && control["is_disabled"] == false && is_it(text)
                })?;
                let at: Vec<i64> = found["at"]
                    .as_array()?
                    .iter()
                    .filter_map(Json::as_i64)
                    .collect();
                let [left, top, right, bottom] = at[..] else {
                    return None;
                };
                let place = ((left + right) / 2, (top + bottom) / 2);
                // The first layout of something new is corrected by the next one: it has to stand for many looks.
                same = if last.replace(place) == Some(place) {
                    same + 1
                } else {
                    0
                };
                (same >= LOOKS_THAT_AGREE).then_some(place)
            },
        )
    }

    fn click_at(&self, (x, y): (i64, i64)) {
        self.display
            .xdotool(&["mousemove", &x.to_string(), &y.to_string()]);
        self.display.xdotool(&["click", "1"]);
    }

    #[track_caller]
    fn press(&self, words: &str) {
        self.click_at(self.place_of("Button", words, |text| text == words));
    }

    #[track_caller]
    fn press_first_with(&self, words: &str) {
        self.click_at(self.place_of("Button", words, |text| text.contains(words)));
    }

    /// Turns the wheel over the right panel until this is in sight.
    #[track_caller]
    fn scroll_to(&self, words: &str) {
        wait::until(SEEN_WITHIN, &format!("{words} is scrolled to"), || {
            let controls = self.controls();
            let found = controls.iter().find(|control| {
                control["text"]
                    .as_str()
                    .is_some_and(|text| text.contains(words))
            })?;
            if found["at"][3].as_i64()? < SEEN_TO {
                return Some(());
            }
            let wheel = ["mousemove", "1450", "600", "click", "5"];
            self.display.xdotool(&wheel);
            None
        });
    }

    fn key(&self, key: &str) {
        self.display.xdotool(&["key", key]);
    }

    fn write(&self, text: &str) {
        self.display.xdotool(&["type", "--delay", "40", text]);
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            eprintln!("--- viewer\n{log}\n--- controls");
            for control in self.controls() {
                eprintln!("{control}");
            }
            let status = fs::read_to_string(&self.status).unwrap_or_default();
            eprintln!("--- status\n{}", status.lines().last().unwrap_or_default());
        }
        let _ = self.viewer.kill();
        let _ = self.viewer.wait();
    }
}

/// Two and a half days of Haotian, with an alarm that nobody has seen.
fn park() -> Park {
    let mut park = Park::new(&[repository().join("deploy/parks/haotian.toml")]);
    park.start();
    let factors = repository().join("deploy/factors/north-china-carried.toml");
    let factors = factors.to_string_lossy();
    park.cli(&["import", "factors", &factors, "--park", PARK])
        .expect_code(0);
    let file = repository().join("deploy/parks/haotian.toml");
    let file = file.to_string_lossy();
    let words = [
        "simulate", "--format", "json", "--park", &file, "--from", FROM, "--to", TO, "--batch",
        "--fault", SILENT,
    ];
    let summary: Json = park.cli(&words).expect_code(0).json();
    park.state_at(summary["recorded_position"].as_u64().expect("a position"));
    park
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_selects_filters_acknowledges_goes_back_and_returns_with_mouse_and_keyboard() {
    let missing = missing();
    if !missing.is_empty() {
        let message = format!("a window needs {}: apt-get install them", missing.join(" "));
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{message}");
        println!("left out: {message}");
        return;
    }
    let park = park();
    let mut window = Window::open(&park, &[]);
    let live = window.until("the park is shown live", |now| {
        now["connection"] == "live" && now["is_waiting"] == false && now["may_command"] == true
    });
    let now_ms = live["now_ms"].as_i64().expect("a clock");

    // Without a window manager nobody else gives the window the keyboard.
    let focus = [
        "search",
        "--sync",
        "--onlyvisible",
        "--name",
        "Terrarium",
        "windowfocus",
    ];
    window.display.xdotool(&focus);

    // Filter by what is written, and select what is found.
    let search = window.place_of("TextInput", "the search box", |text| {
        text.contains("pinyin")
    });
    window.click_at(search);
    wait_for_focus(&window);
    window.write("charger-1");
    window.until("the search finds it", |now| now["found"][0] == "charger-1");
    window.press_first_with("charger-1");
    window.until("it is selected", |now| {
        now["selected"] == serde_json::json!(["charger-1"])
    });
    window.key("Escape");

    // Acknowledge the alarm.
    window.press(ALARM);
    let opened = window.until("its card is open", |now| now["open_alarm"].is_string());
    assert!(opened["alarms_unacknowledged"].as_u64() > Some(0));
    window.press("Acknowledge");
    let acknowledged = window.until("the command has its outcome", |now| {
        !now["sent"][0]["outcome"].is_null()
    });
    assert!(
        acknowledged["sent"][0]["outcome"]["recorded"].is_u64(),
        "{}",
        acknowledged["sent"]
    );
    let mut clients = park.clients().await;
    let events = feed::read_all(&mut clients, PARK).await;
    let kind = "terrarium.alarm.v1.AlarmAcknowledgedV1";
    let recorded = events.iter().filter(|event| event.r#type == kind).count();
    assert_eq!(recorded, 1, "the event is in the store");

    // Scrub to yesterday: drag on the timeline.
    let strip = strip(&window);
    let first_ms = live["first_ms"].as_i64().expect("a beginning");
    let x_of = |moment_ms: i64| {
        let share = (moment_ms - first_ms) as f64 / (now_ms - first_ms) as f64;
        strip.0 + (share * (strip.1 - strip.0) as f64) as i64
    };
    let yesterday_ms = now_ms - 24 * HOUR_MS;
    let y = strip.2.to_string();
    window.display.xdotool(&[
        "mousemove",
        &x_of(now_ms - HOUR_MS).to_string(),
        &y,
        "mousedown",
        "1",
    ]);
    window.until("dragging leaves live", |now| now["is_live"] == false);
    let there = x_of(yesterday_ms).to_string();
    window.display.xdotool(&["mousemove", &there, &y]);
    window.until("the picture follows the drag", |now| {
        now["moment_ms"].as_i64() < Some(now_ms - 20 * HOUR_MS)
    });
    window.display.xdotool(&["mouseup", "1"]);
    let yesterday = window.until("yesterday is shown", |now| {
        let moment_ms = now["moment_ms"].as_i64().unwrap_or_default();
        now["is_waiting"] == false && (moment_ms - yesterday_ms).abs() < HOUR_MS
    });
    assert_eq!(
        yesterday["may_command"], false,
        "commands are locked in replay"
    );

    // From a kilogram in the ledger to the event behind it.
    window.key("Escape");
    window.press("Carbon ledger");
    window.until("the ledger is there", |now| now["ledger_position"].is_u64());
    window.press_first_with("kg CO₂");
    window.until("its entries are listed", |now| {
        now["entries"].as_u64() > Some(0)
    });
    window.press_first_with("g CO₂  (");
    window.until("one is explained", |now| now["explained"].is_string());
    window.scroll_to("IntervalMeteredV1");
    window.press_first_with("IntervalMeteredV1");
    let jumped = window.until("the event's moment is shown", |now| {
        now["sought_event"].is_u64() && now["is_waiting"] == false && now["is_live"] == false
    });
    let position = jumped["sought_event"].as_u64();
    let event = events.iter().find(|event| Some(event.position) == position);
    let event = event.expect("the event is in the store");
    assert_eq!(event.r#type, "terrarium.energy.v1.IntervalMeteredV1");
    assert!(!jumped["selected"][0].is_null(), "its place is selected");

    // The other language, and back to now, by keys.
    window.key("l");
    window.until("the panels are in Chinese", |now| now["language"] == "zh");
    window.place_of("Button", "the Chinese words", |text| text == "碳账本");
    window.key("End");
    window.until("it is live again", |now| {
        now["is_live"] == true && now["is_waiting"] == false && now["may_command"] == true
    });
}

/// The search box has the keyboard.
#[track_caller]
fn wait_for_focus(window: &Window) {
    wait::until(SEEN_WITHIN, "the search box has the keyboard", || {
        let controls = window.controls();
        let focused = controls
            .iter()
            .any(|control| control["is_focused"] == true && control["role"] == "TextInput");
        focused.then_some(())
    });
}

/// Left, right and middle height of the timeline.
#[track_caller]
fn strip(window: &Window) -> (i64, i64, i64) {
    wait::until(SEEN_WITHIN, "the timeline is on the screen", || {
        let controls = window.controls();
        let slider = controls
            .iter()
            .find(|control| control["role"] == "Slider")?;
        let at: Vec<i64> = slider["at"]
            .as_array()?
            .iter()
            .filter_map(Json::as_i64)
            .collect();
        let [left, top, right, bottom] = at[..] else {
            return None;
        };
        Some((left, right, (top + bottom) / 2))
    })
}
