#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| terrarium_eventstore::fuzzing::log(bytes));
