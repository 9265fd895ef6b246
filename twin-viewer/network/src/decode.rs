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

pub(crate) fn entry(message: ledger::Entry) -> view::LedgerEntry {
    view::LedgerEntry {
        id: message.entry_id,
        asset: message.asset,
        interval_start: message.interval_start,
        interval_seconds: message.interval_seconds,
        account: view::EnergyAccount::from_wire(message.account),
        energy_wh: message.energy_wh,
        mass_mg: message.mass_mg,
        method: message.method,
        factor: message.factor.map(factor),
    }
}

fn factor(message: ledger::FactorRef) -> view::FactorUsed {
    view::FactorUsed {
        set: message.set,
        version: message.version,
        publisher: message.publisher,
        unit: message.unit,
        row: message.row,
        valid_from: message.valid_from,
        valid_to: message.valid_to,
        value: message.value,
        event: message.event.map(event_mark),
    }
}

fn event_mark(message: ledger::EventRef) -> view::EventMark {
    view::EventMark {
        position: message.position,
        id: message.event_id,
        kind: message.r#type,
        stream: message.stream,
        revision: message.revision,
        recorded_time: message.recorded_time,
        actor: message.actor,
    }
}

pub(crate) fn explanation(message: ledger::ExplainResponse) -> view::Explanation {
    let contributions = message.contributions.into_iter();
    let inputs = message.inputs.into_iter();
    view::Explanation {
        entry: message.entry.map(entry).unwrap_or_default(),
        activity_formula: message.activity_formula,
        contributions: contributions.map(contribution).collect(),
        inputs: inputs
            .map(|input| {
                let account = view::EnergyAccount::from_wire(input.account);
                (account, input.energy_wh)
            })
            .collect(),
        result_formula: message.result_formula,
        exact_numerator: message.exact_numerator,
        exact_denominator: message.exact_denominator,
        rounding: message.rounding,
        calculated_by: message.calculated_by,
        position: message.position,
    }
}

fn contribution(message: ledger::MeterContribution) -> view::Contribution {
    view::Contribution {
        meter: message.meter,
        account: view::EnergyAccount::from_wire(message.account),
        energy_wh: message.energy_wh,
        interval_start: message.interval_start,
        interval_seconds: message.interval_seconds,
        value: message.value,
        unit: message.unit,
        revision: message.revision,
        reading_wh: message.reading_wh,
        events: message.events.into_iter().map(event_mark).collect(),
    }
}
