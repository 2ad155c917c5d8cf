//! What the simulated Oracle holds: documents, requests, interface lines, journals, and the record of calls.
//!
//! Pure: the present is an argument. Requests end when their time has come, in that order, and only then have effects.

use std::{collections::BTreeMap, io::Read};

use base64::{Engine, prelude::BASE64_STANDARD};
use oyez::protocol::Timestamp;
use serde::{Deserialize, Serialize};

use super::fault::{Fault, Faults};
use crate::{
    fbdi::{COLUMNS, CSV_NAME},
    oracle::EssJob,
    transfer::Amount,
};

/// The most calls that are remembered.
const MOST_CALLS: usize = 10_000;

/// Something that must not happen twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// A document was put into the store.
    Upload,
    /// The interface loader was submitted.
    Load,
    /// The journal import was submitted.
    Import,
    /// AutoPost was submitted.
    Post,
}

impl Deed {
    /// All, in the order of an upload.
    pub const ALL: [Self; 4] = [Self::Upload, Self::Load, Self::Import, Self::Post];

    pub(super) fn of(job: EssJob) -> Self {
        match job {
            EssJob::InterfaceLoader => Self::Load,
            EssJob::JournalImport => Self::Import,
            EssJob::AutoPost => Self::Post,
        }
    }
}

/// One call, as it was answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    /// When it came.
    pub at: Timestamp,
    /// The operation or finder.
    pub operation: String,
    /// What it was about: a document's name, a job with its parameters, a request's number.
    pub about: String,
    /// What was done, when something was.
    pub did: Option<Deed>,
    /// The HTTP status of the answer; 0 while it is held.
    pub status: u16,
}

/// A journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// The interface group it came from.
    pub group: String,
    /// The sum of its debits, in hundredths.
    pub cents: i64,
    /// How many lines it has.
    pub lines: usize,
    /// Whether it counts.
    pub posted: bool,
}

#[derive(Debug, Serialize, Deserialize)]
struct Document {
    name: String,
    content: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct InterfaceLine {
    group: String,
    debit: i64,
    credit: i64,
}

/// A scheduled request.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) definition: String,
    pub(super) package: String,
    pub(super) parameters: String,
    pub(super) submitted_at: Timestamp,
    /// `None`: it never ends.
    ends_at: Option<Timestamp>,
    /// The fault that was on when it was submitted.
    fault: Option<Fault>,
    /// The word it ended with.
    pub(super) ended: Option<String>,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) log: String,
}

impl Request {
    /// The word for how it stands.
    pub(super) fn status(&self, now: Timestamp) -> &str {
        match &self.ended {
            Some(word) => word,
            None if now.millis_since(self.submitted_at) < 300 => "WAIT",
            None => "RUNNING",
        }
    }
}

/// All of it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) faults: Faults,
    pub(super) calls: Vec<Call>,
    last_id: u64,
    documents: BTreeMap<u64, Document>,
    pub(super) requests: BTreeMap<u64, Request>,
    interface: Vec<InterfaceLine>,
    pub(super) journals: Vec<Journal>,
}

impl State {
    /// Records a call; answers its place.
    pub(super) fn record(&mut self, at: Timestamp, operation: &str, about: &str) -> usize {
        if self.calls.len() >= MOST_CALLS {
            self.calls.clear();
        }
        self.calls.push(Call { at, operation: operation.into(), about: about.into(), did: None, status: 0 });
        self.calls.len() - 1
    }

    /// Notes on a recorded call what was done and how it was answered.
    pub(super) fn note(&mut self, place: usize, did: Option<Deed>, status: u16) {
        if let Some(call) = self.calls.get_mut(place) {
            call.did = call.did.or(did);
            call.status = status;
        }
    }

    /// Keeps a document; a second one of the same name is another document.
    pub(super) fn upload(&mut self, name: &str, content: &str) -> u64 {
        let id = self.next_id();
        self.documents.insert(id, Document { name: name.into(), content: content.into() });
        id
    }

    /// The documents whose name begins so.
    pub(super) fn documents(&self, prefix: &str) -> Vec<(u64, &str)> {
        let ours = |(_, document): &(&u64, &Document)| document.name.starts_with(prefix);
        self.documents.iter().filter(ours).map(|(id, document)| (*id, document.name.as_str())).collect()
    }

    /// Takes a request that will end after `run_time_ms`.
    pub(super) fn submit(
        &mut self,
        package: &str,
        job: EssJob,
        parameters: &str,
        now: Timestamp,
        run_time_ms: i64,
    ) -> u64 {
        let id = self.next_id();
        let fault = [Some(Fault::NeverEnds), Some(Fault::error_of(job)), Fault::warning_of(job)]
            .into_iter()
            .flatten()
            .find(|fault| self.faults.strikes(*fault));
        let ends_at = Timestamp::from_millis(now.as_millis() + run_time_ms);
        let request = Request {
            definition: job.definition().into(),
            package: package.into(),
            parameters: parameters.into(),
            submitted_at: now,
            ends_at: (fault != Some(Fault::NeverEnds)).then_some(ends_at),
            fault,
            ended: None,
            ended_at: None,
            log: format!("Request {id}: {} with {parameters}\n", job.definition()),
        };
        self.requests.insert(id, request);
        id
    }

    /// Ends the requests whose time has come, each with what it does.
    pub(super) fn advance(&mut self, now: Timestamp) {
        let mut due: Vec<(Timestamp, u64)> = self
            .requests
            .iter()
            .filter(|(_, request)| request.ended.is_none())
            .filter_map(|(id, request)| Some((request.ends_at.filter(|end| *end <= now)?, *id)))
            .collect();
        due.sort_unstable();
        for (end, id) in due {
            let Some(request) = self.requests.get(&id).cloned() else { continue };
            let (word, log) = self.run(&request);
            if let Some(request) = self.requests.get_mut(&id) {
                request.log.push_str(&log);
                request.log.push_str(&format!("Request {id} ended with {word}.\n"));
                request.ended = Some(word.to_owned());
                request.ended_at = Some(end);
            }
        }
    }

    /// What a request does at its end: the word it ends with, and its log.
    fn run(&mut self, request: &Request) -> (&'static str, String) {
        let parameters: Vec<&str> = request.parameters.split(',').collect();
        let parameter = |place: usize| parameters.get(place).copied().unwrap_or_default();
        if request.fault.is_some_and(|fault| EssJob::ALL.into_iter().any(|job| fault == Fault::error_of(job)))
        {
            return ("ERROR", "EP01: a simulated fault. The switch for it is on the test page.\n".into());
        }
        let done = match request.definition.as_str() {
            "InterfaceLoaderController" => self.load(parameter(1)),
            "JournalImportLauncher" => self.import(parameter(3)),
            _ => Ok(self.post()),
        };
        match done {
            Err(log) => ("ERROR", log),
            Ok(log) if request.fault.is_some() => ("WARNING", format!("{log}EW01: a simulated warning.\n")),
            Ok(log) => ("SUCCEEDED", log),
        }
    }

    fn load(&mut self, document: &str) -> Result<String, String> {
        let known = document.parse().ok().and_then(|id: u64| self.documents.get(&id));
        let document = known.ok_or_else(|| format!("there is no document {document}\n"))?;
        let text = unpack(&document.content).ok_or("the document holds no GlInterface.csv\n")?;
        let mut lines = Vec::new();
        for (number, row) in text.lines().enumerate() {
            let fields = fields(row);
            if fields.len() != COLUMNS {
                return Err(format!(
                    "record {}: {} columns instead of {COLUMNS}\n",
                    number + 1,
                    fields.len()
                ));
            }
            let cents = |place: usize| Amount::parse(&fields[place]).map_or(0, Amount::cents);
            lines.push(InterfaceLine { group: fields[66].clone(), debit: cents(38), credit: cents(39) });
        }
        let log = format!("{} rows of {} were loaded.\n", lines.len(), document.name);
        self.interface.append(&mut lines);
        Ok(log)
    }

    fn import(&mut self, group: &str) -> Result<String, String> {
        let of_group: Vec<_> = self.interface.iter().filter(|line| line.group == group).cloned().collect();
        if of_group.is_empty() {
            return Err(format!("GL_INTERFACE has no rows of group {group}\n"));
        }
        let sum = |side: fn(&InterfaceLine) -> i64| of_group.iter().map(side).sum::<i64>();
        let (debit, credit) = (sum(|line| line.debit), sum(|line| line.credit));
        if debit != credit {
            return Err(format!(
                "EU02: the journal of group {group} is not balanced: {debit} against {credit}\n"
            ));
        }
        self.interface.retain(|line| line.group != group);
        let journal = Journal { group: group.into(), cents: debit, lines: of_group.len(), posted: false };
        self.journals.push(journal);
        Ok(format!("1 journal with {} lines was made of group {group}.\n", of_group.len()))
    }

    fn post(&mut self) -> String {
        let mut count = 0;
        for journal in self.journals.iter_mut().filter(|journal| !journal.posted) {
            journal.posted = true;
            count += 1;
        }
        format!("{count} journals were posted.\n")
    }

    fn next_id(&mut self) -> u64 {
        self.last_id = self.last_id.max(94_000) + 1;
        self.last_id
    }
}

/// The CSV in a base64 zip.
fn unpack(content: &str) -> Option<String> {
    let zip = BASE64_STANDARD.decode(content).ok()?;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip)).ok()?;
    let mut text = String::new();
    archive.by_name(CSV_NAME).ok()?.take(16 * 1024 * 1024).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The fields of a row: separated by commas, quoted where they hold one.
fn fields(row: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut rest = row.chars().peekable();
    while let Some(c) = rest.next() {
        let field = fields.last_mut().expect("there is always one");
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => {
                field.push('"');
                rest.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fbdi;

    #[test]
    fn fields_are_split_as_they_were_joined() {
        assert_eq!(fields(r#"a,"b, ""c""",,d"#), ["a", "b, \"c\"", "", "d"]);
        assert_eq!(fields(""), [""]);
    }

    /// Runs these jobs one after the other, each to its end; answers how each ended.
    fn run(state: &mut State, jobs: &[(EssJob, &str)]) -> Vec<String> {
        let mut now = Timestamp::default();
        let ended = jobs.iter().map(|(job, parameters)| {
            let id = state.submit(job.package(), *job, parameters, now, 1000);
            assert!(!["SUCCEEDED", "ERROR"].contains(&state.requests[&id].status(now)));
            now = now.plus_seconds(1);
            state.advance(now);
            state.requests[&id].status(now).to_owned()
        });
        ended.collect()
    }

    #[test]
    fn a_document_becomes_a_posted_journal() {
        let transfer = fbdi::tests::transfer();
        let document = fbdi::document(&transfer, &fbdi::tests::ledger()).unwrap();
        let mut state = State::default();
        let id = state.upload("a.zip", &BASE64_STANDARD.encode(document));
        let (load, group) = (format!("15,{id},N,N,N"), format!("1,Source,1,{},N,N,N", transfer.reference));
        let jobs = [
            (EssJob::InterfaceLoader, load.as_str()),
            (EssJob::JournalImport, &group),
            (EssJob::AutoPost, "1"),
        ];
        assert_eq!(run(&mut state, &jobs), ["SUCCEEDED"; 3]);
        let group = transfer.reference.to_string();
        assert_eq!(state.journals, [Journal { group, cents: 120_050, lines: 2, posted: true }]);
    }

    #[test]
    fn what_is_done_twice_is_there_twice() {
        let transfer = fbdi::tests::transfer();
        let document = BASE64_STANDARD.encode(fbdi::document(&transfer, &fbdi::tests::ledger()).unwrap());
        let mut state = State::default();
        let id = state.upload("a.zip", &document);
        state.upload("a.zip", &document);
        assert_eq!(state.documents("a.").len(), 2);
        let (load, group) = (format!("15,{id},N,N,N"), format!("1,Source,1,{},N,N,N", transfer.reference));
        let jobs = [
            (EssJob::InterfaceLoader, load.as_str()),
            (EssJob::InterfaceLoader, &load),
            (EssJob::JournalImport, &group),
            (EssJob::JournalImport, &group),
        ];
        assert_eq!(run(&mut state, &jobs), ["SUCCEEDED", "SUCCEEDED", "SUCCEEDED", "ERROR"]);
        assert_eq!(
            state.journals[0].cents, 240_100,
            "a document loaded twice is a journal of twice the money"
        );
    }

    #[test]
    fn faults_end_requests_with_their_word_and_have_no_effect() {
        let mut state = State::default();
        state.faults.set(Fault::PostError, Some(1));
        state.faults.set(Fault::PostWarning, Some(1));
        assert_eq!(run(&mut state, &[(EssJob::AutoPost, "1"); 3]), ["ERROR", "WARNING", "SUCCEEDED"]);
        assert_eq!(run(&mut state, &[(EssJob::InterfaceLoader, "15,1,N,N,N")]), ["ERROR"]);
        state.faults.set(Fault::NeverEnds, None);
        assert_eq!(run(&mut state, &[(EssJob::AutoPost, "1")]), ["RUNNING"]);
    }
}
