//! All templates of one moment, compiled.

use std::collections::{BTreeMap, BTreeSet};

use oyez_core::template::Part;
use oyez_protocol::{
    Locale, TemplateName, Timestamp,
    api::{
        deliveries::Medium,
        templates::{TemplateOrigin, TemplateRequest, TemplateView},
    },
};
use oyez_store::TemplateRow;

use super::{
    DEFAULT,
    engine::{Engine, Key},
    error::Broken,
};

/// One template in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) kind: TemplateName,
    pub(super) origin: TemplateOrigin,
    pub(super) template: TemplateRequest,
    pub(super) updated_at: Option<Timestamp>,
}

impl Entry {
    pub(super) fn stored(row: TemplateRow) -> Self {
        let origin = TemplateOrigin::Stored;
        Self { kind: row.kind, origin, template: row.template, updated_at: Some(row.updated_at) }
    }

    pub(super) fn view(&self) -> TemplateView {
        let TemplateRequest { locale, subject, text, html } = self.template.clone();
        TemplateView {
            kind: self.kind.clone(),
            medium: Medium::Email,
            locale,
            origin: self.origin,
            subject,
            text,
            html,
            updated_at: self.updated_at,
        }
    }

    pub(super) fn has(&self, part: Part) -> bool {
        part.of(&self.template).is_some()
    }

    /// Names one of its parts to the engine.
    pub(super) fn key(&self, part: Part) -> Key {
        Key::new(self.kind.as_str(), self.template.locale.as_ref(), part)
    }
}

/// All templates, compiled.
#[derive(Debug)]
pub(super) struct Catalogue {
    /// By name, then by language; no language comes first.
    entries: BTreeMap<(String, String), Entry>,
    engine: Engine,
}

impl Catalogue {
    /// Compiles templates; of those with the same name and language the last one counts. What is built in for a
    /// language goes when another template of that name has taken the place of the one for all languages: else readers
    /// of that language would not get the application's own words, but ours.
    pub(super) fn new(all: Vec<Entry>) -> Self {
        let mut entries = BTreeMap::new();
        for entry in all {
            let locale = entry.template.locale.as_ref().map_or("", Locale::as_str).to_owned();
            entries.insert((entry.kind.as_str().to_owned(), locale), entry);
        }
        let general = |entry: &&Entry| entry.template.locale.is_none();
        let replaced: BTreeSet<TemplateName> = entries
            .values()
            .filter(general)
            .filter(|entry| entry.origin != TemplateOrigin::BuiltIn)
            .map(|entry| entry.kind.clone())
            .collect();
        entries.retain(|_, entry| {
            general(&&*entry) || entry.origin != TemplateOrigin::BuiltIn || !replaced.contains(&entry.kind)
        });
        let parts = entries.values().flat_map(|entry| {
            let part = |part: Part| Some((entry.key(part), part.of(&entry.template)?.to_owned()));
            Part::ALL.into_iter().filter_map(part)
        });
        let engine = Engine::new(parts.collect());
        Self { entries, engine }
    }

    /// The first part that is not Jinja.
    pub(super) fn broken(&self) -> Option<Broken> {
        self.engine.broken()
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// By name and language.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The template of this name in exactly this language.
    pub(super) fn exact(&self, kind: &str, locale: Option<&Locale>) -> Option<&Entry> {
        self.entries.get(&(kind.to_owned(), locale.map_or("", Locale::as_str).to_owned()))
    }

    /// The template of this name that is closest to a language.
    pub(super) fn closest(&self, kind: &str, locale: Option<&Locale>) -> Option<&Entry> {
        let tags = locale.into_iter().flat_map(Locale::chain).chain([""]);
        tags.into_iter().find_map(|tag| self.entries.get(&(kind.to_owned(), tag.to_owned())))
    }

    /// The template of a type, or else the one for all types.
    pub(super) fn of_type(&self, kind: &str, locale: Option<&Locale>) -> Option<&Entry> {
        self.closest(kind, locale).or_else(|| self.closest(DEFAULT, locale))
    }
}
