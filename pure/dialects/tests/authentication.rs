//! Where authentication codes stand and what they cover: in messages that are written, and in those that come.

use dialects::{Dialect, NoCode};
use terms::{
    Amount, Answer, BusinessDate, Code, Currency, Kind, LocalTime, MessageType, Noun, Outcome, Outgoing, Pan,
    Stan, Text, Txn,
};

const MAC: [u8; 8] = [0x74, 0xAE, 0x4E, 0x1F, 0x41, 0x1F, 0x9F, 0xA0];

fn withdrawal(digits: [u8; 3]) -> Txn {
    let day = BusinessDate::new(2026, 11, 23).expect("a day");
    let mut txn = Txn::new(MessageType::from_digits(digits).expect("a type"));
    txn.kind = Kind::Withdrawal;
    txn.processing_code = Text::clipped(b"010000");
    txn.pan = Pan::new(b"4563516991068012009").expect("digits");
    txn.amount = Amount::minor(30_000);
    txn.currency = Currency::numeric(156).expect("a currency");
    txn.stan = Stan(10_001);
    txn.rrn = Text::clipped(b"632709010001");
    txn.transmitted_at = Text::clipped(b"1123090925");
    txn.local_time = LocalTime::new(day, 9, 9, 25);
    txn.terminal_id = Text::clipped(b"12345678");
    txn.acquirer_id = Text::clipped(b"040000");
    for (noun, contents) in [
        (Noun::ForwarderId, &b"040100"[..]),
        (Noun::MerchantType, b"6011"),
        (Noun::EntryMode, b"021"),
        (Noun::ConditionCode, b"02"),
        (Noun::AcceptorId, b"104110060110001"),
        (Noun::AcceptorName, b"somewhere"),
    ] {
        txn.carried.push(noun, contents);
    }
    txn
}

fn ours() -> Outgoing {
    let (rrn, transmitted_at) = (Text::clipped(b"632709010001"), Text::clipped(b"1123090925"));
    Outgoing { stan: Stan(10_001), rrn, transmitted_at, repeat: false }
}

fn written(dialect: &Dialect, txn: &Txn) -> Vec<u8> {
    let mut body = Vec::new();
    dialect.write_request_with_room(txn, &ours(), &mut body).expect("it can be said");
    body
}

#[test]
fn a_code_covers_the_named_elements_without_their_lengths_and_stands_where_the_type_says() {
    let dialect = Dialect::named("atm-access").expect("shipped");
    let mut body = written(&dialect, &withdrawal([2, 0, 0]));
    let covered = dialect.covered(&body).expect("it has room");
    assert_eq!(covered.de, 128);
    let data = b"4563516991068012009010000000000030000010001090925112304000012345678156";
    assert_eq!(String::from_utf8_lossy(covered.data.expose()), String::from_utf8_lossy(data));
    dialect.put_code(&covered, &MAC, &mut body).expect("it has room");
    // Eight characters of the code, then eight zeros.
    assert!(body.ends_with(b"74AE4E1F00000000"));
    let read = dialect.covered(&body).expect("a message");
    assert_eq!(read.code.as_deref(), Some(&MAC[..4]));
    assert_eq!(read.data.expose(), covered.data.expose());
    dialect.read(&body, BusinessDate::new(2026, 11, 23).expect("a day")).expect("a message of this dialect");
}

#[test]
fn the_position_is_the_messages_own() {
    let toml = "name = \"ours\"\nlike = \"atm-access\"\n[mac]\nposition_in = { 0210 = 64 }\n";
    let dialect = Dialect::load(toml).expect("a dialect");
    let asked = withdrawal([2, 0, 0]);
    let mut body = Vec::new();
    let answer = Answer::ours(Code::Approved, Outcome::Approved);
    dialect.write_answer_with_room(&asked, &answer, &mut body).expect("it can be said");
    let covered = dialect.covered(&body).expect("it has room");
    assert_eq!((covered.de, covered.code.as_deref()), (64, Some(&[0; 4][..])));
    assert_eq!(dialect.covered(&written(&dialect, &asked)).expect("it has room").de, 128);
}

#[test]
fn a_code_over_the_whole_body_ends_before_itself_and_travels_as_characters_where_agreed() {
    let dialect = Dialect::named("pos-tpdu").expect("shipped");
    let mut asked = withdrawal([2, 0, 0]);
    asked.kind = Kind::Purchase;
    asked.processing_code = Text::clipped(b"000000");
    let mut body = Vec::new();
    dialect.write_request_with_room(&asked, &ours(), &mut body).expect("it can be said");
    let covered = dialect.covered(&body).expect("it has room");
    assert_eq!(covered.data.expose(), &body[..body.len() - 8]);
    dialect.put_code(&covered, &[0x3B, 0xA0, 0x25, 0xBE, 1, 2, 3, 4], &mut body).expect("it has room");
    assert!(body.ends_with(b"3BA025BE"));
    assert_eq!(dialect.covered(&body).expect("a message").code, Some(vec![0x3B, 0xA0, 0x25, 0xBE]));
}

#[test]
fn elements_may_be_joined_with_their_lengths_and_a_space_and_clipped() {
    let toml = "name = \"ours\"\nlike = \"atm-access\"\n\
        [mac]\ninput = [0, 2, 3, 4, 7, 11, 90]\njoin = \"spaces\"\nclipped = { 90 = 20 }\n";
    let dialect = Dialect::load(toml).expect("a dialect");
    let body = written(&dialect, &withdrawal([2, 0, 0]));
    let covered = dialect.covered(&body).expect("it has room");
    let data = String::from_utf8_lossy(covered.data.expose()).into_owned();
    assert_eq!(data, "0200 194563516991068012009 010000 000000030000 1123090925 010001");
}

#[test]
fn a_code_that_is_not_there_or_is_no_hex_is_none() {
    let dialect = Dialect::named("atm-access").expect("shipped");
    let mut body = Vec::new();
    dialect.write_request(&withdrawal([2, 0, 0]), &ours(), &mut body).expect("it can be said");
    let covered = dialect.covered(&body).expect("a message");
    assert_eq!(covered.code, None);
    let left = dialect.put_code(&covered, &MAC, &mut body);
    assert_eq!(left, Err(NoCode::NoRoom { de: 128 }));
    let pos = Dialect::named("pos-tpdu").expect("shipped");
    let mut body = Vec::new();
    let mut asked = withdrawal([2, 0, 0]);
    asked.kind = Kind::Purchase;
    asked.processing_code = Text::clipped(b"000000");
    pos.write_request_with_room(&asked, &ours(), &mut body).expect("it can be said");
    let end = body.len();
    body[end - 8..].copy_from_slice(b"no hex !");
    assert_eq!(pos.covered(&body).expect("a message").code, None);
}

#[test]
fn bytes_that_are_no_message_have_no_code() {
    let dialect = Dialect::named("iso87-ascii").expect("shipped");
    assert_eq!(dialect.covered(b"0200").err(), Some(NoCode::NoMessage));
}

#[test]
fn network_messages_carry_none_unless_a_file_says_so_and_every_shipped_dialect_has_room() {
    let network = MessageType::from_digits([8, 0, 0]).expect("a type");
    for (name, _) in Dialect::shipped() {
        let dialect = Dialect::named(name).expect("shipped");
        assert!(!dialect.authenticates(network), "{name}");
        assert_eq!(dialect.without_room_for_code().collect::<Vec<_>>(), Vec::<[u8; 4]>::new(), "{name}");
    }
    let toml = "name = \"ours\"\nlike = \"iso87-ascii\"\n[mac]\nclasses = [\"financial\", \"network\"]\n";
    assert!(Dialect::load(toml).expect("a dialect").authenticates(network));
    let wrong = "name = \"ours\"\nlike = \"iso87-ascii\"\n[mac]\nclasses = [\"finance\"]\n";
    assert!(Dialect::load(wrong).is_err());
}

#[test]
fn the_code_of_a_request_is_good_for_nothing_else() {
    for (name, _) in Dialect::shipped() {
        let dialect = Dialect::named(name).expect("shipped");
        let Some(rule) = dialect.mac() else { continue };
        if !rule.tells_types_apart() {
            // What its partners agreed on: the switch warns of it.
            assert_eq!(*name, "atm-access");
            continue;
        }
        let request = withdrawal([2, 0, 0]);
        let mut others = vec![withdrawal([4, 2, 0])];
        for noun in [Noun::PinBlock, Noun::AcceptorName] {
            let mut other = request.clone();
            other.carried.push(noun, b"0123456789ABCDEF");
            others.push(other);
        }
        let covered = |txn: &Txn| {
            let mut body = Vec::new();
            let written = dialect.write_request_with_room(txn, &ours(), &mut body);
            let covered = dialect.covered(&body).ok().map(|covered| covered.data.expose().to_vec());
            written.ok().and(covered).map(|data| (body, data))
        };
        let Some((body, data)) = covered(&request) else { continue };
        for (other, covered) in others.iter().filter_map(covered) {
            assert!(other == body || covered != data, "{name}");
        }
    }
}
