//! The small language of the rules' texts: a pattern is literal text in which `{name}` stands for one word and
//! `{name…}` for any run of characters of the line; `{_}` is not kept. A template is filled from what was captured.

/// Names and what stands for them, the first one of a name counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts(Vec<(String, String)>);

impl Facts {
    /// What a name stands for.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Adds a name, unless it is known already.
    pub fn add(&mut self, name: &str, value: impl Into<String>) {
        if self.get(name).is_none() {
            self.0.push((name.to_owned(), value.into()));
        }
    }

    /// Puts other facts before these, so that theirs count.
    pub fn put_before(&mut self, mut others: Facts) {
        others.0.append(&mut self.0);
        *self = others;
    }
}

enum Piece<'p> {
    Literal(&'p str),
    Word(&'p str),
    Rest(&'p str),
}

impl Piece<'_> {
    fn takes(&self, c: char) -> bool {
        match self {
            Piece::Literal(_) => false,
            Piece::Word(_) => !c.is_whitespace() && !matches!(c, '"' | '\'' | '`'),
            Piece::Rest(_) => c != '\n',
        }
    }
}

fn pieces(pattern: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        if !before.is_empty() {
            pieces.push(Piece::Literal(before));
        }
        pieces.push(match name.strip_suffix('…') {
            Some(name) => Piece::Rest(name),
            None => Piece::Word(name),
        });
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    pieces
}

/// Looks for a pattern anywhere in a text; the empty pattern is everywhere.
pub fn find(pattern: &str, text: &str) -> Option<Facts> {
    let pieces = pieces(pattern);
    let literals_are_there = pieces.iter().all(|piece| !matches!(piece, Piece::Literal(l) if !text.contains(l)));
    if !literals_are_there {
        return None;
    }
    let mut captured = Vec::new();
    let starts = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    for start in starts {
        if matches(&pieces, &text[start..], &mut captured) {
            let named = captured.into_iter().rev().filter(|(name, _)| *name != "_");
            return Some(Facts(named.map(|(name, value): (&str, &str)| (name.to_owned(), value.trim().to_owned())).collect()));
        }
    }
    None
}

/// Whether a text begins with the pieces. What was captured is pushed from the last capture to the first.
fn matches<'p, 't>(pieces: &[Piece<'p>], text: &'t str, captured: &mut Vec<(&'p str, &'t str)>) -> bool {
    let Some((piece, later)) = pieces.split_first() else { return true };
    let name = match piece {
        Piece::Literal(literal) => return text.strip_prefix(literal).is_some_and(|text| matches(later, text, captured)),
        Piece::Word(name) | Piece::Rest(name) => *name,
    };
    let ends = text.char_indices().take_while(|(_, c)| piece.takes(*c)).map(|(at, c)| at + c.len_utf8());
    // A capture takes as little as it can, but the last one takes all there is.
    let end = if later.is_empty() { ends.last() } else { ends.into_iter().find(|end| matches(later, &text[*end..], captured)) };
    if let Some(end) = end {
        captured.push((name, &text[..end]));
    }
    end.is_some()
}

/// The names that a template asks for.
#[cfg(test)]
pub fn names(template: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('{') {
            rest = after;
        } else if let Some((name, after)) = rest.split_once('}') {
            names.push(name.trim_end_matches('…'));
            rest = after;
        }
    }
    names
}

/// Fills a template; `{{` and `}}` stand for braces. A name that nothing is known of becomes `NAME`, in capitals, as
/// people write what has to be put in.
pub fn fill(template: &str, facts: &Facts) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        filled.push_str(&rest[..at]);
        let brace = &rest[at..at + 1];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            filled.push_str(brace);
            rest = after;
        } else if let Some((name, after)) = rest.split_once('}') {
            filled.push_str(facts.get(name).unwrap_or(&name.to_uppercase()));
            rest = after;
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str, name: &str) -> Option<String> {
        find(pattern, text).map(|facts| facts.get(name).unwrap_or("-").to_owned())
    }

    #[test]
    fn words_end_at_blanks_and_quotes_and_rests_at_the_line() {
        let text = "Couldn't retrieve Task \"git-clon\": tasks.tekton.dev \"git-clon\" not found";
        assert_eq!(found("tasks.tekton.dev \"{task}\" not found", text, "task").as_deref(), Some("git-clon"));
        assert_eq!(
            found("{user}@{host}: Permission denied ({_…})", "git@a.b: Permission denied (publickey).", "host").as_deref(),
            Some("a.b")
        );
        assert_eq!(found("parameters: [{names…}]", "missing parameters: [a b]\n[c]", "names").as_deref(), Some("a b"));
        assert_eq!(
            found("quota: {quota}, requested: {asked…}, used", "quota: q, requested: pods=1,cpu=2, used: 0", "asked").as_deref(),
            Some("pods=1,cpu=2")
        );
        assert_eq!(found("said {all…}", "said a \"b\" c\nd", "all").as_deref(), Some("a \"b\" c"));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert_eq!(find("code {code}:", "code \nx:"), None);
        assert_eq!(find("a{b}c", ""), None);
        assert!(find("", "").is_some());
        assert!(find("ü{x}", "aü€").is_some());
    }

    #[test]
    fn templates_fill_names_and_keep_doubled_braces() {
        let mut facts = Facts::default();
        facts.add("name", "x");
        assert_eq!(fill("-p '{{\"{name}\":{{}}}}' {other}", &facts), "-p '{\"x\":{}}' OTHER");
        assert_eq!(names("{{\"{name}\"}} {rest…}"), ["name", "rest"]);
    }
}
