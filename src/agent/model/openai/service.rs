//! One HTTP exchange with the endpoint, below async-openai: status and content type are checked here, and bytes are seen to pass.
//!
//! Impure. async-openai would lose the status of every answer that is not in OpenAI's own form, retry by itself, and take a JSON
//! body for an empty stream; so it gets only answers that are streams.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use bytes::Bytes;
use futures::StreamExt;
use reqwest::header::{CONTENT_TYPE, HeaderMap, LOCATION, RETRY_AFTER};

use super::failure::Refusal;

/// The longest line of a stream. A whole answer in one event has room; and an unfinished line is looked through anew with each piece
/// that comes, so that a longer one would take long.
const LONGEST_LINE: usize = 2 << 20;
/// More of a refusal is not read.
const MAX_REFUSAL: usize = 64 * 1024;

/// What the wire has shown of one exchange so far.
#[derive(Debug, Default)]
pub(super) struct Watch {
    bytes: AtomicU64,
    closed: AtomicBool,
    endless: AtomicBool,
}

impl Watch {
    /// Bytes of the body so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Why it was broken off here, if it was.
    pub(super) fn broken_off(&self) -> Option<String> {
        let most = LONGEST_LINE >> 20;
        let endless = self.endless.load(Ordering::Relaxed);
        endless.then(|| format!("it sent a line of more than {most} MiB"))
    }

    /// Whether `[DONE]` has come.
    pub(super) fn closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }
}

/// Sends the request once and lets only a stream of events through.
pub(super) async fn exchange(
    client: reqwest::Client,
    watch: Arc<Watch>,
    factory: HttpRequestFactory,
) -> Result<reqwest::Response, OpenAIError> {
    let request = factory.build().await?;
    let response = client.execute(request).await?;
    let kind = header(response.headers(), CONTENT_TYPE.as_str()).unwrap_or_default();
    // A few proxies leave the content type out; another one is another thing.
    let is_stream = kind.is_empty() || kind.to_ascii_lowercase().starts_with("text/event-stream");
    if response.status().as_u16() != 200 || !is_stream {
        return Err(OpenAIError::Boxed(Box::new(refusal(response, kind).await)));
    }
    Ok(watched(response, watch))
}

async fn refusal(mut response: reqwest::Response, content_type: String) -> Refusal {
    let headers = response.headers().clone();
    let mut body = Vec::new();
    // A body that breaks off is still worth its beginning.
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_REFUSAL {
            body.truncate(MAX_REFUSAL);
            break;
        }
    }
    Refusal {
        status: response.status().as_u16(),
        content_type,
        body: String::from_utf8_lossy(&body).into_owned(),
        retry_after: header(&headers, RETRY_AFTER.as_str())
            .and_then(|value| wait(&value, SystemTime::now())),
        location: header(&headers, LOCATION.as_str()),
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

/// `Retry-After` in either of its forms: seconds, or a date.
fn wait(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = chrono::DateTime::parse_from_rfc2822(value).ok()?;
    let now = now.duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(Duration::from_secs(
        u64::try_from(date.timestamp()).ok()?.saturating_sub(now),
    ))
}

/// The same response with its bytes counted, and ended by an empty line: without one the last event would be dropped silently. A
/// line without end breaks it off, because it would be held until it ends.
fn watched(response: reqwest::Response, watch: Arc<Watch>) -> reqwest::Response {
    let (status, headers) = (response.status(), response.headers().clone());
    let (mut line, mut length) = (Vec::new(), 0);
    let bytes = response.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(io::Error::other)?;
        watch.bytes.fetch_add(chunk.len() as u64, Ordering::Relaxed);
        note_done(&mut line, &chunk, &watch.closed);
        length = match chunk.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')) {
            Some(end) => chunk.len() - end,
            None => length + chunk.len(),
        };
        if length > LONGEST_LINE {
            watch.endless.store(true, Ordering::Relaxed);
            return Err(io::Error::from(io::ErrorKind::InvalidData));
        }
        Ok(chunk)
    });
    let end = futures::stream::once(std::future::ready(Ok(Bytes::from_static(b"\n\n"))));
    let mut rebuilt = http::Response::new(reqwest::Body::wrap_stream(bytes.chain(end)));
    *rebuilt.status_mut() = status;
    *rebuilt.headers_mut() = headers;
    rebuilt.into()
}

/// Looks for a line `data: [DONE]`, which may come in pieces. Only the beginnings of lines are kept.
fn note_done(line: &mut Vec<u8>, chunk: &[u8], closed: &AtomicBool) {
    for byte in chunk {
        if matches!(byte, b'\n' | b'\r') {
            line.clear();
        } else if line.len() < 16 {
            line.push(*byte);
            let text = line.strip_prefix(b"data:").map(<[u8]>::trim_ascii);
            if text == Some(b"[DONE]") {
                closed.store(true, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = UNIX_EPOCH + Duration::from_secs(1_445_412_470);
        let seconds = |value: &str| wait(value, now).map(|wait| wait.as_secs_f32());
        assert_eq!(seconds("7"), Some(7.0));
        assert_eq!(seconds(" 1.5 "), Some(1.5));
        assert_eq!(seconds("Wed, 21 Oct 2015 07:28:00 GMT"), Some(10.0));
        assert_eq!(seconds("Wed, 21 Oct 2015 07:27:00 GMT"), Some(0.0));
        assert_eq!(seconds("-3"), None);
        assert_eq!(seconds("soon"), None);
    }
}
