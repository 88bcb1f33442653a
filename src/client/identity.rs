//! Who one is to the server, made plain: a credential plugin is run, a token's file is read, and what comes of it is put
//! where kube takes it as it stands. kube runs plugins itself, but shows their environment where one fails, runs one that
//! gives a certificate twice, and panics at a token that no header can hold.

use std::collections::HashMap;
use std::io::{ErrorKind, IsTerminal as _, stdin};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use jiff::Timestamp;
use kube::Config;
use kube::client::AuthError;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::json;

/// What a plugin prints (<https://kubernetes.io/docs/reference/config-api/client-authentication.v1/>).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Printed {
    api_version: Option<String>,
    #[serde(default)]
    status: Credential,
}

/// Nothing of it is shown anywhere.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Credential {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
    expiration_timestamp: Option<Timestamp>,
}

/// Makes a configuration's credentials plain; until when they are good, where that is known. It may wait for a plugin.
///
/// # Errors
/// When a plugin fails, a file cannot be read, or a token can be none.
pub(super) fn settle(config: &mut Config) -> Result<Option<Timestamp>, AuthError> {
    let who = &mut config.auth_info;
    // An empty one is none, as for client-go.
    who.token.take_if(|token| token.expose_secret().is_empty());
    let until = match (who.exec.take(), who.token_file.take()) {
        (Some(exec), None) if who.token.is_none() => {
            let given = run(&exec).map_err(AuthError::AuthExec)?;
            let until = given.expiration_timestamp;
            take(who, given);
            until
        }
        (_, Some(file)) => {
            let text = std::fs::read_to_string(&file).map_err(|error| AuthError::ReadTokenFile(error, file.clone().into()))?;
            who.token = Some(text.trim().to_owned().into());
            None
        }
        _ => None,
    };
    if let Some(token) = &who.token {
        HeaderValue::from_str(token.expose_secret()).map_err(AuthError::InvalidBearerToken)?;
    }
    Ok(until)
}

fn take(who: &mut AuthInfo, given: Credential) {
    who.token = given.token.map(Into::into);
    if let (Some(certificate), Some(key)) = (given.client_certificate_data, given.client_key_data) {
        who.client_certificate_data = Some(STANDARD.encode(certificate));
        who.client_key_data = Some(STANDARD.encode(key).into());
    }
}

/// Runs a plugin. What it says on standard error is for the user; standard input is lent to it only where somebody types.
fn run(exec: &ExecConfig) -> Result<Credential, String> {
    let name = exec.command.as_deref().filter(|name| !name.is_empty()).ok_or("the kubeconfig names no command for exec")?;
    let terminal = stdin().is_terminal();
    let interactive = match &exec.interactive_mode {
        Some(ExecInteractiveMode::Always) if !terminal => {
            return Err(format!("the credential plugin {name} has to ask, and standard input is no terminal"));
        }
        Some(ExecInteractiveMode::Never) => false,
        _ => terminal,
    };
    let output = command(name, exec, interactive)?.output().map_err(|error| not_started(name, exec, error.kind()))?;
    if !output.status.success() {
        return Err(format!("the credential plugin {name} failed ({})", output.status));
    }
    // The reader's own error would show what was printed.
    let printed: Printed =
        serde_saphyr::from_slice(&output.stdout).map_err(|_| format!("what the credential plugin {name} printed is no ExecCredential"))?;
    if printed.api_version != exec.api_version {
        let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "no version".into());
        let (found, wanted) = (version(&printed.api_version), version(&exec.api_version));
        return Err(format!("the credential plugin {name} answers in {found}, and the kubeconfig wants {wanted}"));
    }
    match &printed.status {
        Credential { token: None, client_certificate_data: None, .. } => Err(format!("the credential plugin {name} gave no credential")),
        _ => Ok(printed.status),
    }
}

fn command(name: &str, exec: &ExecConfig, interactive: bool) -> Result<Command, String> {
    let mut command = Command::new(name);
    command.args(exec.args.iter().flatten());
    let pair = |entry: &HashMap<String, String>| Some((entry.get("name")?.clone(), entry.get("value")?.clone()));
    command.envs(exec.env.iter().flatten().filter_map(pair));
    let mut spec = json!({"interactive": interactive});
    if exec.provide_cluster_info {
        spec["cluster"] = serde_json::to_value(&exec.cluster).map_err(|error| error.to_string())?;
    }
    let info = json!({"kind": "ExecCredential", "apiVersion": exec.api_version, "spec": spec});
    command.env("KUBERNETES_EXEC_INFO", info.to_string());
    command.stdin(if interactive { Stdio::inherit() } else { Stdio::null() }).stderr(Stdio::inherit());
    Ok(command)
}

fn not_started(name: &str, exec: &ExecConfig, error: ErrorKind) -> String {
    let hint = exec.install_hint.as_deref().map(str::trim).filter(|hint| !hint.is_empty());
    let why = if error == ErrorKind::NotFound { "is not installed".into() } else { format!("cannot be run: {error}") };
    format!("the credential plugin {name} {why}{}", hint.map(|hint| format!("; {hint}")).unwrap_or_default())
}
