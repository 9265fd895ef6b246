//! Documents of a park by their hash: attached once to what they are about.

use std::collections::BTreeMap;

use bytes::Bytes;
use terrarium_journal::{Event, Rejection, facts};
use terrarium_model::{ParkId, UnixSeconds};
use terrarium_proto::carbon::v1::{EvidenceAttachedV1, EvidenceKind};

facts! {
    /// What was attached.
    pub enum EvidenceFact in "terrarium.carbon.v1" {
        EvidenceAttachedV1 at time_s,
    }
}

/// Everything a decision needs beside what is recorded.
#[derive(Clone, Debug)]
pub struct EvidenceContext {
    /// The park.
    pub park: ParkId,
    /// The park's time.
    pub now: UnixSeconds,
}

/// The documents of one park.
#[derive(Default)]
pub struct Evidence {
    attached: BTreeMap<(String, Bytes), EvidenceAttachedV1>,
}

impl Evidence {
    /// In the order of what they are about and their hash.
    pub fn attached(&self) -> impl Iterator<Item = &EvidenceAttachedV1> {
        self.attached.values()
    }

    /// Decides about a document; its time is filled in.
    pub fn decide(
        &self,
        context: &EvidenceContext,
        sent: &EvidenceAttachedV1,
    ) -> Result<Vec<Event<EvidenceFact>>, Rejection> {
        if let Some(recorded) = self
            .attached
            .get(&(sent.about.clone(), sent.sha256.clone()))
        {
            let same = EvidenceAttachedV1 {
                time_s: recorded.time_s,
                ..sent.clone()
            };
            if &same == recorded {
                return Ok(Vec::new());
            }
            return Err(Rejection::already_exists(
                "sha256",
                format!(
                    "this document is attached to {} already, as \"{}\"; one document is attached to one thing once",
                    sent.about, recorded.note
                ),
            ));
        }
        if sent.kind() == EvidenceKind::Unspecified {
            return Err(Rejection::invalid(
                "kind",
                "it is not known; send INVOICE, CALIBRATION, WEIGHBRIDGE_TICKET, PRODUCT_DECLARATION, REGISTRY_RECEIPT, SERVICE_LOG or \
                 OTHER",
            ));
        }
        if sent.to_s <= sent.from_s {
            return Err(Rejection::invalid("to", "it is not after from"));
        }
        let attached = EvidenceAttachedV1 {
            time_s: context.now.0,
            ..sent.clone()
        };
        // The time is of the decision, so that the same document sent again later has the same id.
        Ok(vec![Event::once(
            &context.park,
            &[sent.about.as_bytes(), &sent.sha256],
            attached,
        )])
    }

    /// Takes in an event.
    pub fn evolve(&mut self, event: &Event<EvidenceFact>) {
        let EvidenceFact::EvidenceAttachedV1(attached) = &event.fact;
        self.attached.insert(
            (attached.about.clone(), attached.sha256.clone()),
            attached.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_attached_once_to_one_thing() {
        let context = |now| EvidenceContext {
            park: ParkId::new("haotian").expect("valid"),
            now: UnixSeconds(now),
        };
        let sent = EvidenceAttachedV1 {
            sha256: Bytes::from(vec![7; 32]),
            kind: EvidenceKind::Calibration.into(),
            about: "grid.import".into(),
            from_s: 0,
            to_s: 10,
            note: "class 1".into(),
            time_s: 0,
        };
        let mut evidence = Evidence::default();
        let events = evidence.decide(&context(5), &sent).expect("new");
        evidence.evolve(&events[0]);
        assert_eq!(evidence.decide(&context(9), &sent), Ok(Vec::new()));
        let other = EvidenceAttachedV1 {
            note: "class 2".into(),
            ..sent.clone()
        };
        assert_eq!(
            evidence
                .decide(&context(9), &other)
                .expect_err("other words")
                .field,
            "sha256"
        );
        let elsewhere = EvidenceAttachedV1 {
            about: "grid.export".into(),
            ..sent.clone()
        };
        assert!(evidence.decide(&context(9), &elsewhere).is_ok());
        let backwards = EvidenceAttachedV1 {
            about: "x".into(),
            to_s: 0,
            ..sent
        };
        assert_eq!(
            evidence
                .decide(&context(9), &backwards)
                .expect_err("backwards")
                .field,
            "to"
        );
    }
}
