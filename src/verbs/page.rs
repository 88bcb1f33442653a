//! A text from a page of the web, where a file's name may be a URL.

use crate::client::web;
use crate::failure::Failure;

/// Whether a place is a page of the web and no file of this machine.
pub fn is_url(place: &str) -> bool {
    place.starts_with("http://") || place.starts_with("https://")
}

/// The text of a page.
///
/// # Errors
/// When there is no such page, or nobody answers.
pub async fn text(url: &str) -> Result<String, Failure> {
    let (status, text) = web::get(url).await?;
    let answered = format!("{url} answered with status {status}");
    match status {
        200..300 => Ok(text),
        404 => Err(Failure::not_found(answered)),
        _ => Err(Failure::other(answered)),
    }
}
