//! Protocol revisions: their names, their era, and what each of them defines.
//!
//! This is the only place that compares revisions. All other code asks for a feature (`has_icons`), never a date.

/// A revision of the Model Context Protocol, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// First public revision.
    V2024_11_05,
    /// Tool annotations, JSON-RPC arrays, progress messages.
    V2025_03_26,
    /// Titles, structured content, elicitation; no JSON-RPC arrays.
    V2025_06_18,
    /// Icons, errors without an id, JSON Schema 2020-12 by default.
    V2025_11_25,
    /// Stateless: each request names its revision in `_meta`.
    V2026_07_28,
}

/// How a revision opens and carries a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Era {
    /// A session opened by `initialize`; up to 2025-11-25.
    Legacy,
    /// Each request stands alone and names its revision in `_meta`; from 2026-07-28.
    Modern,
}

impl Revision {
    /// Every revision served, oldest first.
    pub const ALL: [Self; 5] = [
        Self::V2024_11_05,
        Self::V2025_03_26,
        Self::V2025_06_18,
        Self::V2025_11_25,
        Self::V2026_07_28,
    ];

    /// The answer to an `initialize` that asks for a revision that is unknown or has no `initialize`.
    pub const LATEST_LEGACY: Self = Self::V2025_11_25;

    /// What a request may name in `_meta`: `supportedVersions` of `server/discover` and `supported` of error -32022.
    ///
    /// Legacy revisions are left out on purpose: a client that finds one here may put it into `_meta`, where it means nothing.
    pub const MODERN: [Self; 1] = [Self::V2026_07_28];

    /// The date by which the specification names the revision, for example `2025-06-18`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V2024_11_05 => "2024-11-05",
            Self::V2025_03_26 => "2025-03-26",
            Self::V2025_06_18 => "2025-06-18",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2026_07_28 => "2026-07-28",
        }
    }

    /// The era of this revision.
    pub const fn era(self) -> Era {
        match self {
            Self::V2024_11_05 | Self::V2025_03_26 | Self::V2025_06_18 | Self::V2025_11_25 => Era::Legacy,
            Self::V2026_07_28 => Era::Modern,
        }
    }

    /// The revision that an `initialize` asking for `requested` gets: the same where we speak it, else our newest legacy one.
    ///
    /// Never a modern revision: those have no `initialize`. Source: basic/lifecycle, version negotiation.
    pub fn negotiate(requested: &str) -> Self {
        Self::named(requested)
            .filter(|revision| revision.era() == Era::Legacy)
            .unwrap_or(Self::LATEST_LEGACY)
    }

    /// The modern revision of this name.
    pub fn modern(name: &str) -> Option<Self> {
        Self::named(name).filter(|revision| revision.era() == Era::Modern)
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|revision| revision.as_str() == name)
    }

    /// Several messages in one JSON array.
    pub fn has_message_arrays(self) -> bool {
        self == Self::V2025_03_26
    }

    /// `Tool.annotations`.
    pub fn has_annotations(self) -> bool {
        self >= Self::V2025_03_26
    }

    /// `message` of a progress notification.
    pub fn has_progress_messages(self) -> bool {
        self >= Self::V2025_03_26
    }

    /// `elicitation/create`, as a request of the server or inside a result.
    pub fn has_elicitation(self) -> bool {
        self >= Self::V2025_06_18
    }

    /// `Tool.title` and `Implementation.title`.
    pub fn has_titles(self) -> bool {
        self >= Self::V2025_06_18
    }

    /// `Tool.outputSchema` and `CallToolResult.structuredContent`.
    pub fn has_structured_content(self) -> bool {
        self >= Self::V2025_06_18
    }

    /// `Tool.icons`, and `icons`, `description`, `websiteUrl` of `Implementation`.
    pub fn has_icons(self) -> bool {
        self >= Self::V2025_11_25
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initialize_is_answered_with_a_legacy_revision_always() {
        for (requested, answered) in [
            ("2024-11-05", Revision::V2024_11_05),
            ("2025-03-26", Revision::V2025_03_26),
            ("2025-06-18", Revision::V2025_06_18),
            ("2025-11-25", Revision::V2025_11_25),
            ("2026-07-28", Revision::V2025_11_25),
            ("2099-01-01", Revision::V2025_11_25),
            ("", Revision::V2025_11_25),
        ] {
            assert_eq!(Revision::negotiate(requested), answered, "{requested}");
        }
    }

    #[test]
    fn only_a_modern_date_is_modern() {
        assert_eq!(Revision::modern("2026-07-28"), Some(Revision::V2026_07_28));
        assert_eq!(Revision::modern("2025-11-25"), None);
        assert_eq!(Revision::modern("2026-07-29"), None);
        assert!(Revision::MODERN.iter().all(|revision| revision.era() == Era::Modern));
    }
}
