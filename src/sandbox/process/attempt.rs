//! The directory of one attempt of a TaskRun: what its steps see as `/workspace`, `/tekton` and the task's mounts.
//! It is made before the first step and removed after the last.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use super::substitution::Substitution;
use crate::sandbox::executor::{Mount, MountSource, TaskExecution};

/// A directory of this machine, or a single file, that steps see at a path.
#[derive(Clone, Debug)]
pub struct Volume {
    /// Where steps see it
    pub path: PathBuf,
    /// Where it is
    pub dir: PathBuf,
    /// Whether writing is refused
    pub read_only: bool,
}

/// Why an attempt's directory could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// Something on the disk
    #[error("cannot make {path:?} for the steps: {source}")]
    Io {
        /// What was to be made
        path: PathBuf,
        /// Why not
        source: io::Error,
    },
    /// A mount that has no usable path
    #[error("volumeMounts: {0:?} is not an absolute path below /")]
    MountPath(PathBuf),
    /// A file's path that would lead out of its directory
    #[error("volumes: {0:?} is not a path inside its volume")]
    FilePath(PathBuf),
    /// Without a mount namespace nothing can keep a step from writing there
    #[error("volumeMounts: {path:?} is read-only, which needs a mount namespace, and this machine permits none ({reason})")]
    ReadOnly {
        /// Where steps see it
        path: PathBuf,
        /// Why there is no namespace
        reason: String,
    },
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> PrepareError {
    let path = path.to_path_buf();
    move |source| PrepareError::Io { path, source }
}

/// How volumes inside of others are reached.
#[derive(Clone, Copy, Debug)]
pub enum Nesting<'a> {
    /// They are mounted on a directory made for them
    Mounted,
    /// A link leads to them, as nothing can be mounted for this reason
    Linked {
        /// Why there is no mount namespace
        reason: &'a str,
    },
}

/// The directory of one attempt; dropping it removes it.
#[derive(Debug)]
pub struct Attempt {
    dir: PathBuf,
    volumes: Vec<Volume>,
}

impl Attempt {
    /// Makes `attempts/POD_UID` with everything that the steps expect to find.
    ///
    /// # Errors
    /// When the disk does not allow it or a mount cannot be had.
    pub fn prepare(attempts: &Path, task: &TaskExecution, nesting: Nesting<'_>) -> Result<Attempt, PrepareError> {
        let dir = attempts.join(&task.pod_uid);
        private_dir(&dir)?;
        let dir = dir.canonicalize().map_err(io_error(&dir))?;
        let volume = |path: &str| Volume { path: path.into(), dir: dir.join(&path[1..]), read_only: false };
        let mut attempt = Attempt { volumes: vec![volume("/workspace"), volume("/tekton")], dir };
        for name in
            ["root", "workspace", "tekton/results", "tekton/steps", "tekton/scripts", "tekton/bin", "tekton/run", "tekton/artifacts"]
        {
            open_dir(&attempt.dir.join(name))?;
        }
        for name in ["tekton/creds", "tekton/home", "tekton/home/.ssh"] {
            private_dir(&attempt.dir.join(name))?;
        }
        attempt.add_steps(task)?;
        for (i, mount) in task.mounts.iter().enumerate() {
            attempt.add_mount(i, mount, nesting)?;
        }
        attempt.nest(nesting)?;
        attempt.add_credentials(task, nesting)?;
        Ok(attempt)
    }

    /// The directories that steps see, and where.
    pub fn volumes(&self) -> &[Volume] {
        &self.volumes
    }

    /// An empty directory to put a root together on.
    pub fn root(&self) -> PathBuf {
        self.dir.join("root")
    }

    /// The home's `.ssh`, which is there in any case.
    pub fn home_ssh(&self) -> PathBuf {
        self.dir.join("tekton/home/.ssh")
    }

    /// Where a path that steps see is on this machine; `None` when it is not in a volume.
    pub fn locate(&self, path: &Path) -> Option<PathBuf> {
        let path = normal(path)?;
        let volume = self.volumes.iter().filter(|v| path.starts_with(&v.path)).max_by_key(|v| v.path.components().count())?;
        let rest = path.strip_prefix(&volume.path).ok()?;
        Some(if rest.as_os_str().is_empty() { volume.dir.clone() } else { volume.dir.join(rest) })
    }

    fn add_steps(&self, task: &TaskExecution) -> Result<(), PrepareError> {
        let steps = self.dir.join("tekton/steps");
        for (i, step) in task.steps.iter().enumerate() {
            let name = format!("step-{}", step.name);
            open_dir(&steps.join(&name).join("results"))?;
            open_dir(&steps.join(&name).join("artifacts"))?;
            // Tekton has both names, so that a script can go by the step's number.
            let number = steps.join(i.to_string());
            symlink(&name, &number).map_err(io_error(&number))?;
        }
        let termination = self.dir.join("tekton/termination");
        fs::write(&termination, b"").map_err(io_error(&termination))
    }

    fn add_mount(&mut self, index: usize, mount: &Mount, nesting: Nesting<'_>) -> Result<(), PrepareError> {
        let path = normal(&mount.path).filter(|p| p != Path::new("/")).ok_or_else(|| PrepareError::MountPath(mount.path.clone()))?;
        let own = self.dir.join("volumes").join(index.to_string());
        let dir = match &mount.source {
            MountSource::EmptyDir(name) => self.dir.join("empty").join(name),
            MountSource::Directory(dir) => dir.clone(),
            MountSource::Files(files) => {
                write_source(&own, files)?;
                own
            }
        };
        if !dir.is_file() {
            open_dir(&dir)?;
        }
        if let (true, Nesting::Linked { reason }) = (mount.read_only, nesting) {
            match &mount.source {
                MountSource::Files(_) if dir.is_file() => set_mode(&dir, 0o444)?,
                MountSource::Files(files) => files.keys().try_for_each(|file| set_mode(&dir.join(file), 0o444))?,
                _ => return Err(PrepareError::ReadOnly { path, reason: reason.to_owned() }),
            }
        }
        let dir = dir.canonicalize().map_err(io_error(&dir))?;
        self.volumes.retain(|v| v.path != path);
        self.volumes.push(Volume { path, dir, read_only: mount.read_only });
        Ok(())
    }

    /// Makes the place of each volume that lies inside another one.
    fn nest(&mut self, nesting: Nesting<'_>) -> Result<(), PrepareError> {
        self.volumes.sort_by_key(|v| v.path.components().count());
        for (i, volume) in self.volumes.iter().enumerate() {
            let outer = self.volumes[..i].iter().rev().find(|o| volume.path.starts_with(&o.path));
            let Some(inside) = outer.and_then(|o| Some(o.dir.join(volume.path.strip_prefix(&o.path).ok()?))) else { continue };
            match nesting {
                Nesting::Mounted if volume.dir.is_file() => {
                    inside.parent().map_or(Ok(()), open_dir)?;
                    OpenOptions::new().append(true).create(true).open(&inside).map_err(io_error(&inside))?;
                }
                Nesting::Mounted => open_dir(&inside)?,
                Nesting::Linked { .. } => {
                    inside.parent().map_or(Ok(()), open_dir)?;
                    // A claim that outlives attempts may still hold the link of an earlier one.
                    if inside.is_symlink() {
                        fs::remove_file(&inside).map_err(io_error(&inside))?;
                    }
                    symlink(&volume.dir, &inside).map_err(io_error(&inside))?;
                }
            }
        }
        Ok(())
    }

    /// Lays the credentials out and copies them to the home, as Tekton's entrypoint does.
    fn add_credentials(&self, task: &TaskExecution, nesting: Nesting<'_>) -> Result<(), PrepareError> {
        let mut files = task.credentials.clone();
        if let Nesting::Linked { .. } = nesting {
            let substitution = Substitution::new(&self.volumes);
            for content in files.values_mut() {
                if let Some(replaced) = std::str::from_utf8(content).ok().and_then(|text| substitution.replace(text).ok()) {
                    *content = replaced.into_bytes();
                }
            }
        }
        for place in ["tekton/creds", "tekton/home"] {
            write_files(&self.dir.join(place), &files, 0o600)?;
        }
        Ok(())
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        remove_tree(&self.dir);
    }
}

/// Removes a directory with what tools leave in it, like module caches that nobody may write to. What cannot be removed
/// stays and is tried again when the sandbox starts the next time.
pub fn remove_tree(dir: &Path) {
    if fs::remove_dir_all(dir).is_err() {
        make_writable(dir);
        let _ = fs::remove_dir_all(dir);
    }
}

fn make_writable(dir: &Path) {
    let _ = fs::set_permissions(dir, Permissions::from_mode(0o700));
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten().filter(|e| e.file_type().is_ok_and(|t| t.is_dir())) {
        make_writable(&entry.path());
    }
}

/// An absolute path without `.` and `..`, as far as that can be told from its text; `None` for a relative one or one that
/// leads above `/`.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                out.pop().then_some(())?;
            }
            Component::CurDir => {}
            other => out.push(other),
        }
    }
    out.is_absolute().then_some(out)
}

/// Writes the files of a mount, or the one file that is mounted by itself.
fn write_source(place: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) -> Result<(), PrepareError> {
    match files.get(Path::new("")).filter(|_| files.len() == 1) {
        Some(content) => {
            place.parent().map_or(Ok(()), open_dir)?;
            write_new(place, content, 0o644).map_err(io_error(place))
        }
        None => write_files(place, files, 0o644),
    }
}

fn write_files(dir: &Path, files: &BTreeMap<PathBuf, Vec<u8>>, mode: u32) -> Result<(), PrepareError> {
    for (name, content) in files {
        if name.as_os_str().is_empty() || !name.components().all(|c| matches!(c, Component::Normal(_))) {
            return Err(PrepareError::FilePath(name.clone()));
        }
        let path = dir.join(name);
        if let Some(parent) = path.parent() {
            if mode == 0o600 { private_dir(parent)? } else { open_dir(parent)? }
        }
        write_new(&path, content, mode).map_err(io_error(&path))?;
    }
    Ok(())
}

/// Writes a file with exactly this mode, whatever the umask.
pub fn write_new(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(path)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(content)
}

fn set_mode(path: &Path, mode: u32) -> Result<(), PrepareError> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(io_error(path))
}

fn open_dir(path: &Path) -> Result<(), PrepareError> {
    fs::create_dir_all(path).map_err(io_error(path))
}

fn private_dir(path: &Path) -> Result<(), PrepareError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io_error(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volumes(paths: &[&str]) -> Attempt {
        let volumes = paths.iter().map(|p| Volume { path: p.into(), dir: format!("/real{p}").into(), read_only: false }).collect();
        Attempt { dir: "/nonexistent/attempt".into(), volumes }
    }

    #[test]
    fn a_path_is_located_in_the_innermost_volume() {
        let attempt = volumes(&["/workspace", "/workspace/source", "/data"]);
        let located = |path: &str| attempt.locate(Path::new(path)).map(|p| p.display().to_string());
        assert_eq!(located("/workspace/source/a").as_deref(), Some("/real/workspace/source/a"));
        assert_eq!(located("/data/./x/../y").as_deref(), Some("/real/data/y"));
        assert_eq!(located("/workspace/source2").as_deref(), Some("/real/workspace/source2"));
        assert_eq!(located("/etc/passwd"), None);
        assert_eq!(located("relative"), None);
        assert_eq!(located("/workspace/../etc"), None);
    }
}
