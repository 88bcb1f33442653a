//! Which objects surely are, and which surely are not, among the newest, told from ages such as `3m5s` alone; and which
//! have to be read whole before that is known. Pure.

use super::newest::Age;

/// What ages tell of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It is among those that are kept
    Kept,
    /// It is not
    Doomed,
    /// That takes its exact time
    Unsure,
}

/// Which are among so many newest. One that has not begun comes before all others, in the server's order. `slack` is how
/// many seconds may have passed between the first age and the last one, since each was counted at its own moment.
pub fn by_number(ages: &[Option<Age>], keep: usize, slack: i64) -> Vec<Told> {
    let sorted = |bound: fn(&Age) -> i64| {
        let mut bounds: Vec<i64> = ages.iter().flatten().map(bound).collect();
        bounds.sort_unstable();
        bounds
    };
    let (youngest, oldest) = (sorted(|age| age.at_least()), sorted(|age| age.below()));
    let mut unbegun = 0..ages.iter().filter(|age| age.is_none()).count();
    let none_yet = unbegun.len();
    let told = |age: &Option<Age>| match age {
        None if unbegun.next().is_some_and(|place| place < keep) => Told::Kept,
        None => Told::Doomed,
        Some(age) => {
            // How many may come before it, itself counted, and how many surely do.
            let may = none_yet + youngest.partition_point(|at_least| *at_least < age.below().saturating_add(slack));
            let must = none_yet + oldest.partition_point(|below| below.saturating_add(slack) <= age.at_least());
            match () {
                () if may <= keep => Told::Kept,
                () if must >= keep => Told::Doomed,
                () => Told::Unsure,
            }
        }
    };
    ages.iter().map(told).collect()
}

/// Which are no older than so many seconds. One without a time is kept.
pub fn by_age(ages: &[Option<Age>], seconds: i64, slack: i64) -> Vec<Told> {
    let told = |age: &Option<Age>| match age {
        None => Told::Kept,
        Some(age) if age.below().saturating_add(slack) <= seconds => Told::Kept,
        Some(age) if age.at_least().saturating_sub(slack) > seconds => Told::Doomed,
        Some(_) => Told::Unsure,
    };
    ages.iter().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::super::newest::tests::human;
    use super::*;
    use proptest::prelude::*;

    /// How many seconds before the first age each run began, and how much later its own age was counted.
    fn namespace() -> impl Strategy<Value = Vec<(Option<i64>, i64)>> {
        let ago = prop_oneof![
            1 => Just(None),
            3 => (0_i64..150).prop_map(Some),
            4 => (0_i64..40_000).prop_map(Some),
            3 => (0_i64..1_000_000).prop_map(Some),
            2 => prop_oneof![Just(Some(90_000)), Just(Some(700)), Just(Some(4_000_000))],
        ];
        prop::collection::vec((ago, 0_i64..4), 0..80)
    }

    fn ages(runs: &[(Option<i64>, i64)]) -> Vec<Option<Age>> {
        runs.iter().map(|(ago, later)| ago.map(|ago| Age::of(&human(ago + later)))).collect()
    }

    proptest! {
        #[test]
        fn what_is_sure_of_the_newest_is_so_in_the_whole_list(runs in namespace(), keep in 1_usize..60) {
            let mut whole: Vec<usize> = (0..runs.len()).collect();
            whole.sort_by_key(|place| runs[*place].0.unwrap_or(i64::MIN));
            let told = by_number(&ages(&runs), keep, 4);
            for (rank, place) in whole.into_iter().enumerate() {
                let wanted = if rank < keep { Told::Kept } else { Told::Doomed };
                prop_assert!(told[place] == wanted || told[place] == Told::Unsure, "{:?} of {:?}", told[place], runs[place]);
            }
        }

        #[test]
        fn what_is_sure_of_an_age_is_so(runs in namespace(), minutes in 1_i64..1000) {
            for (told, (ago, _)) in by_age(&ages(&runs), minutes * 60, 4).into_iter().zip(&runs) {
                let wanted = if ago.is_some_and(|ago| ago > minutes * 60) { Told::Doomed } else { Told::Kept };
                prop_assert!(told == wanted || told == Told::Unsure, "{told:?} of {ago:?}");
            }
        }
    }

    #[test]
    fn of_many_runs_few_are_unsure() {
        // One run a minute, for a week.
        let runs: Vec<(Option<i64>, i64)> = (0..10_000).map(|i| (Some(i * 60), 0)).collect();
        let unsure = |told: Vec<Told>| told.into_iter().filter(|told| *told == Told::Unsure).count();
        // Ages of some days are told in hours: three of them may hold the last.
        let by_number = unsure(by_number(&ages(&runs), 9_999, 2));
        assert!(by_number <= 180, "{by_number}");
        let by_age = unsure(by_age(&ages(&runs), 86_400, 2));
        assert!(by_age <= 180, "{by_age}");
    }
}
