//! The software security module on one thread: what one withdrawal asks of it. The MAC of the terminal's request
//! verified, the PIN translated, a MAC made for the host, the host's answer verified, a MAC made for the terminal.

use crate::counting::allocations;
use ::hsm::drbg::SEED_BYTES;
use ::hsm::keyblock::Exportable;
use ::hsm::mac::{Algorithm, Padding};
use ::hsm::ops::{Answer, Attributes, Hsm, MacData, NewKey, PinSide, Request, Role, StoredKey};
use ::hsm::pin::{Fill, Format, compose, encipher};
use ::hsm::software::{Master, SoftwareHsm};
use ::hsm::{Key, Pin};
use std::hint::black_box;
use std::time::Instant;
use terms::{Pan, Sealed};

const BATCHES: usize = 60;
const OPERATIONS: u32 = 500;
/// What a partner takes a MAC of: a dozen elements of a request, as the profile of a bank lists them.
const MAC_BYTES: usize = 80;

/// Prints the cost of each step, and of a whole withdrawal by the algorithms partners use.
pub(crate) fn run() {
    println!(
        "software module, one thread, {BATCHES} batches of {OPERATIONS}; us per operation, MAC of {MAC_BYTES} bytes"
    );
    println!("{:<34} {:>8} {:>8} {:>8} {:>10}", "", "min", "median", "max", "allocs/op");
    let mut bench = Bench::new();
    let [x919, iso3, cbc] = [
        (Algorithm::X919, Padding::Zeros),
        (Algorithm::Iso3, Padding::Bit),
        (Algorithm::TdesCbc, Padding::Zeros),
    ];
    for (name, (algorithm, padding)) in
        [("X9.19", x919), ("ISO 9797-1 alg. 3, method 2", iso3), ("triple DES in CBC", cbc)]
    {
        let data = bench.data(algorithm, padding);
        bench.measure(&format!("MAC, {name}"), &[Request::MakeMac(data)]);
    }
    let data = bench.cmac();
    bench.measure("MAC, AES-CMAC", &[Request::MakeMac(data)]);
    let translation = bench.translation();
    bench.measure("PIN, format 0 to 0", std::slice::from_ref(&translation));
    let data = bench.data(Algorithm::X919, Padding::Zeros);
    let steps = bench.withdrawal(&translation, &data);
    bench.measure("withdrawal: PIN and 4 MACs, X9.19", &steps);
    let data = bench.cmac();
    let steps = bench.withdrawal(&translation, &data);
    bench.measure("withdrawal: PIN and 4 MACs, CMAC", &steps);
}

struct Bench {
    hsm: SoftwareHsm,
    pan: Pan,
}

impl Bench {
    fn new() -> Self {
        let components = [3_u8, 7].map(|byte| Key::aes(&[byte; 32]).expect("32 bytes"));
        let master = Master::from_components(&components).expect("two that differ");
        let hsm = SoftwareHsm::new(master, &[5; SEED_BYTES]).expect("this machine computes rightly");
        Self { hsm, pan: Pan::new(b"4111111111111111").expect("digits") }
    }

    fn made(&mut self, key: NewKey) -> StoredKey {
        match self.hsm.ask(&Request::Generate { key, under: None }) {
            Ok(Answer::Generated { key, .. }) => key,
            other => panic!("{other:?}"),
        }
    }

    fn data(&mut self, algorithm: Algorithm, padding: Padding) -> MacData {
        let key = self.made(NewKey::tdes(Role::Zak));
        MacData { key, algorithm, padding, data: Sealed::new(vec![b'7'; MAC_BYTES]) }
    }

    fn cmac(&mut self) -> MacData {
        let attributes =
            Attributes { usage: *b"M6", mode: b'C', key_version: *b"00", exportable: Exportable::Yes };
        let key = self.made(NewKey { attributes: Some(attributes), ..NewKey::aes(Role::Zak, 16) });
        let (algorithm, padding) = (Algorithm::AesCmac, Padding::Zeros);
        MacData { key, algorithm, padding, data: Sealed::new(vec![b'7'; MAC_BYTES]) }
    }

    /// A PIN under a key whose clear value is known here, because it came in under a transport key in components.
    fn translation(&mut self) -> Request {
        let parts =
            [*b"0123456789ABCDEF", *b"What two people "].map(|part| Key::tdes(&part).expect("16 bytes"));
        let zmk = parts[0].xor(&parts[1]).expect("alike").with_parity();
        let (stored, _) = self.hsm.form(&NewKey::tdes(Role::Zmk), &parts).expect("two components");
        let tpk = Key::tdes(b"ABCDEFGH76543210").expect("16 bytes").with_parity();
        let under = ::hsm::lmk::encrypt_under(&zmk, ::hsm::lmk::Scheme::X, &tpk).expect("a key of two parts");
        let digits: String = under[..16].iter().map(|byte| format!("{byte:02X}")).collect();
        let taken = self.hsm.ask(&Request::Import {
            key: NewKey::tdes(Role::Tpk),
            transport: stored,
            wrapped: ::hsm::ops::Wrapped(format!("X{digits}")),
            expected: None,
        });
        let Ok(Answer::Imported { key: from, .. }) = taken else { panic!("{taken:?}") };
        let pin = Pin::new(b"1234").expect("a PIN");
        let clear = compose(Format::Iso0, &pin, &self.pan, &mut Fill::Given(&[])).expect("a block");
        let block = encipher(Format::Iso0, &clear, &self.pan, &tpk).expect("it fits");
        let to = self.made(NewKey::tdes(Role::Zpk));
        let side = |key| PinSide { key, format: Format::Iso0, pan: self.pan.clone() };
        Request::TranslatePin {
            block: Sealed::new(block.as_bytes().to_vec()),
            from: side(from),
            to: side(to),
        }
    }

    fn withdrawal(&mut self, translation: &Request, data: &MacData) -> [Request; 5] {
        let make = Request::MakeMac(data.clone());
        let Ok(Answer::Mac(mac)) = self.hsm.ask(&make) else { panic!("a MAC") };
        let verify = Request::VerifyMac { data: data.clone(), mac };
        [verify.clone(), translation.clone(), make.clone(), verify, make]
    }

    fn measure(&mut self, name: &str, steps: &[Request]) {
        let mut once = || {
            for step in steps {
                black_box(self.hsm.ask(black_box(step)).expect("every step can be done"));
            }
        };
        once();
        let mut batches: Vec<f64> = (0..BATCHES)
            .map(|_| {
                let began = Instant::now();
                (0..OPERATIONS).for_each(|_| once());
                began.elapsed().as_secs_f64() * 1e6 / f64::from(OPERATIONS)
            })
            .collect();
        batches.sort_by(f64::total_cmp);
        let before = allocations();
        once();
        let allocated = allocations() - before;
        let (min, median, max) = (batches[0], batches[BATCHES / 2], batches[BATCHES - 1]);
        println!("{name:<34} {min:>8.2} {median:>8.2} {max:>8.2} {allocated:>10}");
    }
}
