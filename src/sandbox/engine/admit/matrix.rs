//! Checks of a pipeline task's matrix, in the words of Tekton's webhook.

use super::super::matrix::Matrix;
use super::super::spec::PipelineTask;
use super::super::substitute::whole_reference;
use super::super::value::{Param, ParamValue};
use super::report::{Report, repeated};

/// How many TaskRuns a matrix may fan out into; a cluster's default.
const MOST: usize = 256;

/// Checks the matrix of a task at a path.
pub fn check(task: &PipelineTask, path: &str, report: &mut Report) {
    let Some(matrix) = &task.matrix else { return };
    for param in &matrix.params {
        let whole = param.value.as_str().is_some_and(|text| text.ends_with("[*])") && whole_reference(text).is_some());
        if !matches!(param.value, ParamValue::Array(_)) && !whole {
            report.invalid(
                &format!("{path}.matrix[{}]", param.name),
                format!(
                    "parameters of type array only are allowed, but param {:?} has type {:?} in pipelineTask",
                    param.name,
                    param.value.type_name()
                ),
            );
        }
    }
    for param in matrix.include.iter().flat_map(|include| &include.params) {
        if param.value.as_str().is_none() {
            report.invalid(
                &format!("{path}.matrix.include[{}]", param.name),
                format!(
                    "parameters of type string only are allowed, but param {:?} has type {:?} in pipelineTask",
                    param.name,
                    param.value.type_name()
                ),
            );
        }
    }
    unique(&matrix.params, &format!("{path}.matrix.params"), report);
    for (index, include) in matrix.include.iter().enumerate() {
        unique(&include.params, &format!("{path}.matrix.include[{index}].params"), report);
    }
    for param in task.params.iter().filter(|param| matrix.all_params().any(|own| own.name == param.name)) {
        report.several(path, &[&format!("matrix[{}]", param.name), &format!("params[{}]", param.name)]);
    }
    let count = most(matrix);
    if count > MOST {
        report.errors.push(format!("expected 0 <= {count} <= {MOST}: {path}.matrix"));
    }
}

/// How many combinations there are at most, without making them.
fn most(matrix: &Matrix) -> usize {
    let lengths = matrix.params.iter().map(|param| match &param.value {
        ParamValue::Array(values) => values.len().max(1),
        _ => 1,
    });
    lengths.fold(usize::from(!matrix.params.is_empty()), usize::saturating_mul).saturating_add(matrix.include.len())
}

fn unique(params: &[Param], path: &str, report: &mut Report) {
    for index in repeated(params.iter().map(|param| param.name.as_str())) {
        let message = format!("parameter names must be unique, the parameter {:?} is also defined at", params[index].name);
        report.at(&format!("{path}[{index}].name"), message);
    }
}
