//! `terrarium events`: the record itself.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::bail;
use serde_json::Value as Json;
use terrarium_proto::feed::v1::{CloudEvent, SubscribeRequest};

use crate::client::{CallError, ClientArgs};
use crate::output::{Format, print_json_line, print_line};
use crate::wire::{Shape, event_type_named};

const FIRST_RETRY_DELAY: Duration = Duration::from_millis(50);
const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(2);
/// How long `--follow` waits for a server that went away.
const FOLLOW_RETRY_LIMIT: Duration = Duration::from_secs(60);

/// Print the recorded events
///
/// With --format json one object per line is printed: the fields of CloudEvent, with `data` as the decoded payload
/// (hexadecimal for an unknown type) and `metadata` as recorded.
#[derive(Debug, clap::Args)]
#[command(about, long_about)]
pub struct Args {
    /// Only events of this park
    #[arg(long)]
    park: Option<String>,
    /// Only events after this position
    #[arg(long, value_name = "POSITION")]
    after: Option<u64>,
    /// Only events of this type, such as IntervalMeteredV1; may be given several times
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Go on with new events as they are recorded, until interrupted
    #[arg(long)]
    follow: bool,
    /// Stop after so many events
    #[arg(long, value_name = "COUNT")]
    limit: Option<u64>,
}

struct Subscription {
    request: SubscribeRequest,
    left: Option<u64>,
    format: Format,
    last_progress: Instant,
}

/// Runs `terrarium events`.
pub async fn run(client: &ClientArgs, args: Args) -> anyhow::Result<ExitCode> {
    let format = client.format.or_refuse_csv("events")?;
    let mut types = Vec::new();
    for name in &args.types {
        match event_type_named(name) {
            Some(full_name) => types.push(full_name),
            None => bail!(
                "there is no event type \"{name}\"; one is named IntervalMeteredV1, see proto/terrarium/*/v1/events.proto"
            ),
        }
    }
    let request = SubscribeRequest {
        park: args.park.unwrap_or_default(),
        after_position: args.after,
        types,
        stop_when_caught_up: !args.follow,
        ..SubscribeRequest::default()
    };
    let mut subscription = Subscription {
        request,
        left: args.limit,
        format,
        last_progress: Instant::now(),
    };
    if format == Format::Table {
        print_line(header())?;
    }
    let mut delay = FIRST_RETRY_DELAY;
    while subscription.left != Some(0) {
        let started = Instant::now();
        let error = match subscription.print_until_it_ends(client).await {
            Ok(()) if !args.follow || subscription.left == Some(0) => break,
            Ok(()) => None,
            Err(error) => Some(error),
        };
        if let Some(error) = error {
            let may_pass = error
                .downcast_ref::<CallError>()
                .is_some_and(CallError::is_unavailable);
            if !args.follow
                || !may_pass
                || subscription.last_progress.elapsed() > FOLLOW_RETRY_LIMIT
            {
                return Err(error);
            }
        }
        if subscription.last_progress > started {
            delay = FIRST_RETRY_DELAY;
        }
        tokio::time::sleep(delay).await;
        delay = (delay * 2).min(LONGEST_RETRY_DELAY);
    }
    Ok(ExitCode::SUCCESS)
}

impl Subscription {
    async fn print_until_it_ends(&mut self, client: &ClientArgs) -> anyhow::Result<()> {
        let server = client.connect().await?;
        let mut answers = server
            .feed()
            .subscribe(self.request.clone())
            .await
            .map_err(|status| server.failed(status))?
            .into_inner();
        while let Some(batch) = answers
            .message()
            .await
            .map_err(|status| server.failed(status))?
        {
            self.last_progress = Instant::now();
            for event in &batch.events {
                if self.left == Some(0) {
                    return Ok(());
                }
                match self.format {
                    Format::Json => print_json_line(&json_of(event))?,
                    _ => print_line(row_of(event))?,
                }
                self.request.after_position = Some(event.position);
                self.left = self.left.map(|left| left - 1);
            }
            if batch.position.is_some() {
                self.request.after_position = batch.position;
            }
        }
        Ok(())
    }
}

fn header() -> String {
    format!(
        "{:>12} {:<20} {:<22} {:<24} {}",
        "position", "time", "type", "subject", "stream#revision, payload"
    )
}

fn row_of(event: &CloudEvent) -> String {
    let short_type = event.r#type.rsplit('.').next().unwrap_or_default();
    let payload = Shape::find(&event.r#type)
        .and_then(|shape| shape.decode_brief(&event.data))
        .unwrap_or_else(|| format!("({} bytes of an unknown type)", event.data.len()));
    format!(
        "{:>12} {:<20} {short_type:<22} {:<24} {}#{} {payload}",
        event.position, event.time, event.subject, event.stream, event.revision
    )
}

fn json_of(event: &CloudEvent) -> Json {
    let mut json = Shape::of("terrarium.feed.v1.CloudEvent").json(event);
    if let Some(payload) =
        Shape::find(&event.r#type).and_then(|shape| shape.decode_json(&event.data))
    {
        json["data"] = payload;
    }
    if let Ok(metadata) = serde_json::from_slice::<Json>(&event.metadata) {
        json["metadata"] = metadata;
    }
    json
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use terrarium_proto::energy::v1::{IntervalMeteredV1, MeteredReading};

    use super::*;

    fn event() -> CloudEvent {
        let reading = MeteredReading {
            meter: "home-01.load".into(),
            value: "2.2758".into(),
            ..Default::default()
        };
        CloudEvent {
            id: "0190".into(),
            r#type: "terrarium.energy.v1.IntervalMeteredV1".into(),
            subject: "home-01.load".into(),
            data: IntervalMeteredV1 {
                reading: Some(reading),
            }
            .encode_to_vec()
            .into(),
            position: 128,
            stream: "energy.meter-zne-homes.home-01.load".into(),
            metadata: br#"{"actor":"local","digest":"ab"}"#.to_vec().into(),
            ..Default::default()
        }
    }

    #[test]
    fn json_has_the_decoded_payload_and_the_metadata_as_recorded() {
        let json = json_of(&event());
        assert_eq!(json["data"]["reading"]["value"], "2.2758");
        assert_eq!(json["metadata"]["actor"], "local");
        assert_eq!(json["position"], 128);
    }

    #[test]
    fn a_row_is_one_line_with_the_payload_in_words() {
        let row = row_of(&event());
        assert!(
            row.ends_with("energy.meter-zne-homes.home-01.load#0 meter=home-01.load value=2.2758"),
            "{row}"
        );
        let unknown = CloudEvent {
            r#type: "other.v1.Thing".into(),
            data: vec![1, 2].into(),
            ..event()
        };
        assert!(row_of(&unknown).ends_with("(2 bytes of an unknown type)"));
    }
}
