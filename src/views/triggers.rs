//! The pages of the kinds of Tekton Triggers. Those of Trigger and ClusterInterceptor are rtkn's own; tkn has none.

use serde_json::{Map, Value, json};

use super::sections::{self, icons};
use super::{ABSENT, Cell, Described, Line, Page, Section};
use crate::objects::Meta;
use crate::objects::run::Param;
use crate::objects::trigger::{
    BindingRef, ClusterInterceptor, ClusterTriggerBinding, EventListener, InterceptorRef, TemplateParam, Trigger, TriggerBinding,
    TriggerSpec, TriggerTemplate,
};

macro_rules! bindings {
    ($($kind:ty),*) => {$(
        impl Described for $kind {
            type With = ();
            fn page(&self, (): &()) -> Page {
                binding(&self.metadata, &self.spec.params)
            }
        }
    )*};
}
bindings!(TriggerBinding, ClusterTriggerBinding);

fn binding(meta: &Meta, params: &[Param]) -> Page {
    let mut page = sections::named(meta);
    sections::params(&mut page, params);
    page
}

impl Described for TriggerTemplate {
    type With = ();

    fn page(&self, (): &()) -> Page {
        let mut page = sections::named(&self.metadata);
        let param = |p: &TemplateParam| {
            vec![Cell::from(&p.name), sections::described(p.description.as_deref()), p.default.as_deref().unwrap_or(ABSENT).into()]
        };
        page.table(icons::PARAMS, "Params", &["NAME", "DESCRIPTION", "DEFAULT VALUE"], self.spec.params.iter().map(param).collect());
        let text = |object: &Value, pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        let resource = |object: &Value| {
            let named = |pointer: &str| Cell::or_absent(Some(&text(object, pointer)));
            vec![named("/metadata/name"), named("/metadata/generateName"), text(object, "/kind").into(), text(object, "/apiVersion").into()]
        };
        let rows = self.spec.resource_templates.iter().map(resource).collect();
        page.sections.push(Section::table(icons::RESOURCES, "ResourceTemplates", &["NAME", "GENERATENAME", "KIND", "APIVERSION"], rows));
        page
    }
}

impl Described for EventListener {
    type With = ();
    const ANSWERS: &'static [&'static str] = &["url"];

    fn answer(&self, _word: &str) -> Result<String, String> {
        let url = self.status.address.as_ref().and_then(|a| a.url.clone());
        url.ok_or_else(|| format!("url of EventListener {} not available yet", self.metadata.name))
    }

    fn page(&self, (): &()) -> Page {
        let text = |value: &Option<Value>, pointer: &str| value.as_ref()?.pointer(pointer)?.as_str().map(str::to_owned);
        let mut page = sections::named(&self.metadata);
        page.field("Service Account", self.spec.service_account_name.as_deref());
        page.field("Service Type", text(&self.spec.resources, "/kubernetesResource/serviceType").as_deref());
        page.field("URL", self.status.address.as_ref().and_then(|a| a.url.as_deref()));
        // The label is spelled as tkn spells it.
        page.field("EventListnerServiceName", text(&self.status.configuration, "/generatedName").as_deref());
        if !self.spec.triggers.is_empty() {
            page.head.push(Line::default());
            page.head.extend(self.spec.triggers.iter().flat_map(listened));
        }
        page
    }
}

/// A trigger of an EventListener: blocks of lines, each with an empty line behind it, some of which hold a space, as
/// tkn's do.
fn listened(trigger: &TriggerSpec) -> Vec<Line> {
    let row = |indent: usize, cells: Vec<Cell>| Line { indent, bullet: true, cells };
    let head = |indent: usize, headings: &[&str]| Line { indent, bullet: false, cells: headings.iter().map(|h| Cell::from(*h)).collect() };
    let block = |heading: &[&str], cells: Vec<Cell>, end: Line| [head(1, heading), row(1, cells), end];
    let (empty, space) = (Line::default(), Line::text(" "));
    let mut lines = vec![Line::text(Cell::Strong("EventListenerTriggers")), empty.clone()];
    if let Some(name) = filled(trigger.name.as_deref()) {
        lines.extend(block(&["NAME"], vec![name.into()], empty.clone()));
    }
    if !trigger.bindings.is_empty() {
        lines.extend([head(1, &["BINDINGS"]), empty.clone()]);
        let tables: [(&[&str], Cells); 2] = [(&["REF", "KIND", "APIVERSION"], referred), (&["NAME", "VALUE"], in_place)];
        for (headings, cells) in tables {
            let rows: Vec<Line> = trigger.bindings.iter().filter_map(cells).map(|cells| row(2, cells)).collect();
            if !rows.is_empty() {
                lines.push(head(2, headings));
                lines.extend(rows.into_iter().chain([empty.clone()]));
            }
        }
    }
    if let Some((template, name)) = trigger.template.as_ref().and_then(|t| Some((t, t.reference.as_ref()?))) {
        let cells = vec![name.into(), template.api_version.clone().unwrap_or_default().into()];
        lines.extend(block(&["TEMPLATE REF", "APIVERSION"], cells, space.clone()));
    }
    for (heading, name) in [("TRIGGER REF", &trigger.trigger_ref), ("SERVICE ACCOUNT NAME", &trigger.service_account_name)] {
        if let Some(name) = filled(name.as_deref()) {
            lines.extend(block(&[heading], vec![name.into()], space.clone()));
        }
    }
    if !trigger.interceptors.is_empty() {
        let list = Value::Array(trigger.interceptors.iter().map(manifest).collect());
        lines.extend([head(1, &["INTERCEPTORS"]), Line::text(Cell::Yaml(list))]);
    }
    lines
}

/// The cells of a binding in one of the two tables, if it belongs there.
type Cells = fn(&BindingRef) -> Option<Vec<Cell>>;

fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|t| !t.is_empty())
}

fn referred(binding: &BindingRef) -> Option<Vec<Cell>> {
    let text = |field: &Option<String>| Cell::from(field.clone().unwrap_or_default());
    filled(binding.reference.as_deref()).map(|name| vec![name.into(), text(&binding.kind), text(&binding.api_version)])
}

fn in_place(binding: &BindingRef) -> Option<Vec<Cell>> {
    filled(binding.name.as_deref()).map(|name| vec![name.into(), binding.value.clone().unwrap_or_default().into()])
}

/// An interceptor as it stands in a manifest; `ref` stands there even when it is empty.
fn manifest(interceptor: &InterceptorRef) -> Value {
    let reference = &interceptor.reference;
    let filled = |fields: [(&str, &Option<String>); 3]| -> Map<String, Value> {
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?.into()))).collect()
    };
    let reference = filled([("name", &reference.name), ("kind", &reference.kind), ("apiVersion", &reference.api_version)]);
    let mut fields = Map::from_iter([("ref".to_owned(), Value::Object(reference))]);
    fields.extend(interceptor.name.clone().map(|name| ("name".to_owned(), name.into())));
    fields.extend(interceptor.webhook.clone().map(|webhook| ("webhook".to_owned(), webhook)));
    if !interceptor.params.is_empty() {
        let params = interceptor.params.iter().map(|p| json!({"name": p.name, "value": p.value})).collect();
        fields.insert("params".to_owned(), Value::Array(params));
    }
    Value::Object(fields)
}

impl Described for Trigger {
    type With = ();

    fn page(&self, (): &()) -> Page {
        let spec = &self.spec;
        let mut page = sections::named(&self.metadata);
        page.field("Service Account", spec.service_account_name.as_deref());
        let template = spec.template.as_ref();
        page.field("Template", template.and_then(|t| t.reference.as_deref()).or(template.map(|_| "EMBEDDED")));
        let binding = |b: &BindingRef| {
            let name = b.reference.as_deref().or(b.name.as_deref());
            vec![
                Cell::or_absent(name),
                Cell::or_absent(b.kind.as_deref().filter(|_| b.reference.is_some())),
                Cell::or_absent(b.value.as_deref()),
            ]
        };
        page.table(icons::PARAMS, "Bindings", &["NAME", "KIND", "VALUE"], spec.bindings.iter().map(binding).collect());
        let interceptor = |i: &InterceptorRef| {
            let params: Vec<String> = i.params.iter().map(|p| format!("{}: {}", p.name, p.value)).collect();
            let kind = i.reference.kind.as_deref().or(i.webhook.as_ref().map(|_| "webhook"));
            vec![
                Cell::or_absent(i.reference.name.as_deref().or(i.name.as_deref())),
                Cell::or_absent(kind),
                Cell::or_absent(Some(&params.join(", "))),
            ]
        };
        page.table(icons::STEPS, "Interceptors", &["NAME", "KIND", "PARAMS"], spec.interceptors.iter().map(interceptor).collect());
        page
    }
}

impl Described for ClusterInterceptor {
    type With = ();

    fn page(&self, (): &()) -> Page {
        let mut page = sections::named(&self.metadata);
        page.field("URL", self.status.address.as_ref().and_then(|a| a.url.as_deref()));
        let text = |pointer: &str| self.spec.pointer(pointer).and_then(Value::as_str);
        let service = text("/clientConfig/service/name").map(|name| {
            let namespace = text("/clientConfig/service/namespace").unwrap_or_default();
            format!("{namespace}/{name} {}", text("/clientConfig/service/path").unwrap_or_default()).trim_end().to_owned()
        });
        page.field("Service", service.as_deref());
        page.field("Asked At", text("/clientConfig/url"));
        let bundle = text("/clientConfig/caBundle").filter(|bundle| !bundle.is_empty()).map(|_| "present");
        // EventListeners wait for the certificates of those alone that say that they need one.
        let awaited = self.metadata.labels.get("server/type").is_some_and(|server| server == "https");
        page.field("CA Bundle", bundle.or(awaited.then_some("missing: the EventListener waits for it")));
        page
    }
}
