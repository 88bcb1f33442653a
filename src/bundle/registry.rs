//! A registry, as far as an image is read from it: manifests and blobs, and the token that it may ask for
//! (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md>,
//! <https://distribution.github.io/distribution/spec/auth/token/>).

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http::{Request, Response, StatusCode};
use http_auth::parse_challenges;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::credentials::{Access, Credential, basic};
use super::layers::{Layer, Manifest};
use super::{Error, Reference};
use crate::client;
use crate::client::web::Web;

/// The forms of manifests that are read: those of OCI and of Docker, of images and of indexes.
const MANIFESTS: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, \
    application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json";

/// One image of a registry.
pub(super) struct Registry<'a> {
    image: &'a Reference,
    access: &'a Access,
    web: Web,
    /// `https`, or `http` once a registry of this machine has shown that it speaks nothing else
    scheme: &'static str,
    /// What the registry has accepted
    authorization: Option<String>,
}

impl<'a> Registry<'a> {
    pub(super) fn of(image: &'a Reference, access: &'a Access) -> Self {
        let authorization = access.bearer.as_ref().map(|token| format!("Bearer {token}"));
        Self { image, access, web: Web::new(access.any_certificate), scheme: "https", authorization }
    }

    pub(super) fn unreadable(&self, reason: impl Into<String>) -> Error {
        Error::Unreadable { image: self.image.to_string(), reason: reason.into() }
    }

    /// The layers of the image.
    ///
    /// # Errors
    /// When it cannot be had, or is no image.
    pub(super) async fn layers(&mut self) -> Result<Vec<Layer>, Error> {
        let image = self.image;
        let mut manifest = self.manifest(&image.version, image.digest()).await?;
        if let Some(digest) = manifest.build().map(str::to_owned) {
            manifest = self.manifest(&digest, Some(&digest)).await?;
        }
        Ok(manifest.layers)
    }

    async fn manifest(&mut self, version: &str, digest: Option<&str>) -> Result<Manifest, Error> {
        let bytes = self.get(&format!("manifests/{version}")).await?;
        self.check(&bytes, digest)?;
        serde_json::from_slice(&bytes).map_err(|error| self.unreadable(format!("its manifest cannot be read: {error}")))
    }

    /// A layer's bytes.
    ///
    /// # Errors
    /// When they cannot be had, or are others than the manifest says.
    pub(super) async fn blob(&mut self, digest: &str) -> Result<Bytes, Error> {
        let bytes = self.get(&format!("blobs/{digest}")).await?;
        self.check(&bytes, Some(digest))?;
        Ok(bytes)
    }

    fn check(&self, bytes: &[u8], digest: Option<&str>) -> Result<(), Error> {
        let Some(wanted) = digest else { return Ok(()) };
        let found: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if wanted == format!("sha256:{found}") { Ok(()) } else { Err(self.unreadable(format!("the registry's answer is not {wanted}"))) }
    }

    /// A part of the image. Credentials are shown once the registry has asked for them, in the way that it asks for.
    async fn get(&mut self, part: &str) -> Result<Bytes, Error> {
        let answer = self.ask(part).await?;
        if answer.status() != StatusCode::UNAUTHORIZED || self.authorization.is_some() {
            return self.body(part, answer, None);
        }
        let (account, access) = (self.image.account().to_owned(), self.access.clone());
        // A credential helper is a program that may wait for its user.
        let kept = tokio::task::spawn_blocking(move || access.credential(&account)).await;
        let (credential, wrong) = kept.unwrap_or_default();
        match self.authorize(&answer, credential).await? {
            Some(authorization) => self.authorization = Some(authorization),
            None => return self.body(part, answer, wrong),
        }
        let answer = self.ask(part).await?;
        self.body(part, answer, wrong)
    }

    async fn ask(&mut self, part: &str) -> Result<Response<Bytes>, client::Error> {
        let asked = self.web.fetch(self.request(part)?).await;
        if asked.is_err() && self.image.is_local() && self.scheme == "https" {
            self.scheme = "http";
            return self.web.fetch(self.request(part)?).await;
        }
        asked
    }

    fn url(&self, part: &str) -> String {
        format!("{}://{}/v2/{}/{part}", self.scheme, self.image.registry, self.image.repository)
    }

    fn request(&self, part: &str) -> Result<Request<Bytes>, client::Error> {
        let accept = if part.starts_with("manifests/") { MANIFESTS } else { "*/*" };
        let mut request = Request::get(self.url(part)).header(ACCEPT, accept);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        finished(request, Bytes::new(), &self.url(part))
    }

    fn body(&self, part: &str, answer: Response<Bytes>, credentials: Option<String>) -> Result<Bytes, Error> {
        if answer.status().is_success() {
            return Ok(answer.into_body());
        }
        Err(Error::Refused { url: self.url(part), status: answer.status().as_u16(), said: said(&answer), credentials })
    }

    /// What to show a registry that has asked for credentials; none where there is nothing to show.
    async fn authorize(&mut self, answer: &Response<Bytes>, credential: Option<Credential>) -> Result<Option<String>, Error> {
        let challenges = answer.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let challenges: Vec<_> = challenges.filter_map(|text| parse_challenges(text).ok()).flatten().collect();
        let of = |scheme: &str| challenges.iter().find(|challenge| challenge.scheme.eq_ignore_ascii_case(scheme));
        if let Some(bearer) = of("Bearer") {
            let param =
                |name: &str| bearer.params.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_unescaped());
            return match param("realm") {
                Some(realm) => self.token(&realm, param("service"), credential).await.map(Some),
                None => Ok(None),
            };
        }
        match (of("Basic"), credential) {
            (Some(_), Some(Credential::User(user, password))) => Ok(Some(basic(&user, &password))),
            _ => Ok(None),
        }
    }

    /// A token for reading the image, from whom the registry names.
    async fn token(&mut self, realm: &str, service: Option<String>, credential: Option<Credential>) -> Result<String, Error> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("scope", &format!("repository:{}:pull", self.image.repository));
        form.append_pair("service", service.as_deref().unwrap_or_default());
        let request = match &credential {
            Some(Credential::Identity(token)) => {
                form.append_pair("grant_type", "refresh_token")
                    .append_pair("refresh_token", token)
                    .append_pair("client_id", client::FIELD_MANAGER);
                let request = Request::post(realm).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                finished(request, form.finish().into(), realm)?
            }
            _ => {
                let mark = if realm.contains('?') { '&' } else { '?' };
                let mut request = Request::get(format!("{realm}{mark}{}", form.finish()));
                if let Some(Credential::User(user, password)) = &credential {
                    request = request.header(AUTHORIZATION, basic(user, password));
                }
                finished(request, Bytes::new(), realm)?
            }
        };
        let answer = self.web.fetch(request).await?;
        if !answer.status().is_success() {
            return Err(Error::Refused { url: realm.to_owned(), status: answer.status().as_u16(), said: said(&answer), credentials: None });
        }
        let told: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
        let token = ["token", "access_token"].iter().find_map(|name| told[*name].as_str().filter(|token| !token.is_empty()));
        token.map(|token| format!("Bearer {token}")).ok_or_else(|| self.unreadable(format!("{realm} gave no token for it")))
    }
}

fn finished(request: http::request::Builder, body: Bytes, url: &str) -> Result<Request<Bytes>, client::Error> {
    request.body(body).map_err(|_| client::Error::Page { url: url.to_owned(), reason: "this makes no request".into() })
}

/// What a refusal says: the registry's codes and messages, or its status.
fn said(answer: &Response<Bytes>) -> String {
    let told: Value = serde_json::from_slice(answer.body()).unwrap_or_default();
    let one = |error: &Value| Some(format!("{}: {}", error["code"].as_str()?, error["message"].as_str().unwrap_or_default()));
    let errors: Vec<String> = told["errors"].as_array().into_iter().flatten().filter_map(one).collect();
    if errors.is_empty() { format!("unexpected status code {}", answer.status()) } else { errors.join("; ") }
}
