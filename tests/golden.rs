//! What the views make of the objects in `corpus/`, compared with the texts in `golden/`. With `BLESS=1` the texts are
//! written anew; `git diff` then shows what changed. `golden/yaml.yaml` alone comes from Go's library and is never written.

use std::fs;
use std::path::PathBuf;

use jiff::Timestamp;
use rtkn::objects::pipeline::{Pipeline, Task};
use rtkn::objects::run::{CustomRun, PipelineRun, RunOf, TaskRun};
use rtkn::objects::trigger::{ClusterInterceptor, ClusterTriggerBinding, EventListener, Trigger, TriggerBinding, TriggerTemplate};
use rtkn::objects::{Object, Seen};
use rtkn::render::{self, Format, Look};
use rtkn::verbs::list::order;
use rtkn::views::{self, Described, LastRuns, Listed};
use serde_json::Value;

fn file(folder: &str, name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", folder, name].iter().collect()
}

fn corpus(name: &str) -> Vec<Value> {
    serde_json::from_str(&fs::read_to_string(file("corpus", &format!("{name}.json"))).expect("the case is there")).expect("a case is JSON")
}

fn seen<T: Object>() -> Vec<Seen<T>> {
    corpus(T::KIND.plural).iter().map(Seen::from_value).collect()
}

fn readable<T: Object>() -> Vec<T> {
    seen().into_iter().filter_map(|seen| seen.lens.ok()).collect()
}

fn look(colour: bool) -> Look {
    Look { now: "2026-01-02T12:00:00Z".parse::<Timestamp>().expect("a time"), colour }
}

/// Compares with the golden text, or writes it.
pub fn golden(name: &str, text: &str) {
    let path = file("golden", name);
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, text).expect("the expected text can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}; BLESS=1 writes it", path.display()));
    assert_eq!(text, expected, "{name} differs; BLESS=1 accepts it");
}

/// The table of a kind, of one namespace and of all, and the page of each of its objects.
fn kind<T: Listed + Described>(beside: &T::Beside, with: impl Fn(&T) -> T::With) {
    let plural = T::KIND.plural;
    let mut objects = seen::<T>();
    order(&mut objects, true);
    let all = render::table(&views::table(&objects, beside, true), true, look(false));
    let one = render::table(&views::table(&objects, beside, false), true, look(false));
    golden(&format!("{plural}.table.txt"), &format!("{one}=== in all namespaces\n{all}"));
    let page = |object: &T| format!("=== {}\n{}", object.meta().name, render::page(&object.page(&with(object)), look(false)));
    golden(&format!("{plural}.pages.txt"), &readable::<T>().iter().map(page).collect::<String>());
}

/// The runs of a Pipeline or Task, as the server would select them.
fn runs_of<R: RunOf + Listed>(parent: &impl Object) -> Vec<R> {
    let mut runs = seen::<R>();
    order(&mut runs, false);
    let runs = runs.into_iter().filter_map(|seen| seen.lens.ok());
    runs.filter(|run: &R| run.meta().label(R::LABEL) == Some(parent.meta().name.as_str()) && run.is_of_parent()).collect()
}

#[test]
fn runs() {
    kind::<PipelineRun>(&(), |_| readable::<TaskRun>());
    kind::<TaskRun>(&(), |_| ());
    kind::<CustomRun>(&(), |_| ());
}

#[test]
fn definitions() {
    kind::<Pipeline>(&LastRuns::among(readable()), runs_of::<PipelineRun>);
    kind::<Task>(&(), runs_of::<TaskRun>);
}

#[test]
fn triggers() {
    kind::<EventListener>(&(), |_| ());
    kind::<Trigger>(&(), |_| ());
    kind::<TriggerBinding>(&(), |_| ());
    kind::<ClusterTriggerBinding>(&(), |_| ());
    kind::<TriggerTemplate>(&(), |_| ());
    kind::<ClusterInterceptor>(&(), |_| ());
}

#[test]
fn a_page_in_colour() {
    let run = &readable::<PipelineRun>()[0];
    golden("pipelinerun.colour.txt", &render::page(&run.page(&readable()), look(true)));
}

#[test]
fn objects_as_they_are() {
    let objects = corpus("pipelines");
    let texts = [Format::Json, Format::Yaml, Format::Name].map(|format| render::objects(&objects, format));
    golden("pipelines.raw.txt", &texts.join("===\n"));
}

#[test]
fn yaml_is_written_as_go_writes_it() {
    let text = fs::read_to_string(file("corpus", "yaml.json")).expect("the case is there");
    let value: Value = serde_json::from_str(&text).expect("a case is JSON");
    let expected = fs::read_to_string(file("golden", "yaml.yaml")).expect("the expected text is there");
    for (line, (ours, go)) in render::yaml(&value).lines().zip(expected.lines()).enumerate() {
        assert_eq!(ours, go, "line {}", line + 1);
    }
    assert_eq!(render::yaml(&value), expected);
}
