//! Configuration files with a few bytes wrong: refused in words, or read, and never a panic.

use sekisho::config::Config;
use stories::Luck;

const GOOD: &str = r#"
[journal]
dir = "./data"
segment_bytes = 8388608

[http]
listen = "127.0.0.1:8583"

[[listener]]
name = "atm"
kind = "atmc"
listen = "127.0.0.1:9000"
dialect = "iso87-ascii"
pool = { min = 16, initial = 64, max = 1024 }
default_link = "core"

[[link]]
name = "core"
dial = "127.0.0.1:9001"
dialect = "iso87-binary"
reply_timeout_ms = 30000
breaker = { requests_min = 20, unanswered_percent = 50, probe_after_ms = 5000 }

[[route]]
prefix = "4111"
kind = "withdrawal"
link = "core"
"#;

const LETTERS: &[u8] = b"\0\x7F \n\"=[]{}.,#'-_09azAZ\\";

fn mutated(luck: &mut Luck) -> String {
    let mut bytes = GOOD.as_bytes().to_vec();
    for _ in 0..=luck.below(3) {
        let at = luck.below(bytes.len());
        let letter = LETTERS[luck.below(LETTERS.len())];
        match luck.below(5) {
            0 => bytes[at] = letter,
            1 => bytes.insert(at, letter),
            2 => bytes.truncate(at.max(1)),
            3 => bytes[at] = luck.next() as u8,
            _ => {
                let end = (at + luck.below(40)).min(bytes.len());
                bytes.drain(at..end);
            }
        }
        if bytes.is_empty() {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn a_configuration_with_wrong_bytes_is_read_or_refused_in_words() {
    assert!(Config::parse(GOOD).is_ok(), "{:?}", Config::parse(GOOD));
    let (mut luck, mut refused) = (Luck::from_environment(78), 0);
    for _ in 0..5_000 {
        let text = mutated(&mut luck);
        if let Err(complaints) = Config::parse(&text) {
            refused += 1;
            assert!(!complaints.is_empty() && complaints.iter().all(|line| line.len() > 10), "{text}");
        }
    }
    println!("5,000 files, {refused} refused");
    assert!(refused > 500, "what is wrong is mostly seen");
}
