//! Real git servers on the node's address: an sshd with a repository behind it, and a git daemon that asks for no key.

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use crate::story;

/// A running sshd; it ends with the value.
pub struct Server {
    process: Child,
    /// `ADDRESS:PORT`, as the Secret's annotation names it
    pub host: String,
    /// `ssh://root@ADDRESS:PORT/…/repository`
    pub url: String,
    /// The file of the key that it lets in
    pub key: String,
    /// A known_hosts file with its own key
    pub known_hosts: String,
}

impl Server {
    /// Starts it on a free port of the node's address.
    pub fn start(folder: &Path, address: &str) -> Self {
        let repository = story::repository(folder);
        let key = story::key(folder, "client");
        let host_key = story::key(folder, "host");
        let port = free_port(address);
        let config = folder.join("sshd_config");
        let text = format!(
            "Port {port}\nListenAddress {address}\nHostKey {host_key}\nAuthorizedKeysFile {key}.pub\nPidFile none\nUsePAM no\n\
             StrictModes no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n"
        );
        std::fs::write(&config, text).expect("sshd's configuration");
        // Debian's sshd separates privileges into this folder, which its service would have made.
        std::fs::create_dir_all("/run/sshd").expect("root's rights, which this tier needs");
        let process = Command::new("/usr/sbin/sshd").args(["-D", "-e", "-f"]).arg(&config).stderr(Stdio::null()).spawn();
        let server = Self {
            process: process.expect("openssh-server is installed"),
            host: format!("{address}:{port}"),
            url: format!("ssh://root@{address}:{port}{repository}"),
            key,
            known_hosts: folder.join("known_hosts").to_string_lossy().into_owned(),
        };
        let public = std::fs::read_to_string(format!("{host_key}.pub")).expect("the host key's public half");
        std::fs::write(&server.known_hosts, format!("[{address}]:{port} {public}")).expect("a known_hosts file");
        crate::world::eventually("sshd to listen", || std::net::TcpStream::connect((address, port)).ok());
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended on its own; then there is nothing to end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port(address: &str) -> u16 {
    TcpListener::bind((address, 0)).and_then(|l| l.local_addr()).expect("a free port on the node's address").port()
}

/// A running git daemon; it ends with the value.
pub struct Daemon {
    process: Child,
    /// `git://ADDRESS:PORT/repository`
    pub url: String,
}

impl Daemon {
    /// Serves a repository on a free port of the node's address.
    pub fn serve(folder: &Path, address: &str) -> Self {
        story::repository(folder);
        let port = free_port(address);
        let mut git = Command::new("git");
        git.args(["daemon", "--export-all", "--reuseaddr", &format!("--listen={address}"), &format!("--port={port}")]);
        git.arg(format!("--base-path={}", folder.display())).stderr(Stdio::null());
        // `git` starts the daemon as a child and waits for it; in a group of their own both can be ended.
        let process = git.process_group(0).spawn().expect("git runs");
        crate::world::eventually("the git daemon to listen", || std::net::TcpStream::connect((address, port)).ok());
        Self { process, url: format!("git://{address}:{port}/repository") }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let group = i32::try_from(self.process.id()).expect("a process id is a small number");
        // It may have ended on its own; then there is nothing to end.
        let _ = killpg(Pid::from_raw(group), Signal::SIGTERM);
        let _ = self.process.wait();
    }
}
