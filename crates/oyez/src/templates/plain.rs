//! Plain text of HTML or MJML, for readers that show no HTML.
//!
//! Not a browser: it keeps the words, the order, the links and the lists, and drops the rest. It reads every byte once.

/// What is inside of these is not for readers.
const HIDDEN: [&str; 8] =
    ["head", "style", "script", "title", "mj-head", "mj-style", "template", "mj-preview"];
/// These begin and end a line.
const BLOCKS: [&str; 24] = [
    "address",
    "article",
    "blockquote",
    "body",
    "div",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "header",
    "hr",
    "li",
    "main",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
    "mj-text",
    "mj-button",
    "mj-section",
];

/// The words of a document.
pub(super) fn text_of(html: &str) -> String {
    let mut text = Plain::default();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.words(&rest[..start]);
        rest = &rest[start..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = comment.find("-->").map_or("", |end| &comment[end + 3..]);
            continue;
        }
        let Some(end) = rest.find('>') else { break };
        let tag = &rest[1..end];
        rest = &rest[end + 1..];
        let name: String = tag
            .trim_start_matches('/')
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
            .map(|c| c.to_ascii_lowercase())
            .collect();
        if name.is_empty() && !tag.starts_with(['/', '!', '?']) {
            // A stray `<` is text.
            text.words("<");
            text.words(tag);
            text.words(">");
            continue;
        }
        if HIDDEN.contains(&name.as_str()) && !tag.starts_with('/') && !tag.ends_with('/') {
            rest = after_end(rest, &name);
            continue;
        }
        text.tag(&name, tag);
    }
    text.words(rest);
    text.finish()
}

/// What comes after the end tag of an element.
fn after_end<'a>(rest: &'a str, name: &str) -> &'a str {
    let mut from = 0;
    while let Some(found) = rest[from..].find("</") {
        let at = from + found + 2;
        let ends_here = rest.get(at..at + name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name));
        if ends_here {
            return rest[at..].find('>').map_or("", |end| &rest[at + end + 1..]);
        }
        from = at;
    }
    ""
}

#[derive(Default)]
struct Plain {
    out: String,
    /// Line breaks that come before the next word.
    breaks: usize,
    space: bool,
    /// Where the open link leads, and where its text begins.
    link: Option<(String, usize)>,
}

impl Plain {
    fn words(&mut self, raw: &str) {
        let decoded = decoded(raw);
        for (index, word) in decoded.split([' ', '\t', '\r', '\n']).enumerate() {
            if index > 0 {
                self.space = true;
            }
            if word.is_empty() {
                continue;
            }
            self.begin();
            self.out.push_str(word);
        }
    }

    /// Writes what must stand before a word.
    fn begin(&mut self) {
        if self.out.is_empty() {
            // Nothing stands before the first word.
        } else if self.breaks > 0 {
            self.out.extend(std::iter::repeat_n('\n', self.breaks.min(2)));
        } else if self.space && !self.out.ends_with(['\n', ' ']) {
            self.out.push(' ');
        }
        (self.breaks, self.space) = (0, false);
    }

    fn tag(&mut self, name: &str, tag: &str) {
        let closing = tag.starts_with('/');
        match name {
            "br" => self.breaks += 1,
            "a" | "mj-button" if closing => self.end_link(),
            "a" | "mj-button" => {
                self.end_link();
                if name == "mj-button" {
                    self.breaks = self.breaks.max(2);
                }
                if let Some(url) = attribute(tag, "href") {
                    self.link = Some((decoded(url), self.out.len()));
                }
            }
            "img" => {
                if let Some(alt) = attribute(tag, "alt").filter(|alt| !alt.is_empty()) {
                    self.words(alt);
                }
            }
            "td" | "th" => self.space = true,
            _ => {}
        }
        if BLOCKS.contains(&name) {
            let paragraph = ["p", "h1", "h2", "h3", "h4", "blockquote", "mj-text", "mj-button", "table"];
            self.breaks = self.breaks.max(if paragraph.contains(&name) { 2 } else { 1 });
        }
        if name == "li" && !closing {
            self.begin();
            self.out.push_str("- ");
        }
        if name == "hr" && !closing {
            self.begin();
            self.out.push_str("---");
            self.breaks = 1;
        }
    }

    /// A link's address stands after its text, unless the text is the address.
    fn end_link(&mut self) {
        let Some((url, start)) = self.link.take() else { return };
        let shown = self.out.get(start..).unwrap_or_default().trim().to_owned();
        if url.is_empty() || url.starts_with('#') || shown == url || shown.is_empty() {
            return;
        }
        self.out.push_str(&format!(": {url}"));
    }

    fn finish(mut self) -> String {
        self.end_link();
        let mut text = self.out;
        text.truncate(text.trim_end().len());
        text.push('\n');
        text
    }
}

/// An attribute's value as it stands in a tag.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut from = 0;
    while let Some(found) = tag[from..].find(name) {
        let at = from + found;
        from = at + name.len();
        let after_space = tag[..at].ends_with(|c: char| c.is_whitespace());
        let Some(value) = tag[from..].trim_start().strip_prefix('=').map(str::trim_start) else { continue };
        if !after_space {
            continue;
        }
        return match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next(),
            _ => value.split(|c: char| c.is_whitespace() || c == '>').next(),
        };
    }
    None
}

/// Text without character references.
fn decoded(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(start) = rest.find('&') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        let name = rest[1..].split(';').next().filter(|name| name.len() <= 8 && rest.len() > name.len() + 1);
        match name.and_then(|name| Some((character(name)?, name.len() + 2))) {
            Some((c, length)) => {
                text.push(c);
                rest = &rest[length..];
            }
            None => {
                text.push('&');
                rest = &rest[1..];
            }
        }
    }
    text.push_str(rest);
    text
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code).filter(|c| !c.is_control());
    }
    let known = [
        ("amp", '&'),
        ("lt", '<'),
        ("gt", '>'),
        ("quot", '"'),
        ("apos", '\''),
        ("nbsp", ' '),
        ("ndash", '–'),
        ("mdash", '—'),
        ("hellip", '…'),
        ("copy", '©'),
        ("middot", '·'),
        ("bull", '•'),
        ("laquo", '«'),
        ("raquo", '»'),
        ("rsquo", '’'),
        ("lsquo", '‘'),
        ("ldquo", '“'),
        ("rdquo", '”'),
        ("euro", '€'),
        ("zwnj", '\u{200c}'),
        ("shy", '\u{ad}'),
    ];
    known.into_iter().find(|(known, _)| *known == name).map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_links_and_lists_stay_and_the_rest_goes() {
        let html = "<html><head><title>T</title><style>p{}</style></head><body><h1>Hello&nbsp;Anna</h1>\
                    <p>Two &lt;b&gt;\n  lines<br>here.</p><ul><li>one</li><li>two</li></ul>\
                    <p><a href=\"https://x.example/a?b=1&amp;c=2\">Open it</a></p><!-- gone --></body></html>";
        assert_eq!(
            text_of(html),
            "Hello Anna\n\nTwo <b> lines\nhere.\n\n- one\n- two\n\nOpen it: https://x.example/a?b=1&c=2\n"
        );
    }

    #[test]
    fn mjml_is_read_as_its_reader_would() {
        let mjml = "<mjml><mj-head><mj-preview>p</mj-preview></mj-head><mj-body><mj-section><mj-column>\
                    <mj-text>Hi</mj-text><mj-button href='https://x.example'>Go</mj-button>\
                    </mj-column></mj-section></mj-body></mjml>";
        assert_eq!(text_of(mjml), "Hi\n\nGo: https://x.example\n");
    }

    #[test]
    fn what_is_not_html_is_text() {
        for (given, text) in [
            ("a < b and c > d", "a < b and c > d\n"),
            ("1 <2", "1 <2\n"),
            ("&unknown; & &#0; &#x41;", "&unknown; & &#0; A\n"),
            ("", "\n"),
            ("<p", "<p\n"),
            ("<a href='u'>https://u.example", "https://u.example: u\n"),
        ] {
            assert_eq!(text_of(given), text, "{given:?}");
        }
    }
}
