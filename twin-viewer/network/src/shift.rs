//! All that a shift report tells: alarm events and orders from the feed, because it alone says who did it; balance and
//! completeness from the ledger.

use prost::Message;
use terrarium_proto::feed::v1 as feed;
use terrarium_proto::feed::v1::feed_service_client::FeedServiceClient;
use terrarium_proto::ledger::v1 as ledger;
use terrarium_proto::ledger::v1::ledger_service_client::LedgerServiceClient;
use terrarium_proto::{
    alarm::v1 as alarm, energy::v1 as energy, mobility::v1 as mobility, water::v1 as water,
};
use terrarium_runtime::AuthorizedChannel;
use terrarium_view_model::{
    AlarmEvent, AlarmLine, MeterQuality, OrderLine, OrderStep, OrderValue, Report, ShiftRecord,
};
use tonic::Status;
use uuid::Uuid;

use crate::decode;
use crate::pages::period;
use crate::supervisor::MAX_ANSWER_BYTES;

const HOUR_MS: i64 = 3_600_000;

const ALARM_KINDS: [&str; 9] = [
    "terrarium.alarm.v1.AlarmRaisedV1",
    "terrarium.alarm.v1.AlarmClearedV1",
    "terrarium.alarm.v1.AlarmAcknowledgedV1",
    "terrarium.alarm.v1.AlarmShelvedV1",
    "terrarium.alarm.v1.AlarmUnshelvedV1",
    "terrarium.alarm.v1.AlarmSuppressedV1",
    "terrarium.alarm.v1.AlarmReleasedV1",
    "terrarium.alarm.v1.AlarmRemovedFromServiceV1",
    "terrarium.alarm.v1.AlarmReturnedToServiceV1",
];
const ORDER_KINDS: [&str; 7] = [
    "terrarium.energy.v1.SetpointAskedV1",
    "terrarium.energy.v1.SetpointObeyedV1",
    "terrarium.energy.v1.SetpointMissedV1",
    "terrarium.mobility.v1.ChargePowerAskedV1",
    "terrarium.mobility.v1.ChargePowerObeyedV1",
    "terrarium.mobility.v1.ChargePowerMissedV1",
    "terrarium.water.v1.IrrigationStartedV1",
];

/// Fetches a shift.
pub(crate) async fn fetch(
    channel: &AuthorizedChannel,
    park: &str,
    from_ms: i64,
    to_ms: i64,
) -> Result<Report, Status> {
    let mut shift = ShiftRecord {
        from_ms,
        to_ms,
        ..ShiftRecord::default()
    };
    take_events(channel, park, &mut shift).await?;
    take_ledger(channel, park, &mut shift).await?;
    Ok(Report::Shift(Box::new(shift)))
}

async fn take_events(
    channel: &AuthorizedChannel,
    park: &str,
    shift: &mut ShiftRecord,
) -> Result<(), Status> {
    let kinds = ALARM_KINDS.iter().chain(&ORDER_KINDS);
    let request = feed::SubscribeRequest {
        park: park.to_owned(),
        after_position: None,
        types: kinds.map(|kind| (*kind).to_owned()).collect(),
        stop_when_caught_up: true,
        ..feed::SubscribeRequest::default()
    };
    let mut client =
        FeedServiceClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES);
    let mut batches = client.subscribe(request).await?.into_inner();
    while let Some(batch) = batches.message().await? {
        for event in &batch.events {
            take_event(event, shift)?;
        }
    }
    Ok(())
}

fn take_event(event: &feed::CloudEvent, shift: &mut ShiftRecord) -> Result<(), Status> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Status::data_loss(format!(
            "the event at position {} ({}) can't be read: {error}",
            event.position, event.r#type
        ))
    };
    let line = match AlarmEvent::from_kind(&event.r#type) {
        Some(kind) => Line::Alarm(alarm_line(event, kind).map_err(|error| unreadable(&error))?),
        None => match order_line(event).map_err(|error| unreadable(&error))? {
            Some(order) => Line::Order(order),
            None => return Ok(()),
        },
    };
    let is_within = |time_ms: i64| (shift.from_ms..shift.to_ms).contains(&time_ms);
    match line {
        Line::Alarm(line) if is_within(line.time_ms) => shift.alarms.push(line),
        Line::Order(line) if is_within(line.time_ms) => shift.orders.push(line),
        Line::Alarm(_) | Line::Order(_) => {}
    }
    Ok(())
}

enum Line {
    Alarm(AlarmLine),
    Order(OrderLine),
}

/// Whose credential, as recorded in the metadata.
fn actor(event: &feed::CloudEvent) -> String {
    let metadata: Option<serde_json::Value> = serde_json::from_slice(&event.metadata).ok();
    let actor = metadata
        .as_ref()
        .and_then(|metadata| metadata["actor"].as_str());
    actor.unwrap_or_default().to_owned()
}

fn uuid_text(bytes: &[u8]) -> String {
    Uuid::from_slice(bytes).map_or_else(|_| String::new(), |uuid| uuid.to_string())
}

fn alarm_line(event: &feed::CloudEvent, kind: AlarmEvent) -> Result<AlarmLine, prost::DecodeError> {
    let data = event.data.as_ref();
    let (alarm, time_ms, occurrence, reason) = match kind {
        AlarmEvent::Raised => {
            let said = alarm::AlarmRaisedV1::decode(data)?;
            (said.alarm, said.time_ms, event.id.clone(), String::new())
        }
        AlarmEvent::Cleared => {
            let said = alarm::AlarmClearedV1::decode(data)?;
            let raised = uuid_text(&said.raised_event_id);
            (said.alarm, said.time_ms, raised, String::new())
        }
        AlarmEvent::Acknowledged => {
            let said = alarm::AlarmAcknowledgedV1::decode(data)?;
            let raised = uuid_text(&said.raised_event_id);
            (said.alarm, said.time_ms, raised, said.comment)
        }
        AlarmEvent::Shelved => {
            let said = alarm::AlarmShelvedV1::decode(data)?;
            (said.alarm, said.time_ms, String::new(), said.reason)
        }
        AlarmEvent::Unshelved => {
            let said = alarm::AlarmUnshelvedV1::decode(data)?;
            (said.alarm, said.time_ms, String::new(), String::new())
        }
        AlarmEvent::Suppressed => {
            let said = alarm::AlarmSuppressedV1::decode(data)?;
            (said.alarm, said.time_ms, String::new(), said.by_alarm)
        }
        AlarmEvent::Released => {
            let said = alarm::AlarmReleasedV1::decode(data)?;
            (said.alarm, said.time_ms, String::new(), String::new())
        }
        AlarmEvent::RemovedFromService => {
            let said = alarm::AlarmRemovedFromServiceV1::decode(data)?;
            (said.alarm, said.time_ms, String::new(), said.reason)
        }
        AlarmEvent::ReturnedToService => {
            let said = alarm::AlarmReturnedToServiceV1::decode(data)?;
            (said.alarm, said.time_ms, String::new(), said.reason)
        }
    };
    Ok(AlarmLine {
        alarm,
        event: kind,
        occurrence,
        time_ms,
        position: event.position,
        actor: actor(event),
        reason,
    })
}

/// `None`: no order.
fn order_line(event: &feed::CloudEvent) -> Result<Option<OrderLine>, prost::DecodeError> {
    let data = event.data.as_ref();
    let (step, asset, value, time_s) = match event.r#type.as_str() {
        "terrarium.energy.v1.SetpointAskedV1" => {
            let said = energy::SetpointAskedV1::decode(data)?;
            let value = setpoint(said.kind, said.value);
            (OrderStep::Asked, said.device, Some(value), said.time_s)
        }
        "terrarium.energy.v1.SetpointObeyedV1" => {
            let said = energy::SetpointObeyedV1::decode(data)?;
            let value = setpoint(said.kind, said.value);
            (OrderStep::Obeyed, said.device, Some(value), said.time_s)
        }
        "terrarium.energy.v1.SetpointMissedV1" => {
            let said = energy::SetpointMissedV1::decode(data)?;
            let value = said.value.map(|value| setpoint(said.kind, value));
            (OrderStep::Missed, said.device, value, said.time_s)
        }
        "terrarium.mobility.v1.ChargePowerAskedV1" => {
            let said = mobility::ChargePowerAskedV1::decode(data)?;
            let value = OrderValue::Watt(said.limit_w);
            (OrderStep::Asked, said.charger, Some(value), said.time_s)
        }
        "terrarium.mobility.v1.ChargePowerObeyedV1" => {
            let said = mobility::ChargePowerObeyedV1::decode(data)?;
            let value = OrderValue::Watt(said.power_w);
            (OrderStep::Obeyed, said.charger, Some(value), said.time_s)
        }
        "terrarium.mobility.v1.ChargePowerMissedV1" => {
            let said = mobility::ChargePowerMissedV1::decode(data)?;
            let value = said.power_w.map(OrderValue::Watt);
            (OrderStep::Missed, said.charger, value, said.time_s)
        }
        "terrarium.water.v1.IrrigationStartedV1" => {
            let said = water::IrrigationStartedV1::decode(data)?;
            let value = OrderValue::Litre(said.litres);
            (OrderStep::Asked, said.zone, Some(value), said.time_s)
        }
        _ => return Ok(None),
    };
    Ok(Some(OrderLine {
        step,
        asset,
        value,
        time_ms: time_s * 1_000,
        position: event.position,
        actor: actor(event),
    }))
}

fn setpoint(kind: i32, value: i64) -> OrderValue {
    match energy::SetpointKind::try_from(kind) {
        Ok(energy::SetpointKind::ReserveWh) => OrderValue::WattHour(value),
        Ok(
            energy::SetpointKind::ChargeLimitW
            | energy::SetpointKind::DischargeLimitW
            | energy::SetpointKind::StoragePowerW
            | energy::SetpointKind::ConsumptionLimitW
            | energy::SetpointKind::GenerationLimitW,
        ) => OrderValue::Watt(value),
        Ok(energy::SetpointKind::Unspecified) | Err(_) => OrderValue::Plain(value),
    }
}

/// Balance and completeness of the whole hours of the shift.
async fn take_ledger(
    channel: &AuthorizedChannel,
    park: &str,
    shift: &mut ShiftRecord,
) -> Result<(), Status> {
    let from_ms = (shift.from_ms + HOUR_MS - 1).div_euclid(HOUR_MS) * HOUR_MS;
    let to_ms = shift.to_ms.div_euclid(HOUR_MS) * HOUR_MS;
    if from_ms >= to_ms {
        // No whole hour: the report says so by its empty balance.
        return Ok(());
    }
    let mut client =
        LedgerServiceClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER_BYTES);
    let balance = client
        .balance(ledger::BalanceRequest {
            park: park.to_owned(),
            period: Some(period(from_ms, to_ms)),
            by: ledger::Grouping::Asset.into(),
            asset: String::new(),
            as_of: None,
        })
        .await?
        .into_inner();
    let completeness = client
        .completeness(ledger::CompletenessRequest {
            park: park.to_owned(),
            period: Some(period(from_ms, to_ms)),
            as_of: None,
        })
        .await?
        .into_inner();
    let told = balance.period.unwrap_or_default();
    shift.balance_from = told.from;
    shift.balance_to = told.to;
    shift.balance = balance
        .total
        .as_ref()
        .map(decode::carbon_line)
        .unwrap_or_default();
    let lines = balance.lines.iter();
    shift.by_asset = lines
        .map(|line| (line.key.clone(), decode::carbon_line(line)))
        .collect();
    shift.position = balance.position;
    for factor in &completeness.factors {
        shift.hours_with_factor += factor.hours_covered;
        shift.hours_of_factors += factor.hours_expected;
    }
    let meters = completeness.meters.into_iter();
    shift.meters = meters
        .map(|meter| MeterQuality {
            first_gap: meter.gaps.into_iter().next().map(|gap| (gap.from, gap.to)),
            meter: meter.meter,
            asset: meter.asset,
            hours_expected: meter.hours_expected,
            hours_metered: meter.hours_metered,
            quarantined: meter.quarantined,
        })
        .collect();
    Ok(())
}
