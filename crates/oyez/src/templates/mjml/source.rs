//! Where in a template something is that was found in the MJML which Jinja made of it.

/// Tags of Jinja that bring text of other templates.
const BRINGS_OTHERS: [&str; 4] = ["extends", "include", "import", "from"];
/// Shorter texts are found by chance.
const SHORTEST: usize = 3;

/// Where something comes from.
pub(in crate::templates) struct Origin<'a> {
    /// The name of the other template; `None`: the one that was rendered.
    pub(in crate::templates) template: Option<&'a str>,
    pub(in crate::templates) source: &'a str,
    pub(in crate::templates) at: usize,
}

/// Finds it by its text: the whole line, the line up to it, the rest of the line, or it alone, whichever stands in just
/// one place. `None` when none does: values stand in it, or it is there twice.
pub(in crate::templates) fn origin<'a>(
    rendered: &str,
    at: usize,
    own: &'a str,
    others: &[(&'a str, &'a str)],
) -> Option<Origin<'a>> {
    if own.trim_end() == rendered.trim_end() {
        return Some(Origin { template: None, source: own, at });
    }
    let others = if brings_others(own) { others } else { &[] };
    let (before, rest) = rendered.split_at_checked(at)?;
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let end = rest.find('\n').map_or(rendered.len(), |end| at + end);
    let shown_end = at + shown(rest).len();
    [(start, end), (start, shown_end), (at, end), (at, shown_end)].into_iter().find_map(|(from, to)| {
        let text = &rendered[from..to];
        if text.trim().len() < SHORTEST {
            return None;
        }
        let others = others.iter().map(|(name, source)| (Some(*name), *source));
        let mut found = std::iter::once((None, own)).chain(others).flat_map(|(template, source)| {
            source.match_indices(text).map(move |(place, _)| Origin {
                template,
                source,
                at: place + at - from,
            })
        });
        found.next().filter(|_| found.next().is_none())
    })
}

/// The beginning of what stands somewhere, as a message shows it: `<mj-text`.
pub(in crate::templates) fn shown(rest: &str) -> &str {
    let ends = |(at, c): (usize, char)| (" >\n".contains(c) && at > 0).then_some(at);
    let end = rest.char_indices().take(40).find_map(ends);
    let longest = rest.char_indices().nth(40).map_or(rest.len(), |(at, _)| at);
    &rest[..end.unwrap_or(longest)]
}

fn brings_others(source: &str) -> bool {
    source.split("{%").skip(1).any(|tag| {
        let tag = tag.trim_start_matches(['-', '+']).trim_start();
        BRINGS_OTHERS.iter().any(|word| tag.starts_with(word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(rendered: &str, what: &str, own: &str, others: &[(&str, &str)]) -> Option<(bool, usize)> {
        let origin = origin(rendered, rendered.find(what).unwrap(), own, others)?;
        assert!(origin.source[origin.at..].starts_with(what));
        Some((origin.template.is_none(), origin.at))
    }

    #[test]
    fn a_place_is_found_by_its_line_by_what_is_before_it_or_by_itself() {
        assert_eq!(place("<a><x", "<x", "<a><x", &[]), Some((true, 3)));
        assert_eq!(place("<a>\n  <x>", "<x>", "{% if a %}\n<a>\n  <x>\n{% endif %}", &[]), Some((true, 17)));
        assert_eq!(place("<a>\n  <xy>7", "<xy>", "<a>\n  <xy>{{ n }}", &[]), Some((true, 6)));
        assert_eq!(place("<a>7<xy>7", "<xy>", "<a>{{ n }}<xy>{{ n }}", &[]), Some((true, 10)));
        assert_eq!(place("7<xy>7<xy>", "<xy>", "{{ n }}<xy>{{ n }}<xy>", &[]), None);
    }

    #[test]
    fn a_template_that_brings_others_may_be_right_where_they_are_wrong() {
        let others = [("frame", "<a>\n<b>{% block c %}{% endblock %}")];
        let own = "{% extends \"frame\" %}{% block c %}<xy>{% endblock %}";
        assert_eq!(place("<a>\n<b><xy>", "<xy>", own, &others), Some((true, 34)));
        assert_eq!(place("<a>\n<b><xy>", "<a>", own, &others), Some((false, 0)));
        assert_eq!(place("7<b>", "<b>", "{{ n }}<b>", &others), Some((true, 7)), "it brings none");
    }
}
