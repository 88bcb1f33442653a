//! `describe` of any kind: one object on a page, or as it is.

use clap::Args;
use jiff::Timestamp;

use super::fetch::Related;
use super::list::Output;
use super::missing;
use crate::failure::{Exit, Failure};
use crate::render::{self, Look};
use crate::session::Session;

/// Arguments of every describe.
#[derive(Args, Clone, Debug, Default)]
pub struct Arguments {
    /// Name of the {Kind}; asked for when there are several
    name: Option<String>,
    /// The form of the answer
    #[command(flatten)]
    output: Output,
}

impl Arguments {
    /// Describes the object.
    ///
    /// # Errors
    /// When the flags are wrong, or there is no such object.
    pub async fn describe<T: Related>(&self, session: &mut Session) -> Result<Exit, Failure> {
        let asked = match self.output.word().filter(|word| T::ANSWERS.contains(&word.to_ascii_lowercase().as_str())) {
            Some(word) => Asked::Answer(word.to_ascii_lowercase()),
            None => self.output.format()?.map_or(Asked::Page, Asked::Raw),
        };
        let Some(name) = self.name.clone() else {
            return Err(Failure::usage(format!("give the name of the {}", T::KIND.kind)));
        };
        show::<T>(session, &name, &asked, &self.output).await
    }
}

/// What is to be shown of the object.
enum Asked {
    Page,
    Raw(render::Format),
    /// One of [`crate::views::Described::ANSWERS`]
    Answer(String),
}

async fn show<T: Related>(session: &mut Session, name: &str, asked: &Asked, output: &Output) -> Result<Exit, Failure> {
    let cluster = session.cluster().await?;
    let seen = match (cluster.get::<T>(&cluster.namespace, name).await, asked) {
        (Ok(seen), _) => seen,
        (Err(error), Asked::Raw(_)) => return Err(missing::with_hints(&cluster, T::KIND, &[name], error.into()).await),
        (Err(error), _) => return Err(missing::describe_failure(&cluster, T::KIND, name, error).await),
    };
    if let Asked::Raw(format) = asked {
        write!(session.term.out(), "{}", render::object(&output.raw(&seen), *format))?;
        return Ok(Exit::Done);
    }
    let object = seen.lens.map_err(|why| Failure::invalid(why.to_string()).hint("-o yaml shows it as it is"))?;
    if let Asked::Answer(word) = asked {
        let text = object.answer(word).map_err(Failure::other)?;
        session.term.answer(text)?;
        return Ok(Exit::Done);
    }
    let with = T::related(&object, &cluster).await?;
    let look = Look::at(Timestamp::now(), &session.term);
    write!(session.term.out(), "{}", render::page(&object.page(&with), look))?;
    Ok(Exit::Done)
}
