//! The audit of keys: whatever is done to it is found, and where.

use keys::chain::{Broken, Digest, Entry, Head};

type Written = (Entry, Digest, Digest);

fn written(entries: u64) -> Vec<Written> {
    let mut digest = Digest::NONE;
    let entry = |number| Entry {
        number,
        at_ms: 1_795_305_600_000 + number as i64,
        by: "mori".into(),
        act: "activate".into(),
        on: "link/cn".into(),
        changes: vec![format!("zpk {number} confirmed > active 08D7B4")],
        reason: "yearly".into(),
        ..Entry::default()
    };
    (1..=entries)
        .map(|number| {
            let (entry, before) = (entry(number), digest);
            digest = before.then(&entry);
            (entry, before, digest)
        })
        .collect()
}

fn verify(chain: &[Written]) -> Result<Head, Broken> {
    let mut head = Head::default();
    chain.iter().try_for_each(|(entry, before, after)| head.follow(entry, *before, *after))?;
    Ok(head)
}

#[test]
fn a_chain_that_nobody_touched_is_whole() {
    let chain = written(20);
    assert_eq!(verify(&chain).map(|head| (head.number, head.digest)), Ok((20, chain[19].2)));
}

#[test]
fn whatever_is_changed_is_found_where_it_is() {
    let whole = written(9);
    type Touch = fn(&mut Entry);
    let touches: [(&str, Touch); 8] = [
        ("the moment", |entry| entry.at_ms += 1),
        ("who", |entry| entry.by = "sato".into()),
        ("the second person", |entry| entry.second = "sato".into()),
        ("what", |entry| entry.act = "rollback".into()),
        ("on what", |entry| entry.on = "link/cards".into()),
        ("why", |entry| entry.reason.push('.')),
        ("a change", |entry| entry.changes[0].push('0')),
        ("one change made two", |entry| entry.changes.push(String::new())),
    ];
    for (what, touch) in touches {
        for at in 0..whole.len() {
            let mut chain = whole.clone();
            touch(&mut chain[at].0);
            assert_eq!(verify(&chain), Err(Broken::Contents { number: at as u64 + 1 }), "{what} of {at}");
        }
    }
}

#[test]
fn an_entry_taken_out_put_in_or_written_anew_is_found() {
    let whole = written(9);
    let mut out = whole.clone();
    out.remove(4);
    assert_eq!(verify(&out), Err(Broken::Number { expected: 5, found: 6 }));
    let mut twice = whole.clone();
    twice.insert(4, whole[3].clone());
    assert_eq!(verify(&twice), Err(Broken::Number { expected: 5, found: 4 }));
    // Written anew with a digest that fits it: what follows does not follow.
    let mut anew = whole.clone();
    anew[4].0.reason = "another".into();
    anew[4].2 = anew[4].1.then(&anew[4].0);
    assert_eq!(verify(&anew), Err(Broken::Link { number: 6 }));
}

#[test]
fn a_text_moved_from_one_field_to_the_next_is_another_entry() {
    let (left, right) = (
        Entry { by: "ab".into(), second: "c".into(), ..Entry::default() },
        Entry { by: "a".into(), second: "bc".into(), ..Entry::default() },
    );
    assert_ne!(Digest::NONE.then(&left), Digest::NONE.then(&right));
}
