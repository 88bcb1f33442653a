//! `rtkn demo`: plays the whole story with this program's own commands, each shown as a person would type it, so that
//! whoever watches can go on by hand.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::process::Command;

use crate::failure::{Exit, Failure};
use crate::kinds;
use crate::objects::meta::condition;
use crate::objects::trigger::EventListener;
use crate::sandbox::serve::{DEMO, Sandbox};
use crate::session::Session;
use crate::shell::quoted;
use crate::term::style::{Label, paint};
use crate::verbs::stay;

/// The Task and the Pipeline that the story runs.
const PIPELINE: &str = include_str!("demo/pipeline.yaml");

/// Its file, as the story names it, and the file of the repository that is cloned, in the demo's folder.
const PIPELINE_FILE: &str = "pipeline.yaml";
const REPOSITORY_FILE: &str = "hello/hello.txt";

/// How long a listener or a run may take to appear; on a cluster an image may have to be pulled for it.
const PATIENCE: Duration = Duration::from_secs(180);

/// Arguments of the command.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Play on the cluster of the kubeconfig instead of the sandbox
    #[arg(long)]
    cluster: bool,
    /// Image of the steps on a cluster; it needs git and sh
    #[arg(long, default_value = "docker.io/alpine/git:latest")]
    image: String,
    /// Repository to clone; a small one on this machine, or a public one on a cluster, when not given
    #[arg(long, value_name = "URL")]
    repository: Option<String>,
}

/// Plays the story, and leaves everything in place.
///
/// # Errors
/// When one of its commands fails that should not.
pub async fn run(session: &mut Session, arguments: Arguments) -> Result<Exit, Failure> {
    let on_cluster = arguments.cluster || session.wanted.context.is_some() || session.wanted.file.is_some();
    session.sandbox = !on_cluster;
    let folder = Sandbox::default_dir()?.join(DEMO);
    std::fs::create_dir_all(&folder).map_err(|e| Failure::file(&folder, &e))?;
    let repository = match arguments.repository {
        Some(url) => url,
        None if on_cluster => "https://github.com/octocat/Hello-World.git".into(),
        None => format!("file://{}", small_repository(&folder).await?.display()),
    };
    let mut story = Story { session, act: 0, folder };
    story.begin().await?;
    story.set_up(&arguments.image).await?;
    story.succeed(&repository).await?;
    story.fail(&repository).await?;
    story.end()
}

/// Whether a folder is one that a demo has filled.
pub fn is_folder(folder: &Path) -> bool {
    [PIPELINE_FILE, REPOSITORY_FILE].iter().any(|file| folder.join(file).is_file())
}

struct Story<'a> {
    session: &'a mut Session,
    act: usize,
    folder: PathBuf,
}

impl Story<'_> {
    async fn begin(&mut self) -> Result<(), Failure> {
        if !self.session.sandbox {
            return Ok(());
        }
        self.title("A place to run: the sandbox on this machine, no cluster needed")?;
        self.tell("Every command below means it, since RTKN_SANDBOX is set; `--sandbox` says the same for one command.")?;
        self.shown("export RTKN_SANDBOX=1")?;
        self.play(&["sandbox", "start"]).await
    }

    async fn set_up(&mut self, image: &str) -> Result<(), Failure> {
        self.title("An ssh key for the git server")?;
        self.tell("Tekton gives it to the steps of runs whose ServiceAccount lists the Secret.")?;
        self.play(&["secret", "create", "ssh", "tt-ssh", "--host", "github.com", "--generate"]).await?;
        self.title("A ServiceAccount that lists it, with the rights a listener needs")?;
        self.play(&["sa", "create", "tt-sa", "--secret", "tt-ssh"]).await?;
        self.play(&["sa", "grant", "tt-sa", "--for", "eventlistener"]).await?;
        self.title("A Task that clones, and a Pipeline that works on the clone")?;
        let file = self.folder.join(PIPELINE_FILE);
        std::fs::write(&file, PIPELINE.replace("IMAGE", image)).map_err(|e| Failure::file(&file, &e))?;
        self.play(&["apply", "-f", &file.to_string_lossy()]).await?;
        self.title("From event to run: EventListener, Trigger, TriggerBinding, TriggerTemplate")?;
        #[rustfmt::skip]
        let chain = [
            "trigger", "create", "tt-tr", "--pipeline", "tt-pl", "--param", "repo-url=$(body.url)",
            "--workspace", "shared-data=emptyDir", "--service-account", "tt-sa", "--eventlistener", "tt-ev",
        ];
        self.play(&chain).await?;
        self.listener().await?;
        self.play(&["el", "list"]).await
    }

    async fn succeed(&mut self, repository: &str) -> Result<(), Failure> {
        self.title("An event, as a git server would post it")?;
        let before = self.runs().await?;
        let event = json!({"url": repository}).to_string();
        self.post(&event).await?;
        let run = self.appeared(&before).await?;
        self.title("The run it made, step by step")?;
        match before.is_empty() {
            true => self.play(&["pr", "logs", "-f"]).await?,
            false => self.play(&["pr", "logs", &run, "-f"]).await?,
        }
        self.play(&["pr", "describe", &run]).await
    }

    async fn fail(&mut self, repository: &str) -> Result<(), Failure> {
        self.title("A second event, for a repository that is not there")?;
        let before = self.runs().await?;
        let event = json!({"url": format!("{repository}-gone")}).to_string();
        self.play(&["el", "send", "tt-ev", "-d", &event]).await?;
        let run = self.appeared(&before).await?;
        self.play(&["pr", "logs", &run, "-f"]).await?;
        self.title("Why did it fail?")?;
        self.play(&["diagnose", "pr", &run]).await?;
        self.play(&["pr", "list"]).await
    }

    fn end(&mut self) -> Result<Exit, Failure> {
        self.title("Now you")?;
        if self.session.sandbox {
            self.tell("The sandbox goes on; all of the above is still there.")?;
            self.shown("export RTKN_SANDBOX=1")?;
        }
        for words in ["pr logs", "pr list", "sa describe tt-sa", "el describe tt-ev", "diagnose", "--help"] {
            // The variable above stands for `--sandbox`; a namespace and a context have to be named again.
            let line = self.session.command(words).replacen(" --sandbox", "", 1);
            self.shown(&line)?;
        }
        if self.session.sandbox {
            let line = format!("{} sandbox stop", self.session.program);
            self.shown(&line)?;
        }
        if let Ok(program) = std::env::current_exe() {
            self.tell(&format!("({} is {})", self.session.program, program.display()))?;
        }
        Ok(Exit::Done)
    }

    fn title(&mut self, title: &str) -> Result<(), Failure> {
        self.act += 1;
        let title = paint(&format!("{}. {title}", self.act), Label::Heading, self.session.term.colour);
        self.session.term.answer(format!("\n{title}"))?;
        Ok(())
    }

    fn tell(&mut self, text: &str) -> Result<(), Failure> {
        let text = paint(text, Label::Dim, self.session.term.colour);
        Ok(self.session.term.answer(text)?)
    }

    fn shown(&mut self, line: &str) -> Result<(), Failure> {
        let line = paint(&format!("$ {line}"), Label::Command, self.session.term.colour);
        self.session.term.answer(line)?;
        Ok(self.session.term.flush()?)
    }

    /// Shows a command of this program and runs it.
    async fn play(&mut self, words: &[&str]) -> Result<(), Failure> {
        let mut words: Vec<&str> = words.to_vec();
        let namespace = self.session.wanted.namespace.clone();
        if let Some(namespace) = &namespace {
            words.extend(["-n", namespace]);
        }
        let typed: Vec<String> = words.iter().map(|w| quoted(w)).collect();
        self.shown(&format!("{} {}", self.session.program, typed.join(" ")))?;
        let program = std::env::current_exe().map_err(Failure::from)?;
        let mut command = Command::new(program);
        command.args(&words);
        if self.session.sandbox {
            command.env("RTKN_SANDBOX", "1");
        }
        if let Some(context) = &self.session.wanted.context {
            command.args(["--context", context]);
        }
        if let Some(file) = &self.session.wanted.file {
            command.arg("--kubeconfig").arg(file);
        }
        self.finish(command, &typed.join(" ")).await
    }

    /// Posts an event with curl where there is one and it reaches the listener; else with `el send`.
    async fn post(&mut self, event: &str) -> Result<(), Failure> {
        let url = if self.session.sandbox { self.url().await? } else { None };
        let (Some(url), true) = (url, on_path("curl")) else {
            return self.play(&["el", "send", "tt-ev", "-d", event]).await;
        };
        self.shown(&format!("curl -X POST -H 'Content-Type: application/json' -d {} {url}", quoted(event)))?;
        let mut command = Command::new("curl");
        command.args(["-sS", "-X", "POST", "-H", "Content-Type: application/json", "-d", event, &url]);
        self.finish(command, "curl").await
    }

    async fn finish(&mut self, mut command: Command, what: &str) -> Result<(), Failure> {
        let status = command.stdin(Stdio::null()).kill_on_drop(true).status().await.map_err(Failure::from)?;
        if status.success() {
            return Ok(());
        }
        let reset = format!("{} sandbox reset", self.session.program);
        Err(Failure::other(format!("the demo stops here: `{what}` ended with {status}")).hint(format!(
            "its objects may be there from elsewhere: `{reset}` empties the sandbox, and RTKN_SANDBOX_DIR=FOLDER names another"
        )))
    }

    /// The address of the listener, once it is ready.
    async fn url(&mut self) -> Result<Option<String>, Failure> {
        let cluster = self.session.cluster().await?;
        let listener = cluster.get::<EventListener>(&cluster.namespace, "tt-ev").await?;
        Ok(listener.lens.ok().and_then(|l| l.status.address).and_then(|a| a.url))
    }

    /// Waits until the listener answers.
    async fn listener(&mut self) -> Result<(), Failure> {
        let cluster = self.session.cluster().await?;
        let progress = self.session.term.progress("waiting for the listener");
        let ready = |listener: &EventListener| {
            let conditions = &listener.status.conditions;
            // Tekton says Ready at once, before it knows anything of the Deployment; Available comes with that.
            ["Available", "Ready"].iter().all(|kind| condition(conditions, kind).is_some_and(|c| c.status == "True"))
        };
        let outcome = tokio::time::timeout(PATIENCE, stay::until(&cluster, "tt-ev", ready)).await;
        drop(progress);
        let hint = format!("ask why: {}", self.session.command("diagnose el tt-ev"));
        outcome.map_err(|_| Failure::other("the listener tt-ev did not become ready").hint(hint))?.map(drop)
    }

    async fn runs(&mut self) -> Result<Vec<String>, Failure> {
        let cluster = self.session.cluster().await?;
        Ok(cluster.names(&kinds::PIPELINE_RUN, Some(&cluster.namespace)).await?)
    }

    /// Waits until there is a PipelineRun that was not there before.
    async fn appeared(&mut self, before: &[String]) -> Result<String, Failure> {
        let end = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < end {
            match self.runs().await?.into_iter().find(|run| !before.contains(run)) {
                Some(run) => return Ok(run),
                None => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
        let hint = format!("ask why: {}", self.session.command("diagnose el tt-ev"));
        Err(Failure::other("the event made no PipelineRun").hint(hint))
    }
}

fn on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Makes a repository to clone, once.
async fn small_repository(folder: &Path) -> Result<PathBuf, Failure> {
    let file = folder.join(REPOSITORY_FILE);
    let path = file.parent().unwrap_or(folder).to_owned();
    if path.join(".git").is_dir() {
        return Ok(path);
    }
    std::fs::create_dir_all(&path).map_err(|e| Failure::file(&path, &e))?;
    std::fs::write(&file, "Hello from a repository on this machine.\n").map_err(|e| Failure::file(&file, &e))?;
    let commit = ["-c", "user.name=rtkn demo", "-c", "user.email=demo@localhost", "commit", "-q", "-m", "Say hello"];
    for args in [["init", "-q"].as_slice(), &["add", "."], &commit] {
        let output = Command::new("git").args(args).current_dir(&path).output().await;
        let output = output.map_err(|e| Failure::other(format!("git cannot be run: {e}")).hint("install git; the demo clones with it"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(Failure::other(format!("git {} failed: {}", args[0], said.trim())));
        }
    }
    Ok(path)
}
