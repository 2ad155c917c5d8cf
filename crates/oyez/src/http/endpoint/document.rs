//! The OpenAPI 3.1 document, composed from the table of endpoints.

use std::collections::BTreeMap;

use oyez_protocol::{ErrorCode, api::problem::Problem};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Content as MediaType, Info, License, OpenApi, OpenApiBuilder, Paths, Ref, RefOr,
        Required, Response, ResponseBuilder, ResponsesBuilder, Tag,
        header::HeaderBuilder,
        path::{HttpMethod, Operation, OperationBuilder, ParameterBuilder, ParameterIn},
        request_body::RequestBodyBuilder,
        schema::{ObjectBuilder, Schema, Type},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

use super::{Access, Content, Endpoint, Verb};
use crate::auth::{Scope, cookie::COOKIE};

const ABOUT: &str = "Tells people what happened: an application says a thing once, and everybody it concerns sees it, \
    live in every open tab and in the inbox when they come back.\n\n\
    Callers are *users* (a JWT, or the session cookie), who see only what is theirs, and *applications* (an API key \
    `oyez_sk_…`), which need scopes. Holders of an admin role may do what the scope `admin` allows.\n\n\
    Errors are `application/problem+json` with a stable `code`. Lists come in pages: `next_cursor` goes into `cursor` \
    of the next call. Trailing slashes are accepted.";

const TAGS: [(&str, &str); 18] = [
    ("auth", "Log in and out"),
    ("publish", "Say a thing once"),
    ("inbox", "What a user has"),
    ("jobs", "Durable background work"),
    ("workers", "Those who do the work, over HTTP"),
    ("schedules", "Work at times"),
    ("boards", "What dashboards show"),
    ("queues", "Where work waits"),
    ("deliveries", "What is sent to people who are away"),
    ("templates", "The words and looks of messages"),
    ("unsubscribe", "Links in mails that end them"),
    ("users", "Who is known"),
    ("push", "Browsers that show notifications while no page is open"),
    ("topics", "Named audiences with members"),
    ("webhooks", "Applications that are told by signed requests"),
    ("keys", "API keys of applications"),
    ("connections", "Who is connected now"),
    ("operations", "Health, metrics, counts"),
];

pub(super) fn reference_to<T: ToSchema>() -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

/// Composes the document.
pub(super) fn document(endpoints: Vec<Endpoint>) -> OpenApi {
    let mut components = Components::new();
    let bearer = |format, about| {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format(format);
        SecurityScheme::Http(scheme.description(Some(about)).build())
    };
    components.add_security_scheme("user", bearer("JWT", "A user's access token."));
    components.add_security_scheme("key", bearer("oyez_sk_…", "An application's API key."));
    let cookie = ApiKeyValue::with_description(COOKIE, "The session of a page of this server.");
    components.add_security_scheme("cookie", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    let mut schemas = BTreeMap::new();
    let mut problem = Vec::new();
    Problem::schemas(&mut problem);
    problem.push((Problem::name().into_owned(), Problem::schema()));
    schemas.extend(problem);
    let mut paths = Paths::new();
    for endpoint in endpoints {
        let mut named = Vec::new();
        endpoint.schemas.iter().for_each(|add| add(&mut named));
        schemas.extend(named);
        paths.add_path_operation(endpoint.path, vec![method(endpoint.verb)], operation(&endpoint));
    }
    components.schemas.extend(schemas);
    let mut info = Info::new("Oyez", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.into());
    let mut license = License::new("MIT OR Apache-2.0");
    license.identifier = Some("MIT OR Apache-2.0".into());
    info.license = Some(license);
    let tags = TAGS.map(|(name, about)| {
        let mut tag = Tag::new(name);
        tag.description = Some(about.into());
        tag
    });
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components)).tags(Some(tags)).build()
}

fn method(verb: Verb) -> HttpMethod {
    match verb {
        Verb::Get => HttpMethod::Get,
        Verb::Post => HttpMethod::Post,
        Verb::Put => HttpMethod::Put,
        Verb::Patch => HttpMethod::Patch,
        Verb::Delete => HttpMethod::Delete,
    }
}

fn operation(endpoint: &Endpoint) -> Operation {
    let codes = codes(endpoint);
    let mut operation = OperationBuilder::new()
        .tag(endpoint.tag)
        .summary(Some(endpoint.summary))
        .operation_id(Some(operation_id(endpoint)));
    let description = described(endpoint);
    if !description.is_empty() {
        operation = operation.description(Some(description));
    }
    for name in path_parameters(endpoint.path) {
        operation = operation.parameter(parameter(name, ParameterIn::Path, Required::True, ""));
    }
    for (name, meaning) in &endpoint.query {
        operation = operation.parameter(parameter(name, ParameterIn::Query, Required::False, meaning));
    }
    if endpoint.idempotent {
        let meaning = "Makes a repeated call the same call, for 24 hours: same key and body replays the answer, \
                       another body is refused with `idempotency_mismatch`.";
        operation =
            operation.parameter(parameter("Idempotency-Key", ParameterIn::Header, Required::False, meaning));
    }
    if endpoint.guarded {
        let meanings = [
            ("If-Match", "A version, such as `7`: only from that one. `*`: only when it is there."),
            ("If-None-Match", "`*`: only when it is not there."),
        ];
        for (name, meaning) in meanings {
            operation = operation.parameter(parameter(name, ParameterIn::Header, Required::False, meaning));
        }
    }
    if let Some((schema, required)) = endpoint.body {
        let required = if required { Required::True } else { Required::False };
        let body = RequestBodyBuilder::new().required(Some(required));
        let content = MediaType::new(Some(schema()));
        operation = operation.request_body(Some(body.content("application/json", content).build()));
    }
    for security in securities(endpoint.access) {
        operation = operation.security(security);
    }
    let mut responses = ResponsesBuilder::new();
    let (status, meaning, content) = endpoint.answer;
    responses = responses.response(status.to_string(), answer(meaning, content));
    for (status, codes) in codes {
        responses = responses.response(status.to_string(), refusal(status, &codes));
    }
    operation.responses(responses.build()).build()
}

fn described(endpoint: &Endpoint) -> String {
    let needs = match endpoint.access {
        Access::Open => "",
        Access::User => "For users.",
        Access::PublishOrSelf => "For users (to themselves), and API keys with the scope `publish`.",
        Access::JobsOrOwner => "For users (their own jobs), and API keys with the scope `jobs`.",
        Access::BoardsOrViewer => "For users whose roles may see it, and API keys with the scope `boards`.",
        Access::UsersOrSelf => "For users (themselves), and API keys with the scope `users`.",
        Access::Scope(Scope::Publish) => "Needs the scope `publish`.",
        Access::Scope(Scope::Jobs) => "Needs the scope `jobs`.",
        Access::Scope(Scope::Boards) => "Needs the scope `boards`.",
        Access::Scope(Scope::Users) => "Needs the scope `users`.",
        Access::Scope(Scope::Admin) => "Needs the scope `admin`.",
    };
    [endpoint.description, needs].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// `get_api_v1_users_id`: from verb and path, so it is unique and stays.
fn operation_id(endpoint: &Endpoint) -> String {
    let words = endpoint.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let verb = format!("{:?}", endpoint.verb).to_lowercase();
    std::iter::once(verb.as_str()).chain(words).collect::<Vec<_>>().join("_")
}

fn path_parameters(path: &'static str) -> impl Iterator<Item = &'static str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

fn parameter(name: &str, place: ParameterIn, required: Required, meaning: &str) -> ParameterBuilder {
    let kind = if name == "limit" { Type::Integer } else { Type::String };
    let schema = ObjectBuilder::new().schema_type(kind);
    let meaning = if meaning.is_empty() { None } else { Some(meaning) };
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(required)
        .description(meaning)
        .schema(Some(Schema::Object(schema.build())))
}

fn securities(access: Access) -> Vec<SecurityRequirement> {
    let none: [&str; 0] = [];
    let user = || vec![SecurityRequirement::new("user", none), SecurityRequirement::new("cookie", none)];
    match access {
        Access::Open => Vec::new(),
        Access::User => user(),
        Access::PublishOrSelf
        | Access::JobsOrOwner
        | Access::BoardsOrViewer
        | Access::UsersOrSelf
        | Access::Scope(_) => std::iter::once(SecurityRequirement::new("key", none)).chain(user()).collect(),
    }
}

/// The codes an endpoint may refuse with, by status: its own, and those of everything like it.
fn codes(endpoint: &Endpoint) -> BTreeMap<u16, Vec<ErrorCode>> {
    let mut codes = endpoint.refusals.clone();
    if endpoint.access != Access::Open {
        codes.extend([
            ErrorCode::TokenMissing,
            ErrorCode::TokenMalformed,
            ErrorCode::TokenExpired,
            ErrorCode::TokenInvalid,
            ErrorCode::KeyInvalid,
            ErrorCode::SessionRevoked,
            ErrorCode::Forbidden,
            ErrorCode::UserDisabled,
        ]);
        if endpoint.verb != Verb::Get {
            codes.push(ErrorCode::CsrfFailed);
        }
    }
    if endpoint.body.is_some() {
        codes.extend([
            ErrorCode::NotJson,
            ErrorCode::UnsupportedMediaType,
            ErrorCode::TooLarge,
            ErrorCode::Invalid,
        ]);
    }
    if !endpoint.query.is_empty() || endpoint.path.contains('{') {
        codes.push(ErrorCode::Invalid);
    }
    if endpoint.path.contains('{') {
        codes.push(ErrorCode::NotFound);
    }
    codes.push(ErrorCode::Unavailable);
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in codes {
        let known = by_status.entry(code.status()).or_default();
        if !known.contains(&code) {
            known.push(code);
        }
    }
    by_status
}

fn answer(meaning: &str, content: Content) -> Response {
    let response = ResponseBuilder::new().description(meaning);
    match content {
        Content::Nothing => response.build(),
        Content::Json(schema) => response.content("application/json", MediaType::new(Some(schema()))).build(),
        Content::Text(content_type) => {
            let text = Schema::Object(ObjectBuilder::new().schema_type(Type::String).build());
            response.content(content_type, MediaType::new(Some(text))).build()
        }
    }
}

fn refusal(status: u16, codes: &[ErrorCode]) -> Response {
    let names: Vec<_> = codes.iter().map(|code| format!("`{}`", code.as_str())).collect();
    let content = MediaType::new(Some(reference_to::<Problem>()));
    let mut response = ResponseBuilder::new()
        .description(format!("Refused: {}.", names.join(", ")))
        .content("application/problem+json", content);
    let header = |meaning| HeaderBuilder::new().description(Some(meaning)).build();
    if status == 401 {
        response = response.header("WWW-Authenticate", header("`Bearer`."));
    }
    if status == 429 {
        response = response.header("Retry-After", header("Seconds to wait."));
    }
    response.build()
}
