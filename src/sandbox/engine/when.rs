//! Guards of pipeline tasks: `input`, `operator`, `values`.

use super::spec::WhenExpression;
use super::substitute::{Replacements, whole_reference};

impl WhenExpression {
    /// Whether the guard lets the task run.
    pub fn holds(&self) -> bool {
        let found = self.values.contains(&self.input);
        if self.operator == "in" { found } else { !found }
    }

    /// Puts values into its variables. A whole list becomes several values, and the JSON of it as an input.
    pub fn substitute(&mut self, replacements: &Replacements) {
        let whole = self.input.contains("[*]").then(|| whole_reference(&self.input)).flatten();
        self.input = match whole.and_then(|whole| replacements.arrays.get(whole)) {
            Some(items) => serde_json::Value::from(items.clone()).to_string(),
            None => replacements.text(&self.input),
        };
        self.values = self.values.iter().flat_map(|value| replacements.elements(value)).collect();
    }
}

/// Whether all guards let the task run.
pub fn all_hold(guards: &[WhenExpression]) -> bool {
    guards.iter().all(WhenExpression::holds)
}

#[cfg(test)]
mod tests {
    use super::{WhenExpression, all_hold};
    use crate::sandbox::engine::substitute::Replacements;
    use crate::sandbox::engine::value::ParamValue;

    fn guard(input: &str, operator: &str, values: &[&str]) -> WhenExpression {
        let values = values.iter().map(|v| (*v).to_owned()).collect();
        WhenExpression { input: input.into(), operator: operator.into(), values }
    }

    #[test]
    fn in_and_notin_compare_exactly() {
        assert!(guard("a", "in", &["b", "a"]).holds());
        assert!(!guard("a", "notin", &["a"]).holds());
        assert!(all_hold(&[guard("a", "in", &["a"]), guard("b", "notin", &["a"])]));
        assert!(!all_hold(&[guard("a", "in", &["a"]), guard("b", "in", &["a"])]));
    }

    #[test]
    fn a_list_becomes_several_values() {
        let mut replacements = Replacements::of_strings([("params.x", "two")]);
        replacements.insert(&["params.list".into()], &ParamValue::Array(vec!["one".into(), "two".into()]));
        let mut when = guard("$(params.x)", "in", &["$(params.list[*])"]);
        when.substitute(&replacements);
        assert_eq!(when, guard("two", "in", &["one", "two"]));
    }
}
