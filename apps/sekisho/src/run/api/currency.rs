//! Currencies by the letters people write (ISO 4217); the switch knows them by their numbers.

use terms::Currency;

#[rustfmt::skip]
const LETTERS: [(&str, u16); 44] = [
    ("AED", 784), ("ARS", 32),  ("AUD", 36),  ("BHD", 48),  ("BRL", 986), ("CAD", 124), ("CHF", 756), ("CLP", 152),
    ("CNY", 156), ("COP", 170), ("CZK", 203), ("DKK", 208), ("EGP", 818), ("EUR", 978), ("GBP", 826), ("HKD", 344),
    ("HUF", 348), ("IDR", 360), ("ILS", 376), ("INR", 356), ("JOD", 400), ("JPY", 392), ("KRW", 410), ("KWD", 414),
    ("MOP", 446), ("MXN", 484), ("MYR", 458), ("NGN", 566), ("NOK", 578), ("NZD", 554), ("OMR", 512), ("PHP", 608),
    ("PKR", 586), ("PLN", 985), ("QAR", 634), ("SAR", 682), ("SEK", 752), ("SGD", 702), ("THB", 764), ("TRY", 949),
    ("TWD", 901), ("USD", 840), ("VND", 704), ("ZAR", 710),
];

/// The currency of three letters or three digits.
pub(crate) fn named(name: &str) -> Option<Currency> {
    if name.len() == 3 && name.bytes().all(|byte| byte.is_ascii_digit()) {
        return name.parse().ok().and_then(Currency::numeric).filter(|currency| *currency != Currency::NONE);
    }
    let found = LETTERS.iter().find(|(letters, _)| *letters == name);
    found.and_then(|(_, number)| Currency::numeric(*number))
}

/// Its letters, where we know them, otherwise its digits; `None` for none.
pub(crate) fn letters(currency: Currency) -> Option<String> {
    if currency == Currency::NONE {
        return None;
    }
    let found = LETTERS.iter().find(|(_, number)| *number == currency.number());
    Some(found.map_or_else(|| currency.to_string(), |(letters, _)| (*letters).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_come_back_and_every_number_will_do() {
        for (name, number) in LETTERS {
            let currency = named(name).expect("it is in the table");
            assert_eq!((currency.number(), letters(currency).as_deref()), (number, Some(name)));
        }
        assert_eq!(named("963").and_then(letters).as_deref(), Some("963"));
        assert!([named("JPYX"), named("000"), named("jpy"), named("")].iter().all(Option::is_none));
    }
}
