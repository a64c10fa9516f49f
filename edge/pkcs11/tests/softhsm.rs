//! A token of SoftHSM asked as every other module is: what comes out equals what our own arithmetic gives.

mod soft;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, KeyType, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use hsm::drbg::{Drbg, Random as _, SEED_BYTES};
use hsm::keyblock::Exportable;
use hsm::mac::{Algorithm, Padding, make};
use hsm::ops::{
    Answer, Attributes, Fault, Form, Hsm as _, MacData, NewKey, PinSide, Request, Role, StoredKey, Wrapped,
};
use hsm::pin::Format;
use hsm::{Cipher, Key, check_value, dukpt, keywrap};
use pkcs11::{OpenError, Token, TokenConfig};
use soft::{Inner, PIN, Soft, with_tokens, write_private};
use std::collections::HashSet;
use terms::{Pan, Sealed};

/// The transport key both sides know.
const ZMK: [u8; 32] = *b"a transport key both sides know!";

fn config(inner: &Inner, label: &str) -> TokenConfig {
    let pin_file = inner.directory.join("pin");
    write_private(&pin_file, PIN);
    TokenConfig {
        module: inner.module.clone(),
        label: Some(label.into()),
        serial: None,
        pin_file,
        key: "sekisho".into(),
        refused: None,
    }
}

fn one_token(soft: &Soft) {
    soft.token("one");
}

/// A token with master keys.
fn opened(inner: &Inner) -> Token {
    let config = config(inner, "one");
    Token::make_masters(&config).expect("an empty token takes them");
    Token::open(&config).expect("a token that has all")
}

/// What people do with the tools of the maker.
fn by_hand<T>(inner: &Inner, label: &str, act: impl FnOnce(&Session) -> T) -> T {
    let library = Pkcs11::new(&inner.module).expect("it loads");
    // In use already where a token of ours is open.
    let begun = library.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK));
    let slots = library.get_slots_with_initialized_token().expect("slots");
    let is_it = |slot: &cryptoki::slot::Slot| {
        library.get_token_info(*slot).is_ok_and(|about| about.label().trim_end() == label)
    };
    let session =
        library.open_rw_session(slots.into_iter().find(is_it).expect("it is there")).expect("a session");
    let _ = session.login(UserType::User, Some(&AuthPin::new(PIN.into())));
    let done = act(&session);
    drop(session);
    if begun.is_ok() {
        library.finalize().expect("nobody else uses it");
    }
    done
}

/// Puts a key both sides know into the token, as its maker's tool would.
fn put_zmk(inner: &Inner, token: &mut Token, label: &str) -> StoredKey {
    by_hand(inner, "one", |session| {
        let template = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Value(ZMK.to_vec()),
            Attribute::Label(label.into()),
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Wrap(true),
            Attribute::Unwrap(true),
            Attribute::Sign(true),
        ];
        session.create_object(&template).expect("it takes one");
    });
    let adopted = token.adopt(Role::Zmk, label).expect("it is there");
    let known = Key::aes(&ZMK).expect("32 bytes");
    assert_eq!(adopted.check, check_value::usual(&known));
    adopted.key
}

fn drawn(token: &mut Token, new: NewKey) -> StoredKey {
    match token.ask(&Request::Generate { key: new, under: None }) {
        Ok(Answer::Generated { key, .. }) => key,
        other => panic!("{other:?}"),
    }
}

/// The same key in clear: it leaves under the transport key both know, and the other side opens it.
fn in_clear(token: &mut Token, zmk: &StoredKey, key: &StoredKey, cipher: Cipher) -> Key {
    let export = Request::Export { key: key.clone(), transport: zmk.clone(), form: Form::KeyWrap };
    let Ok(Answer::Exported { wrapped, check: Some(check) }) = token.ask(&export) else {
        panic!("it may leave")
    };
    let bytes = keywrap::read(&wrapped.0).expect("a letter and hex");
    let opened = keywrap::unwrap(&Key::aes(&ZMK).expect("32 bytes"), cipher, &bytes).expect("it is whole");
    assert_eq!(check_value::usual(&opened), check);
    opened
}

fn mac_data(key: &StoredKey, algorithm: Algorithm, padding: Padding, data: &[u8]) -> MacData {
    MacData { key: key.clone(), algorithm, padding, data: Sealed::new(data.to_vec()) }
}

fn seed() -> u64 {
    let given = std::env::var("SEKISHO_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed} (play it again with SEKISHO_SEED={seed} cargo test -p pkcs11 --test softhsm)");
    seed
}

/// Every algorithm and filling over data of every length up to some blocks, and some longer ones.
fn compare_codes(inner: &Inner, has_parts: bool) {
    let mut token = opened(inner);
    let zmk = put_zmk(inner, &mut token, "zmk");
    let mut seed_bytes = [0; SEED_BYTES];
    seed_bytes[..8].copy_from_slice(&seed().to_be_bytes());
    let mut random = Drbg::new(&seed_bytes);
    let mut bytes = |count: usize| {
        let mut bytes = vec![0; count];
        random.fill(&mut bytes);
        bytes
    };
    let kinds = [
        NewKey::aes(Role::Zak, 16),
        NewKey::aes(Role::Tak, 24),
        NewKey::aes(Role::Zak, 32),
        NewKey::tdes(Role::Zak),
        NewKey { bytes: 24, ..NewKey::tdes(Role::Tak) },
    ];
    let mut compared = 0;
    for new in kinds {
        let stored = drawn(&mut token, new);
        let key = in_clear(&mut token, &zmk, &stored, new.cipher);
        assert_eq!(key.length(), new.bytes);
        for (algorithm, padding) in Algorithm::names().filter_map(Algorithm::named).flat_map(|algorithm| {
            [Padding::Zeros, Padding::Bit, Padding::Length].map(|padding| (algorithm, padding))
        }) {
            let lengths = (0..34).chain([63, 64, 65, 255, 1_000, 4_096]);
            for data in lengths.map(&mut bytes) {
                let data = mac_data(&stored, algorithm, padding, &data);
                let made = token.ask(&Request::MakeMac(data.clone()));
                let wanted = make(algorithm, padding, &key, data.data.expose());
                let needs_part = matches!(algorithm, Algorithm::X919 | Algorithm::Iso3);
                match wanted {
                    Ok(_) if needs_part && !has_parts => {
                        assert_eq!(made, Err(Fault::NotOffered), "{algorithm}")
                    }
                    Ok(wanted) => {
                        assert_eq!(
                            made,
                            Ok(Answer::Mac(wanted.as_bytes().to_vec())),
                            "{algorithm} {padding}"
                        );
                        let mac = wanted.as_bytes()[..4].to_vec();
                        let verify = |mac| Request::VerifyMac { data: data.clone(), mac };
                        assert_eq!(token.ask(&verify(mac.clone())), Ok(Answer::Verified));
                        assert_eq!(
                            token.ask(&verify(vec![mac[0] ^ 1, mac[1], mac[2], mac[3]])),
                            Err(Fault::NotVerified)
                        );
                        assert_eq!(
                            token.ask(&verify(mac[..3].to_vec())),
                            Err(Fault::NotVerified),
                            "too short"
                        );
                        compared += 1;
                    }
                    Err(_) => assert!(made.is_err(), "{algorithm} {padding}"),
                }
            }
        }
        let methods = [check_value::Method::Des, check_value::Method::Ecb, check_value::Method::Cmac];
        for method in methods {
            let asked = token.ask(&Request::CheckValue { key: stored.clone(), method: Some(method) });
            match check_value::check_value(&key, method) {
                Ok(wanted) => {
                    assert!(matches!(&asked, Ok(Answer::CheckValue(found)) if found.agrees_with(&wanted)))
                }
                Err(_) => assert_eq!(asked, Err(Fault::KeyLength)),
            }
        }
    }
    println!("{compared} codes are those of our own arithmetic");
    assert!(compared > 300, "{compared}");
}

#[test]
fn codes_and_check_values_are_those_of_our_own_arithmetic() {
    let name = "codes_and_check_values_are_those_of_our_own_arithmetic";
    with_tokens(name, false, one_token, |inner| compare_codes(&inner, false));
}

#[test]
fn with_single_des_in_the_token_so_are_those_of_x9_19() {
    let name = "with_single_des_in_the_token_so_are_those_of_x9_19";
    with_tokens(name, true, one_token, |inner| {
        compare_codes(&inner, true);
        let mut token = Token::open(&config(&inner, "one")).expect("all is there");
        assert!(token.abilities().algorithms().any(|name| name == "x919"));
        // A key of one part: drawn, kept, used.
        let single = drawn(&mut token, NewKey { bytes: 8, ..NewKey::tdes(Role::Zak) });
        let data = mac_data(&single, Algorithm::X99, Padding::Zeros, b"7654321 Now is the time for ");
        let Ok(Answer::Mac(mac)) = token.ask(&Request::MakeMac(data.clone())) else { panic!("it is made") };
        assert_eq!(token.ask(&Request::VerifyMac { data, mac }), Ok(Answer::Verified));
        let Ok(Answer::KnownAnswers(all)) = token.ask(&Request::KnownAnswers) else { panic!("it is well") };
        assert!(all.iter().all(|known| known.is_right == Some(true)), "{all:?}");
        assert!(all.iter().any(|known| known.what == "the same by X9.19"));
    });
}

#[test]
fn master_keys_are_drawn_once_are_the_same_next_time_and_others_in_another_token() {
    let name = "master_keys_are_drawn_once_are_the_same_next_time_and_others_in_another_token";
    let two = |soft: &Soft| {
        soft.token("one");
        soft.token("two");
    };
    with_tokens(name, false, two, |inner| {
        let [one, two] = ["one", "two"].map(|label| config(&inner, label));
        let none = Token::open(&one).expect_err("nobody has drawn them");
        assert_eq!(none, OpenError::NoMaster { label: "sekisho-wrap".into() });
        let check = Token::make_masters(&one).expect("an empty token takes them");
        assert!(check.len() == 16 && check.bytes().all(|byte| byte.is_ascii_hexdigit()), "{check}");
        let there = Token::make_masters(&one).expect_err("keys may lie under them");
        assert_eq!(there, OpenError::MasterThere { label: "sekisho-wrap".into() });
        let other = Token::make_masters(&two).expect("another token");
        assert_ne!(check, other);
        // Beside them, others of another name.
        let beside = TokenConfig { key: "beside".into(), ..one.clone() };
        assert_ne!(Token::make_masters(&beside).expect("room"), check);
        let mut token = Token::open(&one).expect("all is there");
        let mut foreign = Token::open(&two).expect("all is there");
        assert_eq!((token.check(), foreign.check()), (&check[..], &other[..]));
        let Ok(Answer::Status { lmk_check, firmware }) = token.ask(&Request::Status) else {
            panic!("it is well")
        };
        assert_eq!(lmk_check, check);
        assert!(firmware.contains("SoftHSM"), "{firmware}");
        // A key of one token is nothing in another.
        let zak = drawn(&mut token, NewKey::aes(Role::Zak, 16));
        let data = mac_data(&zak, Algorithm::AesCmac, Padding::Zeros, b"0200");
        let Ok(Answer::Mac(mac)) = token.ask(&Request::MakeMac(data.clone())) else { panic!("it is made") };
        assert_eq!(foreign.ask(&Request::MakeMac(data.clone())), Err(Fault::NotAuthentic));
        drop((token, foreign));
        let mut again = Token::open(&one).expect("the next day");
        assert_eq!(again.check(), check);
        assert_eq!(again.ask(&Request::VerifyMac { data, mac }), Ok(Answer::Verified));
    });
}

#[test]
fn master_keys_that_are_doubled_or_may_leave_are_not_taken() {
    let name = "master_keys_that_are_doubled_or_may_leave_are_not_taken";
    with_tokens(name, false, one_token, |inner| {
        let config = config(&inner, "one");
        Token::make_masters(&config).expect("an empty token takes them");
        let put = |label: &str, extractable: bool, sensitive: bool| {
            by_hand(&inner, "one", |session| {
                let template = [
                    Attribute::Class(ObjectClass::SECRET_KEY),
                    Attribute::KeyType(KeyType::AES),
                    Attribute::Value(vec![7; 32]),
                    Attribute::Label(label.into()),
                    Attribute::Token(true),
                    Attribute::Private(true),
                    Attribute::Sensitive(sensitive),
                    Attribute::Extractable(extractable),
                    Attribute::Decrypt(false),
                    Attribute::Wrap(true),
                    Attribute::Sign(true),
                ];
                session.create_object(&template).expect("it takes one");
            });
        };
        put("sekisho-seal", false, true);
        let doubled = Token::open(&config).expect_err("nobody knows which");
        assert_eq!(doubled, OpenError::SeveralMasters { label: "sekisho-seal".into() });
        for (key, extractable, sensitive, wanted) in [
            ("leaves", true, true, "may leave the token"),
            ("shown", false, false, "is shown to whoever asks"),
        ] {
            for name in ["wrap", "seal", "check"] {
                put(&format!("{key}-{name}"), extractable, sensitive);
            }
            let config = TokenConfig { key: key.into(), ..config.clone() };
            let weak = Token::open(&config).expect_err("it would be no master key").to_string();
            assert!(weak.contains(wanted), "{weak}");
        }
    });
}

#[test]
fn keys_come_and_go_under_a_transport_key_and_nothing_else_is_taken() {
    let name = "keys_come_and_go_under_a_transport_key_and_nothing_else_is_taken";
    with_tokens(name, false, one_token, |inner| {
        let mut token = opened(&inner);
        let zmk = put_zmk(&inner, &mut token, "zmk");
        let over = Key::aes(&ZMK).expect("32 bytes");
        let key = Key::tdes(b"sixteen bytes of").expect("16 bytes").with_parity();
        let wrapped = Wrapped(keywrap::write(&keywrap::wrap(&over, &key).expect("it fits")));
        let new = NewKey::tdes(Role::Zak);
        let import = |new: NewKey, wrapped: &Wrapped, expected| Request::Import {
            key: new,
            transport: zmk.clone(),
            wrapped: wrapped.clone(),
            expected,
        };
        let right = check_value::usual(&key);
        let taken = token.ask(&import(new, &wrapped, Some(right)));
        let Ok(Answer::Imported { key: stored, check, parity_mended: false }) = taken else {
            panic!("{taken:?}")
        };
        assert_eq!(check, right);
        assert!(in_clear(&mut token, &zmk, &stored, Cipher::Tdes) == key);
        let data = mac_data(&stored, Algorithm::TdesCbc, Padding::Bit, b"0200");
        let wanted = make(Algorithm::TdesCbc, Padding::Bit, &key, b"0200").expect("it fits");
        assert_eq!(token.ask(&Request::MakeMac(data)), Ok(Answer::Mac(wanted.as_bytes().to_vec())));

        let wrong = check_value::CheckValue::told(&[1, 2, 3]);
        let last = wrapped.0.len() - 1;
        let bent = Wrapped(wrapped.0[..last].to_owned() + if wrapped.0.ends_with('0') { "1" } else { "0" });
        let short = Wrapped(wrapped.0[..last - 15].to_owned());
        let zeros = Key::tdes(&[0; 16]).expect("16 bytes");
        let nothing = Wrapped(keywrap::write(&keywrap::wrap(&over, &zeros).expect("it fits")));
        let block = Wrapped("D0112P0AE00E0000B82679114F470F540165EDFBF7E250FCEA43F810D215F8D2".into());
        let aes = NewKey::aes(Role::Zak, 32);
        let to_be = |role| NewKey { role, ..new };
        #[rustfmt::skip]
        let refused = [
            ("another check value",   import(new, &wrapped, wrong),              Fault::CheckMismatch),
            ("a digit was changed",   import(new, &bent, None),                  Fault::NotAuthentic),
            ("cut short",             import(new, &short, None),                 Fault::KeyLength),
            ("of another length",     import(aes, &wrapped, None),               Fault::KeyLength),
            ("nothing but zeros",     import(new, &nothing, None),               Fault::SecondParity),
            ("a key block",           import(new, &block, None),                 Fault::NotOffered),
            ("a PIN key",             import(to_be(Role::Zpk), &wrapped, None),  Fault::WouldShowPin),
            ("a key for cards",       import(to_be(Role::Cvk), &wrapped, None),  Fault::NotOffered),
        ];
        for (what, request, fault) in refused {
            assert_eq!(token.ask(&request), Err(fault), "{what}");
        }
        // A key drawn here for a partner, both at once.
        let under = Some((zmk.clone(), Form::KeyWrap));
        let made = token.ask(&Request::Generate { key: NewKey::aes(Role::Zak, 32), under });
        let Ok(Answer::Generated { key: ours, wrapped: Some(theirs), check: Some(check) }) = made else {
            panic!("{made:?}")
        };
        let bytes = keywrap::read(&theirs.0).expect("a letter and hex");
        let theirs = keywrap::unwrap(&over, Cipher::Aes, &bytes).expect("it is whole");
        assert_eq!(check_value::usual(&theirs), check);
        assert!(in_clear(&mut token, &zmk, &ours, Cipher::Aes) == theirs);
    });
}

#[test]
fn a_key_serves_what_it_is_for_and_a_token_what_it_can_do_without_showing_anything() {
    let name = "a_key_serves_what_it_is_for_and_a_token_what_it_can_do_without_showing_anything";
    with_tokens(name, false, one_token, |inner| {
        let mut token = opened(&inner);
        let zmk = drawn(&mut token, NewKey::aes(Role::Zmk, 16));
        let tdes_zmk = drawn(&mut token, NewKey::tdes(Role::Zmk));
        let zak = drawn(&mut token, NewKey::aes(Role::Zak, 16));
        let long = drawn(&mut token, NewKey::aes(Role::Zak, 32));
        let marked = |mode, exportable| {
            let attributes = Attributes { usage: *b"M6", mode, key_version: *b"00", exportable };
            NewKey { attributes: Some(attributes), ..NewKey::aes(Role::Zak, 16) }
        };
        let stays = drawn(&mut token, marked(b'C', Exportable::No));
        let looks = drawn(&mut token, marked(b'V', Exportable::Yes));
        let mac =
            |key: &StoredKey| Request::MakeMac(mac_data(key, Algorithm::AesCmac, Padding::Zeros, b"0200"));
        let export = |key: &StoredKey, over: &StoredKey, form| Request::Export {
            key: key.clone(),
            transport: over.clone(),
            form,
        };
        let generate = |key| Request::Generate { key, under: None };
        let sm4 = NewKey { cipher: Cipher::Sm4, ..NewKey::tdes(Role::Zak) };
        let odd = NewKey { bytes: 20, ..NewKey::tdes(Role::Zak) };
        let pan = Pan::new(b"4111111111111111").expect("digits");
        let side = PinSide { key: StoredKey::new(Role::Tpk, "P1"), format: Format::Iso0, pan };
        let pin = Request::TranslatePin { block: Sealed::new(vec![1; 8]), from: side.clone(), to: side };
        let derivation = hsm::ops::Derivation::Tdes { ksn: [0; 10], purpose: dukpt::tdes::Purpose::Pin };
        let derive = Request::Derive { base: StoredKey::new(Role::Bdk, "P1"), derivation };
        let posing = StoredKey::new(Role::Zmk, zak.text.clone());
        let union_pay = mac_data(&zak, Algorithm::UnionPayEcb, Padding::Zeros, b"0200");
        #[rustfmt::skip]
        let refused = [
            ("a code by a transport key",         mac(&zmk),                                 Fault::Usage),
            ("a key under a key of codes",        export(&long, &zak, Form::KeyWrap),        Fault::Usage),
            ("one that poses as another",         export(&long, &posing, Form::KeyWrap),     Fault::Usage),
            ("a code by one that only verifies",  mac(&looks),                               Fault::Mode),
            ("one that stays leaves",             export(&stays, &zmk, Form::KeyWrap),       Fault::NotExportable),
            ("under a weaker one",                export(&long, &zmk, Form::KeyWrap),        Fault::Weaker),
            ("under one of triple DES",           export(&zak, &tdes_zmk, Form::KeyWrap),    Fault::KeyLength),
            ("as a key block",                    export(&zak, &zmk, Form::Tr31),            Fault::NotOffered),
            ("a code of another cipher",          Request::MakeMac(union_pay),               Fault::KeyLength),
            ("a key of SM4",                      generate(sm4),                             Fault::NotOffered),
            ("a key of 20 bytes",                 generate(odd),                             Fault::KeyLength),
            ("a PIN key",                         generate(NewKey::tdes(Role::Tpk)),         Fault::WouldShowPin),
            ("a PIN",                             pin,                                       Fault::WouldShowPin),
            ("a derived key",                     derive,                                    Fault::NotOffered),
            ("too many random bytes",             Request::Random { bytes: 257 },            Fault::DataLength),
        ];
        for (what, request, fault) in refused {
            assert_eq!(token.ask(&request), Err(fault), "{what}");
        }
        let said = Fault::WouldShowPin.to_string();
        assert_eq!(said, "this token cannot translate PINs without showing them: use a payment module");
        let verify = mac_data(&looks, Algorithm::AesCmac, Padding::Zeros, b"0200");
        let verified = token.ask(&Request::VerifyMac { data: verify, mac: vec![0; 16] });
        assert_eq!(verified, Err(Fault::NotVerified), "it looks, and it is wrong");
        let Ok(Answer::Random(bytes)) = token.ask(&Request::Random { bytes: 256 }) else {
            panic!("it draws")
        };
        assert!(bytes.iter().any(|byte| *byte != 0));
        // Not a character of a stored key may be another.
        let text = zak.text.clone().into_bytes();
        for at in 0..text.len() {
            let mut other = text.clone();
            other[at] = if other[at] == b'0' { b'1' } else { b'0' };
            let bent = StoredKey::new(Role::Zak, String::from_utf8(other).expect("still text"));
            let refused = token.ask(&mac(&bent));
            assert!(
                matches!(refused, Err(Fault::NotAuthentic | Fault::Unreadable)),
                "character {at} of {}: {refused:?}",
                zak.text
            );
        }
        assert!(matches!(token.ask(&mac(&zak)), Ok(Answer::Mac(_))), "and the session goes on");
    });
}

#[test]
fn a_key_that_lies_in_the_token_is_used_there_until_it_is_taken_away() {
    let name = "a_key_that_lies_in_the_token_is_used_there_until_it_is_taken_away";
    with_tokens(name, false, one_token, |inner| {
        let mut token = opened(&inner);
        assert_eq!(token.adopt(Role::Zmk, "zmk-cn").expect_err("not there yet"), Fault::Unreadable);
        assert_eq!(token.adopt(Role::Zmk, "no such:label").expect_err("no label"), Fault::Unreadable);
        assert_eq!(token.adopt(Role::Zpk, "zmk-cn").expect_err("PINs are not moved"), Fault::WouldShowPin);
        let zmk = put_zmk(&inner, &mut token, "zmk-cn");
        let zak = drawn(&mut token, NewKey::aes(Role::Zak, 32));
        let export = Request::Export { key: zak.clone(), transport: zmk.clone(), form: Form::KeyWrap };
        assert!(matches!(token.ask(&export), Ok(Answer::Exported { .. })));
        // It does not leave itself: the token says so.
        let over = drawn(&mut token, NewKey::aes(Role::Zmk, 32));
        let itself = Request::Export { key: zmk.clone(), transport: over, form: Form::KeyWrap };
        assert_eq!(token.ask(&itself), Err(Fault::NotExportable));
        by_hand(&inner, "one", |session| {
            let found = session.find_objects(&[Attribute::Label(b"zmk-cn".to_vec())]).expect("a search");
            found.into_iter().for_each(|key| session.destroy_object(key).expect("it goes"));
        });
        assert_eq!(token.ask(&export), Err(Fault::Unreadable));
        let plain = |sensitive| {
            by_hand(&inner, "one", |session| {
                let template = [
                    Attribute::Class(ObjectClass::SECRET_KEY),
                    Attribute::KeyType(KeyType::AES),
                    Attribute::Value(ZMK.to_vec()),
                    Attribute::Label(b"plain".to_vec()),
                    Attribute::Token(true),
                    Attribute::Sensitive(sensitive),
                    Attribute::Sign(true),
                ];
                session.create_object(&template).expect("it takes one");
            });
        };
        plain(false);
        assert_eq!(token.adopt(Role::Zmk, "plain").expect_err("everybody sees it"), Fault::NotAuthorised);
        plain(true);
        assert_eq!(token.adopt(Role::Zmk, "plain").expect_err("which of the two"), Fault::Unreadable);
    });
}

#[test]
fn a_key_that_may_not_sign_shows_the_same_check_value_and_one_that_deciphers_is_told_of() {
    let name = "a_key_that_may_not_sign_shows_the_same_check_value_and_one_that_deciphers_is_told_of";
    with_tokens(name, false, one_token, |inner| {
        let mut token = opened(&inner);
        for at in 0..32_u8 {
            let key: [u8; 32] = std::array::from_fn(|byte| at.wrapping_mul(37) ^ byte as u8);
            let label = format!("zmk-{at}");
            by_hand(&inner, "one", |session| {
                let template = [
                    Attribute::Class(ObjectClass::SECRET_KEY),
                    Attribute::KeyType(KeyType::AES),
                    Attribute::Value(key.to_vec()),
                    Attribute::Label(label.clone().into_bytes()),
                    Attribute::Token(true),
                    Attribute::Sensitive(true),
                    Attribute::Sign(false),
                    Attribute::Encrypt(at % 4 != 3),
                    Attribute::Decrypt(at % 2 == 1),
                ];
                session.create_object(&template).expect("it takes one");
            });
            let adopted = token.adopt(Role::Zmk, &label);
            if at % 4 == 3 {
                assert_eq!(adopted.expect_err("it shows nothing"), Fault::Mode);
                continue;
            }
            let adopted = adopted.expect("it may encipher");
            assert_eq!(adopted.check, check_value::usual(&Key::aes(&key).expect("32 bytes")));
            assert_eq!(adopted.is_open, at % 2 == 1);
        }
    });
}

#[test]
fn more_keys_than_a_session_holds_are_served_all_the_same() {
    let name = "more_keys_than_a_session_holds_are_served_all_the_same";
    with_tokens(name, false, one_token, |inner| {
        let mut token = opened(&inner);
        let keys: Vec<StoredKey> = (0..300).map(|_| drawn(&mut token, NewKey::aes(Role::Tak, 16))).collect();
        let macs = |token: &mut Token| -> Vec<_> {
            let data = |key| mac_data(key, Algorithm::AesCmac, Padding::Zeros, b"0200");
            keys.iter().map(|key| token.ask(&Request::MakeMac(data(key))).expect("it is made")).collect()
        };
        let first = macs(&mut token);
        let different = first.iter().map(|mac| match mac {
            Answer::Mac(mac) => mac.clone(),
            other => panic!("{other:?}"),
        });
        let different: HashSet<_> = different.collect();
        assert_eq!(different.len(), 300, "each has its own");
        assert!(macs(&mut token) == first);
    });
}
