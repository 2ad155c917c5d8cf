//! `/api/auth/…`: built-in users log in and out.

use axum::{
    extract::{FromRequestParts, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use oyez_protocol::{
    ErrorCode,
    api::session::{LoginAnswer, LoginRequest, LogoutRequest, Me, RefreshAnswer, RefreshRequest, Ticket},
};

use super::{
    Http,
    body::{Json, OptionalJson},
    endpoint::{Access, Endpoint, Endpoints},
    json,
    refusal::{Answer, Refusal},
    users::shown,
};
use crate::auth::{Login, Secret, cookie, extract::User};

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    table
        .add(
            Endpoint::post("/api/auth/login", "auth", "Log in with a password")
                .describe(
                    "Gives an access token (minutes), a refresh token (days, good once), and sets the cookie \
                     `oyez_session` for pages of this server. A write with the cookie must come from such a page: \
                     browsers show it by `Sec-Fetch-Site` or `Origin`; other programs send `X-Oyez-CSRF: 1`.",
                )
                .body::<LoginRequest>()
                .answers::<LoginAnswer>(200, "The tokens and the user.")
                .refuses(&[ErrorCode::LoginFailed, ErrorCode::UserDisabled, ErrorCode::TooManyRequests]),
            login,
        )
        .add(
            Endpoint::post("/api/auth/refresh", "auth", "Carry a login on")
                .describe(
                    "The refresh token is used up and replaced. Used a second time, it ends the login and its live \
                     connections: somebody has a copy.",
                )
                .body::<RefreshRequest>()
                .answers::<RefreshAnswer>(200, "New tokens.")
                .refuses(&[ErrorCode::TokenExpired, ErrorCode::TokenInvalid, ErrorCode::SessionRevoked]),
            refresh,
        )
        .add(
            Endpoint::post("/api/auth/logout", "auth", "Log out")
                .describe("Ends the login of the token, of the cookie, or of `refresh`, and its live connections.")
                .optional_body::<LogoutRequest>()
                .refuses(&[ErrorCode::TokenMissing, ErrorCode::TokenInvalid, ErrorCode::CsrfFailed])
                .answers_nothing("The login has ended; the cookie is taken away."),
            logout,
        )
        .add(
            Endpoint::get("/api/auth/me", "auth", "Read who is logged in")
                .access(Access::User)
                .answers::<Me>(200, "The user behind the token or cookie."),
            me,
        )
        .add(
            Endpoint::post("/api/auth/ticket", "auth", "Get a ticket for one live connection")
                .describe("For clients that can only set a URL: `?ticket=…`, good once, for a minute.")
                .access(Access::User)
                .answers::<Ticket>(200, "The ticket."),
            ticket,
        )
}

async fn login(State(state): State<Http>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let address = state.auth().client_address(&parts);
    let secure = state.is_secure(&parts);
    let request = Request::from_parts(parts, body);
    let Json(request) =
        <Json<LoginRequest> as axum::extract::FromRequest<Http>>::from_request(request, &state).await?;
    let login = match (request.email, request.username) {
        (Some(login), None) | (None, Some(login)) => login,
        _ => return Err(Refusal::new(ErrorCode::Invalid, "send either \"email\" or \"username\"")),
    };
    let login = Login { login, password: Secret::new(request.password), address };
    let done = state.auth().login(login).await?;
    let answer = LoginAnswer {
        access: done.token.access.reveal().to_owned(),
        expires_at: done.token.expires_at,
        refresh: done.refresh.reveal().to_owned(),
        user: shown(done.user),
    };
    Ok(with_cookie(json(StatusCode::OK, &answer), &cookie::set(&done.cookie, state.cookie_seconds(), secure)))
}

async fn refresh(State(state): State<Http>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let secure = state.is_secure(&parts);
    let request = Request::from_parts(parts, body);
    let Json(request) =
        <Json<RefreshRequest> as axum::extract::FromRequest<Http>>::from_request(request, &state).await?;
    let done = state.auth().refresh(&Secret::new(request.refresh)).await?;
    let answer = RefreshAnswer {
        access: done.token.access.reveal().to_owned(),
        expires_at: done.token.expires_at,
        refresh: done.refresh.reveal().to_owned(),
    };
    Ok(with_cookie(json(StatusCode::OK, &answer), &cookie::set(&done.cookie, state.cookie_seconds(), secure)))
}

async fn logout(State(state): State<Http>, request: Request) -> Answer {
    let (mut parts, body) = request.into_parts();
    let secure = state.is_secure(&parts);
    let caller = User::from_request_parts(&mut parts, &state).await;
    let request = Request::from_parts(parts, body);
    let OptionalJson(request) =
        <OptionalJson<LogoutRequest> as axum::extract::FromRequest<Http>>::from_request(request, &state)
            .await?;
    match (request.refresh, caller) {
        (Some(refresh), _) => {
            state.auth().logout_by_refresh(&Secret::new(refresh)).await?;
        }
        (None, Ok(User(user))) => {
            state.auth().logout(&user).await?;
        }
        // Somebody whose login has ended already is logged out: only the cookie is left to take away.
        (None, Err(refused))
            if matches!(
                refused.code,
                ErrorCode::TokenExpired | ErrorCode::SessionRevoked | ErrorCode::UserDisabled
            ) => {}
        (None, Err(refused)) => return Err(refused.into()),
    }
    Ok(with_cookie(StatusCode::NO_CONTENT.into_response(), &cookie::clear(secure)))
}

async fn me(State(state): State<Http>, User(user): User) -> Answer {
    let known = state.users().get(&user.id).await?;
    let me = Me {
        is_admin: state.auth().is_admin(&user),
        user: shown(known),
        session: user.session,
        expires_at: user.expires_at,
    };
    Ok(json(StatusCode::OK, &me))
}

async fn ticket(State(state): State<Http>, User(user): User) -> Answer {
    let issued = state.auth().issue_ticket(&user).await?;
    let answer = Ticket { ticket: issued.ticket.reveal().to_owned(), expires_at: issued.expires_at };
    Ok(json(StatusCode::OK, &answer))
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}
