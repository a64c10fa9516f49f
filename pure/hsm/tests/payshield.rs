//! Both sides of the protocol against each other, and against nonsense.

use hsm::check_value::usual;
use hsm::drbg::{Drbg, SEED_BYTES};
use hsm::keyblock::{Family, Header, Version, wrap};
use hsm::lmk::{Scheme, encrypt_under};
use hsm::mac::{Algorithm, Padding};
use hsm::ops::{Answer, Fault, Form, MacData, NewKey, PinSide, Request, Role, StoredKey, Wrapped};
use hsm::payshield::{
    Client, Keeping, Message, Misfit, Server, ServerConfig, Unusable, code_of, fault_of, test_lmk,
};
use hsm::pin::Format;
use hsm::{Cipher, Key};
use proptest::prelude::*;
use terms::{Pan, Sealed};

const HEADER: &[u8] = b"0042";

/// A host and a module, and the line between them.
struct Link {
    client: Client,
    server: Server,
}

impl Link {
    fn new(keeping: Keeping) -> Self {
        let server = Server::new(ServerConfig::default(), &[7; SEED_BYTES]).expect("it computes rightly");
        Self { client: Client { keeping, older_terminal_keys: false }, server }
    }

    fn ask(&mut self, request: &Request) -> Result<Answer, Fault> {
        let command = self.client.encode(request, HEADER).expect("a command of the family");
        let answer = self.server.answer(&command).expect("a whole command is answered");
        self.client.decode(request, HEADER, &answer).expect("our own answers are read")
    }

    fn made(&mut self, key: NewKey) -> StoredKey {
        match self.ask(&Request::Generate { key, under: None }) {
            Ok(Answer::Generated { key, .. }) => key,
            other => panic!("{other:?}"),
        }
    }
}

const KEEPINGS: [Keeping; 3] =
    [Keeping::Variants, Keeping::Blocks { lmk: *b"01" }, Keeping::Blocks { lmk: *b"02" }];

fn mac_data(key: &StoredKey, data: &[u8]) -> MacData {
    let (algorithm, padding) = (Algorithm::Iso3, Padding::Bit);
    MacData { key: key.clone(), algorithm, padding, data: Sealed::new(data.to_vec()) }
}

#[test]
fn everything_a_switch_asks_is_asked_and_answered_with_every_kind_of_master_key() {
    for keeping in KEEPINGS {
        let mut link = Link::new(keeping);
        let zmk = link.made(NewKey::tdes(Role::Zmk));
        let forms = [Form::Scheme(Scheme::U), Form::Scheme(Scheme::X), Form::Tr31, Form::PayShield];
        for form in forms.into_iter().filter(|form| *form != Form::PayShield || keeping != Keeping::Variants)
        {
            let under = Some((zmk.clone(), form));
            let made = link.ask(&Request::Generate { key: NewKey::tdes(Role::Zpk), under });
            let Ok(Answer::Generated { key: zpk, wrapped: Some(wrapped), check: Some(check) }) = made else {
                panic!("{keeping:?} {form:?}: {made:?}")
            };
            let (key, transport) = (NewKey::tdes(Role::Zpk), zmk.clone());
            let import = Request::Import { key, transport, wrapped, expected: Some(check) };
            let taken = link.ask(&import);
            assert!(
                matches!(taken, Ok(Answer::Imported { check: c, .. }) if c == check),
                "{form:?}: {taken:?}"
            );
            let export = Request::Export { key: zpk.clone(), transport: zmk.clone(), form };
            let left = link.ask(&export);
            assert!(
                matches!(left, Ok(Answer::Exported { check: c, .. }) if c == Some(check)),
                "{form:?}: {left:?}"
            );
            let value = link.ask(&Request::CheckValue { key: zpk, method: None });
            assert!(matches!(value, Ok(Answer::CheckValue(c)) if c.agrees_with(&check)), "{value:?}");
        }
        let zak = link.made(NewKey::tdes(Role::Zak));
        // The data holds what stands before a trailer.
        let data = mac_data(&zak, b"0200\x19ABC\x19");
        let Ok(Answer::Mac(mac)) = link.ask(&Request::MakeMac(data.clone())) else { panic!("a MAC") };
        let verify = |mac: &[u8]| Request::VerifyMac { data: data.clone(), mac: mac.to_vec() };
        assert_eq!(link.ask(&verify(&mac)), Ok(Answer::Verified));
        assert_eq!(link.ask(&verify(&mac[..4])), Ok(Answer::Verified));
        assert_eq!(link.ask(&verify(&[0; 8])), Err(Fault::NotVerified));
        let [tpk, zpk] = [Role::Tpk, Role::Zpk].map(|role| link.made(NewKey::tdes(role)));
        let side = |key: &StoredKey| PinSide {
            key: key.clone(),
            format: Format::Iso0,
            pan: Pan::new(b"4111111111111111").expect("digits"),
        };
        let block = Sealed::new(vec![1; 8]);
        let translate = Request::TranslatePin { block, from: side(&tpk), to: side(&zpk) };
        assert_eq!(link.ask(&translate), Err(Fault::PinBlock));
        assert_eq!(link.ask(&Request::Echo(b"PING".to_vec())), Ok(Answer::Echoed(b"PING".to_vec())));
        let status = link.ask(&Request::Status);
        let Ok(Answer::Status { lmk_check, .. }) = status else { panic!("{status:?}") };
        assert!(test_lmk::checks().contains(&lmk_check), "a public test key is recognised: {lmk_check}");
    }
}

/// A component as a custodian has it from the module's own console.
fn component(keeping: Keeping, role: Role, number: u8, key: &Key) -> StoredKey {
    let role_of_blocks = role.attributes(Family::PayShield);
    let text = match keeping {
        Keeping::Variants => {
            let over = test_lmk::variants().key_for(role.key_type());
            let bytes = encrypt_under(&over, Scheme::U, key).expect("two parts");
            let digits: String = bytes[..16].iter().map(|byte| format!("{byte:02X}")).collect();
            format!("U{digits}")
        }
        Keeping::Blocks { lmk } => {
            let (version, over) = match &lmk {
                b"01" => (Version::S0, Key::tdes(&unhex(LMK_OF_TRIPLE_DES))),
                _ => (Version::S1, Key::aes(&unhex(LMK_OF_AES))),
            };
            let mut header = Header::new(version, role_of_blocks.usage, b'T', role_of_blocks.mode);
            (header.key_version, header.reserved) = ([b'c', b'0' + number], lmk);
            wrap(&over.expect("its length"), &header, key, &mut Drbg::new(&[number; SEED_BYTES]))
                .expect("it fits")
        }
    };
    StoredKey { role, text }
}

const LMK_OF_TRIPLE_DES: &str = "0123456789ABCDEF8080808080808080FEDCBA9876543210";
const LMK_OF_AES: &str = "9B71333A13F9FAE72F9D0E2DAB4AD6784718012F9244033F3F26A2DE0C8AA11A";

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

#[test]
fn a_key_is_made_of_components_and_a_component_is_no_key() {
    let [one, two] = [(0x01_u8, 0xA1), (0x0E, 0x3E)].map(|(first, second)| {
        Key::tdes(&[[first; 8], [second; 8]].concat()).expect("16 bytes").with_parity()
    });
    let whole = usual(&one.xor(&two).expect("alike").with_parity());
    for keeping in KEEPINGS {
        let mut link = Link::new(keeping);
        let components = vec![component(keeping, Role::Zmk, 1, &one), component(keeping, Role::Zmk, 2, &two)];
        // Each custodian sees the check value of their own component.
        let value = link.ask(&Request::CheckValue { key: components[0].clone(), method: None });
        assert!(matches!(value, Ok(Answer::CheckValue(c)) if c.agrees_with(&usual(&one))), "{value:?}");
        let form = Request::Form { key: NewKey::tdes(Role::Zmk), components: components.clone() };
        let made = link.ask(&form);
        let Ok(Answer::Generated { key: zmk, wrapped: None, check: Some(check) }) = made else {
            panic!("{keeping:?}: {made:?}")
        };
        assert!(check.agrees_with(&whole), "{keeping:?}");
        let under = |zmk: &StoredKey| Request::Generate {
            key: NewKey::tdes(Role::Zpk),
            under: Some((zmk.clone(), Form::Scheme(Scheme::X))),
        };
        assert!(link.ask(&under(&zmk)).is_ok(), "{keeping:?}: it carries keys");
        if keeping != Keeping::Variants {
            assert_eq!(link.ask(&under(&components[0])), Err(Fault::Component), "{keeping:?}");
            let whole_keys =
                Request::Form { key: NewKey::tdes(Role::Zmk), components: vec![zmk.clone(), zmk] };
            assert_eq!(link.ask(&whole_keys), Err(Fault::Component), "{keeping:?}");
        }
        // The same twice comes to nothing.
        let same = vec![components[0].clone(), components[0].clone()];
        let nothing = link.ask(&Request::Form { key: NewKey::tdes(Role::Zmk), components: same });
        assert_eq!(nothing, Err(Fault::Parity), "{keeping:?}");
        let alone = Request::Form { key: NewKey::tdes(Role::Zmk), components: vec![components[0].clone()] };
        let misfit = link.client.encode(&alone, HEADER).expect_err("one person's key").to_string();
        assert!(misfit.contains("two to nine components"), "{misfit}");
    }
}

#[test]
fn keys_of_a_terminal_go_out_under_its_transport_key_once_more() {
    for keeping in KEEPINGS {
        let mut link = Link::new(keeping);
        let tmk = link.made(NewKey::tdes(Role::Tmk));
        for role in [Role::Tpk, Role::Tak] {
            let key = link.made(NewKey::tdes(role));
            let export =
                Request::Export { key: key.clone(), transport: tmk.clone(), form: Form::Scheme(Scheme::X) };
            let command = link.client.encode(&export, HEADER).expect("a command");
            let code = match (keeping, role) {
                (Keeping::Variants, Role::Tak) => b"AG",
                (Keeping::Variants, _) => b"AE",
                _ => b"A8",
            };
            assert_eq!(&command[4..6], code);
            let left = link.ask(&export);
            let Ok(Answer::Exported { wrapped, check }) = left else {
                panic!("{keeping:?} {role}: {left:?}")
            };
            assert!(wrapped.0.starts_with('X') && (check.is_some() || role == Role::Tpk), "{keeping:?}");
            let taken =
                Request::Import { key: NewKey::tdes(role), transport: tmk.clone(), wrapped, expected: None };
            let misfit = link.client.encode(&taken, HEADER).expect_err("no command for it").to_string();
            assert!(misfit.contains("between institutions alone"), "{misfit}");
        }
    }
}

#[test]
fn terminal_keys_are_made_by_older_commands_too() {
    let mut link = Link::new(Keeping::Variants);
    link.client.older_terminal_keys = true;
    let tmk = link.made(NewKey::tdes(Role::Tmk));
    for role in [Role::Tpk, Role::Tak, Role::Tmk] {
        let under = Some((tmk.clone(), Form::Scheme(Scheme::X)));
        let request = Request::Generate { key: NewKey::tdes(role), under };
        let command = link.client.encode(&request, HEADER).expect("a command");
        assert_eq!(&command[4..6], if role == Role::Tak { b"HA" } else { b"HC" });
        let made = link.ask(&request);
        let Ok(Answer::Generated { key, wrapped: Some(Wrapped(abroad)), check: None }) = made else {
            panic!("{made:?}")
        };
        assert!(abroad.starts_with('X') && key.text.starts_with('U') && key.role == role);
    }
}

#[test]
fn what_the_family_cannot_do_is_said_before_anything_is_sent() {
    let client = Client::of_variants();
    let key = StoredKey::new(Role::Zak, "U00000000000000000000000000000000");
    let pin = |format, pan: &[u8]| PinSide {
        key: StoredKey::new(Role::Zpk, "U00000000000000000000000000000000"),
        format,
        pan: Pan::new(pan).expect("digits"),
    };
    let translate = |from, to| Request::TranslatePin { block: Sealed::new(vec![0; 8]), from, to };
    let (card, other) = (b"4111111111111111", b"4222222222222222");
    let union_pay = MacData { algorithm: Algorithm::UnionPayEcb, ..mac_data(&key, b"") };
    let aes = NewKey { cipher: Cipher::Aes, ..NewKey::tdes(Role::Zak) };
    let wrapped = Request::Export { key: key.clone(), transport: key.clone(), form: Form::KeyWrap };
    #[rustfmt::skip]
    let cases = [
        (Request::Random { bytes: 8 },                                        "no command for random"),
        (translate(pin(Format::Iso4, card), pin(Format::Iso0, card)),         "no such PIN block format"),
        (translate(pin(Format::Iso0, card), pin(Format::Iso0, other)),        "need one card number"),
        (Request::MakeMac(union_pay),                                         "no such algorithm"),
        (Request::VerifyMac { data: mac_data(&key, b""), mac: vec![0; 5] },   "a MAC has 4 or 8 bytes"),
        (Request::MakeMac(mac_data(&key, &[0; 40_000])),                      "more data than a command takes"),
        (Request::Generate { key: aes, under: None },                         "keeps DES keys alone"),
        (Request::KnownAnswers,                                               "no command for known_answers"),
        (wrapped,                                                             "no key wrap"),
        (Request::Echo(vec![0; 70_000]),                                      "more bytes than a length can say"),
    ];
    for (request, wanted) in cases {
        let misfit: Misfit = client.encode(&request, HEADER).expect_err("it does not fit");
        assert!(misfit.to_string().contains(wanted), "{misfit}");
    }
}

#[test]
fn an_answer_that_is_not_ours_whole_and_exact_is_not_used() {
    let client = Client::of_variants();
    let request = Request::CheckValue { key: StoredKey::new(Role::Zak, "U00"), method: None };
    #[rustfmt::skip]
    let cases: &[(&[u8], Unusable)] = &[
        (b"0043BV0008D7B4",                  Unusable::Header),
        (b"0042BX0008D7B4",                  Unusable::Command),
        (b"0042BV",                          Unusable::Field),
        (b"0042BV00",                        Unusable::Field),
        (b"0042BV0008D7BX",                  Unusable::Field),
        (b"0042BV0008D7B400000000000000",    Unusable::Field),
    ];
    for (answer, refused) in cases {
        assert_eq!(
            client.decode(&request, HEADER, answer),
            Err(*refused),
            "{}",
            String::from_utf8_lossy(answer)
        );
    }
    assert!(matches!(client.decode(&request, HEADER, b"004"), Err(Unusable::Message(_))));
    let verify =
        Request::VerifyMac { data: mac_data(&StoredKey::new(Role::Zak, "U00"), b""), mac: vec![0; 4] };
    assert_eq!(client.decode(&verify, HEADER, b"0042M900123"), Err(Unusable::More { bytes: 3 }));
    assert_eq!(client.decode(&verify, HEADER, b"0042M901"), Ok(Err(Fault::NotVerified)));
    assert_eq!(client.decode(&verify, HEADER, b"0042M913"), Ok(Err(Fault::Device(*b"13"))));
    assert_eq!(client.decode(&verify, HEADER, b"0042M9Z9"), Ok(Err(Fault::Other(*b"Z9"))));
}

#[test]
fn a_command_that_is_none_is_answered_with_the_code_for_it() {
    let mut server = Server::new(ServerConfig::default(), &[7; SEED_BYTES]).expect("it computes rightly");
    #[rustfmt::skip]
    let cases = [
        ("B20004PING",                                      "B300PING"),
        ("B20005PING",                                      "B380"),
        ("B20003PING",                                      "B315"),
        ("B2",                                              "B315"),
        ("ZZ",                                              "Z[68"),
        ("CAxx",                                            "CB15"),
        ("A0000",                                           "A115"),
        ("A00001Q",                                         "A115"),
        ("A00999U",                                         "A115"),
        ("A00FFFS%09#K0T2B00E00",                           "A1A2"),
        ("A00FFFS%01#XXT2B00E00",                           "A1A6"),
        ("BU021U00000000000000000000000000000000",          "BV10"),
        ("M600031008U0000",                                 "M715"),
        ("B20004PING\x19trailer",                           "B300PING\x19trailer"),
    ];
    for (command, wanted) in cases {
        let answer = server.answer(format!("0042{command}").as_bytes()).expect("an answer");
        assert_eq!(String::from_utf8_lossy(&answer), format!("0042{wanted}"), "{command}");
    }
    assert_eq!(server.answer(b"0042B"), None, "nothing can be said to half a command");
    let refused = server.refuse(b"0042NC", Fault::Device(*b"41"));
    assert_eq!(refused.as_deref(), Some(&b"0042ND41"[..]));
}

#[test]
fn data_that_looks_like_a_trailer_is_data() {
    let mut link = Link::new(Keeping::Variants);
    let zak = link.made(NewKey::tdes(Role::Zak));
    let data = b"0200\x19AB";
    let Ok(Answer::Mac(mac)) = link.ask(&Request::MakeMac(mac_data(&zak, data))) else { panic!("a MAC") };
    // The same data as bytes rather than hex, with and without a trailer behind it.
    let command = [b"0042M600032008", zak.text.as_bytes(), b"0007", data].concat();
    let wanted: String = mac[..4].iter().map(|byte| format!("{byte:02X}")).collect();
    for trailer in ["", "\x19host 7"] {
        let answer = link.server.answer(&[&command, trailer.as_bytes()].concat()).expect("an answer");
        assert_eq!(String::from_utf8_lossy(&answer), format!("0042M700{wanted}{trailer}"));
    }
}

#[test]
fn every_error_code_is_read_as_what_it_is_written_for() {
    for high in (b'0'..=b'9').chain(b'A'..=b'Z') {
        for low in (b'0'..=b'9').chain(b'A'..=b'Z') {
            let Some(fault) = fault_of([high, low]) else { continue };
            assert_eq!(fault_of(code_of(fault)), Some(fault));
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_module_or_a_host_panic(
        code in "(A0|A6|A8|BU|CA|CC|M6|M8|MA|MC|HC|HA|IA|FA|GC|NC|NO|B2|RA)",
        body in "[0-9A-FUXTSZ;%#0]{0,120}",
        noise in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut server = Server::new(ServerConfig::default(), &[7; SEED_BYTES]).expect("it computes rightly");
        let command = [HEADER, code.as_bytes(), body.as_bytes(), &noise].concat();
        let _ = server.answer(&command);
        let _ = server.answer(&noise);
        let request = Request::Generate { key: NewKey::tdes(Role::Zmk), under: None };
        let _ = Client::of_variants().decode(&request, HEADER, &[HEADER, b"A100", body.as_bytes()].concat());
        let _ = Client::of_variants().decode(&request, HEADER, &noise);
    }

    #[test]
    fn a_message_comes_back_as_it_went(header in "[ -~]{4}", body in "[ -~]{0,60}", trailer in "[ -~]{0,32}") {
        let message = Message {
            header: header.as_bytes(),
            code: *b"B2",
            body: body.as_bytes(),
            trailer: (!trailer.is_empty()).then_some(trailer.as_bytes()),
        };
        prop_assert!(Message::read(&message.write(), 4) == Ok(message));
    }
}
