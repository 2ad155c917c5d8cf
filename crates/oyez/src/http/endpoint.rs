//! The table of endpoints: each is declared once, and becomes a route and an entry of the OpenAPI document, so neither
//! can be without the other.

mod document;

use axum::{Router, handler::Handler, routing::MethodRouter};
use oyez_protocol::{ErrorCode, api::page::Page};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{OpenApi, RefOr, schema::Schema},
};

use super::Http;
use crate::auth::Scope;

type NamedSchema = (String, RefOr<Schema>);

/// What a type looks like is worked out when the document is asked for: a server that nobody asks need not know.
type SchemaOf = fn() -> RefOr<Schema>;

/// Who may call an endpoint, as its documentation says it. The handler enforces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anybody.
    Open,
    /// A user, for what is their own.
    User,
    /// Users to themselves; admins and applications with the scope `publish` to anybody.
    PublishOrSelf,
    /// Users for their own jobs; admins and applications with the scope `jobs` for any.
    JobsOrOwner,
    /// Users for boards that their roles may see; admins and applications with the scope `boards` for any.
    BoardsOrViewer,
    /// Users for themselves; admins and applications with the scope `users` for anybody.
    UsersOrSelf,
    /// Applications with the scope, and users with an admin role.
    Scope(Scope),
}

/// The method of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// One endpoint, described.
pub(super) struct Endpoint {
    verb: Verb,
    path: &'static str,
    tag: &'static str,
    summary: &'static str,
    description: &'static str,
    access: Access,
    query: Vec<(&'static str, &'static str)>,
    idempotent: bool,
    guarded: bool,
    body: Option<(SchemaOf, bool)>,
    answer: (u16, &'static str, Content),
    refusals: Vec<ErrorCode>,
    /// Each adds a type and those it is made of.
    schemas: Vec<fn(&mut Vec<NamedSchema>)>,
}

/// What an answer holds.
#[derive(Clone, Copy)]
enum Content {
    Nothing,
    Json(SchemaOf),
    Text(&'static str),
}

impl Endpoint {
    fn new(verb: Verb, path: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self {
            verb,
            path,
            tag,
            summary,
            description: "",
            access: Access::Open,
            query: Vec::new(),
            idempotent: false,
            guarded: false,
            body: None,
            answer: (204, "Done.", Content::Nothing),
            refusals: Vec::new(),
            schemas: Vec::new(),
        }
    }

    pub(super) fn get(path: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self::new(Verb::Get, path, tag, summary)
    }

    pub(super) fn post(path: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self::new(Verb::Post, path, tag, summary)
    }

    pub(super) fn put(path: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self::new(Verb::Put, path, tag, summary)
    }

    pub(super) fn patch(path: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self::new(Verb::Patch, path, tag, summary)
    }

    pub(super) fn delete(path: &'static str, tag: &'static str, summary: &'static str) -> Self {
        Self::new(Verb::Delete, path, tag, summary)
    }

    /// More than the summary says; paragraphs and `code`.
    pub(super) fn describe(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    pub(super) fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// An optional query parameter.
    pub(super) fn query(mut self, name: &'static str, meaning: &'static str) -> Self {
        self.query.push((name, meaning));
        self
    }

    /// The parameters of a list.
    pub(super) fn paged(self) -> Self {
        self.query("cursor", "The `next_cursor` of the page before.").query("limit", "1 to 200, default 50.")
    }

    /// Takes the header `Idempotency-Key`.
    pub(super) fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self.refusals.push(ErrorCode::IdempotencyMismatch);
        self
    }

    /// Takes the headers `If-Match` and `If-None-Match`.
    pub(super) fn guarded(mut self) -> Self {
        self.guarded = true;
        self.refusals.push(ErrorCode::VersionMismatch);
        self
    }

    pub(super) fn body<T: ToSchema>(self) -> Self {
        self.takes::<T>(true)
    }

    pub(super) fn optional_body<T: ToSchema>(self) -> Self {
        self.takes::<T>(false)
    }

    fn takes<T: ToSchema>(mut self, required: bool) -> Self {
        self.remember::<T>();
        self.body = Some((document::reference_to::<T>, required));
        self
    }

    pub(super) fn answers<T: ToSchema>(mut self, status: u16, meaning: &'static str) -> Self {
        self.remember::<T>();
        self.answer = (status, meaning, Content::Json(document::reference_to::<T>));
        self
    }

    /// A page of a list.
    pub(super) fn answers_page<T: ToSchema>(mut self, meaning: &'static str) -> Self {
        self.remember::<T>();
        self.answer = (200, meaning, Content::Json(Page::<T>::schema));
        self
    }

    pub(super) fn answers_nothing(mut self, meaning: &'static str) -> Self {
        self.answer = (204, meaning, Content::Nothing);
        self
    }

    pub(super) fn answers_text(mut self, content_type: &'static str, meaning: &'static str) -> Self {
        self.answer = (200, meaning, Content::Text(content_type));
        self
    }

    /// Codes beyond those that every endpoint of its kind has.
    pub(super) fn refuses(mut self, codes: &[ErrorCode]) -> Self {
        self.refusals.extend(codes);
        self
    }

    fn remember<T: ToSchema>(&mut self) {
        self.schemas.push(|schemas| {
            T::schemas(schemas);
            schemas.push((T::name().into_owned(), T::schema()));
        });
    }
}

/// All endpoints.
#[derive(Default)]
pub(super) struct Endpoints {
    router: Router<Http>,
    described: Vec<Endpoint>,
}

impl Endpoints {
    /// Adds one, with and without a trailing slash.
    pub(super) fn add<H, T>(mut self, endpoint: Endpoint, handler: H) -> Self
    where
        H: Handler<T, Http>,
        T: 'static,
    {
        let route: MethodRouter<Http> = match endpoint.verb {
            Verb::Get => axum::routing::get(handler),
            Verb::Post => axum::routing::post(handler),
            Verb::Put => axum::routing::put(handler),
            Verb::Patch => axum::routing::patch(handler),
            Verb::Delete => axum::routing::delete(handler),
        };
        self.router = self.router.route(&format!("{}/", endpoint.path), route.clone());
        self.router = self.router.route(endpoint.path, route);
        self.described.push(endpoint);
        self
    }

    /// The routes.
    pub(super) fn router(self) -> Router<Http> {
        self.router
    }

    /// The document that describes them.
    pub(super) fn document(self) -> OpenApi {
        document::document(self.described)
    }
}
