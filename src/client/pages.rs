//! Lists page by page: while one page is read, the next is on its way, so that reading costs no time of its own.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::request::{Ask, CONTINUE, Select};
use super::whole::whole;
use super::{ATTEMPTS, Cluster, Error, PAGE, PageMeta};
use crate::objects::{Object, Seen};

/// A list that is being read.
pub struct Pages<'c, T> {
    cluster: &'c Cluster,
    namespace: Option<String>,
    select: Select,
    /// A page that came already, or the token of the one to ask for; none when all have come
    next: Option<Next>,
    /// The version of the list, as its first page told
    version: String,
    limit: u32,
    /// Whether the next page is asked for while one is read
    ahead: bool,
    kind: std::marker::PhantomData<T>,
}

enum Next {
    Token(String),
    Page(String),
}

#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    metadata: PageMeta,
}

impl Cluster {
    /// The objects of a kind, page by page; `namespace: None` means all namespaces. Nothing is asked for yet.
    pub fn pages<T: Object>(&self, namespace: Option<&str>, select: &Select) -> Pages<'_, T> {
        Pages {
            cluster: self,
            namespace: namespace.map(str::to_owned),
            select: select.clone(),
            next: Some(Next::Token(String::new())),
            version: String::new(),
            limit: PAGE,
            ahead: true,
            kind: std::marker::PhantomData,
        }
    }
}

impl<T: Object> Pages<'_, T> {
    /// The same with so many objects to a page, and no page asked for before it is wanted.
    #[must_use]
    pub fn one_by_one(self, limit: u32) -> Self {
        Self { limit, ahead: false, ..self }
    }

    /// Whether pages are missing.
    pub fn has_more(&self) -> bool {
        self.next.is_some()
    }

    /// The version of the list; empty before the first page.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What a closure makes of each object of the next page; none after the last page.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub async fn next<R: Send + 'static>(&mut self, make: impl Fn(Seen<T>) -> Option<R> + Send + 'static) -> Result<Option<Vec<R>>, Error> {
        let text = match self.next.take() {
            Some(Next::Page(text)) => text,
            Some(Next::Token(token)) => self.ask(&token).await?,
            None => return Ok(None),
        };
        let head: Head = serde_json::from_str(&text).map_err(|e| self.cluster.undecodable(T::KIND, &e))?;
        if self.version.is_empty() {
            self.version = head.metadata.version.unwrap_or_default();
        }
        match head.metadata.next.filter(|token| !token.is_empty()) {
            // While one page is read, the next is on its way.
            Some(token) if self.ahead => {
                let cluster = self.cluster.clone();
                let read = tokio::task::spawn_blocking(move || read(&cluster, &text, make));
                self.next = Some(Next::Page(self.ask(&token).await?));
                read.await.map(|made| made.map(Some)).unwrap_or_else(|broken| std::panic::resume_unwind(broken.into_panic()))
            }
            token => {
                self.next = token.map(Next::Token);
                read(self.cluster, &text, make).map(Some)
            }
        }
    }

    /// What a closure makes of each object, and the version of the list or of one a little before. A list of more than a
    /// page is asked for as a whole; where that breaks off, page by page. A server that has forgotten the list between two
    /// pages is asked for it anew.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub async fn collect<R: Send + 'static>(
        mut self,
        make: impl Fn(Seen<T>) -> Option<R> + Clone + Send + 'static,
    ) -> Result<(Vec<R>, String), Error> {
        // The second page is asked for only where the whole list cannot be had.
        let ahead = std::mem::take(&mut self.ahead);
        let first = self.next(make.clone()).await?;
        self.ahead = ahead;
        if self.has_more()
            && let Ok(made) = whole(self.cluster, self.query(), make.clone()).await
        {
            return Ok((made, self.version));
        }
        let (mut made, mut attempts) = (first.unwrap_or_default(), 0..ATTEMPTS);
        loop {
            match self.next(make.clone()).await {
                Ok(Some(page)) => made.extend(page),
                Ok(None) => return Ok((made, self.version)),
                Err(error) if error.code() == Some(410) && attempts.next().is_some() => {
                    made.clear();
                    self.next = Some(Next::Token(String::new()));
                    self.version.clear();
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn ask(&self, token: &str) -> Result<String, Error> {
        self.cluster.text(&self.query().query("limit", self.limit.to_string()).query(CONTINUE, token)).await
    }

    fn query(&self) -> Ask {
        Ask::list(T::KIND, self.namespace.as_deref()).select(&self.select)
    }
}

#[derive(Deserialize)]
struct Items<'a> {
    // What is no list is not an empty one.
    #[serde(borrow, deserialize_with = "Option::deserialize")]
    items: Option<Vec<&'a RawValue>>,
}

fn read<T: Object, R>(cluster: &Cluster, text: &str, make: impl Fn(Seen<T>) -> Option<R>) -> Result<Vec<R>, Error> {
    let page: Items<'_> = serde_json::from_str(text).map_err(|e| cluster.undecodable(T::KIND, &e))?;
    Ok(page.items.into_iter().flatten().filter_map(|raw| make(cluster.seen(raw.to_owned()))).collect())
}
