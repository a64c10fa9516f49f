use crate::{
    dialect::{Dialect, NOUNS},
    elements::Elements,
};
use terms::{Carried, Noun};

/// Where each noun stands in what is carried, so that every element finds its own at once.
pub(crate) struct Index<'a> {
    found: [Option<&'a [u8]>; NOUNS],
    pub(crate) elements: Elements,
}

impl<'a> Index<'a> {
    pub(crate) fn of(dialect: &Dialect, carried: &'a Carried) -> Self {
        let (mut found, mut elements) = ([None; NOUNS], Elements::default());
        for (noun, contents) in carried.iter() {
            if let Some(place) = found.get_mut(usize::from(noun)) {
                *place = Some(contents);
                if let Some(de) = dialect.places[usize::from(noun)] {
                    elements.insert(de.get());
                }
            }
        }
        Self { found, elements }
    }

    #[inline]
    pub(crate) fn get(&self, noun: Noun) -> Option<&'a [u8]> {
        self.found[noun as usize]
    }
}
