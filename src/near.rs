//! Names that are spelled alike, for «did you mean».

/// The candidate nearest to a word: one that begins with it, or differs in a third of its letters at most.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let lower = candidate.to_lowercase();
            let distance = strsim::osa_distance(&word, &lower);
            let close = distance <= (word.chars().count() / 3).clamp(1, 3);
            let prefix = !word.is_empty() && (lower.starts_with(&word) || word.starts_with(&lower));
            (close || prefix).then_some((distance, candidate))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_what_is_spelled_alike_and_nothing_else() {
        let names = ["build", "deploy", "tt-tt-pr8x2p"];
        assert_eq!(nearest("biuld", names), Some("build"));
        assert_eq!(nearest("dep", names), Some("deploy"));
        assert_eq!(nearest("zebra", names), None);
    }
}
