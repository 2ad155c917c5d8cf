use http::Request;

use super::*;

fn request(lines: &[(&str, &str)]) -> Parts {
    let mut request = Request::get("/ws/notifications/").version(Version::HTTP_11);
    for (name, value) in lines {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

const GOOD: [(&str, &str); 5] = [
    ("host", "example.org"),
    ("upgrade", "WebSocket"),
    ("connection", "keep-alive, Upgrade"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-version", "13"),
];

fn good_with(more: &[(&str, &str)]) -> Parts {
    request(&[&GOOD[..], more].concat())
}

fn good_without(name: &str) -> Parts {
    request(&GOOD.iter().copied().filter(|(given, _)| *given != name).collect::<Vec<_>>())
}

fn refused(parts: &Parts) -> Refusal {
    match check(parts) {
        Ok(_) => panic!("must be refused: {:?}", parts.headers),
        Err(refusal) => refusal,
    }
}

#[test]
fn the_rfcs_own_example_gets_the_rfcs_own_answer() {
    let parts = good_with(&[("sec-websocket-protocol", "chat, superchat")]);
    let upgrade = check(&parts).ok().unwrap();
    assert_eq!(upgrade.subprotocols().collect::<Vec<_>>(), ["chat", "superchat"]);
    let accept = upgrade.accept(Some("chat"), true);
    assert_eq!(accept.status, 101);
    assert_eq!(accept.headers[SEC_WEBSOCKET_ACCEPT], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_eq!(accept.headers[SEC_WEBSOCKET_PROTOCOL], "chat");
    assert_eq!(accept.headers[UPGRADE], "websocket");
    assert_eq!(accept.headers[CONNECTION], "Upgrade");
    assert!(!accept.deflate && !accept.headers.contains_key(SEC_WEBSOCKET_EXTENSIONS));
}

#[test]
fn a_page_opened_in_the_browser_is_told_to_upgrade() {
    let refusal = refused(&request(&[("host", "example.org")]));
    assert_eq!(refusal.status, 426);
    assert_eq!(refusal.headers[UPGRADE], "websocket");
}

#[test]
fn every_missing_or_wrong_part_is_named() {
    for (name, status) in
        [("upgrade", 426), ("connection", 426), ("sec-websocket-key", 400), ("sec-websocket-version", 426)]
    {
        let refusal = refused(&good_without(name));
        assert_eq!(refusal.status, status, "{name}");
        assert!(refusal.message.to_ascii_lowercase().contains(name), "{name}: {}", refusal.message);
    }
    for (name, value) in [
        ("sec-websocket-key", "c2hvcnQ="),
        ("sec-websocket-key", "not base64 at all!!"),
        ("sec-websocket-version", "8"),
    ] {
        let mut parts = good_without(name);
        parts.headers.insert(name, value.parse().unwrap());
        let refusal = refused(&parts);
        assert!(refusal.message.to_ascii_lowercase().contains(name), "{name}: {}", refusal.message);
    }
    assert_eq!(refused(&good_with(&[GOOD[3]])).status, 400, "two keys");
}

#[test]
fn a_wrong_version_is_told_the_right_one() {
    let mut parts = good_without("sec-websocket-version");
    parts.headers.insert(SEC_WEBSOCKET_VERSION, "8".parse().unwrap());
    let refusal = refused(&parts);
    assert_eq!(refusal.status, 426);
    assert_eq!(refusal.headers[SEC_WEBSOCKET_VERSION], "13");
}

#[test]
fn other_methods_and_http_1_0_are_refused() {
    let mut parts = good_with(&[]);
    parts.method = Method::POST;
    let refusal = refused(&parts);
    assert_eq!((refusal.status.as_u16(), &refusal.headers[ALLOW]), (405, &"GET".parse().unwrap()));
    let mut parts = good_with(&[]);
    parts.version = Version::HTTP_10;
    assert_eq!(refused(&parts).status, 426);
}

#[test]
fn over_http_2_an_extended_connect_is_answered_with_200() {
    let mut request = Request::builder()
        .method(Method::CONNECT)
        .version(Version::HTTP_2)
        .uri("https://example.org/ws/notifications/")
        .header("sec-websocket-version", "13")
        .extension(hyper::ext::Protocol::from_static("websocket"))
        .body(())
        .unwrap()
        .into_parts()
        .0;
    assert!(is_wanted(&request));
    let accept = check(&request).ok().unwrap().accept(None, false);
    assert_eq!(accept.status, 200);
    assert!(accept.headers.is_empty());
    request.extensions.insert(hyper::ext::Protocol::from_static("connect-udp"));
    assert_eq!(refused(&request).status, 400);
    request.extensions.clear();
    assert_eq!(refused(&request).status, 426);
}

#[test]
fn deflate_is_agreed_to_only_as_offered_and_only_when_allowed() {
    let agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
    let with_window = format!("{agreed}; server_max_window_bits=15");
    for (offer, answer) in [
        ("permessage-deflate", Some(agreed)),
        ("permessage-deflate; client_max_window_bits", Some(agreed)),
        ("permessage-deflate; client_max_window_bits=\"9\"; client_no_context_takeover", Some(agreed)),
        ("x-webkit-deflate-frame, Permessage-Deflate", Some(agreed)),
        ("permessage-deflate; server_max_window_bits=15", Some(&*with_window)),
        // The fallback of a client that would like a small window.
        ("permessage-deflate; server_max_window_bits=10, permessage-deflate", Some(agreed)),
        ("permessage-deflate; server_max_window_bits=10", None),
        ("permessage-deflate; server_max_window_bits", None),
        ("permessage-deflate; client_max_window_bits=16", None),
        ("permessage-deflate; client_max_window_bits=08", None),
        ("permessage-deflate; server_no_context_takeover=1", None),
        ("permessage-deflate; client_no_context_takeover; client_no_context_takeover", None),
        ("permessage-deflate; nonsense", None),
        ("x-webkit-deflate-frame", None),
        ("", None),
    ] {
        let parts = good_with(&[("sec-websocket-extensions", offer)]);
        let accept = check(&parts).ok().unwrap().accept(None, true);
        let given = accept.headers.get(SEC_WEBSOCKET_EXTENSIONS).map(|value| value.to_str().unwrap());
        assert_eq!(given, answer, "{offer}");
        assert_eq!(accept.deflate, answer.is_some(), "{offer}");
        assert!(!check(&parts).ok().unwrap().accept(None, false).deflate, "{offer}");
    }
}
