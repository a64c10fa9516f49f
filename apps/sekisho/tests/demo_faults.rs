//! Whatever goes wrong in a demo and is put right again: its books agree at the end, and it says so by its exit code.

mod typed;

use typed::{Said, place, sekisho};

/// Played for so long, with that going wrong after one second and put right after another.
fn played(name: &str, faults: &[&str]) -> Said {
    let place = place(&format!("demo-{name}"));
    let data = place.join("data").display().to_string();
    let free = "127.0.0.1:0";
    let words = ["demo", "--for", "4s", "--tps", "60", "--seed", "7", "--assert", "--data", &data];
    let faults: Vec<&str> = faults.iter().flat_map(|fault| ["--fault", fault]).collect();
    sekisho(&[&words[..], &["--http", free, "--iso", free], &faults].concat())
}

/// The number after these words.
fn count(said: &Said, words: &str) -> u64 {
    let at = said.out.rfind(words).unwrap_or_else(|| panic!("{words}: {}", said.out)) + words.len();
    let digits: String = said.out[at..].trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or_else(|_| panic!("a number after {words}: {}", said.out))
}

#[test]
fn after_every_fault_a_demo_ends_with_books_that_agree() {
    #[rustfmt::skip]
    let table: [(&str, &[&str], &str); 10] = [
        // fault         when                                             what must have come of it
        ("nothing",      &[],                                             "reported (0220)"),
        ("host-down",    &["host-down@1s", "heal@2s"],                    "refused"),
        ("slow",         &["slow:3s@1s", "heal@2s"],                      "unknown"),
        ("garbled",      &["garbled:CARDS@1s", "heal@2s"],                "unknown"),
        ("cut",          &["cut@1s", "heal@2s"],                          "unknown"),
        ("cash-out",     &["cash-out@1s", "heal@2s"],                     "taken back (0420)"),
        ("silent",       &["silent@1s", "heal@2s"],                       "unknown"),
        ("hsm-away",     &["hsm-away@1s", "heal@3s"],                     "reported (0220)"),
        ("switch-kill",  &["switch-kill@1s", "switch-kill@2s"],           "killed and started again"),
        ("all-together", &["silent:CARDS@1s", "switch-kill@2s", "cut@2s", "heal@3s"], "killed and started again"),
    ];
    std::thread::scope(|scope| {
        for (name, faults, wanted) in table {
            scope.spawn(move || {
                let said = played(name, faults).ends(0);
                println!("{name}:\n{}", said.out);
                assert!(said.out.contains("all books agree"), "{name}: {}", said.out);
                assert!(count(&said, wanted) > 0, "{name}: nothing {wanted}: {}", said.out);
            });
        }
    });
}

#[test]
fn terminals_take_back_and_report_in_every_demo() {
    let said = played("mishaps", &[]).ends(0);
    assert!(count(&said, "taken back (0420)") > 0 && count(&said, "reported (0220)") > 0, "{}", said.out);
    assert_eq!(count(&said, "not acknowledged"), 0, "{}", said.out);
}

#[test]
fn a_fault_that_is_none_is_refused_with_those_there_are() {
    let said = sekisho(&["demo", "--fault", "flood@1s"]).ends(2);
    for name in
        ["host-down", "slow:3s", "garbled", "cut", "silent", "cash-out", "switch-kill", "hsm-away", "heal"]
    {
        assert!(said.err.contains(name), "{name}: {}", said.err);
    }
}
