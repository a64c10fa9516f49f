//! Whatever may be wrong with a token, its library, its PIN or the way to it: each has its answer, and a wrong PIN is tried
//! once.

mod soft;

use hsm::mac::{Algorithm, Padding};
use hsm::ops::{Answer, Fault, Hsm as _, MacData, NewKey, Request, Role, StoredKey};
use pkcs11::{OpenError, Token, TokenConfig, Told, spawn};
use soft::{Inner, PIN, Soft, with_tokens, write_private};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;
use terms::{ConnId, Sealed};

const PATIENCE: Duration = Duration::from_secs(20);

fn config(inner: &Inner, module: &Path) -> TokenConfig {
    let pin_file = inner.directory.join("pin");
    if !pin_file.exists() {
        write_private(&pin_file, PIN);
    }
    TokenConfig {
        module: module.into(),
        label: Some("one".into()),
        serial: None,
        pin_file,
        key: "sekisho".into(),
        refused: Some(inner.directory.join("refused")),
    }
}

fn one(soft: &Soft) {
    soft.token("one");
}

fn one_behind_an_ill_library(soft: &Soft) {
    soft.token("one");
    soft.ill();
}

fn refusal(config: &TokenConfig) -> String {
    Token::open(config).map(|_| ()).expect_err("it is not opened").to_string()
}

fn mac(key: &StoredKey) -> Request {
    let data = Sealed::new(b"0200".to_vec());
    Request::MakeMac(MacData {
        key: key.clone(),
        algorithm: Algorithm::AesCmac,
        padding: Padding::Zeros,
        data,
    })
}

fn drawn(token: &mut Token) -> StoredKey {
    match token.ask(&Request::Generate { key: NewKey::aes(Role::Zak, 16), under: None }) {
        Ok(Answer::Generated { key, .. }) => key,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_wrong_pin_is_tried_once_and_not_again_before_its_file_is_written_anew() {
    let name = "a_wrong_pin_is_tried_once_and_not_again_before_its_file_is_written_anew";
    with_tokens(name, false, one_behind_an_ill_library, |inner| {
        let config = config(&inner, &inner.ill());
        Token::make_masters(&config).expect("the PIN is right");
        let before = inner.logins();
        write_private(&config.pin_file, "999999");
        for _ in 0..20 {
            let refused = OpenError::PinRefused { path: config.pin_file.clone() };
            assert_eq!(Token::open(&config).expect_err("it is wrong"), refused);
        }
        // Several sessions at once are one try, too.
        let (tell, told) = channel();
        let workers = spawn(&config, 8, 10, move |said| drop(tell.send(said))).expect("threads");
        for _ in 0..8 {
            let said = told.recv_timeout(PATIENCE).expect("each says why");
            assert!(
                matches!(said, Told::NotOpened { ref why } if why.contains("refused the PIN")),
                "{said:?}"
            );
        }
        // It goes on looking, and says the same thing no second time.
        assert_eq!(told.recv_timeout(Duration::from_millis(300)).err(), Some(RecvTimeoutError::Timeout));
        assert_eq!(inner.logins(), before + 1, "one try, and no second");
        // A service that is started anew remembers it.
        let again = again_elsewhere(&inner);
        assert!(again.contains("refused the PIN"), "{again}");
        assert_eq!(inner.logins(), before + 1, "not even then");
        // It is put right, and they all come without being told.
        write_private(&config.pin_file, PIN);
        for _ in 0..8 {
            let said = told.recv_timeout(PATIENCE).expect("each opens");
            assert!(matches!(said, Told::Opened { .. }), "{said:?}");
        }
        drop(workers);
        assert!(!config.refused.expect("named above").exists(), "nothing is held against the new file");
    });
}

/// What another process says that opens the same token.
fn again_elsewhere(inner: &Inner) -> String {
    let mut command = std::process::Command::new(std::env::current_exe().expect("it runs"));
    let name = "elsewhere_a_process_opens_the_token_it_is_told_of";
    command.args(["--exact", name, "--nocapture"]).env("SEKISHO_TEST_OPENS", inner.ill());
    String::from_utf8_lossy(&command.output().expect("it can run again").stdout).into_owned()
}

#[test]
fn elsewhere_a_process_opens_the_token_it_is_told_of() {
    let Some(module) = std::env::var_os("SEKISHO_TEST_OPENS").map(PathBuf::from) else { return };
    let directory = module.parent().expect("a directory").to_path_buf();
    println!("{}", refusal(&config(&Inner { directory, module: module.clone() }, &module)));
}

#[test]
fn the_last_try_is_not_ours_and_a_locked_token_is_not_asked() {
    let name = "the_last_try_is_not_ours_and_a_locked_token_is_not_asked";
    with_tokens(name, false, one_behind_an_ill_library, |inner| {
        let config = config(&inner, &inner.ill());
        Token::make_masters(&config).expect("the PIN is right");
        let before = inner.logins();
        for (ill, wanted) in [("final-try", "one try left"), ("locked", "locked its PIN")] {
            inner.fall_ill(ill);
            let said = refusal(&config);
            assert!(said.contains(wanted) && said.contains("the token's own tool"), "{said}");
        }
        assert_eq!(inner.logins(), before);
        inner.fall_ill("");
        Token::open(&config).expect("it is well again");
    });
}

#[test]
fn a_file_of_a_pin_that_others_read_or_that_is_none_is_not_used() {
    let name = "a_file_of_a_pin_that_others_read_or_that_is_none_is_not_used";
    with_tokens(name, false, one_behind_an_ill_library, |inner| {
        let config = config(&inner, &inner.ill());
        let path = &config.pin_file;
        let mode =
            |mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("ours");
        let says = |wanted: &str| {
            let said = refusal(&config);
            assert!(said.contains(wanted) && said.contains("pin"), "{said}");
        };
        for open in [0o640, 0o604, 0o620, 0o666] {
            mode(open);
            says("chmod 600");
        }
        mode(0o600);
        for text in ["", "12\n34", &"1".repeat(300)] {
            std::fs::write(path, text).expect("room");
            says("not one line of text");
        }
        std::fs::write(path, [0xFF, 0xFE, 0xFD]).expect("room");
        says("not one line of text");
        let elsewhere = inner.directory.join("elsewhere");
        write_private(&elsewhere, PIN);
        std::fs::remove_file(path).expect("ours");
        says("No such file");
        std::os::unix::fs::symlink(&elsewhere, path).expect("room");
        says("symbolic link");
        std::fs::remove_file(path).expect("ours");
        std::fs::create_dir(path).expect("room");
        says("it is no file");
        assert_eq!(inner.logins(), 0, "nothing of it was shown to the token");
    });
}

#[test]
fn no_token_another_one_two_of_them_no_library_or_none_at_all_is_said_by_name() {
    let name = "no_token_another_one_two_of_them_no_library_or_none_at_all_is_said_by_name";
    let three = |soft: &Soft| {
        for label in ["one", "twin", "twin"] {
            soft.token(label);
        }
    };
    with_tokens(name, false, three, |inner| {
        let right = config(&inner, &inner.module);
        Token::make_masters(&right).expect("an empty token takes them");
        let copy = inner.directory.join("copy.so");
        std::fs::copy(&inner.module, &copy).expect("room");
        std::fs::set_permissions(&copy, std::fs::Permissions::from_mode(0o777)).expect("ours");
        let text = inner.directory.join("text.so");
        std::fs::write(&text, "no library").expect("room");
        let with = |label: Option<&str>, serial: Option<&str>| TokenConfig {
            label: label.map(str::to_owned),
            serial: serial.map(str::to_owned),
            ..right.clone()
        };
        let by = |module: PathBuf| TokenConfig { module, ..right.clone() };
        let libc = PathBuf::from("/lib/x86_64-linux-gnu/libm.so.6");
        #[rustfmt::skip]
        let cases = [
            (with(Some("three"), None),              "there is no token `three`; there are: `"),
            (with(Some("one"), Some("0000")),        "there is no token `one` with serial number 0000"),
            (with(Some("twin"), None),               "several tokens `twin`"),
            (with(None, None),                       "several tokens at all"),
            (by("/usr/lib/nobody.so".into()),        "No such file"),
            (by(inner.directory.clone()),            "it is no file"),
            (by(text),                               "text.so is not taken"),
            (by(copy),                               "others may write it (mode 777)"),
            (TokenConfig { key: "other".into(), ..right.clone() }, "`sekisho hsm master` draws one"),
        ];
        for (config, wanted) in cases {
            let said = refusal(&config);
            assert!(said.contains(wanted), "{said}");
        }
        if libc.is_file() {
            assert!(refusal(&by(libc)).contains("is not taken"), "a library of something else");
        }
        Token::open(&right).expect("and the right one is opened all the same");
    });
}

#[test]
fn a_token_that_is_full_makes_room_once_and_says_so_when_that_does_not_help() {
    let name = "a_token_that_is_full_makes_room_once_and_says_so_when_that_does_not_help";
    with_tokens(name, false, one_behind_an_ill_library, |inner| {
        let config = config(&inner, &inner.ill());
        Token::make_masters(&config).expect("an empty token takes them");
        let mut token = Token::open(&config).expect("all is there");
        let keys: Vec<StoredKey> = (0..3).map(|_| drawn(&mut token)).collect();
        let first: Vec<_> = keys[..2].iter().map(|key| token.ask(&mac(key)).expect("it is made")).collect();
        inner.fall_ill("full-once");
        assert!(matches!(token.ask(&mac(&keys[2])), Ok(Answer::Mac(_))), "two keys made room for it");
        inner.fall_ill("");
        let again: Vec<_> = keys[..2].iter().map(|key| token.ask(&mac(key)).expect("it is made")).collect();
        assert!(first == again);
        inner.fall_ill("full-for-good");
        assert!(matches!(token.ask(&mac(&keys[2])), Ok(Answer::Mac(_))), "this one is in the token");
        let other = drawn(&mut token);
        assert_eq!(token.ask(&mac(&other)), Err(Fault::Device(*b"31")));
    });
}

#[test]
fn what_a_token_does_not_do_is_not_offered_and_what_it_must_do_is_asked_at_the_start() {
    let name = "what_a_token_does_not_do_is_not_offered_and_what_it_must_do_is_asked_at_the_start";
    with_tokens(name, true, one_behind_an_ill_library, |inner| {
        let config = config(&inner, &inner.ill());
        Token::make_masters(&config).expect("an empty token takes them");
        let all = Token::open(&config).expect("all is there").abilities();
        assert_eq!((all.tdes, all.parts, all.random), (true, true, true));
        inner.fall_ill("no-derive no-clear-keys");
        let mut token = Token::open(&config).expect("it can do without");
        assert_eq!((token.abilities().tdes, token.abilities().parts), (true, false));
        assert!(token.abilities().algorithms().all(|name| name != "x919"));
        let Ok(Answer::Generated { key, .. }) =
            token.ask(&Request::Generate { key: NewKey::tdes(Role::Zak), under: None })
        else {
            panic!("keys of triple DES are drawn whole")
        };
        let data = |algorithm| MacData {
            key: key.clone(),
            algorithm,
            padding: Padding::Zeros,
            data: Sealed::new(b"0200".to_vec()),
        };
        assert!(matches!(token.ask(&Request::MakeMac(data(Algorithm::TdesCbc))), Ok(Answer::Mac(_))));
        assert_eq!(token.ask(&Request::MakeMac(data(Algorithm::X919))), Err(Fault::NotOffered));
        // Public keys are not taken in: what cannot be asked is not called right.
        let Ok(Answer::KnownAnswers(known)) = token.ask(&Request::KnownAnswers) else { panic!("it is well") };
        let of = |what: &str| known.iter().find(|known| known.what == what).map(|known| known.is_right);
        assert_eq!((of("AES-CMAC"), of("random bytes")), (Some(None), Some(Some(true))));
        drop(token);
        inner.fall_ill("no-cmac");
        let said = refusal(&config);
        assert!(said.contains("the token cannot wrap keys by AES and seal them by CMAC"), "{said}");
    });
}

fn next(told: &Receiver<Told>) -> Told {
    told.recv_timeout(PATIENCE).expect("it says something")
}

fn opened(told: &Receiver<Told>) -> ConnId {
    loop {
        match next(told) {
            Told::Opened { conn, .. } => return conn,
            Told::NotOpened { .. } | Told::Closed { .. } => {}
            Told::Answered { .. } => panic!("nothing was asked"),
        }
    }
}

#[test]
fn a_session_that_fails_is_closed_and_another_is_opened_once_the_token_is_back() {
    let name = "a_session_that_fails_is_closed_and_another_is_opened_once_the_token_is_back";
    with_tokens(name, false, one_behind_an_ill_library, |inner| {
        let config = config(&inner, &inner.ill());
        let check = Token::make_masters(&config).expect("an empty token takes them");
        let (tell, told) = channel();
        let workers = spawn(&config, 1, 20, move |said| drop(tell.send(said))).expect("a thread");
        let mut before = ConnId(0);
        for ill in ["removed", "general"] {
            let conn = opened(&told);
            assert_ne!(conn, before, "a number is never used again");
            workers.call(conn, 1, Request::Status);
            let Told::Answered { answer: Ok(Answer::Status { lmk_check, .. }), .. } = next(&told) else {
                panic!("it is well")
            };
            assert_eq!(lmk_check, check);
            inner.fall_ill(ill);
            workers.call(conn, 2, Request::Status);
            let said = next(&told);
            assert!(
                matches!(said, Told::Answered { number: 2, answer: Err(Fault::Device(_)), .. }),
                "{said:?}"
            );
            assert!(matches!(next(&told), Told::Closed { conn: closed } if closed == conn));
            let said = next(&told);
            assert!(matches!(said, Told::NotOpened { .. }), "{said:?}");
            // Whoever still asks by the old number is not answered by the new session.
            workers.call(conn, 3, Request::Status);
            inner.fall_ill("");
            before = conn;
        }
        opened(&told);
    });
}

#[test]
fn a_call_that_hangs_holds_up_nobody_but_its_session_and_is_let_go() {
    let name = "a_call_that_hangs_holds_up_nobody_but_its_session_and_is_let_go";
    with_tokens(name, false, one_behind_an_ill_library, |inner| {
        let config = config(&inner, &inner.ill());
        Token::make_masters(&config).expect("an empty token takes them");
        let (tell, told) = channel();
        let workers = spawn(&config, 1, 20, move |said| drop(tell.send(said))).expect("a thread");
        let conn = opened(&told);
        inner.fall_ill("hangs");
        workers.call(conn, 1, Request::Status);
        workers.let_go(conn);
        assert_eq!(told.recv_timeout(Duration::from_millis(200)).err(), Some(RecvTimeoutError::Timeout));
        inner.fall_ill("");
        assert!(matches!(next(&told), Told::Answered { number: 1, .. }), "late, and nobody waits for it");
        assert!(matches!(next(&told), Told::Closed { .. }));
        opened(&told);
    });
}

#[test]
fn a_token_that_was_made_anew_has_other_master_keys_and_keys_of_before_are_nothing_there() {
    let name = "a_token_that_was_made_anew_has_other_master_keys_and_keys_of_before_are_nothing_there";
    with_tokens(name, false, one, |inner| {
        let config = config(&inner, &inner.module);
        let check = Token::make_masters(&config).expect("an empty token takes them");
        let mut token = Token::open(&config).expect("all is there");
        let key = drawn(&mut token);
        assert!(matches!(token.ask(&mac(&key)), Ok(Answer::Mac(_))));
        // Somebody else makes it anew while we hold it.
        let words =
            ["--init-token", "--token", "one", "--label", "one", "--so-pin", "31415926", "--pin", PIN];
        inner.util(&words);
        let said = token.ask(&Request::Status);
        assert!(matches!(said, Err(Fault::Device(_))), "{said:?}");
        drop(token);
        let none = refusal(&config);
        assert!(none.contains("has no master key"), "{none}");
        let other = Token::make_masters(&config).expect("it is empty again");
        assert_ne!(other, check);
        let mut token = Token::open(&config).expect("all is there");
        assert_eq!(token.ask(&mac(&key)), Err(Fault::NotAuthentic));
    });
}
