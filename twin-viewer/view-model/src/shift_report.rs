//! The shift report: alarms and what was done about them, orders, balances, and how far the data can be trusted.

use std::collections::BTreeMap;

use terrarium_model::TimeZone;

use crate::alarm::{AlarmList, AlarmPriority};
use crate::carbon::CarbonLine;
use crate::document::Document;
use crate::format;
use crate::park_view::ParkView;
use crate::shift_record::{AlarmEvent, AlarmLine, OrderLine, OrderStep, OrderValue, ShiftRecord};
use crate::words::{Language, Word};

const HOUR_MS: i64 = 3_600_000;
/// A shift at most: the services would be asked for too much at once. Assumed.
pub const LONGEST_SHIFT_MS: i64 = 7 * 24 * HOUR_MS;

/// Writes the report of a shift.
pub fn shift_report(
    shift: &ShiftRecord,
    park: &ParkView,
    alarms: &AlarmList,
    language: Language,
) -> Document {
    let writer = Writer {
        shift,
        park,
        alarms,
        language,
    };
    let mut document = Document {
        title: format!(
            "{} · {}",
            Word::ShiftReport.text(language),
            language.of(&park.name)
        ),
        language: match language {
            Language::English => "en",
            Language::Chinese => "zh-Hans",
        },
        ..Document::default()
    };
    writer.head(&mut document);
    writer.alarms(&mut document);
    writer.actions(&mut document);
    writer.orders(&mut document);
    writer.balance(&mut document);
    writer.quality(&mut document);
    document
}

struct Writer<'a> {
    shift: &'a ShiftRecord,
    park: &'a ParkView,
    alarms: &'a AlarmList,
    language: Language,
}

impl Writer<'_> {
    fn text(&self, word: Word) -> String {
        word.text(self.language).to_owned()
    }

    fn row(&self, words: &[Word]) -> Vec<String> {
        words.iter().map(|word| self.text(*word)).collect()
    }

    fn moment(&self, ms: i64) -> String {
        format::moment(&self.park.time_zone, ms)
    }

    fn asset(&self, id: &str) -> String {
        let asset = self.park.index_of(id).map(|asset| self.park.asset(asset));
        asset.map_or_else(
            || id.to_owned(),
            |asset| asset.name_in(self.language).to_owned(),
        )
    }

    fn alarm(&self, id: &str) -> String {
        let Some(alarm) = self.alarms.get(id) else {
            return id.to_owned();
        };
        let name = self.language.of(&alarm.definition.name);
        format!("{name} · {}", self.asset(&alarm.definition.asset))
    }

    fn priority(&self, id: &str) -> Option<AlarmPriority> {
        Some(self.alarms.get(id)?.definition.priority)
    }

    fn head(&self, document: &mut Document) {
        let zone: &TimeZone = &self.park.time_zone;
        let (from, to) = (
            self.moment(self.shift.from_ms),
            self.moment(self.shift.to_ms),
        );
        let position = self.shift.position.to_string();
        let parts = [
            ("from", from.as_str()),
            ("to", to.as_str()),
            ("zone", zone.name()),
            ("position", position.as_str()),
        ];
        document.paragraph(Word::ReportPeriod.with(self.language, &parts));
    }

    fn of_event(&self, event: AlarmEvent) -> impl Iterator<Item = &AlarmLine> {
        let alarms = self.shift.alarms.iter();
        alarms.filter(move |line| line.event == event)
    }

    fn alarms(&self, document: &mut Document) {
        document.heading(self.text(Word::Alarms));
        let raised: Vec<&AlarmLine> = self.of_event(AlarmEvent::Raised).collect();
        let count = |priority: Option<AlarmPriority>| {
            let of_it = raised
                .iter()
                .filter(|line| priority.is_none() || self.priority(&line.alarm) == priority);
            of_it.count().to_string()
        };
        let cleared = self.of_event(AlarmEvent::Cleared).count().to_string();
        let acknowledged = self.of_event(AlarmEvent::Acknowledged).count().to_string();
        let [all, high, medium, low] = [
            count(None),
            count(Some(AlarmPriority::High)),
            count(Some(AlarmPriority::Medium)),
            count(Some(AlarmPriority::Low)),
        ];
        let parts = [
            ("count", all.as_str()),
            ("high", high.as_str()),
            ("medium", medium.as_str()),
            ("low", low.as_str()),
            ("cleared", cleared.as_str()),
            ("acknowledged", acknowledged.as_str()),
        ];
        document.paragraph(Word::ReportAlarmCounts.with(self.language, &parts));
        let mut rows = vec![self.row(&[
            Word::ReportTime,
            Word::ReportAlarm,
            Word::ReportPriority,
            Word::ReportAcknowledged,
            Word::ReportCleared,
        ])];
        for line in &raised {
            let later = |event| {
                self.of_event(event)
                    .find(|other| {
                        other.alarm == line.alarm
                            && other.occurrence == line.occurrence
                            && other.position > line.position
                    })
                    .map_or_else(
                        || "–".to_owned(),
                        |other| format::duration(other.time_ms - line.time_ms, self.language),
                    )
            };
            let priority = self.priority(&line.alarm);
            rows.push(vec![
                self.moment(line.time_ms),
                self.alarm(&line.alarm),
                priority.map_or_else(|| "–".into(), |one| self.text(Word::of_priority(one))),
                later(AlarmEvent::Acknowledged),
                later(AlarmEvent::Cleared),
            ]);
        }
        document.table(rows);
    }

    /// What people did about alarms, with the name of their credential.
    fn actions(&self, document: &mut Document) {
        let by_person = self
            .shift
            .alarms
            .iter()
            .filter(|line| line.event.is_by_person());
        let mut rows = vec![self.row(&[
            Word::ReportTime,
            Word::ReportWho,
            Word::ReportWhat,
            Word::ReportAlarm,
            Word::Reason,
        ])];
        rows.extend(by_person.map(|line| {
            vec![
                self.moment(line.time_ms),
                line.actor.clone(),
                self.text(Word::of_alarm_event(line.event)),
                self.alarm(&line.alarm),
                line.reason.clone(),
            ]
        }));
        document.heading(self.text(Word::ReportActions));
        if rows.len() == 1 {
            document.paragraph(self.text(Word::ReportNone));
        }
        document.table(rows);
    }

    fn orders(&self, document: &mut Document) {
        document.heading(self.text(Word::ReportOrders));
        if self.shift.orders.is_empty() {
            document.paragraph(self.text(Word::ReportNone));
        }
        let mut rows = vec![self.row(&[
            Word::ReportTime,
            Word::ReportWho,
            Word::ReportDevice,
            Word::ReportOutcome,
        ])];
        rows.extend(self.shift.orders.iter().map(|line| {
            vec![
                self.moment(line.time_ms),
                line.actor.clone(),
                self.asset(&line.asset),
                self.order(line),
            ]
        }));
        document.table(rows);
    }

    fn order(&self, line: &OrderLine) -> String {
        let value = match line.value {
            None => "–".to_owned(),
            Some(OrderValue::Watt(value)) => format::watts(value as f64),
            Some(OrderValue::WattHour(value)) => format::watt_hours(value as f64),
            Some(OrderValue::Litre(value)) => format::litres(value),
            Some(OrderValue::Plain(value)) => format::whole(value),
        };
        let word = match line.step {
            OrderStep::Asked => Word::Asked,
            OrderStep::Obeyed => Word::Obeyed,
            OrderStep::Missed => Word::Missed,
        };
        word.with(self.language, &[("value", &value)])
    }

    fn balance(&self, document: &mut Document) {
        document.heading(self.text(Word::ReportBalance));
        let parts = [
            ("from", self.shift.balance_from.as_str()),
            ("to", self.shift.balance_to.as_str()),
        ];
        document.paragraph(Word::ReportWholeHours.with(self.language, &parts));
        let mut rows = vec![self.row(&[
            Word::ReportDevice,
            Word::Consumption,
            Word::Generation,
            Word::GridImport,
            Word::GridExport,
            Word::SelfUse,
            Word::Scope2,
            Word::Avoided,
        ])];
        rows.push(self.figures(self.text(Word::ParkTotal), &self.shift.balance));
        let lines: &BTreeMap<String, CarbonLine> = &self.shift.by_asset;
        rows.extend(
            lines
                .iter()
                .map(|(id, line)| self.figures(self.asset(id), line)),
        );
        document.table(rows);
        document.paragraph(self.text(Word::ReportNotNetted));
    }

    fn figures(&self, name: String, line: &CarbonLine) -> Vec<String> {
        let energy = |wh: i64| format::watt_hours(wh as f64);
        vec![
            name,
            energy(line.consumption_wh),
            energy(line.generation_wh),
            energy(line.import_wh),
            energy(line.export_wh),
            energy(line.self_use_wh),
            format::co2(line.scope2_location_mg),
            format::co2(line.avoided_mg),
        ]
    }

    fn quality(&self, document: &mut Document) {
        document.heading(self.text(Word::ReportQuality));
        let line = &self.shift.balance;
        let numbers = [
            line.hours_metered,
            line.hours_expected,
            line.hours_missing,
            line.hours_estimated,
            line.hours_without_factor,
        ]
        .map(|number| number.to_string());
        let names = ["have", "of", "missing", "estimated", "factor"];
        let parts: Vec<(&str, &str)> = names
            .into_iter()
            .zip(numbers.iter().map(String::as_str))
            .collect();
        document.paragraph(Word::ReportHours.with(self.language, &parts));
        let incomplete: Vec<_> = self
            .shift
            .meters
            .iter()
            .filter(|meter| meter.hours_metered < meter.hours_expected || meter.quarantined > 0)
            .collect();
        if incomplete.is_empty() {
            document.paragraph(self.text(Word::ReportAllMeters));
        }
        let mut rows = vec![self.row(&[
            Word::ReportMeter,
            Word::ReportDevice,
            Word::ReportMeterHours,
            Word::ReportQuarantined,
            Word::ReportFirstGap,
        ])];
        for meter in incomplete {
            let gap = meter.first_gap.as_ref();
            rows.push(vec![
                meter.meter.clone(),
                self.asset(&meter.asset),
                format!("{} / {}", meter.hours_metered, meter.hours_expected),
                meter.quarantined.to_string(),
                gap.map_or_else(|| "–".into(), |(from, to)| format!("{from} – {to}")),
            ]);
        }
        document.table(rows);
    }
}
