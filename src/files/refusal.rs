//! Why a file or folder is not uploaded.

use std::{fmt, io};

/// Why a file or folder is not uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// Its name begins with a dot.
    Hidden,
    /// It is a symbolic link, wherever it points.
    SymbolicLink,
    /// It has a second name, which may be anywhere.
    HardLink,
    /// It is a FIFO, a socket or a device.
    NotRegular,
    /// It is a folder that is marked as one of saved results.
    ResultsFolder,
    /// The mark of the folder lists it as a saved result.
    SavedResult,
    /// LlamaCloud does not document its extension.
    Extension,
    /// It is the note beside a document that Microsoft Office has open.
    OfficeLock,
    /// It is called `.key`, but is not a Keynote document.
    NotKeynote,
    /// It has no bytes.
    Empty,
    /// It is larger than LlamaCloud takes.
    TooLarge,
    /// Its name is not Unicode.
    NotUnicode,
    /// Folders are nested too deep.
    TooDeep,
    /// It cannot be read by this user.
    NoPermission,
    /// It no longer exists.
    Gone,
    /// It changed while it was read.
    Changed,
    /// Reading failed in another way.
    Unreadable,
}

impl Refusal {
    pub(super) fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Gone,
            io::ErrorKind::PermissionDenied => Self::NoPermission,
            _ => Self::Unreadable,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Hidden => "hidden: the name begins with a dot",
            Self::SymbolicLink => "a symbolic link",
            Self::HardLink => "a hard link: the file has a second name",
            Self::NotRegular => "not a regular file",
            Self::ResultsFolder => {
                "a folder of saved results, by its manifest.json: move documents out of it to upload them"
            }
            Self::SavedResult => "a saved result, listed in manifest.json",
            Self::Extension => "not a file type that LlamaCloud supports",
            Self::OfficeLock => "a lock file of Microsoft Office, beside a document that is open",
            Self::NotKeynote => "a .key file that is not a Keynote document",
            Self::Empty => "empty",
            Self::TooLarge => "larger than 512 MB",
            Self::NotUnicode => "the name is not valid Unicode",
            Self::TooDeep => "nested more than 32 folders deep",
            Self::NoPermission => "no permission to read it",
            Self::Gone => "no longer there",
            Self::Changed => "changed while it was read",
            Self::Unreadable => "could not be read",
        })
    }
}

/// Why the operating system would not do something to a folder or file, in words that people use.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "no permission".to_owned(),
        io::ErrorKind::NotADirectory => "it is not a folder".to_owned(),
        io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only".to_owned(),
        io::ErrorKind::StaleNetworkFileHandle => {
            "its place was moved, removed or replaced after this program started; restart the program".to_owned()
        }
        kind => kind.to_string(),
    }
}
