//! Bodies: JSON in, with a digest of what it says however it is written.

use super::problem::{Problem, Wrong};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

/// What a body says, and a digest that is the same for the same members in another order or other white space.
///
/// `aside` names a member the digest does not cover: what does not belong to what is wanted, and may be another when
/// the same is sent again.
pub(crate) fn parsed<T: DeserializeOwned>(body: &[u8], aside: &str) -> Result<([u8; 32], T), Problem> {
    let mut value: Value = serde_json::from_slice(body).map_err(|error| {
        // What stands at that place may be a card number: only where it is, never what it is.
        let (line, column) = (error.line(), error.column());
        Wrong::MalformedJson.said(format!("the body is not JSON: line {line}, column {column}"))
    })?;
    let members = value.as_object_mut();
    let set_aside = members.and_then(|members| members.remove(aside));
    let digest = Sha256::digest(Zeroizing::new(value.to_string()).as_bytes());
    if let (Some(members), Some(member)) = (value.as_object_mut(), set_aside) {
        members.insert(aside.to_owned(), member);
    }
    let asked = T::deserialize(&value).map_err(|error| {
        // It may quote a value.
        let said = Zeroizing::new(error.to_string());
        let at = if said.starts_with("invalid ") { culprit::<T>(&mut value, &said) } else { String::new() };
        misfit(&said, at)
    });
    wipe(&mut value);
    Ok((digest.into(), asked?))
}

/// Cards and PIN blocks are in it, also where it is not what was wanted.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The member a complaint is about, as `card.number`: without it the complaint is another one, or none. The parser does
/// not name it, and no value is copied to find it.
fn culprit<T: DeserializeOwned>(value: &mut Value, said: &str) -> String {
    let mut path: Vec<String> = Vec::new();
    loop {
        let place = path.iter().map(|name| format!("/{name}")).collect::<String>();
        let names = value
            .pointer(&place)
            .and_then(Value::as_object)
            .map(|all| all.keys().cloned().collect::<Vec<String>>());
        let found = names.unwrap_or_default().into_iter().find(|name| {
            let Some(held) = members_at(value, &place).and_then(|all| all.remove(name)) else { return false };
            let still = T::deserialize(&*value).err().map(|error| Zeroizing::new(error.to_string()));
            let is_it = still.is_none_or(|still| still.as_str() != said);
            if let Some(members) = members_at(value, &place) {
                members.insert(name.clone(), held);
            }
            is_it
        });
        match found {
            Some(name) => path.push(name),
            None => return path.join("."),
        }
    }
}

fn members_at<'v>(value: &'v mut Value, place: &str) -> Option<&'v mut Map<String, Value>> {
    value.pointer_mut(place).and_then(Value::as_object_mut)
}

/// JSON, and not what was wanted. What the parser says of names is told; what it quotes of values is not.
fn misfit(said: &str, at: String) -> Problem {
    let named = |front: &str| said.strip_prefix(front)?.split('`').nth(1).map(str::to_owned);
    if let Some(name) = named("unknown field ") {
        let hint =
            said.split_once("expected").map_or(String::new(), |(_, rest)| format!("; known are{rest}"));
        return Wrong::InvalidRequest.said(format!("`{name}` is no member of this{hint}")).at(name);
    }
    if let Some(name) = named("missing field ") {
        return Wrong::InvalidRequest.said(format!("`{name}` is missing")).at(name);
    }
    let expected = match said.rsplit_once("expected ").map_or("something else", |(_, expected)| expected) {
        "u8" | "u16" | "u32" | "u64" => "a whole number",
        expected => expected,
    };
    let whole = at.is_empty();
    let what = if whole { "the body".to_owned() } else { format!("`{at}`") };
    let problem = Wrong::InvalidRequest.said(format!("{what} is of the wrong type: expected {expected}"));
    if whole { problem } else { problem.at(at) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Small {
        amount: u64,
    }

    #[derive(Debug, Deserialize)]
    struct Nested {
        name: String,
        card: Card,
    }

    #[derive(Debug, Deserialize)]
    struct Card {
        number: String,
    }

    #[test]
    fn order_and_white_space_make_no_other_request() {
        let digest = |text: &str| parsed::<Value>(text.as_bytes(), "session").expect("JSON").0;
        assert_eq!(digest(r#"{"a":1,"b":[2,3]}"#), digest("{ \"b\": [2, 3],\n \"a\": 1 }"));
        assert_ne!(digest(r#"{"a":1}"#), digest(r#"{"a":2}"#));
        // A session ends with its connection: the same again comes in another one.
        assert_eq!(digest(r#"{"a":1,"session":"ses_1"}"#), digest(r#"{"a":1,"session":"ses_2"}"#));
        assert_eq!(digest(r#"{"a":1,"session":"ses_1"}"#), digest(r#"{"a":1}"#));
    }

    #[test]
    fn what_is_wrong_is_said_and_no_value_is_quoted() {
        let problem = |text: &str| parsed::<Small>(text.as_bytes(), "").expect_err("it is wrong");
        let amount = problem(r#"{"amount":1}"#.trim_end_matches('}'));
        assert_eq!(amount.code, "malformed_json");
        let wrong = problem(r#"{"amount":"4111111111111111"}"#);
        assert_eq!(wrong.code, "invalid_request");
        assert!(!wrong.detail.contains("4111"), "{}", wrong.detail);
        assert_eq!(wrong.param.as_deref(), Some("amount"), "{}", wrong.detail);
        assert!(wrong.detail.ends_with("expected a whole number"), "{}", wrong.detail);
        let nested = parsed::<Nested>(br#"{"name":"a","card":{"number":4111111111111111,"pin":"1"}}"#, "");
        assert_eq!(nested.expect_err("it is wrong").param.as_deref(), Some("card.number"));
        let whole = parsed::<Nested>(b"[7, 8]", "").map(|(_, nested)| (nested.name, nested.card.number));
        assert!(whole.is_err());
        let stranger = problem(r#"{"amuont":1}"#);
        assert_eq!(stranger.param.as_deref(), Some("amuont"));
        let missing = problem("{}");
        assert_eq!(
            (missing.param.as_deref(), parsed::<Small>(br#"{"amount":7}"#, "").map(|(_, s)| s.amount).ok()),
            (Some("amount"), Some(7))
        );
    }
}
