use crate::Network;

/// What a message is, without its version: the last three digits of an ISO 8583 message type identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageType {
    /// Second digit.
    pub class: Class,
    /// Third digit.
    pub function: Function,
    /// Fourth digit: who began it, and whether this is a repeat. 0 acquirer, 1 acquirer repeat, 2 issuer,
    /// 3 issuer repeat, 4 other, 5 other repeat.
    pub origin: u8,
}

impl MessageType {
    /// The type of three digits `[class, function, origin]` (0..=9 each), when they mean one.
    pub fn from_digits(digits: [u8; 3]) -> Option<Self> {
        let class = Class::ALL.into_iter().find(|class| *class as u8 == digits[0])?;
        let function = Function::ALL.into_iter().find(|function| *function as u8 == digits[1])?;
        (digits[2] <= 5).then_some(Self { class, function, origin: digits[2] })
    }

    /// Its three digits.
    pub const fn digits(self) -> [u8; 3] {
        [self.class as u8, self.function as u8, self.origin]
    }

    /// The type that answers this one: request to response, advice to its acknowledgement; a repeat is
    /// answered as the first. `None` for what wants no answer.
    pub const fn answered_by(self) -> Option<Self> {
        let function = match self.function {
            Function::Request => Function::Response,
            Function::Advice => Function::AdviceResponse,
            Function::Notification => Function::NotificationAck,
            Function::Response | Function::AdviceResponse | Function::NotificationAck => return None,
        };
        Some(Self { class: self.class, function, origin: self.origin & !1 })
    }

    /// Whether it asks for something (and is not itself an answer).
    pub const fn asks(self) -> bool {
        self.answered_by().is_some()
    }

    /// Whether it repeats an earlier message.
    pub const fn is_repeat(self) -> bool {
        self.origin % 2 == 1
    }
}

/// Class of a message: the second digit of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Class {
    /// May this be done?
    Authorization = 1,
    /// Do it.
    Financial = 2,
    /// Change a file.
    FileAction = 3,
    /// Undo it.
    Reversal = 4,
    /// Compare totals.
    Reconciliation = 5,
    /// Texts, tables, look-ups.
    Administrative = 6,
    /// Fees.
    FeeCollection = 7,
    /// Sign-on, keys, cutover, echo.
    Network = 8,
}

impl Class {
    const ALL: [Self; 8] = [
        Self::Authorization,
        Self::Financial,
        Self::FileAction,
        Self::Reversal,
        Self::Reconciliation,
        Self::Administrative,
        Self::FeeCollection,
        Self::Network,
    ];
}

/// Function of a message: the third digit of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Function {
    /// May be refused.
    Request = 0,
    /// Answers a request.
    Response = 1,
    /// Has happened; may only be acknowledged.
    Advice = 2,
    /// Acknowledges an advice.
    AdviceResponse = 3,
    /// For information.
    Notification = 4,
    /// Acknowledges a notification.
    NotificationAck = 5,
}

impl Function {
    const ALL: [Self; 6] = [
        Self::Request,
        Self::Response,
        Self::Advice,
        Self::AdviceResponse,
        Self::Notification,
        Self::NotificationAck,
    ];
}

/// The message type each sort of network management message is sent as, where a partner has that sort at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkTypes([Option<MessageType>; Network::ALL.len()]);

impl NetworkTypes {
    /// The type a message about this is sent as; `None` where the partner has no such message.
    pub const fn of(&self, about: Network) -> Option<MessageType> {
        self.0[about as usize]
    }

    /// From now on such messages are sent as this.
    pub const fn set(&mut self, about: Network, message: Option<MessageType>) {
        self.0[about as usize] = message;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_type_survives_the_trip_through_its_digits() {
        for number in 0..1_000_u16 {
            let digits = [(number / 100) as u8, (number / 10 % 10) as u8, (number % 10) as u8];
            if let Some(message) = MessageType::from_digits(digits) {
                assert_eq!(message.digits(), digits);
            }
        }
    }

    #[test]
    fn a_repeat_is_answered_as_the_first() {
        let answer = |digits| MessageType::from_digits(digits).and_then(MessageType::answered_by);
        assert_eq!(answer([4, 2, 1]), MessageType::from_digits([4, 3, 0]));
        assert_eq!(answer([2, 0, 0]), MessageType::from_digits([2, 1, 0]));
        assert_eq!(answer([2, 1, 0]), None);
    }
}
