//! Values checked against the schemas of a description: as much of JSON Schema as ours use, and a keyword that is not
//! known fails rather than passes.

use serde_json::Value;

/// What is wrong with a value; nothing where it fits.
pub(crate) fn misfits(whole: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    check(whole, schema, value, "$", &mut wrong);
    wrong
}

fn check(whole: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    let Some(members) = schema.as_object() else {
        return assert!(schema == &Value::Bool(true), "a schema: {schema}");
    };
    for (keyword, said) in members {
        match keyword.as_str() {
            "$ref" => {
                let place =
                    said.as_str().and_then(|text| text.strip_prefix('#')).expect("a place in the same file");
                let named = whole.pointer(place).unwrap_or_else(|| panic!("nothing at {place}"));
                check(whole, named, value, at, wrong);
            }
            "type" => {
                let names: Vec<&str> = match said {
                    Value::String(name) => vec![name],
                    names => names.as_array().expect("names").iter().filter_map(Value::as_str).collect(),
                };
                if !names.iter().any(|name| is_of(name, value)) {
                    wrong.push(format!("{at}: {value} is none of {names:?}"));
                }
            }
            "required" => {
                let names = said.as_array().expect("names").iter().filter_map(Value::as_str);
                let held = value.as_object();
                for name in names.filter(|name| held.is_some_and(|held| !held.contains_key(*name))) {
                    wrong.push(format!("{at}: {name} is missing"));
                }
            }
            "properties" => {
                for (name, schema) in said.as_object().expect("members") {
                    if let Some(value) = value.get(name) {
                        check(whole, schema, value, &format!("{at}.{name}"), wrong);
                    }
                }
            }
            "additionalProperties" => {
                let known = schema["properties"].as_object();
                let others = value.as_object().into_iter().flatten();
                for (name, value) in
                    others.filter(|(name, _)| known.is_none_or(|known| !known.contains_key(*name)))
                {
                    match said {
                        Value::Bool(false) => wrong.push(format!("{at}: {name} is not known")),
                        schema => check(whole, schema, value, &format!("{at}.{name}"), wrong),
                    }
                }
            }
            "items" => {
                for (no, value) in value.as_array().into_iter().flatten().enumerate() {
                    check(whole, said, value, &format!("{at}[{no}]"), wrong);
                }
            }
            "enum" => {
                if !said.as_array().expect("values").contains(value) {
                    wrong.push(format!("{at}: {value} is none of {said}"));
                }
            }
            "oneOf" | "anyOf" => {
                let fits = said
                    .as_array()
                    .expect("schemas")
                    .iter()
                    .filter(|one| misfits(whole, one, value).is_empty());
                let fits = fits.count();
                if fits == 0 || (keyword == "oneOf" && fits > 1) {
                    wrong.push(format!("{at}: {value} fits {fits} of {keyword}"));
                }
            }
            "allOf" => {
                said.as_array().expect("schemas").iter().for_each(|one| check(whole, one, value, at, wrong));
            }
            "minimum" => {
                if value.as_f64().zip(said.as_f64()).is_some_and(|(value, least)| value < least) {
                    wrong.push(format!("{at}: {value} is less than {said}"));
                }
            }
            "propertyNames" | "description" | "format" | "title" | "example" | "examples" => {}
            other => panic!("{at}: a keyword nobody checks: {other}"),
        }
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no type is called {other}"),
    }
}
