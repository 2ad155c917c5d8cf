//! Any bytes as a client's WebSocket stream, however they are cut.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| oyez::websocket::testing::read_any(bytes));
