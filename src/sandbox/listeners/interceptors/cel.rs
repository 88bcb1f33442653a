//! The interceptor `cel`: a filter, and overlays that add to the event.

use std::sync::Arc;

use cel::{Context, Env, Value as Cel, extensions};
use serde_json::{Map, Value, json};

use super::functions;
use super::overlay;
use super::{Refusal, Request, Secrets};
use crate::sandbox::json::{list, text};

/// Lets an event through when the filter is true, with what the overlays make of it.
pub fn process(request: &Request<'_>) -> Result<Map<String, Value>, Refusal> {
    let body = if request.body.is_empty() { "{}" } else { request.body };
    let body: Map<String, Value> = serde_json::from_str(body)
        .map_err(|error| Refusal::invalid(format!("error making the evaluation context: failed to parse the body as JSON: {error}")))?;
    let evaluation =
        Evaluation::new(&request.secrets).map_err(|error| Refusal::internal(format!("error creating cel environment: {error}")))?;
    let variables = [
        ("body", functions::of_json(&Value::Object(body))),
        ("header", functions::of_json(&json!(request.headers))),
        ("extensions", functions::of_json(&Value::Object(request.extensions.clone()))),
        ("requestURL", Cel::from(request.url)),
    ];
    let evaluate = |expression: &str| {
        evaluation.evaluate(expression, &variables).map_err(|error| Refusal::invalid(format!("error evaluating cel expression: {error}")))
    };
    let filter = request.params.get("filter").map_or("", text);
    if !filter.is_empty() && evaluate(filter)? != Cel::Bool(true) {
        return Err(Refusal::unfulfilled(format!("expression {filter} did not return true")));
    }
    let mut added = Map::new();
    for one in request.params.get("overlays").into_iter().flat_map(list) {
        let key = text(&one["key"]);
        let value = functions::to_json(&evaluate(text(&one["expression"]))?)
            .map_err(|error| Refusal::internal(format!("failed to convert overlay result to type: {error}")))?;
        overlay::set(&mut added, key, value).map_err(|error| Refusal::internal(format!("failed to sjson for key '{key}': {error}")))?;
    }
    Ok(added)
}

/// The language with the libraries that Triggers loads.
struct Evaluation {
    env: Arc<Env>,
    secrets: Secrets,
}

impl Evaluation {
    fn new(secrets: &Secrets) -> Result<Evaluation, cel::DeclarationError> {
        let mut env = Env::stdlib();
        env.set_error_on_duplicate_map_keys(false);
        for library in [extensions::strings, extensions::encoders, extensions::lists, extensions::math] {
            env.add_extension(library)?;
        }
        Ok(Evaluation { env: Arc::new(env), secrets: Arc::clone(secrets) })
    }

    fn evaluate(&self, expression: &str, variables: &[(&str, Cel)]) -> Result<Cel, String> {
        let program = self.env.compile(expression).map_err(|error| format!("failed to parse expression {expression:?}: {error}"))?;
        let mut context = Context::with_env(Arc::clone(&self.env));
        functions::add(&mut context, &self.secrets).map_err(|error| error.to_string())?;
        for (name, value) in variables {
            context.add_variable_from_value(*name, value.clone());
        }
        program.execute(&context).map_err(|error| format!("expression {expression:?} failed to evaluate: {error}"))
    }
}
