//! Mails as files in a folder, for development: `<time>-<key>.eml`, which mail programs open.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use oyez_protocol::Timestamp;

/// Writes a mail whole or not at all. The same mail again is the same file.
pub(super) async fn write(
    folder: PathBuf,
    key: String,
    at: Timestamp,
    mail: Vec<u8>,
) -> Result<PathBuf, io::Error> {
    tokio::task::spawn_blocking(move || write_now(&folder, &key, at, &mail))
        .await
        .map_err(io::Error::other)?
}

fn write_now(folder: &Path, key: &str, at: Timestamp, mail: &[u8]) -> Result<PathBuf, io::Error> {
    // A key has no slash; were it otherwise one day, the folder is still where it ends.
    let name: String =
        key.chars().map(|c| if c.is_ascii_alphanumeric() || "-.".contains(c) { c } else { '_' }).collect();
    let time = at.to_string().replace([':', '.'], "-");
    fs::create_dir_all(folder)?;
    let draft = folder.join(format!(".{name}.{:016x}", rand::random::<u64>()));
    let path = folder.join(format!("{time}-{name}.eml"));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(mail)?;
        file.sync_all()
    });
    let placed = written.and_then(|()| fs::rename(&draft, &path));
    if placed.is_err() {
        let _ = fs::remove_file(&draft);
    }
    placed.map(|()| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_mail_is_written_whole_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("mail");
        let at: Timestamp = "2026-11-20T13:00:00Z".parse().unwrap();
        for _ in 0..2 {
            let path = write(inner.clone(), "01930d2e.1".into(), at, b"Subject: hi".to_vec()).await.unwrap();
            assert_eq!(path.file_name().unwrap(), "2026-11-20T13-00-00-000Z-01930d2e.1.eml");
        }
        let files: Vec<_> = fs::read_dir(&inner).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1);
        assert_eq!(fs::read(&files[0]).unwrap(), b"Subject: hi");
    }
}
