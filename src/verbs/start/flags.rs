//! The flags that only `pipeline start` or only `task start` has.

use clap::Args;
use serde_json::{Value, json};

use super::{Common, Own, start};
use crate::failure::{Exit, Failure};
use crate::objects::duration::GoDuration;
use crate::objects::pipeline::{Pipeline, Task};
use crate::session::Session;
use crate::verbs::logs::ExitWithTaskRun;

/// `pipeline start`
#[derive(Args, Clone, Debug)]
pub struct OfPipeline {
    #[command(flatten)]
    common: Common,
    /// Start again as this PipelineRun was
    #[arg(long, value_name = "NAME", add = crate::cli::complete::names(&crate::kinds::PIPELINE_RUN))]
    use_pipelinerun: Option<String>,
    /// Time limit of the whole run, such as 1h30m
    #[arg(long, value_name = "DURATION")]
    pipeline_timeout: Option<String>,
    /// Time limit of the tasks
    #[arg(long, value_name = "DURATION")]
    tasks_timeout: Option<String>,
    /// Time limit of the finally tasks
    #[arg(long, value_name = "DURATION")]
    finally_timeout: Option<String>,
    /// The older name of --pipeline-timeout
    #[arg(long, value_name = "DURATION", hide = true)]
    timeout: Option<String>,
    /// ServiceAccount of one task, as task=account
    #[arg(long, value_name = "TASK=NAME", value_delimiter = ',')]
    task_serviceaccount: Vec<String>,
    /// With --showlog, end with the run's status: 0 when it succeeded, 1 when it failed, 2 when that is not known
    #[arg(long, short = 'E')]
    exit_with_pipelinerun_error: bool,
}

/// `task start`
#[derive(Args, Clone, Debug)]
pub struct OfTask {
    #[command(flatten)]
    common: Common,
    /// Start again as this TaskRun was
    #[arg(long, value_name = "NAME", add = crate::cli::complete::names(&crate::kinds::TASK_RUN))]
    use_taskrun: Option<String>,
    /// Time limit of the run, such as 1h30m
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    #[command(flatten)]
    exit: ExitWithTaskRun,
}

impl OfPipeline {
    /// Starts a PipelineRun.
    ///
    /// # Errors
    /// As [`start`].
    pub async fn start(self, session: &mut Session) -> Result<Exit, Failure> {
        if self.timeout.is_some() {
            session.term.say("Flag --timeout has been deprecated, please use --pipeline-timeout flag instead");
        }
        let mut fields = Vec::new();
        fields.extend(self.timeouts()?.map(|timeouts| ("timeouts", timeouts)));
        fields.extend(task_accounts(&self.task_serviceaccount)?.map(|specs| ("taskRunSpecs", specs)));
        let own = Own { again: self.use_pipelinerun, fields, exit_with_error: self.exit_with_pipelinerun_error };
        start::<Pipeline>(session, self.common, own).await
    }

    /// The three newer flags replace the whole block; the older one counts where none of them is given.
    fn timeouts(&self) -> Result<Option<Value>, Failure> {
        let newer = [("pipeline", &self.pipeline_timeout), ("tasks", &self.tasks_timeout), ("finally", &self.finally_timeout)];
        let older = [("pipeline", &self.timeout)];
        let given = if newer.iter().any(|(_, text)| text.is_some()) { newer.as_slice() } else { older.as_slice() };
        let mut timeouts = json!({});
        for (field, text) in given {
            if let Some(text) = text {
                timeouts[*field] = duration(text)?.into();
            }
        }
        Ok(timeouts.as_object().is_some_and(|t| !t.is_empty()).then_some(timeouts))
    }
}

impl OfTask {
    /// Starts a TaskRun.
    ///
    /// # Errors
    /// As [`start`].
    pub async fn start(self, session: &mut Session) -> Result<Exit, Failure> {
        let timeout = self.timeout.as_deref().map(duration).transpose()?;
        let fields = timeout.into_iter().map(|timeout| ("timeout", timeout.into())).collect();
        start::<Task>(session, self.common, Own { again: self.use_taskrun, fields, exit_with_error: self.exit.error }).await
    }
}

/// A duration as Go writes it, which is how objects carry it.
fn duration(text: &str) -> Result<String, Failure> {
    let duration = GoDuration::parse(text).ok_or_else(|| {
        Failure::usage(format!("time: invalid duration {text:?}")).hint("a duration is a number with a unit: 90s, 15m, 1h30m")
    })?;
    Ok(duration.to_string())
}

fn task_accounts(given: &[String]) -> Result<Option<Value>, Failure> {
    let one = |text: &String| match text.split_once('=') {
        Some((task, account)) if !task.is_empty() => Ok(json!({"pipelineTaskName": task, "serviceAccountName": account})),
        _ => Err(Failure::usage(format!(
            "invalid service account parameter: {text}\nPlease pass Task service accounts as --task-serviceaccount TaskName=ServiceAccount"
        ))),
    };
    let specs = given.iter().map(one).collect::<Result<Vec<_>, _>>()?;
    Ok((!specs.is_empty()).then(|| specs.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_go_writes_them() {
        assert_eq!(duration("90s").map_err(|f| f.message), Ok("1m30s".into()));
        assert_eq!(duration("x").map_err(|f| f.message), Err("time: invalid duration \"x\"".into()));
    }

    #[test]
    fn accounts_of_tasks_are_named_with_them() {
        let given = ["a=x".to_owned(), "b=y".to_owned()];
        let specs = task_accounts(&given).map_err(|f| f.message).expect("accounts").expect("some");
        assert_eq!(specs[1], json!({"pipelineTaskName": "b", "serviceAccountName": "y"}));
        assert!(task_accounts(&["a".to_owned()]).is_err());
    }
}
