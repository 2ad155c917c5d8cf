//! Any text as a session's command.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| oyez::websocket::testing::command_any(text));
