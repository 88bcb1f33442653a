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
    ($($kind:ty: $($heading:literal = $cell:expr),* => $($more:literal = $more_cell:expr),*;)*) => {$(
        impl Listed for $kind {
            type Beside = ();
            const COLUMNS: &'static [Column<Self>] = &[$(Column { heading: $heading, cell: $cell }),*];
            const WIDE: &'static [Column<Self>] = &[$(Column { heading: $more, cell: $more_cell }),*];
            const ALONE: Option<()> = Some(());
        }
    )*};
}

listed! {
    Task: "DESCRIPTION" = |t, ()| values::shortened(t.spec.description.as_deref().unwrap_or_default()).into(), "AGE" = |t, ()| age(t)
        => "PARAMS" = |t, ()| joined(t.spec.params.iter().map(|p| p.name.clone())),
           "WORKSPACES" = |t, ()| joined(t.spec.workspaces.iter().map(|w| w.name.clone())),
           "STEPS" = |t, ()| t.spec.steps.len().to_string().into();
    EventListener: "AGE" = |l, ()| age(l), "URL" = |l, ()| url(l), "AVAILABLE" = |l, ()| available(l)
        => "SERVICEACCOUNT" = |l, ()| Cell::or_absent(l.spec.service_account_name.as_deref()),
           "TRIGGERS" = |l, ()| joined(l.spec.triggers.iter().filter_map(|t| t.name.clone().or(t.trigger_ref.clone())));
    Trigger: "AGE" = |t, ()| age(t), "TEMPLATE" = |t, ()| template(t), "BINDINGS" = |t, ()| bindings(t), "INTERCEPTORS" = |t, ()| interceptors(t)
        => "SERVICEACCOUNT" = |t, ()| Cell::or_absent(t.spec.service_account_name.as_deref());
    TriggerBinding: "AGE" = |b, ()| age(b) => "PARAMS" = |b, ()| joined(b.spec.params.iter().map(|p| p.name.clone()));
    TriggerTemplate: "AGE" = |t, ()| age(t)
        => "PARAMS" = |t, ()| joined(t.spec.params.iter().map(|p| p.name.clone())),
           "RESOURCES" = |t, ()| joined(t.spec.resource_templates.iter().filter_map(|r| r["kind"].as_str().map(str::to_owned)));
    ClusterTriggerBinding: "AGE" = |b, ()| age(b) => "PARAMS" = |b, ()| joined(b.spec.params.iter().map(|p| p.name.clone()));
    ClusterInterceptor: "AGE" = |i, ()| age(i), "URL" = |i, ()| Cell::or_absent(i.status.address.as_ref().and_then(|a| a.url.as_deref()))
        => "SERVICE" = |i, ()| Cell::or_absent(i.spec.pointer("/clientConfig/service/name").and_then(serde_json::Value::as_str));
}

macro_rules! listed_runs {
    ($($kind:ty: $($more:literal = $more_cell:expr),*;)*) => {$(
        impl Listed for $kind {
            type Beside = ();
            const COLUMNS: &'static [Column<Self>] = &[
                Column { heading: "STARTED", cell: |run, ()| Cell::Age(run.started()) },
                Column { heading: "DURATION", cell: |run, ()| Cell::Took(run.started(), run.completed()) },
                Column { heading: "STATUS", cell: |run, ()| Cell::Status(run.verdict()) },
            ];
            const WIDE: &'static [Column<Self>] = &[
                $(Column { heading: $more, cell: $more_cell },)*
                Column { heading: "MESSAGE", cell: |run, ()| message(run) },
            ];
            const ALONE: Option<()> = Some(());
            const STARTED: Option<fn(&Self) -> Option<Timestamp>> = Some(Self::started);
        }
    )*};
}
listed_runs! {
    PipelineRun: "PIPELINE" = |run, ()| labelled(run, "tekton.dev/pipeline");
    TaskRun: "TASK" = |run, ()| labelled(run, "tekton.dev/task"), "PIPELINERUN" = |run, ()| labelled(run, "tekton.dev/pipelineRun"),
        "POD" = |run, ()| Cell::or_absent(Some(&run.status.pod_name));
    CustomRun: "PIPELINERUN" = |run, ()| labelled(run, "tekton.dev/pipelineRun");
}

fn labelled(run: &impl Object, label: &str) -> Cell {
    Cell::or_absent(run.meta().label(label))
}

/// The first line of what the condition says.
fn message(run: &impl Run) -> Cell {
    Cell::or_absent(run.succeeded().and_then(|c| c.message.as_deref()).and_then(|text| text.lines().next()))
}

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
    const WIDE: &'static [Column<Self>] = &[
        Column { heading: "PARAMS", cell: |p, _| joined(p.spec.params.iter().map(|param| param.name.clone())) },
        Column { heading: "WORKSPACES", cell: |p, _| joined(p.spec.workspaces.iter().map(|w| w.name.clone())) },
        Column { heading: "TASKS", cell: |p, _| (p.spec.tasks.len() + p.spec.finally.len()).to_string().into() },
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
