//! Names of the objects that a run makes, cut and hashed exactly as Knative and Tekton do, so that they equal those of
//! a cluster.

use md5::{Digest, Md5};
use sha2::Sha256;

/// Longest name of a Kubernetes label or pod.
const LONGEST: usize = 63;
/// What is left for the head when a name carries an MD5 hash in hexadecimal.
const HEAD: usize = LONGEST - 32;

/// `PARENT` + `SUFFIX`; when that is too long, the parent is cut and its hash put in between.
pub fn child(parent: &str, suffix: &str) -> String {
    if parent.len() + suffix.len() <= LONGEST {
        return format!("{parent}{suffix}");
    }
    if suffix.len() < HEAD {
        return format!("{}{}{suffix}", head(parent, HEAD - suffix.len()), md5(parent));
    }
    let mut name = format!("{}{}", head(parent, HEAD), md5(&format!("{parent}{suffix}")));
    let room = LONGEST - name.len();
    name.push_str(head(suffix, room));
    name.truncate(name.trim_end_matches(|c: char| !c.is_ascii_alphanumeric()).len());
    name
}

/// Cut to what a label holds, ending in a letter or digit.
pub fn restrict(name: &str) -> &str {
    head(name, LONGEST).trim_end_matches(|c: char| !c.is_ascii_alphanumeric())
}

/// Name of the claim made from a workspace's `volumeClaimTemplate`, for the run with that UID.
pub fn claim(template: &str, workspace: &str, owner_uid: &str) -> String {
    let hash = hex(&Sha256::digest(format!("{workspace}{owner_uid}")));
    format!("{}-{}", if template.is_empty() { "pvc" } else { template }, &hash[..10])
}

/// Name of the volume that stands for a workspace in the pod: `ws-` and five digits of an FNV-1a hash.
pub fn workspace_volume(workspace: &str) -> String {
    let hash = workspace.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    let hash = format!("{hash:x}00000");
    format!("ws-{}", &hash[..5])
}

/// The container of a step: `step-NAME`, or `step-unnamed-INDEX`.
pub fn container(step: &str, index: usize) -> String {
    let name = if step.is_empty() { format!("step-unnamed-{index}") } else { format!("step-{step}") };
    restrict(&name).to_owned()
}

fn head(text: &str, length: usize) -> &str {
    let mut end = length.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn md5(text: &str) -> String {
    hex(&Md5::digest(text))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{child, claim, container, restrict, workspace_volume};

    #[test]
    fn short_names_are_joined_and_long_ones_hashed() {
        assert_eq!(child("run", "-task"), "run-task");
        let long = child(&"p".repeat(60), "-task");
        assert_eq!(long.len(), 63);
        assert!(long.starts_with(&"p".repeat(26)) && long.ends_with("-task"), "{long}");
        let suffix = format!("-{}", "s".repeat(50));
        let both = child(&"p".repeat(60), &suffix);
        assert_eq!((both.len(), both.contains("-s")), (63, false));
        let short_parent = child("p", &format!("-{}", "s".repeat(80)));
        assert!(short_parent.starts_with('p') && short_parent.ends_with('s') && short_parent.len() == 63);
    }

    #[test]
    fn the_other_names_follow_their_rules() {
        assert_eq!(restrict("tt-tt-pr-"), "tt-tt-pr");
        assert_eq!(container("", 2), "step-unnamed-2");
        assert_eq!(container("clone", 0), "step-clone");
        assert_eq!(claim("", "w", "uid").len(), "pvc-".len() + 10);
        assert!(workspace_volume("shared").starts_with("ws-") && workspace_volume("shared").len() == 8);
    }
}
