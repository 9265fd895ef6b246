//! The connection of the client commands: where the server is, who we are, and errors worth reading.

use std::error::Error;
use std::path::{Path, PathBuf};

use anyhow::bail;
use terrarium_proto::alarm::v1::alarm_service_client::AlarmServiceClient;
use terrarium_proto::carbon::v1::carbon_service_client::CarbonServiceClient;
use terrarium_proto::carbon::v1::claims_service_client::ClaimsServiceClient;
use terrarium_proto::energy::v1::energy_service_client::EnergyServiceClient;
use terrarium_proto::feed::v1::feed_service_client::FeedServiceClient;
use terrarium_proto::ledger::v1::GetStateRequest;
use terrarium_proto::ledger::v1::carbon_books_service_client::CarbonBooksServiceClient;
use terrarium_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use terrarium_proto::ledger::v1::natural_book_service_client::NaturalBookServiceClient;
use terrarium_proto::ledger::v1::report_service_client::ReportServiceClient;
use terrarium_proto::twin::v1::twin_service_client::TwinServiceClient;
use terrarium_runtime::{AuthorizedChannel, ConnectError, ServerAddress};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::output::{Form, Format};

const DEFAULT_URL: &str = "http://127.0.0.1:7470";
const DEFAULT_DATA_FOLDER: &str = "terrarium-data";
const MAX_ANSWER_BYTES: usize = 64 << 20;

/// Flags that every client command takes, before or after the command's name.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Client options")]
pub struct ClientArgs {
    /// Server to talk to [default: the running one of the data folder, else http://127.0.0.1:7470]
    #[arg(long, global = true, env = "TERRARIUM_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Bearer token; needed when the server is not on loopback
    #[arg(
        long,
        global = true,
        env = "TERRARIUM_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    pub token: Option<String>,
    /// Certificate (PEM) of the authority that signed the server's certificate
    #[arg(long, global = true, env = "TERRARIUM_TLS_CA", value_name = "FILE")]
    pub tls_ca: Option<PathBuf>,
    /// Data folder; its endpoint.json tells where the running server listens [default: terrarium-data]
    #[arg(long, global = true, env = "TERRARIUM_DATA", value_name = "FOLDER")]
    pub data: Option<PathBuf>,
    /// How to print: for people (table) or for machines (json, csv); statements also as parquet, xlsx and pdf
    #[arg(long = "format", global = true, value_enum, default_value_t = Form::Table, value_name = "FORMAT")]
    pub form: Form,
    /// The same, for what every command can print; follows from `form`.
    #[arg(skip)]
    pub format: Format,
}

impl ClientArgs {
    /// The server's URL as it is now; asked anew for each connection, since a restarted server may listen elsewhere.
    fn server_url(&self) -> Result<String, CallError> {
        if let Some(url) = &self.url {
            return Ok(url.clone());
        }
        let data_folder = self
            .data
            .as_deref()
            .unwrap_or(Path::new(DEFAULT_DATA_FOLDER));
        Ok(url_of_running_server(data_folder)?.unwrap_or_else(|| DEFAULT_URL.to_owned()))
    }

    /// Connects within 5 s.
    pub async fn connect(&self) -> Result<Client, CallError> {
        let url = self.server_url()?;
        let address = ServerAddress {
            url: url.clone(),
            ca: self.tls_ca.clone(),
            token: self.token.clone(),
        };
        let channel = terrarium_runtime::connect(&address).await?;
        Ok(Client { url, channel })
    }
}

fn url_of_running_server(data_folder: &Path) -> Result<Option<String>, CallError> {
    #[derive(serde::Deserialize)]
    struct RunningServer {
        grpc: String,
    }
    let file = data_folder.join("endpoint.json");
    let unusable = |reason: String| CallError::EndpointFile {
        file: file.clone(),
        reason,
    };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(error.to_string())),
    };
    let server: RunningServer =
        serde_json::from_str(&text).map_err(|error| unusable(error.to_string()))?;
    Ok(Some(server.grpc))
}

/// The services of one server.
#[derive(Clone)]
pub struct Client {
    url: String,
    channel: AuthorizedChannel,
}

impl Client {
    /// Takes readings.
    pub fn energy(&self) -> EnergyServiceClient<AuthorizedChannel> {
        EnergyServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Takes what claims rest on.
    pub fn claims(&self) -> ClaimsServiceClient<AuthorizedChannel> {
        ClaimsServiceClient::new(self.channel.clone())
    }

    /// Makes statements.
    pub fn reports(&self) -> ReportServiceClient<AuthorizedChannel> {
        ReportServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Takes factors.
    pub fn carbon(&self) -> CarbonServiceClient<AuthorizedChannel> {
        CarbonServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Answers for the ledger.
    pub fn ledger(&self) -> LedgerServiceClient<AuthorizedChannel> {
        LedgerServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Answers for the books in natural units.
    pub fn natural_books(&self) -> NaturalBookServiceClient<AuthorizedChannel> {
        NaturalBookServiceClient::new(self.channel.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Answers for the carbon books beside electricity.
    pub fn carbon_books(&self) -> CarbonBooksServiceClient<AuthorizedChannel> {
        CarbonBooksServiceClient::new(self.channel.clone())
            .max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Tells what every asset is doing.
    pub fn twin(&self) -> TwinServiceClient<AuthorizedChannel> {
        TwinServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Sends the record.
    pub fn feed(&self) -> FeedServiceClient<AuthorizedChannel> {
        FeedServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Says what is wrong, and takes what operators say about it.
    pub fn alarms(&self) -> AlarmServiceClient<AuthorizedChannel> {
        AlarmServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// Calls any method by its path.
    pub fn dynamic(&self) -> tonic::client::Grpc<AuthorizedChannel> {
        tonic::client::Grpc::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES)
    }

    /// What clients of other crates are built on.
    pub fn channel(&self) -> AuthorizedChannel {
        self.channel.clone()
    }

    /// Makes a status of this server an error for people.
    pub fn failed(&self, status: Status) -> CallError {
        CallError::refused(&self.url, status)
    }

    /// The named park, or the server's only one.
    pub async fn park_or_only(&self, named: Option<&str>) -> anyhow::Result<String> {
        match named {
            Some(park) => Ok(park.to_owned()),
            None => self.only_park("--park").await,
        }
    }

    /// The server's only park. `how`: how a person names one where there are several.
    pub async fn only_park(&self, how: &str) -> anyhow::Result<String> {
        let request = GetStateRequest { hashes: false };
        let state = self
            .ledger()
            .get_state(request)
            .await
            .map_err(|status| self.failed(status))?
            .into_inner();
        match state.parks.as_slice() {
            [] => bail!(
                "the server at {} has no park yet; define one, or name it with {how}",
                self.url
            ),
            [only] => Ok(only.park.clone()),
            several => {
                let names: Vec<&str> = several.iter().map(|park| park.park.as_str()).collect();
                bail!(
                    "the server has several parks; choose one with {how}: {}",
                    names.join(", ")
                )
            }
        }
    }
}

/// A call that did not reach the server or that it refused.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The data folder does not tell where its server listens.
    #[error("{} does not tell where the server listens: {reason}; restart the server, or pass --url", file.display())]
    EndpointFile { file: PathBuf, reason: String },
    /// No connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Answered with a status, or the connection broke.
    #[error("{}", status_text(url, status))]
    Refused { url: String, status: Box<Status> },
}

impl CallError {
    /// A status that a call to the server at `url` ended with.
    pub fn refused(url: &str, status: Status) -> CallError {
        CallError::Refused {
            url: url.to_owned(),
            status: Box::new(status),
        }
    }

    /// True when trying again may help: nobody answers, the server said so, or the connection broke.
    pub fn is_unavailable(&self) -> bool {
        match self {
            CallError::EndpointFile { .. } => false,
            CallError::Connect(error) => matches!(error, ConnectError::NoAnswer { .. }),
            CallError::Refused { status, .. } => match status.code() {
                Code::Unavailable | Code::Cancelled => true,
                Code::Unknown | Code::Internal => transport_broke(status),
                _ => false,
            },
        }
    }
}

/// Statuses that a server sent have no source; those of a broken connection have.
fn transport_broke(status: &Status) -> bool {
    status.source().is_some()
}

fn status_text(url: &str, status: &Status) -> String {
    if transport_broke(status) {
        return format!(
            "the connection to {url} broke: {}; is the server still running?",
            innermost_cause(status)
        );
    }
    let message = status.message();
    let mut text = if message.is_empty() {
        format!("the server at {url} answered: {}", status.code())
    } else {
        message.to_owned()
    };
    if let Some(bad_request) = status.get_details_bad_request() {
        for violation in &bad_request.field_violations {
            // Often the only violation is the message; saying it once is enough.
            if violation.description == message {
                text.push_str(&format!("\n  field: {}", violation.field));
            } else {
                text.push_str(&format!(
                    "\n  {}: {}",
                    violation.field, violation.description
                ));
            }
        }
    }
    text
}

fn innermost_cause(status: &Status) -> String {
    let mut cause: &dyn Error = status;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    fn args(url: Option<&str>, data: Option<PathBuf>) -> ClientArgs {
        ClientArgs {
            url: url.map(str::to_owned),
            token: None,
            tls_ca: None,
            data,
            form: Form::Table,
            format: Format::Table,
        }
    }

    #[test]
    fn the_server_is_the_named_one_or_the_running_one_of_the_data_folder() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let data = Some(folder.path().to_owned());
        assert_eq!(
            args(None, None).server_url().expect("a default"),
            DEFAULT_URL
        );
        assert_eq!(
            args(None, data.clone())
                .server_url()
                .expect("no server yet"),
            DEFAULT_URL
        );
        std::fs::write(
            folder.path().join("endpoint.json"),
            r#"{"grpc":"http://127.0.0.1:9","nats":"","pid":1}"#,
        )
        .expect("writes");
        assert_eq!(
            args(None, data.clone()).server_url().expect("reads"),
            "http://127.0.0.1:9"
        );
        assert_eq!(
            args(Some("http://a:1"), data).server_url().expect("named"),
            "http://a:1"
        );
    }

    #[test]
    fn field_violations_are_printed_below_the_message() {
        let details = ErrorDetails::with_bad_request_violation(
            "factor_set.unit",
            "\"lb\" is no unit of a factor",
        );
        let status = Status::with_error_details(
            Code::InvalidArgument,
            "the factor set has a fault",
            details,
        );
        let printed = CallError::refused("http://a:1", status).to_string();
        assert_eq!(
            printed,
            "the factor set has a fault\n  factor_set.unit: \"lb\" is no unit of a factor"
        );
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unavailable_and_named() {
        // Port 1 on loopback has no listener.
        let error = args(Some("http://127.0.0.1:1"), None)
            .connect()
            .await
            .err()
            .expect("nobody listens");
        assert!(error.is_unavailable());
        assert!(error.to_string().contains("http://127.0.0.1:1"), "{error}");
    }

    #[test]
    fn only_what_may_pass_is_unavailable() {
        let unavailable = |status| CallError::refused("http://a:1", status).is_unavailable();
        assert!(unavailable(Status::unavailable(
            "the bus was reset; send again"
        )));
        assert!(!unavailable(Status::internal("a bug")));
        assert!(!unavailable(Status::invalid_argument("no such unit")));
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(unavailable(Status::from_error(Box::new(reset))));
    }
}
