//! The file system that a step sees on Linux: a new root in a private mount namespace that shows this machine's own
//! files plus `/workspace`, `/tekton` and the task's mounts. The machine's `/` is never written to.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::Mode as FileMode;
use nix::sys::statvfs::{FsFlags, statvfs};
use nix::unistd::{chdir, chroot, getgid, getuid, mkdir, pivot_root, symlinkat, write};

use super::Mode;
use super::attempt::Volume;

/// One change to the new root, made in the child between fork and exec; all strings are made before the fork.
#[derive(Debug)]
enum Op {
    /// A directory on the new root's own tmpfs; one that is there already is fine
    Dir(CString),
    /// An empty file there, to bind another file to
    File(CString),
    /// A symbolic link there
    Link { target: CString, at: CString },
    /// Shows `from` at `to`; one that is not required may fail (an entry of `/` that vanished or is not ours to see)
    Bind { from: CString, to: CString, required: bool },
    /// Refuses writing below a bound directory
    ReadOnly { at: CString, flags: MsFlags },
}

/// The plan of a step's root directory, made once per task and carried out by each step's process for itself.
#[derive(Debug)]
pub struct NewRoot {
    user_namespace: Option<IdMaps>,
    mount_point: CString,
    ops: Vec<Op>,
}

/// What maps the user to itself in a user namespace, as `/proc/self/*_map` take it.
#[derive(Debug)]
struct IdMaps {
    uid: Vec<u8>,
    gid: Vec<u8>,
}

/// Where in the set-up of the root an error came up; the words are static since the child cannot allocate.
#[derive(Debug, Clone, Copy)]
pub struct SetupError {
    /// What was being done
    pub stage: &'static str,
    /// What the kernel said
    pub errno: Errno,
}

fn at(stage: &'static str) -> impl FnOnce(Errno) -> SetupError {
    move |errno| SetupError { stage, errno }
}

impl NewRoot {
    /// Plans a root that is put together on `mount_point` (an empty directory of the attempt). `volumes` appear at their
    /// paths; `hide` shows its second directory in place of its first; `dirs` are made, new and empty for each process,
    /// where this machine has none, as the runtime of a container does.
    ///
    /// # Errors
    /// When `/` cannot be read or a mount's path is a file of this machine.
    pub fn plan(
        mode: &Mode,
        mount_point: &Path,
        volumes: &[Volume],
        hide: Option<(&Path, &Path)>,
        dirs: &[PathBuf],
    ) -> io::Result<NewRoot> {
        let user_namespace = (*mode == Mode::UserNamespace)
            .then(|| IdMaps { uid: format!("{0} {0} 1\n", getuid()).into_bytes(), gid: format!("{0} {0} 1\n", getgid()).into_bytes() });
        let mut planner = Planner { mount_point, mirrored: BTreeSet::from([PathBuf::from("/")]), ops: Vec::new() };
        let targets = planner.targets(volumes)?;
        let dirs: Vec<PathBuf> = dirs.iter().filter_map(|dir| planner.place_new(dir)).collect();
        planner.mirror(Path::new("/"))?;
        for (path, volume) in &targets {
            planner.bind_volume(path, volume)?;
        }
        for dir in &dirs {
            planner.make(dir, false)?;
        }
        if let Some((hidden, shown)) = hide {
            planner.bind(shown, hidden, false)?;
        }
        Ok(NewRoot { user_namespace, mount_point: c_string(mount_point)?, ops: planner.ops })
    }

    /// Moves the calling process into the new root. To be called in a child between fork and exec.
    ///
    /// # Safety
    /// It only makes system calls on memory that was prepared before the fork and allocates nothing, so it may be called
    /// between fork and exec. The caller must be single-threaded (a forked child is) and must exec or exit afterwards.
    pub unsafe fn enter(&self) -> Result<(), SetupError> {
        match &self.user_namespace {
            Some(maps) => {
                unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS).map_err(at("making a user namespace"))?;
                write_file(c"/proc/self/setgroups", b"deny").map_err(at("giving up setgroups"))?;
                write_file(c"/proc/self/uid_map", &maps.uid).map_err(at("mapping the user"))?;
                write_file(c"/proc/self/gid_map", &maps.gid).map_err(at("mapping the group"))?;
            }
            None => unshare(CloneFlags::CLONE_NEWNS).map_err(at("making a mount namespace"))?,
        }
        mount(NOTHING, c"/", NOTHING, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NOTHING).map_err(at("making mounts private"))?;
        let root = self.mount_point.as_c_str();
        mount(Some(c"tmpfs"), root, Some(c"tmpfs"), MsFlags::MS_NOSUID, Some(c"mode=0755")).map_err(at("mounting a tmpfs"))?;
        // Otherwise binding the directory that the new root lies in would take the half-made root along.
        mount(NOTHING, root, NOTHING, MsFlags::MS_UNBINDABLE, NOTHING).map_err(at("keeping the new root out of binds"))?;
        for op in &self.ops {
            op.carry_out()?;
        }
        chdir(root).map_err(at("entering the new root"))?;
        if pivot_root(c".", c".").is_ok() {
            umount2(c".", MntFlags::MNT_DETACH).map_err(at("leaving the old root"))?;
        } else {
            // A machine that runs from its initramfs cannot pivot.
            chroot(c".").map_err(at("changing the root"))?;
        }
        chdir(c"/").map_err(at("entering the new root"))
    }
}

const NOTHING: Option<&CStr> = None;

impl Op {
    fn carry_out(&self) -> Result<(), SetupError> {
        let done = match self {
            Op::Dir(path) => mkdir(path.as_c_str(), FileMode::from_bits_truncate(0o755)).map_err(at("making a directory of the new root")),
            Op::File(path) => {
                open(path.as_c_str(), OFlag::O_CREAT | OFlag::O_RDONLY | OFlag::O_CLOEXEC, FileMode::from_bits_truncate(0o644))
                    .map(drop)
                    .map_err(at("making a file of the new root"))
            }
            Op::Link { target, at: place } => {
                symlinkat(target.as_c_str(), nix::fcntl::AT_FDCWD, place.as_c_str()).map_err(at("making a link of the new root"))
            }
            Op::Bind { from, to, required } => {
                let bound = mount(Some(from.as_c_str()), to.as_c_str(), NOTHING, MsFlags::MS_BIND | MsFlags::MS_REC, NOTHING);
                if *required { bound.map_err(at("binding a mount of the task")) } else { Ok(()) }
            }
            Op::ReadOnly { at: place, flags } => {
                mount(NOTHING, place.as_c_str(), NOTHING, *flags, NOTHING).map_err(at("making a mount of the task read-only"))
            }
        };
        match done {
            Err(error) if error.errno == Errno::EEXIST => Ok(()),
            other => other,
        }
    }
}

fn write_file(path: &CStr, content: &[u8]) -> Result<(), Errno> {
    let file = open(path, OFlag::O_WRONLY | OFlag::O_CLOEXEC, FileMode::empty())?;
    write(&file, content).map(drop)
}

fn c_string(path: &Path) -> io::Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "a path contains a NUL byte"))
}

struct Planner<'a> {
    mount_point: &'a Path,
    /// Directories of this machine that are shown entry by entry, so that something can be added to them
    mirrored: BTreeSet<PathBuf>,
    ops: Vec<Op>,
}

impl Planner<'_> {
    /// Where each volume comes to lie, outer ones first, links of this machine followed; what must be mirrored for them
    /// is noted.
    fn targets<'v>(&mut self, volumes: &'v [Volume]) -> io::Result<Vec<(PathBuf, &'v Volume)>> {
        let mut targets: Vec<(PathBuf, &Volume)> = Vec::new();
        for volume in volumes {
            let inside = volumes.iter().any(|outer| outer.path != volume.path && volume.path.starts_with(&outer.path));
            let own_root = ["/workspace", "/tekton"].iter().any(|root| volume.path.starts_with(root));
            let path = if inside || own_root { volume.path.clone() } else { self.place(&volume.path, volume.dir.is_file())? };
            targets.push((path, volume));
        }
        targets.sort_by_key(|(path, _)| path.components().count());
        Ok(targets)
    }

    /// The place of a path of this machine, and the mirroring that it takes to make it there.
    fn place(&mut self, path: &Path, is_file: bool) -> io::Result<PathBuf> {
        let existing = path.ancestors().find(|a| a.exists()).unwrap_or(Path::new("/"));
        let rest = path.strip_prefix(existing).unwrap_or(Path::new(""));
        let existing = existing.canonicalize()?;
        let exists = rest.as_os_str().is_empty();
        let fits = existing.is_dir() || (exists && is_file);
        if !fits {
            let message =
                format!("{} is not a directory on this machine, so nothing can be mounted at {}", existing.display(), path.display());
            return Err(io::Error::new(io::ErrorKind::NotADirectory, message));
        }
        if exists {
            return Ok(existing);
        }
        self.mirrored.extend(existing.ancestors().map(Path::to_path_buf));
        Ok(existing.join(rest))
    }

    /// The same for a directory that is to be made. None where it is there, or cannot be made without writing to this
    /// machine; whoever enters it says so.
    fn place_new(&mut self, path: &Path) -> Option<PathBuf> {
        let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        let kernels = ["/proc", "/sys", "/dev"].iter().any(|root| path.starts_with(root));
        if !plain || kernels || path.exists() {
            return None;
        }
        let readable = path.ancestors().filter(|a| a.exists()).all(|a| fs::read_dir(a).is_ok());
        readable.then(|| self.place(path, false).ok()).flatten()
    }

    /// Shows each entry of a directory of this machine.
    fn mirror(&mut self, dir: &Path) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let path = entry.path();
            if path == Path::new("/workspace") || path == Path::new("/tekton") {
                continue;
            }
            let there = c_string(&self.inside(&path))?;
            let kind = entry.file_type()?;
            if kind.is_symlink() {
                self.ops.push(Op::Link { target: c_string(&fs::read_link(&path)?)?, at: there });
            } else if self.mirrored.contains(&path) {
                self.ops.push(Op::Dir(there));
                self.mirror(&path)?;
            } else {
                self.ops.push(if kind.is_dir() { Op::Dir(there) } else { Op::File(there) });
                self.bind(&path, &path, false)?;
            }
        }
        Ok(())
    }

    /// Makes a directory, or a file, and what is missing on the way to it.
    fn make(&mut self, path: &Path, is_file: bool) -> io::Result<()> {
        let mut parents: Vec<&Path> = path.ancestors().filter(|p| *p != Path::new("/")).collect();
        parents.reverse();
        for parent in parents {
            if !parent.exists() || own_root(parent) {
                let there = c_string(&self.inside(parent))?;
                self.ops.push(if parent == path && is_file { Op::File(there) } else { Op::Dir(there) });
            }
        }
        Ok(())
    }

    fn bind_volume(&mut self, path: &Path, volume: &Volume) -> io::Result<()> {
        self.make(path, volume.dir.is_file())?;
        self.bind(&volume.dir, path, true)?;
        if volume.read_only {
            let flags = MsFlags::MS_REMOUNT | MsFlags::MS_BIND | MsFlags::MS_RDONLY | kept_flags(&volume.dir);
            self.ops.push(Op::ReadOnly { at: c_string(&self.inside(path))?, flags });
        }
        Ok(())
    }

    fn bind(&mut self, from: &Path, to: &Path, required: bool) -> io::Result<()> {
        let op = Op::Bind { from: c_string(from)?, to: c_string(&self.inside(to))?, required };
        self.ops.push(op);
        Ok(())
    }

    /// The path in the new root while it is being put together.
    fn inside(&self, path: &Path) -> PathBuf {
        self.mount_point.join(path.strip_prefix("/").unwrap_or(path))
    }
}

fn own_root(path: &Path) -> bool {
    let first = path.components().nth(1);
    first == Some(Component::Normal("workspace".as_ref())) || first == Some(Component::Normal("tekton".as_ref()))
}

/// The flags that a remount has to repeat: in a user namespace the kernel refuses to drop those of the original mount.
fn kept_flags(dir: &Path) -> MsFlags {
    let Ok(stat) = statvfs(dir) else { return MsFlags::empty() };
    let pairs = [
        (FsFlags::ST_NOSUID, MsFlags::MS_NOSUID),
        (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
        (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
    ];
    pairs.iter().filter(|(has, _)| stat.flags().contains(*has)).map(|(_, keep)| *keep).collect()
}

/// Finds out which kind of private mount namespace this machine permits, by trying in a child; `dir` is a directory to
/// try in. The answer is `Mode::Substitution` with the reason when none is permitted.
pub fn probe(dir: &Path) -> Mode {
    let mut reason = String::new();
    for mode in [Mode::MountNamespace, Mode::UserNamespace] {
        match try_root(&mode, dir) {
            Ok(()) => return mode,
            Err(error) => reason = error.to_string(),
        }
    }
    Mode::Substitution { reason }
}

fn try_root(mode: &Mode, dir: &Path) -> io::Result<()> {
    let dir = dir.join(format!("probe-{}", uuid::Uuid::new_v4()));
    let workspace = dir.join("workspace");
    let mount_point = dir.join("root");
    fs::create_dir_all(&workspace)?;
    fs::create_dir_all(&mount_point)?;
    let volume = Volume { path: "/workspace".into(), dir: workspace, read_only: false };
    let root = NewRoot::plan(mode, &mount_point, &[volume], None, &[])?;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "test -w /workspace"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // SAFETY: `enter` is made for this place: it makes only system calls and allocates nothing.
    unsafe { command.pre_exec(move || root.enter().map_err(|error| error.errno.into())) };
    let status = command.status();
    fs::remove_dir_all(&dir)?;
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(io::Error::other("a directory cannot be shown at /workspace")),
        // The kernel's word for a limit of zero.
        Err(error) if error.kind() == io::ErrorKind::StorageFull => Err(io::Error::other("the limit of user namespaces is reached")),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_below_a_directory_that_is_not_there_mirrors_what_is() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let data = dir.path().canonicalize().expect("it exists").join("data/cache");
        let volume = Volume { path: data.clone(), dir: dir.path().to_path_buf(), read_only: true };
        let root = NewRoot::plan(&Mode::MountNamespace, Path::new("/new"), &[volume], None, &[]).expect("a plan");
        let made = |path: &Path| {
            let there = c_string(&Path::new("/new").join(path.strip_prefix("/").expect("absolute"))).expect("no NUL");
            root.ops.iter().any(|op| matches!(op, Op::Dir(p) if *p == there))
        };
        assert!(made(&data) && made(data.parent().expect("it has one")));
        assert!(matches!(root.ops.last(), Some(Op::ReadOnly { .. })));
    }

    #[test]
    fn a_mount_at_a_file_is_refused() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let volume = Volume { path: file.path().to_path_buf(), dir: "/".into(), read_only: false };
        let error = NewRoot::plan(&Mode::MountNamespace, Path::new("/new"), &[volume], None, &[]).expect_err("a file");
        assert!(error.to_string().contains("is not a directory"), "{error}");
    }
}
