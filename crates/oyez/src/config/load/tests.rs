mod away;

use super::*;

fn environment(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn from_variables(pairs: &[(&str, &str)]) -> Result<Loaded, ConfigError> {
    let mut pairs = environment(pairs);
    pairs.push(("OYEZ_DATA_DIR".into(), "/nonexistent".into()));
    Config::load(&Sources { environment: pairs, ..Sources::default() })
}

fn from_file(text: &str) -> Result<Loaded, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("oyez.toml");
    fs::write(&path, text).unwrap();
    let data_dir = ("OYEZ_DATA_DIR".into(), dir.path().display().to_string());
    Config::load(&Sources { environment: vec![data_dir], ..Sources::default() }).map_err(|mut error| {
        if let Origin::File { path, .. } = &mut error.origin {
            *path = "oyez.toml".into();
        }
        error
    })
}

#[test]
fn the_environment_beats_the_file_and_flags_beat_the_environment() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("my.toml");
    let text = "listen = \"127.0.0.1:1\"\n[gateway]\nping_interval = \"10s\"\nshards = 3\n";
    fs::write(&path, text).unwrap();
    let sources = Sources {
        file: Some(path.clone()),
        environment: environment(&[
            ("OYEZ_LISTEN", "127.0.0.1:2"),
            ("OYEZ_GATEWAY__PING_INTERVAL", "11s"),
            ("OYEZ_HTTP__CORS_ORIGINS", "https://a.example, https://b.example"),
            ("PATH", "/bin"),
        ]),
        flags: vec![Flag { flag: "--listen", key: "listen", value: "127.0.0.1:3".into() }],
    };
    let loaded = Config::load(&sources).unwrap();
    assert_eq!(loaded.file, Some(path));
    assert_eq!(loaded.config.listen, "127.0.0.1:3");
    assert_eq!(loaded.config.gateway.ping_interval.as_secs(), 11);
    assert_eq!(loaded.config.gateway.shards, 3);
    assert_eq!(loaded.config.http.cors_origins, ["https://a.example", "https://b.example"]);
}

#[test]
fn a_wrong_value_is_named_with_its_line_and_the_line_that_fixes_it() {
    let error = from_file("\n[gateway]\nping_interval = 25\n").unwrap_err();
    let expected = "gateway.ping_interval: expected a duration such as \"25s\" or \"1h30m\", given 25\n  \
                    where: oyez.toml:3\n  fix:   ping_interval = \"25s\"    (under [gateway])";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_wrong_variable_is_answered_with_a_variable() {
    let error = from_variables(&[("OYEZ_GATEWAY__EXPIRED_TOKENS", "never")]).unwrap_err();
    let expected = "gateway.expired_tokens: expected `close` or `keep`, given \"never\"\n  \
                    where: environment variable OYEZ_GATEWAY__EXPIRED_TOKENS\n  \
                    fix:   OYEZ_GATEWAY__EXPIRED_TOKENS=close";
    assert_eq!(error.to_string(), expected);
    let error = from_variables(&[("OYEZ_DATABASE__READERS", "many")]).unwrap_err();
    assert!(error.to_string().contains("expected a whole number, 0 or more, given \"many\""), "{error}");
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    for (text, nearest) in [
        ("[gateway]\nping_intervall = \"1s\"", "gateway.ping_interval"),
        ("ping_interval = \"1s\"", "gateway.ping_interval"),
        ("lisen = \"x\"", "listen"),
    ] {
        let error = from_file(text).unwrap_err();
        assert_eq!(error.fix, format!("did you mean {nearest}?"), "{text}");
    }
    let error = from_variables(&[("OYEZ_GATEWAY_PING_INTERVAL", "1s")]).unwrap_err();
    assert_eq!(error.fix, "did you mean OYEZ_GATEWAY__PING_INTERVAL?");
    assert!(from_file("[colours]\n").unwrap_err().to_string().contains("no such setting"));
    assert!(from_file("[frobnicate]\nx = 1").unwrap_err().to_string().contains("no such setting"));
    assert!(from_file("gateway = 1").unwrap_err().to_string().contains("this is a section"));
}

#[test]
fn what_kubernetes_sets_for_a_service_called_oyez_is_no_setting() {
    let set = [("OYEZ_SERVICE_HOST", "10.0.0.1"), ("OYEZ_PORT", "tcp://10.0.0.1:80"), ("OYEZ_KEY", "k")];
    assert!(from_variables(&set).is_ok());
}

#[test]
fn a_syntax_error_is_named_with_its_line() {
    let error = from_file("listen = \"127.0.0.1:8000\"\n\n[gateway\n").unwrap_err();
    assert!(matches!(error.origin, Origin::File { line: 3, .. }), "{error}");
}

#[test]
fn settings_that_cannot_work_are_refused_with_what_mends_them() {
    for (name, value, key, part) in [
        ("OYEZ_LISTEN", "8000", "listen", "OYEZ_LISTEN=127.0.0.1:8000"),
        ("OYEZ_DATABASE__URL", "postgres://u:p@h/db", "database.url", "sqlite:"),
        ("OYEZ_DATABASE__URL", "sqlite::memory:", "database.url", "lose"),
        ("OYEZ_AUTH__SECRET", "short", "auth.secret", "32 bytes"),
        ("OYEZ_AUTH__REFRESH_TTL", "1s", "auth.refresh_ttl", "OYEZ_AUTH__REFRESH_TTL=30d"),
        ("OYEZ_AUTH__JWKS_URL", "http://login.example.com/keys", "auth.jwks_url", "https://"),
        ("OYEZ_HTTP__TLS__CERT", "/etc/cert.pem", "http.tls.key", "private key"),
        (
            "OYEZ_GATEWAY__ALLOWED_ORIGINS",
            "https://x.example/path",
            "gateway.allowed_origins",
            "origins such as",
        ),
        ("OYEZ_GATEWAY__MAX_FRAME", "1GiB", "gateway.max_frame", "64KiB"),
        ("OYEZ_LOG__LEVEL", "very=loud=x", "log.level", "filter"),
        ("OYEZ_PUBLIC_URL", "notify.example.com", "public_url", "https://"),
    ] {
        let error = from_variables(&[(name, value)]).unwrap_err();
        assert_eq!(error.key, key, "{error}");
        assert!(error.to_string().contains(part), "{error}");
        assert!(!error.to_string().contains("u:p@"), "{error}");
    }
    let both =
        [("OYEZ_AUTH__ALGORITHMS", "RS256"), ("OYEZ_AUTH__SECRET", "0123456789abcdef0123456789abcdef")];
    assert_eq!(from_variables(&both).unwrap_err().key, "auth.algorithms");
}

#[test]
fn the_data_directory_cannot_be_moved_from_within() {
    assert_eq!(from_file("data_dir = \"/elsewhere\"").unwrap_err().key, "data_dir");
}

#[test]
fn a_missing_file_is_refused_only_when_it_was_named() {
    let sources = Sources { file: Some("/nonexistent/oyez.toml".into()), ..Sources::default() };
    assert!(Config::load(&sources).unwrap_err().to_string().contains("cannot be read"));
    assert!(from_variables(&[]).is_ok());
}

#[test]
fn the_defaults_can_work() {
    Config::default().check().unwrap();
}
