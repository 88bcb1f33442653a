//! The name of an image: `registry.example:5000/team/tools:v1`, `tools@sha256:…`. The rules are those of the container
//! tools: without a registry it is Docker Hub's, without a tag `latest`.

use std::fmt;

use super::Error;

/// Docker Hub, as its API's address has it.
const HUB: &str = "index.docker.io";

/// Where an image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Host, with the port where one is named
    pub registry: String,
    /// Path of the repository
    pub repository: String,
    /// Tag, or digest with its algorithm
    pub version: String,
}

impl Reference {
    /// Reads the name of an image.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        Self::read(text).ok_or_else(|| Error::Reference { text: text.to_owned() })
    }

    fn read(text: &str) -> Option<Self> {
        let (name, version) = match text.split_once('@') {
            Some((name, digest)) => (without_tag(name), is_digest(digest).then_some(digest)?),
            // A colon before a slash is the registry's port.
            None => match text.rsplit_once(':').filter(|(_, tag)| !tag.contains('/')) {
                Some((name, tag)) => (name, is_tag(tag).then_some(tag)?),
                None => (text, "latest"),
            },
        };
        let (registry, repository) = match name.split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => (host, rest.to_owned()),
            None => (HUB, format!("library/{name}")),
            Some(_) => (HUB, name.to_owned()),
        };
        let registry = if registry == "docker.io" { HUB } else { registry };
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-./".contains(c);
        let good = !name.is_empty() && (2..=255).contains(&repository.len()) && repository.chars().all(fits) && is_host(registry);
        good.then(|| Self { registry: registry.to_owned(), repository, version: version.to_owned() })
    }

    /// The digest that the image has to have, where the name says so.
    pub fn digest(&self) -> Option<&str> {
        self.version.contains(':').then_some(self.version.as_str())
    }

    /// Under which name the tools that log in keep the registry's credentials.
    pub fn account(&self) -> &str {
        if self.registry == HUB { "https://index.docker.io/v1/" } else { &self.registry }
    }

    /// Whether the registry may speak without TLS: one of this machine.
    pub fn is_local(&self) -> bool {
        let host = self.registry.rsplit_once(':').map_or(self.registry.as_str(), |(host, _)| host);
        host == "localhost" || host == "[::1]" || host.starts_with("127.")
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.digest().is_some() { '@' } else { ':' };
        write!(f, "{}/{}{mark}{}", self.registry, self.repository, self.version)
    }
}

/// A name with a digest may have a tag as well, which then says nothing.
fn without_tag(name: &str) -> &str {
    name.rsplit_once(':').filter(|(_, tag)| is_tag(tag)).map_or(name, |(name, _)| name)
}

fn is_tag(tag: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    (1..=128).contains(&tag.len()) && tag.chars().all(fits)
}

fn is_digest(digest: &str) -> bool {
    digest.strip_prefix("sha256:").is_some_and(|hex| hex.len() == 64 && hex.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')))
}

fn is_host(host: &str) -> bool {
    format!("http://{host}/").parse::<http::Uri>().is_ok_and(|uri| uri.authority().is_some_and(|authority| authority == host))
        && !host.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_registry_or_tag_is_docker_hub_s_latest() {
        let shown = |text: &str| Reference::parse(text).expect("a name").to_string();
        assert_eq!(shown("tools"), "index.docker.io/library/tools:latest");
        assert_eq!(shown("team/tools:v1"), "index.docker.io/team/tools:v1");
        assert_eq!(shown("docker.io/team/tools"), "index.docker.io/team/tools:latest");
        assert_eq!(shown("localhost/lab/tools"), "localhost/lab/tools:latest");
        assert_eq!(shown("localhost:5000/lab/tools"), "localhost:5000/lab/tools:latest");
        assert_eq!(shown("reg.example:5000/a/b/c:v1"), "reg.example:5000/a/b/c:v1");
    }

    #[test]
    fn a_digest_goes_before_a_tag() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let read = Reference::parse(&format!("reg.example/tools:v1@{digest}")).expect("a name");
        assert_eq!((read.repository.as_str(), read.digest()), ("tools", Some(digest.as_str())));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in [
            "",
            "reg.example/x",
            "Bad Ref",
            "tools:",
            "tools:a b",
            "tools@sha256:1234",
            "Team/tools",
            "reg.example/",
            "a b.c/tools",
            "u@reg.example/tools",
        ] {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_registry_of_this_machine_is_known_by_its_host() {
        let local = |text: &str| Reference::parse(text).expect("a name").is_local();
        assert!(local("localhost:5000/tools") && local("127.0.0.1:5000/tools") && local("localhost/tools"));
        assert!(!local("localhost.example/tools") && !local("reg.example/tools"));
    }
}
