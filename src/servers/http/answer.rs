//! The answers that are given before the protocol library is asked: a status, and a JSON-RPC error that says why and what to do.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

/// A request that goes no further.
#[derive(Debug, Clone)]
pub struct Refused {
    /// What the status line says.
    pub status: StatusCode,
    /// The code of the JSON-RPC error.
    pub code: i32,
    /// What is wrong, and what to do next.
    pub message: String,
    /// The id of the request, where it is known.
    pub id: Value,
    /// What the headers say besides.
    pub headers: Box<HeaderMap>,
}

impl Refused {
    /// A refusal of the request itself.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            code: -32600,
            message: message.into(),
            id: Value::Null,
            headers: Box::default(),
        }
    }

    /// With another JSON-RPC code.
    #[must_use]
    pub fn code(mut self, code: i32) -> Self {
        self.code = code;
        self
    }

    /// As the answer to the request with this id.
    #[must_use]
    pub fn to(mut self, id: Value) -> Self {
        self.id = id;
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: header::HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// As it is sent.
    pub fn response(self) -> Response {
        let error = json!({"code": self.code, "message": self.message});
        let body = json!({"jsonrpc": "2.0", "id": self.id, "error": error});
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status;
        *response.headers_mut() = *self.headers;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        response
    }
}
