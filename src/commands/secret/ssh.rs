//! `rtkn secret create ssh`: a key that is read or made, the hosts it is for, and the keys by which those are known.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use ssh_key::rand_core::OsRng;

use super::CreateArgs;
use crate::failure::{Exit, Failure, Kind};
use crate::input;
use crate::objects::core::Secret;
use crate::scaffold::secret::{self, KNOWN_HOSTS, SSH_AUTH, SSH_KEY, WITHOUT_KNOWN_HOSTS};
use crate::scaffold::ssh::{Key, known_hosts, sorted};
use crate::session::Session;
use crate::verbs::missing::found;

/// Makes a Secret for git over ssh.
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("private").args(["generate", "key"]).required(true))]
pub struct Arguments {
    /// Name of the Secret
    #[arg(value_name = "NAME")]
    name: String,
    /// A git server the key is for; may be given several times
    #[arg(long, required = true, value_name = "HOST[:PORT]", value_parser = secret::ssh_host)]
    host: Vec<String>,
    /// Make an ed25519 key; only its public half is printed
    #[arg(long)]
    generate: bool,
    /// Take the private key of this file; - reads standard input
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    key: Option<PathBuf>,
    /// Let steps trust the hosts of this file only
    #[arg(long, value_name = "FILE", conflicts_with = "scan_host", value_hint = clap::ValueHint::FilePath)]
    known_hosts: Option<PathBuf>,
    /// Ask the hosts for their keys now, with ssh-keyscan, and let steps trust those only
    #[arg(long)]
    scan_host: bool,
    /// Comment of the key that --generate makes [default: NAMESPACE/NAME]
    #[arg(long, value_name = "TEXT", value_parser = comment, conflicts_with = "key")]
    comment: Option<String>,
    /// Write the private key of --generate to this file as well, readable to you only
    #[arg(long, value_name = "FILE", conflicts_with_all = ["key", "dry_run"], value_hint = clap::ValueHint::FilePath)]
    save: Option<PathBuf>,
    #[command(flatten)]
    create: CreateArgs,
}

fn comment(text: &str) -> Result<String, String> {
    // The public key is one line, of which the comment is the end.
    if text.chars().any(char::is_control) { Err("a comment is one line without control characters".into()) } else { Ok(text.to_owned()) }
}

/// Makes the Secret.
///
/// # Errors
/// When the key cannot be used, a host does not answer, or the name is taken with other content.
pub async fn run(session: &mut Session, args: Arguments) -> Result<Exit, Failure> {
    if args.save.as_ref().is_some_and(|path| path.as_os_str() == "-") {
        return Err(Failure::usage("--save needs the name of a file: a private key is not printed"));
    }
    let given = match args.key.as_deref() {
        Some(path) => Some(read_key(session, path).await?),
        None => None,
    };
    let cluster = session.cluster().await?;
    let existing = found::<Secret>(&cluster, &args.name).await?;
    let comment = args.comment.clone().unwrap_or_else(|| format!("{}/{}", cluster.namespace, args.name));
    let key = match given {
        Some(key) => key,
        None => match existing.as_ref().filter(|_| !args.create.write.replace).and_then(|secret| same_key(secret, &args.host, &comment)) {
            Some(key) => key,
            None => Key::generate(&mut OsRng, &comment).map_err(|e| Failure::other(format!("cannot make a key: {e}")))?,
        },
    };
    let hosts = trusted_hosts(session, &args).await?;
    let manifest = secret::ssh(&cluster.namespace, &args.name, &args.host, &key, hosts.as_deref());
    let how = super::how(session, existing.as_ref(), &manifest, &args.create)?;
    let saved = args.save.as_deref().map(|path| Saved::write(path, &key)).transpose()?;
    super::write(session, manifest, how, &args.create, !args.generate).await?;
    if let Some(saved) = saved {
        saved.keep();
    }
    say_what_is_next(session, &args, &key, existing.as_ref().is_some_and(|s| s.data.contains_key(KNOWN_HOSTS)) || hosts.is_some())?;
    Ok(Exit::Done)
}

async fn read_key(session: &Session, path: &Path) -> Result<Key, Failure> {
    let bytes = match path.as_os_str() == "-" {
        true if session.term.stdin_is_terminal => {
            return Err(Failure::usage("the key would be read from standard input, which is a terminal")
                .hint("give --key FILE, or pipe the key in"));
        }
        true => session.term.input().await?,
        false => input::bytes(path).map_err(|e| Failure::file(path, &e))?,
    };
    let shown = if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() };
    Key::read(&bytes).map_err(|error| Failure::invalid(format!("{shown}: {error}")).hint(error.remedy(&path.display().to_string())))
}

/// The key of a Secret that an earlier run of the same command made.
fn same_key(existing: &Secret, hosts: &[String], comment: &str) -> Option<Key> {
    let key = Key::read(&secret::value(existing, SSH_KEY)?).ok()?;
    let same = existing.kind.as_deref() == Some(SSH_AUTH)
        && key.is_ed25519()
        && key.comment() == comment
        && secret::hosts(&existing.metadata.annotations) == hosts.iter().map(String::as_str).collect::<Vec<_>>();
    same.then_some(key)
}

async fn trusted_hosts(session: &mut Session, args: &Arguments) -> Result<Option<String>, Failure> {
    let text = match &args.known_hosts {
        Some(path) => input::text(path).map_err(|e| Failure::file(path, &e))?,
        None if args.scan_host => scan(session, &args.host).await?,
        None => return Ok(None),
    };
    let source = args.known_hosts.as_ref().map_or("ssh-keyscan".into(), |path| path.display().to_string());
    let known =
        known_hosts(&text).map_err(|(line, why)| Failure::invalid(format!("{source}, line {line}: this is no known host: {why}")))?;
    if known.is_empty() {
        return Err(Failure::invalid(format!("{source}: there is no known host in it")).hint("ssh-keyscan HOST prints what belongs there"));
    }
    for host in args.host.iter().filter(|host| !known.iter().any(|k| k.may_be(host))) {
        session.term.say(format!(
            "Warning: {source} does not know {host}: a step that clones from there will stop with \"Host key verification failed\""
        ));
    }
    if args.scan_host {
        session.term.say("Steps will trust these keys; compare them with what the server's owner publishes:");
        known.iter().for_each(|k| session.term.say(format!("  {}", k.fingerprint)));
    }
    Ok(Some(text))
}

async fn scan(session: &mut Session, hosts: &[String]) -> Result<String, Failure> {
    let mut found = String::new();
    for given in hosts {
        let (host, port) = given.rsplit_once(':').unwrap_or((given, "22"));
        let progress = session.term.progress(format!("asking {given} for its keys"));
        let output = tokio::process::Command::new("ssh-keyscan").args(["-T", "5", "-p", port, host]).kill_on_drop(true).output().await;
        drop(progress);
        let output = output.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Failure::other("there is no ssh-keyscan on this machine")
                .hint("install it (package openssh-client), or give --known-hosts FILE"),
            _ => Failure::other(format!("ssh-keyscan cannot be run: {error}")),
        })?;
        let keys = String::from_utf8_lossy(&output.stdout);
        if sorted(&keys).is_empty() {
            let why = String::from_utf8_lossy(&output.stderr);
            let why = why.lines().map(str::trim).rfind(|l| !l.is_empty() && !l.starts_with('#')).unwrap_or("no answer within 5 seconds");
            return Err(Failure::new(Kind::Unreachable, format!("ssh-keyscan got no key from {given}: {why}"))
                .hint("is the host right, and does this machine reach it? --known-hosts FILE takes keys from a file instead"));
        }
        found.push_str(&keys);
    }
    Ok(sorted(&found))
}

/// The file of `--save`. It is written before the Secret is made, so that a full disk or a folder that is not there leaves
/// nothing behind; unless it is kept, it goes again, also when the command is interrupted.
struct Saved<'a> {
    path: &'a Path,
    is_new: bool,
}

impl<'a> Saved<'a> {
    fn write(path: &'a Path, key: &Key) -> Result<Self, Failure> {
        let nothing_made = |error| Failure::file(path, &error).hint("give --save another file; nothing was made");
        match input::bytes(path) {
            Ok(content) if content == key.private_text().as_bytes() => return Ok(Self { path, is_new: false }),
            Ok(_) => {
                return Err(Failure::new(Kind::Conflict, format!("{} is there already", path.display()))
                    .hint("give --save another file; nothing was made"));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(nothing_made(error)),
        }
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(nothing_made)?;
        let saved = Self { path, is_new: true };
        file.write_all(key.private_text().as_bytes()).and_then(|()| file.sync_all()).map_err(nothing_made)?;
        Ok(saved)
    }

    fn keep(mut self) {
        self.is_new = false;
    }
}

impl Drop for Saved<'_> {
    fn drop(&mut self) {
        if self.is_new {
            // A file that cannot be removed holds a key that opens nothing.
            let _ = std::fs::remove_file(self.path);
        }
    }
}

fn say_what_is_next(session: &mut Session, args: &Arguments, key: &Key, knows_hosts: bool) -> Result<(), Failure> {
    if args.generate {
        let line = key.public_line().unwrap_or_default();
        match args.create.write.output {
            None => {
                let printed = session.term.answer(line).and_then(|()| session.term.flush());
                printed.map_err(|error| with_the_key_elsewhere(session, args, error.into()))?;
            }
            Some(_) => session.term.say(line),
        }
        if args.create.write.dry_run {
            session.term.say("Nothing was made (dry run), and this key is forgotten: give it to nobody");
            return Ok(());
        }
        for host in &args.host {
            session.term.say(format!("Give this public key to {host}: {}", page_for_keys(host)));
        }
        if let Some(path) = &args.save {
            session.term.say(format!("The private key is in {} as well", path.display()));
        }
    }
    if !knows_hosts {
        session.term.say(format!("Warning: {WITHOUT_KNOWN_HOSTS}"));
        session.term.say("Hint: --scan-host or --known-hosts FILE adds them");
    }
    if !args.create.write.dry_run {
        super::say_next(session, &args.name);
    }
    Ok(())
}

/// The public key could not be printed, and the Secret is made.
fn with_the_key_elsewhere(session: &Session, args: &Arguments, failure: Failure) -> Failure {
    match args.create.write.dry_run {
        true => failure,
        false => {
            failure.hint(format!("the Secret is made; {} shows its public key", session.command(&format!("secret describe {}", args.name))))
        }
    }
}

/// Where a forge takes keys that may read one repository.
fn page_for_keys(host: &str) -> &'static str {
    match host.split(':').next().unwrap_or_default() {
        "github.com" | "ssh.github.com" => "repository → Settings → Deploy keys (https://github.com/OWNER/REPOSITORY/settings/keys/new)",
        "gitlab.com" | "altssh.gitlab.com" => "project → Settings → Repository → Deploy keys",
        "bitbucket.org" => "repository → Repository settings → Access keys",
        "codeberg.org" => "repository → Settings → Deploy keys",
        "ssh.dev.azure.com" => "User settings → SSH public keys (RSA only: give --key with an RSA key)",
        _ => "as a deploy key of the repository, or a line of ~/.ssh/authorized_keys there",
    }
}
