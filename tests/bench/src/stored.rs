//! What the API keeps of what it is sent: directories, and what their files are called. Contents are counted and forgotten.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::bodies::{self, PAGE};

const DIRECTORIES: &str = "/api/v1/beta/directories";
const MADE: &str = "dir-made-";

/// Everything that was created, until it is forgotten.
#[derive(Default)]
pub(crate) struct Stored(Mutex<Vec<Directory>>);

struct Directory {
    name: String,
    files: Vec<String>,
}

impl Stored {
    /// Begins anew.
    pub(crate) fn forget(&self) {
        self.lock().clear();
    }

    /// The answer to a request about what was created; `None` if it is about something else. Of a form, `body` has what comes before
    /// the file.
    pub(crate) fn answer(&self, method: &str, target: &str, body: &[u8]) -> Option<String> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let rest = path.strip_prefix(DIRECTORIES)?;
        let mut directories = self.lock();
        match (method, rest) {
            ("GET", "") => Some(bodies::page(
                (0..directories.len()).map(|index| shown(&directories, index)),
                None,
            )),
            ("POST", "") => {
                let wanted: Value = serde_json::from_slice(body).ok()?;
                let name = wanted.get("name")?.as_str()?.to_owned();
                let files = Vec::new();
                directories.push(Directory { name, files });
                Some(shown(&directories, directories.len() - 1))
            }
            _ => {
                let (index, what) = rest.strip_prefix('/')?.strip_prefix(MADE)?.split_once('/')?;
                let files = &mut directories.get_mut(index.parse::<usize>().ok()?)?.files;
                match (method, what) {
                    ("GET", "files") => Some(page(files, query)),
                    ("POST", "files/upload") => {
                        let file = file(files.len(), body)?;
                        files.push(file.clone());
                        Some(file)
                    }
                    _ => None,
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Directory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shown(directories: &[Directory], index: usize) -> String {
    let name = directories.get(index).map(|directory| &directory.name);
    json!({
        "id": format!("{MADE}{index}"), "project_id": bodies::PROJECT, "name": name, "type": "ephemeral",
        "created_at": bodies::CREATED, "updated_at": bodies::CREATED
    })
    .to_string()
}

/// The file whose form begins like this.
fn file(number: usize, form: &[u8]) -> Option<String> {
    let form = String::from_utf8_lossy(form);
    let field = |name: &str| {
        let (_, rest) = form.split_once(&format!("name=\"{name}\"\r\n\r\n"))?;
        rest.split_once("\r\n").map(|(value, _)| value)
    };
    let (unique_id, metadata) = (field("unique_id")?, field("metadata")?);
    let metadata: Value = serde_json::from_str(metadata).ok()?;
    let file = json!({
        "id": format!("dfl-made-{number}"), "file_id": format!("fil-made-{number}"), "unique_id": unique_id,
        "display_name": unique_id, "metadata": metadata, "created_at": bodies::CREATED, "updated_at": bodies::CREATED
    });
    Some(file.to_string())
}

fn page(files: &[String], query: &str) -> String {
    let token = query.split('&').find_map(|pair| pair.strip_prefix("page_token="));
    let first = token.and_then(|token| token.parse().ok()).unwrap_or(0);
    let end = files.len().min(first + PAGE);
    let next = (end < files.len()).then(|| end.to_string());
    bodies::page(files.iter().take(end).skip(first).cloned(), next)
}
