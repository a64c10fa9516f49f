//! Security modules as they are sold, with a ceiling: how much of it a switch reaches, and what becomes of its customers
//! when one of two is killed. The long form is `sekisho bench --guarded` with 2,500 calls a second.

mod typed;

use typed::{place, sekisho};

/// Of each module. Five calls make a transaction: the two of them allow 100 transactions a second, one allows 50.
const CALLS_PER_SECOND: &str = "250";

#[test]
fn two_modules_are_used_up_and_the_death_of_one_costs_time_and_nothing_else() {
    let folder = place("security-load");
    let data = folder.join("data").display().to_string();
    let words =
        ["bench", "--guarded", "--hsm", "2", "--calls-per-second", CALLS_PER_SECOND, "--clients", "32"];
    // The load begins with a second that is not measured.
    let times = ["--rounds", "1", "--warmup", "1", "--seconds", "12", "--kill-hsm-after", "5"];
    let said = sekisho(&[&words[..], &times, &["--json", "--data", &data]].concat());
    println!("{}", said.out);
    let said = said.ends(0).json();
    let row = &said["rows"][0];
    assert_eq!(row["flawed_rounds"], 0, "every request was answered, rightly and with a yes");
    let figures = |name: &str| -> Vec<f64> {
        let list = row[name].as_array().expect("a figure for each second");
        list.iter().map(|figure| figure.as_f64().expect("a number")).collect()
    };
    let (counts, p99_us) = (figures("per_second"), figures("p99_us_per_second"));
    let mean = |counts: &[f64]| counts.iter().sum::<f64>() / counts.len() as f64;
    let (with_two, with_one) = (mean(&counts[..3]), mean(&counts[7..12]));
    assert!(with_two >= 90.0, "{with_two} of 100 a second with two");
    assert!(with_one >= 45.0, "{with_one} of 50 a second with one");
    // Five seconds after the death nobody waits longer than his turn takes: 32 clients at 50 a second.
    let settled = p99_us[9..11].iter().copied().fold(0.0, f64::max);
    assert!(settled <= 1.5 * 32.0 / 50.0 * 1e6, "p99 {settled} us");
}
