//! Finds the tags of MJML, for what the parser does not tell: where an element was left open, which name it does not
//! know. It never decides what is well-formed; that is the parser's business.

/// Elements of HTML that have no end tag.
pub(super) const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];

/// What begins with `<`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag<'a> {
    /// Where its `<` is.
    pub(super) at: usize,
    pub(super) name: &'a str,
    pub(super) sort: Sort,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Opens,
    Closes,
    /// `<br>`, `<mj-spacer />`.
    Stands,
    /// A `<` that begins no tag.
    Stray,
}

/// An end tag that is not there, or one that is too many.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unpaired<'a> {
    /// Opened, and not closed before the end tag of this name; `None` is the end of the text.
    Open(Tag<'a>, Option<&'a str>),
    /// Closes what was not opened.
    Close(Tag<'a>),
}

impl Unpaired<'_> {
    pub(super) fn at(&self) -> usize {
        match self {
            Self::Open(tag, _) | Self::Close(tag) => tag.at,
        }
    }
}

/// The first element whose tags are not a pair.
pub(super) fn unpaired(source: &str) -> Option<Unpaired<'_>> {
    let mut open: Vec<Tag<'_>> = Vec::new();
    for tag in tags(source) {
        match tag.sort {
            Sort::Opens => open.push(tag),
            Sort::Closes => match open.pop() {
                Some(last) if last.name == tag.name => {}
                Some(last) if open.iter().any(|outer| outer.name == tag.name) => {
                    return Some(Unpaired::Open(last, Some(tag.name)));
                }
                _ => return Some(Unpaired::Close(tag)),
            },
            Sort::Stands | Sort::Stray => {}
        }
    }
    open.pop().map(|last| Unpaired::Open(last, None))
}

/// All tags, in order; those in comments are none.
pub(super) fn tags(source: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut next = 0;
    std::iter::from_fn(move || {
        loop {
            let at = next + source.get(next..)?.find('<')?;
            let rest = &source[at + 1..];
            if let Some(comment) = rest.strip_prefix("!--") {
                next = comment.find("-->").map_or(source.len(), |end| at + 4 + end + 3);
                continue;
            }
            if rest.starts_with(['!', '?']) {
                next = rest.find('>').map_or(source.len(), |end| at + 1 + end + 1);
                continue;
            }
            let named = rest.strip_prefix('/').unwrap_or(rest);
            if !named.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                next = at + 1;
                return Some(Tag { at, name: "", sort: Sort::Stray });
            }
            let end = end_of(rest);
            next = at + 1 + end;
            let name = named.split(|c: char| c.is_whitespace() || "/><".contains(c)).next().unwrap_or(named);
            let sort = if rest.starts_with('/') {
                Sort::Closes
            } else if rest[..end].ends_with('/') || VOID.contains(&name.to_ascii_lowercase().as_str()) {
                Sort::Stands
            } else {
                Sort::Opens
            };
            return Some(Tag { at, name, sort });
        }
    })
}

/// Where a tag's `>` is; one in an attribute's value is not it.
fn end_of(tag: &str) -> usize {
    let mut from = 0;
    while let Some(found) = tag[from..].find(['>', '"', '\'']).map(|found| from + found) {
        let quote = match &tag[found..=found] {
            ">" => return found,
            quote => quote,
        };
        let is_value = tag[..found].trim_end().ends_with('=');
        let closing = if is_value { tag[found + 1..].find(quote) } else { None };
        from = closing.map_or(found + 1, |closing| found + 1 + closing + 1);
    }
    tag.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<(&str, Sort)> {
        tags(source).map(|tag| (tag.name, tag.sort)).collect()
    }

    #[test]
    fn tags_are_found_where_they_are_and_nowhere_else() {
        use Sort::{Closes, Opens, Stands, Stray};
        let source = "<!doctype x><a href=\"x>y\">1 < 2<br><mj-spacer /><!-- <b> --></a>";
        let expected = [("a", Opens), ("", Stray), ("br", Stands), ("mj-spacer", Stands), ("a", Closes)];
        assert_eq!(found(source), expected);
        assert_eq!(found("<a b=\"never closed>x</a>"), [("a", Opens), ("a", Closes)]);
        assert_eq!(found("<a it's>x<é "), [("a", Opens), ("é", Opens)]);
        assert_eq!(found("<!-- <a>"), []);
        assert_eq!(tags("é<a>").next().map(|tag| tag.at), Some(2));
    }

    #[test]
    fn the_element_that_is_not_a_pair_is_the_innermost() {
        let at = |source: &'static str| unpaired(source).map(|unpaired| (unpaired.at(), unpaired));
        assert_eq!(unpaired("<a><b></b><br></a>"), None);
        let (place, Unpaired::Open(tag, Some("a"))) = at("<a><b>x</a>").unwrap() else { panic!() };
        assert_eq!((place, tag.name), (3, "b"));
        assert!(matches!(at("<a><b></b>"), Some((0, Unpaired::Open(_, None)))));
        assert!(matches!(at("<a></c></a>"), Some((3, Unpaired::Close(_)))));
    }
}
