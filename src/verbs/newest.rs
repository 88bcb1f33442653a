//! The newest few runs of many, without reading the many: the server's table has the ages of all, and what may be among
//! the newest is then read whole.

use std::time::Instant;

use futures::{StreamExt as _, TryStreamExt as _};

use crate::client::{Cluster, Error, Select};
use crate::objects::Seen;
use crate::objects::newest::{Age, Chosen, Read, Unbegun, choose, settled};
use crate::views::{Listed, started};

/// Up to so many objects are read whole without asking for the table.
const FEW: u32 = 50;
/// How many objects are read at once: each takes a connection of its own, whose handshake costs more than a read.
const AT_ONCE: usize = 4;
/// Of more than one object in so many, the list costs less.
const SHARE: usize = 8;
/// The column of the server's table that says when a run started.
const STARTED: &[&str] = &["StartTime"];

/// Which runs are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Where
    pub namespace: &'a str,
    /// What the server selects
    pub select: &'a Select,
    /// How many
    pub count: usize,
    /// Where those stand that have not started
    pub unbegun: Unbegun,
}

/// The newest runs.
pub struct Newest<T> {
    /// The runs, newest first; more than were wanted where that cost nothing
    pub objects: Vec<Seen<T>>,
    /// The version of the list
    pub version: String,
}

/// The newest of the runs that a closure keeps; none where that takes the whole list.
///
/// # Errors
/// When the server refuses or does not answer.
pub async fn of<T: Listed>(cluster: &Cluster, wanted: Wanted<'_>, keep: impl Fn(&T) -> bool) -> Result<Option<Newest<T>>, Error> {
    if T::STARTED.is_none() {
        return Ok(None);
    }
    let read = |seen, sure| read(seen, sure, wanted.unbegun, &keep);
    let mut pages = cluster.pages::<T>(Some(wanted.namespace), wanted.select).one_by_one(FEW);
    let first = pages.next(Some).await?.unwrap_or_default();
    let version = pages.version().to_owned();
    if !pages.has_more() {
        let few = first.into_iter().map(|seen| read(seen, true)).collect();
        return Ok(Some(Newest { objects: settled(few, true, wanted.unbegun), version }));
    }
    let asked = Instant::now();
    let Some(rows) = cluster.table(T::KIND, Some(wanted.namespace), wanted.select, STARTED).await? else { return Ok(None) };
    let slack = i64::try_from(asked.elapsed().as_secs()).unwrap_or(i64::MAX).saturating_add(2);
    let ages: Vec<Option<Age>> = rows.iter().map(|row| row.age.as_deref().map(Age::of)).collect();
    let mut count = wanted.count;
    loop {
        let chosen = choose(&ages, count, slack, wanted.unbegun);
        if chosen.places.len() > (rows.len() / SHARE).max(wanted.count + FEW as usize) {
            return Ok(None);
        }
        let names: Vec<&str> = chosen.places.iter().map(|(place, _)| rows[*place].name.as_str()).collect();
        let Some(seen) = each::<T>(cluster, wanted.namespace, &names).await? else { return Ok(None) };
        let Chosen { places, all } = chosen;
        let objects = seen.into_iter().zip(places).map(|(seen, (_, sure))| read(seen, sure)).collect();
        let objects = settled(objects, all, wanted.unbegun);
        if objects.len() >= wanted.count || all {
            return Ok(Some(Newest { objects, version }));
        }
        count = count.saturating_mul(4);
    }
}

/// An object with what its place among the others goes by.
fn read<T: Listed>(seen: Seen<T>, sure: bool, unbegun: Unbegun, keep: impl Fn(&T) -> bool) -> Read<Seen<T>> {
    let made = seen.meta().creation_timestamp.filter(|_| unbegun == Unbegun::ByCreation);
    Read {
        started: started(&seen).or(made),
        made: (seen.meta().creation_timestamp, seen.meta().written()),
        kept: seen.lens.as_ref().map_or(true, keep),
        object: seen,
        sure,
    }
}

/// These objects; none when one of them has gone meanwhile, since what comes after it is not known.
async fn each<T: Listed>(cluster: &Cluster, namespace: &str, names: &[&str]) -> Result<Option<Vec<Seen<T>>>, Error> {
    let found = futures::stream::iter(names).map(|name| cluster.find::<T>(namespace, name)).buffered(AT_ONCE);
    let found: Vec<Option<Seen<T>>> = found.try_collect().await?;
    Ok(found.into_iter().collect())
}

/// The newest of the runs that a closure keeps, newest first, from the whole list where that is needed.
///
/// # Errors
/// When the server refuses or does not answer.
pub async fn or_all<T: Listed>(cluster: &Cluster, wanted: Wanted<'_>, keep: impl Fn(&T) -> bool) -> Result<Vec<Seen<T>>, Error> {
    if let Some(newest) = of(cluster, wanted, &keep).await? {
        return Ok(newest.objects);
    }
    let listed = cluster.list::<T>(Some(wanted.namespace), wanted.select).await?;
    let all = listed.into_iter().map(|seen| read(seen, true, wanted.unbegun, &keep));
    Ok(settled(all.collect(), true, wanted.unbegun))
}
