//! One message on its way: the POST, its answer as JSON or as a stream, and the resuming of a stream that broke before the answer.
//!
//! Every request comes to exactly one end here: its answer, or a report that it failed and whether it may have run.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, Response};
use serde_json::Value;
use tokio::time::timeout;

use super::cause::{self, Refused, Trouble};
use super::client::{BodyTrouble, Request, body_of, drain};
use super::listen::Resume;
use super::old::{self, Opened};
use super::shared::{Asked, Heard, Shared, exchange_of, method_of};
use super::stream::{EventStream, Over};
use crate::config::TransportChoice;
use crate::mcp::convert;
use crate::mcp::failure::Failure;
use crate::mcp::transport::{Inbound, LONGEST_MESSAGE, Outgoing};
use crate::mcp::wire::record::Carried;

/// How long a stream is read on after its answer, so that what follows is seen and the connection can be used again.
pub const LINGER: Duration = Duration::from_secs(1);
/// How long a message that wants no answer may take to be taken.
const TAKEN: Duration = Duration::from_secs(60);

/// The end of an exchange.
#[derive(Default)]
pub struct Ended {
    /// The link is of no more use: why.
    pub fatal: Option<Failure>,
    /// The server speaks the old transport; this message is to be sent over it.
    pub old: Option<Box<(Opened, Outgoing)>>,
}

impl Ended {
    /// The end of an exchange that ends the link.
    pub fn fatal(failure: Failure) -> Self {
        Self {
            fatal: Some(failure),
            old: None,
        }
    }
}

/// Sends a message and brings its answer.
pub async fn post(shared: Arc<Shared>, outgoing: Outgoing) -> Ended {
    if outgoing.raw.is_some() {
        shared.posted_raw(&outgoing).await;
        return Ended::default();
    }
    let asked = Asked::of(&outgoing.message);
    let sending = shared.posted(&outgoing, asked.as_ref());
    let sent = match &asked {
        Some(_) => sending.await,
        None => timeout(TAKEN, sending).await.unwrap_or(Ok(())),
    };
    let Err(mut trouble) = sent else {
        return Ended::default();
    };
    if let (Trouble::Status(refused), Some(asked)) = (&mut trouble, &asked) {
        if asked.method == "initialize" && shared.may_be_old(refused) {
            // It was refused, so it has not run; and what the old transport says of it later is worth less than this refusal.
            if let (Ok(opened), true) = (old::open(&shared).await, outgoing.gate.not_yet()) {
                return Ended {
                    old: Some(Box::new((opened, outgoing))),
                    ..Ended::default()
                };
            }
        }
        if let Some(error) = refused.error.take().filter(|_| refused.is_answer_to(asked)) {
            shared.message(error, Some(asked)).await;
            return Ended::default();
        }
    }
    shared
        .came_to_nothing(&outgoing, asked.as_ref(), &trouble)
        .await
}

impl Refused {
    /// Whether the error in it is the answer to this request. A server out of breath is not the server's answer.
    fn is_answer_to(&self, asked: &Asked) -> bool {
        let of = self.error_id();
        !matches!(self.status, 429 | 503) && (of.is_none() || of == Some(asked.id))
    }

    fn error_id(&self) -> Option<i64> {
        let id = self.error.as_ref()?.get("id")?;
        crate::mcp::transport::stdio::id_of(id)
    }

    fn code_and_words(&self) -> Option<(i64, String)> {
        Some(convert::rpc_error(self.error.as_ref()?.get("error")?))
    }

    /// Whether a widespread example server speaks: it knows no 404 and refuses a session that it has lost with 400.
    fn says_session_is_lost(&self) -> bool {
        let lost = |(code, words): (i64, String)| {
            (-32099..=-32000).contains(&code) && words.to_ascii_lowercase().contains("session")
        };
        self.status == 400 && self.code_and_words().is_some_and(lost)
    }
}

impl Shared {
    /// Whether a server that refused the first message like this may speak the old transport: the statuses are the
    /// specification's, and a modern server says by its error that it is none.
    fn may_be_old(&self, refused: &Refused) -> bool {
        let is_modern = |(code, _): (i64, String)| matches!(code, -32601 | -32022..=-32020);
        self.choice == TransportChoice::Auto
            && matches!(refused.status, 400 | 404 | 405)
            && !refused.code_and_words().is_some_and(is_modern)
    }

    /// Tells of a message that came to nothing.
    pub(super) async fn came_to_nothing(
        &self,
        outgoing: &Outgoing,
        asked: Option<&Asked>,
        trouble: &Trouble,
    ) -> Ended {
        if matches!(trouble, Trouble::HeldBack) {
            return Ended::default();
        }
        let verdict = cause::of(trouble);
        if !verdict.may_have_left {
            outgoing.gate.never_left();
        }
        let why = verdict.failure.message.clone();
        let mut is_fatal = verdict.is_fatal;
        // An account that may not do one thing may still do others; another sign-in is offered where there is one.
        let is_one_right = matches!(
            trouble,
            Trouble::SignIn {
                status: 403,
                why: None
            }
        );
        is_fatal &= !is_one_right;
        // The end of the link is the end of all that was asked, and tells why: nobody may take a list that was refused for want
        // of a sign-in for a list that failed.
        if let Some(asked) = asked.filter(|_| !is_fatal) {
            // A link that has never brought an answer is of no use; its end tells the whole cause.
            is_fatal |= !self.known().lives;
            match trouble {
                Trouble::Unreadable(_) => {
                    let id = Some(asked.id);
                    self.report(Inbound::Unreadable { id, why }).await;
                }
                _ => self.failed(asked, verdict.may_have_left, why).await,
            }
        }
        match is_fatal {
            true => Ended::fatal(verdict.failure),
            false => Ended::default(),
        }
    }

    async fn posted(&self, outgoing: &Outgoing, asked: Option<&Asked>) -> Result<(), Trouble> {
        let message = &outgoing.message;
        let (headers, in_session) = self.headers_of(message);
        let resumable = !self.is_modern(message);
        let request = Request {
            verb: Method::POST,
            url: self.url.clone(),
            headers,
            message: Some(outgoing),
        };
        let response = self.exchange(&request).await?;
        if !response.status().is_success() {
            return Err(self.refused(response, in_session).await);
        }
        let Some(asked) = asked else {
            drain(response).await;
            return Ok(());
        };
        if asked.method == "initialize" {
            self.session_began(&response);
        }
        match content(&response) {
            Content::Json => self.whole(response, asked).await,
            Content::Events => self.streamed(response, asked, resumable).await,
            Content::Other(kind) => {
                let status = response.status().as_u16();
                let is_empty = matches!(body_of(response, 64).await, Ok(body) if body.is_empty());
                Err(match is_empty {
                    true => Trouble::NoAnswer(status),
                    false => Trouble::ContentType(kind),
                })
            }
        }
    }

    /// A status that is no success, to a POST.
    pub(super) async fn refused(&self, response: Response, in_session: bool) -> Trouble {
        let is_404 = response.status() == 404;
        let refused = self.refusal(response).await;
        match in_session && (is_404 || refused.says_session_is_lost()) {
            true => Trouble::SessionOver,
            false => Trouble::Status(Box::new(refused)),
        }
    }

    async fn whole(&self, response: Response, asked: &Asked) -> Result<(), Trouble> {
        let request = exchange_of(&response);
        let body = match body_of(response, LONGEST_MESSAGE).await {
            Ok(body) => body,
            Err(BodyTrouble::Network(error)) => return Err(Trouble::Network(error)),
            Err(BodyTrouble::TooLong(_)) => {
                return Err(Trouble::Unreadable(cause::too_long("an answer")));
            }
        };
        if body.trim_ascii().is_empty() {
            return Err(Trouble::NoAnswer(200));
        }
        let carried = Carried::Body { request };
        match self
            .hear(&String::from_utf8_lossy(&body), Some(asked), carried)
            .await
        {
            Heard::Answer => Ok(()),
            Heard::Other => Err(Trouble::OtherAnswer),
            Heard::Broken(why) => Err(Trouble::Unreadable(why)),
        }
    }

    async fn streamed(
        &self,
        response: Response,
        asked: &Asked,
        resumable: bool,
    ) -> Result<(), Trouble> {
        let mut stream = EventStream::new(response, self.tap.clone());
        let mut resume = Resume::default();
        loop {
            let over = match self.to_answer(&mut stream, asked, &mut resume).await? {
                None => {
                    let _quiet = timeout(LINGER, self.rest(&mut stream)).await;
                    return Ok(());
                }
                Some(over) => over,
            };
            let why = match over {
                Over::Ended => "the server closed the stream without the answer",
                Over::Broke(_) => "the server's stream broke before the answer",
                Over::TooLong => {
                    return Err(Trouble::Unreadable(cause::too_long("an event")));
                }
            };
            if !resumable || resume.last.is_none() {
                return Err(Trouble::NoMore(why));
            }
            stream = self.resumed(&mut resume, why).await?;
        }
    }

    /// Reads up to the answer; gives why there is none.
    async fn to_answer(
        &self,
        stream: &mut EventStream,
        asked: &Asked,
        resume: &mut Resume,
    ) -> Result<Option<Over>, Trouble> {
        loop {
            let event = match stream.next().await {
                Ok(event) => event,
                Err(over) => return Ok(Some(over)),
            };
            resume.seen(&event);
            let Some(text) = event.message() else {
                continue;
            };
            match self.hear(text, Some(asked), stream.carried(&event)).await {
                Heard::Answer => return Ok(None),
                Heard::Other => {}
                Heard::Broken(why) => return Err(Trouble::Unreadable(why)),
            }
        }
    }

    async fn rest(&self, stream: &mut EventStream) {
        while let Ok(event) = stream.next().await {
            if let Some(text) = event.message() {
                self.hear(text, None, stream.carried(&event)).await;
            }
        }
    }

    /// Asks for the stream again from where it broke.
    async fn resumed(
        &self,
        resume: &mut Resume,
        why: &'static str,
    ) -> Result<EventStream, Trouble> {
        while resume.may_go_on() {
            resume.pause().await;
            match self.get(resume.last.as_ref()).await {
                Ok(stream) => return Ok(stream),
                Err(trouble) if super::listen::passes(&trouble) => {}
                Err(trouble) => return Err(Trouble::Unresumed(Box::new(trouble))),
            }
        }
        Err(Trouble::NoMore(why))
    }
}

/// What a body is.
pub enum Content {
    /// One message, or a batch.
    Json,
    /// A stream of events.
    Events,
    /// Something else, as it names itself.
    Other(Option<String>),
}

/// What the body of an answer is, by its header.
pub fn content(response: &Response) -> Content {
    let named = response.headers().get(CONTENT_TYPE);
    let named = named.map(|kind| String::from_utf8_lossy(kind.as_bytes()).into_owned());
    let essence = named.as_deref().unwrap_or("").split(';').next();
    let essence = essence.unwrap_or("").trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/json" => Content::Json,
        "text/event-stream" => Content::Events,
        json if json.starts_with("application/") && json.ends_with("+json") => Content::Json,
        _ => Content::Other(named),
    }
}

/// The request that a message cancels.
pub fn cancels(message: &Value) -> Option<i64> {
    let params = message
        .get("params")
        .filter(|_| method_of(message) == Some("notifications/cancelled"));
    params?.get("requestId")?.as_i64()
}
