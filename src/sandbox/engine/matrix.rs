//! How one pipeline task fans out: the combinations of a matrix, in Tekton's order. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::params::spellings;
use super::substitute::Replacements;
use super::value::{Param, ParamValue};

/// `matrix` of a pipeline task.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Matrix {
    /// Lists of which every value is combined with every other
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<Param>,
    /// Combinations of their own, or additions to those of the params
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<Include>,
}

/// One combination that a matrix names.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default)]
pub struct Include {
    /// For people
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Its params, all of them strings
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<Param>,
}

/// Values by the names of params.
type Combination = BTreeMap<String, String>;

impl Matrix {
    /// The params of each TaskRun. Later params turn slowest.
    pub fn combinations(&self) -> Vec<Vec<Param>> {
        let included: Vec<Combination> = self.include.iter().map(Include::combination).collect();
        let mut all = if self.params.is_empty() { included.clone() } else { self.product() };
        if !self.params.is_empty() {
            for combination in &mut all {
                for include in included.iter().filter(|include| agree(combination, include)).collect::<Vec<_>>() {
                    combination.extend(include.clone());
                }
            }
            for include in included {
                if !include.is_empty() && !all.iter().any(|combination| share(combination, &include)) {
                    all.push(include);
                }
            }
        }
        let param = |(name, value)| Param { name, value: ParamValue::String(value) };
        all.into_iter().map(|combination| combination.into_iter().map(param).collect()).collect()
    }

    fn product(&self) -> Vec<Combination> {
        let mut all = vec![Combination::new()];
        for param in &self.params {
            let ParamValue::Array(values) = &param.value else { continue };
            let with = |value: &String| {
                let with = |combination: &Combination| {
                    let mut combination = combination.clone();
                    combination.insert(param.name.clone(), value.clone());
                    combination
                };
                all.iter().map(with).collect::<Vec<_>>()
            };
            all = values.iter().flat_map(with).collect();
        }
        all
    }

    /// Whether one of its lists is empty, so that nothing is left to run.
    pub fn has_empty_list(&self) -> bool {
        self.params.iter().any(|param| matches!(&param.value, ParamValue::Array(values) if values.is_empty()))
    }

    /// All params, those of the combinations included.
    pub fn all_params(&self) -> impl Iterator<Item = &Param> {
        self.params.iter().chain(self.include.iter().flat_map(|include| &include.params))
    }

    /// Puts values into its params.
    pub fn substitute(&mut self, replacements: &Replacements) {
        replacements.params(&mut self.params);
        self.include.iter_mut().for_each(|include| replacements.params(&mut include.params));
    }

    /// What people call the TaskRun with these params: the names of all combinations that it fulfils.
    pub fn display_name(&self, given: &[Param]) -> Option<String> {
        let has = |wanted: &Param| given.iter().any(|param| param.name == wanted.name && param.value == wanted.value);
        let named = self.include.iter().filter(|include| !include.name.is_empty() && include.params.iter().all(has));
        let known = super::params::passed(given);
        let names: Vec<String> = named.map(|include| known.text(&include.name)).collect();
        (!names.is_empty()).then(|| names.join(" "))
    }

    /// Takes the params of the matrix out of what is known: inside the task they are the matrix's own.
    pub fn hide(&self, known: &mut Replacements) {
        for spelling in self.all_params().flat_map(|param| spellings(&param.name)) {
            known.strings.remove(&spelling);
            known.arrays.remove(&spelling);
            known.objects.remove(&spelling);
        }
    }
}

impl Include {
    fn combination(&self) -> Combination {
        self.params.iter().map(|param| (param.name.clone(), param.value.as_str().unwrap_or_default().to_owned())).collect()
    }
}

/// Whether an addition contradicts nothing of a combination.
fn agree(combination: &Combination, include: &Combination) -> bool {
    include.iter().all(|(name, value)| combination.get(name).is_none_or(|own| own == value))
}

/// Whether both have a param of the same value.
fn share(combination: &Combination, include: &Combination) -> bool {
    include.iter().any(|(name, value)| combination.get(name) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn combinations(matrix: Value) -> Vec<String> {
        let matrix: Matrix = serde_json::from_value(matrix).expect("a matrix");
        let shown = |params: Vec<Param>| {
            let params: Vec<String> = params.iter().map(|p| format!("{}={}", p.name, p.value.as_str().unwrap_or_default())).collect();
            params.join(" ")
        };
        matrix.combinations().into_iter().map(shown).collect()
    }

    #[test]
    fn later_params_turn_slowest() {
        let matrix = json!({"params": [{"name": "os", "value": ["linux", "mac"]}, {"name": "browser", "value": ["a", "b"]}]});
        assert_eq!(combinations(matrix), ["browser=a os=linux", "browser=a os=mac", "browser=b os=linux", "browser=b os=mac"]);
    }

    #[test]
    fn an_include_adds_to_what_it_fits_or_stands_alone() {
        let include = json!([
            {"name": "x", "params": [{"name": "os", "value": "mac"}, {"name": "flag", "value": "-m"}]},
            {"name": "y", "params": [{"name": "os", "value": "bsd"}]},
            {"name": "z", "params": [{"name": "all", "value": "1"}]},
        ]);
        let matrix = json!({"params": [{"name": "os", "value": ["linux", "mac"]}], "include": include});
        assert_eq!(combinations(matrix), ["all=1 os=linux", "all=1 flag=-m os=mac", "os=bsd"]);
        assert_eq!(combinations(json!({ "include": include })), ["flag=-m os=mac", "os=bsd", "all=1"]);
    }

    #[test]
    fn an_empty_list_leaves_nothing() {
        let matrix = json!({"params": [{"name": "a", "value": ["1"]}, {"name": "b", "value": []}]});
        assert_eq!(combinations(matrix.clone()), Vec::<String>::new());
        assert!(serde_json::from_value::<Matrix>(matrix).expect("a matrix").has_empty_list());
    }

    #[test]
    fn a_run_is_called_by_the_combinations_that_it_fulfils() {
        let matrix = json!({"include": [
            {"name": "build-$(params.os)", "params": [{"name": "os", "value": "mac"}]}, {"params": [{"name": "os", "value": "mac"}]},
        ]});
        let matrix: Matrix = serde_json::from_value(matrix).expect("a matrix");
        let given = |os: &str| [Param { name: "os".to_owned(), value: ParamValue::String(os.to_owned()) }];
        assert_eq!(matrix.display_name(&given("mac")).as_deref(), Some("build-mac"));
        assert_eq!(matrix.display_name(&given("linux")), None);
    }
}
