//! Every request has a number, on its answer and in our log; and every no is a problem, also where the web server
//! said it before anybody here was asked.

use super::ids;
use super::problem::{Problem, Wrong};
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// Around every answer.
pub(crate) async fn numbered(request: Request, next: Next) -> Response {
    let id = ids::secret::<8>("req_").unwrap_or_else(|_| "req_0".into());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    let status = response.status();
    let problem = response.extensions().get::<Problem>().cloned().or_else(|| of_the_server(&response));
    let mut response = match problem {
        None => response,
        Some(problem) => {
            let code = problem.code;
            tracing::debug!(request = id.as_str(), %method, path, status = status.as_u16(), code, "refused");
            let mut whole = problem.numbered(id.clone()).into_response();
            let lost = response.headers().iter().filter(|(name, _)| !name.as_str().starts_with("content-"));
            let lost: Vec<_> = lost.map(|(name, value)| (name.clone(), value.clone())).collect();
            whole.headers_mut().extend(lost);
            whole
        }
    };
    response.extensions_mut().remove::<Problem>();
    // An outer one of us finds it numbered already.
    if !response.headers().contains_key(REQUEST_ID)
        && let Ok(value) = HeaderValue::from_str(&id)
    {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// What the web server itself refused, in words of its own.
fn of_the_server(response: &Response) -> Option<Problem> {
    let is_ours = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.as_bytes();
        kind.starts_with(b"application/") || kind.starts_with(b"text/event-stream")
    });
    if is_ours {
        return None;
    }
    match response.status() {
        StatusCode::NOT_FOUND => Some(Wrong::NoSuchPlace.plain()),
        StatusCode::METHOD_NOT_ALLOWED => Some(Wrong::NotThere.plain()),
        StatusCode::PAYLOAD_TOO_LARGE => Some(Wrong::TooLarge.plain()),
        status if status.is_client_error() => Some(Wrong::InvalidRequest.plain()),
        status if status.is_server_error() => Some(Wrong::Internal.plain().unknown()),
        _ => None,
    }
}
