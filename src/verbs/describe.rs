//! `describe` of any kind: one object on a page, or as it is.

use clap::Args;
use jiff::Timestamp;

use super::fetch::Related;
use super::output::{self, Output};
use super::{called, missing, pick};
use crate::failure::{Exit, Failure};
use crate::kinds::Kind;
use crate::objects::Seen;
use crate::objects::run::Run;
use crate::render::{self, Document, Look, ObjectPrinter};
use crate::session::Session;
use crate::views::Listed;

/// Arguments of every describe.
#[derive(Args, Clone, Debug, Default)]
pub struct Arguments {
    /// Name of the {Kind}; asked for when there are several
    name: Option<String>,
    /// The form of the answer
    #[command(flatten)]
    output: Output,
}

/// Arguments of the describe of runs.
#[derive(Args, Clone, Debug, Default)]
pub struct RunArguments {
    /// Which, and how
    #[command(flatten)]
    common: Arguments,
    /// The newest {Kind}
    #[arg(long, short = 'L')]
    last: bool,
    /// How many {Kinds} are offered when no name is given
    #[arg(long, value_name = "N", default_value_t = 5, allow_negative_numbers = true)]
    limit: i64,
    #[command(flatten)]
    finder: pick::Finder,
}

impl Arguments {
    /// Describes the object, or the one that is chosen.
    ///
    /// # Errors
    /// When the flags are wrong, or there is no such object.
    pub async fn describe<T: Related>(&self, session: &mut Session) -> Result<Exit, Failure> {
        let asked = self.asked::<T>(session)?;
        let seen = match &self.name {
            Some(name) => get::<T>(session, name, &asked).await?,
            None => pick::object::<T>(session).await?.ok_or_else(|| none_found(T::KIND))?,
        };
        show(session, seen, &asked, &self.output).await
    }

    fn asked<T: Related>(&self, session: &Session) -> Result<Asked, Failure> {
        let word = self.output.word().map(str::to_ascii_lowercase);
        Ok(match word.filter(|word| T::ANSWERS.contains(&word.as_str())) {
            Some(word) => Asked::Answer(word),
            None => self.output.printer(session)?.map_or(Asked::Page, |printer| Asked::Raw(Box::new(printer))),
        })
    }
}

impl RunArguments {
    /// Describes the run, the last one, or the one that is chosen.
    ///
    /// # Errors
    /// When the flags are wrong, or there is no such run.
    pub async fn describe<R: Related + Run + Listed>(&self, session: &mut Session) -> Result<Exit, Failure> {
        if self.common.name.is_some() {
            return self.common.describe::<R>(session).await;
        }
        let asked = self.common.asked::<R>(session)?;
        let choice = pick::Choice::<R> { last: self.last, limit: self.limit, find: self.finder.is_wanted(), ..pick::Choice::default() };
        match pick::run(session, choice).await? {
            Some(seen) => show(session, seen, &asked, &self.common.output).await,
            None if self.last => {
                let namespace = session.cluster().await?.namespace;
                session.term.answer(format!("No {}s present in namespace {namespace}", R::KIND.kind))?;
                Ok(Exit::Done)
            }
            None => Err(none_found(R::KIND)),
        }
    }
}

/// The failure of a choice between no objects, as `tkn` words it.
pub fn none_found(kind: &Kind) -> Failure {
    let plural = if kind.kind == "TriggerTemplate" { "" } else { "s" };
    Failure::not_found(format!("no {}{plural} found", kind.kind))
}

/// What is to be shown of the object.
enum Asked {
    Page,
    Raw(Box<ObjectPrinter>),
    /// One of [`crate::views::Described::ANSWERS`]
    Answer(String),
}

async fn get<T: Related>(session: &mut Session, name: &str, asked: &Asked) -> Result<Seen<T>, Failure> {
    let cluster = session.cluster().await?;
    let name = &*called::name(&cluster, T::KIND, name).await?;
    match (cluster.get::<T>(&cluster.namespace, name).await, asked) {
        (Ok(seen), _) => Ok(seen),
        (Err(error), Asked::Raw(_)) => Err(missing::with_hints(&cluster, T::KIND, &[name], error.into()).await),
        (Err(error), Asked::Answer(_)) => Err(Failure::from(error).context(format!("failed to get {} {name}", T::KIND.kind))),
        (Err(error), Asked::Page) => Err(missing::describe_failure(&cluster, T::KIND, name, error).await),
    }
}

async fn show<T: Related>(session: &mut Session, seen: Seen<T>, asked: &Asked, output: &Output) -> Result<Exit, Failure> {
    if let Asked::Raw(printer) = asked {
        let document = Document { value: output.value(&seen, printer), structure: None };
        output::print(session, printer, &document)?;
        return Ok(Exit::Done);
    }
    let mut object = seen.lens.map_err(|why| Failure::invalid(why.to_string()).hint("-o yaml shows it as it is"))?;
    if let Asked::Answer(word) = asked {
        let text = object.answer(word).map_err(Failure::other)?;
        session.term.answer(text)?;
        return Ok(Exit::Done);
    }
    let with = object.related(&session.cluster().await?).await?;
    if session.stands_in_for_tkn() {
        object.as_tkn_takes_it(&with).map_err(Failure::other)?;
    }
    let look = Look::at(Timestamp::now(), &session.term);
    let mut page = object.page(&with);
    page.spell_commands(|words| session.command(words));
    write!(session.term.out(), "{}", render::page(&page, look))?;
    Ok(Exit::Done)
}
