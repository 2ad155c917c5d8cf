use serde_json::json;

use super::*;

fn rules() -> ClaimRules {
    ClaimRules {
        names: ClaimsConfig {
            user: vec!["sub".into(), "user_id".into()],
            roles: "roles".into(),
            name: "name".into(),
            email: "email".into(),
        },
        issuers: Vec::new(),
        audiences: Vec::new(),
        leeway_seconds: 10,
        token_type: "access",
        sessions: false,
    }
}

fn read(rules: &ClaimRules, claims: &Value) -> Result<Identity, AuthError> {
    rules.read(claims.as_object().unwrap(), Timestamp::from_millis(1_000_000))
}

#[test]
fn a_simplejwt_access_token_names_its_user_by_user_id() {
    let claims = json!({"token_type": "access", "exp": 2000, "iat": 900, "jti": "6f", "user_id": 42});
    let identity = read(&rules(), &claims).unwrap();
    assert_eq!(identity.user.as_str(), "42");
    assert_eq!(identity.roles, None);
    assert_eq!(identity.expires_at.as_millis(), 2_010_000);
    let refused =
        read(&rules(), &json!({"token_type": "refresh", "exp": 2000, "user_id": "42"})).unwrap_err();
    assert_eq!(refused.code, ErrorCode::TokenInvalid);
}

#[test]
fn sub_wins_over_user_id_and_must_be_a_name() {
    let user = |claims| read(&rules(), &claims).map(|identity| identity.user.as_str().to_owned());
    assert_eq!(user(json!({"exp": 2000, "sub": "a", "user_id": "b"})).unwrap(), "a");
    assert_eq!(user(json!({"exp": 2000, "sub": null, "user_id": "b"})).unwrap(), "b");
    for sub in [json!(1.5), json!(true), json!([]), json!(""), json!("x".repeat(200))] {
        assert_eq!(user(json!({"exp": 2000, "sub": sub})).unwrap_err().code, ErrorCode::TokenInvalid);
    }
    assert_eq!(user(json!({"exp": 2000})).unwrap_err().code, ErrorCode::TokenInvalid);
}

#[test]
fn times_are_checked_with_the_leeway_and_never_overflow() {
    let code = |claims| read(&rules(), &claims).map_err(|refused| refused.code).map(|_| ());
    assert_eq!(code(json!({"sub": "a", "exp": 991})), Ok(()));
    assert_eq!(code(json!({"sub": "a", "exp": 990})), Err(ErrorCode::TokenExpired));
    assert_eq!(code(json!({"sub": "a", "exp": 1000.5})), Ok(()));
    assert_eq!(code(json!({"sub": "a", "exp": u64::MAX})), Ok(()));
    assert_eq!(code(json!({"sub": "a", "exp": 1e300})), Ok(()));
    assert_eq!(code(json!({"sub": "a", "exp": i64::MIN})), Err(ErrorCode::TokenExpired));
    assert_eq!(code(json!({"sub": "a", "exp": -1e300})), Err(ErrorCode::TokenExpired));
    for exp in [json!("2000"), json!(null), json!({})] {
        assert_eq!(code(json!({"sub": "a", "exp": exp})), Err(ErrorCode::TokenInvalid));
    }
    assert_eq!(code(json!({"sub": "a"})), Err(ErrorCode::TokenInvalid));
    assert_eq!(code(json!({"sub": "a", "exp": 2000, "nbf": 1010})), Ok(()));
    assert_eq!(code(json!({"sub": "a", "exp": 2000, "nbf": 1011})), Err(ErrorCode::TokenInvalid));
}

#[test]
fn issuer_and_audience_are_checked_when_configured() {
    let rules = ClaimRules { issuers: vec!["me".into()], audiences: vec!["x".into()], ..rules() };
    let good = |extra: Value| {
        let mut claims = json!({"sub": "a", "exp": 2000});
        claims.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        read(&rules, &claims).is_ok()
    };
    assert!(good(json!({"iss": "me", "aud": "x"})));
    assert!(good(json!({"iss": "me", "aud": ["y", "x"]})));
    for extra in [
        json!({}),
        json!({"iss": "me"}),
        json!({"aud": "x"}),
        json!({"iss": "you", "aud": "x"}),
        json!({"iss": ["me"], "aud": "x"}),
        json!({"iss": "me", "aud": []}),
        json!({"iss": "me", "aud": 7}),
    ] {
        assert!(!good(extra.clone()), "{extra}");
    }
}

#[test]
fn roles_come_as_a_list_or_a_text_and_from_a_nested_claim() {
    let claimed = |rules: &ClaimRules, roles: Value| {
        let identity =
            read(rules, &json!({"sub": "a", "exp": 2000, "roles": roles, "realm": {"roles": ["z"]}}));
        identity.map(|identity| {
            identity.roles.map(|roles| roles.iter().map(|role| role.as_str().to_owned()).collect::<Vec<_>>())
        })
    };
    let some = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_eq!(claimed(&rules(), json!(["b", "a", "a", "Not One!", 7])).unwrap(), some(&["a", "b"]));
    assert_eq!(claimed(&rules(), json!("a b,c, d")).unwrap(), some(&["a", "b", "c", "d"]));
    assert_eq!(claimed(&rules(), json!([])).unwrap(), some(&[]));
    assert_eq!(claimed(&rules(), json!(null)).unwrap(), None);
    assert!(claimed(&rules(), json!({"a": 1})).is_err());
    assert!(claimed(&rules(), json!(vec!["r"; 300])).is_err());
    let mut nested = rules();
    nested.names.roles = "realm.roles".into();
    assert_eq!(claimed(&nested, json!(null)).unwrap(), some(&["z"]));
}

#[test]
fn a_session_is_believed_only_in_tokens_of_our_own() {
    let sid = "018f3f7e-8b3a-7c00-8000-000000000001";
    let claims = json!({"sub": "a", "exp": 2000, "sid": sid});
    assert_eq!(read(&rules(), &claims).unwrap().session, None);
    let own = ClaimRules { sessions: true, ..rules() };
    assert_eq!(read(&own, &claims).unwrap().session, Some(sid.parse().unwrap()));
    assert!(read(&own, &json!({"sub": "a", "exp": 2000, "sid": "x"})).is_err());
}
