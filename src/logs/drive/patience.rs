//! When it is said what a run waits for: once it has waited for it through two looks, so that the seconds in which every
//! pod starts are passed over.

use std::collections::HashSet;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Sleep;

use crate::logs::event::Wait;

/// The time between two looks.
const LOOK: Duration = Duration::from_secs(3);

/// What is waited for, and the time of the next look.
#[derive(Default)]
pub(super) struct Patience {
    seen: HashSet<Wait>,
    said: HashSet<Wait>,
    next: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    /// Something has changed, so that a look is worth it.
    pub(super) fn begin(&mut self) {
        self.next.get_or_insert_with(|| Box::pin(tokio::time::sleep(LOOK)));
    }

    /// Ready when it is time to look.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self.next.as_mut().map(|sleep| sleep.as_mut().poll(cx)) {
            Some(Poll::Ready(())) => {
                self.next = None;
                Poll::Ready(())
            }
            _ => Poll::Pending,
        }
    }

    /// What has lasted since the last look and was not said yet. While something is new, there is a next look.
    pub(super) fn lasting(&mut self, now: Vec<Wait>) -> Vec<Wait> {
        let unsaid: Vec<Wait> = now.into_iter().filter(|wait| !self.said.contains(wait)).collect();
        let (lasting, new): (Vec<Wait>, Vec<Wait>) = unsaid.into_iter().partition(|wait| self.seen.contains(wait));
        self.said.extend(lasting.iter().cloned());
        if !new.is_empty() {
            self.begin();
        }
        self.seen = new.into_iter().collect();
        lasting
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wait_is_said_once_and_only_when_it_lasts() {
        let wait = |why: &str| Wait { who: "task a".into(), why: why.into() };
        let mut patience = Patience::default();
        assert_eq!(patience.lasting(vec![wait("one")]), []);
        assert_eq!(patience.lasting(vec![wait("one"), wait("two")]), [wait("one")]);
        assert_eq!(patience.lasting(vec![wait("one")]), []);
        assert_eq!(patience.lasting(vec![wait("two")]), []);
        assert_eq!(patience.lasting(vec![wait("two")]), [wait("two")]);
        assert!(patience.next.is_some());
    }
}
