//! Who may do what. Pure: a person, an answer.

use crate::people::{Person, Role};

/// Not allowed, with the sentence that says who would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Forbidden(pub &'static str);

/// Reviewers and admins see applications and move them.
pub fn may_review(person: &Person) -> Result<(), Forbidden> {
    if person.is_staff() { Ok(()) } else { Err(Forbidden("only reviewers see and decide applications")) }
}

/// Admins work on many at once: bulk approval, announcements, scheduled tasks.
pub fn may_administer(person: &Person) -> Result<(), Forbidden> {
    match person.role {
        Role::Admin => Ok(()),
        Role::Reviewer | Role::Supplier => {
            Err(Forbidden("only admins approve in bulk, announce and steer tasks"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{application::ApplicationId, people::PersonId};

    #[test]
    fn each_role_may_what_it_needs_and_no_more() {
        let table =
            [(Role::Admin, true, true), (Role::Reviewer, true, false), (Role::Supplier, false, false)];
        for (role, reviews, administers) in table {
            let application = (role == Role::Supplier).then_some(ApplicationId(1));
            let (id, email, name) = (PersonId(1), String::new(), String::new());
            let person = Person { id, email, name, role, application, must_set_password: false };
            assert_eq!(may_review(&person).is_ok(), reviews, "{role:?}");
            assert_eq!(may_administer(&person).is_ok(), administers, "{role:?}");
        }
    }
}
