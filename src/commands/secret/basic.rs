//! `rtkn secret create basic`: user and password for git over https, never from the command line.

use clap::Args;

use super::CreateArgs;
use crate::failure::{Exit, Failure};
use crate::objects::core::Secret;
use crate::scaffold::secret::{self, Redacted};
use crate::session::Session;
use crate::verbs::missing::found;

/// Makes a Secret for git over https.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Name of the Secret
    #[arg(value_name = "NAME")]
    name: String,
    /// A git server the password is for; may be given several times
    #[arg(long, required = true, value_name = "https://HOST", value_parser = secret::https_url)]
    host: Vec<String>,
    /// Read user and password from standard input, a line each, instead of asking
    #[arg(long)]
    stdin: bool,
    #[command(flatten)]
    create: CreateArgs,
}

const TWO_LINES: &str = "standard input needs two lines with --stdin: the user, then the password or token";

/// Makes the Secret.
///
/// # Errors
/// When nobody can be asked, or the name is taken with other content.
pub async fn run(session: &mut Session, args: Arguments) -> Result<Exit, Failure> {
    let (user, password) = if args.stdin { two_lines(session).await? } else { ask(session)? };
    for url in args.host.iter().filter(|url| url.starts_with("http://")) {
        session.term.say(format!("Warning: {url} is not encrypted: everybody on the way can read the password"));
    }
    let cluster = session.cluster().await?;
    let existing = found::<Secret>(&cluster, &args.name).await?;
    let manifest = secret::basic(&cluster.namespace, &args.name, &args.host, &user, &password);
    super::make(session, manifest, existing.as_ref(), &args.create).await
}

fn ask(session: &mut Session) -> Result<(Redacted, Redacted), Failure> {
    let user = session.term.line("User:", None, "--stdin with user and password as two lines")?;
    let password = session.term.secret("Password or token:", "--stdin with user and password as two lines")?;
    filled(Redacted(user), Redacted(password), "nothing was made; call it again and type both")
}

async fn two_lines(session: &Session) -> Result<(Redacted, Redacted), Failure> {
    let input = String::from_utf8(session.term.input().await?).map_err(|_| Failure::invalid("standard input is no UTF-8"))?;
    let mut lines = input.lines();
    let mut next = || Redacted(lines.next().unwrap_or_default().to_owned());
    let (user, password) = (next(), next());
    if lines.next().is_some() {
        return Err(Failure::invalid("standard input has more than two lines").hint(TWO_LINES));
    }
    filled(user, password, TWO_LINES)
}

fn filled(user: Redacted, password: Redacted, hint: &str) -> Result<(Redacted, Redacted), Failure> {
    let missing = if user.0.is_empty() { "user" } else { "password" };
    match user.0.is_empty() || password.0.is_empty() {
        true => Err(Failure::usage(format!("the {missing} is empty")).hint(hint)),
        false => Ok((user, password)),
    }
}
