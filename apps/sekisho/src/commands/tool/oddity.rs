//! What is odd about a message that decodes: the difference between "it can be read so" and "it is so".

use clock::Clock;
use dialects::{Dialect, ReadError};
use iso8583::{Message, spec::Secret};
use terms::{BusinessDate, Pan};

/// What a dialect finds odd in a message that it decodes wholly, in words that show no contents.
pub(super) fn oddities(dialect: &Dialect, message: &Message<'_>) -> Vec<String> {
    let refused = dialect.read(message.body(), today()).err();
    // What does not decode is no oddity but an error, and that is not asked here.
    let refused = refused.filter(|refusal| !matches!(refusal.error, ReadError::Decode(_)));
    let mut odd: Vec<String> = refused.into_iter().map(|refusal| refusal.error.to_string()).collect();
    odd.extend(card_number(message));
    odd.extend(transmission_time(message));
    odd
}

/// Today by the machine's clock: messages without a year mean the nearest one.
fn today() -> BusinessDate {
    Clock::with_offset_s(0).now().local().date
}

fn card_number(message: &Message<'_>) -> Option<String> {
    let value = message.get(2).filter(|value| value.secret() == Secret::Pan)?;
    let mut digits = Vec::new();
    value.text_into(&mut digits);
    let holds = Pan::new(&digits).is_some_and(|pan| pan.luhn_holds());
    (!holds).then(|| format!("DE 2 at byte {}: the card number's check digit is wrong", value.offset()))
}

fn transmission_time(message: &Message<'_>) -> Option<String> {
    let value = message.get(7)?;
    let number = value.number()?;
    let part = |place: u32| (number / 100_u64.pow(place) % 100) as u8;
    let day = BusinessDate::new(2028, part(4), part(3));
    let holds = day.is_some() && part(2) < 24 && part(1) < 60 && part(0) < 60;
    (!holds).then(|| format!("DE 7 at byte {}: no such day or time", value.offset()))
}
