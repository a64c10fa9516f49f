//! Cards that a terminal names only in the data of the card.

mod given;

use given::{dialect, element, message, ours, purchase, today};
use terms::{Answer, Code, Outcome};

fn without(left_out: &[usize]) -> Vec<(usize, &'static str)> {
    purchase().into_iter().filter(|(de, _)| !left_out.contains(de)).collect()
}

#[test]
fn a_card_named_by_its_track_is_routed_and_not_said_twice() {
    let source = dialect("iso87-ascii");
    let request = source.read(&message(&source, b"0200", &without(&[2])), today()).expect("understood");
    assert_eq!(request.pan.expose(), b"4111111111111111");
    assert!(request.pan_in_track);
    for host in ["iso87-ascii", "iso87-binary", "iso93-ascii", "card-center"].map(dialect) {
        let mut out = Vec::new();
        host.write_request(&request, &ours(), &mut out).expect("writable");
        assert_eq!(element(&host, &out, 2), None, "{}", host.name());
        assert!(element(&host, &out, 35).is_some(), "{}", host.name());
    }
    let mut back = Vec::new();
    source
        .write_answer(&request, &Answer::ours(Code::Approved, Outcome::Approved), &mut back)
        .expect("writable");
    assert_eq!(element(&source, &back, 2), None);
}

#[test]
fn a_card_whose_track_is_gone_is_said_by_its_number() {
    let source = dialect("iso87-ascii");
    let mut request = source.read(&message(&source, b"0200", &without(&[2])), today()).expect("understood");
    request.carried = terms::Carried::default();
    let mut out = Vec::new();
    source.write_request(&request, &ours(), &mut out).expect("writable");
    assert_eq!(element(&source, &out, 2).as_deref(), Some("4111111111111111"));
}

#[test]
fn a_host_that_demands_the_number_gets_it() {
    let host = given::loaded(
        "name = \"strict\"\nlike = \"iso87-ascii\"\n[message.\"0200\"]\nmandatory = [2, 3, 4, 7, 11]\nrest = \"optional\"\n",
    );
    let source = dialect("iso87-ascii");
    let request = source.read(&message(&source, b"0200", &without(&[2])), today()).expect("understood");
    let mut out = Vec::new();
    host.write_request(&request, &ours(), &mut out).expect("writable");
    assert_eq!(element(&host, &out, 2).as_deref(), Some("4111111111111111"));
}

#[test]
fn a_card_that_says_its_number_and_its_track_says_both() {
    let source = dialect("iso87-ascii");
    let request = source.read(&message(&source, b"0200", &purchase()), today()).expect("understood");
    assert!(!request.pan_in_track);
    let mut out = Vec::new();
    source.write_request(&request, &ours(), &mut out).expect("writable");
    assert_eq!(element(&source, &out, 2).as_deref(), Some("4111111111111111"));
}
