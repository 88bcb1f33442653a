//! How the objects of each kind are told to the machine.

use std::sync::Arc;

use crate::client::Error;
use crate::logs::machine::Input;
use crate::logs::watch::Telling;
use crate::objects::core::{Event, Pod};
use crate::objects::run::{CustomRun, PipelineRun, Run, TaskRun};
use crate::objects::verdict::Verdict;

/// The PipelineRuns of these names.
pub(super) fn runs(scope: &Arc<[String]>) -> Telling<PipelineRun> {
    Telling {
        now: Input::Run,
        // Of one that cannot be read, what was read before still holds.
        gone: |name, odd| odd.is_none().then_some(Input::RunGone(name)),
        listed: Some(Input::RunsListed),
        scope: scope.clone(),
    }
}

/// The TaskRuns of these runs.
pub(super) fn tasks(scope: &Arc<[String]>) -> Telling<TaskRun> {
    Telling {
        now: Input::Task,
        gone: |name, odd| Some(Input::TaskGone { name, reason: odd.map(|o| o.reason) }),
        listed: Some(Input::TasksListed),
        scope: scope.clone(),
    }
}

/// The pods of these runs.
pub(super) fn pods(scope: &Arc<[String]>) -> Telling<Pod> {
    Telling {
        now: Input::Pod,
        // A pod that cannot be read gives no logs, as one that is not there.
        gone: |name, _| Some(Input::PodGone(name)),
        listed: Some(Input::PodsListed),
        scope: scope.clone(),
    }
}

/// CustomRuns.
pub(super) fn customs() -> Telling<CustomRun> {
    Telling {
        now: |run| {
            let message = run.succeeded().and_then(|c| c.message.clone()).unwrap_or_default();
            Input::Child { stands: Some((run.verdict(), message)), name: run.metadata.name }
        },
        gone: |name, _| Some(Input::Child { name, stands: None }),
        listed: None,
        scope: Arc::from([]),
    }
}

/// A CustomRun that the user may not read.
pub(super) fn unreadable(name: String, error: &Error) -> Input<'static> {
    Input::Child { name, stands: Some((Verdict::of(None), format!("it cannot be read: {error}"))) }
}

/// Events of the cluster. They go after an hour; that says nothing.
pub(super) fn events() -> Telling<Event> {
    Telling { now: Input::Event, gone: |_, _| None, listed: None, scope: Arc::from([]) }
}
