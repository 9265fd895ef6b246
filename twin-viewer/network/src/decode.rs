//! From messages to the view model's words.

use terrarium_model::Name;
use terrarium_proto::{alarm::v1 as alarm, ledger::v1 as ledger, twin::v1 as twin};
use terrarium_view_model as view;
use terrarium_view_model::{AlarmPriority, AlarmState, PointName, Quality, Quantity};

pub(crate) fn alarm(message: alarm::Alarm) -> view::Alarm {
    let status = alarm_status(&message);
    let definition = message.definition.unwrap_or_default();
    view::Alarm {
        id: definition.alarm,
        definition: view::AlarmDefinition {
            asset: definition.asset,
            condition: definition.condition,
            priority: AlarmPriority::from_wire(definition.priority),
            name: text(definition.name),
            cause: text(definition.cause),
            consequence: text(definition.consequence),
            action: text(definition.action),
            respond_within_s: definition.respond_within_s,
            quantity: Quantity::from_wire(definition.quantity),
        },
        status,
    }
}

pub(crate) fn transition(message: alarm::AlarmTransition) -> Option<view::AlarmTransition> {
    let alarm = message.alarm?;
    Some(view::AlarmTransition {
        status: alarm_status(&alarm),
        alarm: alarm.definition.unwrap_or_default().alarm,
        is_raise: message.r#type == "terrarium.alarm.v1.AlarmRaisedV1",
        position: message.position,
        time_ms: message.time_ms,
    })
}

fn alarm_status(message: &alarm::Alarm) -> view::AlarmStatus {
    view::AlarmStatus {
        state: AlarmState::from_wire(message.state),
        is_active: message.is_active,
        occurrence: message.occurrence.clone(),
        raised_ms: message.raised_ms,
        changed_ms: message.changed_ms,
        shelved_until_ms: message.shelved_until_ms,
        actor: message.actor.clone(),
        reason: message.reason.clone(),
        value: message.value,
        limit: message.limit,
    }
}

fn text(message: Option<alarm::AlarmText>) -> Name {
    let message = message.unwrap_or_default();
    Name {
        en: message.en,
        zh: message.zh,
    }
}

pub(crate) fn point_name(name: &PointName) -> twin::PointName {
    twin::PointName {
        asset: name.asset.clone(),
        quantity: name.quantity.wire(),
        source: name.source.clone(),
    }
}

pub(crate) fn history(message: twin::PointHistory) -> Option<view::PointHistory> {
    let point = message.point?;
    let samples = message
        .times_ms
        .into_iter()
        .zip(message.values)
        .zip(message.qualities)
        .map(|((time_ms, value), quality)| (time_ms, value, Quality::from_wire(quality)))
        .collect();
    Some(view::PointHistory {
        point: PointName {
            asset: point.asset,
            quantity: Quantity::from_wire(point.quantity)?,
            source: point.source,
        },
        samples,
        recorded: message.samples,
    })
}

pub(crate) fn event(message: twin::TwinEvent) -> view::EventLine {
    view::EventLine {
        position: message.position,
        id: message.id,
        kind: message.r#type,
        domain: message.domain,
        asset: message.asset,
        time_ms: message.time_ms,
    }
}

pub(crate) fn carbon_line(line: &ledger::BalanceLine) -> view::CarbonLine {
    view::CarbonLine {
        consumption_wh: line.consumption_wh,
        generation_wh: line.generation_wh,
        import_wh: line.import_wh,
        export_wh: line.export_wh,
        self_use_wh: line.self_use_wh,
        unexplained_wh: line.unexplained_wh,
        scope2_location_mg: line.scope2_location_mg,
        avoided_mg: line.avoided_mg,
        matched_ppm: line.matched_ppm,
        hours_expected: line.hours_expected,
        hours_metered: line.hours_metered,
        hours_missing: line.hours_missing,
        hours_without_factor: line.hours_without_factor,
        hours_estimated: line.hours_estimated,
    }
}
