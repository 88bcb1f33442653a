//! The columns of each kind's list.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{ABSENT, Cell, Column, Listed, values};
use crate::objects::Object;
use crate::objects::pipeline::{Pipeline, Task};
use crate::objects::run::{CustomRun, PipelineRun, Run, TaskRun};
use crate::objects::trigger::{
    BindingRef, ClusterInterceptor, ClusterTriggerBinding, EventListener, InterceptorRef, Trigger, TriggerBinding, TriggerTemplate,
};

macro_rules! listed {
    ($($kind:ty: $($heading:literal = $cell:expr),*;)*) => {$(
        impl Listed for $kind {
            type Beside = ();
            const COLUMNS: &'static [Column<Self>] = &[$(Column { heading: $heading, cell: $cell }),*];
        }
    )*};
}

listed! {
    Task: "DESCRIPTION" = |t, ()| values::shortened(t.spec.description.as_deref().unwrap_or_default()).into(), "AGE" = |t, ()| age(t);
    EventListener: "AGE" = |l, ()| age(l), "URL" = |l, ()| url(l), "AVAILABLE" = |l, ()| available(l);
    Trigger: "AGE" = |t, ()| age(t), "TEMPLATE" = |t, ()| template(t), "BINDINGS" = |t, ()| bindings(t), "INTERCEPTORS" = |t, ()| interceptors(t);
    TriggerBinding: "AGE" = |b, ()| age(b);
    TriggerTemplate: "AGE" = |t, ()| age(t);
    ClusterTriggerBinding: "AGE" = |b, ()| age(b);
    ClusterInterceptor: "AGE" = |i, ()| age(i), "URL" = |i, ()| Cell::or_absent(i.status.address.as_ref().and_then(|a| a.url.as_deref()));
}

macro_rules! listed_runs {
    ($($kind:ty),*) => {$(
        impl Listed for $kind {
            type Beside = ();
            const COLUMNS: &'static [Column<Self>] = &[
                Column { heading: "STARTED", cell: |run, ()| Cell::Age(run.started()) },
                Column { heading: "DURATION", cell: |run, ()| Cell::Took(run.started(), run.completed()) },
                Column { heading: "STATUS", cell: |run, ()| Cell::Status(run.verdict()) },
            ];
            const STARTED: Option<fn(&Self) -> Option<Timestamp>> = Some(Self::started);
        }
    )*};
}
listed_runs!(PipelineRun, TaskRun, CustomRun);

/// The newest run of each Pipeline, by namespace and name of the Pipeline.
#[derive(Debug, Default)]
pub struct LastRuns(HashMap<(String, String), PipelineRun>);

impl LastRuns {
    /// Finds them among all runs: the newest by creation of those that carry the Pipeline's label.
    pub fn among(runs: impl IntoIterator<Item = PipelineRun>) -> Self {
        let mut last: HashMap<(String, String), PipelineRun> = HashMap::new();
        for run in runs {
            let Some(pipeline) = run.metadata.label("tekton.dev/pipeline") else { continue };
            let key = (run.metadata.namespace.clone(), pipeline.to_owned());
            let newer = last.get(&key).is_none_or(|known| run.metadata.creation_timestamp > known.metadata.creation_timestamp);
            if newer {
                last.insert(key, run);
            }
        }
        Self(last)
    }

    /// The last run of a Pipeline.
    pub fn of(&self, pipeline: &Pipeline) -> Option<&PipelineRun> {
        self.0.get(&(pipeline.metadata.namespace.clone(), pipeline.metadata.name.clone()))
    }

    fn cell(&self, pipeline: &Pipeline, cell: fn(&PipelineRun) -> Cell) -> Cell {
        self.of(pipeline).map_or_else(|| ABSENT.into(), cell)
    }
}

impl Listed for Pipeline {
    type Beside = LastRuns;
    const COLUMNS: &'static [Column<Self>] = &[
        Column { heading: "AGE", cell: |p, _| age(p) },
        Column { heading: "LAST RUN", cell: |p, last| last.cell(p, |run| Cell::from(&run.metadata.name)) },
        Column { heading: "STARTED", cell: |p, last| last.cell(p, |run| Cell::Age(run.started())) },
        Column { heading: "DURATION", cell: |p, last| last.cell(p, |run| Cell::Took(run.started(), run.completed())) },
        Column { heading: "STATUS", cell: |p, last| last.cell(p, |run| Cell::Status(run.verdict())) },
    ];
}

fn age(object: &impl Object) -> Cell {
    Cell::Age(object.meta().creation_timestamp)
}

fn url(listener: &EventListener) -> Cell {
    Cell::or_absent(listener.status.address.as_ref().and_then(|a| a.url.as_deref()))
}

/// tkn shows the first condition, whichever it is; the server sorts them by type, so that it is `Available`.
fn available(listener: &EventListener) -> Cell {
    let conditions = &listener.status.conditions;
    let condition = crate::objects::meta::condition(conditions, "Available").or(crate::objects::meta::condition(conditions, "Ready"));
    Cell::or_absent(condition.map(|c| c.status.as_str()))
}

fn template(trigger: &Trigger) -> Cell {
    let template = trigger.spec.template.as_ref();
    match template.and_then(|t| t.reference.as_deref()) {
        Some(name) => name.into(),
        None if template.is_some_and(|t| t.spec.is_some()) => "EMBEDDED".into(),
        None => ABSENT.into(),
    }
}

fn bindings(trigger: &Trigger) -> Cell {
    joined(trigger.spec.bindings.iter().map(|b: &BindingRef| match (&b.reference, &b.name, &b.value) {
        (Some(reference), ..) => reference.clone(),
        (None, Some(name), Some(value)) => format!("{name}={value}"),
        _ => String::new(),
    }))
}

fn interceptors(trigger: &Trigger) -> Cell {
    joined(trigger.spec.interceptors.iter().map(|i: &InterceptorRef| {
        let name = i.reference.name.as_deref().or(i.name.as_deref());
        name.unwrap_or(if i.webhook.is_some() { "webhook" } else { "" }).to_owned()
    }))
}

fn joined(names: impl Iterator<Item = String>) -> Cell {
    let names: Vec<String> = names.filter(|n| !n.is_empty()).collect();
    Cell::or_absent(Some(&names.join(", ")))
}
