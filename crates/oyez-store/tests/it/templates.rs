//! Templates: what is stored is read back, and every change is counted, so that other nodes notice it.

use oyez_protocol::{
    Locale, TemplateName,
    api::{deliveries::Medium, templates::TemplateRequest},
};
use oyez_store::{Store, TemplateRow};

use crate::support::{Fixture, at};

fn row(kind: &str, locale: Option<&str>, subject: &str) -> TemplateRow {
    let locale = locale.map(|tag| Locale::new(tag).unwrap());
    let template = TemplateRequest { locale, subject: Some(subject.into()), ..TemplateRequest::default() };
    TemplateRow { kind: TemplateName::new(kind).unwrap(), medium: Medium::Email, template, updated_at: at(0) }
}

async fn put(store: &Store, row: TemplateRow) {
    store.write(move |tx| Box::pin(async move { tx.put_template(&row).await })).await.unwrap();
}

async fn delete(store: &Store, kind: &str) -> bool {
    let kind = TemplateName::new(kind).unwrap();
    let deleting =
        store.write(move |tx| Box::pin(async move { tx.delete_template(&kind, Medium::Email, None).await }));
    deleting.await.unwrap()
}

#[tokio::test]
async fn every_change_is_counted_and_what_changes_nothing_is_not() {
    let fixture = Fixture::new().await;
    let store = &fixture.store;
    assert_eq!(store.templates_revision().await.unwrap(), 0);
    put(store, row("t", None, "one")).await;
    put(store, row("t", Some("de"), "eins")).await;
    assert_eq!(store.templates_revision().await.unwrap(), 2);
    // The same moment and the same number of templates: another change all the same.
    put(store, row("t", None, "two")).await;
    assert_eq!(store.templates_revision().await.unwrap(), 3);
    assert!(delete(store, "t").await && !delete(store, "t").await);
    assert_eq!(store.templates_revision().await.unwrap(), 4);
    assert_eq!(store.templates().await.unwrap(), [row("t", Some("de"), "eins")]);
}
