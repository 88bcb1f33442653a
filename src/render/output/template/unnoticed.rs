//! What Go finds wrong while it reads a template, and gotmpl only when it runs, or never.

use gotmpl::Template;
use gotmpl::parse::{Expr, ListNode, Node, PipeNode};

use super::place::{What, of_list};
use crate::render::output::gotext::quoted;

/// The functions that Go's templates have, and kubectl's two.
const FUNCTIONS: [&str; 21] = [
    "and",
    "or",
    "not",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "len",
    "index",
    "slice",
    "print",
    "printf",
    "println",
    "html",
    "js",
    "urlquery",
    "call",
    "exists",
    "base64decode",
];

/// What Go finds wrong while it reads a template, and gotmpl only when it runs or not at all, with its line.
pub(super) fn by_the_library(parsed: &Template, text: &str) -> Option<String> {
    let mut depth = 0_usize;
    let mut from = 0;
    while let Some(at) = text[from..].find("{{").map(|at| from + at) {
        let action = text[at + 2..].trim_start_matches('-').trim_start();
        from = text.len() - action.len() + length(action);
        let word = action.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
        match word {
            "if" | "range" | "with" | "block" | "define" => depth += 1,
            "end" if depth > 0 => depth -= 1,
            "end" | "else" if depth == 0 => return Some(format!("{}: unexpected {{{{{word}}}}}", line(text, at))),
            _ => {}
        }
    }
    if depth > 0 {
        return Some(format!("{}: unexpected EOF", line(text, text.len())));
    }
    let wrong = parsed.templates().into_iter().filter_map(|name| wrong_in(parsed.lookup(name)?, text));
    wrong.min_by_key(|(at, _)| *at).map(|(at, what)| format!("{}: {what}", line(text, at)))
}

/// The first function that there is not, or else the first variable.
fn wrong_in(list: &ListNode, text: &str) -> Option<(usize, String)> {
    let mut parts = Vec::new();
    of_list(list, text, &mut parts);
    let unknown = parts.iter().find_map(|part| match part.what {
        What::Call(name) if !FUNCTIONS.contains(&name) => Some((part.at, format!("function {} not defined", quoted(name)))),
        _ => None,
    });
    unknown.or_else(|| Variables::default().of_list(list).map(|(at, name)| (at, format!("undefined variable {}", quoted(name)))))
}

/// How long an action is. A comment or a text in it may hold what looks like its end.
fn length(action: &str) -> usize {
    if let Some(comment) = action.strip_prefix("/*") {
        return "/*".len() + comment.find("*/").unwrap_or(comment.len());
    }
    let (mut quote, mut escaped) = (None, false);
    for (at, c) in action.char_indices() {
        match quote {
            _ if escaped => escaped = false,
            Some(open) if c == open => quote = None,
            Some('"' | '\'') => escaped = c == '\\',
            Some(_) => {}
            None if action[at..].starts_with("}}") => return at,
            None => quote = Some(c).filter(|c| matches!(c, '"' | '\'' | '`')),
        }
    }
    action.len()
}

pub(super) fn line(text: &str, at: usize) -> usize {
    text[..at.min(text.len())].matches('\n').count() + 1
}

/// The variables that are declared where a template is read. Each method gives the first that is not, with its place.
#[derive(Default)]
struct Variables<'t>(Vec<&'t str>);

impl<'t> Variables<'t> {
    fn of_list(&mut self, list: &'t ListNode) -> Option<(usize, &'t str)> {
        list.nodes.iter().find_map(|node| match node {
            Node::List(list) => self.of_list(list),
            Node::Action(action) => self.of_pipe(&action.pipe),
            Node::Range(branch) | Node::If(branch) | Node::With(branch) => {
                let before = self.0.len();
                let wrong = self.of_pipe(&branch.pipe).or_else(|| self.of_list(&branch.body));
                let wrong = wrong.or_else(|| branch.else_body.as_ref().and_then(|list| self.of_list(list)));
                self.0.truncate(before);
                wrong
            }
            Node::Template(template) => template.pipe.as_ref().and_then(|pipe| self.of_pipe(pipe)),
            // A template that is defined stands by itself.
            Node::Define(_) | Node::Text(_) | Node::Break(_) | Node::Continue(_) => None,
        })
    }

    fn of_pipe(&mut self, pipe: &'t PipeNode) -> Option<(usize, &'t str)> {
        let assigned = pipe.decl.iter().find(|name| pipe.is_assign && !self.0.contains(&name.as_str()));
        if let Some(name) = assigned {
            return Some((pipe.pos.offset, name));
        }
        let wrong = pipe.commands.iter().flat_map(|command| &command.args).find_map(|arg| self.of_expr(arg));
        self.0.extend(pipe.decl.iter().map(|name| name.as_str()));
        wrong
    }

    fn of_expr(&mut self, expr: &'t Expr) -> Option<(usize, &'t str)> {
        match expr {
            Expr::Variable(pos, name, _) if name != "$" && !self.0.contains(&name.as_str()) => Some((pos.offset, name)),
            Expr::Pipe(_, pipe) => self.of_pipe(pipe),
            Expr::Chain(_, inner, _) => self.of_expr(inner),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::render::output::template::Template;

    #[test]
    fn what_go_finds_while_reading_is_found_while_reading() {
        for (text, why) in [
            ("{{foo}}", "1: function \"foo\" not defined"),
            ("a\n{{end}}", "2: unexpected {{end}}"),
            ("{{if .x}}{{end}}{{else}}", "1: unexpected {{else}}"),
            ("{{", "1: unclosed action"),
            ("{{range .items}}\n{{if .x}}{{end}}\n", "3: unexpected EOF"),
            ("a\n{{$x}}", "2: undefined variable \"$x\""),
            ("{{if $x := .a}}{{$x}}{{else}}{{$x}}{{end}}{{$x.b}}", "1: undefined variable \"$x\""),
            ("{{define \"t\"}}{{$y}}{{end}}", "1: undefined variable \"$y\""),
            ("{{$a = 1}}", "1: undefined variable \"$a\""),
        ] {
            assert_eq!(Template::parse(text, true).unwrap_err(), format!("error parsing template {text}, template: output:{why}"));
        }
        assert!(Template::parse("{{/* {{end}} */}}x", true).is_ok());
        for text in [r#"{{"{{if .x"}}{{'"'}}"#, r#"{{`"`}}{{"\"{{end}}"}}{{if eq .a "}}"}}{{end}}"#] {
            assert!(Template::parse(text, true).is_ok(), "{text}");
        }
        assert!(Template::parse("{{range $i, $e := .items}}{{if exists $e \"a\"}}{{$e}}{{else}}-{{end}}{{end}}", true).is_ok());
    }
}
