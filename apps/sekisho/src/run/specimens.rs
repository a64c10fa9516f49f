use super::status::SpecimenStatus;
use dialects::{Dialect, ReadError};
use iso8583::Unmask;
use std::collections::VecDeque;
use terms::{LinkName, Timestamp, limits};

/// The last messages nobody could read, masked before they are kept.
#[derive(Default)]
pub(crate) struct Specimens(VecDeque<SpecimenStatus>);

impl Specimens {
    pub(crate) fn keep(
        &mut self,
        at: Timestamp,
        from: LinkName,
        dialect: &Dialect,
        body: &[u8],
        error: &ReadError,
    ) {
        if self.0.len() >= limits::SPECIMENS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(SpecimenStatus {
            at: at.to_string(),
            from: from.to_string(),
            error: error.to_string(),
            read: masked(dialect, body),
        });
    }

    /// The newest last.
    pub(crate) fn all(&self) -> Vec<SpecimenStatus> {
        self.0.iter().cloned().collect()
    }
}

/// What can be read of it, one line an element; cards, tracks, PINs and keys masked by the description itself.
fn masked(dialect: &Dialect, body: &[u8]) -> Vec<String> {
    let refusal;
    let message = match iso8583::decode(dialect.spec(), body) {
        Ok(message) => message,
        Err(refused) => {
            refusal = refused;
            refusal.partial
        }
    };
    let lines = iso8583::describe(&message, Unmask::No);
    let shown = lines.iter().filter_map(|line| Some((line, line.value.as_ref()?)));
    shown.map(|(line, value)| format!("{} {} = {}", line.path, line.name, without_cards(value))).collect()
}

/// A message read under the wrong dialect shows cards where no card belongs: any run of digits long enough to
/// be one is starred, wherever it stands.
fn without_cards(value: &str) -> String {
    let mut shown = String::with_capacity(value.len());
    let mut run = String::new();
    for character in value.chars().chain(std::iter::once('\n')) {
        if character.is_ascii_digit() {
            run.push(character);
            continue;
        }
        let hidden = run.len() >= 12;
        shown.extend(run.chars().map(|digit| if hidden { '*' } else { digit }));
        run.clear();
        shown.push(character);
    }
    shown.pop();
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_that_stands_where_none_belongs_is_not_shown() {
        assert_eq!(without_cards("ACME 4929123456789012=3012 42"), "ACME ****************=3012 42");
        assert_eq!(without_cards("00000010000"), "00000010000");
        assert_eq!(without_cards("1234567890123"), "*************");
    }
}
