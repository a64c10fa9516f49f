//! `sekisho explain`, typed.

mod typed;

use typed::{file, place, sekisho};

#[test]
fn a_code_is_explained_by_what_it_means_for_the_money() {
    let shipped = sekisho(&["explain", "rc", "91"]).ends(0).fits();
    assert!(shipped.out.contains("host_down") && shipped.out.contains("sent again later"), "{}", shipped.out);
    let one = sekisho(&["explain", "rc", "91", "--dialect", "iso87-ascii", "--json"]).ends(0).json();
    assert_eq!(one["data"][0]["dialects"], serde_json::json!(["iso87-ascii"]));
    assert_eq!(one["data"].as_array().map(Vec::len), Some(1));
    let named = sekisho(&["explain", "rc", "busy", "--json"]).ends(0).json();
    assert_eq!(named["data"][0]["outcome"], "refused");
    let none = sekisho(&["explain", "rc", "??"]).ends(5);
    assert!(none.err.contains("no shipped dialect has a code `??`"), "{none:?}");
    sekisho(&["explain", "rc", "91", "--dialect", "nowhere"]).ends(66);
}

#[test]
fn a_message_type_is_explained_digit_by_digit() {
    let said = sekisho(&["explain", "mti", "0421"]).ends(0).fits().out;
    for words in ["ISO 8583:1987", "reversal", "advice", "acquirer, repeated", "0430", "takes a request back"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    let json = sekisho(&["explain", "mti", "1210", "--json"]).ends(0).json();
    assert_eq!((&json["version"], &json["answered_by"]), (&"ISO 8583:1993".into(), &serde_json::Value::Null));
    for wrong in ["42", "04210", "x420", "5200", "été1"] {
        sekisho(&["explain", "mti", wrong]).ends(2);
    }
}

#[test]
fn a_field_is_explained_in_one_dialect_or_in_all() {
    let one = sekisho(&["explain", "field", "90", "--dialect", "iso87-ascii"]).ends(0).fits().out;
    assert!(one.contains("DE 90") && one.contains("format"), "{one}");
    let all = sekisho(&["explain", "field", "2", "--json"]).ends(0).json();
    assert!(all["data"].as_array().is_some_and(|all| all.len() > 3), "{all}");
    sekisho(&["explain", "field", "2"]).ends(0).fits();
    sekisho(&["explain", "field", "200"]).ends(5);
}

const CONFIG: &str = r#"
    [journal]
    dir = "./data"

    [[listener]]
    name = "atm"
    kind = "access"
    listen = "127.0.0.1:9000"
    dialect = "iso87-ascii"
    default_link = "core"

    [[listener]]
    name = "branch"
    kind = "access"
    listen = "127.0.0.1:9001"
    dialect = "iso87-ascii"

    [[link]]
    name = "core"
    dial = "127.0.0.1:9002"
    dialect = "iso87-binary"
    reply_timeout_ms = 30000

    [[link]]
    name = "cards"
    dial = "127.0.0.1:9003"
    dialect = "iso87-binary"
    reply_timeout_ms = 30000

    [[route]]
    prefix = "6228"
    kind = "deposit"
    link = "core"
    name = "deposits"

    [[route]]
    prefix = "6228"
    listener = "branch"
    link = "core"

    [[route]]
    prefix = "62"
    link = "cards"

    [[route]]
    prefix = "622848"
    link = "cards"
    name = "long"

    [[receiver]]
    prefix = "62"
    link = "cards"

    [[receiver]]
    prefix = "6228"
    listener = "atm"
    link = "core"
    name = "ours"
"#;

/// What is asked of a transfer; where its credit goes, by which line, and why.
type Explained = (&'static [&'static str], Option<&'static str>, Option<&'static str>, &'static str);

#[test]
fn a_route_is_explained_line_by_line() {
    let place = place("route");
    let config = file(&place, "sekisho.toml", CONFIG);
    let ask = |words: &[&str]| sekisho(&[&["explain", "route", "--config", &config], words].concat());
    #[rustfmt::skip]
    let table: [(&[&str], &str, &[&str]); 5] = [
        // asked                                        goes to  verdicts: long, deposits, branch, 62, default
        (&["--pan", "6228"],                            "cards", &["no", "no", "no", "chosen", "not_reached"]),
        (&["--pan", "6228", "--kind", "deposit"],       "core",  &["no", "chosen", "not_reached", "not_reached", "not_reached"]),
        (&["--pan", "6228", "--listener", "branch"],    "core",  &["no", "no", "chosen", "not_reached", "not_reached"]),
        (&["--pan", "6228480000"],                      "cards", &["chosen", "not_reached", "not_reached", "not_reached", "not_reached"]),
        (&[],                                           "core",  &["no", "no", "no", "no", "chosen"]),
    ];
    for (words, link, verdicts) in table {
        let said = ask(&[words, &["--json"]].concat()).ends(0).json();
        assert_eq!(said["link"], link, "{words:?}");
        let found: Vec<_> =
            said["lines"].as_array().expect("lines").iter().map(|line| line["verdict"].clone()).collect();
        assert_eq!(found, verdicts, "{words:?}");
    }
    let said = ask(&["--pan", "6228"]).ends(0).fits().out.split_whitespace().collect::<Vec<_>>().join(" ");
    for words in
        ["goes to cards", "with more digits of the card", "it is for deposit", "requests from branch"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    #[rustfmt::skip]
    let transfers: [Explained; 5] = [
        // of a card that core keeps     credit to      by line             why
        (&["--to", "6214"],              Some("cards"), Some("to 62 -> cards"), "a debit to core first"),
        (&["--to", "62284800"],          None,          Some("ours"),        "keeps it too: one message"),
        (&["--to", "99"],                None,          None,                "no [[receiver]] line names it"),
        (&["--to", "62284800", "--listener", "branch", "--pan", "6228"],
                                         Some("cards"), Some("to 62 -> cards"), "a debit to core first"),
        (&["--to", "6214", "--pan", "6228480"],
                                         None,          Some("to 62 -> cards"), "keeps it too: one message"),
    ];
    for (words, link, receiver, why) in transfers {
        let words = [words, &["--kind", "transfer"]].concat();
        let credit = ask(&[&words[..], &["--json"]].concat()).ends(0).json()["credit"].clone();
        assert_eq!((credit["link"].as_str(), credit["receiver"].as_str()), (link, receiver), "{words:?}");
        assert!(credit["why"].as_str().is_some_and(|said| said.contains(why)), "{words:?}: {credit}");
        let said = ask(&words).ends(0).fits().out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.contains("its credit to"), "{said}");
    }
    ask(&["--to", "6214"]).ends(2);
    let none = ask(&["--pan", "4111", "--listener", "branch"]).ends(1);
    assert!(none.out.contains("has no route"), "{none:?}");
    let wrong = ask(&["--kind", "withdrawl"]).ends(2);
    assert!(wrong.err.contains("did you mean `withdrawal`"), "{wrong:?}");
    ask(&["--listener", "nobody"]).ends(2);
    ask(&["--pan", "6228x"]).ends(2);
    sekisho(&["explain", "route", "--config", "/nowhere.toml"]).ends(78);
}

#[test]
fn a_default_of_a_listener_with_peers_is_told_once() {
    let place = place("peers");
    let peers = "default_link = \"core\"\n    [[listener.peer]]\n    address = \"10.0.0.1\"\n    name = \"tokyo\"\n    \
                 [[listener.peer]]\n    address = \"10.0.0.2\"\n    name = \"osaka\"\n";
    let config = file(&place, "peers.toml", CONFIG.replacen("default_link = \"core\"\n", peers, 1));
    for listener in ["atm", "tokyo", "branch"] {
        let said =
            sekisho(&["explain", "route", "--config", &config, "--pan", "411111", "--listener", listener]);
        assert_eq!(said.out.matches("\"default of atm\":").count(), 1, "{listener}: {said:?}");
        assert_eq!(said.code == 0, listener != "branch", "{said:?}");
    }
}

#[test]
fn a_code_somebody_was_told_is_explained_however_it_is_typed() {
    for typed in ["LNK2104-E", "LNK2104", "lnk2104-e"] {
        let said = sekisho(&["explain", typed]).ends(0);
        for word in ["LNK2104", "The peer answered, and said no.", "operator", "system"] {
            assert!(said.out.contains(word), "{word}: {said:?}");
        }
    }
    let json = sekisho(&["explain", "SYS1006", "--json"]).ends(0).json();
    assert_eq!((json["code"].as_str(), json["object"].as_str()), (Some("SYS1006"), Some("code")));
    assert!(json["operator"].as_str().is_some_and(|text| text.contains("--ca-file")));
    // What the client API says is explained under its own name.
    let said = sekisho(&["explain", "already_captured"]).ends(0);
    assert!(said.out.contains("status 409") && said.out.contains("captured already"), "{said:?}");
    let near = sekisho(&["explain", "LNK2140"]).ends(5);
    assert!(near.err.contains("LNK2104") || near.err.contains("nothing here says"), "{near:?}");
    sekisho(&["explain", "LNK2104", "LNK2105"]).ends(2);
}
