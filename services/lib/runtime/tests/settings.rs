//! The layers of the settings, their sources, and what a mistake reads like.

use std::path::{Path, PathBuf};

use terrarium_runtime::{EffectiveSettings, LogFormat, Settings, SettingsError};

fn layer(
    file: Option<&Path>,
    environment: &[(&str, &str)],
    flags: &[(&str, &str)],
) -> Result<EffectiveSettings, SettingsError> {
    let environment = environment
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()));
    let flags: Vec<(&str, String)> = flags
        .iter()
        .map(|(key, value)| (*key, value.to_string()))
        .collect();
    Settings::layer(file, environment, &flags)
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("terrarium.toml");
    std::fs::write(&path, text).expect("writable");
    (folder, path)
}

fn source_of<'a>(effective: &'a EffectiveSettings, key: &str) -> &'a str {
    let line = effective.values.iter().find(|line| line.key == key);
    &line.expect("every key is listed").source
}

fn message(outcome: Result<EffectiveSettings, SettingsError>) -> String {
    outcome.expect_err("a mistake").to_string()
}

#[test]
fn without_anything_the_defaults_hold() {
    let effective = layer(None, &[], &[]).expect("defaults are valid");
    assert_eq!(effective.settings, Settings::default());
    assert!(effective.values.iter().all(|line| line.source == "default"));
    assert!(effective.warnings.is_empty());
}

#[test]
fn flags_beat_the_environment_which_beats_the_file() {
    let (folder, path) = file(
        "listen = \"127.0.0.1:1\"\ndata = \"data\"\nparks = [\"a.toml\", \"/b.toml\"]\nstop_deadline_s = 3\n\
         log_format = \"json\"\ntokens = \"tokens.toml\"\n[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"\n",
    );
    let effective = layer(
        Some(&path),
        &[
            ("TERRARIUM_LISTEN", "127.0.0.1:2,[::1]:2"),
            ("TERRARIUM_STOP_DEADLINE_S", "4"),
            ("TERRARIUM_TLS_KEY", "other.pem"),
            ("TERRARIUM_NATS_URL", ""),
            ("PATH", "/bin"),
        ],
        &[
            ("listen", "127.0.0.1:3"),
            ("parks", "x.toml"),
            ("parks", "y.toml"),
        ],
    )
    .expect("all valid");
    let settings = &effective.settings;
    assert_eq!(settings.listen, ["127.0.0.1:3".parse().expect("valid")]);
    assert_eq!(settings.parks, [Path::new("x.toml"), Path::new("y.toml")]);
    assert_eq!(settings.stop_deadline_s, 4);
    assert_eq!(settings.log_format, LogFormat::Json);
    assert_eq!(settings.nats_url, None);
    assert_eq!(settings.data, folder.path().join("data"));
    assert_eq!(settings.tokens, Some(folder.path().join("tokens.toml")));
    let tls = settings.tls.as_ref().expect("set in the file");
    assert_eq!(tls.certificate, folder.path().join("c.pem"));
    assert_eq!(tls.key, Path::new("other.pem"));

    assert_eq!(source_of(&effective, "listen"), "flag --listen");
    assert_eq!(
        source_of(&effective, "tls.key"),
        "environment variable TERRARIUM_TLS_KEY"
    );
    assert_eq!(
        source_of(&effective, "data"),
        format!("file {}", path.display())
    );
    assert_eq!(source_of(&effective, "nats_url"), "default");
    let table = effective.to_string();
    assert!(table.contains("[\"x.toml\",\"y.toml\"]"), "{table}");
}

#[test]
fn paths_in_lists_of_the_file_are_relative_to_it() {
    let (folder, path) = file("parks = [\"a.toml\", \"/b.toml\"]\nnats_server = \"nats-server\"");
    let settings = layer(Some(&path), &[], &[]).expect("valid").settings;
    assert_eq!(
        settings.parks,
        [folder.path().join("a.toml"), PathBuf::from("/b.toml")]
    );
    assert_eq!(settings.nats_server, Path::new("nats-server"));
}

#[test]
fn an_unknown_key_is_named_with_its_file_and_the_keys_there_are() {
    let (_folder, path) = file("lisen = \"127.0.0.1:1\"");
    let message = message(layer(Some(&path), &[], &[]));
    assert!(message.contains("`lisen` is no setting"), "{message}");
    assert!(message.contains("terrarium.toml"), "{message}");
    assert!(message.contains("stop_deadline_s"), "{message}");
}

#[test]
fn an_unknown_key_below_tls_is_named_in_full() {
    let (_folder, path) = file("[tls]\ncertificate = \"c\"\nkey = \"k\"\nca = \"x\"");
    let message = message(layer(Some(&path), &[], &[]));
    assert!(message.contains("`tls.ca` is no setting"), "{message}");
    assert!(message.contains("terrarium.toml"), "{message}");
}

#[test]
fn a_bad_value_is_named_with_the_variable_that_holds_it() {
    let message_of = |name, value| message(layer(None, &[(name, value)], &[]));
    let listen = message_of("TERRARIUM_LISTEN", "localhost");
    assert!(
        listen.contains("environment variable TERRARIUM_LISTEN: `listen`"),
        "{listen}"
    );
    assert!(listen.contains("127.0.0.1:7470"), "{listen}");
    let deadline = message_of("TERRARIUM_STOP_DEADLINE_S", "soon");
    assert!(deadline.contains("TERRARIUM_STOP_DEADLINE_S"), "{deadline}");
    let format = message_of("TERRARIUM_LOG_FORMAT", "xml");
    assert!(format.contains("use text or json"), "{format}");
}

#[test]
fn a_bad_flag_is_named() {
    let message = message(layer(None, &[], &[("stop_deadline_s", "-1")]));
    assert!(message.contains("flag --stop-deadline-s"), "{message}");
}

#[test]
fn half_of_tls_is_refused() {
    let message = message(layer(None, &[("TERRARIUM_TLS_KEY", "k.pem")], &[]));
    assert!(
        message.contains("`tls.certificate` is missing"),
        "{message}"
    );
}

#[test]
fn a_missing_or_broken_file_is_named_with_the_line() {
    let missing = message(layer(Some(Path::new("/nowhere/t.toml")), &[], &[]));
    assert!(missing.contains("/nowhere/t.toml"), "{missing}");
    let (_folder, path) = file("data = \"x\"\nlisten = [");
    let broken = message(layer(Some(&path), &[], &[]));
    assert!(broken.contains("terrarium.toml"), "{broken}");
    assert!(broken.contains("line 2"), "{broken}");
}

#[test]
fn foreign_variables_with_our_prefix_warn_and_stop_nothing() {
    let effective = layer(
        None,
        &[
            ("TERRARIUM_URL", "http://127.0.0.1:7470"),
            ("TERRARIUM_PORT_7470_TCP", "tcp://10.0.0.1:7470"),
        ],
        &[],
    )
    .expect("ignored");
    assert_eq!(effective.warnings.len(), 1);
    assert!(effective.warnings[0].contains("TERRARIUM_PORT_7470_TCP"));
}

#[test]
fn what_is_printed_holds_no_password() {
    let urls = [
        ("eventstore_url", "esdb://admin:secret@store:2113?tls=true"),
        ("nats_url", "tls://a:b,c@nats-1:4222,tls://a:b@nats-2:4222"),
    ];
    let effective = layer(None, &[], &urls).expect("valid URLs");
    let shown = |key| {
        let line = effective.values.iter().find(|line| line.key == key);
        line.expect("every key is listed").value.clone()
    };
    assert_eq!(
        shown("eventstore_url"),
        "\"esdb://***@store:2113?tls=true\""
    );
    assert_eq!(
        shown("nats_url"),
        "\"tls://***@nats-1:4222,tls://***@nats-2:4222\""
    );
}

#[test]
fn the_replicas_of_a_bus_are_an_odd_number() {
    let with = |text| layer(None, &[("TERRARIUM_NATS_REPLICAS", text)], &[]);
    assert_eq!(with("3").expect("a cluster").settings.nats_replicas, 3);
    for (text, said) in [("2", "use 1"), ("0", "use 1"), ("three", "nats_replicas")] {
        let refusal = with(text).expect_err("no number of replicas").to_string();
        assert!(refusal.contains(said), "{refusal}");
        assert!(refusal.contains("TERRARIUM_NATS_REPLICAS"), "{refusal}");
    }
}
