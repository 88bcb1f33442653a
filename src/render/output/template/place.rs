//! Where in a template its execution failed. gotmpl says what failed and not where, while Go's message begins with the
//! place; the first part of the template that can fail so is taken for it.

use gotmpl::TemplateError;
use gotmpl::parse::{Expr, ListNode, Node, PipeNode, Pos};
use serde_json::Value;

use super::NAME;
use super::unnoticed::line;
use crate::render::output::gotext::{plain, quoted};

/// A part of a template that may have failed: where, its text, and what it is.
pub(super) struct Part<'t> {
    pub(super) at: usize,
    text: String,
    pub(super) what: What<'t>,
}

pub(super) enum What<'t> {
    /// Keys one after another
    Keys(&'t [gotmpl::parse::SmolStr]),
    /// A function with its arguments
    Call(&'t str),
    /// What a range goes over, where that is a chain of keys
    Range(Option<&'t [gotmpl::parse::SmolStr]>),
    /// Another template
    Template(&'t str),
}

/// Whether a part of a template is the one that failed.
type Fits = Box<dyn Fn(&What<'_>) -> bool>;

/// The error as Go words it; of what cannot be gone over it tells the value, as far as the object has it.
pub(super) fn execution_error(error: &TemplateError, parsed: Option<&ListNode>, text: &str, object: &Value) -> String {
    let mut parts = Vec::new();
    if let Some(list) = parsed {
        of_list(list, text, &mut parts);
    }
    let (fits, message): (Fits, String) = match error {
        TemplateError::MissingKey { key } => {
            let name = key.clone();
            (Box::new(move |what| has_key(what, &name)), format!("map has no entry for key {}", quoted(key)))
        }
        TemplateError::NotIterable(kind) => {
            let keys = parts.iter().find_map(|part| if let What::Range(keys) = part.what { keys } else { None });
            let value = keys.and_then(|keys| keys.iter().try_fold(object, |value, key| value.get(key.as_str())));
            let value = value.filter(|value| !value.is_array() && !value.is_object()).map_or_else(|| kind.clone(), plain);
            (Box::new(|what| matches!(what, What::Range(_))), format!("range can't iterate over {value}"))
        }
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
    format!("{}:{column}", line(text, at))
}

fn shortened(text: &str) -> String {
    if text.len() > 20 { text.chars().take(20).chain("...".chars()).collect() } else { text.to_owned() }
}

pub(super) fn of_list<'t>(list: &'t ListNode, text: &str, parts: &mut Vec<Part<'t>>) {
    for node in &list.nodes {
        match node {
            Node::List(list) => of_list(list, text, parts),
            Node::Action(action) => of_pipe(&action.pipe, parts),
            Node::Range(branch) => {
                of_pipe(&branch.pipe, parts);
                let keys = branch.pipe.commands.first().and_then(|command| match command.args.as_slice() {
                    [Expr::Field(_, keys)] => Some(keys.as_slice()),
                    _ => None,
                });
                parts.push(Part { at: start(&branch.pipe), text: text_of_pipe(&branch.pipe), what: What::Range(keys) });
                of_bodies(&branch.body, branch.else_body.as_ref(), text, parts);
            }
            Node::If(branch) | Node::With(branch) => {
                of_pipe(&branch.pipe, parts);
                of_bodies(&branch.body, branch.else_body.as_ref(), text, parts);
            }
            Node::Template(template) => {
                template.pipe.iter().for_each(|pipe| of_pipe(pipe, parts));
                // Go places it at its name.
                let at = template.pos.offset;
                let name = text.get(at..).and_then(|rest| rest.find(['"', '`'])).unwrap_or_default();
                let action = format!("{{{{template {}}}}}", quoted(&template.name));
                parts.push(Part { at: at + name, text: action, what: What::Template(&template.name) });
            }
            Node::Define(define) => of_list(&define.body, text, parts),
            Node::Text(_) | Node::Break(_) | Node::Continue(_) => {}
        }
    }
}

fn of_bodies<'t>(body: &'t ListNode, otherwise: Option<&'t ListNode>, text: &str, parts: &mut Vec<Part<'t>>) {
    of_list(body, text, parts);
    otherwise.into_iter().for_each(|list| of_list(list, text, parts));
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
            ("{{range .kind}}x{{end}}", false, "1:8: executing \"output\" at <.kind>: range can't iterate over List"),
            ("{{template \"x\"}}", false, "1:11: executing \"output\" at <{{template \"x\"}}>: template \"x\" not defined"),
        ] {
            let refused = Template::parse(text, !strict).unwrap().print(&object, "").unwrap_err();
            let told = format!("error executing template {}: template: output:{why}", crate::render::output::gotext::quoted(text));
            assert_eq!(refused.message, told);
        }
    }
}
