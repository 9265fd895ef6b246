//! Settings in layers: defaults < file < `TERRARIUM_*` environment variables < flags, each value with its source.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use figment::error::Kind;
use figment::providers::{Format, Serialized, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};
use serde::de::{self, DeserializeOwned, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

/// Raft keeps a stream on an odd number of servers.
const REPLICAS: [u64; 3] = [1, 3, 5];

const ENVIRONMENT_PREFIX: &str = "TERRARIUM_";

/// All settings, with dots between the parts of nested ones.
const KEYS: [&str; 13] = [
    "listen",
    "data",
    "nats_url",
    "nats_ca",
    "nats_replicas",
    "nats_server",
    "eventstore_url",
    "parks",
    "tls.certificate",
    "tls.key",
    "tokens",
    "stop_deadline_s",
    "log_format",
];

/// `TERRARIUM_*` variables that are no settings of a server: of clients, of builds and of tests.
const OTHER_VARIABLES: [&str; 11] = [
    "CONFIG",
    "URL",
    "TOKEN",
    "TLS_CA",
    "BUILD_CACHE",
    "ZNE_HOMES",
    "BIN",
    "TEST_EVENTSTORE_URL",
    "TEST_LARGE_FOLDER",
    "TEST_LONG",
    "TEST_SEED",
];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Addresses of the gRPC server; port 0 takes a free one. Off loopback only with `tls` and `tokens`.
    #[serde(deserialize_with = "one_or_many")]
    pub listen: Vec<SocketAddr>,
    /// Folder of everything this process keeps.
    pub data: PathBuf,
    /// The NATS server to use, or those of a cluster with commas between; none = a child `nats-server` with its store under
    /// `data`.
    pub nats_url: Option<String>,
    /// Certificate (PEM) of the authority that signed the NATS servers' certificates; with it they have to speak TLS.
    pub nats_ca: Option<PathBuf>,
    /// On how many servers of a NATS cluster each commit is kept: 1, 3 or 5.
    pub nats_replicas: u64,
    /// The `nats-server` program for the child: a name on the PATH or a path.
    pub nats_server: PathBuf,
    /// The event store to use, such as `esdb://127.0.0.1:2113?tls=false`; none = the embedded one under `data`.
    pub eventstore_url: Option<String>,
    /// Park files, or folders of them.
    #[serde(deserialize_with = "one_or_many")]
    pub parks: Vec<PathBuf>,
    pub tls: Option<TlsSettings>,
    /// Token file of `terrarium token create`.
    pub tokens: Option<PathBuf>,
    /// Seconds that running requests get to finish at a stop.
    pub stop_deadline_s: u64,
    pub log_format: LogFormat,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from(([127, 0, 0, 1], 7470))],
            data: PathBuf::from("terrarium-data"),
            nats_url: None,
            nats_ca: None,
            nats_replicas: 1,
            nats_server: PathBuf::from("nats-server"),
            eventstore_url: None,
            parks: Vec::new(),
            tls: None,
            tokens: None,
            stop_deadline_s: 10,
            log_format: LogFormat::Text,
        }
    }
}

/// PEM files of the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("can't read the settings file {path}: {source}")]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    /// One line a problem, each with the place of the value and what is allowed.
    #[error("{0}")]
    Invalid(String),
}

/// Settings with the source of each value.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectiveSettings {
    pub settings: Settings,
    /// In the order of the documentation.
    pub values: Vec<EffectiveValue>,
    /// What looks like a mistake but stops nothing.
    pub warnings: Vec<String>,
}

/// One line of `terrarium config check`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EffectiveValue {
    pub key: &'static str,
    /// As TOML writes it; `(none)` if it is not set.
    pub value: String,
    /// `default`, `file <path>`, `environment variable TERRARIUM_<KEY>` or `flag --<key>`.
    pub source: String,
}

impl Settings {
    /// Layers `file`, this process's environment and `flags` over the defaults.
    ///
    /// `flags`: (key, value), a key as in the file with dots (`tls.key`); a list is given with commas or by repeating
    /// its key. Relative paths in the file are relative to its folder.
    pub fn load(
        file: Option<&Path>,
        flags: &[(&str, String)],
    ) -> Result<EffectiveSettings, SettingsError> {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::layer(file, environment, flags)
    }

    /// As [`Settings::load`], with the environment as an argument.
    pub fn layer(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: &[(&str, String)],
    ) -> Result<EffectiveSettings, SettingsError> {
        let mut figment = Figment::from(Serialized::defaults(Settings::default()));
        if let Some(path) = file {
            std::fs::metadata(path).map_err(|source| SettingsError::Unreadable {
                path: path.to_owned(),
                source,
            })?;
            figment = figment.merge(Toml::file_exact(path));
        }

        let mut warnings = Vec::new();
        let environment: BTreeMap<String, String> = environment
            .into_iter()
            .filter(|(name, value)| name.starts_with(ENVIRONMENT_PREFIX) && !value.is_empty())
            .collect();
        for (name, text) in environment {
            match KEYS.into_iter().find(|key| variable_of(key) == name) {
                Some(key) => {
                    let source = format!("environment variable {name}");
                    figment = figment.merge(OneValue::new(source, key, text));
                }
                None => {
                    let rest = &name[ENVIRONMENT_PREFIX.len()..];
                    if !OTHER_VARIABLES.contains(&rest) {
                        warnings.push(format!(
                            "environment variable {name} is no setting and is ignored; settings are {}",
                            KEYS.map(variable_of).join(", ")
                        ));
                    }
                }
            }
        }

        let mut flag_texts: BTreeMap<&str, String> = BTreeMap::new();
        for (key, text) in flags {
            flag_texts
                .entry(key)
                .and_modify(|texts| {
                    texts.push(',');
                    texts.push_str(text);
                })
                .or_insert_with(|| text.clone());
        }
        for (key, text) in flag_texts {
            let source = format!("flag --{}", key.replace(['.', '_'], "-"));
            figment = figment.merge(OneValue::new(source, key, text));
        }

        let mut settings: Settings = figment
            .extract()
            .map_err(|error| SettingsError::Invalid(explain(&figment, error)))?;
        if !REPLICAS.contains(&settings.nats_replicas) {
            return Err(SettingsError::Invalid(format!(
                "{}: `nats_replicas` can't be {}; use 1 for a single NATS server, 3 or 5 for a cluster",
                source_of(figment.find_metadata("nats_replicas")),
                settings.nats_replicas
            )));
        }
        settings.resolve_file_paths(&figment);
        let values = KEYS
            .into_iter()
            .map(|key| EffectiveValue {
                key,
                value: settings.text_of(key),
                source: source_of(figment.find_metadata(key)),
            })
            .collect();
        Ok(EffectiveSettings {
            settings,
            values,
            warnings,
        })
    }

    /// Paths from the file are relative to its folder, so that a process may start anywhere.
    fn resolve_file_paths(&mut self, figment: &Figment) {
        let resolve = |key: &str, path: &mut PathBuf| {
            let file = figment
                .find_metadata(key)
                .and_then(|metadata| metadata.source.as_ref()?.file_path());
            if let Some(folder) = file.and_then(Path::parent) {
                *path = folder.join(&*path);
            }
        };
        resolve("data", &mut self.data);
        for park in &mut self.parks {
            resolve("parks", park);
        }
        if let Some(tls) = &mut self.tls {
            resolve("tls.certificate", &mut tls.certificate);
            resolve("tls.key", &mut tls.key);
        }
        if let Some(tokens) = &mut self.tokens {
            resolve("tokens", tokens);
        }
        if let Some(nats_ca) = &mut self.nats_ca {
            resolve("nats_ca", nats_ca);
        }
        let is_program_name = self.nats_server.components().count() == 1;
        if !is_program_name {
            resolve("nats_server", &mut self.nats_server);
        }
    }

    fn text_of(&self, key: &str) -> String {
        let tree = serde_json::to_value(self).expect("settings are plain data");
        let pointer = format!("/{}", key.replace('.', "/"));
        match tree.pointer(&pointer) {
            None | Some(serde_json::Value::Null) => "(none)".to_owned(),
            // What is printed gets pasted into tickets.
            Some(serde_json::Value::String(url)) if key.ends_with("_url") => {
                serde_json::Value::String(without_credentials(url)).to_string()
            }
            // Strings, numbers and lists of strings read the same in JSON and TOML.
            Some(value) => value.to_string(),
        }
    }
}

/// One or several URLs (with commas between) as they may be shown: without names and passwords.
pub fn without_credentials(urls: &str) -> String {
    // A password may hold a comma, so a URL begins after a comma only where a scheme does.
    let mut shown: Vec<String> = Vec::new();
    let mut one = String::new();
    for part in urls.split(',') {
        if !one.is_empty() && part.contains("://") {
            shown.push(without_credentials_of_one(&one));
            one.clear();
        } else if !one.is_empty() {
            one.push(',');
        }
        one.push_str(part);
    }
    shown.push(without_credentials_of_one(&one));
    shown.join(",")
}

fn without_credentials_of_one(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://***@{host}"),
        _ => url.to_owned(),
    }
}

impl fmt::Display for EffectiveSettings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key_width = KEYS.into_iter().map(str::len).max().unwrap_or_default();
        let value_width = self
            .values
            .iter()
            .map(|line| line.value.chars().count())
            .max()
            .unwrap_or_default();
        for EffectiveValue { key, value, source } in &self.values {
            writeln!(
                formatter,
                "{key:key_width$}  {value:value_width$}  {source}"
            )?;
        }
        Ok(())
    }
}

fn variable_of(key: &str) -> String {
    format!(
        "{ENVIRONMENT_PREFIX}{}",
        key.replace('.', "_").to_ascii_uppercase()
    )
}

/// A layer of one value, so that an error or a listing can name exactly where it came from.
struct OneValue {
    source: String,
    value: Value,
    key: String,
}

impl OneValue {
    fn new(source: String, key: &str, text: String) -> Self {
        let value = match text.trim().parse::<u64>() {
            Ok(number) if key.ends_with("_s") || key == "nats_replicas" => Value::from(number),
            _ => Value::from(text),
        };
        Self {
            source,
            value,
            key: key.to_owned(),
        }
    }
}

impl Provider for OneValue {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.source.clone())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        let nested = figment::util::nest(&self.key, self.value.clone());
        let dict = nested.into_dict().unwrap_or_default();
        Ok(Map::from([(Profile::Default, dict)]))
    }
}

fn source_of(metadata: Option<&Metadata>) -> String {
    let Some(metadata) = metadata else {
        return "default".to_owned();
    };
    if let Some(path) = metadata
        .source
        .as_ref()
        .and_then(|source| source.file_path())
    {
        return format!("file {}", path.display());
    }
    let is_named =
        metadata.name.starts_with("environment variable") || metadata.name.starts_with("flag");
    if is_named {
        metadata.name.to_string()
    } else {
        "default".to_owned()
    }
}

fn explain(figment: &Figment, error: figment::Error) -> String {
    let mut problems: Vec<String> = error
        .into_iter()
        .map(|error| explain_one(figment, &error))
        .collect();
    problems.reverse();
    problems.join("\n")
}

fn explain_one(figment: &Figment, error: &figment::Error) -> String {
    let key = error.path.join(".");
    let place_of = |key: &str| source_of(figment.find_metadata(key).or(error.metadata.as_ref()));
    match &error.kind {
        Kind::UnknownField(field, _) => {
            let full_key = match error.path.last() {
                Some(last) if last == field => key,
                Some(_) => format!("{key}.{field}"),
                None => field.clone(),
            };
            format!(
                "{}: `{full_key}` is no setting; settings are {}",
                place_of(&full_key),
                KEYS.join(", ")
            )
        }
        Kind::MissingField(field) => {
            let prefix = if key.is_empty() {
                String::new()
            } else {
                format!("{key}.")
            };
            // Only the two halves of `tls` have no default.
            format!(
                "{}: `{prefix}{field}` is missing; set both tls.certificate and tls.key (`terrarium ca` makes them)",
                place_of(&key)
            )
        }
        Kind::UnknownVariant(variant, allowed) => format!(
            "{}: `{key}` can't be `{variant}`; use {}",
            place_of(&key),
            allowed.join(" or ")
        ),
        kind if key.is_empty() => format!("{}: {kind}", source_of(error.metadata.as_ref())),
        kind => format!("{}: `{key}`: {kind}", place_of(&key)),
    }
}

/// A list, one value, or several in one string with commas between.
fn one_or_many<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display> + DeserializeOwned,
{
    struct OneOrMany<T>(std::marker::PhantomData<T>);

    impl<'de, T: FromStr<Err: fmt::Display>> Visitor<'de> for OneOrMany<T> {
        type Value = Vec<T>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("one text or a list of texts")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<T>, E> {
            text.split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(parse)
                .collect()
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Vec<T>, A::Error> {
            let mut values = Vec::new();
            while let Some(text) = sequence.next_element::<String>()? {
                values.push(parse(&text)?);
            }
            Ok(values)
        }
    }

    fn parse<T: FromStr<Err: fmt::Display>, E: de::Error>(text: &str) -> Result<T, E> {
        text.parse().map_err(|error| {
            E::custom(format!(
                "`{text}`: {error}; an address is written like 127.0.0.1:7470"
            ))
        })
    }

    deserializer.deserialize_any(OneOrMany(std::marker::PhantomData))
}
