//! git in a step: credentials, host keys, repositories, file rights.

use super::Mend::{Kubectl, Own, Say, Shell, Yaml};
use super::{LOG, Rule, Weight};
use crate::diagnose::checks::{
    about_repository, host_key_changed, key_unreadable, known_hosts_lack_host, known_hosts_missing, login_gone, login_not_listed,
    login_refused, login_without_scheme, no_secret_for_host, secret_gone, secret_lists_fine, secret_not_listed, secret_of_other_host,
    secret_of_wrong_type,
};
use crate::diagnose::evidence::Need;

const CAUSE: Rule = Rule { needs: &[Need::Credentials], check: Some(about_repository), ..Rule::of(Weight::Cause, LOG) };

/// What ssh and git say when the server does not take the step for who it is, or the step not the server.
const REFUSED: &[&str] = &[
    "Host key verification failed",
    "{_}@{host}: Permission denied ({_…}",
    "Permission denied (publickey",
    "Permission denied ({_…}publickey",
];
const HOST_KEY: &[&str] = &["Host key verification failed"];
const PUBLICKEY: &[&str] = &["{_}@{host}: Permission denied ({_…}", "Permission denied (publickey", "Permission denied ({_…}publickey"];
const LOGIN: &[&str] = &["could not read Username for '{url}'", "Authentication failed for '{url}'"];

const LOGIN_EXAMPLE: (&str, &str) = ("", "fatal: could not read Username for 'https://git.example.org': No such device or address");
const HOST_KEY_EXAMPLE: (&str, &str) = ("", "Host key verification failed.");
const PUBLICKEY_EXAMPLE: (&str, &str) = ("", "git@git.example.org: Permission denied (publickey).");

/// Writes the host's key into the Secret; the private key in it stays.
const SCAN: &[super::Mend] = &[
    Say("Put the server's key into the Secret, after comparing it with what the server's owner publishes:"),
    Shell("ssh-keyscan {scan} > known_hosts"),
    Kubectl(
        "patch secret {secret} --type merge -p \"{{\\\"data\\\":{{\\\"known_hosts\\\":\\\"$(base64 < known_hosts | tr -d '\\n')\\\"}}}}\"",
    ),
    Say("Or, with the file of the private key at hand, make the Secret anew:"),
    Own("secret create ssh {secret} --host {host} --key FILE --scan-host --replace"),
    Say("Then start the run again."),
];

/// What ssh says of a key that it cannot read, and what comes of that.
const UNREADABLE: &[&str] = &["Load key \"{_}\": ", "Permission denied (publickey", "Permission denied ({_…}publickey"];

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "KeyUnreadable",
        patterns: UNREADABLE,
        check: Some(key_unreadable),
        needs: &[],
        summary: "ssh in the step cannot read the private key in Secret {secret}: it is damaged, or in a format that this ssh does not know",
        mend: &[
            Say("Put the key in anew, in OpenSSH's format and with the line end after its last line:"),
            Own("secret create ssh {secret} --host {host} --key FILE --scan-host --replace"),
            Say("Or make another, whose public half has to be registered with the git server:"),
            Own("secret create ssh {secret} --host {host} --generate --scan-host --replace"),
        ],
        source: "OpenSSH, seen with 9.2",
        example: ("", "Load key \"/root/.ssh/id_git\": invalid format"),
        ..CAUSE
    },
    Rule {
        id: "SecretNotListed",
        patterns: REFUSED,
        check: Some(secret_not_listed),
        summary: "ServiceAccount {account}, under which the step ran, does not list Secret {secret}, which is meant for {host}; so the step had no key",
        mend: &[
            Own("sa add-secret {account} {secret}"),
            Say("Then start the run again. (A run may also use another ServiceAccount: `taskRunTemplate.serviceAccountName`.)"),
        ],
        source: "docs/auth.md: Tekton gives a step the annotated Secrets that its ServiceAccount lists under `secrets`",
        example: PUBLICKEY_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "SecretOfWrongType",
        patterns: REFUSED,
        check: Some(secret_of_wrong_type),
        summary: "Secret {secret} for {host} is of type {type}; Tekton takes ssh keys only from Secrets of type kubernetes.io/ssh-auth",
        mend: &[
            Say("A Secret's type cannot be changed: make another from the same key, and give it to the ServiceAccount:"),
            Own("secret create ssh {secret}-ssh --host {host} --key FILE --scan-host"),
            Own("sa add-secret {account} {secret}-ssh"),
        ],
        source: "docs/auth.md",
        example: HOST_KEY_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "SecretGone",
        patterns: REFUSED,
        check: Some(secret_gone),
        summary: "ServiceAccount {account} lists Secret {secret}, which does not exist, and no other for {host}; so the step had no key",
        mend: &[
            Say("Make the Secret anew, and register the public key that this prints with the git server:"),
            Own("secret create ssh {secret} --host {host} --generate --scan-host"),
            Say("Then start the run again."),
        ],
        source: "docs/auth.md: Tekton passes over a listed Secret that is not there",
        example: PUBLICKEY_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "SecretForOtherHost",
        patterns: REFUSED,
        check: Some(secret_of_other_host),
        summary: "no Secret of ServiceAccount {account} is meant for {host}: {secret} is annotated for {hosts}",
        mend: &[
            Say("For ssh the annotation is the host as the URL names it, with its port and without `ssh://`:"),
            Kubectl("annotate secret {secret} tekton.dev/git-0={host} --overwrite"),
        ],
        source: "docs/auth.md; tektoncd/pipeline#1953",
        example: PUBLICKEY_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "NoSecretForHost",
        patterns: REFUSED,
        check: Some(no_secret_for_host),
        summary: "the step had no ssh key for {host}: ServiceAccount {account} lists no Secret for it, and there is none in namespace {namespace}",
        mend: &[
            Own("secret create ssh {slug} --host {host} --generate --scan-host"),
            Own("sa add-secret {account} {slug}"),
            Say("The first prints a public key: register it with the git server, then start the run again."),
        ],
        source: "docs/auth.md",
        example: HOST_KEY_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "HostKeyChanged",
        patterns: &["Host key for {host} has changed", "REMOTE HOST IDENTIFICATION HAS CHANGED", "Host key verification failed"],
        check: Some(host_key_changed),
        summary: "the key of {host} is not the one that `known_hosts` in Secret {secret} names: the server was set up anew, or somebody stands in between",
        mend: SCAN,
        source: "tektoncd/pipeline#1953",
        example: ("", "Host key for [192.0.2.2]:2322 has changed and you have requested strict checking."),
        ..CAUSE
    },
    Rule {
        id: "KnownHostsMissing",
        patterns: HOST_KEY,
        check: Some(known_hosts_missing),
        summary: "Secret {secret} has no `known_hosts`, so ssh does not trust {host}",
        mend: SCAN,
        source: "tektoncd/pipeline#1953, tektoncd/catalog#727",
        example: HOST_KEY_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "KnownHostsLackHost",
        patterns: HOST_KEY,
        check: Some(known_hosts_lack_host),
        summary: "`known_hosts` in Secret {secret} does not name {host} (it names {known})",
        mend: SCAN,
        source: "tektoncd/pipeline#1953, shipwright-io/build#936",
        example: HOST_KEY_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "HostKeyRefused",
        patterns: HOST_KEY,
        summary: "ssh does not trust the key of {host}: `known_hosts` of the Secret lacks it or names another",
        mend: SCAN,
        source: "tektoncd/pipeline#1953",
        example: HOST_KEY_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "PublickeyRefused",
        patterns: PUBLICKEY,
        check: Some(secret_lists_fine),
        summary: "the key in Secret {secret} ({fingerprint}) is not one that {host} accepts",
        mend: &[
            Say(
                "Compare the fingerprint with the keys that the git server has for this account or repository; register the public key there if it is missing:",
            ),
            Own("secret describe {secret}"),
            Say("Or put the right key in:"),
            Own("secret create ssh {secret} --host {host} --key FILE --scan-host --replace"),
        ],
        source: "docs/auth.md",
        example: PUBLICKEY_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "PublickeyRefusedAtAll",
        patterns: PUBLICKEY,
        summary: "the step had no ssh key that {host} accepts, or none at all",
        mend: &[
            Say("See which Secrets the ServiceAccount hands to steps, and for which hosts:"),
            Own("sa describe {account}"),
            Own("secret list"),
        ],
        source: "docs/auth.md",
        example: PUBLICKEY_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "LoginRefused",
        patterns: LOGIN,
        check: Some(login_refused),
        summary: "the user and password in Secret {secret} are not what {host} accepts",
        mend: &[
            Say("Put others in; many servers want an access token in the password's place:"),
            Own("secret create basic {secret} --host {host} --replace"),
        ],
        source: "docs/auth.md",
        example: LOGIN_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "LoginWithoutScheme",
        patterns: LOGIN,
        check: Some(login_without_scheme),
        summary: "Secret {secret} is annotated with the name of the server; git takes it for {host} only when the annotation is that URL",
        mend: &[Kubectl("annotate secret {secret} tekton.dev/git-0={host} --overwrite"), Say("Then start the run again.")],
        source: "docs/auth.md",
        example: LOGIN_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "LoginNotListed",
        patterns: LOGIN,
        check: Some(login_not_listed),
        summary: "ServiceAccount {account}, under which the step ran, does not list Secret {secret}, which is meant for {host}; so git had no login",
        mend: &[Own("sa add-secret {account} {secret}"), Say("Then start the run again.")],
        source: "docs/auth.md",
        example: LOGIN_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "LoginGone",
        patterns: LOGIN,
        check: Some(login_gone),
        summary: "ServiceAccount {account} lists Secret {secret}, which does not exist, and no other for {host}; so git had no login",
        mend: &[Say("Make the Secret anew, then start the run again:"), Own("secret create basic {secret} --host {host}")],
        source: "docs/auth.md",
        example: LOGIN_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "LoginMissing",
        patterns: LOGIN,
        summary: "git had no user and password that {url} accepts",
        mend: &[
            Say("For https the Secret is of type kubernetes.io/basic-auth, and its annotation is a URL with `https://`:"),
            Own("secret create basic NAME --host {url}"),
            Own("sa add-secret {account} NAME"),
        ],
        source: "docs/auth.md",
        example: LOGIN_EXAMPLE,
        ..CAUSE
    },
    Rule {
        id: "RepositoryMissing",
        patterns: &[
            "repository '{path}' does not exist",
            "'{path}' does not appear to be a git repository",
            "repository '{path}' not found",
            "ERROR: Repository not found",
            "access denied or repository not exported: {path}",
        ],
        summary: "there is no repository at {url}, or the key may not see it",
        mend: &[Say(
            "Correct the URL that the run (or the event that made it) gives; for a private repository, register the key with the server.",
        )],
        source: "git",
        example: ("", "fatal: '/srv/nowhere.git' does not appear to be a git repository"),
        ..CAUSE
    },
    Rule {
        id: "RevisionMissing",
        patterns: &[
            "Remote branch {revision} not found in upstream",
            "couldn't find remote ref {revision}",
            "pathspec '{revision}' did not match",
        ],
        summary: "the repository has no branch, tag or commit {revision}",
        mend: &[Say("Correct the revision that the run gives.")],
        source: "git",
        example: ("", "fatal: Remote branch develop not found in upstream origin"),
        ..CAUSE
    },
    Rule {
        id: "HostUnknown",
        patterns: &["Could not resolve hostname {host}:", "Could not resolve host: {host}"],
        summary: "the name {host} cannot be resolved from within the pod",
        mend: &[Say("Correct the URL, or the cluster's DNS.")],
        source: "git, ssh",
        example: ("", "ssh: Could not resolve hostname git.nowhere.invalid: Temporary failure in name resolution"),
        ..CAUSE
    },
    Rule {
        id: "ServerNotReached",
        patterns: &[
            "connect to host {host} port {_}: {why…}",
            "Failed to connect to {host} port {port}{_…}: {why…}",
            "unable to access '{host}': {why…}",
        ],
        summary: "from within the pod, {host} cannot be reached: {why}",
        mend: &[Say("Look at the host and port in the URL, the cluster's network policies and its proxy.")],
        source: "git, ssh",
        example: ("", "ssh: connect to host 192.0.2.2 port 22: Connection refused"),
        ..CAUSE
    },
    Rule {
        id: "WorkspaceNotWritable",
        patterns: &[
            "{path}/.git: Permission denied",
            "could not lock config file {path}/.git/config: Permission denied",
            "could not create work tree dir '{path}': Permission denied",
        ],
        summary: "the step may not write into {path}: it does not run as root, and the volume belongs to root",
        mend: &[
            Say("Let the volume belong to the step's group:"),
            Yaml("spec:\n  taskRunTemplate:\n    podTemplate:\n      securityContext:\n        fsGroup: 65532"),
        ],
        source: "tektoncd/catalog#1154, tektoncd/pipeline#1872",
        example: ("", "fatal: could not create work tree dir '/workspace/output/src': Permission denied"),
        ..CAUSE
    },
    Rule {
        id: "RepositoryOfOtherUser",
        patterns: &[
            "detected dubious ownership in repository at '{path}'",
            "detected dubious ownership in repository",
            "unsafe repository ('{path}' is owned by someone else)",
        ],
        summary: "git refuses a repository that another user id has written",
        mend: &[
            Say("Let the steps run as the same user, or say in the step that it is fine:"),
            Shell("git config --global --add safe.directory '*'"),
        ],
        source: "tektoncd/pipeline#4966",
        example: ("", "fatal: detected dubious ownership in repository at '/workspace/output'"),
        ..CAUSE
    },
    Rule {
        id: "CredentialsNotCopied",
        weight: Weight::Note,
        needs: &[],
        check: None,
        patterns: &["unsuccessful cred copy: \"{file}\" from"],
        summary: "a warning about copying {file} is harmless, unless this step needs that login",
        mend: &[Say("If it does: give the step a writable HOME, or the same user id as the others.")],
        source: "docs/auth.md; tektoncd/pipeline#2791",
        example: (
            "",
            "warning: unsuccessful cred copy: \".docker\" from \"/tekton/creds\" to \"/\": unable to create destination directory",
        ),
        ..CAUSE
    },
    Rule {
        id: "AnnotationsClash",
        on: super::CONDITION,
        needs: &[],
        check: None,
        patterns: &["expect entries of the form secret=url", "multiple entries for url"],
        summary: "two Secrets of ServiceAccount {account} are annotated for the same server",
        mend: &[Own("sa describe {account}"), Say("Take one of them off the account's list.")],
        source: "pkg/credentials",
        example: ("PodCreationFailed", "multiple entries for url: https://github.com"),
        ..CAUSE
    },
    Rule {
        id: "RemoteNotRead",
        weight: Weight::Symptom,
        patterns: &["Could not read from remote repository"],
        summary: "git could not read {url}",
        mend: &[Own("sa describe {account}")],
        source: "git",
        example: ("", "fatal: Could not read from remote repository."),
        ..CAUSE
    },
];
