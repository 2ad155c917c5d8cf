//! Who may see a ticket and who may make which move. Pure: a person, a ticket, an answer.

use crate::{
    life_cycle::Move,
    people::{Person, Role},
    ticket::Ticket,
};

/// Not allowed, with the sentence that says who would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Forbidden(pub &'static str);

/// Admins see every ticket, developers those they work on, clients those they reported.
pub fn may_see(person: &Person, ticket: &Ticket) -> Result<(), Forbidden> {
    let concerned = person.is(Role::Admin)
        || ticket.created_by.id == person.id
        || (person.is(Role::Developer) && ticket.is_assigned_to(person.id));
    allowed(concerned, "only admins, the ticket's creator and its developers may see it")
}

/// Admins open and assign, assigned developers work, the creator judges.
pub fn may_move(person: &Person, ticket: &Ticket, step: Move) -> Result<(), Forbidden> {
    match step {
        Move::Open | Move::Assign => allowed(person.is(Role::Admin), "only admins open and assign tickets"),
        Move::Start | Move::Finish => allowed(
            person.is(Role::Developer) && ticket.is_assigned_to(person.id),
            "only a developer assigned to the ticket starts and finishes work on it",
        ),
        Move::Approve | Move::Reject => allowed(
            ticket.created_by.id == person.id,
            "only the client who created the ticket approves or rejects the work",
        ),
    }
}

/// Clients report incidents in the projects they belong to.
pub fn may_report(person: &Person, is_member: bool) -> Result<(), Forbidden> {
    allowed(person.is(Role::Client), "only clients report incidents")?;
    allowed(is_member, "you do not belong to this project")
}

/// Admins keep people and projects.
pub fn may_administer(person: &Person) -> Result<(), Forbidden> {
    allowed(person.is(Role::Admin), "only admins keep people and projects")
}

fn allowed(yes: bool, otherwise: &'static str) -> Result<(), Forbidden> {
    if yes { Ok(()) } else { Err(Forbidden(otherwise)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::{person, ticket};

    #[test]
    fn each_move_belongs_to_one_role() {
        let ticket = ticket();
        let admin = person(1, &[Role::Admin]);
        let developer = person(2, &[Role::Developer]);
        let creator = person(3, &[Role::Client]);
        for step in Move::ALL {
            let who = match step {
                Move::Open | Move::Assign => 1,
                Move::Start | Move::Finish => 2,
                Move::Approve | Move::Reject => 3,
            };
            for person in [&admin, &developer, &creator] {
                assert_eq!(
                    may_move(person, &ticket, step).is_ok(),
                    person.id.0 == who,
                    "{step:?} {person:?}"
                );
            }
        }
    }

    #[test]
    fn strangers_see_nothing_and_other_developers_do_no_work() {
        let ticket = ticket();
        for stranger in [person(8, &[Role::Developer]), person(9, &[Role::Client])] {
            assert!(may_see(&stranger, &ticket).is_err());
            for step in Move::ALL {
                assert!(may_move(&stranger, &ticket, step).is_err());
            }
        }
        // Assigned once, but no developer any more.
        assert!(may_move(&person(2, &[Role::Client]), &ticket, Move::Start).is_err());
    }

    #[test]
    fn only_clients_report_and_only_where_they_belong() {
        assert!(may_report(&person(3, &[Role::Client]), true).is_ok());
        assert!(may_report(&person(3, &[Role::Client]), false).is_err());
        assert!(may_report(&person(1, &[Role::Admin]), true).is_err());
    }
}
