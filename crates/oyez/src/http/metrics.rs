//! How many requests, how long they took; rendered for Prometheus.

use std::{
    collections::HashMap,
    sync::{
        OnceLock, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use http::{Method, StatusCode};
use metrics::{Counter, Histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Upper bounds of the latency buckets, in seconds.
const BUCKETS: [f64; 12] = [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

/// The same for how long jobs run.
const RUN_BUCKETS: [f64; 12] = [0.001, 0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0];

/// Requests after which measured latencies are folded into their buckets, so that they do not pile up while nobody
/// asks for the metrics.
const FOLD_EVERY: u32 = 4_096;

/// Installs the process's recorder at the first call. Call it before anything counts. `None` when the application that
/// embeds Oyez installed its own: then that one shows Oyez's metrics too.
pub fn install() -> Option<&'static PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let installed = RECORDER.get_or_init(|| {
        let builder = PrometheusBuilder::new();
        let builder = builder.set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS);
        let run = Matcher::Full("oyez_job_run_seconds".into());
        let builder = builder.ok()?.set_buckets_for_metric(run, &RUN_BUCKETS);
        let handle = builder.ok()?.install_recorder().ok()?;
        describe();
        Some(handle)
    });
    installed.as_ref()
}

fn describe() {
    metrics::describe_counter!("oyez_http_requests_total", "Requests by method, route and status.");
    metrics::describe_histogram!(
        "oyez_http_request_duration_seconds",
        metrics::Unit::Seconds,
        "Time from a request's head to its answer, by method and route."
    );
    metrics::describe_counter!("oyez_notifications_published_total", "Notifications accepted.");
    metrics::describe_counter!("oyez_items_landed_total", "Items committed to inboxes.");
    metrics::describe_counter!("oyez_events_total", "Live-only events accepted.");
    describe_jobs();
    describe_deliveries();
}

fn describe_deliveries() {
    metrics::describe_gauge!("oyez_deliveries", "Deliveries by medium and state.");
    metrics::describe_gauge!("oyez_deliveries_in_flight", "Deliveries being sent now, by medium.");
    metrics::describe_counter!("oyez_deliveries_ended_total", "Deliveries that ended, by medium and state.");
    metrics::describe_counter!(
        "oyez_delivery_attempts_total",
        "Attempts to send that ended, by medium and outcome."
    );
    metrics::describe_histogram!(
        "oyez_delivery_wait_seconds",
        metrics::Unit::Seconds,
        "Time from when a delivery was planned to when it was first sent, by medium."
    );
    metrics::describe_histogram!(
        "oyez_delivery_send_seconds",
        metrics::Unit::Seconds,
        "Time that a medium took for an attempt, by medium."
    );
}

fn describe_jobs() {
    metrics::describe_gauge!("oyez_jobs", "Unfinished jobs by queue, kind and state.");
    metrics::describe_counter!("oyez_jobs_enqueued_total", "Jobs accepted, by queue and kind.");
    metrics::describe_counter!("oyez_job_attempts_total", "Attempts that ended, by queue, kind and outcome.");
    metrics::describe_counter!("oyez_jobs_rescued_total", "Attempts ended because their worker fell silent.");
    metrics::describe_counter!("oyez_jobs_fenced_total", "Ends refused because the attempt was over.");
    metrics::describe_histogram!(
        "oyez_job_wait_seconds",
        metrics::Unit::Seconds,
        "Time from when a job could start to when it did, by queue and kind."
    );
    metrics::describe_histogram!(
        "oyez_job_run_seconds",
        metrics::Unit::Seconds,
        "Time from an attempt's start to its end, by queue and kind."
    );
    metrics::describe_gauge!("oyez_runner_attempts", "Attempts of handlers in this process.");
    metrics::describe_gauge!("oyez_runner_lost_threads", "Threads lost to handlers that never gave way.");
}

/// Folds what was measured into its buckets; to be called now and then, so that it does not pile up.
pub fn fold() {
    if let Some(handle) = install() {
        handle.run_upkeep();
    }
}

/// What is measured of one route, by method and status.
type RouteHandles = HashMap<(Method, u16), Handles>;

/// Handles of the request metrics, looked up once each.
pub(super) struct RequestMetrics {
    handle: Option<&'static PrometheusHandle>,
    routes: RwLock<HashMap<String, RouteHandles>>,
    since_fold: AtomicU32,
}

#[derive(Clone)]
struct Handles {
    count: Counter,
    duration: Histogram,
}

impl RequestMetrics {
    pub(super) fn new() -> Self {
        Self { handle: install(), routes: RwLock::default(), since_fold: AtomicU32::new(0) }
    }

    /// The text format of Prometheus, or `None` when the application has a recorder of its own.
    pub(super) fn render(&self) -> Option<String> {
        self.handle.map(PrometheusHandle::render)
    }

    pub(super) fn request(&self, method: &Method, route: &str, status: StatusCode, took: Duration) {
        let handles = self.handles(method, route, status);
        handles.count.increment(1);
        handles.duration.record(took.as_secs_f64());
        if self.since_fold.fetch_add(1, Ordering::Relaxed) == FOLD_EVERY {
            self.since_fold.store(0, Ordering::Relaxed);
            if let Some(handle) = self.handle {
                handle.run_upkeep();
            }
        }
    }

    fn handles(&self, method: &Method, route: &str, status: StatusCode) -> Handles {
        let key = (known(method), status.as_u16());
        let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(handles) = routes.get(route).and_then(|answers| answers.get(&key)) {
            return handles.clone();
        }
        drop(routes);
        let (method, status) = (key.0.as_str().to_owned(), key.1.to_string());
        let labels = [("method", method), ("route", route.to_owned())];
        let duration = metrics::histogram!("oyez_http_request_duration_seconds", &labels);
        let [method, route_label] = labels;
        let labels = [method, route_label, ("status", status)];
        let handles = Handles { duration, count: metrics::counter!("oyez_http_requests_total", &labels) };
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        routes.entry(route.to_owned()).or_default().insert(key, handles.clone());
        handles
    }
}

/// Methods are a label, and a caller may make them up.
fn known(method: &Method) -> Method {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => method.clone(),
        _ => Method::TRACE,
    }
}
