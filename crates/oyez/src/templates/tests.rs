use jiff::tz::TimeZone;
use oyez_core::template::Part;
use oyez_protocol::{
    Locale, TemplateName, Timestamp, UserId,
    api::{
        deliveries::Medium,
        templates::{PreviewRequest, TemplateOrigin, TemplateRequest},
    },
};
use oyez_store::StoreOptions;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{
    catalogue::{Catalogue, Entry},
    *,
};

fn app() -> App {
    App { name: "Acme".into(), url: "https://app.example.com".into() }
}

fn fields(value: Value) -> Map<String, Value> {
    let Value::Object(fields) = value else { panic!("{value} is no object") };
    fields
}

fn to(locale: &str, tells: Tells) -> Letter {
    let reader = Reader {
        id: UserId::new("anna").unwrap(),
        name: Some("Anna".into()),
        email: Some("anna@example.org".into()),
        locale: Locale::new(locale).ok(),
        zone: TimeZone::get("Europe/Zurich").unwrap(),
    };
    let link = Some("https://n.example.com/unsubscribe/t".to_owned());
    Letter { reader, tells, unsubscribe_url: link.clone(), preferences_url: link }
}

fn about(kind: &str, rest: Value) -> Letter {
    let mut all = fields(json!({"type": kind, "message": "m", "timestamp": "2026-11-20T22:05:00.000Z"}));
    all.extend(fields(rest));
    to("de-CH", Tells::Notification(all))
}

fn html(source: &str) -> TemplateRequest {
    TemplateRequest { subject: Some("s".into()), html: Some(source.into()), ..TemplateRequest::default() }
}

fn entry(kind: &str, template: TemplateRequest) -> Entry {
    let kind = TemplateName::new(kind).unwrap();
    Entry { kind, origin: TemplateOrigin::Stored, template, updated_at: None }
}

fn rendered(entries: Vec<Entry>, letter: &Letter) -> Result<Message, Broken> {
    let all = built_in::entries().into_iter().chain(entries).collect();
    message::render(&Catalogue::new(all), letter, &app())
}

/// The HTML of one template, or why there is none.
fn try_html(source: &str, rest: Value) -> Result<String, String> {
    let message = rendered(vec![entry("t", html(source))], &about("t", rest));
    message.map(|message| message.html.unwrap()).map_err(|broken| broken.to_string())
}

struct Fixture {
    _directory: tempfile::TempDir,
    templates: Templates,
    store: Store,
    clock: Clock,
    hand: oyez_core::clock::ManualClock,
}

impl Fixture {
    async fn new(folder: Option<std::path::PathBuf>) -> Result<Self, TemplatesError> {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(&StoreOptions::new(directory.path().join("oyez.db"))).await.unwrap();
        let (clock, hand) = Clock::manual("2026-11-20T13:00:00Z".parse::<Timestamp>().unwrap());
        let options = TemplatesOptions { app: app(), folder };
        let templates = Templates::open(store.clone(), clock.clone(), options).await?;
        Ok(Self { _directory: directory, templates, store, clock, hand })
    }

    async fn put(&self, kind: &str, template: TemplateRequest) -> Result<(), String> {
        let kind = TemplateName::new(kind).unwrap();
        let put = self.templates.put(&kind, Medium::Email, template).await;
        put.map(drop).map_err(|error| error.to_string())
    }
}

#[test]
fn the_built_in_templates_make_a_message_of_any_notification() {
    let letter = about(
        "notification",
        json!({"title": "Hello", "url": "/reports/7", "severity": "warning", "message": "one\ntwo <b>"}),
    );
    let message = rendered(Vec::new(), &letter).unwrap();
    assert_eq!(message.subject, "Hello");
    let expected = "Hello\n\none\ntwo <b>\n\nhttps://app.example.com/reports/7\n\n20.11.2026, 23:05\n\n--\nGesendet von Acme, \
                    https://app.example.com\nAbbestellen: https://n.example.com/unsubscribe/t\n";
    assert_eq!(message.text, expected);
    let html = message.html.unwrap();
    assert!(html.contains("one<br />two &lt;b&gt;"), "{html}");
    assert!(
        html.contains("https:&#x2f;&#x2f;app.example.com&#x2f;reports&#x2f;7")
            || html.contains("https://app.example.com/reports/7"),
        "{html}"
    );
    assert!(!html.contains("<mj-") && !html.contains("fonts.googleapis"), "{html}");
    let bare = to("", Tells::Notification(fields(json!({"type": "x", "message": "only this"}))));
    assert_eq!(rendered(Vec::new(), &bare).unwrap_err().reason, "there is no value for `timestamp`");
}

#[test]
fn a_digest_lists_its_notifications_and_counts_the_others() {
    let one = |title: &str| {
        fields(json!({"type": "a", "message": format!("about {title}"), "title": title,
        "timestamp": "2026-11-20T22:05:00.000Z"}))
    };
    let letter = to("en", Tells::Digest { items: vec![one("First"), one("Second")], total: 5 });
    let message = rendered(Vec::new(), &letter).unwrap();
    assert_eq!(message.subject, "5 notifications from Acme");
    assert!(message.text.contains("* First\n  about First\n"), "{}", message.text);
    assert!(message.text.contains("And 3 more."), "{}", message.text);
    assert!(message.html.unwrap().contains("about Second"));
}

/// The tags of HTML, in order, with what they hold.
fn tags(html: &str) -> Vec<&str> {
    html.split('<').skip(1).filter_map(|rest| rest.split('>').next()).collect()
}

#[test]
fn readers_of_german_are_written_to_in_german_and_in_the_same_looks() {
    let one = |number: u32| {
        fields(
            json!({"type": "a", "message": format!("Nachricht {number}"), "title": format!("Titel {number}"),
            "url": "/x", "severity": "warning", "timestamp": "2026-11-20T22:05:00.000Z"}),
        )
    };
    let notification = || Tells::Notification(one(1));
    let digest = |total| Tells::Digest { items: vec![one(1)], total };
    let message = |locale: &str, tells: Tells| {
        let own_page = Some("https://app.example.com/me".to_owned());
        rendered(Vec::new(), &Letter { preferences_url: own_page, ..to(locale, tells) }).unwrap()
    };
    let german = message("de-AT", notification());
    let html = german.html.unwrap();
    for part in [
        "lang=\"de\"",
        ">Öffnen<",
        "Warnung",
        "Gesendet von",
        "an Anna",
        "Abbestellen",
        "Wählen Sie, worüber Sie",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
    let expected =
        "Wählen Sie, worüber Sie benachrichtigt werden: https://app.example.com/me\nAbbestellen: https://";
    assert!(german.text.contains(expected), "{}", german.text);
    let many = message("de", digest(3));
    assert_eq!(many.subject, "3 Benachrichtigungen von Acme");
    assert!(
        many.text.starts_with("3 Benachrichtigungen, die Sie noch nicht gesehen haben.\n"),
        "{}",
        many.text
    );
    assert!(many.text.contains("Und 2 weitere."), "{}", many.text);
    assert_eq!(message("de", digest(1)).subject, "1 Benachrichtigung von Acme");
    assert_eq!(message("fr", digest(1)).subject, "1 notification from Acme");
    // A change of one is a change of the other.
    let tells: [&dyn Fn() -> Tells; 2] = [&notification, &|| digest(3)];
    for tells in tells {
        let (german, english) = (message("de", tells()).html.unwrap(), message("en", tells()).html.unwrap());
        assert_eq!(tags(&german.replace("lang=\"de\"", "lang=\"en\"")), tags(&english));
    }
}

#[test]
fn words_of_ours_in_a_language_never_hide_the_applications_own() {
    let own = |source: &str| TemplateRequest {
        text: Some(source.into()),
        html: Some(source.into()),
        ..TemplateRequest::default()
    };
    let letter = to("de", about("x", json!({})).tells);
    let text = |entries| rendered(entries, &letter).unwrap().text;
    assert_eq!(text(vec![entry("default", own("own"))]), "own\n");
    let frame = own("{% block content %}{% endblock %}own frame");
    let framed = text(vec![entry("layout", frame)]);
    assert!(framed.ends_with("own frame\n") && !framed.contains("Gesendet von"), "{framed}");
    let german = TemplateRequest { locale: Locale::new("de").ok(), ..own("eigenes") };
    assert_eq!(text(vec![entry("default", own("own")), entry("default", german)]), "eigenes\n");
}

#[test]
fn the_closest_language_is_taken_and_the_type_before_the_language() {
    let in_language = |locale: Option<&str>, text: &str| TemplateRequest {
        locale: locale.map(|tag| Locale::new(tag).unwrap()),
        text: Some(text.into()),
        ..TemplateRequest::default()
    };
    let all = vec![
        entry("t", in_language(None, "none")),
        entry("t", in_language(Some("de"), "german")),
        entry("default", in_language(Some("de-CH"), "swiss default")),
    ];
    let text = |kind: &str, locale: &str| {
        let letter =
            Letter { reader: to(locale, about(kind, json!({})).tells).reader, ..about(kind, json!({})) };
        rendered(all.clone(), &letter).unwrap().text
    };
    assert_eq!(text("t", "de-CH"), "german\n");
    assert_eq!(text("t", "fr"), "none\n");
    assert_eq!(text("other", "de-CH"), "swiss default\n");
}

#[test]
fn a_part_extends_and_includes_parts_of_its_own_sort_and_language() {
    let german = |mut template: TemplateRequest| {
        template.locale = Locale::new("de").ok();
        template
    };
    let all = vec![
        entry("frame", html("<i>{% block b %}{% endblock %}</i>")),
        entry("frame", german(html("<u>{% block b %}{% endblock %}</u>"))),
        entry("t", html("{% extends \"frame\" %}{% block b %}x{% endblock %}")),
        entry("v", german(html("{% extends \"frame\" %}{% block b %}{% include \"w\" %}{% endblock %}"))),
        entry("w", html("w")),
    ];
    let html = |kind: &str| rendered(all.clone(), &about(kind, json!({}))).unwrap().html.unwrap();
    assert_eq!(html("t"), "<i>x</i>", "a template without a language extends one without");
    assert_eq!(html("v"), "<u>w</u>");
}

#[test]
fn data_is_escaped_in_html_and_nowhere_else() {
    let letter = about("t", json!({"message": "<script>alert(1)</script> & \"x\""}));
    let template = TemplateRequest {
        subject: Some("{{ message }}".into()),
        text: Some("{{ message }}".into()),
        html: Some("<p title=\"{{ message }}\">{{ message }}</p>".into()),
        ..TemplateRequest::default()
    };
    let message = rendered(vec![entry("t", template)], &letter).unwrap();
    assert_eq!(message.subject, "<script>alert(1)</script> & \"x\"");
    assert_eq!(message.text, "<script>alert(1)</script> & \"x\"\n");
    let html = message.html.unwrap();
    assert!(!html.contains("<script>") && !html.contains("& \"x\""), "{html}");
}

#[test]
fn a_path_means_a_place_in_the_application_and_without_one_no_link() {
    let url = |app: &App, url: &str| {
        let template = TemplateRequest { text: Some("{{ url }}".into()), ..TemplateRequest::default() };
        let all = built_in::entries().into_iter().chain([entry("t", template)]).collect();
        let letter = about("t", json!({"url": url}));
        message::render(&Catalogue::new(all), &letter, app).unwrap().text.trim_end().to_owned()
    };
    assert_eq!(url(&app(), "/a?b=1"), "https://app.example.com/a?b=1");
    assert_eq!(url(&app(), "https://other.example/x"), "https://other.example/x");
    assert_eq!(url(&app(), "javascript:alert(1)"), "");
    assert_eq!(url(&App::default(), "/a"), "");
}

#[test]
fn the_publishers_keys_stand_beside_ours_and_below_data() {
    let source =
        "{{ ticket.id }} {{ data.ticket.id }} {{ notification.ticket.id }} {{ user.name }} {{ data.user }}";
    let found = try_html(source, json!({"ticket": {"id": 7}, "user": "mallory"}));
    assert_eq!(found.unwrap(), "7 7 7 Anna mallory");
    let generic = about("notification", json!({"data": {"a": 1}}));
    let all = vec![entry("default", html("{{ data.a }}"))];
    assert_eq!(rendered(all, &generic).unwrap().html.unwrap(), "1");
    assert_eq!(
        try_html("{{ timestamp_utc | datetime(\"%H:%M %Z\") }}", json!({})).unwrap(),
        "23:05 CET",
        "on the reader's wall"
    );
}

#[test]
fn what_cannot_be_rendered_says_where_and_why() {
    let refused = |source: &str| try_html(source, json!({})).unwrap_err();
    for (source, wanted) in [
        ("a\n  {{ ticket.due }}", "template t, html, line 2, column 6: there is no value for `ticket`"),
        (
            "{% include \"gone\" %}",
            "template t, html, line 1, column 4: there is no template \"gone\" with a part \"html\"",
        ),
        ("{{ 1 | nope }}", "template t, html, line 1, column 8: unknown filter: filter nope is unknown"),
        (
            "{{ message",
            "template t, html, line 1, column 4: unexpected end of input, expected end of variable block",
        ),
    ] {
        assert_eq!(refused(source), wanted, "{source}");
    }
    let broken = rendered(
        vec![entry("t", html("{% include \"inner\" %}")), entry("inner", html("\n{{ nothing }}"))],
        &about("t", json!({})),
    );
    let broken = broken.unwrap_err();
    assert_eq!((broken.template.as_str(), broken.place.unwrap().0, broken.part), ("inner", 2, Part::Html));
}

#[test]
fn no_template_runs_for_ever_or_fills_the_memory() {
    let steps = "it takes more than 500000 steps";
    for (source, wanted) in [
        ("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", steps),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "recursion"),
        ("{% include \"t\" %}", "recursion"),
        (
            "{% for i in range(20000) %}sixty characters of text that nobody should ever have to read again{% endfor %}",
            "it makes more than 1048576 bytes",
        ),
        ("{{ \"x\" * 2000000000 }}", "repeated string is too large"),
        ("<mjml><mj-body>{{ (\"<div>\" * 100000) | safe }}</mj-body></mjml>", "more than 100 elements"),
    ] {
        let refused = try_html(source, json!({})).unwrap_err();
        assert!(refused.contains(wanted), "{source}: {refused}");
    }
}

#[test]
fn no_template_reads_a_file() {
    for source in [
        "{% include \"/etc/passwd\" %}",
        "{% include \"../../../../etc/passwd\" %}",
        "{% extends \"file:///etc/passwd\" %}",
        "{% import \"/etc/passwd\" as p %}",
        "<mjml><mj-body><mj-include path=\"/etc/passwd\" /></mj-body></mjml>",
        "<mjml><mj-body><mj-include path=\"file:///etc/passwd\" type=\"html\" /></mj-body></mjml>",
    ] {
        let refused = try_html(source, json!({})).unwrap_err();
        assert!(!refused.contains("root:"), "{source}: {refused}");
    }
}

#[tokio::test]
async fn a_broken_template_is_refused_with_part_line_and_column() {
    let fixture = Fixture::new(None).await.unwrap();
    for (source, wanted) in [
        ("a\n{% if %}", "template t, html, line 2, column 7: unexpected end of block"),
        (
            "{% extends \"gone\" %}",
            "template t, html, line 1, column 4: there is no template \"gone\" with a part \"html\"",
        ),
        (
            "{% include \"/etc/passwd\" %}",
            "template t, html, line 1, column 4: there is no template \"/etc/passwd\" with a part \"html\"",
        ),
        (
            "{{ message | nope }}",
            "template t, html, line 1, column 14: unknown filter: filter nope is unknown",
        ),
    ] {
        assert_eq!(fixture.put("t", html(source)).await.unwrap_err(), wanted, "{source}");
    }
    let subject = TemplateRequest { subject: Some("{{ a b }}".into()), ..TemplateRequest::default() };
    assert!(
        fixture.put("t", subject).await.unwrap_err().starts_with("template t, subject, line 1, column 6")
    );
    assert!(fixture.store.templates().await.unwrap().is_empty());
}

#[tokio::test]
async fn broken_mjml_is_refused_with_what_and_where_in_the_template() {
    let fixture = Fixture::new(None).await.unwrap();
    let within = |text: &str| {
        format!(
            "<mjml>\n<mj-body>\n<mj-section><mj-column>\n{text}\n</mj-column></mj-section>\n</mj-body>\n</mjml>\n"
        )
    };
    for (text, wanted) in [
        (
            "  <mj-text>a",
            "line 4, column 3: the MJML is wrong: the element <mj-text> is not closed: write </mj-text> before </mj-column>",
        ),
        (
            "{% if user.id %}\n<mj-text>{{ message }} <b>x</mj-text>\n{% endif %}",
            "line 5, column 24: the MJML is wrong: the element <b> is not closed: write </b> before </mj-text>",
        ),
        (
            "<mj-text>a & b < c</mj-text>",
            "line 4, column 16: the MJML is wrong: this \"<\" begins no tag: write &lt; for the sign itself",
        ),
        (
            "<mj-buton>{{ message }}</mj-buton>",
            "line 4, column 1: the MJML is wrong: there is no element <mj-buton>: did you mean <mj-button>?",
        ),
        (
            "<mj-foo />",
            "line 4, column 1: the MJML is wrong: there is no element <mj-foo>: text stands in <mj-text>, HTML of \
             your own in <mj-raw>",
        ),
        (
            "<MJ-Text>x</MJ-Text>",
            "line 4, column 1: the MJML is wrong: there is no element <MJ-Text>: did you mean <mj-text>?",
        ),
        ("<mj-text a=\"1>x</mj-text>", "line 4, column 10: the MJML is wrong: this is not well-formed"),
        (
            "<mj-text>{{ message }} < {{ message }}</mj-text><mj-text>{{ message }} < {{ message }}</mj-text>",
            "the MJML is wrong: this \"<\" begins no tag: write &lt; for the sign itself (line 4, column ",
        ),
    ] {
        let refused = fixture.put("t", html(&within(text))).await.unwrap_err();
        let rest = refused.strip_prefix("template t, html").unwrap();
        assert!(rest.trim_start_matches([',', ':', ' ']).starts_with(wanted), "{text}: {refused}");
    }
    let framed = html("{% extends \"layout\" %}\n{% block content %}\n<mj-section>\n{% endblock %}");
    let refused = fixture.put("t", framed).await.unwrap_err();
    assert!(refused.contains("the element <mj-section> is not closed"), "{refused}");
    assert!(fixture.store.templates().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_variable_that_is_missing_is_no_flaw_when_saved_but_when_rendered() {
    let fixture = Fixture::new(None).await.unwrap();
    fixture
        .put("t", html("{{ ticket.owner.name | upper }} {% for a in ticket.tags %}{{ a }}{% endfor %}"))
        .await
        .unwrap();
    let broken = fixture.templates.render(&about("t", json!({"ticket": {"id": 1}}))).unwrap_err();
    assert!(broken.to_string().contains("there is no value for `ticket.owner`"), "{broken}");
}

#[tokio::test]
async fn what_is_stored_goes_before_the_folder_and_the_folder_before_what_is_built_in() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("email/default/de");
    std::fs::create_dir_all(&inner).unwrap();
    std::fs::write(folder.path().join("email/default/text.txt"), "folder").unwrap();
    std::fs::write(inner.join("text.txt"), "ordner").unwrap();
    let fixture = Fixture::new(Some(folder.path().to_owned())).await.unwrap();
    let text = |locale: &str| {
        let letter =
            Letter { reader: to(locale, about("t", json!({})).tells).reader, ..about("t", json!({})) };
        fixture.templates.render(&letter).unwrap().text
    };
    assert_eq!((text("en"), text("de-CH")), ("folder\n".into(), "ordner\n".into()));
    let stored = TemplateRequest { text: Some("stored".into()), ..TemplateRequest::default() };
    fixture.put("default", stored).await.unwrap();
    assert_eq!((text("en"), text("de-CH")), ("stored\n".into(), "ordner\n".into()));
    let default = TemplateName::new("default").unwrap();
    fixture.templates.delete(&default, Medium::Email, None).await.unwrap();
    assert_eq!(text("en"), "folder\n");
    let again = fixture.templates.delete(&default, Medium::Email, None).await.unwrap_err().to_string();
    assert_eq!(
        again,
        "the template default is not stored but one of the operator's files: only what was stored can be deleted"
    );
}

#[tokio::test]
async fn what_one_node_stores_or_deletes_another_one_uses_within_a_second() {
    let fixture = Fixture::new(None).await.unwrap();
    let options = TemplatesOptions { app: app(), folder: None };
    let other = Templates::open(fixture.store.clone(), fixture.clock.clone(), options).await.unwrap();
    let kind = TemplateName::new("t").unwrap();
    let text = async || {
        other.keep_up().await;
        other.render(&about("t", json!({}))).unwrap().text
    };
    let of = |text: &str| TemplateRequest { text: Some(text.into()), ..TemplateRequest::default() };
    fixture.put("t", of("one")).await.unwrap();
    assert_ne!(text().await, "one\n", "asked for a moment ago");
    assert_eq!(
        other.get(&kind, None).await.unwrap().unwrap().text.as_deref(),
        Some("one"),
        "who asks is told"
    );
    fixture.put("t", of("two")).await.unwrap();
    assert_eq!(text().await, "one\n");
    fixture.hand.advance(1);
    assert_eq!(text().await, "two\n");
    fixture.put("inner", of("three")).await.unwrap();
    other.put(&kind, Medium::Email, of("{% include \"inner\" %}")).await.unwrap();
    assert_eq!(text().await, "three\n");
    other.delete(&kind, Medium::Email, None).await.unwrap();
    assert!(fixture.templates.get(&kind, None).await.unwrap().is_none());
    // A clock that was set back does not stop it.
    fixture.put("t", of("four")).await.unwrap();
    fixture.hand.advance(-3_600);
    assert_eq!(text().await, "four\n");
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_named_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let refused = async || Fixture::new(Some(folder.path().to_owned())).await.err().unwrap().to_string();
    file("email/t/body.mjml", "{% if %}");
    assert!(refused().await.starts_with("template t, html, line 1, column"), "{}", refused().await);
    file("email/t/body.mjml", "fine");
    file("email/t/boddy.html", "");
    assert!(refused().await.contains("boddy.html: expected subject.txt, text.txt, body.mjml or body.html"));
}

#[tokio::test]
async fn a_preview_shows_parts_that_are_not_stored_with_made_up_data() {
    let fixture = Fixture::new(None).await.unwrap();
    let kind = TemplateName::new("ticket_created").unwrap();
    let request: PreviewRequest = serde_json::from_value(json!({
        "template": {"subject": "{{ ticket.id }} for {{ user.name }}", "html": "<p>{{ message }}</p>"},
        "notification": {"ticket": {"id": 7}},
    }))
    .unwrap();
    let message = fixture.templates.preview(&kind, Medium::Email, request).await.unwrap();
    assert_eq!(message.subject, "7 for Anna Example");
    assert!(message.text.starts_with("The quarterly report"), "made from the HTML: {}", message.text);
    let missing: PreviewRequest =
        serde_json::from_value(json!({"template": {"subject": "{{ ticket.id }}"}})).unwrap();
    let refused = fixture.templates.preview(&kind, Medium::Email, missing).await.unwrap_err().to_string();
    assert_eq!(refused, "template ticket_created, subject, line 1, column 4: there is no value for `ticket`");
    for kind in ["digest", "layout", "default"] {
        let kind = TemplateName::new(kind).unwrap();
        fixture.templates.preview(&kind, Medium::Email, PreviewRequest::default()).await.unwrap();
    }
}

proptest! {
    /// Whatever is in the data, the subject is one line and the HTML has no element of the data's own.
    #[test]
    fn data_never_becomes_markup_or_a_second_line(title in ".{0,60}", message in "(?s).{1,200}") {
        let letter = about("x", json!({"title": title, "message": message}));
        let message = rendered(Vec::new(), &letter).unwrap();
        prop_assert!(!message.subject.chars().any(char::is_control));
        let plain = about("x", json!({"title": "T", "message": "M"}));
        let tags = |message: &Message| message.html.as_deref().unwrap().matches('<').count();
        let breaks = |message: &Message| message.html.as_deref().unwrap().matches("<br").count();
        let usual = rendered(Vec::new(), &plain).unwrap();
        let untitled = rendered(Vec::new(), &about("x", json!({"title": "", "message": "M"}))).unwrap();
        let expected = if title.is_empty() { tags(&untitled) } else { tags(&usual) };
        prop_assert_eq!(tags(&message) - breaks(&message), expected);
    }
}
