//! A frame: everything that one transaction writes, as the bytes of one row of the journal. Events in their order, and
//! beside them the documents of the attempts that they begin and end.

use ledger::Event;
use serde::{Deserialize, Serialize, Serializer};

use super::compact::{HoldEvent, HoldEventRead, append};
use super::{CodecError, event_from_json, event_to_json};

/// Begins a frame.
const VERSION: u8 = 1;

/// One thing in a frame.
#[derive(Debug)]
pub(crate) enum Item<'a> {
    /// What happened; counts as a line of the journal.
    Event(Event),
    /// The start of the attempt whose hold the event before granted.
    Start(&'a [u8]),
    /// The end of the attempt whose hold the event before ended.
    End(&'a [u8]),
}

#[derive(Serialize)]
enum Write<'a> {
    Hold(HoldEvent<'a>),
    Definition(&'a str),
    Start(#[serde(serialize_with = "whole")] &'a [u8]),
    End(#[serde(serialize_with = "whole")] &'a [u8]),
}

#[derive(Deserialize)]
enum Read<'a> {
    Hold(HoldEventRead),
    Definition(&'a str),
    Start(&'a [u8]),
    End(&'a [u8]),
}

fn whole<S: Serializer>(bytes: &&[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

/// A frame that is being put together.
#[derive(Debug, Default)]
pub(crate) struct Frame {
    body: Vec<u8>,
    events: i64,
}

impl Frame {
    /// Whether it says that nothing happened.
    pub(crate) fn is_empty(&self) -> bool {
        self.events == 0
    }

    /// How many events it tells.
    pub(crate) fn events(&self) -> i64 {
        self.events
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Empties it for the next transaction, keeping its room.
    pub(crate) fn clear(&mut self) {
        self.body.clear();
        self.events = 0;
    }

    pub(crate) fn event(&mut self, event: &Event) -> Result<(), CodecError> {
        match HoldEvent::of(event) {
            Some(event) => self.write(&Write::Hold(event))?,
            None => self.write(&Write::Definition(&event_to_json(event)?))?,
        }
        self.events += 1;
        Ok(())
    }

    pub(crate) fn start(&mut self, document: &[u8]) -> Result<(), CodecError> {
        self.write(&Write::Start(document))
    }

    pub(crate) fn end(&mut self, document: &[u8]) -> Result<(), CodecError> {
        self.write(&Write::End(document))
    }

    fn write(&mut self, item: &Write<'_>) -> Result<(), CodecError> {
        if self.body.is_empty() {
            self.body.push(VERSION);
        }
        append(item, &mut self.body)
    }
}

/// What a frame's bytes tell, in order.
pub(crate) fn items(body: &[u8]) -> Result<Vec<Item<'_>>, CodecError> {
    let mut rest = match body.split_first() {
        Some((&VERSION, rest)) => rest,
        version => return Err(CodecError::version(version.map(|(version, _)| *version))),
    };
    let mut items = Vec::new();
    while !rest.is_empty() {
        let (item, after) = postcard::take_from_bytes::<Read<'_>>(rest)?;
        items.push(match item {
            Read::Hold(event) => Item::Event(event.into()),
            Read::Definition(text) => Item::Event(event_from_json(text)?),
            Read::Start(document) => Item::Start(document),
            Read::End(document) => Item::End(document),
        });
        rest = after;
    }
    Ok(items)
}
