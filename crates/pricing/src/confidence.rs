//! [`Confidence`]: how far a figure can be trusted.

/// How far a figure can be trusted, as its source or whoever transcribed it says; carried along with the price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Confidence {
    /// A placeholder that a tool ships for want of a price.
    Default,
    /// Sources disagree by more than rounding.
    Conflict,
    /// Prose or a page of a third party.
    Secondary,
    /// One collection that somebody keeps up.
    Curated,
    /// Several sources that don't copy each other agree.
    Corroborated,
    /// The seller's own machine-readable list, or a copy of it.
    Table,
}

impl Confidence {
    /// All of them, the least trusted first.
    pub const ALL: [Self; 6] = [Self::Default, Self::Conflict, Self::Secondary, Self::Curated, Self::Corroborated, Self::Table];

    /// The name in price files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Conflict => "conflict",
            Self::Secondary => "secondary",
            Self::Curated => "curated",
            Self::Corroborated => "corroborated",
            Self::Table => "table",
        }
    }

    /// The confidence of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|confidence| confidence.name() == name)
    }
}
