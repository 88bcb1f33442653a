//! The flags that only `pipeline start` or only `task start` has.

use clap::Args;

use super::limits::limit;
use super::{Common, Own, check, start};
use crate::bundle::Access;
use crate::failure::{Exit, Failure};
use crate::objects::pipeline::{Pipeline, Task};
use crate::objects::run::{PipelineRun, TaskRun};
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
    #[arg(long, value_name = "DURATION", hide = true, add = crate::cli::marks::Deprecated("please use --pipeline-timeout flag instead"))]
    timeout: Option<String>,
    /// ServiceAccount of one task, as task=account
    #[arg(long, value_name = "TASK=NAME", value_delimiter = ',')]
    task_serviceaccount: Vec<String>,
    /// Start what a resolver fetches: with a NAME, a run that hub, git, http, cluster or bundle resolves by this name; with
    /// --last the newest run of that resolver again, and with `remote` the newest of any of them
    #[arg(long, value_name = "TYPE")]
    resolvertype: Option<String>,
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
    /// Start the Task NAME of this bundle, an image of Tekton objects, without making the Task itself
    #[arg(long, short, value_name = "IMAGE")]
    image: Option<String>,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    exit: ExitWithTaskRun,
}

/// How a bundle's registry is reached. Without them, as whom `docker login` or `podman login` has said.
#[derive(Args, Clone, Debug)]
struct Remote {
    /// A token that the registry of --image takes
    #[arg(long, value_name = "TOKEN")]
    remote_bearer: Option<String>,
    /// User of the registry of --image, with --remote-password
    #[arg(long, value_name = "NAME")]
    remote_username: Option<String>,
    /// Password of the user
    #[arg(long, value_name = "PASSWORD")]
    remote_password: Option<String>,
    /// Take any certificate of the registry of --image
    #[arg(long)]
    remote_skip_tls: bool,
}

impl Remote {
    /// Refuses a flag without the image that it is for, and one half of a user and a password.
    fn check(&self, image: bool) -> Result<(), Failure> {
        let flags = [
            (self.remote_bearer.is_some(), "--remote-bearer"),
            (self.remote_username.is_some(), "--remote-username"),
            (self.remote_password.is_some(), "--remote-password"),
            (self.remote_skip_tls, "--remote-skip-tls"),
        ];
        match flags.into_iter().find(|(given, _)| *given && !image) {
            Some((_, flag)) => Err(Failure::usage(format!("{flag} goes with --image, which says what it is for"))),
            None if self.remote_username.is_some() != self.remote_password.is_some() => {
                Err(Failure::usage("--remote-username and --remote-password go together"))
            }
            None => Ok(()),
        }
    }

    fn access(self) -> Access {
        let (user, password) = (given(self.remote_username), given(self.remote_password));
        Access { bearer: given(self.remote_bearer), user: user.zip(password), any_certificate: self.remote_skip_tls }
    }
}

impl OfPipeline {
    /// Starts a PipelineRun.
    ///
    /// # Errors
    /// As the flags and the server have it.
    pub async fn start(self, session: &mut Session) -> Result<Exit, Failure> {
        let newer = [("pipeline", self.pipeline_timeout), ("tasks", self.tasks_timeout), ("finally", self.finally_timeout)];
        let mut limits: Vec<_> = newer.into_iter().filter_map(|(name, text)| Some((name, given(text)?))).collect();
        // The three newer flags replace the whole block, what the older one says with it.
        match given(self.timeout) {
            Some(older) if limits.is_empty() => limits.push(("pipeline", older)),
            Some(older) => drop(limit(&older)?),
            None => {}
        }
        let own = Own {
            again: given(self.use_pipelinerun),
            limits,
            task_accounts: self.task_serviceaccount,
            resolvertype: given(self.resolvertype),
            image: None,
            exit_with_error: self.exit_with_pipelinerun_error,
        };
        let common = self.common.tidy();
        check::of_pipeline::<Pipeline>(session, &common, &own)?;
        start::<PipelineRun>(session, common, own).await
    }
}

impl OfTask {
    /// Starts a TaskRun.
    ///
    /// # Errors
    /// As the flags and the server have it.
    pub async fn start(self, session: &mut Session) -> Result<Exit, Failure> {
        let limits = given(self.timeout).map(|text| ("", text)).into_iter().collect();
        let (common, image) = (self.common.tidy(), given(self.image));
        if !session.stands_in_for_tkn() {
            self.remote.check(image.is_some())?;
        }
        let image = image.map(|image| (image, self.remote.access()));
        let own = Own { again: given(self.use_taskrun), limits, image, exit_with_error: self.exit.error, ..Own::default() };
        check::of_task::<Task>(session, &common, &own)?;
        start::<TaskRun>(session, common, own).await
    }
}

impl Common {
    /// The flags without those whose value is empty, which count as not given.
    fn tidy(mut self) -> Self {
        self.filename = given(self.filename);
        self.overlay.pod_template = given(self.overlay.pod_template);
        self
    }
}

/// A flag's value; an empty one is none.
fn given(value: Option<String>) -> Option<String> {
    value.filter(|text| !text.is_empty())
}

/// `key=value` each; what has no `=` is wrong.
pub(super) fn pairs(given: &[String], wrong: impl Fn(&str) -> String) -> Result<Vec<(String, String)>, Failure> {
    let split = |text: &String| match text.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(Failure::usage(wrong(text))),
    };
    given.iter().map(split).collect()
}

/// ServiceAccounts of single tasks, `task=account` each.
///
/// # Errors
/// As tkn words them.
pub(super) fn task_accounts(given: &[String]) -> Result<Vec<(String, String)>, Failure> {
    let wrong = |text: &str| {
        format!(
            "invalid service account parameter: {text}\nPlease pass Task service accounts as --task-serviceaccount TaskName=ServiceAccount"
        )
    };
    let odd = |text: &&String| text.matches('=').count() != 1 || text.starts_with('=');
    match given.iter().find(odd) {
        Some(text) => Err(Failure::usage(wrong(text))),
        None => pairs(given, wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_of_tasks_are_named_with_them() {
        let read = |given: &[&str]| task_accounts(&given.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()).map_err(|f| f.message);
        assert_eq!(read(&["a=x", "b="]), Ok(vec![("a".into(), "x".into()), ("b".into(), String::new())]));
        for wrong in ["a", "=x", "a=b=c", ""] {
            assert!(read(&["a=x", wrong]).is_err_and(|m| m.starts_with(&format!("invalid service account parameter: {wrong}\n"))));
        }
    }
}
