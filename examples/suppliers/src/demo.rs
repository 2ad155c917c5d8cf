//! Something to look at: people to sign in as, a year of applications in every status, and a few that wait for you.
//!
//! The past is written as rows, without telling anybody; what waits for the visitor goes through the use cases.

use oyez::protocol::Timestamp;

use crate::{
    app::App,
    application::{Application, ApplicationId, Category, Typed},
    database::{Write, applications, outbox, people, people::NewPerson},
    desk::{Desk, Step, Upload},
    document::DocumentKind,
    errand::{Errand, Lane, Promise},
    life_cycle::Status,
    people::{Person, PersonId, Role},
    refusal::Refusal,
};

/// The password of everybody in the demo.
pub const PASSWORD: &str = "hear-ye-2026";

/// The logins worth trying.
pub const LOGINS: [(&str, Role); 3] = [
    ("ada@demo.example", Role::Admin),
    ("rita@demo.example", Role::Reviewer),
    ("supplier@demo.example", Role::Supplier),
];

const NAMES: [&str; 24] = [
    "Alder", "Birch", "Cedar", "Dahlia", "Elm", "Fern", "Gentian", "Hazel", "Iris", "Juniper", "Kestrel",
    "Larch", "Maple", "Nettle", "Oak", "Poplar", "Quince", "Rowan", "Sorrel", "Teasel", "Ulmus", "Vetch",
    "Willow", "Yarrow",
];
const TRADES: [(&str, Category); 6] = [
    ("Trading", Category::Goods),
    ("Consulting", Category::Services),
    ("Builders", Category::Construction),
    ("Systems", Category::Technology),
    ("Freight", Category::Logistics),
    ("Kitchens", Category::Catering),
];
const COUNTRIES: [&str; 8] =
    ["Switzerland", "Kenya", "Portugal", "Jordan", "Canada", "Vietnam", "Chile", "Finland"];
const PEOPLE: [&str; 8] = [
    "Amina Odhiambo",
    "Luca Ferri",
    "Noor Haddad",
    "Sofia Costa",
    "Ravi Iyer",
    "Greta Lind",
    "Tom Novak",
    "Mei Chen",
];
/// Applications of the past year.
const PAST: i64 = 84;
const DAY: i64 = 24 * 3600;

/// Fills an empty database; a database with people in it is left as it is. Says whether it filled it.
pub async fn fill(app: &App) -> Result<bool, Refusal> {
    if app.desk.people_count().await? > 0 {
        return Ok(false);
    }
    let ada = app.add_staff("ada@demo.example", "Ada Admin", PASSWORD, Role::Admin).await?;
    let rita = app.add_staff("rita@demo.example", "Rita Reviewer", PASSWORD, Role::Reviewer).await?;
    let supplier = past(app, &ada, &rita).await?;
    app.login.set_password(supplier, "", PASSWORD).await?;
    present(&app.desk, &rita).await?;
    Ok(true)
}

/// Adds applications that are under review: a crowd to approve at once.
pub async fn crowd(app: &App, size: i64) -> Result<(), Refusal> {
    let desk = &app.desk;
    let now = desk.now();
    let mut tx = desk.database.write().await?;
    for number in 0..size {
        let typed = invented(number, &format!("crowd-{}-{number}@demo.example", now.as_millis()));
        let at = now.plus_seconds(-(size - number) * 60);
        written(&mut tx, &typed, Status::UnderReview, at, at.plus_seconds(30), None).await?;
    }
    tx.commit().await?;
    desk.promised.notify_one();
    desk.counted.notify_one();
    Ok(())
}

/// What somebody invented applies with.
fn invented(number: i64, email: &str) -> Typed {
    let place = |many: usize| usize::try_from(number).unwrap_or(0) % many;
    let (trade, category) = TRADES[place(TRADES.len())];
    Typed {
        company_name: format!(
            "{} {trade} {}",
            NAMES[place(NAMES.len())],
            if number % 2 == 0 { "Ltd" } else { "SA" }
        ),
        registration_number: format!("REG-{:05}", 10_000 + number * 37),
        country: COUNTRIES[place(COUNTRIES.len())].into(),
        category: category.as_str().into(),
        contact_name: PEOPLE[place(PEOPLE.len())].into(),
        email: email.into(),
        phone: format!("+41 44 555 {:02} {:02}", number % 100, (number * 7) % 100),
        website: String::new(),
        description: format!("{} for offices and events, delivered on time.", category.display()),
    }
}

/// Writes an application as it would stand now; answers it.
async fn written(
    tx: &mut Write,
    typed: &Typed,
    status: Status,
    came: Timestamp,
    moved: Timestamp,
    by: Option<PersonId>,
) -> Result<Application, Refusal> {
    let form = typed.check()?;
    let (id, _) = applications::insert(tx, &form, came).await?;
    applications::add_entry(tx, id, None, "submitted", "", came).await?;
    let mut application = applications::get(tx, id).await?.ok_or(Refusal::NotFound("application"))?;
    application.status = status;
    if status != Status::PendingReview {
        application.updated_at = moved;
        applications::add_entry(tx, id, by, "reviewed", "", came.plus_seconds(1_800).min(moved)).await?;
    }
    match status {
        Status::DocumentsRequested => {
            application.requested = vec![DocumentKind::TradeLicence, DocumentKind::BankLetter];
            application.request_note = Some("Copies are fine.".into());
            let body = "Trade licence, Bank letter\nCopies are fine.";
            applications::add_entry(tx, id, by, "requested", body, moved).await?;
        }
        Status::Approved => {
            application.decided_at = Some(moved);
            applications::add_entry(tx, id, by, "approved", "", moved).await?;
        }
        Status::Rejected => {
            let reason = "We have enough suppliers of this kind this year.";
            application.decided_at = Some(moved);
            application.rejection_reason = Some(reason.into());
            applications::add_entry(tx, id, by, "rejected", reason, moved).await?;
        }
        Status::PendingReview | Status::UnderReview => {}
    }
    applications::update(tx, &application).await?;
    let roles = if status == Status::Approved { Role::Supplier.names() } else { vec![] };
    let errand = Errand::Introduce { user: id.user_id(), name: form.contact_name, email: form.email, roles };
    let promise = Promise { lane: Lane::Bulk, application: Some(id), errand };
    outbox::insert(tx, &promise, came).await?;
    Ok(application)
}

/// A year of applications, the oldest first, so that tracking codes are in order. Answers a supplier to sign in as.
async fn past(app: &App, ada: &Person, rita: &Person) -> Result<PersonId, Refusal> {
    let desk = &app.desk;
    let now = desk.now();
    let mut tx = desk.database.write().await?;
    let mut one = None;
    for number in 0..PAST {
        // More of them lately than a year ago.
        let share = number as f64 / PAST as f64;
        let days_ago = ((1.0 - share * (0.4 + 0.6 * share)) * 350.0) as i64;
        let came = now.plus_seconds(-days_ago * DAY - (number * 7_919) % DAY);
        let status = match number {
            0..70 if number % 5 == 3 => Status::Rejected,
            0..70 => Status::Approved,
            _ => Status::ALL[(number % 5).min(3) as usize],
        };
        let first_supplier = one.is_none() && status == Status::Approved;
        let email = if first_supplier {
            "supplier@demo.example".to_owned()
        } else {
            format!("company-{number}@demo.example")
        };
        let moved = came.plus_seconds((1 + number % 4) * DAY).min(now.plus_seconds(-600));
        let by = if number % 3 == 0 { ada.id } else { rita.id };
        let application = written(&mut tx, &invented(number, &email), status, came, moved, Some(by)).await?;
        if status == Status::Approved {
            let person = account(&mut tx, &application, moved).await?;
            one = one.or(Some(person));
        }
    }
    tx.commit().await?;
    desk.promised.notify_one();
    one.ok_or(Refusal::NotFound("supplier"))
}

async fn account(tx: &mut Write, application: &Application, at: Timestamp) -> Result<PersonId, Refusal> {
    let new = NewPerson {
        email: &application.form.email,
        name: &application.form.contact_name,
        role: Role::Supplier,
        password_hash: None,
        application: Some(application.id),
    };
    people::insert(tx, &new, at).await?.ok_or_else(|| Refusal::Conflict("the demo's address is taken".into()))
}

/// Three applications of today, by the use cases: their mails are in the mailbox.
async fn present(desk: &Desk, rita: &Person) -> Result<(), Refusal> {
    let apply = async |number: i64, name: &str| -> Result<ApplicationId, Refusal> {
        let email = format!("{}@demo.example", name.split(' ').next().unwrap_or(name).to_lowercase());
        let typed = Typed { company_name: name.into(), ..invented(number, &email) };
        Ok(desk.apply(&typed.check()?, None).await?.id)
    };
    let asked = apply(301, "Harbour Freight SA").await?;
    desk.step(rita, asked, &Step::Review, None).await?;
    let kinds = vec![DocumentKind::TradeLicence, DocumentKind::Insurance];
    let request = Step::RequestDocuments(kinds, "The licence of this year, please.".into());
    desk.step(rita, asked, &request, None).await?;
    let upload = Upload { kind: DocumentKind::TradeLicence, name: "licence.pdf".into(), bytes: paper() };
    desk.upload(asked, &upload, None).await?;
    let looked_at = apply(303, "Lakeside Systems Ltd").await?;
    desk.step(rita, looked_at, &Step::Review, None).await?;
    apply(305, "Meadow Kitchens SA").await?;
    Ok(())
}

/// The smallest thing that is a PDF.
fn paper() -> Vec<u8> {
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
      3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
        .to_vec()
}
