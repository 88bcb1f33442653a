//! How lines look, and which of them are shown.

use regex::bytes::Regex;

use crate::logs::Subject;

/// How lines look.
#[derive(Clone, Debug)]
pub struct LineLook {
    /// Whose logs: a TaskRun's lines name the step alone
    pub subject: Subject,
    /// Whether lines say where they come from
    pub prefix: bool,
    /// Whether tasks are called by their names for people
    pub long: bool,
    /// Whether lines begin with their time
    pub stamps: Stamps,
    /// Whether lines of several runs stand together, so that each names its run
    pub several: bool,
    /// Whether combinations of a matrix and attempts are told apart within the prefix; tkn's prefix has no place for
    /// them, so where tkn is stood in for they are said beside the lines
    pub marks: bool,
    /// As what lines are written
    pub form: Form,
    /// Which lines are shown
    pub filter: Filter,
    /// Whether an empty line stands behind each container
    pub gaps: bool,
    /// Whether a container of which nothing is shown leaves no empty line: only parts of the logs were asked for
    pub sparse: bool,
}

impl LineLook {
    /// As tkn's lines: with prefix, without time.
    pub fn plain(subject: Subject) -> Self {
        Self {
            subject,
            prefix: true,
            long: false,
            stamps: Stamps::None,
            several: false,
            marks: true,
            form: Form::Lines,
            filter: Filter::default(),
            gaps: true,
            sparse: false,
        }
    }

    /// Whether lines are written with their time.
    pub fn tells_time(&self) -> bool {
        self.stamps != Stamps::None || matches!(self.form, Form::Json)
    }
}

/// How a line's time is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stamps {
    /// Not at all
    #[default]
    None,
    /// As the server wrote it
    Server,
    /// As time since the run began: `+1m02.345s`
    Relative,
}

/// As what lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// Lines with prefixes, and an empty line after each container
    #[default]
    Lines,
    /// The bytes that the containers wrote, and no others
    Raw,
    /// One JSON object a line
    Json,
}

/// Which lines are shown, and what stands out in them.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// One of these matches; empty for all lines
    pub keep: Vec<Regex>,
    /// None of these matches
    pub leave: Vec<Regex>,
    /// What stands out
    pub highlight: Vec<Regex>,
}

impl Filter {
    /// Whether any line may be left out.
    pub fn is_strict(&self) -> bool {
        !self.keep.is_empty() || !self.leave.is_empty()
    }

    /// Whether a line is shown. Of a line longer than 64 KiB the first part decides.
    pub fn shows(&self, line: &[u8]) -> bool {
        (self.keep.is_empty() || self.keep.iter().any(|r| r.is_match(line))) && !self.leave.iter().any(|r| r.is_match(line))
    }

    /// The parts of a text that stand out, in order and apart from each other.
    pub fn highlighted(&self, text: &[u8]) -> Vec<(usize, usize)> {
        let mut found: Vec<(usize, usize)> =
            self.highlight.iter().flat_map(|r| r.find_iter(text)).map(|m| (m.start(), m.end())).filter(|(from, to)| from < to).collect();
        found.sort_unstable();
        let mut end = 0;
        found.retain(|(from, to)| {
            let apart = *from >= end;
            end = end.max(*to);
            apart
        });
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(patterns: &[&str]) -> Vec<Regex> {
        patterns.iter().map(|p| Regex::new(p).unwrap()).collect()
    }

    #[test]
    fn a_line_is_shown_when_one_pattern_keeps_it_and_none_leaves_it_out() {
        let filter = Filter { keep: all(&["error", "warn"]), leave: all(&["ignored"]), highlight: Vec::new() };
        assert!(filter.shows(b"an error"));
        assert!(filter.shows(b"\xffwarning"));
        assert!(!filter.shows(b"fine"));
        assert!(!filter.shows(b"ignored error"));
    }

    #[test]
    fn parts_that_stand_out_do_not_overlap() {
        let filter = Filter { highlight: all(&["b+", "bc", "d*"]), ..Filter::default() };
        assert_eq!(filter.highlighted(b"abbcd"), [(1, 3), (4, 5)]);
    }
}
