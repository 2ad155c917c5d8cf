//! What the client makes of each answer, and what it can find again.

use std::time::Duration;

use axum::{Router, http::StatusCode};
use budget_transfer::{
    oracle::{CallError, EssJob, Oracle, RequestId, Sought, Status},
    simulator::{Deed, Fault, Options},
};
use oyez::{auth::Secret, protocol::Timestamp};
use tokio::net::TcpListener;

use crate::pod::Pod;

const LONG_AGO: &str = "2026-01-01T00:00:00Z";

fn sought<'a>(job: EssJob, parameters: &'a str, except: &'a [RequestId]) -> Sought<'a> {
    Sought { job, parameters, since: LONG_AGO.parse().unwrap(), except }
}

async fn ended(oracle: &Oracle, request: &RequestId) -> Status {
    loop {
        let status = oracle.status(request).await.unwrap();
        if status.is_final() {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_document_is_uploaded_and_found_by_its_name() {
    let pod = Pod::start().await;
    let oracle = pod.oracle();
    assert_eq!(oracle.find_document("BudgetTransfer_1_7.zip").await.unwrap(), None);
    let document = oracle.upload("BudgetTransfer_1_7.zip", b"zip").await.unwrap();
    assert_eq!(oracle.find_document("BudgetTransfer_1_7.zip").await.unwrap(), Some(document));
    assert_eq!(oracle.find_document("BudgetTransfer_1_8.zip").await.unwrap(), None);
}

#[tokio::test]
async fn a_request_that_fails_says_why_in_its_log() {
    let pod = Pod::start().await;
    let oracle = pod.oracle();
    let request = oracle.submit(EssJob::InterfaceLoader, "15,1,N,N,a.zip").await.unwrap();
    assert_eq!(ended(&oracle, &request).await, Status::Failed("ERROR".into()));
    let log = oracle.log(&request).await.unwrap();
    assert!(log.starts_with(&format!("--- {}.log\n", request.0)), "{log}");
    assert!(log.contains("there is no document 1"), "{log}");
    assert!(oracle.ended_at(&request).await.unwrap().is_some());
}

#[tokio::test]
async fn a_request_is_found_by_its_job_and_parameters_and_no_other_is() {
    let pod = Pod::start().await;
    let oracle = pod.oracle();
    let ours = oracle.submit(EssJob::JournalImport, "1,Budget Transfer,2,77,N,N,N").await.unwrap();
    oracle.submit(EssJob::JournalImport, "1,Budget Transfer,2,78,N,N,N").await.unwrap();
    oracle.submit(EssJob::AutoPost, "1,Budget Transfer,2,77,N,N,N").await.unwrap();
    let parameters = "1,Budget Transfer,2,77,N,N,N";
    let found = oracle.find_request(&sought(EssJob::JournalImport, parameters, &[])).await.unwrap();
    assert_eq!(found.as_ref(), Some(&ours));
    let known = [ours];
    assert_eq!(oracle.find_request(&sought(EssJob::JournalImport, parameters, &known)).await.unwrap(), None);
    let later =
        Sought { since: Timestamp::from_millis(i64::MAX), ..sought(EssJob::JournalImport, parameters, &[]) };
    assert_eq!(oracle.find_request(&later).await.unwrap(), None);
}

#[tokio::test]
async fn a_failed_call_says_whether_oracle_may_have_done_it() {
    let pod = Pod::start().await;
    let oracle = pod.oracle();
    let submit = || oracle.submit(EssJob::AutoPost, "1");
    pod.simulator.fail(Fault::TooManyCalls, Some(1));
    assert!(matches!(submit().await, Err(CallError::NotDone(_))));
    pod.simulator.fail(Fault::WrongPassword, Some(1));
    assert!(matches!(submit().await, Err(CallError::Refused(_))));
    pod.simulator.fail(Fault::Unavailable, Some(1));
    assert!(matches!(submit().await, Err(CallError::Unsure(_))));
    assert_eq!(pod.simulator.count(Deed::Post), 0);
    pod.simulator.fail(Fault::SubmitAnswerLost, Some(1));
    assert!(matches!(submit().await, Err(CallError::Unsure(_))));
    assert_eq!(pod.simulator.count(Deed::Post), 1);
    pod.simulator.fail(Fault::UploadRefused, Some(1));
    let refused = oracle.upload("a.zip", b"zip").await.unwrap_err();
    assert_eq!(refused.to_string(), "Oracle refused the request with 400: the file type is not allowed");
}

#[tokio::test]
async fn nobody_home_is_not_done_and_no_answer_is_unsure() {
    let pod = Pod::start().await;
    let mut settings = pod.settings();
    settings.base = "http://127.0.0.1:1".parse().unwrap();
    let nobody = Oracle::new(settings).unwrap().upload("a.zip", b"zip").await;
    assert!(matches!(nobody, Err(CallError::NotDone(_))), "{nobody:?}");

    let slow = Options { answer_time: Duration::from_secs(3600), ..Options::default() };
    let pod = Pod::with(slow).await;
    let mut settings = pod.settings();
    settings.pace.request_timeout = Duration::from_millis(50);
    let silent = Oracle::new(settings).unwrap().upload("a.zip", b"zip").await;
    assert!(matches!(silent, Err(CallError::Unsure(_))), "{silent:?}");
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_never_shown() {
    let pod = Pod::start().await;
    let mut settings = pod.settings();
    settings.credentials.password = Secret::new("wrong-and-secret");
    let oracle = Oracle::new(settings).unwrap();
    let refused = oracle.status(&RequestId("1".into())).await.unwrap_err();
    assert_eq!(refused, CallError::Refused("Oracle does not take the user and password".into()));
    assert!(!format!("{oracle:?} {refused:?}").contains("wrong-and-secret"));
}

#[tokio::test]
async fn the_simulator_remembers_across_its_own_restart() {
    let folder = tempfile::tempdir().unwrap();
    let file = Some(folder.path().join("simulator.json"));
    let options = Options { run_time: Duration::ZERO, answer_time: Duration::ZERO, file };
    let pod = Pod::with(options.clone()).await;
    let document = pod.oracle().upload("a.zip", b"zip").await.unwrap();
    drop(pod);
    let pod = Pod::with(options).await;
    assert_eq!(pod.oracle().find_document("a.zip").await.unwrap(), Some(document));
    assert_eq!(pod.simulator.count(Deed::Upload), 1);
}

/// A server that gives one answer to everything.
async fn answering(status: u16, body: &'static str) -> (Oracle, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let pod = Pod::start().await;
    let mut settings = pod.settings();
    settings.base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let status = StatusCode::from_u16(status).unwrap();
    let router = Router::new().fallback(move || async move { (status, body) });
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (Oracle::new(settings).unwrap(), server)
}

#[tokio::test]
async fn nonsense_in_place_of_an_answer_is_never_taken_for_one() {
    let unsure = [
        (200, ""),
        (201, "<html>welcome</html>"),
        (201, "null"),
        (201, "[]"),
        (201, r#"{"ReqstId": null, "DocumentId": {}}"#),
        (500, r#"{"detail": 7}"#),
        (502, "<html>bad gateway</html>"),
        (307, ""),
    ];
    for (status, body) in unsure {
        let (oracle, server) = answering(status, body).await;
        let upload = oracle.upload("a.zip", b"zip").await;
        let submit = oracle.submit(EssJob::AutoPost, "1").await;
        assert!(matches!(upload, Err(CallError::Unsure(_))), "{status} {body}: {upload:?}");
        assert!(matches!(submit, Err(CallError::Unsure(_))), "{status} {body}: {submit:?}");
        server.abort();
    }
    // What ESS answers when it does not take a job.
    let (oracle, server) = answering(201, r#"{"ReqstId": "-1"}"#).await;
    assert!(matches!(oracle.submit(EssJob::AutoPost, "1").await, Err(CallError::Refused(_))));
    server.abort();
    // A look-up that cannot be read is not "not there".
    for body in ["null", "[]", "{}", r#"{"items": 7}"#, r#"{"items": {}, "hasMore": "yes"}"#] {
        let (oracle, server) = answering(200, body).await;
        assert!(oracle.find_document("a.zip").await.is_err(), "{body}");
        assert!(oracle.find_request(&sought(EssJob::AutoPost, "1", &[])).await.is_err(), "{body}");
        server.abort();
    }
    // Nor is a request that cannot be told from the one that is sought.
    let vague = [
        r#"{"items": [{}]}"#,
        r#"{"items": [{"requestId": 7}]}"#,
        r#"{"items": [{"requestId": 7, "jobDefinitionId": "JobDefinition://a/AutoPostMasterSubmit"}]}"#,
        r#"{"items": [], "hasMore": true}"#,
    ];
    for body in vague {
        let (oracle, server) = answering(200, body).await;
        assert!(oracle.find_request(&sought(EssJob::AutoPost, "1", &[])).await.is_err(), "{body}");
        server.abort();
    }
    let (oracle, server) = answering(200, r#"{"items": [], "hasMore": false}"#).await;
    assert_eq!(oracle.find_request(&sought(EssJob::AutoPost, "1", &[])).await, Ok(None));
    server.abort();
}
