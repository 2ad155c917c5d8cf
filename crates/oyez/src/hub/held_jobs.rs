//! Frames of jobs that a connection could not be told yet: the latest of each job.

use std::{collections::VecDeque, sync::Arc};

use oyez_protocol::JobId;

use super::command::JobFrame;

/// Most jobs whose frames wait for one connection.
const MOST: usize = 64;

/// The latest frame of each job, in the order in which the jobs first had something to tell.
#[derive(Debug, Default)]
pub(super) struct HeldJobs {
    frames: VecDeque<(JobId, JobFrame)>,
    bytes: usize,
}

impl HeldJobs {
    /// Takes a later frame in. Beyond `bound` bytes the oldest go, those of jobs that still run first. Returns how
    /// many frames nobody will see.
    pub(super) fn take_in(&mut self, job: JobId, frame: &JobFrame, bound: usize) -> u64 {
        let mut given_up = 0;
        if let Some(place) = self.frames.iter().position(|(other, _)| *other == job) {
            // A late word about a job that ended would bring its bar back.
            if matches!((&self.frames[place].1, frame), (JobFrame::End(_), JobFrame::Now(_))) {
                return 1;
            }
            given_up += self.forget(place);
        }
        if let JobFrame::Now(_) | JobFrame::End(Some(_)) = frame {
            self.bytes += length(frame);
            self.frames.push_back((job, frame.clone()));
        }
        while self.frames.len() > 1 && (self.frames.len() > MOST || self.bytes > bound) {
            let running = self.frames.iter().position(|(_, frame)| matches!(frame, JobFrame::Now(_)));
            given_up += self.forget(running.unwrap_or(0));
        }
        given_up
    }

    /// What is left to tell.
    pub(super) fn into_frames(self) -> impl Iterator<Item = Arc<str>> {
        self.frames.into_iter().filter_map(|(_, frame)| match frame {
            JobFrame::Now(text) => Some(text),
            JobFrame::End(text) => text,
        })
    }

    fn forget(&mut self, place: usize) -> u64 {
        let Some((_, frame)) = self.frames.remove(place) else { return 0 };
        self.bytes -= length(&frame);
        1
    }
}

fn length(frame: &JobFrame) -> usize {
    match frame {
        JobFrame::Now(text) | JobFrame::End(Some(text)) => text.len(),
        JobFrame::End(None) => 0,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn job(number: u128) -> JobId {
        JobId(Uuid::from_u128(number))
    }

    fn now(text: &str) -> JobFrame {
        JobFrame::Now(text.into())
    }

    fn end(text: &str) -> JobFrame {
        JobFrame::End(Some(text.into()))
    }

    fn told(held: HeldJobs) -> Vec<String> {
        held.into_frames().map(|text| text.to_string()).collect()
    }

    #[test]
    fn the_latest_of_each_job_waits_and_an_end_stays_the_end() {
        let mut held = HeldJobs::default();
        for (number, frame) in [(1, now("1a")), (2, now("2a")), (1, now("1b")), (2, end("2 done"))] {
            held.take_in(job(number), &frame, 1_000);
        }
        assert_eq!(held.take_in(job(2), &now("2 late"), 1_000), 1);
        assert_eq!(told(held), ["1b", "2 done"]);
    }

    #[test]
    fn an_end_that_is_an_inbox_item_leaves_nothing_to_tell() {
        let mut held = HeldJobs::default();
        held.take_in(job(1), &now("half"), 1_000);
        assert_eq!(held.take_in(job(1), &JobFrame::End(None), 1_000), 1);
        assert_eq!(told(held), [""; 0]);
    }

    #[test]
    fn what_waits_is_bounded_and_ends_outlive_the_rest() {
        let mut held = HeldJobs::default();
        let mut given_up = held.take_in(job(0), &end("the end"), 40);
        for number in 1..50 {
            given_up += held.take_in(job(number), &now("0123456789"), 40);
        }
        assert_eq!(given_up, 46);
        assert_eq!(told(held), ["the end", "0123456789", "0123456789", "0123456789"]);
    }
}
