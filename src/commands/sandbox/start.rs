//! `rtkn sandbox start`: this program once more, in the background, as `sandbox serve`.

use std::fs::DirBuilder;
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::serve::Arguments;
use crate::failure::{Exit, Failure};
use crate::sandbox::serve::{Running, Sandbox, kubeconfig_file};
use crate::session::Session;
use crate::shell::quoted;

/// How long a start may take: the store may wait for another process, and the disk may be slow.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Starts the sandbox and says how to use it; a started one is left as it is.
///
/// # Errors
/// When it does not start; its own words say why.
pub async fn run(session: &mut Session, arguments: &Arguments) -> Result<Exit, Failure> {
    let dir = Sandbox::default_dir()?;
    let (running, already) = match Running::find(&dir).await {
        Some(running) => (running, true),
        None => launch(&dir, arguments.port).await?,
    };
    let has = if already { "is started already" } else { "has started" };
    session.term.answer(format_args!("The sandbox {has}: process {}, http://{}", running.pid, running.address))?;
    if already && arguments.port.is_some_and(|port| port != running.address.port()) {
        let words = format!("It keeps its port; to change it, stop it first: {} sandbox stop", session.program);
        session.term.say(words);
    }
    let (program, kubeconfig) = (session.program.clone(), kubeconfig_file(&dir));
    session.term.answer("")?;
    session.term.answer("Use it with this program:")?;
    session.term.answer(format_args!("  {program} --sandbox pipelinerun list        (or: export RTKN_SANDBOX=1)"))?;
    session.term.answer("and with kubectl and others:")?;
    session.term.answer(format_args!("  export KUBECONFIG={}", quoted(&kubeconfig.to_string_lossy())))?;
    session.term.answer("Stop it with:")?;
    session.term.answer(format_args!("  {program} sandbox stop"))?;
    Ok(Exit::Done)
}

/// The sandbox that was started, and whether somebody else was faster.
async fn launch(dir: &Path, port: Option<u16>) -> Result<(Running, bool), Failure> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|error| Failure::file(dir, &error))?;
    let mut child = spawn(dir, port)?;
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        let ended = child.try_wait()?.is_some();
        let running = Running::find(dir).await.map(|running| (u32::try_from(running.pid) != Ok(child.id()), running));
        if let Some((others, running)) = running
            && (ended || !others)
        {
            return Ok((running, others));
        }
        if ended {
            let mut said = Vec::new();
            // What cannot be read of it was not said.
            let _ = child.stderr.take().map(|mut stderr| stderr.read_to_end(&mut said));
            return Err(last_words(&String::from_utf8_lossy(&said)));
        }
        sleep(LOOK_EVERY).await;
    }
    let seconds = PATIENCE.as_secs();
    Err(Failure::other(format!("the sandbox (process {}) has not answered within {seconds} seconds", child.id()))
        .hint(format!("end it by hand: kill {}", child.id())))
}

/// Until it serves it speaks to this process: on a full disk its log could not say why it does not start.
fn spawn(dir: &Path, port: Option<u16>) -> Result<Child, Failure> {
    let program = std::env::current_exe()?;
    let mut command = Command::new(&program);
    command.args(["sandbox", "serve", "--detached"]);
    if let Some(port) = port {
        command.args(["--port", &port.to_string()]);
    }
    command.env("RTKN_SANDBOX_DIR", dir).current_dir(dir);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().map_err(|error| Failure::file(&program, &error))
}

/// What a process that has ended at once said about it.
fn last_words(text: &str) -> Failure {
    let mut failure = Failure::other("the sandbox did not start");
    for line in text.lines() {
        if let Some(message) = line.strip_prefix("Error: ") {
            failure = Failure::other(format!("the sandbox did not start: {message}"));
        } else if let Some(hint) = line.strip_prefix("Hint: ") {
            failure = failure.hint(hint);
        }
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_a_failed_start_are_passed_on() {
        let failure = last_words("noise\nError: the port is taken\nHint: choose another\n");
        assert_eq!(
            (failure.message.as_str(), failure.hints),
            ("the sandbox did not start: the port is taken", vec!["choose another".to_owned()])
        );
        assert_eq!(last_words("").message, "the sandbox did not start");
    }
}
