//! What an image's manifest says of its layers, and the object in one of them.

use std::collections::HashMap;
use std::io::Read;

use flate2::read::GzDecoder;
use serde::Deserialize;

/// How many bytes an object may have. No API server keeps a larger one; a small layer can unpack to any size.
const LONGEST: u64 = 8 << 20;

/// An image's manifest, or an index of the same image's builds
/// (<https://github.com/opencontainers/image-spec/blob/main/manifest.md>).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Manifest {
    /// The layers, in order
    pub(super) layers: Vec<Layer>,
    /// The builds of an index
    pub(super) manifests: Vec<Build>,
}

/// A layer of a bundle.
#[derive(Debug, Deserialize)]
pub(super) struct Layer {
    /// `sha256:…`
    pub(super) digest: String,
    #[serde(default)]
    annotations: HashMap<String, String>,
}

impl Layer {
    fn annotation(&self, name: &str) -> &str {
        self.annotations.get(&format!("dev.tekton.image.{name}")).map_or("", String::as_str)
    }

    /// The kind of its object, in small letters.
    pub(super) fn kind(&self) -> &str {
        self.annotation("kind")
    }

    /// The name of its object.
    pub(super) fn name(&self) -> &str {
        self.annotation("name")
    }
}

/// One build of an image.
#[derive(Debug, Deserialize)]
pub(super) struct Build {
    /// `sha256:…`
    pub(super) digest: String,
    #[serde(default)]
    platform: Platform,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Platform {
    os: String,
    architecture: String,
}

impl Manifest {
    /// Of several builds the one that tools take for a machine that they do not know, or the first: objects are the same
    /// on all machines.
    pub(super) fn build(&self) -> Option<&str> {
        let usual = |build: &&Build| build.platform.os == "linux" && build.platform.architecture == "amd64";
        self.manifests.iter().find(usual).or(self.manifests.first()).map(|build| build.digest.as_str())
    }
}

/// The text of the one file in a layer, packed or not.
///
/// # Errors
/// Says what the layer is, to be put after its name.
pub(super) fn text(layer: &[u8]) -> Result<String, &'static str> {
    match layer.starts_with(&[0x1f, 0x8b]) {
        true => first_file(GzDecoder::new(layer)),
        false => first_file(layer),
    }
}

fn first_file(layer: impl Read) -> Result<String, &'static str> {
    let mut archive = tar::Archive::new(layer);
    let file = archive.entries().ok().and_then(|mut entries| entries.next()?.ok()).ok_or("is no tar archive")?;
    let size = file.size();
    if size > LONGEST {
        return Err("is larger than any object");
    }
    let mut text = String::new();
    match file.take(size).read_to_string(&mut text) {
        // A layer that ends before its file does is no error to the archive's reader.
        Ok(read) if read as u64 == size => Ok(text),
        _ => Err("breaks off, or is no text"),
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::read::GzEncoder;

    use super::*;

    fn archive(bytes: &[u8]) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        archive.append_data(&mut header, "object", bytes).expect("memory takes all");
        archive.into_inner().expect("memory takes all")
    }

    #[test]
    fn a_layer_is_read_packed_or_not() {
        let plain = archive(b"{}");
        let mut packed = Vec::new();
        GzEncoder::new(&plain[..], Compression::fast()).read_to_end(&mut packed).expect("memory takes all");
        assert_eq!(text(&packed).as_deref(), Ok("{}"));
        assert_eq!(text(&plain).as_deref(), Ok("{}"));
    }

    #[test]
    fn what_is_no_object_is_told() {
        assert_eq!(text(b"no archive"), Err("is no tar archive"));
        assert_eq!(text(&archive(&[0xff, 0xfe])), Err("breaks off, or is no text"));
        assert_eq!(text(&archive(b"{}")[..513]), Err("breaks off, or is no text"));
        assert_eq!(text(&archive(&vec![b' '; 9 << 20])), Err("is larger than any object"));
    }

    #[test]
    fn of_several_builds_the_usual_one_is_taken() {
        let index = |text: &str| serde_json::from_str::<Manifest>(text).expect("a manifest");
        let two = r#"{"manifests": [{"digest": "a", "platform": {"os": "linux", "architecture": "arm64"}},
            {"digest": "b", "platform": {"os": "linux", "architecture": "amd64"}}]}"#;
        assert_eq!(index(two).build(), Some("b"));
        assert_eq!(index(r#"{"manifests": [{"digest": "a"}]}"#).build(), Some("a"));
        assert_eq!(index(r#"{"layers": []}"#).build(), None);
    }
}
