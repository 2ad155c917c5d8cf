//! Speaks to Oracle Fusion: the ERP Integrations resource, and the scheduler's list of requests for looking things up.
//!
//! It decides nothing and repeats nothing. Each call says on failure whether Oracle may have done it ([`CallError`]):
//! that is what its callers need to decide whether to ask again, to look it up, or to give up.

mod answer;
mod document_log;
mod settings;
mod status;

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use oyez::protocol::Timestamp;
use reqwest::{Method, RequestBuilder, Url};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use answer::CallError;
pub use settings::{Credentials, Pace, Settings, SettingsError};
pub use status::Status;

/// The resource every operation goes to.
pub const RESOURCE: &str = "/fscmRestApi/resources/11.13.18.05/erpintegrations";
/// The scheduler's requests, for looking up one whose number was lost.
pub const SCHEDULER: &str = "/ess/rest/scheduler/v1/requests";
/// Where journals are put in the document store.
pub const DOCUMENT_ACCOUNT: &str = "fin$/generalLedger$/import$";
/// What stands for "not given" in a finder or a list of parameters.
const NULL: &str = "#NULL";

/// A document's id in UCM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DocumentId(pub String);

/// A scheduled request's number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub String);

/// A job of the Enterprise Scheduler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EssJob {
    /// Loads a document into the interface tables.
    InterfaceLoader,
    /// Makes journals of interface lines.
    JournalImport,
    /// Posts journals.
    AutoPost,
}

impl EssJob {
    /// All three.
    pub const ALL: [Self; 3] = [Self::InterfaceLoader, Self::JournalImport, Self::AutoPost];

    /// The definition's name.
    pub fn definition(self) -> &'static str {
        match self {
            Self::InterfaceLoader => "InterfaceLoaderController",
            Self::JournalImport => "JournalImportLauncher",
            Self::AutoPost => "AutoPostMasterSubmit",
        }
    }

    /// The package it lies in.
    pub fn package(self) -> &'static str {
        match self {
            Self::InterfaceLoader => {
                "/oracle/apps/ess/financials/commonModules/shared/common/interfaceLoader"
            }
            Self::JournalImport | Self::AutoPost => {
                "/oracle/apps/ess/financials/generalLedger/programs/common"
            }
        }
    }
}

/// What tells a lost request from all others.
#[derive(Debug, Clone)]
pub struct Sought<'a> {
    /// Which job was submitted.
    pub job: EssJob,
    /// With which parameters.
    pub parameters: &'a str,
    /// Not submitted before.
    pub since: Timestamp,
    /// Requests that are known to be others.
    pub except: &'a [RequestId],
}

/// The client. Clones share connections. Its `Debug` shows neither user nor password.
#[derive(Debug, Clone)]
pub struct Oracle {
    http: reqwest::Client,
    settings: Arc<Settings>,
}

impl Oracle {
    /// A client for the host in the settings. Nothing is sent yet.
    pub fn new(settings: Settings) -> Result<Self, SettingsError> {
        settings.check()?;
        let http = reqwest::Client::builder()
            .connect_timeout(settings.pace.request_timeout)
            .timeout(settings.pace.request_timeout)
            // Credentials go to the host that was configured and nowhere else.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| SettingsError::Client(error.to_string()))?;
        Ok(Self { http, settings: Arc::new(settings) })
    }

    /// How long to wait for what.
    pub fn pace(&self) -> Pace {
        self.settings.pace
    }

    /// The ledger that is booked on.
    pub fn ledger(&self) -> &crate::fbdi::Ledger {
        &self.settings.ledger
    }

    /// Puts a zip into UCM.
    pub async fn upload(&self, file_name: &str, zip: &[u8]) -> Result<DocumentId, CallError> {
        let body = json!({
            "OperationName": "uploadFileToUCM",
            "DocumentContent": BASE64_STANDARD.encode(zip),
            "DocumentAccount": DOCUMENT_ACCOUNT,
            "ContentType": "zip",
            "FileName": file_name,
            "DocumentId": null,
        });
        let answer = self.operate(&body).await?;
        answer::text(&answer, "DocumentId").map(DocumentId)
    }

    /// Submits a scheduler job; `parameters` are comma separated.
    pub async fn submit(&self, job: EssJob, parameters: &str) -> Result<RequestId, CallError> {
        let body = json!({
            "OperationName": "submitESSJobRequest",
            "JobPackageName": job.package(),
            "JobDefName": job.definition(),
            "ESSParameters": parameters,
            "ReqstId": null,
        });
        let answer = self.operate(&body).await?;
        let request = answer::text(&answer, "ReqstId")?;
        // ESS answers -1 for what it did not take.
        if request.starts_with('-') {
            return Err(CallError::Refused(format!("Oracle did not take {}", job.definition())));
        }
        Ok(RequestId(request))
    }

    /// How a request stands.
    pub async fn status(&self, request: &RequestId) -> Result<Status, CallError> {
        let item = self.find_one(&format!("ESSJobStatusRF;requestId={}", request.0)).await?;
        let word = item.as_ref().map(|item| answer::text(item, "RequestStatus")).transpose()?;
        word.map(|word| Status::parse(&word))
            .ok_or_else(|| CallError::Refused(format!("Oracle knows no request {}", request.0)))
    }

    /// What a request wrote to its log, as text. Long logs are cut at the front: the end says what went wrong.
    pub async fn log(&self, request: &RequestId) -> Result<String, CallError> {
        let body = json!({
            "OperationName": "downloadESSJobExecutionDetails",
            "ReqstId": request.0,
            "FileType": "LOG",
        });
        let answer = self.operate(&body).await?;
        document_log::unpack(&answer::text(&answer, "DocumentContent")?)
    }

    /// The document of exactly this name, when it is there.
    pub async fn find_document(&self, file_name: &str) -> Result<Option<DocumentId>, CallError> {
        let finder = format!(
            "DocumentIdsByFilePrefixRF;filePrefix={file_name},docAccount={DOCUMENT_ACCOUNT},comment={NULL}"
        );
        // The name is ours alone, so whatever begins with it is it.
        let item = self.find_one(&finder).await?;
        item.map(|item| answer::text(&item, "DocumentId").map(DocumentId)).transpose()
    }

    /// The request that was submitted so, when there is one.
    pub async fn find_request(&self, sought: &Sought<'_>) -> Result<Option<RequestId>, CallError> {
        let query = format!(
            "submitter eq \"{}\" and submissionTime ge \"{}\"",
            self.settings.credentials.user, sought.since
        );
        let address = self.address(SCHEDULER, &[("q", &query), ("fields", "requestId,jobDefinitionId")]);
        let list = self.send(self.request(Method::GET, address)).await?;
        let items = answer::items(&list)?;
        if list.get("hasMore").is_some_and(|more| more != false) {
            // "Not among the first page" is not "not there".
            return Err(CallError::Refused("too many requests since then to look through".into()));
        }
        let suffix = format!("/{}", sought.job.definition());
        for item in items {
            let request = RequestId(answer::text(item, "requestId")?);
            let of_this_job = answer::text(item, "jobDefinitionId")?.ends_with(&suffix);
            if of_this_job
                && !sought.except.contains(&request)
                && self.parameters(&request).await? == sought.parameters
            {
                return Ok(Some(request));
            }
        }
        Ok(None)
    }

    /// When a request ended, by Oracle's clock.
    pub async fn ended_at(&self, request: &RequestId) -> Result<Option<Timestamp>, CallError> {
        let detail = self.detail(request).await?;
        Ok(detail["processEndTime"].as_str().and_then(|time| time.parse().ok()))
    }

    async fn parameters(&self, request: &RequestId) -> Result<String, CallError> {
        let detail = self.detail(request).await?;
        let listed = detail["requestParameters"].as_array();
        let arguments = listed.into_iter().flatten().filter_map(|one| {
            let place: u32 = one["name"].as_str()?.strip_prefix("submit.argument")?.parse().ok()?;
            Some((place, one["value"].as_str().unwrap_or_default()))
        });
        let mut arguments: Vec<_> = arguments.collect();
        if arguments.is_empty() {
            // It may be the one: what cannot be compared is not "another".
            let text =
                format!("Oracle does not say with what parameters request {} was submitted", request.0);
            return Err(CallError::Refused(text));
        }
        arguments.sort_unstable();
        Ok(arguments.into_iter().map(|(_, value)| value).collect::<Vec<_>>().join(","))
    }

    async fn detail(&self, request: &RequestId) -> Result<Value, CallError> {
        let address = self.address(&format!("{SCHEDULER}/{}", request.0), &[("fields", "@full")]);
        self.send(self.request(Method::GET, address)).await
    }

    async fn operate(&self, body: &Value) -> Result<Value, CallError> {
        let request = self.request(Method::POST, self.address(RESOURCE, &[])).json(body);
        self.send(request).await
    }

    async fn find_one(&self, finder: &str) -> Result<Option<Value>, CallError> {
        let address = self.address(RESOURCE, &[("finder", finder), ("onlyData", "true")]);
        let answer = self.send(self.request(Method::GET, address)).await?;
        Ok(answer::items(&answer)?.first().cloned())
    }

    fn address(&self, path: &str, query: &[(&str, &str)]) -> Url {
        let mut url = self.settings.base.clone();
        url.set_path(&format!("{}{path}", self.settings.base.path().trim_end_matches('/')));
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        url.set_query((!query.is_empty()).then(|| query.join("&")).as_deref());
        url
    }

    fn request(&self, method: Method, address: Url) -> RequestBuilder {
        let Credentials { user, password } = &self.settings.credentials;
        // reqwest marks the header as sensitive: it is not shown either.
        self.http.request(method, address).basic_auth(user, Some(password.reveal()))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Value, CallError> {
        let response = request.send().await.map_err(|error| CallError::of(&error))?;
        answer::read(response).await
    }
}

/// Percent-encodes a query value. Spaces become `%20`: not every reader of Oracle's takes `+`.
fn encode(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_value_is_encoded_as_every_server_reads_it() {
        assert_eq!(encode("ESSJobStatusRF;requestId=7"), "ESSJobStatusRF%3BrequestId%3D7");
        assert_eq!(encode("a eq \"ü\""), "a%20eq%20%22%C3%BC%22");
    }
}
