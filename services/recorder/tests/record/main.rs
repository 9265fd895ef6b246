//! Desk, bus, recorder and store together, with the real `nats-server` and the real embedded store.

mod desks;
mod faults;
mod replays;
mod tickets;
mod world;
