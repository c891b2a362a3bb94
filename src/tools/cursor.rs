//! The cursor through a batch's files: opaque to who carries it, readable to a later process.
//!
//! It holds which files were shown, not how many: jobs go on between two pages, and with them the order "problem files first", but
//! a file that was shown is not shown again, and none is passed over.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

const OUTCOMES: u8 = 1;
const BITS: u8 = 2;
/// The version of the format, beside the two flags.
const VERSION: u8 = 0x10;

/// Which files were shown, of which list of files, and in what detail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// Whether the pages are of `outcomes`, and not of `results`.
    pub(crate) outcomes: bool,
    /// Of [`fingerprint`].
    pub(crate) fingerprint: u32,
    /// How the files shown so far are written down.
    shown: Shown,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Shown {
    /// Lengths of runs in turn, the first of files not shown; the last run is left out.
    Runs(Vec<u8>),
    /// A bit for each file, the lowest first; zero bytes at the end are left out.
    Bits(Vec<u8>),
}

impl Cursor {
    /// The cursor after these files; `shown[place]` tells of each file whether it was shown.
    pub(crate) fn new(outcomes: bool, fingerprint: u32, shown: &[bool]) -> Self {
        let (runs, bits) = (runs(shown), bits(shown));
        let shown = if runs.len() <= bits.len() {
            Shown::Runs(runs)
        } else {
            Shown::Bits(bits)
        };
        Self {
            outcomes,
            fingerprint,
            shown,
        }
    }

    /// As it is handed out. At most 174 characters for 1,000 files.
    pub(crate) fn encode(&self) -> String {
        let (kind, body) = match &self.shown {
            Shown::Runs(body) => (0, body),
            Shown::Bits(body) => (BITS, body),
        };
        let detail = if self.outcomes { OUTCOMES } else { 0 };
        let mut bytes = vec![VERSION | detail | kind];
        bytes.extend(self.fingerprint.to_le_bytes());
        bytes.extend(body);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    /// As it comes back; `None` if it never was one.
    pub(crate) fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let (head, rest) = bytes.split_first()?;
        let (fingerprint, body) = rest.split_first_chunk::<4>()?;
        if head & !(OUTCOMES | BITS) != VERSION {
            return None;
        }
        let shown = if head & BITS == 0 { Shown::Runs } else { Shown::Bits };
        Some(Self {
            outcomes: head & OUTCOMES != 0,
            fingerprint: u32::from_le_bytes(*fingerprint),
            shown: shown(body.to_vec()),
        })
    }

    /// Which of so many files were shown; `None` if it was made for fewer, or nothing is left to show.
    pub(crate) fn shown(&self, files: usize) -> Option<Vec<bool>> {
        let shown = match &self.shown {
            Shown::Runs(body) => read_runs(body, files)?,
            Shown::Bits(body) => read_bits(body, files)?,
        };
        shown.contains(&false).then_some(shown)
    }
}

/// Tells one list of files from another, also across processes and versions (FNV-1a, folded). The order does not matter to what is shown,
/// so the ids come sorted.
pub(crate) fn fingerprint<'a>(batch_id: &'a str, sorted_file_ids: impl IntoIterator<Item = &'a str>) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for text in std::iter::once(batch_id).chain(sorted_file_ids) {
        for byte in text.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    let (high, low) = (hash >> 32, hash & 0xffff_ffff);
    u32::try_from(high ^ low).unwrap_or_default()
}

fn runs(shown: &[bool]) -> Vec<u8> {
    let mut body = Vec::new();
    let (mut current, mut length) = (false, 0_usize);
    for &one in shown {
        if one != current {
            push_number(&mut body, length);
            (current, length) = (one, 0);
        }
        length += 1;
    }
    if current {
        push_number(&mut body, length);
    }
    body
}

fn read_runs(body: &[u8], files: usize) -> Option<Vec<bool>> {
    let mut shown = Vec::new();
    let mut rest = body;
    let mut current = false;
    while !rest.is_empty() {
        let length = take_number(&mut rest)?;
        let end = shown.len().checked_add(length).filter(|end| *end <= files)?;
        shown.resize(end, current);
        current = !current;
    }
    shown.resize(files, false);
    Some(shown)
}

fn bits(shown: &[bool]) -> Vec<u8> {
    let byte = |eight: &[bool]| eight.iter().rev().fold(0, |byte, one| (byte << 1) | u8::from(*one));
    let mut body: Vec<u8> = shown.chunks(8).map(byte).collect();
    let end = body.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    body.truncate(end);
    body
}

fn read_bits(body: &[u8], files: usize) -> Option<Vec<bool>> {
    let bits = body
        .iter()
        .flat_map(|byte| (0..8).map(move |bit| (byte >> bit) & 1 == 1));
    let mut shown: Vec<bool> = bits.collect();
    let beyond = shown.get(files..).unwrap_or_default();
    if beyond.contains(&true) {
        return None;
    }
    shown.resize(files, false);
    Some(shown)
}

/// Seven bits a byte, the lowest first; the eighth says that more follow.
fn push_number(body: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        body.push(0x80 | low_seven(number));
        number >>= 7;
    }
    body.push(low_seven(number));
}

fn low_seven(number: usize) -> u8 {
    u8::try_from(number & 0x7f).unwrap_or_default()
}

fn take_number(rest: &mut &[u8]) -> Option<usize> {
    let mut number = 0_usize;
    for shift in (0..28).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cursors_come_back_as_they_went(
            shown in proptest::collection::vec(any::<bool>(), 1..1200),
            outcomes: bool,
            fingerprint: u32,
        ) {
            let cursor = Cursor::new(outcomes, fingerprint, &shown);
            let back = Cursor::decode(&cursor.encode()).unwrap();
            prop_assert_eq!(&back, &cursor);
            let expected = shown.contains(&false).then(|| shown.clone());
            prop_assert_eq!(back.shown(shown.len()), expected);
        }

        #[test]
        fn nothing_else_is_a_cursor(text in "\\PC{0,60}", files in 0_usize..50) {
            if let Some(cursor) = Cursor::decode(&text) {
                let _ = cursor.shown(files);
            }
        }
    }

    #[test]
    fn cursors_are_short() {
        let first: Vec<bool> = (0..1000).map(|place| place < 50).collect();
        assert_eq!(Cursor::new(true, u32::MAX, &first).encode().len(), 10);
        let scattered: Vec<bool> = (0..1000).map(|place| place % 97 == 13 || place < 40).collect();
        assert!(Cursor::new(true, u32::MAX, &scattered).encode().len() <= 40);
        let worst: Vec<bool> = (0..1000).map(|place| place % 2 == 1).collect();
        assert_eq!(Cursor::new(true, u32::MAX, &worst).encode().len(), 174);
    }

    #[test]
    fn files_and_batches_are_told_apart() {
        let one = fingerprint("bat-1", ["a", "b"]);
        assert_eq!(one, 2_269_806_542);
        for other in [
            fingerprint("bat-2", ["a", "b"]),
            fingerprint("bat-1", ["ab"]),
            fingerprint("bat-1", ["a", "b", "c"]),
        ] {
            assert_ne!(one, other);
        }
    }
}
