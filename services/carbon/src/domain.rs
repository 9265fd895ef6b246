//! What is decided about the carbon accounts of a park. Pure.
//!
//! - here: definitions and factor sets
//! - [`activities`]: what no meter sees, as reported
//! - [`evidence`]: documents by their hash
//! - [`invoices`]: what suppliers charged for
//! - [`profile`]: how activities are accounted for
//! - [`trees`]: tree groups as sinks, with reversals
//! - [`embodied`]: embodied carbon by asset and module of EN 15978
//! - [`instrument`]: certificates, credits and allowances
//! - [`period`]: reporting periods, closed by one and verified by another
//! - [`policy`]: boundary, base year and targets

pub mod activities;
pub mod embodied;
pub mod evidence;
pub mod instrument;
pub mod invoices;
pub mod period;
pub mod policy;
pub mod profile;
pub mod trees;

use std::collections::BTreeMap;
use std::sync::Arc;

use terrarium_ledger::FactorSet;
use terrarium_model::{MeterId, ParkDefinition, ParkId, Reports, event_id};
use uuid::Uuid;

pub use activities::{Activities, ActivitiesContext, ActivityFact};
pub use embodied::{EmbodiedCarbon, EmbodiedContext, EmbodiedFact};
pub use evidence::{Evidence, EvidenceContext, EvidenceFact};
pub use instrument::{Elsewhere, Instrument, InstrumentContext, InstrumentFact};
pub use invoices::{InvoiceFact, Invoices, InvoicesContext};
pub use period::{PeriodCommand, PeriodContext, PeriodFact, PeriodStep, Periods};
pub use policy::{Policy, PolicyCommand, PolicyContext, PolicyFact};
pub use profile::{AccountingProfile, ProfileContext, ProfileFact};
pub use trees::{TreeCommand, TreeContext, TreeFact, TreeGroup};

/// The definitions of one park, as their past left them.
#[derive(Default)]
pub struct ParkRecord {
    current_sha256: Option<[u8; 32]>,
    definitions: u64,
    /// How each meter that was ever defined reports.
    reports: BTreeMap<MeterId, Reports>,
}

/// Asks for a definition to be in force.
#[derive(Clone, Debug)]
pub struct DefinePark {
    /// The park that the text defines.
    pub park: ParkId,
    /// TOML, already checked.
    pub definition_toml: Arc<str>,
    /// SHA-256 of the text.
    pub sha256: [u8; 32],
}

/// A meter would report in another way than its recorded readings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "meter {meter} reports \"{before}\" by the recorded definition, and \"{now}\" by this one; its readings can't be both: \
     give the meter that was changed a new id"
)]
pub struct MeterChangedKind {
    meter: MeterId,
    before: Reports,
    now: Reports,
}

/// A definition is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkDefined {
    /// Follows from the text and how many definitions came before it.
    pub id: Uuid,
    /// The park.
    pub park: ParkId,
    /// TOML.
    pub definition_toml: Arc<str>,
    /// SHA-256 of the text.
    pub sha256: [u8; 32],
}

impl ParkRecord {
    /// The definition in force stays as it is when the same text is sent again.
    pub fn decide(&self, command: &DefinePark) -> Result<Vec<ParkDefined>, MeterChangedKind> {
        if self.current_sha256 == Some(command.sha256) {
            return Ok(Vec::new());
        }
        for (meter, now) in meter_kinds(&command.definition_toml) {
            if let Some(&before) = self.reports.get(&meter)
                && before != now
            {
                return Err(MeterChangedKind { meter, before, now });
            }
        }
        Ok(vec![ParkDefined {
            id: event_id(&[
                b"terrarium.carbon.park-defined",
                command.park.as_str().as_bytes(),
                &self.definitions.to_le_bytes(),
                &command.sha256,
            ]),
            park: command.park.clone(),
            definition_toml: Arc::clone(&command.definition_toml),
            sha256: command.sha256,
        }])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &ParkDefined) {
        self.current_sha256 = Some(event.sha256);
        self.definitions += 1;
        self.reports.extend(meter_kinds(&event.definition_toml));
    }
}

/// How the meters of a definition report. A text that is no definition has none; it is refused before it comes here.
fn meter_kinds(definition_toml: &str) -> Vec<(MeterId, Reports)> {
    ParkDefinition::parse(definition_toml, "the park definition").map_or_else(
        |_| Vec::new(),
        |definition| {
            definition
                .meters
                .into_iter()
                .map(|(id, meter)| (id, meter.reports))
                .collect()
        },
    )
}

/// The versions of one factor set.
#[derive(Default)]
pub struct FactorSetRecord {
    versions: BTreeMap<String, Uuid>,
}

/// A version of a set, to be published: one value or series, or all rows of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactorPublication {
    rows: Vec<Arc<FactorSet>>,
}

impl FactorPublication {
    /// One value or series.
    pub fn single(factor_set: Arc<FactorSet>) -> FactorPublication {
        FactorPublication {
            rows: vec![factor_set],
        }
    }

    /// The rows of one version of a table; `None` without rows, or if they are of several.
    pub fn table(rows: Vec<Arc<FactorSet>>) -> Option<FactorPublication> {
        let first = rows.first()?;
        let is_one = rows.iter().all(|row| {
            row.set == first.set && row.version == first.version && !row.detail.row.is_empty()
        });
        is_one.then_some(FactorPublication { rows })
    }

    /// One set, or a set for each row.
    pub fn rows(&self) -> &[Arc<FactorSet>] {
        &self.rows
    }

    /// Whether it is a table.
    pub fn is_table(&self) -> bool {
        !self.rows[0].detail.row.is_empty()
    }

    /// The first row: all have its set, version, publisher and date.
    pub fn head(&self) -> &FactorSet {
        &self.rows[0]
    }

    /// Id of the event that publishes it: the same content always gets the same id.
    pub fn event_id(&self, park: &str) -> Uuid {
        if !self.is_table() {
            return self.head().event_id(park);
        }
        let ids: Vec<[u8; 16]> = self
            .rows
            .iter()
            .map(|row| row.event_id(park).into_bytes())
            .collect();
        event_id(&[
            b"terrarium.carbon.factor-table",
            park.as_bytes(),
            &ids.concat(),
        ])
    }
}

/// A version was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactorSetPublished {
    /// Follows from the whole content.
    pub id: Uuid,
    /// The version.
    pub publication: FactorPublication,
}

/// Another content is recorded under the same version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "version \"{version}\" of factor set {set} is recorded with other content (event {recorded}); published factors never \
     change: publish the new ones under a new version"
)]
pub struct VersionTaken {
    set: String,
    version: String,
    recorded: Uuid,
}

impl FactorSetRecord {
    /// A version is published once.
    pub fn decide(
        &self,
        park: &ParkId,
        publication: &FactorPublication,
    ) -> Result<Vec<FactorSetPublished>, VersionTaken> {
        let id = publication.event_id(park.as_str());
        let head = publication.head();
        match self.versions.get(&head.version) {
            Some(recorded) if *recorded == id => Ok(Vec::new()),
            Some(recorded) => Err(VersionTaken {
                set: head.set.to_string(),
                version: head.version.clone(),
                recorded: *recorded,
            }),
            None => Ok(vec![FactorSetPublished {
                id,
                publication: publication.clone(),
            }]),
        }
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &FactorSetPublished) {
        self.versions
            .insert(event.publication.head().version.clone(), event.id);
    }
}

#[cfg(test)]
mod tests {
    use terrarium_ledger::{FactorDetail, FactorKind};
    use terrarium_model::{FactorSetId, FactorUnit, UnixSeconds};

    use super::*;

    fn constant(version: &str, value: i64) -> FactorPublication {
        FactorPublication::single(Arc::new(FactorSet {
            set: FactorSetId::new("north-china").expect("valid"),
            version: version.to_owned(),
            publisher: "MEE".to_owned(),
            region: "north-china".to_owned(),
            kind: FactorKind::GridAverage,
            unit: FactorUnit::KG_CO2_PER_KWH,
            valid_from: UnixSeconds(0),
            valid_to: UnixSeconds(3600),
            published_on: "2024-12-20".to_owned(),
            source: "table 2".to_owned(),
            scale: 4,
            step_seconds: None,
            values: vec![value],
            detail: FactorDetail::default(),
        }))
    }

    #[test]
    fn the_same_version_again_changes_nothing_and_other_content_under_it_is_refused() {
        let park = ParkId::new("demo").expect("valid");
        let mut record = FactorSetRecord::default();
        let published = record
            .decide(&park, &constant("2022", 5366))
            .expect("first");
        record.evolve(&published[0]);
        assert!(
            record
                .decide(&park, &constant("2022", 5366))
                .expect("again")
                .is_empty()
        );
        let refusal = record
            .decide(&park, &constant("2022", 5367))
            .expect_err("other content");
        assert!(refusal.to_string().contains("new version"), "{refusal}");
        assert_eq!(
            record
                .decide(&park, &constant("2023", 5306))
                .expect("new version")
                .len(),
            1
        );
    }

    #[test]
    fn a_definition_that_comes_back_after_another_is_a_new_event() {
        let define = |text: &str, sha: u8| DefinePark {
            park: ParkId::new("demo").expect("valid"),
            definition_toml: text.into(),
            sha256: [sha; 32],
        };
        let mut record = ParkRecord::default();
        let decided = |record: &ParkRecord, text, sha| {
            let mut events = record.decide(&define(text, sha)).expect("no meters");
            events.pop()
        };
        let first = decided(&record, "a", 1).expect("new");
        record.evolve(&first);
        assert_eq!(decided(&record, "a", 1), None);
        let second = decided(&record, "b", 2).expect("new");
        record.evolve(&second);
        let third = decided(&record, "a", 1).expect("new again");
        assert_ne!(first.id, third.id);
    }

    #[test]
    fn a_meter_with_readings_of_intervals_never_becomes_a_register() {
        let text = |reports: &str| -> Arc<str> {
            format!(
                "[park]\nid = \"demo\"\nname = {{ en = \"Demo\", zh = \"演示\" }}\ntime_zone = \"Asia/Shanghai\"\n\
                 clock = \"wall\"\ngrid_region = \"north-china\"\n\
                 [[zones]]\nid = \"all\"\nname = {{ en = \"All\", zh = \"全部\" }}\n\
                 [[assets]]\nid = \"office\"\nkind = \"building\"\nzone = \"all\"\nname = {{ en = \"Office\", zh = \"办公楼\" }}\n\
                 [[connections]]\nkind = \"electric\"\nfrom = \"grid\"\nto = \"office\"\n\
                 [[meters]]\nid = \"office.load\"\nasset = \"office\"\nmeasures = \"consumption\"\n\
                 reports = \"{reports}\"\nrated_kw = 10.0\n"
            )
            .into()
        };
        let define = |reports: &str, sha: u8| DefinePark {
            park: ParkId::new("demo").expect("valid"),
            definition_toml: text(reports),
            sha256: [sha; 32],
        };
        let mut record = ParkRecord::default();
        let defined = record.decide(&define("interval", 1)).expect("first");
        record.evolve(&defined[0]);
        let refusal = record
            .decide(&define("register", 2))
            .expect_err("another kind");
        let message = refusal.to_string();
        assert!(
            message.contains("office.load") && message.contains("new id"),
            "{message}"
        );
    }
}
