//! Settings about people who are away that cannot work: each refusal says what was wrong, where, and what is right.

use super::{from_file, from_variables};

/// What a file is answered with: key and problem, line, and remedy.
#[track_caller]
fn refused(text: &str, problem: &str, line: usize, fix: &str) {
    let error = from_file(text).expect_err(text).to_string();
    assert_eq!(error, format!("{problem}\n  where: oyez.toml:{line}\n  fix:   {fix}"), "{text}");
}

const MAIL: &str =
    "[email]\ntransport = \"smtp\"\nfrom = \"Acme <notify@example.com>\"\nhost = \"smtp.example.com\"\n";

#[test]
fn mail_that_cannot_leave_is_refused() {
    let with = |lines: &str| format!("{MAIL}{lines}\n");
    from_file(&with("")).unwrap();
    for (line, problem, fix) in [
        (
            "transport = \"pigeon\"",
            "email.transport: expected one of `off`, `smtp`, `file`, given \"pigeon\"",
            "transport = \"off\"    (under [email])",
        ),
        (
            "from = \"nobody\"",
            "email.from: expected a name and an address, given \"nobody\"",
            "from = \"Example <notify@example.com>\"    (under [email])",
        ),
        (
            "host = \"https://smtp.example.com\"",
            "email.host: expected the name of a mail server, given \"https://smtp.example.com\"",
            "host = \"smtp.example.com\"    (under [email])",
        ),
        (
            "host = \"\"",
            "email.host: expected the name of a mail server, given \"\"",
            "host = \"smtp.example.com\"    (under [email])",
        ),
    ] {
        // In place of the line of the same key.
        let key = line.split(' ').next().unwrap();
        let lines: Vec<_> =
            MAIL.lines().map(|kept| if kept.starts_with(key) { line } else { kept }).collect();
        let at = lines.iter().position(|kept| *kept == line).unwrap() + 1;
        refused(&lines.join("\n"), problem, at, fix);
    }
    for (line, problem, fix) in [
        (
            "reply_to = \"a@b@c\"",
            "email.reply_to: expected a name and an address, given \"a@b@c\"",
            "reply_to = \"Example <notify@example.com>\"    (under [email])",
        ),
        (
            "app_url = \"app.example.com\"",
            "email.app_url: expected http(s)://…, given \"app.example.com\"",
            "app_url = \"https://app.example.com\"    (under [email])",
        ),
        (
            "preferences_url = \"/me\"",
            "email.preferences_url: expected http(s)://…, given \"/me\"",
            "preferences_url = \"https://app.example.com\"    (under [email])",
        ),
        (
            "unsubscribe = \"no\"",
            "email.unsubscribe: expected true or false, given \"no\"",
            "unsubscribe = true    (under [email])",
        ),
        (
            "port = 65536",
            "email.port: expected a whole number, 0 to 65535, given 65536",
            "port = 0    (under [email])",
        ),
        (
            "port = \"smtp\"",
            "email.port: expected a whole number, 0 to 65535, given \"smtp\"",
            "port = 0    (under [email])",
        ),
        (
            "tls = \"ssl\"",
            "email.tls: expected one of `starttls`, `tls`, `none`, given \"ssl\"",
            "tls = \"starttls\"    (under [email])",
        ),
        (
            "timeout = 30",
            "email.timeout: expected a duration such as \"25s\" or \"1h30m\", given 30",
            "timeout = \"30s\"    (under [email])",
        ),
        (
            "timeout = \"6m\"",
            "email.timeout: expected 1s to 5m, given 360s",
            "timeout = \"30s\"    (under [email])",
        ),
        (
            "connections = 0",
            "email.connections: expected 1 to 1000, given 0",
            "connections = 16    (under [email])",
        ),
        (
            "connections = 1001",
            "email.connections: expected 1 to 1000, given 1001",
            "connections = 16    (under [email])",
        ),
        (
            "per_domain = 17",
            "email.per_domain: expected 1 to 16 (email.connections), given 17",
            "per_domain = 8    (under [email])",
        ),
        (
            "password = \"s3cret\"",
            "email.username: email.password is set, its login is not",
            "username = \"notify@example.com\"    (under [email])",
        ),
    ] {
        let at = if line.starts_with("password") { 0 } else { 5 };
        if at == 5 {
            refused(&with(line), problem, at, fix);
        } else {
            let error = from_file(&with(line)).unwrap_err().to_string();
            assert_eq!(error, format!("{problem}\n  fix:   {fix}"), "a key that is not there has no line");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}

#[test]
fn mail_without_a_sender_a_server_or_a_password_is_refused() {
    for (lines, problem, fix) in [
        (
            "transport = \"smtp\"",
            "email.from: mail is on (email.transport), but nobody is named as its sender",
            "from = \"Example <notify@example.com>\"    (under [email])",
        ),
        (
            "transport = \"file\"",
            "email.from: mail is on (email.transport), but nobody is named as its sender",
            "from = \"Example <notify@example.com>\"    (under [email])",
        ),
        (
            "transport = \"smtp\"\nfrom = \"a@example.com\"",
            "email.host: expected the name of a mail server, given \"\"",
            "host = \"smtp.example.com\"    (under [email])",
        ),
        (
            "transport = \"smtp\"\nfrom = \"a@example.com\"\nhost = \"h.example.com\"\nusername = \"u\"",
            "email.password: email.username is set, its password is not",
            "set it in the environment: OYEZ_EMAIL__PASSWORD=…",
        ),
    ] {
        let error = from_file(&format!("[email]\n{lines}\n")).unwrap_err().to_string();
        assert_eq!(error, format!("{problem}\n  fix:   {fix}"), "{lines}");
    }
}

#[test]
fn a_password_never_goes_in_the_clear_to_another_machine() {
    let login = "username = \"u\"\npassword = \"s3cret\"\n";
    refused(
        &format!("{MAIL}{login}tls = \"none\"\n"),
        "email.tls: the password would go to smtp.example.com in the clear",
        7,
        "tls = \"starttls\"    (under [email])",
    );
    from_file(&format!("{MAIL}{login}tls = \"none\"\n").replace("smtp.example.com", "localhost")).unwrap();
    refused(
        &format!("{MAIL}tls = \"none\"\nca_file = \"/etc/ca.pem\"\n"),
        "email.tls: email.ca_file is set, but the connection is not encrypted",
        5,
        "tls = \"starttls\"    (under [email])",
    );
}

#[test]
fn a_secret_that_is_no_text_is_not_repeated() {
    for key in ["email.password", "auth.secret"] {
        let (section, name) = key.split_once('.').unwrap();
        let problem = format!("{key}: expected a text in quotes, given something else");
        let fix = format!("{name} = \"\"    (under [{section}])");
        refused(&format!("[{section}]\n{name} = 8713\n"), &problem, 2, &fix);
    }
}

#[test]
fn push_and_webhooks_that_cannot_work_are_refused() {
    for (section, line, problem, fix) in [
        ("web_push", "enabled = \"yes\"", "expected true or false, given \"yes\"", "enabled = false"),
        (
            "web_push",
            "subject = \"ops@example.com\"",
            "expected mailto:… or https://…, given \"ops@example.com\"",
            "subject = \"mailto:ops@example.com\"",
        ),
        ("web_push", "timeout = \"31s\"", "expected 1s to 30s, given 31s", "timeout = \"10s\""),
        (
            "web_push",
            "timeout = \"soon\"",
            "expected a duration such as \"25s\" or \"1h30m\", given \"soon\"",
            "timeout = \"10s\"",
        ),
        ("web_push", "allow_private = 1", "expected true or false, given 1", "allow_private = false"),
        (
            "webhooks",
            "notifications = \"all\"",
            "expected true or false, given \"all\"",
            "notifications = false",
        ),
        ("webhooks", "timeout = \"500ms\"", "expected 1s to 25s, given 500ms", "timeout = \"15s\""),
        (
            "webhooks",
            "disable_after = \"5 days\"",
            "expected a duration such as \"25s\" or \"1h30m\", given \"5 days\"",
            "disable_after = \"5d\"",
        ),
        (
            "webhooks",
            "allow_private = \"10.0.0.0/8\"",
            "expected true or false, given \"10.0.0.0/8\"",
            "allow_private = false",
        ),
    ] {
        let key = line.split(' ').next().unwrap();
        let (problem, fix) = (format!("{section}.{key}: {problem}"), format!("{fix}    (under [{section}])"));
        refused(&format!("[{section}]\n{line}\n"), &problem, 2, &fix);
    }
    refused(
        "[web_push]\nsubjekt = \"\"\n",
        "web_push.subjekt: there is no such setting",
        2,
        "did you mean web_push.subject?",
    );
}

#[test]
fn who_is_reached_when_is_refused_where_it_cannot_be() {
    let duration = "expected a duration such as \"25s\" or \"1h30m\", given";
    for (section, line, problem, fix) in [
        ("fallback", "grace = 5", &*format!("{duration} 5"), "grace = \"5m\""),
        ("fallback", "grace = \"32d\"", "is 2764800: it must be 0 to 2678400 seconds", "grace = \"5m\""),
        (
            "fallback",
            "digest = \"soon\"",
            "expected a duration such as \"1h\", or a time of day such as \"08:00\", given \"soon\"",
            "digest = \"1h\"",
        ),
        (
            "fallback",
            "digest = 1",
            "expected a duration such as \"1h\", or a time of day such as \"08:00\", given 1",
            "digest = \"1h\"",
        ),
        (
            "fallback",
            "digest = \"25:00\"",
            "is \"25:00\": expected a time of day from \"00:00\" to \"23:59\", such as \"07:30\"",
            "digest = \"1h\"",
        ),
        ("fallback", "digest = \"40d\"", "is 3456000: it must be 10 to 2678400 seconds", "digest = \"1h\""),
        (
            "fallback",
            "time_zone = \"Mars\"",
            "is \"Mars\", which is no IANA time zone: expected a name such as \"UTC\" or \"Europe/Zurich\"",
            "time_zone = \"UTC\"",
        ),
        ("fallback", "keep = 90", &format!("{duration} 90"), "keep = \"90d\""),
        (
            "fallback.email",
            "when = \"never\"",
            "is \"never\": expected one of off, at_once, if_unseen, digest",
            "when = \"if_unseen\"",
        ),
        (
            "fallback.webhook",
            "when = \"never\"",
            "is \"never\": expected one of off, at_once, if_unseen, digest",
            "when = \"off\"",
        ),
        ("fallback.email", "max_attempts = 0", "is 0: it must be 1 to 100", "max_attempts = 3"),
        (
            "fallback.email",
            "max_attempts = \"many\"",
            "expected a whole number, 0 to 65535, given \"many\"",
            "max_attempts = 3",
        ),
        (
            "fallback.web_push",
            "retry_first = \"400d\"",
            "is 34560000: it must be 0 to 31536000 seconds",
            "retry_first = \"15s\"",
        ),
        ("fallback.web_push", "retry_max = 60", &format!("{duration} 60"), "retry_max = \"1h\""),
        ("fallback.email", "throttle = 10001", "is 10001: it must be 1 to 10000", "throttle = 0"),
        ("fallback.email", "throttle = -1", "expected a whole number, 0 or more, given -1", "throttle = 0"),
    ] {
        let key = line.split(' ').next().unwrap();
        let (problem, fix) = (format!("{section}.{key}: {problem}"), format!("{fix}    (under [{section}])"));
        refused(&format!("[{section}]\n{line}\n"), &problem, 2, &fix);
    }
    for (line, problem, fix) in [
        (
            "throttle_period = \"0s\"",
            "throttle_period: is 0: it must be 1 to 2678400 seconds",
            "throttle_period = \"1h\"",
        ),
        (
            "throttle_over = \"drop\"",
            "throttle_over: is \"drop\": expected digest, wait or skip",
            "throttle_over = \"digest\"",
        ),
    ] {
        let text = format!("[fallback.email]\nthrottle = 1\n{line}\n");
        refused(
            &text,
            &format!("fallback.email.{problem}"),
            3,
            &format!("{fix}    (under [fallback.email])"),
        );
    }
}

#[test]
fn a_rule_that_cannot_be_is_named_by_its_place() {
    const FIX: &str = "correct the rule; the page docs/reference/config.md shows a whole one";
    let rule = |lines: &str| format!("[[fallback.rules]]\n{lines}\n");
    from_file(&rule("types = [\"ticket_*\"]\nwhen = \"digest\"\nmedia = [\"email\"]\ndigest = \"08:00\""))
        .unwrap();
    for (lines, problem) in [
        (
            "types = [\"a\"]\nwhen = \"soon\"",
            "\"fallback.rules[0].when\" is \"soon\": expected one of off, at_once, if_unseen, digest",
        ),
        (
            "types = []\nwhen = \"off\"",
            "\"fallback.rules[0].types\" is empty: name a type, such as \"ticket_created\", or \"*\" for all",
        ),
        (
            "types = [\"a b\"]\nwhen = \"off\"",
            "\"fallback.rules[0].types\" names the type \"a b\": expected 1 to 64 of the characters a-z A-Z 0-9 _ - . such as \"ticket_created\", or a beginning with one * at its end such as \"ticket_*\"",
        ),
        (
            "types = [\"a\"]\nwhen = \"off\"\nmedia = [\"pigeon\"]",
            "\"fallback.rules[0].media\" names \"pigeon\", which is no medium: expected email, web_push, webhook",
        ),
        (
            "types = [\"a\"]\nwhen = \"off\"\ncritical = true",
            "\"fallback.rules[0].critical\" is true, but \"when\" is \"off\": what is critical must be sent; choose one",
        ),
        (
            "types = [\"a\", \"a\"]\nwhen = \"off\"",
            "\"fallback.rules[0].types\" names \"a\" for email, as a rule before it does: keep one of them",
        ),
        (
            "types = [\"a\"]\nwhen = \"if_unseen\"\ngrace = \"32d\"",
            "\"fallback.rules[0].grace\" is 2764800: it must be 0 to 2678400 seconds",
        ),
        (
            "types = [\"a\"]\nwhen = \"digest\"\ndigest = \"8:00 o'clock\"",
            "\"fallback.rules[0].digest\" is \"8:00 o'clock\": expected a time of day from \"00:00\" to \"23:59\", such as \"07:30\"",
        ),
    ] {
        refused(&rule(lines), &format!("fallback.rules: {problem}"), 1, FIX);
    }
    // Those that are no rules at all: what is wrong, and the rule as it was given.
    for (lines, problem) in [
        ("types = [\"a\"]", "missing field `when`, given [{"),
        ("types = \"a\"\nwhen = \"off\"", "expected a list, such as [\"one\", \"two\"], given [{"),
        ("types = [\"a\"]\nwen = \"off\"", "expected one of `types`, `media`, `when`, "),
        (
            "types = [\"a\"]\nwhen = \"digest\"\ndigest = 8",
            "expected a duration such as \"1h\", or a time of day such as \"08:00\", given [{",
        ),
        (
            "types = [\"a\"]\nwhen = \"if_unseen\"\ngrace = 8",
            "expected a duration such as \"25s\" or \"1h30m\", given [{",
        ),
    ] {
        let error = from_file(&rule(lines)).unwrap_err().to_string();
        assert!(error.starts_with(&format!("fallback.rules: {problem}")), "{error}");
        assert!(
            error.contains("types = ") && error.ends_with(&format!("oyez.toml:1\n  fix:   {FIX}")),
            "{error}"
        );
    }
}

#[test]
fn a_refused_variable_is_answered_with_a_variable() {
    for (name, value, problem, fix) in [
        (
            "OYEZ_EMAIL__APP_URL",
            "app",
            "email.app_url: expected http(s)://…, given \"app\"",
            "https://app.example.com",
        ),
        (
            "OYEZ_WEB_PUSH__SUBJECT",
            "ops",
            "web_push.subject: expected mailto:… or https://…, given \"ops\"",
            "mailto:ops@example.com",
        ),
        ("OYEZ_WEBHOOKS__TIMEOUT", "1m", "webhooks.timeout: expected 1s to 25s, given 60s", "15s"),
        (
            "OYEZ_FALLBACK__EMAIL__MAX_ATTEMPTS",
            "0",
            "fallback.email.max_attempts: is 0: it must be 1 to 100",
            "3",
        ),
    ] {
        let error = from_variables(&[(name, value)]).unwrap_err().to_string();
        let expected = format!("{problem}\n  where: environment variable {name}\n  fix:   {name}={fix}");
        assert_eq!(error, expected);
    }
}
