//! What a simulated park's record says, to compare runs by.

use serde_json::Value as Json;

use crate::{Park, feed};

/// Every event of the park as it is recorded, sorted, without the trail of its request, which is another each time. The event
/// that made the first report of a minute known is the same however it was sent.
pub async fn lines_of(park: &Park, id: &str) -> Vec<String> {
    let events = feed::read_all(&mut park.clients().await, id).await;
    let mut lines: Vec<String> = events
        .iter()
        .map(|event| {
            let metadata: Json = serde_json::from_slice(&event.metadata).expect("JSON");
            format!(
                "{} #{} {} {} {} recorded {} {:?}",
                event.stream,
                event.revision,
                event.id,
                event.r#type,
                event.time,
                metadata["recordedtime"],
                event.data
            )
        })
        .collect();
    lines.sort();
    lines
}

/// Passes if two records say the same.
///
/// # Panics
/// Otherwise, with the first lines that only one of them has.
#[track_caller]
pub fn assert_same(some: &[String], others: &[String], what: &str) {
    let missing: Vec<&String> = some
        .iter()
        .filter(|line| others.binary_search(line).is_err())
        .collect();
    let more: Vec<&String> = others
        .iter()
        .filter(|line| some.binary_search(line).is_err())
        .collect();
    assert!(
        missing.is_empty() && more.is_empty(),
        "{what}: {} and {} events; only in one: {:#?}, only in the other: {:#?}",
        some.len(),
        others.len(),
        &missing[..missing.len().min(5)],
        &more[..more.len().min(5)]
    );
}

/// When each event of the park was recorded, in the order of the record; texts that sort as their times.
pub async fn recorded_times(park: &Park, id: &str) -> Vec<String> {
    let events = feed::read_all(&mut park.clients().await, id).await;
    let time = |metadata: &[u8]| {
        let metadata: Json = serde_json::from_slice(metadata).expect("JSON");
        metadata["recordedtime"]
            .as_str()
            .expect("a time")
            .to_owned()
    };
    events.iter().map(|event| time(&event.metadata)).collect()
}
