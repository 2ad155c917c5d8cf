//! Something to look at: three people to sign in as, a few more to work with, two projects, tickets in every state.
//!
//! Everything goes through the use cases, with a clock that was set back, so that the demo is what real use leaves.

use oyez::protocol::Timestamp;
use oyez_core::clock::{Clock, ManualClock};

use crate::{
    app::App,
    desk::{Desk, Report, Step},
    people::{Person, Role},
    refusal::Refusal,
    ticket::{Category, Priority, Project, Ticket},
};

/// The password of everybody in the demo.
pub const PASSWORD: &str = "hear-ye-2026";

/// The three logins worth trying, one per role.
pub const LOGINS: [(&str, Role); 3] = [
    ("ada@demo.example", Role::Admin),
    ("dev@demo.example", Role::Developer),
    ("carla@demo.example", Role::Client),
];

/// Fills an empty database; a database with people in it is left as it is. Says whether it filled it.
pub async fn fill(app: &App) -> Result<bool, Refusal> {
    if app.desk.people_count().await? > 0 {
        return Ok(false);
    }
    let cast = Cast::join(app).await?;
    cast.play(app).await?;
    app.desk.promised.notify_one();
    Ok(true)
}

struct Cast {
    ada: Person,
    dev: Person,
    mira: Person,
    carla: Person,
    noor: Person,
    shop: Project,
    payroll: Project,
}

impl Cast {
    async fn join(app: &App) -> Result<Self, Refusal> {
        let add = async |email: &str, name: &str, roles: &[Role]| {
            app.add_person(&format!("{email}@demo.example"), name, PASSWORD, roles).await
        };
        let ada = add("ada", "Ada Admin", &[Role::Admin]).await?;
        let dev = add("dev", "Dev Patel", &[Role::Developer]).await?;
        // Both at once: she hears of a verdict on her own work one time, not two.
        let mira = add("mira", "Mira Santos", &[Role::Admin, Role::Developer]).await?;
        let carla = add("carla", "Carla Client", &[Role::Client]).await?;
        let noor = add("noor", "Noor Haddad", &[Role::Client]).await?;
        let shop = app.desk.add_project(&ada, "Web shop").await?;
        let payroll = app.desk.add_project(&ada, "Payroll").await?;
        app.desk.add_member(&ada, shop.id, carla.id).await?;
        app.desk.add_member(&ada, payroll.id, carla.id).await?;
        app.desk.add_member(&ada, payroll.id, noor.id).await?;
        Ok(Self { ada, dev, mira, carla, noor, shop, payroll })
    }

    async fn play(&self, app: &App) -> Result<(), Refusal> {
        let hours_ago = |hours: i64| app.desk.now().plus_seconds(-hours * 3600);
        let Self { ada, dev, mira, carla, noor, .. } = self;

        let mut past = Past::at(app, hours_ago(190));
        let slow = past
            .report(
                noor,
                &self.payroll,
                Priority::Medium,
                Category::Performance,
                "Payslip export takes minutes",
                "Exporting all payslips of one month takes four minutes; it used to take ten seconds.",
            )
            .await?;
        past.step(ada, &slow, 1, Step::Open).await?;
        past.step(ada, &slow, 0, Step::Assign(vec![mira.id])).await?;
        past.step(mira, &slow, 20, Step::Start).await?;
        past.say(mira, &slow, 5, "An index got lost with the last migration. It is back, with a test.")
            .await?;
        past.step(mira, &slow, 1, Step::Finish).await?;
        past.step(noor, &slow, 18, Step::Approve).await?;

        let mut past = Past::at(app, hours_ago(70));
        let cart = past
            .report(carla, &self.shop, Priority::High, Category::Bug, "Cart is empty after login",
                "Put two things in the cart as a guest, then sign in: the cart is empty.\nExpected: both things are still there.")
            .await?;
        past.step(ada, &cart, 1, Step::Open).await?;
        past.step(ada, &cart, 0, Step::Assign(vec![dev.id, mira.id])).await?;
        past.step(dev, &cart, 3, Step::Start).await?;
        past.say(dev, &cart, 2, "Does it also happen when you sign in with Google?").await?;
        past.say(carla, &cart, 1, "Yes, both ways.").await?;
        past.step(dev, &cart, 15, Step::Finish).await?;
        past.step(carla, &cart, 5, Step::Reject("One of two things is still missing.".into())).await?;
        past.step(dev, &cart, 20, Step::Finish).await?;

        let mut past = Past::at(app, hours_ago(9));
        let card = past
            .report(
                carla,
                &self.shop,
                Priority::Critical,
                Category::Outage,
                "Card payments are declined",
                "Since this morning every card is declined with \"try again later\". PayPal works.",
            )
            .await?;
        past.step(ada, &card, 1, Step::Open).await?;
        past.step(ada, &card, 0, Step::Assign(vec![dev.id])).await?;
        past.step(dev, &card, 1, Step::Start).await?;
        past.say(dev, &card, 1, "The bank changed its certificate at midnight. Talking to them.").await?;

        let mut past = Past::at(app, hours_ago(5));
        let tax = past
            .report(
                noor,
                &self.payroll,
                Priority::High,
                Category::Bug,
                "Tax class is not saved",
                "I change the tax class of an employee, save, and see the old one.",
            )
            .await?;
        past.step(mira, &tax, 1, Step::Open).await?;
        past.step(mira, &tax, 1, Step::Assign(vec![dev.id])).await?;

        let mut past = Past::at(app, hours_ago(2));
        let invoice = past
            .report(
                carla,
                &self.shop,
                Priority::Low,
                Category::Question,
                "Where do I change the invoice address?",
                "Our office moved. I cannot find where invoices get their address from.",
            )
            .await?;
        past.step(ada, &invoice, 1, Step::Open).await?;
        past.report(
            carla,
            &self.payroll,
            Priority::Medium,
            Category::Security,
            "Former colleague can still sign in",
            "Jo left in October and could still open the payroll yesterday.",
        )
        .await?;
        Ok(())
    }
}

/// The desk, some time ago.
struct Past {
    desk: Desk,
    clock: ManualClock,
}

impl Past {
    fn at(app: &App, time: Timestamp) -> Self {
        let (clock, hand) = Clock::manual(time);
        Self { desk: Desk { clock, ..app.desk.clone() }, clock: hand }
    }

    async fn report(
        &mut self,
        who: &Person,
        project: &Project,
        priority: Priority,
        category: Category,
        title: &str,
        description: &str,
    ) -> Result<Ticket, Refusal> {
        let report = Report {
            project: project.id,
            title: title.into(),
            description: description.into(),
            priority,
            category,
        };
        self.desk.report(who, &report, None).await
    }

    async fn step(&mut self, who: &Person, ticket: &Ticket, hours: i64, step: Step) -> Result<(), Refusal> {
        self.clock.advance(hours * 3600 + 140);
        self.desk.step(who, ticket.id, &step, None).await.map(drop)
    }

    async fn say(&mut self, who: &Person, ticket: &Ticket, hours: i64, text: &str) -> Result<(), Refusal> {
        self.clock.advance(hours * 3600 + 40);
        self.desk.comment(who, ticket.id, text, None).await.map(drop)
    }
}
