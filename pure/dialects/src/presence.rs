use crate::elements::Elements;
use alloc::{boxed::Box, vec, vec::Vec};
use terms::MessageType;

/// One message type, as it is asked while messages pass.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) digits: [u8; 3],
    pub(crate) mandatory: Elements,
    /// What a writer must write: the mandatory ones but for the authentication code, which comes after.
    pub(crate) demanded: Elements,
    pub(crate) allowed: Elements,
    pub(crate) echo: Elements,
    /// Elements this side knows how to write.
    pub(crate) writable: Elements,
    pub(crate) defaults: Box<[(u8, Box<[u8]>)]>,
}

impl Message {
    pub(crate) fn new(
        digits: [u8; 3],
        mandatory: Elements,
        allowed: Elements,
        echo: Elements,
        writable: Elements,
        defaults: Vec<(u8, Box<[u8]>)>,
    ) -> Self {
        let mut demanded = mandatory;
        demanded.remove(64);
        demanded.remove(128);
        Self { digits, mandatory, demanded, allowed, echo, writable, defaults: defaults.into() }
    }

    /// What is written to this element when nobody has anything.
    pub(crate) fn default_of(&self, de: u8) -> Option<&[u8]> {
        self.defaults.iter().find(|(one, _)| *one == de).map(|(_, text)| &**text)
    }
}

/// Every message type a dialect names.
#[derive(Clone, Debug)]
pub(crate) struct Messages {
    list: Vec<Message>,
    /// Place in `list`, from 1, by the three digits of the type; 0 where it names none.
    exact: Box<[u8]>,
    /// The same by class and function alone: 0800 and 1804 are the same question in two editions.
    alike: [u8; 100],
}

impl Messages {
    pub(crate) fn new(list: Vec<Message>) -> Self {
        let (mut exact, mut alike) = (vec![0; 1_000].into_boxed_slice(), [0; 100]);
        for (at, message) in list.iter().enumerate().take(usize::from(u8::MAX)) {
            exact[place(message.digits)] = at as u8 + 1;
            let alike = &mut alike[place(message.digits) / 10];
            if *alike == 0 {
                *alike = at as u8 + 1;
            }
        }
        Self { list, exact, alike }
    }

    /// The message of exactly this type.
    #[inline]
    pub(crate) fn get(&self, digits: [u8; 3]) -> Option<&Message> {
        let at = *self.exact.get(place(digits))?;
        self.list.get(usize::from(at).checked_sub(1)?)
    }

    /// The message to write for this type: exactly this one, or the one of the same class and function that
    /// another edition has instead.
    #[inline]
    pub(crate) fn to_write(&self, message: MessageType) -> Option<&Message> {
        let digits = message.digits();
        self.get(digits).or_else(|| {
            let at = *self.alike.get(place(digits) / 10)?;
            self.list.get(usize::from(at).checked_sub(1)?)
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Message> {
        self.list.iter()
    }
}

fn place([class, function, origin]: [u8; 3]) -> usize {
    usize::from(class) * 100 + usize::from(function) * 10 + usize::from(origin)
}
