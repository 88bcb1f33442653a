//! Which objects can be among the newest, told from ages such as `3m5s` alone. The server's tables have ages, not times;
//! they bound the newest few, which are then read whole. Pure.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use jiff::Timestamp;

/// Between how many seconds ago something began, the second one excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Age {
    at_least: i64,
    below: i64,
}

const NEVER: i64 = i64::MAX;

impl Age {
    /// Reads what Kubernetes prints for a duration. What cannot be read may be any time.
    pub fn of(text: &str) -> Self {
        match seconds(text) {
            // A clock that is a little behind is told as no time at all.
            Some((0, 1)) => Self { at_least: -2, below: 1 },
            Some((total, unit)) => Self { at_least: total, below: total + unit },
            None => Self { at_least: i64::MIN, below: NEVER },
        }
    }

    /// How many seconds it is at least.
    pub fn at_least(self) -> i64 {
        self.at_least
    }

    /// The number of seconds that it is less than.
    pub fn below(self) -> i64 {
        self.below
    }
}

/// The seconds of `1h5m`, and how many its smallest unit has.
fn seconds(text: &str) -> Option<(i64, i64)> {
    let (mut total, mut unit, mut rest) = (0_i64, None, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let length = match rest[digits..].chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'y' => 31_536_000,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(length)?)?;
        unit = Some(length);
        rest = &rest[digits + 1..];
    }
    unit.map(|unit| (total, unit))
}

/// Where objects stand that have not begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unbegun {
    /// Before all others, in the server's order, as in lists
    First,
    /// Among the others, by when they were made: the last run is often one that is about to begin
    ByCreation,
}

/// Objects to be read whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// Their places in the server's order, with whether everything that was not chosen surely comes after them
    pub places: Vec<(usize, bool)>,
    /// Whether that is all there are
    pub all: bool,
}

/// The objects that may be among so many newest. `slack` is how many seconds may have passed between the first age and
/// the last one, since each was counted at its own moment.
pub fn choose(ages: &[Option<Age>], wanted: usize, slack: i64, unbegun: Unbegun) -> Chosen {
    let none_yet = ages.iter().filter(|age| age.is_none()).count();
    let begun = ages.len() - none_yet;
    let begun_wanted = match unbegun {
        Unbegun::First => wanted.saturating_sub(none_yet),
        Unbegun::ByCreation => wanted,
    };
    // The bound below which as many as are wanted surely are.
    let mut smallest: BinaryHeap<i64> = BinaryHeap::with_capacity(begun_wanted.min(begun) + 1);
    for age in ages.iter().flatten() {
        smallest.push(age.below);
        if smallest.len() > begun_wanted {
            smallest.pop();
        }
    }
    let bound = match smallest.peek() {
        _ if begun_wanted == 0 => None,
        Some(bound) if smallest.len() == begun_wanted && *bound < NEVER => Some(bound.saturating_add(slack)),
        _ => Some(NEVER),
    };
    let mut none_left = match unbegun {
        Unbegun::First => wanted,
        // Only they themselves tell when they were made.
        Unbegun::ByCreation => usize::MAX,
    };
    let mut places = Vec::new();
    for (place, age) in ages.iter().enumerate() {
        match (age, bound) {
            (None, _) if none_left > 0 => {
                none_left -= 1;
                places.push((place, unbegun == Unbegun::First));
            }
            (Some(age), Some(bound)) if age.at_least < bound => places.push((place, age.below < NEVER && age.below <= bound - slack)),
            _ => {}
        }
    }
    Chosen { all: places.len() == ages.len(), places }
}

/// The order of lists by start: the newest first, equal ones left as they are.
pub fn by_start(a: Option<Timestamp>, b: Option<Timestamp>, unbegun: Unbegun) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => b.cmp(&a),
        (a, b) if unbegun == Unbegun::First => a.is_some().cmp(&b.is_some()),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

/// Something that was chosen and read.
#[derive(Clone, Debug)]
pub struct Read<T> {
    /// What it is
    pub object: T,
    /// When it began, or was made where that counts
    pub started: Option<Timestamp>,
    /// When it was made, and the place of its last write among all writes
    pub made: (Option<Timestamp>, u128),
    /// Whether everything that was not read surely comes after it
    pub sure: bool,
    /// Whether it is wanted at all
    pub kept: bool,
}

/// Of what was read, in the server's order, those that are wanted, newest first, as far as nothing that was not read can
/// come between them. The last run of a second is the one that was made last, or written last.
pub fn settled<T>(mut read: Vec<Read<T>>, all: bool, unbegun: Unbegun) -> Vec<T> {
    let last_made = |a: &Read<T>, b: &Read<T>| match unbegun {
        Unbegun::First => Ordering::Equal,
        Unbegun::ByCreation => b.made.cmp(&a.made),
    };
    read.sort_by(|a, b| by_start(a.started, b.started, unbegun).then_with(|| last_made(a, b)));
    let last_sure = read.iter().rfind(|r| r.sure).map(|r| r.started);
    // What began in the same second as something sure comes before all that was not read as well.
    let same = |bound| read.iter().rposition(|r| r.started == bound).map_or(0, |last| last + 1);
    let settled = if all { read.len() } else { last_sure.map_or(0, same) };
    read.into_iter().take(settled).filter(|r| r.kept).map(|r| r.object).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What Kubernetes prints for an age (`HumanDuration`).
    pub(in crate::objects) fn human(seconds: i64) -> String {
        let part = |n: i64, unit: &str| if n == 0 { String::new() } else { format!("{n}{unit}") };
        let (minutes, hours) = (seconds / 60, seconds / 3600);
        match () {
            () if seconds < -1 => "<invalid>".to_owned(),
            () if seconds < 0 => "0s".to_owned(),
            () if seconds < 120 => format!("{seconds}s"),
            () if minutes < 10 => format!("{minutes}m{}", part(seconds % 60, "s")),
            () if minutes < 180 => format!("{minutes}m"),
            () if hours < 8 => format!("{hours}h{}", part(minutes % 60, "m")),
            () if hours < 48 => format!("{hours}h"),
            () if hours < 192 => format!("{}d{}", hours / 24, part(hours % 24, "h")),
            () if hours < 17_520 => format!("{}d", hours / 24),
            () if hours < 70_080 => format!("{}y{}", hours / 24 / 365, part(hours / 24 % 365, "d")),
            () => format!("{}y", hours / 24 / 365),
        }
    }

    /// A namespace: how many seconds before the first age each run began, how much later its own age was counted (and how
    /// many seconds ago it was made when it has not begun), and whether somebody wants it.
    fn namespace() -> impl Strategy<Value = Vec<(Option<i64>, i64, bool)>> {
        let ago = prop_oneof![
            2 => Just(None),
            1 => (-5_i64..3).prop_map(Some),
            3 => (0_i64..150).prop_map(Some),
            4 => (0_i64..40_000).prop_map(Some),
            3 => (0_i64..1_000_000).prop_map(Some),
            1 => (0_i64..400_000_000).prop_map(Some),
            2 => prop_oneof![Just(Some(90_000)), Just(Some(700)), Just(Some(4_000_000))],
        ];
        prop::collection::vec((ago, 0_i64..4, prop::bool::weighted(0.7)), 0..80)
    }

    /// What the program does: choose, read, settle, and choose more while that is not enough.
    fn newest(runs: &[(Option<i64>, i64, bool)], wanted: usize, unbegun: Unbegun) -> (Vec<usize>, usize) {
        let ages: Vec<Option<Age>> = runs.iter().map(|(ago, later, _)| ago.map(|ago| Age::of(&human(ago + later)))).collect();
        let mut asked = wanted;
        loop {
            let chosen = choose(&ages, asked, 4, unbegun);
            let read = chosen.places.iter().map(|(place, sure)| {
                let (_, _, kept) = runs[*place];
                Read { object: *place, started: key(&runs[*place], unbegun), made: (None, *place as u128), sure: *sure, kept }
            });
            let mut found = settled(read.collect(), chosen.all, unbegun);
            if found.len() >= wanted || chosen.all {
                found.truncate(wanted);
                return (found, chosen.places.len());
            }
            asked = (asked * 4).max(1);
        }
    }

    fn key((ago, later, _): &(Option<i64>, i64, bool), unbegun: Unbegun) -> Option<Timestamp> {
        ago.or((unbegun == Unbegun::ByCreation).then_some(*later)).map(began)
    }

    fn began(ago: i64) -> Timestamp {
        Timestamp::from_second(2_000_000_000 - ago).unwrap()
    }

    proptest! {
        #[test]
        fn the_newest_are_those_of_the_whole_list(runs in namespace(), wanted in 0_usize..20, last in any::<bool>()) {
            let unbegun = if last { Unbegun::ByCreation } else { Unbegun::First };
            let mut whole: Vec<usize> = (0..runs.len()).collect();
            let written = |a: &usize, b: &usize| if last { b.cmp(a) } else { Ordering::Equal };
            whole.sort_by(|a, b| by_start(key(&runs[*a], unbegun), key(&runs[*b], unbegun), unbegun).then(written(a, b)));
            whole.retain(|place| runs[*place].2);
            whole.truncate(wanted);
            prop_assert_eq!(newest(&runs, wanted, unbegun).0, whole);
        }
    }

    #[test]
    fn of_many_runs_few_are_read() {
        // One run every 20 minutes for a year.
        let runs: Vec<_> = (0..26_000_i64).map(|i| (Some(60 + i * 1200), 1, true)).collect();
        let (found, read) = newest(&runs, 10, Unbegun::First);
        assert_eq!(found, (0..10).collect::<Vec<_>>());
        assert!(read < 20, "{read} were read");
    }

    #[test]
    fn ages_bound_the_time() {
        for (text, at_least, below) in [("0s", -2, 1), ("119s", 119, 120), ("5m", 300, 360), ("5m7s", 307, 308), ("3d4h", 273_600, 277_200)]
        {
            assert_eq!(Age::of(text), Age { at_least, below }, "{text}");
        }
        for text in ["<invalid>", "", "soon", "5"] {
            assert_eq!(Age::of(text), Age { at_least: i64::MIN, below: NEVER }, "{text}");
        }
    }
}
