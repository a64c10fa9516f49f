use terms::{LinkId, LinkName, SourceId, Text};

/// The numbers the journal knows links and sources by.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    pub(crate) links: Vec<LinkName>,
    pub(crate) sources: Vec<LinkName>,
}

impl Names {
    /// Those the journal knows already.
    pub(crate) fn known(lane: &switch::Lane) -> Self {
        let (links, sources) = lane.names();
        Self { links, sources }
    }

    /// The place of a name; a new one goes behind those the journal knows.
    fn place(names: &mut Vec<LinkName>, name: &str) -> u16 {
        let name = Text::clipped(name.as_bytes());
        let at = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        at as u16
    }

    pub(crate) fn link(&mut self, name: &str) -> LinkId {
        LinkId(Self::place(&mut self.links, name))
    }

    pub(crate) fn source(&mut self, name: &str) -> SourceId {
        SourceId(Self::place(&mut self.sources, name))
    }
}
