//! Every answer that is no: `application/problem+json` (RFC 9457), with what a program needs to go on.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ops::Deref;
use utoipa::ToSchema;
use utoipa::openapi::{Content, Ref, RefOr, ResponseBuilder};

/// What such an answer is.
const PROBLEM_JSON: &str = "application/problem+json";

/// Why there is no answer. Fields are added to it, never changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ProblemJson {
    /// A page that explains the code, as a name and not as an address.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// What is wrong, the same for every occurrence of the code.
    pub(crate) title: &'static str,
    /// The status of the answer.
    pub(crate) status: u16,
    /// For programs. Codes are added, never changed.
    pub(crate) code: &'static str,
    /// What is wrong this time, and what to do.
    pub(crate) detail: String,
    /// Which part of the request, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) param: Option<String>,
    /// False: what became of the money is not known. Look the transaction up under its key.
    pub(crate) outcome_known: bool,
    /// Whether the same request may succeed later.
    pub(crate) retryable: bool,
    /// Seconds to wait before that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after_s: Option<u64>,
    /// The transaction that stands in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) transaction: Option<String>,
    /// Of this request, also in the header `Request-Id` and in our log.
    pub(crate) request_id: String,
}

/// The answers of this kind that every operation may give, for its description.
pub(crate) struct Usual;

impl utoipa::IntoResponses for Usual {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let usual = [
            ("401", "no key, or none that is known"),
            ("429", "more requests in a second than a caller may make"),
            ("503", "too much is under way, or the switch is stopping"),
        ];
        let described = usual.map(|(status, said)| {
            let problem = Content::new(Some(Ref::from_schema_name(ProblemJson::name())));
            let response = ResponseBuilder::new().description(said).content(PROBLEM_JSON, problem).build();
            (status.to_owned(), RefOr::T(response))
        });
        described.into()
    }
}

/// The same, small enough to be handed from function to function.
#[derive(Clone, Debug)]
pub(crate) struct Problem(Box<ProblemJson>);

impl Deref for Problem {
    type Target = ProblemJson;

    fn deref(&self) -> &ProblemJson {
        &self.0
    }
}

macro_rules! codes {
    ($($variant:ident $name:literal $status:ident $retryable:literal $title:literal;)*) => {
        /// What can be wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Wrong { $(#[doc = $title] $variant,)* }

        impl Wrong {
            /// All of them.
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];
            pub(crate) const fn code(self) -> &'static str { match self { $(Self::$variant => $name,)* } }
            pub(crate) const fn status(self) -> StatusCode { match self { $(Self::$variant => StatusCode::$status,)* } }
            pub(crate) const fn retryable(self) -> bool { match self { $(Self::$variant => $retryable,)* } }
            pub(crate) const fn title(self) -> &'static str { match self { $(Self::$variant => $title,)* } }
        }
    };
}

#[rustfmt::skip]
codes! {
    // variant         code                       status                 retry  title
    MalformedJson      "malformed_json"           BAD_REQUEST            false  "The body is not JSON.";
    InvalidRequest     "invalid_request"          BAD_REQUEST            false  "A part of the request is missing or cannot be.";
    KeyMissing         "idempotency_key_missing"  BAD_REQUEST            false  "Every request that can move money needs an Idempotency-Key.";
    TooLarge           "too_large"                PAYLOAD_TOO_LARGE      false  "The body is too large.";
    Unauthorized       "unauthorized"             UNAUTHORIZED           false  "A key is needed, and this is none.";
    Forbidden          "forbidden"                FORBIDDEN              false  "This key does not allow that.";
    ForeignSession     "foreign_session"          FORBIDDEN              false  "The session is somebody else's.";
    NoSuchSession      "unknown_session"          NOT_FOUND              false  "There is no such session.";
    NoSuchTransaction  "unknown_transaction"      NOT_FOUND              false  "There is no such transaction.";
    NoSuchPlace        "unknown_place"            NOT_FOUND              false  "There is nothing at this address.";
    NotThere           "method_not_allowed"       METHOD_NOT_ALLOWED     false  "This cannot be done there.";
    NoApplications     "no_api"                   NOT_FOUND              false  "The configuration of this switch has no [api].";
    SessionInUse       "session_in_use"           CONFLICT               false  "Somebody listens to this session already.";
    UnderWay           "under_way"                CONFLICT               true   "The first request under this key is under way.";
    SameIdentity       "same_identity"            CONFLICT               false  "Terminal, trace number and time name another transaction.";
    AlreadyCaptured    "already_captured"         CONFLICT               false  "The authorization was captured already.";
    WithAPerson        "with_a_person"            CONFLICT               false  "A person has it, and decides what becomes of it.";
    NotCapturable      "not_capturable"           CONFLICT               false  "This cannot be captured.";
    Forgotten          "forgotten"                GONE                   false  "It is too old: only the journal knows it.";
    OtherContents      "key_reused"               UNPROCESSABLE_ENTITY   false  "This key was used for another request.";
    RateLimited        "rate_limited"             TOO_MANY_REQUESTS      true   "Too many requests.";
    Busy               "busy"                     SERVICE_UNAVAILABLE    true   "Too much is under way.";
    NotTaken           "not_taken"                SERVICE_UNAVAILABLE    true   "Nothing new is taken now.";
    Stopping           "stopping"                 SERVICE_UNAVAILABLE    true   "The switch is stopping.";
    Internal           "internal"                 INTERNAL_SERVER_ERROR  true   "A fault of ours.";
}

impl Wrong {
    /// With words about this time.
    pub(crate) fn said(self, detail: impl Into<String>) -> Problem {
        Problem(Box::new(ProblemJson {
            kind: format!("urn:sekisho:problem:{}", self.code()),
            title: self.title(),
            status: self.status().as_u16(),
            code: self.code(),
            detail: detail.into(),
            param: None,
            // What is refused here never reached the lane; whoever says otherwise says so.
            outcome_known: true,
            retryable: self.retryable(),
            retry_after_s: None,
            transaction: None,
            request_id: String::new(),
        }))
    }

    /// With nothing to add.
    pub(crate) fn plain(self) -> Problem {
        self.said(self.title())
    }
}

impl Problem {
    /// About this part of the request.
    pub(crate) fn at(mut self, param: impl Into<String>) -> Self {
        self.0.param = Some(param.into());
        self
    }

    /// Nobody here knows what became of the money.
    pub(crate) fn unknown(mut self) -> Self {
        self.0.outcome_known = false;
        self
    }

    /// Not before so many seconds.
    pub(crate) fn after_s(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Because of this transaction.
    pub(crate) fn about(mut self, transaction: String) -> Self {
        self.0.transaction = Some(transaction);
        self
    }

    /// Of the request with this number.
    pub(crate) fn numbered(mut self, request_id: String) -> Self {
        self.0.request_id = request_id;
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (retry, kept) = (self.retry_after_s, self.clone());
        let mut response = (status, Json(&*self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if let Some(seconds) = retry {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // For whoever adds the number of the request, on the way out.
        response.extensions_mut().insert(kept);
        response
    }
}
