//! Templates: what messages are made from, as applications stored them.

use oyez_protocol::{
    Locale, TemplateName, Timestamp,
    api::{deliveries::Medium, templates::TemplateRequest},
};

use crate::{
    engine::{Row, args, sql},
    error::StoreError,
    store::Store,
    writer::Tx,
};

/// A stored template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateRow {
    /// The type of notification it is for, or the name others extend or include it by.
    pub kind: TemplateName,
    /// What it is sent by.
    pub medium: Medium,
    /// Its language and its parts.
    pub template: TemplateRequest,
    /// When it was stored.
    pub updated_at: Timestamp,
}

impl Tx {
    /// Stores a template in place of the one of the same name, medium and language.
    pub async fn put_template(&mut self, row: &TemplateRow) -> Result<(), StoreError> {
        let TemplateRequest { locale, subject, text, html } = row.template.clone();
        let args = args![
            row.kind.as_str(),
            row.medium.as_str(),
            locale.as_ref().map_or("", Locale::as_str),
            subject,
            text,
            html,
            row.updated_at
        ];
        self.execute(sql!("templates/put"), args).await?;
        self.count_template_change().await
    }

    /// How many templates are stored beside this one.
    pub async fn other_templates(
        &mut self,
        kind: &TemplateName,
        medium: Medium,
        locale: Option<&Locale>,
    ) -> Result<u64, StoreError> {
        let args = args![kind.as_str(), medium.as_str(), locale.map_or("", Locale::as_str)];
        let row = self.fetch_one(sql!("templates/count_others"), args).await?;
        row.map_or(Ok(0), |row| row.count(0))
    }

    /// Deletes a template. Returns whether there was one.
    pub async fn delete_template(
        &mut self,
        kind: &TemplateName,
        medium: Medium,
        locale: Option<&Locale>,
    ) -> Result<bool, StoreError> {
        let args = args![kind.as_str(), medium.as_str(), locale.map_or("", Locale::as_str)];
        let deleted = self.execute(sql!("templates/delete"), args).await? > 0;
        if deleted {
            self.count_template_change().await?;
        }
        Ok(deleted)
    }

    async fn count_template_change(&mut self) -> Result<(), StoreError> {
        self.execute(sql!("templates/count_change"), args![]).await.map(|_| ())
    }
}

impl Store {
    /// All stored templates, by name, medium and language. There are never so many that they need pages:
    /// `oyez_core::template::MAX_TEMPLATES`.
    pub async fn templates(&self) -> Result<Vec<TemplateRow>, StoreError> {
        let rows = self.reader().await?.fetch(sql!("templates/all"), args![]).await?;
        rows.iter().map(template).collect()
    }

    /// How often templates were changed: whoever knows a smaller number reads them again. Read before
    /// [`Self::templates`], it is never larger than what those are.
    pub async fn templates_revision(&self) -> Result<u64, StoreError> {
        let row = self.reader().await?.fetch_one(sql!("templates/revision"), args![]).await?;
        row.map_or(Ok(0), |row| row.count(0))
    }
}

fn template(row: &Row) -> Result<TemplateRow, StoreError> {
    let locale = match row.text(2)? {
        "" => None,
        _ => row.opt_name(2)?,
    };
    let part = |column: usize| Ok::<_, StoreError>(row.opt_text(column)?.map(str::to_owned));
    Ok(TemplateRow {
        kind: row.name(0)?,
        medium: row.name(1)?,
        template: TemplateRequest { locale, subject: part(3)?, text: part(4)?, html: part(5)? },
        updated_at: row.time(6)?,
    })
}
