//! The environment of a step: a few variables of the sandbox that say how this machine is set up, and those that stand
//! in for what a container would bring along. Nothing else gets through, so that no token of the user reaches a step.

use std::collections::BTreeMap;

/// Variables of the sandbox that steps see: where programs are, language and time, the way to the network, and where tool
/// chains lie that are usually found by way of the user's home (a step's home is another one).
const KEPT: &[&str] = &[
    "PATH",
    "LANG",
    "LANGUAGE",
    "TZ",
    "TMPDIR",
    "USER",
    "LOGNAME",
    "SHELL",
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "FTP_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NIX_SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "LD_LIBRARY_PATH",
    "JAVA_HOME",
    "GOROOT",
    "RUSTUP_HOME",
    "CARGO_HOME",
    "NVM_DIR",
    "PYENV_ROOT",
];

/// What a process without any `PATH` is given; the directories that every distribution has.
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The environment that a step's own variables are laid over. `vars` is that of the sandbox; `ssh_config` tells whether
/// the credentials brought an ssh configuration.
pub fn base(vars: impl Iterator<Item = (String, String)>, pod: &str, ssh_config: bool) -> BTreeMap<String, String> {
    let kept = |name: &str| KEPT.contains(&name) || name.starts_with("LC_");
    let mut env: BTreeMap<String, String> = vars.filter(|(name, _)| kept(name)).collect();
    env.entry("PATH".to_owned()).or_insert_with(|| DEFAULT_PATH.to_owned());
    env.insert("HOME".to_owned(), "/tekton/home".to_owned());
    env.insert("HOSTNAME".to_owned(), pod.to_owned());
    env.insert("GIT_SSH_COMMAND".to_owned(), git_ssh_command(ssh_config));
    env
}

/// How git calls ssh. OpenSSH takes the home from the passwd entry and not from `HOME`, so everything is named; without
/// credentials it must not fall back to the user's own keys, which a step in a cluster would not have either.
fn git_ssh_command(ssh_config: bool) -> String {
    // Quoted for the shell and again for ssh, as the home may lie in a directory with spaces where paths are put in.
    let known_hosts = r#"-o 'UserKnownHostsFile="/tekton/home/.ssh/known_hosts"'"#;
    match ssh_config {
        true => format!("ssh -F '/tekton/home/.ssh/config' {known_hosts}"),
        false => format!("ssh -F /dev/null {known_hosts} -o IdentityFile=none"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_the_user_do_not_reach_a_step() {
        let vars =
            ["PATH=/bin", "LC_ALL=C", "KUBECONFIG=/k", "GITHUB_TOKEN=t", "SSH_AUTH_SOCK=/s", "AWS_SECRET_ACCESS_KEY=k", "HOME=/root"];
        let vars = vars.iter().filter_map(|v| v.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned()));
        let env = base(vars, "pod", false);
        let names: Vec<&str> = env.keys().map(String::as_str).collect();
        assert_eq!(names, ["GIT_SSH_COMMAND", "HOME", "HOSTNAME", "LC_ALL", "PATH"]);
        assert_eq!(env["HOME"], "/tekton/home");
    }
}
