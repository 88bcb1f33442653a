//! `list --watch`: the list goes on. On a terminal the table is shown anew with every change and every second; in a pipe
//! the list comes first, then a line for each object that changed.

use std::collections::HashMap;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use indexmap::IndexMap;
use jiff::Timestamp;
use tokio::time::{MissedTickBehavior, interval};

use super::rows::{Row, What, order_rows};
use super::{Question, complete, refusal};
use crate::client::{Cluster, Error, Watched};
use crate::failure::{Exit, Failure};
use crate::objects::Seen;
use crate::render::{self, Document, Look, ObjectPrinter};
use crate::session::Session;
use crate::verbs::fetch::Beside;
use crate::verbs::output;
use crate::views::{self, Cell};

/// How often ages are counted anew.
const TICK: Duration = Duration::from_secs(1);
/// After how many ticks what stands beside the objects is fetched anew.
const REFRESH: u32 = 10;
/// What stands last in the row of an object that is gone.
const GONE: &str = "deleted";

type Key = (String, String);

/// Shows the list until somebody ends it.
///
/// # Errors
/// When the server refuses or does not answer, or the reader has gone.
pub async fn watch<T: Beside>(
    session: &mut Session,
    cluster: &Cluster,
    question: &Question<'_, T>,
    printer: Option<ObjectPrinter>,
) -> Result<Exit, Failure> {
    let refused = |e: Error| Failure::from(e).context(refusal(T::KIND, cluster, question.namespace));
    // One object tells whether the kind may be read, and at which version; a watch only retries.
    cluster.pages::<T>(question.namespace, &question.which.select).one_by_one(1).next(|_| None::<()>).await.map_err(refused)?;
    let stream = cluster.watch::<T>(question.namespace, &question.which.select);
    let live = printer.is_none() && session.term.stdout_is_terminal;
    let mut view =
        View { cluster, question, printer, objects: IndexMap::new(), shown: HashMap::new(), widths: Vec::new(), lines: 0, first: true };
    let done = if live { view.on_terminal(session, stream).await } else { view.in_pipe(session, stream).await };
    done.map(|()| Exit::Done)
}

struct View<'a, 'q, T: Beside> {
    cluster: &'a Cluster,
    question: &'a Question<'q, T>,
    printer: Option<ObjectPrinter>,
    objects: IndexMap<Key, Seen<T>>,
    /// The cells of each row as they were printed last
    shown: HashMap<Key, Vec<Cell>>,
    widths: Vec<u16>,
    /// How many lines the terminal shows of the table
    lines: usize,
    first: bool,
}

impl<T: Beside> View<'_, '_, T> {
    fn is_kept(&self, seen: &Seen<T>) -> bool {
        seen.lens.as_ref().map_or(true, &*self.question.which.keep)
    }

    /// Takes a change in; the object that changed, and whether it is gone, once the first list is complete.
    fn take(&mut self, event: Watched<T>, fresh: &mut IndexMap<Key, Seen<T>>, listing: &mut bool) {
        let key = |seen: &Seen<T>| (seen.meta().namespace.clone(), seen.meta().name.clone());
        match event {
            Watched::Listing => {
                *listing = true;
                fresh.clear();
            }
            Watched::Now(seen) if *listing => drop(fresh.insert(key(&seen), seen)),
            Watched::Now(seen) => drop(self.objects.insert(key(&seen), seen)),
            Watched::Listed => {
                *listing = false;
                self.objects = std::mem::take(fresh);
            }
            Watched::Gone(seen) => drop(self.objects.shift_remove(&key(&seen))),
        }
    }

    async fn on_terminal(
        &mut self,
        session: &mut Session,
        stream: impl Stream<Item = Result<Watched<T>, Error>> + Unpin,
    ) -> Result<(), Failure> {
        let refused = |e: Error| Failure::from(e).context(refusal(T::KIND, self.cluster, self.question.namespace));
        let mut stream = stream.ready_chunks(64);
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut fresh, mut listing, mut age) = (IndexMap::new(), true, 0_u32);
        let mut beside = T::beside(self.cluster, self.question.namespace).await.map_err(refused)?;
        loop {
            tokio::select! {
                events = stream.next() => {
                    let Some(events) = events else { return Ok(()) };
                    for event in events {
                        self.take(event.map_err(refused)?, &mut fresh, &mut listing);
                    }
                }
                _ = ticks.tick() => age += 1,
            }
            if T::ALONE.is_none() && age >= REFRESH {
                age = 0;
                beside = T::beside(self.cluster, self.question.namespace).await.map_err(refused)?;
            }
            if !listing {
                let text = self.table(&beside, Look::at(Timestamp::now(), &session.term));
                self.lines = session.term.replace(&text, self.lines)?;
            }
        }
    }

    fn rows(&self) -> Vec<Row<T>> {
        let wants = self.question.wants(What::Object);
        let mut rows: Vec<Row<T>> =
            self.objects.values().filter(|seen| self.is_kept(seen)).map(|seen| Row::of(seen.clone(), wants)).collect();
        order_rows(&mut rows, self.question.everywhere);
        if self.question.limit > 0 {
            rows.truncate(self.question.limit);
        }
        if self.question.shown.reverse {
            rows.reverse();
        }
        rows
    }

    fn table(&self, beside: &T::Beside, look: Look) -> String {
        let (everywhere, wide) = (self.question.everywhere, self.question.wide);
        let rows: Vec<Vec<Cell>> = self.rows().into_iter().map(|row| row.cells(beside, everywhere, wide)).collect();
        if rows.is_empty() {
            return format!("No {}s yet\n", T::KIND.kind);
        }
        render::table(&views::Table { headings: views::headings::<T>(everywhere, wide), rows }, !self.question.shown.no_headers, look)
    }

    async fn in_pipe(
        &mut self,
        session: &mut Session,
        mut stream: impl Stream<Item = Result<Watched<T>, Error>> + Unpin,
    ) -> Result<(), Failure> {
        let refused = |e: Error| Failure::from(e).context(refusal(T::KIND, self.cluster, self.question.namespace));
        let (mut fresh, mut listing) = (IndexMap::new(), true);
        while let Some(event) = stream.next().await {
            let event = event.map_err(refused)?;
            let (changed, gone) = match &event {
                Watched::Now(seen) if !listing => (Some(seen.clone()), false),
                Watched::Gone(seen) => (Some(seen.clone()), true),
                _ => (None, false),
            };
            let listed = matches!(event, Watched::Listed);
            self.take(event, &mut fresh, &mut listing);
            if listed {
                let rows = self.rows();
                let seen: Vec<Seen<T>> = rows.into_iter().filter_map(Row::seen).collect();
                self.lines(session, &seen, false).await.map_err(|e| e.context(refusal(T::KIND, self.cluster, self.question.namespace)))?;
            } else if let Some(seen) = changed.filter(|seen| self.is_kept(seen)) {
                self.lines(session, &[seen], gone).await?;
            }
            session.term.flush()?;
        }
        Ok(())
    }

    /// Prints the objects, as far as they say something new.
    async fn lines(&mut self, session: &mut Session, seen: &[Seen<T>], gone: bool) -> Result<(), Failure> {
        if let Some(printer) = self.printer.take() {
            self.documents(session, &printer, seen)?;
            // Headings stand above the first rows only.
            self.printer = Some(if seen.is_empty() { printer } else { printer.without_headings() });
            return Ok(());
        }
        let beside = match T::ALONE {
            Some(beside) => beside,
            None => T::beside(self.cluster, self.question.namespace).await?,
        };
        let mut rows = Vec::new();
        for object in seen {
            let mut cells = views::row(object, &beside, self.question.everywhere, self.question.wide);
            if let Some(last) = cells.last_mut().filter(|_| gone) {
                *last = GONE.into();
            }
            let key = (object.meta().namespace.clone(), object.meta().name.clone());
            if self.shown.insert(key, cells.clone()).as_ref() != Some(&cells) {
                rows.push(cells);
            }
        }
        let headings = std::mem::take(&mut self.first) && !self.question.shown.no_headers;
        let table = views::Table { headings: views::headings::<T>(self.question.everywhere, self.question.wide), rows };
        let look = Look::at(Timestamp::now(), &session.term);
        write!(session.term.out(), "{}", render::more(&table, headings, look, &mut self.widths))?;
        Ok(())
    }

    fn documents(&mut self, session: &mut Session, printer: &ObjectPrinter, seen: &[Seen<T>]) -> Result<(), Failure> {
        for object in seen {
            let value = complete::<T>(self.cluster, self.question.shown.output.value(object, printer));
            if !std::mem::take(&mut self.first) && printer.parts_documents() {
                session.term.answer("---")?;
            }
            output::print(session, printer, &Document { value, structure: None })?;
        }
        Ok(())
    }
}
