//! The choice made from the server's table, without the runs themselves: whether they are over stands in it, and their
//! ages decide about most. The few that ages leave open are read whole.

use std::time::Instant;

use futures::{StreamExt as _, TryStreamExt as _};
use jiff::{SignedDuration, Timestamp};

use super::AT_ONCE;
use super::choice::{Choice, Keep, is_over};
use crate::client::{Cluster, Error, Select};
use crate::objects::Object;
use crate::objects::newest::Age;
use crate::objects::oldest::{Told, by_age, by_number};
use crate::objects::run::{PipelineRun, Run};

/// The columns of the table that are looked at.
const COLUMNS: [&str; 4] = ["Succeeded", "Reason", "StartTime", "CompletionTime"];
/// Of more than one run in so many, the list costs less.
const SHARE: usize = 8;
/// So few are read whole in any case.
const FEW: usize = 50;

/// A run as the table has it.
struct Row {
    name: String,
    /// Whether anybody has taken it up
    begun: bool,
    over: bool,
    started: Option<Age>,
    ended: Option<Age>,
}

/// Which PipelineRuns go; none where the server makes no such table, or where too much would have to be read.
///
/// # Errors
/// When the server refuses or does not answer.
pub(super) async fn choose(cluster: &Cluster, select: &Select, keep: Keep) -> Result<Option<Choice>, Error> {
    let asked = Instant::now();
    let Some(cells) = cluster.cells(PipelineRun::KIND, Some(&cluster.namespace), select, COLUMNS).await? else { return Ok(None) };
    // Each age was counted at its own moment, and the answer was on its way.
    let slack = i64::try_from(asked.elapsed().as_secs()).unwrap_or(i64::MAX).saturating_add(2);
    let rows = cells.into_iter().map(|(name, [status, reason, started, ended])| Row {
        name,
        begun: status.is_some(),
        over: status.is_some_and(|status| is_over(&status, reason.as_deref().unwrap_or_default())),
        started: started.as_deref().map(Age::of),
        ended: ended.as_deref().map(Age::of),
    });
    let mut rows: Vec<Row> = rows.filter(|row| !keep.unfinished || row.over).collect();
    if keep.number > 0 {
        // Newest first as far as ages tell, as in the list.
        rows.sort_by_key(|row| row.started);
    }
    let glance = Glance { cluster, rows, slack };
    match (keep.number, keep.minutes) {
        (0, 0) => Ok(Some(Choice { doomed: glance.rows.into_iter().map(|row| row.name).collect(), kept: Vec::new() })),
        (number, 0) => glance.number(number).await,
        (0, minutes) => glance.age(minutes).await,
        // Both rules: the number counts, unless the age happens to keep just as many.
        (number, minutes) => match glance.age(minutes).await? {
            Some(choice) if choice.kept.len() == number => Ok(Some(choice)),
            Some(_) => glance.number(number).await,
            None => Ok(None),
        },
    }
}

struct Glance<'a> {
    cluster: &'a Cluster,
    rows: Vec<Row>,
    slack: i64,
}

impl Glance<'_> {
    /// All but so many newest.
    async fn number(&self, keep: usize) -> Result<Option<Choice>, Error> {
        let ages: Vec<Option<Age>> = self.rows.iter().map(|row| row.started).collect();
        let told = by_number(&ages, keep, self.slack);
        let Some(mut read) = self.read(&told).await? else { return Ok(None) };
        // Newest first; equal ones stay in the server's order.
        read.sort_by_key(|(_, run)| std::cmp::Reverse(run.started()));
        let left = keep - told.iter().filter(|told| **told == Told::Kept).count();
        let newest: Vec<usize> = read.into_iter().take(left).map(|(place, _)| place).collect();
        Ok(Some(self.divide(&told, |place| newest.contains(&place))))
    }

    /// All but those that ended within so many minutes. Those that nobody has taken up are neither old nor young.
    async fn age(&self, minutes: u32) -> Result<Option<Choice>, Error> {
        let limit = i64::from(minutes) * 60;
        let ages: Vec<Option<Age>> = self.rows.iter().map(|row| row.ended).collect();
        let mut told = by_age(&ages, limit, self.slack);
        for (told, row) in told.iter_mut().zip(&self.rows).filter(|(_, row)| row.ended.is_none() && !row.over) {
            *told = if row.begun { Told::Doomed } else { *told };
        }
        let Some(read) = self.read(&told).await? else { return Ok(None) };
        let (now, limit) = (Timestamp::now(), SignedDuration::from_secs(limit));
        let young = |run: &PipelineRun| run.completed().is_none_or(|ended| now.duration_since(ended) <= limit);
        let kept: Vec<usize> = read.into_iter().filter(|(_, run)| young(run)).map(|(place, _)| place).collect();
        let mut choice = self.divide(&told, |place| kept.contains(&place));
        let untouched = |name: &String| self.rows.iter().any(|row| row.name == *name && !row.begun);
        choice.kept.retain(|name| !untouched(name));
        Ok(Some(choice))
    }

    /// The runs that ages leave open, with their places; none when they are too many, or one has gone meanwhile.
    async fn read(&self, told: &[Told]) -> Result<Option<Vec<(usize, PipelineRun)>>, Error> {
        let open: Vec<usize> = (0..told.len()).filter(|place| told[*place] == Told::Unsure).collect();
        if open.len() > (self.rows.len() / SHARE).max(FEW) {
            return Ok(None);
        }
        let namespace = &self.cluster.namespace;
        let found = futures::stream::iter(&open).map(|place| self.cluster.find::<PipelineRun>(namespace, &self.rows[*place].name));
        let found: Vec<_> = found.buffered(AT_ONCE).try_collect().await?;
        let runs: Option<Vec<PipelineRun>> = found.into_iter().map(|seen| seen.and_then(|seen| seen.lens.ok())).collect();
        Ok(runs.map(|runs| open.into_iter().zip(runs).collect()))
    }

    fn divide(&self, told: &[Told], is_kept: impl Fn(usize) -> bool) -> Choice {
        let mut choice = Choice::default();
        for (place, row) in self.rows.iter().enumerate() {
            let kept = match told[place] {
                Told::Kept => true,
                Told::Doomed => false,
                Told::Unsure => is_kept(place),
            };
            if kept { &mut choice.kept } else { &mut choice.doomed }.push(row.name.clone());
        }
        choice
    }
}
