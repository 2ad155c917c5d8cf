//! The ways the simulator can be told to fail.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::oracle::EssJob;

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// 401 for everybody.
    WrongPassword,
    /// 503, and nothing is done.
    Unavailable,
    /// 429, and nothing is done.
    TooManyCalls,
    /// An upload is refused with 400.
    UploadRefused,
    /// An upload is done, and a gateway answers 504 in Oracle's place.
    UploadAnswerLost,
    /// A submission is done, and a gateway answers 504 in Oracle's place.
    SubmitAnswerLost,
    /// A question how a request stands is answered with 500.
    StatusBroken,
    /// The scheduler's list of requests is refused with 403.
    NoSchedulerList,
    /// Requests that are submitted now never end.
    NeverEnds,
    /// The interface loader ends with ERROR.
    LoaderError,
    /// The journal import ends with ERROR.
    ImportError,
    /// The journal import ends with WARNING.
    ImportWarning,
    /// AutoPost ends with ERROR.
    PostError,
    /// AutoPost ends with WARNING.
    PostWarning,
}

impl Fault {
    /// All, in the order a page lists them.
    pub const ALL: [Self; 14] = [
        Self::LoaderError,
        Self::ImportError,
        Self::PostError,
        Self::ImportWarning,
        Self::PostWarning,
        Self::UploadRefused,
        Self::UploadAnswerLost,
        Self::SubmitAnswerLost,
        Self::StatusBroken,
        Self::NoSchedulerList,
        Self::NeverEnds,
        Self::Unavailable,
        Self::TooManyCalls,
        Self::WrongPassword,
    ];

    /// The word in JSON and addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WrongPassword => "wrong_password",
            Self::Unavailable => "unavailable",
            Self::TooManyCalls => "too_many_calls",
            Self::UploadRefused => "upload_refused",
            Self::UploadAnswerLost => "upload_answer_lost",
            Self::SubmitAnswerLost => "submit_answer_lost",
            Self::StatusBroken => "status_broken",
            Self::NoSchedulerList => "no_scheduler_list",
            Self::NeverEnds => "never_ends",
            Self::LoaderError => "loader_error",
            Self::ImportError => "import_error",
            Self::ImportWarning => "import_warning",
            Self::PostError => "post_error",
            Self::PostWarning => "post_warning",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.as_str() == word)
    }

    /// A sentence for the page.
    pub fn display(self) -> &'static str {
        match self {
            Self::WrongPassword => "Every call is refused: wrong password (401)",
            Self::Unavailable => "Oracle is down (503)",
            Self::TooManyCalls => "Oracle takes no more calls (429)",
            Self::UploadRefused => "Uploads are refused (400)",
            Self::UploadAnswerLost => "Uploads are done, their answers get lost (504)",
            Self::SubmitAnswerLost => "Submissions are done, their answers get lost (504)",
            Self::StatusBroken => "Status cannot be asked for (500)",
            Self::NoSchedulerList => "Lost requests cannot be looked up (403)",
            Self::NeverEnds => "Requests never end",
            Self::LoaderError => "Interface Loader ends with ERROR",
            Self::ImportError => "Journal Import ends with ERROR",
            Self::ImportWarning => "Journal Import ends with WARNING",
            Self::PostError => "AutoPost ends with ERROR",
            Self::PostWarning => "AutoPost ends with WARNING",
        }
    }

    pub(super) fn error_of(job: EssJob) -> Self {
        match job {
            EssJob::InterfaceLoader => Self::LoaderError,
            EssJob::JournalImport => Self::ImportError,
            EssJob::AutoPost => Self::PostError,
        }
    }

    pub(super) fn warning_of(job: EssJob) -> Option<Self> {
        match job {
            EssJob::InterfaceLoader => None,
            EssJob::JournalImport => Some(Self::ImportWarning),
            EssJob::AutoPost => Some(Self::PostWarning),
        }
    }
}

/// Which faults are on, and for how many more calls.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Faults(BTreeMap<Fault, Option<u32>>);

impl Faults {
    pub(super) fn set(&mut self, fault: Fault, times: Option<u32>) {
        self.0.insert(fault, times);
    }

    pub(super) fn clear(&mut self, fault: Fault) {
        self.0.remove(&fault);
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        self.0.contains_key(&fault)
    }

    /// Whether it strikes now; one that strikes a number of times has one less left.
    pub(super) fn strikes(&mut self, fault: Fault) -> bool {
        let Some(left) = self.0.get_mut(&fault) else { return false };
        let Some(times) = left else { return true };
        *times = times.saturating_sub(1);
        if *times == 0 {
            self.0.remove(&fault);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_it_was_told() {
        let mut faults = Faults::default();
        faults.set(Fault::LoaderError, Some(2));
        faults.set(Fault::Unavailable, None);
        let struck: Vec<bool> = (0..3).map(|_| faults.strikes(Fault::LoaderError)).collect();
        assert_eq!(struck, [true, true, false]);
        assert!(faults.strikes(Fault::Unavailable) && faults.strikes(Fault::Unavailable));
        faults.clear(Fault::Unavailable);
        assert!(!faults.strikes(Fault::Unavailable));
    }

    #[test]
    fn every_fault_has_one_word() {
        for fault in Fault::ALL {
            assert_eq!(Fault::parse(fault.as_str()), Some(fault));
            assert_eq!(serde_json::to_value(fault).unwrap(), fault.as_str());
        }
    }
}
