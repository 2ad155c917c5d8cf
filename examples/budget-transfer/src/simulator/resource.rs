//! Oracle's side of the wire: the ERP Integrations resource and the scheduler's requests.

use std::io::{Cursor, Write};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use oyez::protocol::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::{Deed, Fault, Moment, PASSWORD, Simulator, USER};
use crate::oracle::{EssJob, RESOURCE, SCHEDULER};

/// What an uploaded document may weigh, in base64.
const MOST_BODY: usize = 32 * 1024 * 1024;

pub(super) fn router() -> Router<Simulator> {
    Router::new()
        .route(RESOURCE, get(find).post(operate))
        .route(SCHEDULER, get(list))
        .route(&format!("{SCHEDULER}/{{id}}"), get(detail))
        .layer(DefaultBodyLimit::max(MOST_BODY))
}

/// An answer that is not a success, as Oracle writes it.
fn refuse(status: StatusCode, detail: &str) -> Response {
    (status, Json(json!({"title": status.canonical_reason(), "status": status.as_u16(), "detail": detail})))
        .into_response()
}

/// What an operation came to: the answer, and whether a gateway loses it.
struct Done {
    answer: Value,
    deed: Option<Deed>,
    lost: bool,
}

impl Simulator {
    /// Takes a call: records it, waits as long as an answer takes, and refuses it when a fault says so.
    async fn take(&self, headers: &HeaderMap, operation: &str, about: &str) -> Result<usize, Response> {
        let place = self.change(|state| state.record(self.clock.now(), operation, about));
        tokio::time::sleep(self.options.answer_time).await;
        let refused = self.change(|state| {
            state.advance(self.clock.now());
            if state.faults.strikes(Fault::Unavailable) {
                Some(refuse(StatusCode::SERVICE_UNAVAILABLE, "the service is not available"))
            } else if state.faults.strikes(Fault::TooManyCalls) {
                Some(refuse(StatusCode::TOO_MANY_REQUESTS, "too many requests"))
            } else if state.faults.strikes(Fault::WrongPassword) || !knows(headers) {
                Some(refuse(StatusCode::UNAUTHORIZED, "wrong user or password"))
            } else {
                None
            }
        });
        match refused {
            Some(response) => {
                self.change(|state| state.note(place, None, response.status().as_u16()));
                Err(response)
            }
            None => Ok(place),
        }
    }

    fn note(&self, place: usize, did: Option<Deed>, response: Response) -> Response {
        self.change(|state| state.note(place, did, response.status().as_u16()));
        response
    }
}

fn knows(headers: &HeaderMap) -> bool {
    let expected = format!("Basic {}", BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}")));
    let given = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes()).unwrap_or_default();
    bool::from(given.ct_eq(expected.as_bytes()))
}

/// The body of an operation, as far as the simulator reads it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Operation {
    operation_name: String,
    document_content: Option<String>,
    document_account: Option<String>,
    file_name: Option<String>,
    job_package_name: Option<String>,
    job_def_name: Option<String>,
    #[serde(rename = "ESSParameters")]
    ess_parameters: Option<String>,
    reqst_id: Option<String>,
}

impl Operation {
    fn about(&self) -> String {
        let parts = [&self.file_name, &self.job_def_name, &self.ess_parameters, &self.reqst_id];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// What it does that must not be done twice.
    fn deed(&self) -> Option<Deed> {
        match self.operation_name.as_str() {
            "uploadFileToUCM" => Some(Deed::Upload),
            "submitESSJobRequest" => self.job().map(Deed::of),
            _ => None,
        }
    }

    fn job(&self) -> Option<EssJob> {
        let name = self.job_def_name.as_deref()?;
        EssJob::ALL.into_iter().find(|job| job.definition() == name)
    }
}

/// `POST erpintegrations`.
async fn operate(
    State(simulator): State<Simulator>,
    headers: HeaderMap,
    Json(operation): Json<Operation>,
) -> Response {
    let place = match simulator.take(&headers, &operation.operation_name, &operation.about()).await {
        Ok(place) => place,
        Err(refused) => return refused,
    };
    // Once taken, a call is carried out even when its caller hangs up: that is what makes a lost answer dangerous.
    let worker = tokio::spawn(async move {
        let deed = operation.deed();
        if let Some(deed) = deed {
            simulator.held.pass(deed, Moment::Before).await;
        }
        let response = match simulator.perform(&operation) {
            Ok(Done { lost: true, deed, .. }) => {
                simulator.change(|state| state.note(place, deed, 504));
                refuse(StatusCode::GATEWAY_TIMEOUT, "the gateway gave up waiting")
            }
            Ok(Done { answer, deed, .. }) => {
                simulator.note(place, deed, (StatusCode::CREATED, Json(answer)).into_response())
            }
            Err(detail) => simulator.note(place, None, refuse(StatusCode::BAD_REQUEST, detail)),
        };
        if let Some(deed) = deed {
            simulator.held.pass(deed, Moment::After).await;
        }
        response
    });
    worker.await.unwrap_or_else(|_| refuse(StatusCode::INTERNAL_SERVER_ERROR, "the simulator failed"))
}

impl Simulator {
    /// Carries an operation out; an error is what is wrong with it.
    fn perform(&self, operation: &Operation) -> Result<Done, &'static str> {
        let now = self.clock.now();
        match operation.operation_name.as_str() {
            "uploadFileToUCM" => {
                let name = operation.file_name.as_deref().ok_or("FileName is missing")?;
                let content = operation.document_content.as_deref().ok_or("DocumentContent is missing")?;
                if operation.document_account.as_deref() != Some(crate::oracle::DOCUMENT_ACCOUNT) {
                    return Err("the DocumentAccount is not known");
                }
                let (id, lost) = self.change(|state| {
                    if state.faults.strikes(Fault::UploadRefused) {
                        return (None, false);
                    }
                    (Some(state.upload(name, content)), state.faults.strikes(Fault::UploadAnswerLost))
                });
                let id = id.ok_or("the file type is not allowed")?;
                let answer = json!({"OperationName": operation.operation_name, "DocumentId": id.to_string(), "FileName": name});
                Ok(Done { answer, deed: Some(Deed::Upload), lost })
            }
            "submitESSJobRequest" => {
                let job = operation.job().ok_or("there is no such job definition")?;
                let package = operation.job_package_name.as_deref().unwrap_or_default();
                if package.trim_end_matches('/') != job.package() {
                    return Err("the package does not hold this job definition");
                }
                let parameters = operation.ess_parameters.as_deref().unwrap_or_default();
                let run_time = i64::try_from(self.options.run_time.as_millis()).unwrap_or(i64::MAX);
                let (id, lost) = self.change(|state| {
                    let id = state.submit(package, job, parameters, now, run_time);
                    (id, state.faults.strikes(Fault::SubmitAnswerLost))
                });
                let answer = json!({"OperationName": operation.operation_name, "ReqstId": id.to_string()});
                Ok(Done { answer, deed: Some(Deed::of(job)), lost })
            }
            "getESSJobStatus" => {
                let id = operation.reqst_id.as_deref().unwrap_or_default();
                let status = self.status(id).ok_or("there is no such request")?;
                Ok(Done { answer: json!({"ReqstId": id, "RequestStatus": status}), deed: None, lost: false })
            }
            "downloadESSJobExecutionDetails" => {
                let id = operation.reqst_id.as_deref().unwrap_or_default();
                let content = self.log(id).ok_or("there is no such request")?;
                let answer = json!({"ReqstId": id, "ContentType": "zip", "DocumentContent": content});
                Ok(Done { answer, deed: None, lost: false })
            }
            _ => Err("the OperationName is not known"),
        }
    }

    fn status(&self, id: &str) -> Option<String> {
        let state = self.state();
        let request = state.requests.get(&id.parse().ok()?)?;
        Some(request.status(self.clock.now()).to_owned())
    }

    fn log(&self, id: &str) -> Option<String> {
        let text = self.state().requests.get(&id.parse().ok()?)?.log.clone();
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file(format!("{id}.log"), zip::write::SimpleFileOptions::default()).ok()?;
        zip.write_all(text.as_bytes()).ok()?;
        Some(BASE64_STANDARD.encode(zip.finish().ok()?.into_inner()))
    }
}

#[derive(Debug, Deserialize)]
struct FindQuery {
    finder: String,
}

/// `GET erpintegrations?finder=<name>;<key>=<value>,…`.
async fn find(
    State(simulator): State<Simulator>,
    headers: HeaderMap,
    Query(FindQuery { finder }): Query<FindQuery>,
) -> Response {
    let (name, rest) = finder.split_once(';').unwrap_or((&finder, ""));
    let place = match simulator.take(&headers, name, rest).await {
        Ok(place) => place,
        Err(refused) => return refused,
    };
    let value = |key: &str| {
        let pairs = rest.split(',').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(name, _)| *name == key).map(|(_, value)| value).unwrap_or_default()
    };
    let items = match name {
        "ESSJobStatusRF" if simulator.change(|state| state.faults.strikes(Fault::StatusBroken)) => {
            return simulator.note(place, None, refuse(StatusCode::INTERNAL_SERVER_ERROR, "JBO-27024"));
        }
        "ESSJobStatusRF" => {
            let id = value("requestId");
            simulator
                .status(id)
                .map(|status| json!({"ReqstId": id, "RequestStatus": status}))
                .into_iter()
                .collect()
        }
        "ESSJobExecutionDetailsRF" => {
            let id = value("requestId");
            simulator
                .log(id)
                .map(|content| json!({"ReqstId": id, "DocumentContent": content}))
                .into_iter()
                .collect()
        }
        "DocumentIdsByFilePrefixRF" => {
            let state = simulator.state();
            let found = state.documents(value("filePrefix"));
            found.iter().map(|(id, name)| json!({"DocumentId": id.to_string(), "FileName": name})).collect()
        }
        _ => Vec::new(),
    };
    simulator.note(
        place,
        None,
        Json(json!({"count": items.len(), "hasMore": false, "items": items})).into_response(),
    )
}

#[derive(Debug, Deserialize)]
struct ListQuery {
    q: String,
}

/// `GET ess/rest/scheduler/v1/requests?q=… and submissionTime ge "…"`.
async fn list(
    State(simulator): State<Simulator>,
    headers: HeaderMap,
    Query(ListQuery { q }): Query<ListQuery>,
) -> Response {
    let place = match simulator.take(&headers, "requests", &q).await {
        Ok(place) => place,
        Err(refused) => return refused,
    };
    if simulator.change(|state| state.faults.strikes(Fault::NoSchedulerList)) {
        return simulator.note(place, None, refuse(StatusCode::FORBIDDEN, "the user lacks the privilege"));
    }
    let since = q.split("submissionTime ge \"").nth(1).and_then(|rest| rest.split('"').next());
    let Some(since) = since.and_then(|time| time.parse::<Timestamp>().ok()) else {
        return simulator.note(place, None, refuse(StatusCode::BAD_REQUEST, "the query is not understood"));
    };
    let items: Vec<Value> = simulator
        .state()
        .requests
        .iter()
        .filter(|(_, request)| request.submitted_at >= since)
        .map(|(id, request)| {
            json!({"requestId": id, "jobDefinitionId": format!("JobDefinition:/{}/{}", request.package, request.definition)})
        })
        .collect();
    simulator.note(place, None, Json(json!({"hasMore": false, "items": items})).into_response())
}

/// `GET ess/rest/scheduler/v1/requests/{id}`.
async fn detail(State(simulator): State<Simulator>, headers: HeaderMap, Path(id): Path<u64>) -> Response {
    let place = match simulator.take(&headers, "request", &id.to_string()).await {
        Ok(place) => place,
        Err(refused) => return refused,
    };
    let Some(request) = simulator.state().requests.get(&id).cloned() else {
        return simulator.note(place, None, refuse(StatusCode::NOT_FOUND, "there is no such request"));
    };
    let parameters: Vec<Value> = request
        .parameters
        .split(',')
        .enumerate()
        .map(|(index, value)| json!({"name": format!("submit.argument{}", index + 1), "value": value}))
        .collect();
    let answer = json!({
        "requestId": id,
        "state": request.status(simulator.clock.now()),
        "submissionTime": request.submitted_at,
        "processEndTime": request.ended_at,
        "requestParameters": parameters,
    });
    simulator.note(place, None, Json(answer).into_response())
}
