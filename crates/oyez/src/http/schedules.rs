//! `/api/v1/schedules`: rules that ask for a job at times. All of it takes the scope `jobs`.

use axum::extract::State;
use http::StatusCode;
use oyez_protocol::{
    ErrorCode, ScheduleName,
    api::{
        jobs::JobAccepted,
        page::Page,
        schedules::{LastFiring, PauseRequest, ScheduleRequest, ScheduleView},
    },
};
use oyez_store::schedules::Schedule;

use super::{
    Http,
    access::Caller,
    body::{Json, OptionalJson, Segments},
    endpoint::{Access, Endpoint, Endpoints},
    json,
    refusal::Answer,
};
use crate::{auth::Scope, jobs::Jobs};

/// How many of the next times are shown.
const SHOWN_TIMES: usize = 3;

pub(super) fn endpoints(table: Endpoints) -> Endpoints {
    let access = Access::Scope(Scope::Jobs);
    table
        .add(
            Endpoint::get("/api/v1/schedules", "schedules", "List schedules")
                .access(access)
                .answers_page::<ScheduleView>("Schedules, by name."),
            list,
        )
        .add(
            Endpoint::put("/api/v1/schedules/{name}", "schedules", "Make or change a schedule")
                .describe(
                    "`cron` has five fields (minute, hour, day of month, month, weekday), or six with seconds first; \
                     `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly` and `@every 90s` are understood too. It is \
                     meant in `time_zone`: a time that the clocks leap over fires once right after the leap, a time \
                     that they repeat fires once.\n\n\
                     Each planned time asks for one job, however many nodes there are.",
                )
                .access(access)
                .body::<ScheduleRequest>()
                .answers::<ScheduleView>(200, "The schedule as it is now.")
                .refuses(&[ErrorCode::ReservedKey]),
            put,
        )
        .add(
            Endpoint::get("/api/v1/schedules/{name}", "schedules", "Read a schedule")
                .access(access)
                .answers::<ScheduleView>(200, "The schedule."),
            one,
        )
        .add(
            Endpoint::delete("/api/v1/schedules/{name}", "schedules", "Delete a schedule")
                .describe("Its jobs stay. Those that came with Oyez cannot be deleted, but paused.")
                .access(access)
                .answers_nothing("It fires no more.")
                .refuses(&[ErrorCode::Conflict]),
            delete,
        )
        .add(
            Endpoint::post("/api/v1/schedules/{name}/run", "schedules", "Fire a schedule now")
                .describe("Out of turn: its next time stays as it is. A paused schedule fires too.")
                .access(access)
                .answers::<JobAccepted>(201, "The job it made."),
            run,
        )
        .add(
            Endpoint::post("/api/v1/schedules/{name}/pause", "schedules", "Hold a schedule, or let it go on")
                .describe("Without a body it is held. Times that pass meanwhile are left out.")
                .access(access)
                .optional_body::<PauseRequest>()
                .answers::<ScheduleView>(200, "The schedule as it is now."),
            pause,
        )
}

async fn list(State(state): State<Http>, caller: Caller) -> Answer {
    caller.require(Scope::Jobs)?;
    let schedules = state.jobs().schedules().await?;
    let shown = schedules.into_iter().map(|schedule| view(state.jobs(), schedule)).collect();
    Ok(json(StatusCode::OK, &Page { data: shown, next_cursor: None }))
}

async fn put(
    State(state): State<Http>,
    caller: Caller,
    Segments(name): Segments<ScheduleName>,
    Json(request): Json<ScheduleRequest>,
) -> Answer {
    caller.require(Scope::Jobs)?;
    let schedule = state.jobs().put_schedule(name, &request).await?;
    Ok(json(StatusCode::OK, &view(state.jobs(), schedule)))
}

async fn one(State(state): State<Http>, caller: Caller, Segments(name): Segments<ScheduleName>) -> Answer {
    caller.require(Scope::Jobs)?;
    let schedule = state.jobs().schedule(&name).await?;
    Ok(json(StatusCode::OK, &view(state.jobs(), schedule)))
}

async fn delete(
    State(state): State<Http>,
    caller: Caller,
    Segments(name): Segments<ScheduleName>,
) -> Answer<StatusCode> {
    caller.require(Scope::Jobs)?;
    state.jobs().delete_schedule(&name).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn run(State(state): State<Http>, caller: Caller, Segments(name): Segments<ScheduleName>) -> Answer {
    caller.require(Scope::Jobs)?;
    let accepted = state.jobs().run_schedule(&name).await?;
    Ok(json(StatusCode::CREATED, &accepted))
}

async fn pause(
    State(state): State<Http>,
    caller: Caller,
    Segments(name): Segments<ScheduleName>,
    OptionalJson(request): OptionalJson<PauseRequest>,
) -> Answer {
    caller.require(Scope::Jobs)?;
    let schedule = state.jobs().pause_schedule(&name, request.paused).await?;
    Ok(json(StatusCode::OK, &view(state.jobs(), schedule)))
}

fn view(jobs: &Jobs, schedule: Schedule) -> ScheduleView {
    ScheduleView {
        next: jobs.next_times(&schedule, SHOWN_TIMES),
        name: schedule.name,
        cron: schedule.cron,
        time_zone: schedule.time_zone,
        job: schedule.job,
        misfire: schedule.misfire.into(),
        overlap: schedule.overlap,
        paused: schedule.paused,
        built_in: schedule.built_in,
        last: schedule.last_planned_at.map(|planned_at| LastFiring { planned_at, job: schedule.last_job }),
        created_at: schedule.created_at,
        updated_at: schedule.updated_at,
    }
}
