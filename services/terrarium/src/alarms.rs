//! `terrarium alarms`: what is wrong in a park, and what operators say about it.

use std::process::ExitCode;

use anyhow::bail;
use terrarium_model::UnixMillis;
use terrarium_proto::alarm::v1::{
    AcknowledgeAlarmRequest, Alarm, AlarmPriority, AlarmState, AlarmTransition, ListAlarmsRequest,
    ListAlarmsResponse, SetAlarmServiceRequest, ShelveAlarmRequest, UnshelveAlarmRequest,
    WatchAlarmsRequest,
};

use crate::client::{Client, ClientArgs};
use crate::output::{Format, count, print_json, print_json_line, print_line, short_enum, table};
use crate::wire::{CsvLines, Shape, print_csv};

/// Bands of the rate of alarms over ten minutes (EEMUA 191; ISA-18.2 calls more than ten a flood).
const MOST_MANAGEABLE: u32 = 1;
const MOST_BEFORE_FLOOD: u32 = 10;

/// What to do about alarms.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// List the alarms that are not normal, and how many came in the last ten minutes
    ///
    /// JSON has the fields of ListAlarmsResponse, CSV those of Alarm.
    List {
        /// Normal ones, too
        #[arg(long)]
        all: bool,
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
    },
    /// Print every transition as it is recorded, until interrupted
    ///
    /// JSON (one object per line) and CSV have the fields of AlarmTransition.
    Watch {
        /// Begin after this position [default: the first transition on record]
        #[arg(long, value_name = "POSITION")]
        after: Option<u64>,
        /// Stop when all that is recorded is printed
        #[arg(long)]
        recorded: bool,
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
    },
    /// Say that an alarm has been seen
    ///
    /// JSON has the fields of AcknowledgeAlarmResponse.
    Acknowledge {
        /// Id that `alarms list` shows, such as bin-overflow/bin-1
        alarm: String,
        /// The occurrence that was seen [default: the newest]
        #[arg(long, value_name = "UUID")]
        occurrence: Option<String>,
        /// For the record
        #[arg(long, value_name = "TEXT", default_value = "")]
        comment: String,
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
    },
    /// Keep an alarm out of the list for a while
    ///
    /// JSON has the fields of ShelveAlarmResponse.
    Shelve {
        /// Id that `alarms list --all` shows
        alarm: String,
        /// For how long by the park's clock, from 1 minute to 24 hours
        #[arg(long, value_name = "COUNT")]
        minutes: u32,
        /// Why, for the record
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
    },
    /// End shelving before its time
    ///
    /// JSON has the fields of UnshelveAlarmResponse.
    Unshelve {
        /// Id that `alarms list` shows
        alarm: String,
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
    },
    /// Take an alarm out of service for maintenance, or back in
    ///
    /// JSON has the fields of SetAlarmServiceResponse.
    Service {
        /// Id that `alarms list --all` shows
        alarm: String,
        /// Where it goes
        #[arg(value_enum)]
        direction: Direction,
        /// Why, for the record
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Park [default: the server's only park]
        #[arg(long)]
        park: Option<String>,
    },
}

/// Into service or out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Direction {
    /// Hidden until it is taken back in
    Out,
    /// Back to work
    In,
}

/// Runs `terrarium alarms`.
pub async fn run(client: &ClientArgs, action: Action) -> anyhow::Result<ExitCode> {
    let server = client.connect().await?;
    let client_request_id = uuid::Uuid::new_v4().to_string();
    match action {
        Action::List { all, park } => {
            let park = server.park_or_only(park.as_deref()).await?;
            let mut listed = list(&server, &park).await?;
            let defined = listed.alarms.len();
            listed
                .alarms
                .retain(|alarm| all || alarm.state() != AlarmState::Normal);
            print_list(client.format, &park, defined, &listed)?;
        }
        Action::Watch {
            after,
            recorded,
            park,
        } => watch(&server, client.format, park, after, recorded).await?,
        Action::Acknowledge {
            alarm,
            occurrence,
            comment,
            park,
        } => {
            let format = client.format.or_refuse_csv("alarms acknowledge")?;
            let park = server.park_or_only(park.as_deref()).await?;
            let occurrence = match occurrence {
                Some(occurrence) => occurrence,
                None => newest_occurrence(&server, &park, &alarm).await?,
            };
            let request = AcknowledgeAlarmRequest {
                park,
                alarm: alarm.clone(),
                occurrence,
                comment,
                client_request_id,
            };
            let answer = server
                .alarms()
                .acknowledge_alarm(request)
                .await
                .map_err(|status| server.failed(status))?
                .into_inner();
            let shape = Shape::of("terrarium.alarm.v1.AcknowledgeAlarmResponse");
            let said = (answer.state(), answer.recorded_position);
            print_answer(format, &alarm, said, shape.json(&answer))?;
        }
        Action::Shelve {
            alarm,
            minutes,
            reason,
            park,
        } => {
            let format = client.format.or_refuse_csv("alarms shelve")?;
            let park = server.park_or_only(park.as_deref()).await?;
            let now_ms = list(&server, &park).await?.now_ms;
            let request = ShelveAlarmRequest {
                park,
                alarm: alarm.clone(),
                until_ms: now_ms.saturating_add(i64::from(minutes) * 60_000),
                reason,
                client_request_id,
            };
            let answer = server
                .alarms()
                .shelve_alarm(request)
                .await
                .map_err(|status| server.failed(status))?
                .into_inner();
            let shape = Shape::of("terrarium.alarm.v1.ShelveAlarmResponse");
            let said = (answer.state(), answer.recorded_position);
            print_answer(format, &alarm, said, shape.json(&answer))?;
        }
        Action::Unshelve { alarm, park } => {
            let format = client.format.or_refuse_csv("alarms unshelve")?;
            let park = server.park_or_only(park.as_deref()).await?;
            let request = UnshelveAlarmRequest {
                park,
                alarm: alarm.clone(),
                client_request_id,
            };
            let answer = server
                .alarms()
                .unshelve_alarm(request)
                .await
                .map_err(|status| server.failed(status))?
                .into_inner();
            let shape = Shape::of("terrarium.alarm.v1.UnshelveAlarmResponse");
            let said = (answer.state(), answer.recorded_position);
            print_answer(format, &alarm, said, shape.json(&answer))?;
        }
        Action::Service {
            alarm,
            direction,
            reason,
            park,
        } => {
            let format = client.format.or_refuse_csv("alarms service")?;
            let park = server.park_or_only(park.as_deref()).await?;
            let request = SetAlarmServiceRequest {
                park,
                alarm: alarm.clone(),
                out_of_service: direction == Direction::Out,
                reason,
                client_request_id,
            };
            let answer = server
                .alarms()
                .set_alarm_service(request)
                .await
                .map_err(|status| server.failed(status))?
                .into_inner();
            let shape = Shape::of("terrarium.alarm.v1.SetAlarmServiceResponse");
            let said = (answer.state(), answer.recorded_position);
            print_answer(format, &alarm, said, shape.json(&answer))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(server: &Client, park: &str) -> anyhow::Result<ListAlarmsResponse> {
    let request = ListAlarmsRequest {
        park: park.to_owned(),
    };
    let answer = server.alarms().list_alarms(request).await;
    Ok(answer.map_err(|status| server.failed(status))?.into_inner())
}

async fn newest_occurrence(server: &Client, park: &str, alarm: &str) -> anyhow::Result<String> {
    let listed = list(server, park).await?;
    let found = listed.alarms.into_iter().find(|one| id_of(one) == alarm);
    match found {
        None => bail!(
            "park {park} has no alarm \"{alarm}\"; `terrarium alarms list --all` shows their ids"
        ),
        Some(never) if never.occurrence.is_empty() => {
            bail!("alarm {alarm} was never raised; there is nothing to acknowledge")
        }
        Some(found) => Ok(found.occurrence),
    }
}

async fn watch(
    server: &Client,
    format: Format,
    park: Option<String>,
    after_position: Option<u64>,
    only_recorded: bool,
) -> anyhow::Result<()> {
    let park = server.park_or_only(park.as_deref()).await?;
    let request = WatchAlarmsRequest {
        park,
        after_position,
    };
    let shape = Shape::of("terrarium.alarm.v1.AlarmTransition");
    let mut answers = server
        .alarms()
        .watch_alarms(request)
        .await
        .map_err(|status| server.failed(status))?
        .into_inner();
    let csv = CsvLines::new(&shape);
    if format == Format::Csv {
        csv.print_header()?;
    }
    while let Some(answer) = answers
        .message()
        .await
        .map_err(|status| server.failed(status))?
    {
        match format {
            Format::Csv => csv.print(&answer.transitions)?,
            Format::Json => {
                for transition in &answer.transitions {
                    print_json_line(&shape.json(transition))?;
                }
            }
            Format::Table => {
                for transition in &answer.transitions {
                    print_line(transition_line(transition))?;
                }
            }
        }
        if answer.caught_up && only_recorded {
            break;
        }
    }
    Ok(())
}

fn transition_line(transition: &AlarmTransition) -> String {
    let alarm = transition.alarm.clone().unwrap_or_default();
    let event = transition.r#type.rsplit('.').next().unwrap_or_default();
    let words = [alarm.actor.as_str(), alarm.reason.as_str()];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    format!(
        "{:>10}  {}  {:<28}  {:<24}  {:<26}  {}",
        transition.position,
        UnixMillis(transition.time_ms),
        event,
        id_of(&alarm),
        state_text(&alarm),
        words.join(": ")
    )
    .trim_end()
    .to_owned()
}

fn print_list(
    format: Format,
    park: &str,
    defined: usize,
    listed: &ListAlarmsResponse,
) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            print_json(&Shape::of("terrarium.alarm.v1.ListAlarmsResponse").json(listed))?;
        }
        Format::Csv => print_csv(&Shape::of("terrarium.alarm.v1.Alarm"), &listed.alarms)?,
        Format::Table => {
            if !listed.alarms.is_empty() {
                let headers = [
                    "alarm", "priority", "state", "since", "value", "limit", "name", "action",
                ];
                let left = ["alarm", "priority", "state", "since", "name", "action"];
                let mut alarms: Vec<&Alarm> = listed.alarms.iter().collect();
                alarms.sort_by_key(|alarm| (rank(alarm), std::cmp::Reverse(alarm.changed_ms)));
                print_line(table(&headers, &left, alarms.into_iter().map(row_of)))?;
            }
            let not_normal = listed
                .alarms
                .iter()
                .filter(|alarm| alarm.state() != AlarmState::Normal)
                .count();
            print_line(format!(
                "{} of the {} alarms of park {park} are not normal; {}",
                count(not_normal as u64),
                count(defined as u64),
                rate_text(listed.annunciated_in_10_minutes)
            ))?;
        }
    }
    Ok(())
}

/// The rate of alarms with the band of EEMUA 191 that it is in.
fn rate_text(in_10_minutes: u32) -> String {
    let band = if in_10_minutes <= MOST_MANAGEABLE {
        "manageable"
    } else if in_10_minutes <= MOST_BEFORE_FLOOD {
        "demanding"
    } else {
        "a flood"
    };
    format!("{in_10_minutes} in the last 10 minutes ({band} by EEMUA 191)")
}

/// What wants to be seen stands first, then by priority.
fn rank(alarm: &Alarm) -> (u8, i32) {
    let by_state = match alarm.state() {
        AlarmState::Unacknowledged => 0,
        AlarmState::ReturnedUnacknowledged => 1,
        AlarmState::Acknowledged => 2,
        AlarmState::Shelved | AlarmState::Suppressed | AlarmState::OutOfService => 3,
        AlarmState::Normal | AlarmState::Unspecified => 4,
    };
    (by_state, -definition(alarm).priority)
}

fn row_of(alarm: &Alarm) -> Vec<String> {
    let definition = definition(alarm);
    let number = |number: Option<i64>| number.map_or_else(String::new, |number| number.to_string());
    let english = |text: &Option<terrarium_proto::alarm::v1::AlarmText>| {
        text.as_ref()
            .map_or_else(String::new, |text| text.en.clone())
    };
    let priority = AlarmPriority::try_from(definition.priority).unwrap_or_default();
    vec![
        definition.alarm.clone(),
        short_enum(priority.as_str_name(), "ALARM_PRIORITY_"),
        state_text(alarm),
        alarm
            .changed_ms
            .map_or_else(String::new, |changed| UnixMillis(changed).to_string()),
        number(alarm.value),
        number(alarm.limit),
        english(&definition.name),
        english(&definition.action),
    ]
}

fn definition(alarm: &Alarm) -> terrarium_proto::alarm::v1::AlarmDefinition {
    alarm.definition.clone().unwrap_or_default()
}

fn id_of(alarm: &Alarm) -> String {
    definition(alarm).alarm
}

fn state_text(alarm: &Alarm) -> String {
    let state = short_enum(alarm.state().as_str_name(), "ALARM_STATE_");
    match alarm.shelved_until_ms {
        Some(until) if alarm.state() == AlarmState::Shelved => {
            format!("{state} until {}", UnixMillis(until))
        }
        _ => state,
    }
}

fn print_answer(
    format: Format,
    alarm: &str,
    (state, recorded_position): (AlarmState, u64),
    json: serde_json::Value,
) -> anyhow::Result<()> {
    match format {
        Format::Json => print_json_line(&json)?,
        _ => print_line(format!(
            "{alarm} is {}, at position {recorded_position}",
            short_enum(state.as_str_name(), "ALARM_STATE_"),
        ))?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_told_with_its_band() {
        assert_eq!(
            rate_text(0),
            "0 in the last 10 minutes (manageable by EEMUA 191)"
        );
        assert!(rate_text(1).contains("manageable"));
        assert!(rate_text(2).contains("demanding"));
        assert!(rate_text(10).contains("demanding"));
        assert!(rate_text(11).contains("a flood"));
    }

    #[test]
    fn the_shapes_that_are_printed_exist() {
        for name in [
            "Alarm",
            "AlarmTransition",
            "AcknowledgeAlarmResponse",
            "ShelveAlarmResponse",
            "UnshelveAlarmResponse",
            "SetAlarmServiceResponse",
            "ListAlarmsResponse",
        ] {
            assert!(
                Shape::find(&format!("terrarium.alarm.v1.{name}")).is_some(),
                "{name}"
            );
        }
    }
}
