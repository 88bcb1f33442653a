//! `rtkn secret create docker`: registry credentials from a docker configuration.

use std::path::PathBuf;

use clap::Args;

use super::CreateArgs;
use crate::failure::{Exit, Failure};
use crate::input;
use crate::objects::core::Secret;
use crate::scaffold::secret::{self, DockerError};
use crate::session::Session;
use crate::verbs::missing::found;

/// Makes a Secret for registries.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Name of the Secret
    #[arg(value_name = "NAME")]
    name: String,
    /// Docker configuration to take the credentials from [default: $DOCKER_CONFIG/config.json or ~/.docker/config.json]
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    config: Option<PathBuf>,
    /// Only those of this registry, like ghcr.io or docker.io
    #[arg(long, value_name = "HOST")]
    registry: Option<String>,
    #[command(flatten)]
    create: CreateArgs,
}

/// Makes the Secret.
///
/// # Errors
/// When the file holds no credentials, or the name is taken with other content.
pub async fn run(session: &mut Session, args: Arguments) -> Result<Exit, Failure> {
    let path =
        args.config.clone().or_else(default_config).ok_or_else(|| Failure::usage("no home directory is known; give --config FILE"))?;
    let text = input::text(&path).map_err(|e| Failure::file(&path, &e).hint("docker login writes such a file; --config names another"))?;
    let logins = secret::docker_config(&text, args.registry.as_deref()).map_err(|error| explained(&path.display().to_string(), &error))?;
    for (registry, helper) in &logins.elsewhere {
        session.term.say(format!(
            "Warning: the password of {registry} is not in {}: docker-credential-{helper} keeps it, so the Secret is without it",
            path.display()
        ));
    }
    let cluster = session.cluster().await?;
    let existing = found::<Secret>(&cluster, &args.name).await?;
    let manifest = secret::docker(&cluster.namespace, &args.name, &logins.config);
    super::make(session, manifest, existing.as_ref(), &args.create).await
}

fn default_config() -> Option<PathBuf> {
    let directory = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from).or_else(|| std::env::home_dir().map(|home| home.join(".docker")));
    directory.map(|directory| directory.join("config.json"))
}

fn explained(path: &str, error: &DockerError) -> Failure {
    let failure = Failure::invalid(format!("{path}: {error}"));
    let login = |registry: &str| {
        format!(
            "log in with a configuration of its own: DOCKER_CONFIG=/tmp/for-tekton docker login {registry}, then --config /tmp/for-tekton/config.json"
        )
    };
    match error {
        DockerError::Helper { registry, .. } => failure.hint("a step has no such helper").hint(login(registry)),
        DockerError::Empty => failure.hint(login("REGISTRY")),
        DockerError::NoRegistry { registry, .. } | DockerError::Auth { registry } => failure.hint(login(registry)),
        DockerError::Json(_) => failure,
    }
}
