//! `sekisho tool pinblock`, `mac`, `kcv`, `keyblock`, `tlv`, `track2` and `luhn`, typed.

mod typed;

use typed::{Said, sekisho};

/// The words of a command, as typed.
fn tool(line: &str) -> Said {
    let words: Vec<&str> = std::iter::once("tool").chain(line.split_whitespace()).collect();
    sekisho(&words)
}

const K2: &str = "0123456789ABCDEFFEDCBA9876543210";
const BLOCK_B: &str = "B0080P0TE00E000094B420079CC80BA3461F86FE26EFC4A3B8E4FA4C5F5341176EED7B727B8A248E";
const KBPK_B: &str = "DD7515F2BFC17F85CE48F3CA25CB21F6";
const KBPK_D: &str = "88E1AB2A2E3DD38C1FA039A536500CC8A87AB9D62DC92C01058FA79F44657DE6";

#[test]
fn known_answers_come_out() {
    #[rustfmt::skip]
    let answers = [
        ("pinblock --format 0 --pin 1234 --pan 4111111111111111", "041225EEEEEEEEEE"),
        ("pinblock --format 2 --pin 1234", "241234FFFFFFFFFF"),
        (&*format!("pinblock --format 0 --pin 1234 --pan 4111111111111111 --key {K2}"), "2A3D408A1977DDE9"),
        (&*format!("pinblock --format 0 --open 2A3D408A1977DDE9 --pan 4111111111111111 --key {K2}"), "1234"),
        ("pinblock --format 4 --open A912150391AB65A67E52883D81CE2D15 --pan 4111111111111111 --key AF8CB133A78F8DC2D1359F18527593FB", "1234"),
        ("mac --alg x99 --key 0123456789ABCDEF 37363534333231204E6F77206973207468652074696D6520666F7220", "F1D30F6849312CA4"),
        (&*format!("mac --alg x919 --key {K2} 4E6F77206973207468652074696D6520666F7220616C6C20"), "A1C72E74EA3FA9B6"),
        (&*format!("mac --alg iso9797-3 --padding 2 --key {K2} 4E6F77206973207468652074696D6520666F7220616C6C20"), "E9086230CA3BE796"),
        ("mac --alg iso9797-1 --padding 2 --key 0123456789ABCDEF 4E6F7720697320746865 2074696D6520666F72206974", "A924C72136149211"),
        ("mac --alg aes-cmac --key 2B7E151628AED2A6ABF7158809CF4F3C 6BC1BEE22E409F96E93D7E117393172A", "070A16B46B4D4144F79BDD9DD04A287C"),
        ("mac --alg unionpay-ecb --key 0123456789ABCDEF 303132333435363738394142434445467465737420 6D6573736167652031", "3BA025BEFC50B45F"),
        ("mac --alg unionpay-cbc --key 0123456789ABCDEF 30323030203139363232323032343030303031323334353637382030313030303020303030303030303130303030203038313531323334353620303030303031", "EEDDD7DFB06170B7"),
        (&*format!("kcv --key {K2}"), "08D7B4"),
        ("kcv --key 000102030405060708090A0B0C0D0E0F --method aes-cmac", "BE7ED6AE78"),
        ("kcv --key 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F --method aes-ecb", "C6A13B"),
    ];
    for (line, answer) in answers {
        assert_eq!(tool(line).ends(0).out.trim(), answer, "{line}");
    }
}

#[test]
fn a_pin_block_that_is_made_opens_to_its_pin() {
    for (format, key) in [(0, K2), (1, K2), (2, K2), (3, K2), (4, "00112233445566778899AABBCCDDEEFF")] {
        for key in ["".into(), format!("--key {key}")] {
            let pan = "--pan 6222021234567890123";
            let made = tool(&format!("pinblock --format {format} --pin 92389 {pan} {key}")).ends(0);
            let block = made.out.trim().to_owned();
            let opened =
                tool(&format!("pinblock --format {format} --open {block} {pan} {key} --json")).ends(0);
            assert_eq!(opened.json()["pin"], "92389", "format {format}");
            assert_eq!(opened.json()["enciphered"], !key.is_empty());
        }
    }
}

#[test]
fn a_key_block_opens_and_one_that_is_made_opens_too() {
    let opened = tool(&format!("keyblock open --kbpk {KBPK_B} {BLOCK_B} --json --expect 57C409")).ends(0);
    let json = opened.json();
    assert_eq!(json["key"], "3F419E1CB7079442AA37474C2EFBF8B8");
    assert_eq!((&json["usage"], &json["mode"], &json["kcv"]), (&"P0".into(), &"E".into(), &"57C409".into()));
    assert_eq!((&json["key_bits"], &json["agrees"]), (&128.into(), &true.into()));

    for (version, kbpk, key, more) in [
        ("B", KBPK_B, K2, ""),
        ("D", KBPK_D, K2, "--optional KS=00604B120F9292800000"),
        ("D", KBPK_D, "000102030405060708090A0B0C0D0E0F", "--algorithm aes"),
        ("S0", "0123456789ABCDEF8080808080808080FEDCBA9876543210", K2, "--lmk 01"),
        ("S1", KBPK_D, K2, "--key-version 07 --export N"),
    ] {
        let words = format!("keyblock wrap --version {version} --kbpk {kbpk} --key {key} --usage M3 {more}");
        let block = tool(&words).ends(0).out.trim().to_owned();
        let opened = tool(&format!("keyblock open --kbpk {kbpk} {block} --json")).ends(0).json();
        assert_eq!((&opened["key"], &opened["usage"]), (&key.into(), &"M3".into()), "{version} {block}");
    }
    let people = tool(&format!("keyblock open --kbpk {KBPK_B} {BLOCK_B}")).ends(0).fits();
    assert!(people.out.contains("check value  57C409"), "{}", people.out);
}

#[test]
fn chip_data_is_shown_tag_by_tag_and_secrets_are_not() {
    let data = "9F2701805A0841111111111111 11 5F2A0208407A039F3601FF";
    let said = tool(&format!("tlv {}", data.replace("7A039F3601FF", "9F360201FF"))).ends(0).fits();
    assert!(said.out.contains("411111******1111") && !said.out.contains("4111111111111111"), "{}", said.out);
    let json =
        tool(&format!("tlv --json --unmask {}", data.replace("7A039F3601FF", "9F360201FF"))).ends(0).json();
    let row = |at: usize| (json[at]["tag"].clone(), json[at]["value"].clone(), json[at]["at"].clone());
    assert_eq!(row(0), ("9F27".into(), "80".into(), 3.into()));
    assert_eq!(row(1).1, "4111111111111111");
    assert_eq!(row(3).0, "9F36");
}

#[test]
fn a_track_is_taken_apart_and_shows_no_card_number_unasked() {
    let track = "4111111111111111=30122011234567800";
    let json = tool(&format!("track2 --json {track}")).ends(0).json();
    assert_eq!(json["pan"], "411111******1111");
    assert_eq!(json["discretionary"], "**********");
    assert_eq!((&json["expiry_year"], &json["expiry_month"]), (&"30".into(), &"12".into()));
    assert_eq!((&json["service_code"], &json["luhn_holds"]), (&"201".into(), &true.into()));
    let json = tool(&format!("track2 --json --unmask {track}")).ends(0).json();
    assert_eq!((&json["pan"], &json["discretionary"]), (&"4111111111111111".into(), &"1234567800".into()));
}

#[test]
fn a_check_digit_holds_or_is_wrong() {
    let right = tool("luhn 4111111111111111").ends(0);
    assert!(right.out.contains("holds"), "{right:?}");
    let wrong = tool("luhn 4111111111111112 --json").ends(1).json();
    assert_eq!((&wrong["holds"], &wrong["check_digit"]), (&false.into(), &"1".into()));
    assert_eq!(tool("luhn 411111111111111 --json").ends(1).json()["next_digit"], "1");
}

#[test]
fn bad_input_is_refused_in_words_that_help_and_show_no_key() {
    let changed = BLOCK_B.replace("P0TE", "P0TB");
    #[rustfmt::skip]
    let cases = [
        // What is typed, how it ends, what it says.
        ("pinblock --format 5 --pin 1234".into(),                                    2, "5 is not in 0..=4"),
        ("pinblock --format 0 --pin 123 --pan 4111111111111111".into(),             65, "a PIN has 4 to 12 digits"),
        ("pinblock --format 0 --pin 12a4 --pan 4111111111111111".into(),            65, "a PIN has 4 to 12 digits"),
        ("pinblock --format 0 --pin 1234".into(),                                   65, "ISO format 0 needs a card number"),
        ("pinblock --format 0 --pin 1234 --pan 41111111111x1111".into(),            65, "nothing but digits"),
        ("pinblock --format 0".into(),                                               2, "--pin"),
        ("pinblock --format 0 --open 0412 --pan 4111111111111111".into(),           65, "a block has 8 bytes"),
        ("pinblock --format 0 --open 04122 --pan 4111111111111111".into(),           2, "an odd number of hex digits: 5"),
        ("pinblock --format 0 --open 041225EEEEEEEEEX --pan 4111111111111111".into(), 2, "`X` is no hex digit"),
        ("pinblock --format 3 --open 041225EEEEEEEEEE --pan 4111111111111111".into(), 65, "no block of ISO format 3"),
        ("pinblock --format 0 --open 041225EEEEEEEEEE --pan 4222222222222222".into(), 65, "the key or card number is another"),
        ("pinblock --format 4 --pin 1234 --pan 4111111111111111 --key 0123456789ABCDEF".into(), 65, "AES has keys of 16, 24 or 32 bytes, not of 8"),
        ("mac --alg x99 --key 0123456789ABCD 00".into(),                            65, "DES has keys of 8, 16 or 24 bytes, not of 7"),
        (format!("mac --alg x99 --key {K2} 00"),                                    65, "X9.9 takes a key of 8 bytes, not 16"),
        ("mac --alg x919 --key 0123456789ABCDEF 00".into(),                         65, "X9.19 takes a key of 16 or 24 bytes, not 8"),
        (format!("mac --alg x919 --key {K2} --padding 2 00"),                       65, "X9.19 is filled with zeros and no other way"),
        ("mac --alg x98 --key 0123456789ABCDEF 00".into(),                           2, "x98"),
        ("mac --alg iso9797-1 --key 0123456789ABCDEF 0g".into(),                    65, "HEXDATA: `g` is no hex digit"),
        ("kcv --key 0123456789ABCDE1".into(),                                        0, "bytes of even parity"),
        ("kcv --key 01234567 --method des".into(),                                  65, "not of 4"),
        (format!("kcv --key {K2} --expect 08D7B5"),                                  1, "the check value is 08D7B4, not 08D7B5"),
        (format!("kcv --key {K2} --expect 08"),                                     65, "a check value has 2 to 8 bytes"),
        (format!("keyblock open --kbpk {KBPK_B} {}", &BLOCK_B[..79]),               65, "the header says 80 characters, and there are 79"),
        (format!("keyblock open --kbpk {KBPK_B} {}", &BLOCK_B[..9]),                65, "the block ends at character 9"),
        (format!("keyblock open --kbpk {KBPK_B} E{}", &BLOCK_B[1..]),               65, "version `E`"),
        (format!("keyblock open --kbpk {KBPK_B} {changed}"),                        65, "the block's MAC is wrong"),
        (format!("keyblock open --kbpk {K2} {BLOCK_B}"),                            65, "another key protects it"),
        (format!("keyblock open --kbpk {} {BLOCK_B}", &K2[..16]),                   65, "protected by a triple-DES key of 16 or 24 bytes"),
        (format!("keyblock open --kbpk {KBPK_B} {BLOCK_B} --expect 57C408"),         1, "it is another key"),
        (format!("keyblock wrap --kbpk {KBPK_B} --key {K2} --usage P0 --version A"), 65, "read and no longer made"),
        (format!("keyblock wrap --kbpk {KBPK_B} --key {KBPK_D} --usage P0"),        65, "is weaker than the one of 256 bits"),
        (format!("keyblock wrap --kbpk {KBPK_B} --key {K2} --usage P"),              2, "expected 2 letters or digits"),
        (format!("keyblock wrap --kbpk {KBPK_B} --key {K2} --usage P0 --expect 000000"), 1, "it is another key"),
        ("tlv 9F2703".into(),                                                       65, "at byte 3: expected 3 bytes"),
        ("tlv 9F".into(),                                                           65, "at byte 1"),
        ("track2 4111111111111111".into(),                                          65, "no separator"),
        ("track2 4111111111111111=3013201".into(),                                  65, "month is 13"),
        ("luhn 41111x".into(),                                                      65, "nothing but digits"),
    ];
    for (line, code, wanted) in cases {
        let said = tool(&line).ends(code);
        assert!(said.err.contains(wanted), "{line}: {}", said.err);
        assert!(!said.err.contains(K2) && !said.err.contains(KBPK_B), "{line} shows a key: {}", said.err);
    }
}
