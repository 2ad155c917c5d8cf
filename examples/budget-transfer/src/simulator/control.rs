//! The simulator's own controls, for the test page and for scripts: what it was asked, and how it should fail.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::{get, put},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Deed, Fault, Simulator};

pub(super) fn router() -> Router<Simulator> {
    Router::new().route("/simulator", get(show)).route("/simulator/faults/{fault}", put(switch))
}

/// `GET /simulator`: faults, how often each deed was done, journals, and the record of calls.
async fn show(State(simulator): State<Simulator>) -> Json<Value> {
    Json(simulator.report())
}

#[derive(Debug, Deserialize)]
struct Switch {
    on: bool,
    times: Option<u32>,
}

/// `PUT /simulator/faults/{fault} {on, times?}`.
async fn switch(
    State(simulator): State<Simulator>,
    Path(fault): Path<String>,
    Json(Switch { on, times }): Json<Switch>,
) -> Result<Json<Value>, StatusCode> {
    let fault = Fault::parse(&fault).ok_or(StatusCode::NOT_FOUND)?;
    if on {
        simulator.fail(fault, times);
    } else {
        simulator.clear(fault);
    }
    Ok(Json(simulator.report()))
}

impl Simulator {
    /// Everything there is to see, as JSON.
    pub fn report(&self) -> Value {
        let journals = self.journals();
        let state = self.state();
        let faults: Vec<Value> = Fault::ALL
            .into_iter()
            .map(|fault| json!({"fault": fault, "display": fault.display(), "on": state.faults.has(fault)}))
            .collect();
        let count = |deed| state.calls.iter().filter(|call| call.did == Some(deed)).count();
        let done: Vec<Value> =
            Deed::ALL.into_iter().map(|deed| json!({"deed": deed, "count": count(deed)})).collect();
        json!({"faults": faults, "done": done, "journals": journals, "calls": state.calls})
    }
}
