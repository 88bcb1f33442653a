//! What a list keeps of an object: no more than its line of the answer needs.

use std::cmp::Ordering;

use jiff::Timestamp;

use crate::objects::Seen;
use crate::objects::newest::{Unbegun, by_start};
use crate::views::{self, Cell, Listed, started};

/// What of the objects is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wants {
    /// How much
    pub what: What,
    /// Whether rows say their namespace
    pub everywhere: bool,
    /// Whether rows have all columns
    pub wide: bool,
    /// Whether of those that began in one second the last written comes first; else they stay in the server's order
    pub last_written_first: bool,
}

/// How much of an object is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// Its name
    Name,
    /// What the table shows
    Cells,
    /// All of it
    Object,
}

/// A line of the answer.
#[derive(Debug)]
pub struct Row<T> {
    /// Namespace of the object
    pub namespace: String,
    /// Name of the object
    pub name: String,
    started: Option<Timestamp>,
    /// The place of its last write, where that counts
    written: u128,
    readable: bool,
    kept: Kept<T>,
}

#[derive(Debug)]
enum Kept<T> {
    Nothing,
    Cells(Vec<Cell>),
    Seen(Box<Seen<T>>),
}

impl<T: Listed> Row<T> {
    /// The row of an object. The cells are made at once where they need nothing beside it.
    pub fn of(seen: Seen<T>, wants: Wants) -> Self {
        let meta = seen.meta();
        Self {
            namespace: meta.namespace.clone(),
            name: meta.name.clone(),
            started: started(&seen),
            written: if wants.last_written_first { meta.written() } else { 0 },
            readable: seen.lens.is_ok(),
            kept: match (wants.what, T::ALONE) {
                (What::Name, _) => Kept::Nothing,
                (What::Cells, Some(beside)) => Kept::Cells(views::row(&seen, &beside, wants.everywhere, wants.wide)),
                _ => Kept::Seen(Box::new(seen)),
            },
        }
    }

    /// Whether there was nothing in it that could be read but its name.
    pub fn is_unreadable(&self) -> bool {
        !self.readable
    }

    /// Its cells.
    pub fn cells(self, beside: &T::Beside, everywhere: bool, wide: bool) -> Vec<Cell> {
        match self.kept {
            Kept::Cells(cells) => cells,
            Kept::Seen(seen) => views::row(&seen, beside, everywhere, wide),
            Kept::Nothing => vec![self.name.into()],
        }
    }

    /// The object, where it was wanted.
    pub fn seen(self) -> Option<Seen<T>> {
        match self.kept {
            Kept::Seen(seen) => Some(*seen),
            _ => None,
        }
    }
}

fn compare<T: Listed>(a: (&str, Option<Timestamp>), b: (&str, Option<Timestamp>), by_namespace: bool) -> Ordering {
    if T::STARTED.is_none() {
        return Ordering::Equal;
    }
    let namespaces = if by_namespace { a.0.cmp(b.0) } else { Ordering::Equal };
    namespaces.then_with(|| by_start(a.1, b.1, Unbegun::First))
}

/// Runs come newest first, those that have not started before all others; over all namespaces, namespace by namespace.
pub fn order<T: Listed>(objects: &mut [Seen<T>], by_namespace: bool) {
    objects.sort_by(|a, b| compare::<T>((&a.meta().namespace, started(a)), (&b.meta().namespace, started(b)), by_namespace));
}

/// The same order for rows; within a second by their last write, where that counts.
pub fn order_rows<T: Listed>(rows: &mut [Row<T>], by_namespace: bool) {
    let written = |a: &Row<T>, b: &Row<T>| if T::STARTED.is_none() { Ordering::Equal } else { b.written.cmp(&a.written) };
    rows.sort_by(|a, b| compare::<T>((&a.namespace, a.started), (&b.namespace, b.started), by_namespace).then_with(|| written(a, b)));
}
