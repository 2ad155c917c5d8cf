//! The use cases around tickets: who there is, which projects, and who belongs to them.

use super::Desk;
use crate::{
    access,
    database::{people, projects, tickets, tickets::TicketFilter},
    people::{Mention, Person, PersonId, Role},
    refusal::{self, Refusal},
    ticket::{Project, ProjectId, Ticket},
};
use oyez::protocol::Timestamp;

impl Desk {
    /// The present, by this desk's clock.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Tickets by filter, the newest first. The filter decides what the person may see: [`Desk::visible_to`].
    pub async fn tickets(&self, filter: TicketFilter) -> Result<Vec<Ticket>, Refusal> {
        Ok(tickets::list(self.database.pool(), filter).await?)
    }

    /// Everybody, or everybody with a role; for admins.
    pub async fn people(&self, person: &Person, role: Option<Role>) -> Result<Vec<Person>, Refusal> {
        access::may_administer(person)?;
        Ok(people::list(self.database.pool(), role).await?)
    }

    /// How many people there are: none in a new database.
    pub async fn people_count(&self) -> Result<i64, Refusal> {
        Ok(people::count(self.database.pool()).await?)
    }

    /// The projects a person may see: all for admins, one's own for others.
    pub async fn projects(&self, person: &Person) -> Result<Vec<Project>, Refusal> {
        let member = (!person.is(Role::Admin)).then_some(person.id);
        Ok(projects::list(self.database.pool(), member).await?)
    }

    /// The projects a person belongs to: where they may report.
    pub async fn own_projects(&self, person: &Person) -> Result<Vec<Project>, Refusal> {
        Ok(projects::list(self.database.pool(), Some(person.id)).await?)
    }

    /// Every project with its members; for admins.
    pub async fn members(&self, person: &Person) -> Result<Vec<(Project, Vec<Mention>)>, Refusal> {
        access::may_administer(person)?;
        let all = projects::members(self.database.pool()).await?;
        let members_of = |id: ProjectId| {
            all.iter().filter(|(project, _)| *project == id).map(|(_, member)| member.clone()).collect()
        };
        let projects = projects::list(self.database.pool(), None).await?;
        Ok(projects.into_iter().map(|project| (project.clone(), members_of(project.id))).collect())
    }

    /// Adds a project; for admins.
    pub async fn add_project(&self, person: &Person, name: &str) -> Result<Project, Refusal> {
        access::may_administer(person)?;
        let name = refusal::line("name", name, 100)?;
        let mut tx = self.database.write().await?;
        let id = projects::insert(&mut tx, &name, self.clock.now()).await?;
        let id = id.ok_or_else(|| Refusal::Conflict(format!("there is a project {name} already")))?;
        tx.commit().await?;
        Ok(Project { id, name })
    }

    /// Lets somebody report in a project; for admins.
    pub async fn add_member(
        &self,
        person: &Person,
        project: ProjectId,
        member: PersonId,
    ) -> Result<(), Refusal> {
        access::may_administer(person)?;
        let mut tx = self.database.write().await?;
        projects::get(&mut tx, project).await?.ok_or(Refusal::NotFound("project"))?;
        people::get(&mut tx, member).await?.ok_or(Refusal::NotFound("person"))?;
        projects::add_member(&mut tx, project, member).await?;
        Ok(tx.commit().await?)
    }

    /// Takes somebody out of a project; for admins. Their tickets stay.
    pub async fn remove_member(
        &self,
        person: &Person,
        project: ProjectId,
        member: PersonId,
    ) -> Result<(), Refusal> {
        access::may_administer(person)?;
        let mut tx = self.database.write().await?;
        projects::remove_member(&mut tx, project, member).await?;
        Ok(tx.commit().await?)
    }
}
