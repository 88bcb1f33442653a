//! Where in a template its execution failed. gotmpl says what failed and not where, while Go's message begins with the
//! place; the first part of the template that can fail so is taken for it.

use gotmpl::TemplateError;
use gotmpl::parse::{Expr, ListNode, Node, PipeNode, Pos};

use super::NAME;
use crate::render::output::gotext::quoted;

/// A part of a template that may have failed: where, its text, and what it is.
struct Part<'t> {
    at: usize,
    text: String,
    what: What<'t>,
}

enum What<'t> {
    /// Keys one after another
    Keys(&'t [gotmpl::parse::SmolStr]),
    /// A function with its arguments
    Call(&'t str),
    /// What a range goes over
    Range,
    /// Another template
    Template(&'t str),
}

/// The error as Go words it.
pub(super) fn execution_error(error: &TemplateError, parsed: Option<&ListNode>, text: &str) -> String {
    let mut parts = Vec::new();
    if let Some(list) = parsed {
        of_list(list, &mut parts);
    }
    let (fits, message): (Box<dyn Fn(&What<'_>) -> bool>, String) = match error {
        TemplateError::MissingKey { key } => {
            let name = key.clone();
            (Box::new(move |what| has_key(what, &name)), format!("map has no entry for key {}", quoted(key)))
        }
        TemplateError::NotIterable(kind) => (Box::new(|what| matches!(what, What::Range)), format!("range can't iterate over {kind}")),
        TemplateError::UndefinedTemplate(name) => {
            let wanted = name.clone();
            (
                Box::new(move |what| matches!(what, What::Template(name) if *name == wanted)),
                format!("template {} not defined", quoted(name)),
            )
        }
        TemplateError::IndexOutOfRange { index } => (called("index"), format!("error calling index: index out of range: {index}")),
        TemplateError::Exec(why) => match (field_of(why), function_of(why)) {
            (Some(field), _) => {
                let name = field.to_owned();
                (Box::new(move |what| has_key(what, &name)), format!("can't evaluate field {field} in type interface {{}}"))
            }
            (None, Some(function)) => (called(function), why.clone()),
            (None, None) if why.starts_with("incompatible types") => {
                (called("eq"), "error calling eq: incompatible types for comparison".into())
            }
            (None, None) => (Box::new(|_| false), why.clone()),
        },
        other => (Box::new(|_| false), other.to_string()),
    };
    match parts.iter().find(|part| fits(&part.what)) {
        Some(part) => {
            format!("template: {NAME}:{}: executing {} at <{}>: {message}", place(text, part.at), quoted(NAME), shortened(&part.text))
        }
        None => format!("template: {NAME}: {message}"),
    }
}

fn called(function: &str) -> Box<dyn Fn(&What<'_>) -> bool> {
    let wanted = function.to_owned();
    Box::new(move |what| matches!(what, What::Call(name) if *name == wanted))
}

fn has_key(what: &What<'_>, key: &str) -> bool {
    matches!(what, What::Keys(keys) if keys.iter().any(|k| k == key))
}

fn field_of(why: &str) -> Option<&str> {
    why.strip_prefix("can't evaluate field ")?.split(' ').next()
}

fn function_of(why: &str) -> Option<&str> {
    why.strip_prefix("error calling ")?.split(':').next()
}

/// Line and column as Go counts them: lines from one, bytes from the line's beginning.
fn place(text: &str, at: usize) -> String {
    let before = &text[..at.min(text.len())];
    let column = before.len() - before.rfind('\n').map_or(0, |i| i + 1);
    format!("{}:{column}", before.matches('\n').count() + 1)
}

fn shortened(text: &str) -> String {
    if text.len() > 20 { text.chars().take(20).chain("...".chars()).collect() } else { text.to_owned() }
}

fn of_list<'t>(list: &'t ListNode, parts: &mut Vec<Part<'t>>) {
    for node in &list.nodes {
        match node {
            Node::List(list) => of_list(list, parts),
            Node::Action(action) => of_pipe(&action.pipe, parts),
            Node::Range(branch) => {
                of_pipe(&branch.pipe, parts);
                parts.push(Part { at: start(&branch.pipe), text: text_of_pipe(&branch.pipe), what: What::Range });
                of_bodies(&branch.body, branch.else_body.as_ref(), parts);
            }
            Node::If(branch) | Node::With(branch) => {
                of_pipe(&branch.pipe, parts);
                of_bodies(&branch.body, branch.else_body.as_ref(), parts);
            }
            Node::Template(template) => {
                template.pipe.iter().for_each(|pipe| of_pipe(pipe, parts));
                let text = format!("{{{{template {}}}}}", quoted(&template.name));
                parts.push(Part { at: template.pos.offset, text, what: What::Template(&template.name) });
            }
            Node::Define(define) => of_list(&define.body, parts),
            Node::Text(_) | Node::Break(_) | Node::Continue(_) => {}
        }
    }
}

fn of_bodies<'t>(body: &'t ListNode, otherwise: Option<&'t ListNode>, parts: &mut Vec<Part<'t>>) {
    of_list(body, parts);
    otherwise.into_iter().for_each(|list| of_list(list, parts));
}

fn start(pipe: &PipeNode) -> usize {
    pipe.commands.first().and_then(|command| command.args.first()).map_or(pipe.pos, position).offset
}

/// Go places a chain of keys at its second key.
fn position(expr: &Expr) -> Pos {
    match expr {
        Expr::Field(pos, keys) if keys.len() > 1 => Pos::new(pos.offset + 1 + keys[0].len(), pos.line),
        Expr::Variable(pos, name, keys) if !keys.is_empty() => Pos::new(pos.offset + name.len(), pos.line),
        other => other.pos(),
    }
}

fn of_pipe<'t>(pipe: &'t PipeNode, parts: &mut Vec<Part<'t>>) {
    for command in &pipe.commands {
        for arg in &command.args {
            match arg {
                Expr::Field(_, keys) | Expr::Variable(_, _, keys) | Expr::Chain(_, _, keys) => {
                    parts.push(Part { at: position(arg).offset, text: text_of(arg), what: What::Keys(keys) });
                }
                Expr::Pipe(_, pipe) => of_pipe(pipe, parts),
                _ => {}
            }
        }
        if let Some(Expr::Identifier(pos, name)) = command.args.first() {
            let text = command.args.iter().map(text_of).collect::<Vec<_>>().join(" ");
            parts.push(Part { at: pos.offset, text, what: What::Call(name) });
        }
    }
}

fn text_of_pipe(pipe: &PipeNode) -> String {
    let commands = pipe.commands.iter().map(|command| command.args.iter().map(text_of).collect::<Vec<_>>().join(" "));
    commands.collect::<Vec<_>>().join(" | ")
}

fn text_of(expr: &Expr) -> String {
    let chain = |keys: &[gotmpl::parse::SmolStr]| keys.iter().map(|key| format!(".{key}")).collect::<String>();
    match expr {
        Expr::Dot(_) => ".".to_owned(),
        Expr::Field(_, keys) => chain(keys),
        Expr::Variable(_, name, keys) => format!("{name}{}", chain(keys)),
        Expr::Identifier(_, name) => name.to_string(),
        Expr::String(_, text) => quoted(text),
        Expr::Number(_, gotmpl::parse::Number::Int(n)) => n.to_string(),
        Expr::Number(_, gotmpl::parse::Number::Uint(n)) => n.to_string(),
        Expr::Number(_, gotmpl::parse::Number::Float(n)) => n.to_string(),
        Expr::Bool(_, b) => b.to_string(),
        Expr::Nil(_) => "nil".to_owned(),
        Expr::Pipe(_, pipe) => format!("({})", text_of_pipe(pipe)),
        Expr::Chain(_, inner, keys) => format!("{}{}", text_of(inner), chain(keys)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::render::output::template::Template;

    #[test]
    fn what_fails_is_told_with_its_place() {
        let object = json!({"kind": "List", "items": [1]});
        for (text, strict, why) in [
            ("{{.nope}}", true, "1:2: executing \"output\" at <.nope>: map has no entry for key \"nope\""),
            ("{{.kind}}\n{{.kind.x}}", false, "2:7: executing \"output\" at <.kind.x>: can't evaluate field x in type interface {}"),
            ("{{index .items 99}}", false, "1:2: executing \"output\" at <index .items 99>: error calling index: index out of range: 99"),
            ("{{template \"x\"}}", false, "1:11: executing \"output\" at <{{template \"x\"}}>: template \"x\" not defined"),
        ] {
            let refused = Template::parse(text, !strict).unwrap().print(&object, "").unwrap_err();
            let told = format!("error executing template {}: template: output:{why}", crate::render::output::gotext::quoted(text));
            assert_eq!(refused.message, told);
        }
    }
}
