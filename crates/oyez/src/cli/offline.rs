//! Commands that need no server: `oyez migrate`, `backup`, `openapi`.

use std::path::Path;

use oyez_store::Store;
use serde_json::json;

use super::{
    args::{BackupArgs, Global},
    client::settings,
    error::{Failure, chain},
    output::Output,
};
use crate::{http, server};

/// `oyez migrate`.
pub(super) async fn migrate(global: &Global, output: &Output) -> Result<(), Failure> {
    let config = settings(global, Vec::new())?.config;
    let path = config.database_path();
    if server::Runtime::read(&config.data_dir).is_some() {
        let problem = format!(
            "a server runs on {}: it brought the database up to date when it started",
            config.data_dir.display()
        );
        return Err(Failure::new(problem).hint("stop that server first if another release is to migrate it"));
    }
    let made = !path.exists();
    server::prepare_data_dir(&config.data_dir)?;
    let store =
        Store::open(&server::store_options(&config)).await.map_err(|error| Failure::new(chain(&error)))?;
    store.close().await;
    let path = path.display().to_string();
    output.answer(&json!({"database": path, "made": made}), || {
        if made { format!("made {path}") } else { format!("{path} is up to date") }
    });
    Ok(())
}

/// `oyez backup FILE`.
pub(super) async fn backup(global: &Global, args: &BackupArgs, output: &Output) -> Result<(), Failure> {
    if global.server.is_some() {
        return Err(Failure::usage("a backup is made on the server's own machine")
            .hint("run it there, with --data DIR"));
    }
    let config = settings(global, Vec::new())?.config;
    let file = &args.file;
    if file.exists() {
        return Err(Failure::usage(format!("{} exists already", file.display()))
            .hint("name a file that does not exist; a backup never overwrites one"));
    }
    let opened = Store::open_existing(&server::store_options(&config)).await;
    let store = opened.map_err(|error| Failure::new(chain(&error)))?;
    let copied = store.backup(file).await;
    store.close().await;
    copied.map_err(|error| Failure::new(format!("could not write {}: {error}", file.display())))?;
    protect(file)?;
    let bytes = std::fs::metadata(file)?.len();
    let name = file.display().to_string();
    output.answer(&json!({"file": name, "bytes": bytes}), || format!("wrote {name}, {bytes} bytes"));
    output
        .note("Keep signing.key from the data directory with it: without it everybody has to sign in again.");
    Ok(())
}

/// A copy is as secret as the database.
fn protect(file: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600))?)
}

/// `oyez openapi`.
pub(super) fn openapi(output: &Output) -> Result<(), Failure> {
    output.line(&http::openapi());
    Ok(())
}
