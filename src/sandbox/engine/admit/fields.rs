//! Every field of the specs that this engine takes, and what it does with each: used, without effect here (which is
//! said), or refused. A field that is not in these tables does not exist.

use serde_json::Value;

use super::super::duration::GoDuration;

/// A field of an object.
#[derive(Clone, Copy)]
pub struct Field {
    name: &'static str,
    shape: Shape,
}

/// What a field holds, and what becomes of it.
#[derive(Clone, Copy)]
pub enum Shape {
    /// Text
    Text,
    /// A whole number of at least zero
    Count,
    /// `true` or `false`
    Flag,
    /// `1h30m`
    Duration,
    /// A list of texts
    Texts,
    /// Texts by name
    Labels,
    /// A param's value: text, a list or a map
    Value,
    /// The same, which has to be there
    Given,
    /// An object of Kubernetes that is passed on whole
    Whole,
    /// An object
    Fields(&'static [Field]),
    /// A list of objects
    List(&'static [Field]),
    /// Taken, but steps here are processes of this machine and it means nothing to them
    NoEffect,
    /// The same, of a word that an API server knows; variables stand for one
    NoEffectWord(&'static [&'static str]),
    /// Refused in this version
    Refused,
}

use Shape::{Count, Duration, Fields, Flag, Labels, List, NoEffect, NoEffectWord, Refused, Text, Texts, Whole};

const fn f(name: &'static str, shape: Shape) -> Field {
    Field { name, shape }
}

/// The rows of two tables as one.
const fn joined<const N: usize>(own: &[Field], shared: &[Field]) -> [Field; N] {
    assert!(own.len() + shared.len() == N, "N counts the rows of both");
    let mut all = [f("", Refused); N];
    let mut row = 0;
    while row < N {
        all[row] = if row < own.len() { own[row] } else { shared[row - own.len()] };
        row += 1;
    }
    all
}

/// `spec` of a PipelineRun
pub static PIPELINE_RUN: &[Field] = &[
    f("pipelineRef", Fields(PIPELINE_REF)),
    f("pipelineSpec", Fields(PIPELINE)),
    f("params", List(PARAM)),
    f("status", Text),
    f("timeouts", Fields(&[f("pipeline", Duration), f("tasks", Duration), f("finally", Duration)])),
    f("taskRunTemplate", Fields(&[f("podTemplate", Fields(POD_TEMPLATE)), f("serviceAccountName", Text)])),
    f("workspaces", List(WORKSPACE_BINDING)),
    f("taskRunSpecs", List(TASK_RUN_SPEC)),
    f("managedBy", Text),
];

/// `spec` of a TaskRun
pub static TASK_RUN: &[Field] = &[
    f("debug", Refused),
    f("params", List(PARAM)),
    f("serviceAccountName", Text),
    f("taskRef", Fields(TASK_REF)),
    f("taskSpec", Fields(TASK)),
    f("status", Text),
    f("statusMessage", Text),
    f("retries", Count),
    f("timeout", Duration),
    f("podTemplate", Fields(POD_TEMPLATE)),
    f("workspaces", List(WORKSPACE_BINDING)),
    f("stepSpecs", NoEffect),
    f("sidecarSpecs", NoEffect),
    f("computeResources", NoEffect),
    f("managedBy", Text),
];

/// `spec` of a Pipeline
pub static PIPELINE: &[Field] = &[
    f("displayName", Text),
    f("description", Text),
    f("tasks", List(PIPELINE_TASK)),
    f("params", List(PARAM_SPEC)),
    f("workspaces", List(&[f("name", Text), f("description", Text), f("optional", Flag)])),
    f("results", List(&[f("name", Text), f("type", Text), f("description", Text), f("value", Shape::Value)])),
    f("finally", List(PIPELINE_TASK)),
];

static PIPELINE_TASK: &[Field] = &[
    f("name", Text),
    f("displayName", Text),
    f("description", Text),
    f("taskRef", Fields(TASK_REF)),
    f("taskSpec", Fields(EMBEDDED_TASK)),
    f("when", List(WHEN)),
    f("retries", Count),
    f("runAfter", Texts),
    f("params", List(PARAM)),
    f("matrix", Fields(&[f("params", List(PARAM)), f("include", List(&[f("name", Text), f("params", List(PARAM))]))])),
    f("workspaces", List(&[f("name", Text), f("workspace", Text), f("subPath", Text)])),
    f("timeout", Duration),
    f("pipelineRef", Refused),
    f("pipelineSpec", Refused),
    f("onError", Text),
];

/// `spec` of a Task
pub static TASK: &[Field] = &[
    f("params", List(PARAM_SPEC)),
    f("displayName", Text),
    f("description", Text),
    f("steps", List(STEP)),
    f("volumes", List(VOLUME)),
    f("stepTemplate", Fields(STEP_TEMPLATE)),
    f("sidecars", Refused),
    f("workspaces", List(WORKSPACE_DECLARATION)),
    f("results", List(RESULT)),
];

static EMBEDDED_TASK: &[Field] = &joined::<13>(
    &[
        f("apiVersion", Refused),
        f("kind", Refused),
        f("spec", Refused),
        f("metadata", Fields(&[f("labels", Labels), f("annotations", Labels)])),
    ],
    TASK,
);

static STEP: &[Field] = &joined::<23>(
    &[
        f("name", Text),
        f("displayName", Text),
        f("script", Text),
        f("timeout", Duration),
        f("workspaces", Refused),
        f("onError", Text),
        f("stdoutConfig", Fields(&[f("path", Text)])),
        f("stderrConfig", Fields(&[f("path", Text)])),
        f("ref", Refused),
        f("params", Refused),
        f("results", List(RESULT)),
        f("when", Refused),
    ],
    STEP_TEMPLATE,
);

/// What a step and a template of steps have in common.
static STEP_TEMPLATE: &[Field] = &[
    f("image", Text),
    f("command", Texts),
    f("args", Texts),
    f("workingDir", Text),
    f("envFrom", List(ENV_FROM)),
    f("env", List(ENV)),
    f("computeResources", NoEffect),
    f("volumeMounts", List(VOLUME_MOUNT)),
    f("volumeDevices", Refused),
    f("imagePullPolicy", NoEffectWord(&["Always", "IfNotPresent", "Never"])),
    f("securityContext", NoEffect),
];

static PARAM: &[Field] = &[f("name", Text), f("value", Shape::Given)];

static PARAM_SPEC: &[Field] =
    &[f("name", Text), f("type", Text), f("description", Text), f("properties", Whole), f("default", Shape::Value), f("enum", Refused)];

static RESULT: &[Field] = &[f("name", Text), f("type", Text), f("properties", Whole), f("description", Text), f("value", Shape::Value)];

static WHEN: &[Field] = &[f("input", Text), f("operator", Text), f("values", Texts), f("cel", Refused)];

static TASK_REF: &[Field] =
    &[f("name", Text), f("kind", Text), f("apiVersion", Text), f("resolver", Refused), f("params", Refused), f("bundle", Refused)];

static PIPELINE_REF: &[Field] =
    &[f("name", Text), f("apiVersion", Text), f("resolver", Refused), f("params", Refused), f("bundle", Refused)];

static TASK_RUN_SPEC: &[Field] = &[
    f("pipelineTaskName", Text),
    f("serviceAccountName", Text),
    f("podTemplate", Fields(POD_TEMPLATE)),
    f("stepSpecs", NoEffect),
    f("sidecarSpecs", NoEffect),
    f("metadata", Fields(&[f("labels", Labels), f("annotations", Labels)])),
    f("computeResources", NoEffect),
    f("timeout", Duration),
];

static POD_TEMPLATE: &[Field] = &[
    f("nodeSelector", NoEffect),
    f("env", List(ENV)),
    f("tolerations", NoEffect),
    f("affinity", NoEffect),
    f("securityContext", NoEffect),
    f("volumes", List(VOLUME)),
    f("runtimeClassName", NoEffect),
    f("automountServiceAccountToken", NoEffect),
    f("dnsPolicy", NoEffect),
    f("dnsConfig", NoEffect),
    f("enableServiceLinks", NoEffect),
    f("priorityClassName", NoEffect),
    f("schedulerName", NoEffect),
    f("imagePullSecrets", NoEffect),
    f("hostAliases", Refused),
    f("hostNetwork", NoEffect),
    f("hostUsers", NoEffect),
    f("topologySpreadConstraints", NoEffect),
];

static WORKSPACE_DECLARATION: &[Field] =
    &[f("name", Text), f("description", Text), f("mountPath", Text), f("readOnly", Flag), f("optional", Flag)];

static WORKSPACE_BINDING: &[Field] = &[
    f("name", Text),
    f("subPath", Text),
    f("volumeClaimTemplate", Whole),
    f("persistentVolumeClaim", Fields(CLAIM)),
    f("emptyDir", Fields(EMPTY_DIR)),
    f("configMap", Fields(CONFIG_MAP)),
    f("secret", Fields(SECRET)),
    f("projected", Fields(PROJECTED)),
    f("csi", Refused),
];

static VOLUME: &[Field] = &[
    f("name", Text),
    f("emptyDir", Fields(EMPTY_DIR)),
    f("configMap", Fields(CONFIG_MAP)),
    f("secret", Fields(SECRET)),
    f("persistentVolumeClaim", Fields(CLAIM)),
    f("projected", Fields(PROJECTED)),
    f("hostPath", Refused),
    f("csi", Refused),
    f("downwardAPI", Refused),
    f("ephemeral", Refused),
    f("image", Refused),
    f("nfs", Refused),
];

static EMPTY_DIR: &[Field] = &[f("medium", NoEffect), f("sizeLimit", NoEffect)];
static CLAIM: &[Field] = &[f("claimName", Text), f("readOnly", NoEffect)];
static CONFIG_MAP: &[Field] = &[f("name", Text), f("items", List(KEY_TO_PATH)), f("defaultMode", NoEffect), f("optional", Flag)];
static SECRET: &[Field] = &[f("secretName", Text), f("items", List(KEY_TO_PATH)), f("defaultMode", NoEffect), f("optional", Flag)];
static KEY_TO_PATH: &[Field] = &[f("key", Text), f("path", Text), f("mode", NoEffect)];

static PROJECTED: &[Field] = &[
    f(
        "sources",
        List(&[
            f("configMap", Fields(CONFIG_MAP)),
            f("secret", Fields(&[f("name", Text), f("items", List(KEY_TO_PATH)), f("optional", Flag)])),
            f("downwardAPI", Refused),
            f("serviceAccountToken", Refused),
            f("clusterTrustBundle", Refused),
        ]),
    ),
    f("defaultMode", NoEffect),
];

static VOLUME_MOUNT: &[Field] = &[
    f("name", Text),
    f("mountPath", Text),
    f("subPath", Text),
    f("readOnly", Flag),
    f("subPathExpr", Refused),
    f("mountPropagation", NoEffect),
    f("recursiveReadOnly", NoEffect),
];

static ENV: &[Field] = &[
    f("name", Text),
    f("value", Text),
    f(
        "valueFrom",
        Fields(&[
            f("configMapKeyRef", Fields(KEY_REF)),
            f("secretKeyRef", Fields(KEY_REF)),
            f("fieldRef", Fields(&[f("apiVersion", Text), f("fieldPath", Text)])),
            f("resourceFieldRef", Refused),
            f("fileKeyRef", Refused),
        ]),
    ),
];

static KEY_REF: &[Field] = &[f("name", Text), f("key", Text), f("optional", Flag)];
static ENV_FROM: &[Field] = &[
    f("prefix", Text),
    f("configMapRef", Fields(&[f("name", Text), f("optional", Flag)])),
    f("secretRef", Fields(&[f("name", Text), f("optional", Flag)])),
];

/// What a look through an object's fields found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Why the object is refused
    pub errors: Vec<String>,
    /// Paths of the fields that have no effect here
    pub without_effect: Vec<String>,
}

/// Looks through the fields of an object at a path.
pub fn check(value: &Value, fields: &'static [Field], path: &str, findings: &mut Findings) {
    let Some(object) = value.as_object() else {
        findings.errors.push(mistyped(path, "an object", value));
        return;
    };
    for (name, value) in object.iter().filter(|(_, value)| !value.is_null()) {
        let path = format!("{path}.{name}");
        match fields.iter().find(|field| field.name == name) {
            Some(field) => field.shape.check(value, &path, findings),
            None => findings.errors.push(format!("unknown field \"{path}\"")),
        }
    }
    let needed = fields.iter().filter(|field| matches!(field.shape, Shape::Given) && !object.contains_key(field.name));
    findings.errors.extend(needed.map(|field| format!("missing field(s): {path}.{}", field.name)));
}

fn mistyped(path: &str, wanted: &str, value: &Value) -> String {
    let found = match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    format!("{path}: expected {wanted}, found {found}")
}

impl Shape {
    fn check(&self, value: &Value, path: &str, findings: &mut Findings) {
        let texts = |items: &Vec<Value>| items.iter().all(Value::is_string);
        let (wanted, right) = match self {
            Self::Value | Self::Given | Whole => return,
            // A field that says nothing, as programs write them, asks for nothing either.
            NoEffect | NoEffectWord(_) if is_empty(value) => return,
            NoEffect => return findings.without_effect.push(path.to_owned()),
            NoEffectWord(words) => return check_word(value, words, path, findings),
            Refused => {
                if !is_empty(value) {
                    findings.errors.push(format!("{path}: not supported by this sandbox yet; run it on a cluster"));
                }
                return;
            }
            Fields(fields) => return check(value, fields, path, findings),
            List(fields) => return check_list(value, fields, path, findings),
            Text => ("a text", value.is_string()),
            Flag => ("true or false", value.is_boolean()),
            Count => ("a whole number that is not negative", value.is_u64()),
            Texts => ("a list of texts", value.as_array().is_some_and(texts)),
            Labels => ("texts by name", value.as_object().is_some_and(|map| map.values().all(Value::is_string))),
            Duration => ("a duration such as 90s or 1h30m", value.as_str().is_some_and(|text| GoDuration::parse(text).is_some())),
        };
        if !right {
            findings.errors.push(match value {
                Value::String(text) => format!("invalid value: {text}: {path}: expected {wanted}"),
                other => mistyped(path, wanted, other),
            });
        }
    }
}

fn check_word(value: &Value, words: &[&str], path: &str, findings: &mut Findings) {
    let known = format!("one of {}", words.join(", "));
    match value.as_str() {
        Some(word) if words.contains(&word) || word.contains("$(") => findings.without_effect.push(path.to_owned()),
        Some(word) => findings.errors.push(format!("invalid value: {word}: {path}: expected {known}")),
        None => findings.errors.push(mistyped(path, &known, value)),
    }
}

fn check_list(value: &Value, fields: &'static [Field], path: &str, findings: &mut Findings) {
    let Some(items) = value.as_array() else {
        findings.errors.push(mistyped(path, "a list", value));
        return;
    };
    for (index, item) in items.iter().enumerate() {
        check(item, fields, &format!("{path}[{index}]"), findings);
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}
