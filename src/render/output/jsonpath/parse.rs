//! The text of a template taken apart: what stands outside of braces is text, what stands inside is an action.

/// A part of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// Text as it is
    Text(String),
    /// A key of a map
    Field(String),
    /// `[from:to:step]`, `[n]`
    Slice([Bound; 3]),
    /// `[?(left OPERATOR right)]`; the operator `exists` has no right side
    Filter(Vec<Node>, Vec<Node>, String),
    /// A number without a point
    Int(i64),
    /// A number with one
    Float(f64),
    /// `true` or `false`
    Bool(bool),
    /// `.*`
    Wildcard,
    /// `..`
    Recursive,
    /// `[a,b]`
    Union(Vec<Vec<Node>>),
    /// `range`, `end`, or a word that means nothing
    Word(String),
    /// An action in braces
    Action(Vec<Node>),
}

/// A bound of a slice.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bound {
    /// The number, where one was given or follows from the first
    pub value: Option<i64>,
    /// Whether it follows from the first, as in `[3]`
    pub derived: bool,
}

/// Takes a template apart.
///
/// # Errors
/// In kubectl's words, when it is none.
pub fn parse(text: &str) -> Result<Vec<Node>, String> {
    let mut parser = Parser { text, at: 0, root: Vec::new() };
    parser.template()?;
    Ok(parser.root)
}

/// The nodes of one action, whose braces were left out.
fn action(text: &str) -> Result<Vec<Node>, String> {
    let wrapped = format!("{{{text}}}");
    match parse(&wrapped)?.into_iter().next() {
        Some(Node::Action(nodes)) => Ok(nodes),
        _ => Ok(Vec::new()),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    root: Vec<Node>,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn template(&mut self) -> Result<(), String> {
        while !self.rest().is_empty() {
            let text = self.rest().split('{').next().unwrap_or_default();
            self.at += text.len();
            if !text.is_empty() {
                self.root.push(Node::Text(text.to_owned()));
            }
            if self.peek() == Some('{') {
                self.at += 1;
                let mut nodes = Vec::new();
                // kubectl keeps what it has read of an action whose end is missing only in its error.
                self.inside(&mut nodes)?;
                self.root.push(Node::Action(nodes));
            }
        }
        Ok(())
    }

    /// Reads up to the closing brace.
    fn inside(&mut self, nodes: &mut Vec<Node>) -> Result<(), String> {
        loop {
            if self.rest().starts_with("[?(") {
                self.filter(nodes)?;
                continue;
            }
            if self.rest().starts_with("..") {
                self.recursive(nodes)?;
                continue;
            }
            match self.next() {
                None | Some('\r' | '\n') => return Err("unclosed action".into()),
                Some('}') => return Ok(()),
                Some(' ' | '@' | '$') => {}
                Some('[') => self.brackets(nodes)?,
                Some(quote @ ('"' | '\'')) => self.quote(nodes, quote)?,
                Some('.') => self.field(nodes),
                Some(c) if c == '+' || c == '-' || c.is_numeric() => self.number(nodes, c)?,
                Some(c) if c == '_' || c.is_alphabetic() => self.word(nodes, c),
                Some(c) => return Err(format!("unrecognized character in action: U+{:04X} '{c}'", c as u32)),
            }
        }
    }

    fn word(&mut self, nodes: &mut Vec<Node>, first: char) {
        let from = self.at - first.len_utf8();
        while self.peek().is_some_and(|c| !terminates(c)) {
            self.next();
        }
        nodes.push(match &self.text[from..self.at] {
            "true" => Node::Bool(true),
            "false" => Node::Bool(false),
            word => Node::Word(word.to_owned()),
        });
    }

    fn recursive(&mut self, nodes: &mut Vec<Node>) -> Result<(), String> {
        if nodes.last() == Some(&Node::Recursive) {
            return Err("invalid multiple recursive descent".into());
        }
        self.at += 2;
        nodes.push(Node::Recursive);
        if self.peek().is_some_and(|c| c == '_' || c.is_alphanumeric()) {
            self.field(nodes);
        }
        Ok(())
    }

    fn number(&mut self, nodes: &mut Vec<Node>, first: char) -> Result<(), String> {
        let from = self.at - first.len_utf8();
        while self.peek().is_some_and(|c| c == '.' || c.is_numeric()) {
            self.next();
        }
        let text = &self.text[from..self.at];
        match (text.parse(), text.parse()) {
            (Ok(int), _) => nodes.push(Node::Int(int)),
            (_, Ok(float)) => nodes.push(Node::Float(float)),
            _ => return Err(format!("cannot parse number {text}")),
        }
        Ok(())
    }

    fn field(&mut self, nodes: &mut Vec<Node>) {
        let from = self.at;
        while self.peek().is_some_and(|c| !terminates(c)) {
            if self.next() == Some('\\') {
                self.next();
            }
        }
        nodes.push(match &self.text[from..self.at] {
            "*" => Node::Wildcard,
            name => Node::Field(name.replace('\\', "")),
        });
    }

    fn quote(&mut self, nodes: &mut Vec<Node>, quote: char) -> Result<(), String> {
        let from = self.at - 1;
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated quoted string".into()),
                Some(c) if c == quote && self.text.as_bytes()[self.at - 2] != b'\\' => break,
                Some(_) => {}
            }
        }
        let text = &self.text[from..self.at];
        let unquoted = unquote(text, quote).ok_or_else(|| format!("unquote string {text} error invalid syntax"))?;
        nodes.push(Node::Text(unquoted));
        Ok(())
    }

    /// An index, a slice, a key in quotes, or several of them.
    fn brackets(&mut self, nodes: &mut Vec<Node>) -> Result<(), String> {
        let from = self.at;
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated array".into()),
                Some(']') => break,
                Some(_) => {}
            }
        }
        let text = match &self.text[from..self.at - 1] {
            "*" => ":",
            text => text,
        };
        if text.contains(',') {
            let each = text.split(',').map(|part| action(&format!("[{}]", part.trim_matches(' '))));
            nodes.push(Node::Union(each.collect::<Result<_, _>>()?));
            return Ok(());
        }
        let key = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\'')).filter(|key| !key.contains('\''));
        match key {
            Some(key) => nodes.extend(action(&format!(".{key}"))?),
            None => nodes.push(Node::Slice(bounds(text)?)),
        }
        Ok(())
    }

    fn filter(&mut self, nodes: &mut Vec<Node>) -> Result<(), String> {
        self.at += "[?(".len();
        let from = self.at;
        let (mut begun, mut ended, mut pair) = (false, false, '"');
        loop {
            match self.next() {
                None | Some('\n') => return Err("unterminated filter".into()),
                Some(quote @ ('"' | '\'')) if !begun => {
                    begun = true;
                    pair = quote;
                }
                Some(quote) if quote == pair && begun && self.text.as_bytes()[self.at - 2] != b'\\' => ended = true,
                // Quotes stand in pairs around the right side, or not at all.
                Some(')') if begun == ended => break,
                Some(_) => {}
            }
        }
        let condition = &self.text[from..self.at - 1];
        if self.next() != Some(']') {
            return Err("unclosed array expect ]".into());
        }
        nodes.push(match compared(condition) {
            Some((left, operator, right)) => Node::Filter(action(left)?, action(right)?, operator.to_owned()),
            None => Node::Filter(action(condition)?, Vec::new(), "exists".to_owned()),
        });
        Ok(())
    }
}

/// The two sides of a comparison and what stands between them; none where there is no comparison.
fn compared(condition: &str) -> Option<(&str, &str, &str)> {
    let operator = |c: char| matches!(c, '!' | '<' | '>' | '=');
    let from = condition.find(operator).filter(|from| *from > 0)?;
    let length = condition[from..].find(|c| !operator(c)).unwrap_or(condition.len() - from);
    // Something has to be left for the right side.
    let length = if from + length == condition.len() { length.checked_sub(1).filter(|l| *l > 0)? } else { length };
    Some((&condition[..from], &condition[from..from + length], &condition[from + length..]))
}

fn bounds(text: &str) -> Result<[Bound; 3], String> {
    let parts: Vec<&str> = text.split(':').collect();
    let digits = |part: &str| part.strip_prefix('-').unwrap_or(part).bytes().all(|b| b.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(|part| digits(part)) {
        return Err(format!("invalid array index {text}"));
    }
    let number = |part: Option<&&str>| match part {
        Some(part) if !part.is_empty() => part.parse().map(Some).map_err(|_| format!("array index {part} is not a number")),
        _ => Ok(None),
    };
    let mut bounds = [Bound::default(); 3];
    for (i, bound) in bounds.iter_mut().enumerate() {
        bound.value = number(parts.get(i))?;
    }
    if parts.len() < 2 {
        bounds[1] = Bound { value: Some(bounds[0].value.unwrap_or_default() + 1), derived: true };
    }
    Ok(bounds)
}

fn terminates(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}

/// What Go's escapes in a quoted text stand for.
fn unquote(text: &str, quote: char) -> Option<String> {
    let inner = text.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c == quote {
            return None;
        }
        if c != '\\' {
            out.push(c);
            continue;
        }
        let escape = chars.next()?;
        out.push(match escape {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '\\' => '\\',
            'x' => code(&mut chars, 2, 16, "")?,
            'u' => code(&mut chars, 4, 16, "")?,
            'U' => code(&mut chars, 8, 16, "")?,
            octal @ '0'..='7' => code(&mut chars, 2, 8, &octal.to_string())?,
            c if c == quote => quote,
            _ => return None,
        });
    }
    Some(out)
}

fn code(chars: &mut std::str::Chars<'_>, digits: usize, radix: u32, before: &str) -> Option<char> {
    let text: String = before.chars().chain(chars.take(digits)).collect();
    (text.len() == digits + before.len()).then(|| u32::from_str_radix(&text, radix).ok().and_then(char::from_u32))?
}
