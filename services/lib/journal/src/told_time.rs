//! The time that a simulator tells with each of its calls, so that what it reports is recorded the same whatever the server
//! remembers of the park's clock: nothing, where it was killed in the middle of a bundle of reports.

use terrarium_model::{ParkId, UnixMillis};
use terrarium_proto::PARK_TIME;
use terrarium_runtime::actor;
use tonic::{Code, Request, Status};

use crate::clock_api::{LATEST_MS, LONGEST_OPEN_MS, MAY_ADVANCE};
use crate::refusal::field_status;

/// What time it is for the caller. `decided_until <= now`, by a day at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToldTime {
    /// Nothing later is taken.
    pub now: UnixMillis,
    /// All that was due until then is decided.
    pub decided_until: UnixMillis,
}

impl ToldTime {
    /// Of a call about a park. `None`: it tells none, and the park's clock counts.
    pub fn of_request<T>(request: &Request<T>, park: &str) -> Result<Option<ToldTime>, Status> {
        let Some(text) = request.metadata().get(PARK_TIME) else {
            return Ok(None);
        };
        actor(request)?.require(MAY_ADVANCE, park)?;
        // Only the park's definition says whether it is simulated; here its name has to be one at least.
        ParkId::new(park)
            .map_err(|error| field_status(Code::InvalidArgument, "park", error.to_string()))?;
        let told = text.to_str().ok().and_then(ToldTime::parse);
        told.map(Some).ok_or_else(|| {
            field_status(
                Code::InvalidArgument,
                PARK_TIME,
                "it is no time; send until when all is decided and what time it is, a day later at most, as milliseconds since \
                 1970-01-01T00:00:00Z with a slash between them",
            )
        })
    }

    /// Of a call that sends its metadata once for much that happens at different times.
    pub fn refuse<T>(request: &Request<T>) -> Result<(), Status> {
        if request.metadata().contains_key(PARK_TIME) {
            return Err(field_status(
                Code::InvalidArgument,
                PARK_TIME,
                "a stream tells no time, because all its batches would have the same; leave it out, or send each batch with a \
                 call of its own",
            ));
        }
        Ok(())
    }

    fn parse(text: &str) -> Option<ToldTime> {
        let (decided_until, now) = text.split_once('/')?;
        let (decided_ms, now_ms): (i64, i64) = (decided_until.parse().ok()?, now.parse().ok()?);
        let is_time = (1..=LATEST_MS).contains(&decided_ms)
            && (decided_ms..=LATEST_MS.min(decided_ms + LONGEST_OPEN_MS)).contains(&now_ms);
        is_time.then_some(ToldTime {
            now: UnixMillis(now_ms),
            decided_until: UnixMillis(decided_ms),
        })
    }
}

#[cfg(test)]
mod tests {
    use terrarium_runtime::{Actor, Role};

    use super::*;

    fn read(text: &'static str, role: Role) -> Result<Option<ToldTime>, Status> {
        let mut request = Request::new(());
        request.extensions_mut().insert(Actor {
            name: "somebody".into(),
            role,
            park: None,
        });
        request
            .metadata_mut()
            .insert(PARK_TIME, tonic::metadata::MetadataValue::from_static(text));
        ToldTime::of_request(&request, "haotian")
    }

    #[test]
    fn only_whoever_may_move_the_clock_tells_the_time_and_only_one_that_can_be() {
        let told = read("1000/2000", Role::Simulator).expect("a time");
        let expected = ToldTime {
            now: UnixMillis(2_000),
            decided_until: UnixMillis(1_000),
        };
        assert_eq!(told, Some(expected));
        for role in [Role::Device, Role::Operator, Role::Auditor] {
            let refused = read("1000/2000", role).expect_err("not allowed");
            assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
        }
        for text in ["", "1000", "2000/1000", "0/1", "1/86400002", "a/b", "-5/5"] {
            let refused = read(text, Role::Admin).expect_err(text);
            assert_eq!(refused.code(), Code::InvalidArgument, "{text}: {refused}");
        }
        let mut stream = Request::new(());
        ToldTime::refuse(&stream).expect("it tells none");
        let told = tonic::metadata::MetadataValue::from_static("1000/2000");
        stream.metadata_mut().insert(PARK_TIME, told);
        let refused = ToldTime::refuse(&stream).expect_err("it tells one");
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
        let silent = ToldTime::of_request(&Request::new(()), "haotian");
        assert_eq!(silent.expect("no time"), None);
    }
}
