//! The software module: what it does, and what it refuses.

use hsm::check_value::CheckValue;
use hsm::drbg::SEED_BYTES;
use hsm::dukpt;
use hsm::keyblock::Exportable;
use hsm::lmk::Scheme;
use hsm::mac::{Algorithm, Padding};
use hsm::ops::{
    Answer, Attributes, Class, Derivation, Fault, Form, Hsm, MacData, NewKey, PinSide, Request, Role,
    StoredKey, Wrapped,
};
use hsm::pin::{Fill, Format, compose, decipher, encipher, extract};
use hsm::software::{Master, MasterError, SoftwareHsm};
use hsm::{Cipher, Key, Pin};
use terms::{Pan, Sealed};

fn component(byte: u8) -> Key {
    Key::aes(&std::array::from_fn::<u8, 32, _>(|at| byte.wrapping_mul(at as u8 + 1))).expect("32 bytes")
}

fn module() -> SoftwareHsm {
    let master = Master::from_components(&[component(3), component(7), component(11)]).expect("three");
    SoftwareHsm::new(master, &[5; SEED_BYTES]).expect("this machine computes rightly")
}

fn made(hsm: &mut SoftwareHsm, key: NewKey) -> StoredKey {
    match hsm.ask(&Request::Generate { key, under: None }) {
        Ok(Answer::Generated { key, wrapped: None, check: Some(_) }) => key,
        other => panic!("{other:?}"),
    }
}

fn tdes(hsm: &mut SoftwareHsm, role: Role) -> StoredKey {
    made(hsm, NewKey::tdes(role))
}

fn mac_data(key: &StoredKey) -> MacData {
    MacData {
        key: key.clone(),
        algorithm: Algorithm::X919,
        padding: Padding::Zeros,
        data: Sealed::new(b"0200 4111111111111111 000000020000".to_vec()),
    }
}

fn side(key: &StoredKey) -> PinSide {
    PinSide { key: key.clone(), format: Format::Iso0, pan: Pan::new(b"4111111111111111").expect("digits") }
}

/// A transport key both sides enter by hand, in two components each.
fn by_hand(hsm: &mut SoftwareHsm) -> StoredKey {
    let components =
        [*b"0123456789ABCDEF", *b"What two people "].map(|part| Key::tdes(&part).expect("16 bytes"));
    let (key, check) = hsm.form(&NewKey::tdes(Role::Zmk), &components).expect("two components");
    assert_eq!(check.as_bytes().len(), 3);
    key
}

#[test]
fn a_key_travels_by_key_wrap_under_an_aes_key_and_no_other() {
    let mut hsm = module();
    let zmk = made(&mut hsm, NewKey::aes(Role::Zmk, 32));
    for new in
        [NewKey::tdes(Role::Zak), NewKey { bytes: 24, ..NewKey::tdes(Role::Zak) }, NewKey::aes(Role::Zak, 32)]
    {
        let zak = made(&mut hsm, new);
        let (key, transport) = (zak.clone(), zmk.clone());
        let exported = hsm.ask(&Request::Export { key, transport, form: Form::KeyWrap });
        let Ok(Answer::Exported { wrapped, check }) = exported else { panic!("{exported:?}") };
        assert_eq!(wrapped.0.len(), 1 + 2 * (new.bytes + 8));
        let import = |wrapped| Request::Import { key: new, transport: zmk.clone(), wrapped, expected: check };
        let Ok(Answer::Imported { key: again, .. }) = hsm.ask(&import(wrapped.clone())) else {
            panic!("it is its own")
        };
        let algorithm = if new.cipher == Cipher::Aes { Algorithm::AesCmac } else { Algorithm::X919 };
        let mac = |key| Request::MakeMac(MacData { algorithm, ..mac_data(key) });
        assert_eq!(hsm.ask(&mac(&zak)), hsm.ask(&mac(&again)));
        let last = wrapped.0.len() - 1;
        let bent = wrapped.0.split_at(last).0.to_owned() + if wrapped.0.ends_with('0') { "1" } else { "0" };
        assert_eq!(hsm.ask(&import(Wrapped(bent))), Err(Fault::NotAuthentic));
        let under_tdes = by_hand(&mut hsm);
        let export = Request::Export { key: zak, transport: under_tdes, form: Form::KeyWrap };
        let wanted =
            if new.cipher == Cipher::Aes || new.bytes == 24 { Fault::Weaker } else { Fault::KeyLength };
        assert_eq!(hsm.ask(&export), Err(wanted));
    }
}

#[test]
fn two_modules_exchange_keys_and_then_understand_each_other() {
    for form in [Form::Scheme(Scheme::U), Form::Scheme(Scheme::X), Form::Tr31, Form::PayShield] {
        let mut ours = module();
        let partners = Master::from_components(&[component(1), component(2)]).expect("two");
        let mut theirs = SoftwareHsm::new(partners, &[9; SEED_BYTES]).expect("it computes rightly");
        let (our_zmk, their_zmk) = (by_hand(&mut ours), by_hand(&mut theirs));
        assert_ne!(our_zmk, their_zmk, "each keeps it under its own master key");

        let under = Some((our_zmk.clone(), form));
        let made = ours.ask(&Request::Generate { key: NewKey::tdes(Role::Zak), under });
        let Ok(Answer::Generated { key: our_zak, wrapped: Some(wrapped), check: Some(check) }) = made else {
            panic!("{made:?}")
        };
        let import = |expected| Request::Import {
            key: NewKey::tdes(Role::Zak),
            transport: their_zmk.clone(),
            wrapped: wrapped.clone(),
            expected: Some(expected),
        };
        let wrong = CheckValue::told(&[0, 0, 0]).expect("three bytes");
        assert_eq!(theirs.ask(&import(wrong)), Err(Fault::CheckMismatch));
        let taken = theirs.ask(&import(check));
        let Ok(Answer::Imported { key: their_zak, check: same, parity_mended: false }) = taken else {
            panic!("{form:?}: {taken:?}")
        };
        assert_eq!(check, same);

        let Ok(Answer::Mac(mac)) = ours.ask(&Request::MakeMac(mac_data(&our_zak))) else { panic!("a MAC") };
        let verify = |mac: &[u8]| Request::VerifyMac { data: mac_data(&their_zak), mac: mac.to_vec() };
        assert_eq!(theirs.ask(&verify(&mac)), Ok(Answer::Verified));
        assert_eq!(theirs.ask(&verify(&mac[..4])), Ok(Answer::Verified), "the first four bytes");
        assert_eq!(theirs.ask(&verify(&mac[..3])), Err(Fault::NotVerified), "three could be guessed");
        assert_eq!(
            ours.ask(&Request::VerifyMac { data: mac_data(&their_zak), mac }),
            Err(Fault::NotAuthentic)
        );
        // The same key goes out once more, and is still the same.
        let export = Request::Export { key: our_zak, transport: our_zmk, form };
        let again = ours.ask(&export);
        assert!(matches!(again, Ok(Answer::Exported { check: c, .. }) if c == Some(check)), "{again:?}");
    }
}

#[test]
fn a_key_from_components_needs_two_of_them_alike() {
    let mut hsm = module();
    let part = |bytes: usize| Key::tdes(&vec![0x31; bytes]).expect("a length of DES");
    let other = Key::tdes(&[0x32; 16]).expect("16 bytes");
    let new = NewKey::tdes(Role::Zmk);
    for (components, fault) in [
        (vec![], Fault::Components),
        (vec![part(16)], Fault::Components),
        (vec![part(16), part(8)], Fault::KeyLength),
        (vec![part(8), part(8)], Fault::KeyLength),
        (vec![part(16), part(16)], Fault::Parity),
        // Their sum has two halves alike.
        (vec![part(16), other], Fault::Parity),
    ] {
        assert_eq!(hsm.form(&new, &components).err(), Some(fault), "{} components", components.len());
    }
}

#[test]
fn a_pin_goes_from_the_terminals_key_to_the_hosts() {
    // Keys whose clear value the test knows lie under a master key that everybody knows.
    let known = |byte: u8| {
        let bytes: [u8; 16] = std::array::from_fn(|at| byte.wrapping_mul(at as u8 + 5));
        Key::tdes(&bytes).expect("16 bytes").with_parity()
    };
    let (tpk, zpk) = (known(3), known(17));
    let mut variants =
        SoftwareHsm::new(Master::variants(hsm::payshield::test_lmk::variants()), &[1; SEED_BYTES])
            .expect("it computes rightly");
    let stored = |role: Role, key: &Key| {
        let over = hsm::payshield::test_lmk::variants().key_for(role.key_type());
        let bytes = hsm::lmk::encrypt_under(&over, Scheme::U, key).expect("a key of two parts");
        let digits: String = bytes[..16].iter().map(|byte| format!("{byte:02X}")).collect();
        StoredKey::new(role, format!("U{digits}"))
    };
    let pan = Pan::new(b"4111111111111111").expect("digits");
    let pin = Pin::new(b"271828").expect("a PIN");
    let block = compose(Format::Iso0, &pin, &pan, &mut Fill::Given(&[])).expect("a block");
    let block = encipher(Format::Iso0, &block, &pan, &tpk).expect("a block");
    let request = Request::TranslatePin {
        block: Sealed::new(block.as_bytes().to_vec()),
        from: side(&stored(Role::Tpk, &tpk)),
        to: PinSide { format: Format::Iso3, ..side(&stored(Role::Zpk, &zpk)) },
    };
    let Ok(Answer::Pin { block, digits: 6 }) = variants.ask(&request) else {
        panic!("a block of six digits")
    };
    let clear = decipher(Format::Iso3, &block, &pan, &zpk).expect("a block");
    assert_eq!(extract(Format::Iso3, &clear, &pan), Ok(pin));
}

#[test]
fn a_key_is_used_for_what_it_is_for_and_nothing_else() {
    let mut hsm = module();
    let [zmk, tpk, zpk, zak, bdk] =
        [Role::Zmk, Role::Tpk, Role::Zpk, Role::Zak, Role::Bdk].map(|role| tdes(&mut hsm, role));
    // A stored key that is called something else is still what its block says.
    let as_zmk = StoredKey { role: Role::Zmk, ..zpk.clone() };
    let translate = |from: &StoredKey, to: &StoredKey| Request::TranslatePin {
        block: Sealed::new(vec![0; 8]),
        from: side(from),
        to: side(to),
    };
    let export = |key: &StoredKey, transport: &StoredKey, form| Request::Export {
        key: key.clone(),
        transport: transport.clone(),
        form,
    };
    let derivation = Derivation::Tdes { ksn: [1; 10], purpose: dukpt::tdes::Purpose::Pin };
    let cmac = MacData { algorithm: Algorithm::AesCmac, ..mac_data(&zak) };
    let odd_padding = MacData { padding: Padding::Bit, ..mac_data(&zak) };
    let (key, u) = (NewKey::tdes(Role::Zpk), Form::Scheme(Scheme::U));
    #[rustfmt::skip]
    let cases = [
        ("a MAC by a PIN key",              Request::MakeMac(mac_data(&tpk)),                             Fault::Usage),
        ("a PIN under a MAC key",           translate(&zak, &zpk),                                        Fault::Usage),
        ("a PIN to a transport key",        translate(&tpk, &zmk),                                        Fault::Usage),
        ("a key under a PIN key",           export(&zak, &zpk, u),                                        Fault::Usage),
        ("a PIN key called transport key",  export(&zak, &as_zmk, u),                                     Fault::Usage),
        ("a key made under a MAC key",      Request::Generate { key, under: Some((zak.clone(), u)) },     Fault::Usage),
        ("keys derived from a PIN key",     Request::Derive { base: zpk.clone(), derivation },            Fault::Usage),
        ("CMAC of AES by a key of DES",     Request::MakeMac(cmac),                                       Fault::KeyLength),
        ("X9.19 filled another way",        Request::MakeMac(odd_padding),                                Fault::Request),
        ("a double key by a triple scheme", export(&zak, &zmk, Form::Scheme(Scheme::T)),                  Fault::KeyLength),
        ("more random bytes than given",    Request::Random { bytes: 257 },                               Fault::DataLength),
        ("nonsense as a PIN block",         translate(&tpk, &zpk),                                        Fault::PinBlock),
    ];
    for (what, request, fault) in cases {
        assert_eq!(hsm.ask(&request), Err(fault), "{what}");
    }
    let Ok(Answer::Derived { key, .. }) = hsm.ask(&Request::Derive { base: bdk, derivation }) else {
        panic!("a derived key")
    };
    assert_eq!(key.role, Role::Tpk);
}

#[test]
fn what_a_block_permits_is_permitted_and_nothing_else() {
    let mut hsm = module();
    let zmk = tdes(&mut hsm, Role::Zmk);
    let marked = |role: Role, usage: &[u8; 2], mode, exportable| NewKey {
        attributes: Some(Attributes { usage: *usage, mode, key_version: *b"01", exportable }),
        ..NewKey::tdes(role)
    };
    let only_verify = made(&mut hsm, marked(Role::Zak, b"M3", b'V', Exportable::Yes));
    assert_eq!(hsm.ask(&Request::MakeMac(mac_data(&only_verify))), Err(Fault::Mode));
    let wrong = Request::VerifyMac { data: mac_data(&only_verify), mac: vec![0; 8] };
    assert_eq!(hsm.ask(&wrong), Err(Fault::NotVerified), "it may be asked");

    let stays = made(&mut hsm, marked(Role::Zpk, b"P0", b'B', Exportable::No));
    let export = Request::Export { key: stays, transport: zmk.clone(), form: Form::Tr31 };
    assert_eq!(hsm.ask(&export), Err(Fault::NotExportable));
    // A single-length key does not come in where a double-length one is expected.
    let single = Wrapped("0123456789ABCDEF".into());
    let import =
        Request::Import { key: NewKey::tdes(Role::Zpk), transport: zmk, wrapped: single, expected: None };
    assert_eq!(hsm.ask(&import), Err(Fault::KeyLength));
    let short = NewKey { bytes: 24, ..NewKey::tdes(Role::Zpk) };
    let long = made(&mut hsm, short);
    let transport = tdes(&mut hsm, Role::Zmk);
    let export = Request::Export { key: long, transport, form: Form::Tr31 };
    assert_eq!(hsm.ask(&export), Err(Fault::Weaker));
}

#[test]
fn a_stored_key_that_was_touched_is_refused() {
    let mut hsm = module();
    let key = tdes(&mut hsm, Role::Zak);
    for at in 0..key.text.len() {
        let mut text = key.text.clone().into_bytes();
        text[at] = if text[at] == b'7' { b'8' } else { b'7' };
        let touched = StoredKey { text: String::from_utf8(text).expect("text"), ..key.clone() };
        let refused = hsm.ask(&Request::MakeMac(mac_data(&touched))).expect_err("it was touched");
        assert!(matches!(refused.class(), Class::Key | Class::Configuration), "character {at}: {refused}");
    }
    for length in 0..key.text.len() {
        let cut = StoredKey { text: key.text[..length].into(), ..key.clone() };
        assert_eq!(hsm.ask(&Request::MakeMac(mac_data(&cut))), Err(Fault::Unreadable), "cut at {length}");
    }
    let other = Master::from_components(&[component(4), component(9)]).expect("two components");
    let mut other = SoftwareHsm::new(other, &[5; SEED_BYTES]).expect("it computes rightly");
    assert_eq!(other.ask(&Request::MakeMac(mac_data(&key))), Err(Fault::NotAuthentic), "another master key");
    let status = |hsm: &mut SoftwareHsm| hsm.ask(&Request::Status).expect("it is well");
    assert_ne!(format!("{:?}", status(&mut hsm)), format!("{:?}", status(&mut other)));
}

#[test]
fn a_master_key_needs_two_people_and_full_components() {
    let short = Key::aes(&[1; 16]).expect("16 bytes");
    let single = Key::tdes(&[1; 24]).expect("24 bytes");
    #[rustfmt::skip]
    let cases = [
        (vec![],                             MasterError::Components { found: 0 }),
        (vec![component(3)],                 MasterError::Components { found: 1 }),
        (vec![component(3), short],          MasterError::Component { number: 2 }),
        (vec![single, component(3)],         MasterError::Component { number: 1 }),
        (vec![component(3), component(3)],   MasterError::Weak),
    ];
    for (components, error) in cases {
        assert_eq!(Master::from_components(&components).err(), Some(error));
    }
    let one_way = Master::from_components(&[component(3), component(5)]).expect("two").check();
    let other_way = Master::from_components(&[component(5), component(3)]).expect("two").check();
    assert_eq!(one_way, other_way);
}

#[test]
fn keys_that_are_made_are_strong_and_never_twice_the_same() {
    let mut hsm = module();
    let mut seen = std::collections::BTreeSet::new();
    for cipher in [Cipher::Tdes, Cipher::Aes] {
        for _ in 0..50 {
            let new = NewKey { cipher, ..NewKey::tdes(Role::Zak) };
            let key = made(&mut hsm, new);
            let value = hsm.ask(&Request::CheckValue { key, method: None }).expect("a check value");
            assert!(seen.insert(format!("{value:?}")), "made twice");
        }
    }
    let mended = Wrapped("0123456789ABCDE0FEDCBA9876543210".into());
    let transport = tdes(&mut hsm, Role::Zmk);
    let taken = hsm.ask(&Request::Import {
        key: NewKey::tdes(Role::Zpk),
        transport,
        wrapped: Wrapped(format!("X{}", mended.0)),
        expected: None,
    });
    assert!(matches!(taken, Ok(Answer::Imported { parity_mended: true, .. })), "{taken:?}");
}

/// A cryptogram without a block binds nothing: who writes the same eight bytes twice has made a single-length key,
/// and needs to guess no more than a check value.
#[test]
fn a_shorter_key_in_disguise_is_not_taken() {
    let mut hsm = module();
    let transport = by_hand(&mut hsm);
    let one = "0123456789ABCDEF";
    for (text, bytes) in
        [(format!("X{one}{one}"), 16), (format!("Y{one}FEDCBA9876543210FEDCBA9876543210"), 24)]
    {
        let import = Request::Import {
            key: NewKey { bytes, ..NewKey::tdes(Role::Zpk) },
            transport: transport.clone(),
            wrapped: Wrapped(text),
            expected: None,
        };
        assert_eq!(hsm.ask(&import), Err(Fault::Weaker));
    }
    // Components whose sum has the same parts but for their parity.
    let parts = [*b"0123456710325476", *b"ABCDEFGHABCDEFGH"].map(|part| Key::tdes(&part).expect("16 bytes"));
    assert_eq!(hsm.form(&NewKey::tdes(Role::Zmk), &parts).map(|_| ()), Err(Fault::Parity));
}

#[test]
fn nothing_secret_is_in_what_is_printed() {
    let mut hsm = module();
    let key = tdes(&mut hsm, Role::Zpk);
    let request =
        Request::TranslatePin { block: Sealed::new(vec![0xAB; 8]), from: side(&key), to: side(&key) };
    let answer = hsm.ask(&request);
    let printed = format!("{request:?} {key:?} {hsm:?} {answer:?}");
    for secret in [&key.text[16..40], "4111111111111111", "ABAB", "abab"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}
