//! `terrarium call`: any method of the server's APIs by name, with fields from the command line.
//!
//! Works from the descriptors, as [`crate::wire`] does, so a new method needs no code here.

mod codec;
mod methods;
mod request;

use std::process::ExitCode;

use anyhow::{Context, bail};

use prost_reflect::{DynamicMessage, MethodDescriptor};
use tonic::Request;
use tonic::codegen::http::uri::PathAndQuery;

use crate::call::codec::DynamicCodec;
use crate::call::request::Draft;
use crate::client::{Client, ClientArgs};
use crate::output::{Format, print_json, print_json_line, print_line};
use crate::wire;

/// What to call.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A method, such as StartIrrigation or WaterService/ListTanks; without one, all methods are listed
    method: Option<String>,
    /// Fields of the request: `zone=lawn`, `reading.meter=m-1`, a repeated one as often as needed
    ///
    /// Enums by full or short name, bytes as a UUID or in hexadecimal. `park` is the server's only park unless given (`park=`
    /// leaves it empty), and `client_request_id` a fresh one.
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
    /// The request as JSON with the names of the protobuf message, from a file or `-` for stdin; FIELD=VALUE overrides it
    #[arg(long, value_name = "FILE", requires = "method")]
    json: Option<String>,
    /// Show what the method does and what its request consists of, and call nothing
    #[arg(long, requires = "method")]
    describe: bool,
}

/// Runs `terrarium call`.
pub async fn run(client: &ClientArgs, args: Args) -> anyhow::Result<ExitCode> {
    let Some(name) = &args.method else {
        print_line(methods::list())?;
        return Ok(ExitCode::SUCCESS);
    };
    let method = methods::find(name)?;
    if args.describe {
        print_line(methods::describe(&method))?;
        return Ok(ExitCode::SUCCESS);
    }
    let format = client.format.or_refuse_csv("call")?;
    if method.is_client_streaming() {
        bail!(
            "{} takes a stream of requests, which a command line can't send; `terrarium import readings` does",
            method.full_name()
        );
    }
    let mut draft = match &args.json {
        Some(file) => Draft::of_json(&method.input(), &read(file)?)?,
        None => Draft::of(&method.input()),
    };
    draft
        .set_fields(&args.fields)
        .with_context(|| format!("`terrarium call {name} --describe` shows its fields"))?;
    let server = client.connect().await?;
    fill_in(&server, &mut draft).await?;
    send(&server, &method, draft.message, format).await?;
    Ok(ExitCode::SUCCESS)
}

fn read(file: &str) -> anyhow::Result<String> {
    if file == "-" {
        std::io::read_to_string(std::io::stdin()).context("can't read stdin")
    } else {
        std::fs::read_to_string(file).with_context(|| format!("can't read {file}"))
    }
}

/// What every other command adds by itself.
async fn fill_in(server: &Client, draft: &mut Draft) -> anyhow::Result<()> {
    if draft.lacks("park") {
        let how = "park=ID (park= leaves it empty)";
        draft.set_text("park", server.only_park(how).await?);
    }
    if draft.lacks("client_request_id") {
        draft.set_text("client_request_id", uuid::Uuid::new_v4().to_string());
    }
    Ok(())
}

async fn send(
    server: &Client,
    method: &MethodDescriptor,
    message: DynamicMessage,
    format: Format,
) -> anyhow::Result<()> {
    let path: PathAndQuery = methods::path(method).parse()?;
    let codec = DynamicCodec::of(method.output());
    let mut grpc = server.dynamic();
    grpc.ready()
        .await
        .map_err(|error| server.failed(tonic::Status::from_error(error.into())))?;
    if !method.is_server_streaming() {
        let answer = grpc
            .unary(Request::new(message), path, codec)
            .await
            .map_err(|status| server.failed(status))?
            .into_inner();
        let json = wire::json_of_message(&answer);
        match format {
            Format::Json => print_json_line(&json)?,
            _ => print_json(&json)?,
        }
        return Ok(());
    }
    let mut answers = grpc
        .server_streaming(Request::new(message), path, codec)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    while let Some(answer) = answers
        .message()
        .await
        .map_err(|status| server.failed(status))?
    {
        print_json_line(&wire::json_of_message(&answer))?;
    }
    Ok(())
}
