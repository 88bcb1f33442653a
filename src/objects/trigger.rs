//! Lenses on the kinds of Tekton Triggers (`triggers.tekton.dev/v1beta1`, interceptors `v1alpha1`).

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::meta::{Condition, Meta, condition};
use super::objects;
use super::run::Param;

objects!(
    EventListener => EVENT_LISTENER, Trigger => TRIGGER, TriggerBinding => TRIGGER_BINDING,
    ClusterTriggerBinding => CLUSTER_TRIGGER_BINDING, TriggerTemplate => TRIGGER_TEMPLATE,
    ClusterInterceptor => CLUSTER_INTERCEPTOR,
);

/// An EventListener.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EventListener {
    /// Name, labels, …
    pub metadata: Meta,
    /// Triggers and how they are served
    pub spec: EventListenerSpec,
    /// Where it answers
    pub status: EventListenerStatus,
}

impl EventListener {
    /// Whether it answers: ready, and its deployment available as well, where that is said. Ready alone is true as soon as
    /// its deployment and its service exist.
    pub fn is_up(&self) -> bool {
        let status = |kind| condition(&self.status.conditions, kind).map(|c| c.status == "True");
        status("Ready") == Some(true) && status("Available") != Some(false)
    }

    /// Since when it is up, or is not.
    pub fn since(&self) -> Option<Timestamp> {
        let known = ["Ready", "Available"].iter().filter_map(|kind| condition(&self.status.conditions, kind));
        known.filter(|c| self.is_up() || c.status != "True").filter_map(|c| c.last_transition_time).max()
    }
}

/// `spec` of an EventListener.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EventListenerSpec {
    /// ServiceAccount that reads triggers and creates resources
    pub service_account_name: Option<String>,
    /// Triggers in place or by reference
    pub triggers: Vec<TriggerSpec>,
    /// Groups of triggers behind common interceptors
    pub trigger_groups: Vec<Value>,
    /// Namespaces whose Triggers are served
    pub namespace_selector: Option<Value>,
    /// Labels of Triggers that are served
    pub label_selector: Option<Value>,
    /// How the sink is deployed
    pub resources: Option<Value>,
}

/// `status` of an EventListener.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct EventListenerStatus {
    /// Conditions; read them by type
    pub conditions: Vec<Condition>,
    /// Where it answers
    pub address: Option<Address>,
    /// What the controller made
    pub configuration: Option<Value>,
}

/// An address of a service.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Address {
    /// The URL
    pub url: Option<String>,
}

/// A Trigger.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Trigger {
    /// Name, labels, …
    pub metadata: Meta,
    /// Bindings, template, interceptors
    pub spec: TriggerSpec,
}

/// `spec` of a Trigger, and an entry of `spec.triggers` of an EventListener.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TriggerSpec {
    /// Name within the EventListener
    pub name: Option<String>,
    /// A Trigger by reference, within an EventListener
    pub trigger_ref: Option<String>,
    /// Bindings by reference or in place
    pub bindings: Vec<BindingRef>,
    /// The template by reference or in place
    pub template: Option<TemplateRef>,
    /// Interceptors that see the event first
    pub interceptors: Vec<InterceptorRef>,
    /// ServiceAccount that creates the resources
    pub service_account_name: Option<String>,
}

/// A reference to a binding, or one param in place.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct BindingRef {
    /// Name of a param in place
    pub name: Option<String>,
    /// Value of a param in place
    pub value: Option<String>,
    /// Name of a TriggerBinding or ClusterTriggerBinding
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// `TriggerBinding` or `ClusterTriggerBinding`
    pub kind: Option<String>,
    /// apiVersion of the reference
    #[serde(rename = "apiversion")]
    pub api_version: Option<String>,
}

/// A reference to a template, or its spec.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TemplateRef {
    /// Name of a TriggerTemplate
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The template in place
    pub spec: Option<Value>,
    /// apiVersion of the reference
    #[serde(rename = "apiversion")]
    pub api_version: Option<String>,
}

/// A reference to an interceptor.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct InterceptorRef {
    /// Name for people
    pub name: Option<String>,
    /// Which interceptor
    #[serde(rename = "ref")]
    pub reference: InterceptorName,
    /// What it is told
    pub params: Vec<Param>,
    /// An old-style webhook
    pub webhook: Option<Value>,
}

/// Name and kind of an interceptor.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InterceptorName {
    /// Name
    pub name: Option<String>,
    /// `ClusterInterceptor` or `NamespacedInterceptor`
    pub kind: Option<String>,
    /// Group and version of the kind
    pub api_version: Option<String>,
}

/// A TriggerBinding.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TriggerBinding {
    /// Name, labels, …
    pub metadata: Meta,
    /// Params drawn from the event
    pub spec: BindingSpec,
}

/// A ClusterTriggerBinding.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClusterTriggerBinding {
    /// Name, labels, …
    pub metadata: Meta,
    /// Params drawn from the event
    pub spec: BindingSpec,
}

/// `spec` of a binding.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct BindingSpec {
    /// Params with expressions such as `$(body.url)`
    pub params: Vec<Param>,
}

/// A TriggerTemplate.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TriggerTemplate {
    /// Name, labels, …
    pub metadata: Meta,
    /// Params and what is made from them
    pub spec: TemplateSpec,
}

/// `spec` of a TriggerTemplate.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TemplateSpec {
    /// Declared params
    pub params: Vec<TemplateParam>,
    /// Manifests with `$(tt.params.NAME)` in them
    #[serde(rename = "resourcetemplates")]
    pub resource_templates: Vec<Value>,
}

/// A declared param of a template; always a string.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct TemplateParam {
    /// Name
    pub name: String,
    /// For people
    pub description: Option<String>,
    /// Used when no binding gives it
    pub default: Option<String>,
}

/// A ClusterInterceptor.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ClusterInterceptor {
    /// Name, labels, …
    pub metadata: Meta,
    /// How it is reached
    pub spec: Value,
    /// Where it answers
    pub status: InterceptorStatus,
}

/// `status` of an interceptor.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct InterceptorStatus {
    /// Where it answers
    pub address: Option<Address>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_listener_is_up_when_it_is_ready_and_available() {
        let listener = |conditions: &[(&str, &str)]| {
            let conditions: Vec<_> = conditions.iter().map(|(kind, status)| json!({"type": kind, "status": status})).collect();
            serde_json::from_value::<EventListener>(json!({"status": {"conditions": conditions}})).expect("a listener")
        };
        assert!(listener(&[("Ready", "True")]).is_up());
        assert!(listener(&[("Available", "True"), ("Ready", "True")]).is_up());
        assert!(!listener(&[("Available", "False"), ("Ready", "True")]).is_up());
        assert!(!listener(&[("Available", "True"), ("Ready", "Unknown")]).is_up());
        assert!(!listener(&[]).is_up());
    }
}
