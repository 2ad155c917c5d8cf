//! Unpacks the zip in which Oracle hands out a request's log.

use std::io::{Cursor, Read};

use base64::{Engine, prelude::BASE64_STANDARD};
use zip::ZipArchive;

use super::CallError;

/// The most of one file that is unpacked, whatever the zip promises.
const MOST_UNPACKED: u64 = 4 * 1024 * 1024;
/// The most that is kept: the end of the log, where the reason stands.
const MOST_KEPT: usize = 64 * 1024;

/// The logs in a base64 zip as one text, file after file.
pub(super) fn unpack(content: &str) -> Result<String, CallError> {
    let unreadable = || CallError::Refused("the log that Oracle sent cannot be read".into());
    let zip = BASE64_STANDARD.decode(content).map_err(|_| unreadable())?;
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(|_| unreadable())?;
    let mut text = String::new();
    for index in 0..archive.len().min(20) {
        let file = archive.by_index(index).map_err(|_| unreadable())?;
        let name = file.name().map_err(|_| unreadable())?.into_owned();
        let mut bytes = Vec::new();
        file.take(MOST_UNPACKED).read_to_end(&mut bytes).map_err(|_| unreadable())?;
        text.push_str(&format!("--- {name}\n{}\n", String::from_utf8_lossy(&bytes).trim_end()));
    }
    let cut = text.len().saturating_sub(MOST_KEPT);
    let cut = (cut..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(cut);
    Ok(if cut == 0 { text } else { format!("…{}", &text[cut..]) })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn zipped(text: &str) -> String {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("6001.log", zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
        BASE64_STANDARD.encode(zip.finish().unwrap().into_inner())
    }

    #[test]
    fn a_log_is_text_with_its_files_name() {
        assert_eq!(
            unpack(&zipped("EF04 invalid account\n")).unwrap(),
            "--- 6001.log\nEF04 invalid account\n"
        );
    }

    #[test]
    fn a_log_that_is_too_long_keeps_its_end() {
        let log = unpack(&zipped(&format!("{}the reason", "ä".repeat(MOST_KEPT)))).unwrap();
        assert!(log.starts_with('…') && log.ends_with("the reason\n") && log.len() <= MOST_KEPT + 3);
    }

    #[test]
    fn what_is_no_zip_is_refused() {
        for content in ["", "no base64!", "bm8gemlw"] {
            assert!(matches!(unpack(content), Err(CallError::Refused(_))), "{content}");
        }
    }
}
