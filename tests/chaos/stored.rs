//! What LlamaCloud holds, and what it answers to a request.
//!
//! A batch is RUNNING in the list and COMPLETED when it is read by itself: the list lags.

use serde_json::{Value, json};

use crate::http::{Answer, Head};
use crate::upload_api::Step;

/// The batch whose files a retry is about: three of them failed, one succeeded.
pub(crate) const SOURCE_BATCH: &str = "bat-source";
pub(crate) const SOURCE_DIRECTORY: &str = "dir-source";
/// How the IDs of the jobs of that batch begin.
const SOURCE_JOB: &str = "pjb-source-";
/// The same for all other batches. The number is the file's.
const JOB: &str = "pjb-";

#[derive(Default)]
pub(crate) struct Stored {
    pub(crate) directories: Vec<String>,
    /// Directory, `unique_id` and SHA-256.
    pub(crate) files: Vec<(String, String, String)>,
    /// The directory of each batch that was made.
    pub(crate) batches: Vec<String>,
    pub(crate) requests: Vec<String>,
}

/// The result of a file: the text of its only page.
pub(crate) fn result_of(unique_id: &str) -> String {
    format!(
        "# The text of {unique_id}\n\n{}\n",
        "It is long. ".repeat(600).trim_end()
    )
}

impl Stored {
    /// A batch over these files, whose results can be read.
    pub(crate) fn with_batch_over(&mut self, files: &[&str]) {
        self.directories.push("documents".to_owned());
        self.batches.push("dir-0".to_owned());
        let file = |name: &&str| ("dir-0".to_owned(), (*name).to_owned(), String::new());
        self.files = files.iter().map(file).collect();
    }

    /// The files, by name.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.files.iter().map(|(_, unique_id, _)| unique_id.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// All that is held, and the requests that led to it.
    pub(crate) fn told(&self) -> String {
        let (files, requests) = (&self.files, self.requests.join("\n"));
        format!("{:?} {files:?} {:?}\n{requests}", self.directories, self.batches)
    }

    /// How often a result was requested.
    pub(crate) fn results_read(&self) -> usize {
        let requests = self.requests.iter();
        requests.filter(|request| request.contains("/api/v2/parse/")).count()
    }

    /// Does what a request is for, and says so.
    pub(crate) fn answer(&mut self, step: Step, head: &Head, body: &[u8]) -> Answer {
        let query = |wanted: &str| {
            head.target
                .query_pairs()
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value.into_owned())
        };
        let directory = head.target.path().split('/').nth(5).unwrap_or_default().to_owned();
        let json = serde_json::from_slice::<Value>(body).unwrap_or_default();
        let member = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        match step {
            Step::ListDirectories => {
                let name = query("name");
                let named = |(_, own): &(usize, &String)| name.as_ref().is_none_or(|name| name == *own);
                let directories = self.directories.iter().enumerate().filter(named);
                list(directories.map(|(index, name)| show_directory(index, name)))
            }
            Step::MakeDirectory => {
                let name = member("name");
                if self.directories.contains(&name) {
                    return Answer::error(409);
                }
                self.directories.push(name.clone());
                Answer::json(201, &show_directory(self.directories.len() - 1, &name))
            }
            Step::ListFiles => {
                let unique_id = query("unique_id");
                let files = self.files.iter().enumerate().filter(|(_, (of, own, _))| {
                    *of == directory && unique_id.as_ref().is_none_or(|unique_id| unique_id == own)
                });
                list(files.map(|(index, file)| show_file(index, file)))
            }
            Step::Upload(_) => {
                let text = String::from_utf8_lossy(body);
                let field = |name: &str| {
                    let (_, rest) = text.split_once(&format!("name=\"{name}\"\r\n\r\n")).unwrap_or_default();
                    rest.split("\r\n").next().unwrap_or_default().to_owned()
                };
                let metadata: Value = serde_json::from_str(&field("metadata")).unwrap_or_default();
                let sha256 = metadata["sha256"].as_str().unwrap_or_default().to_owned();
                self.store((directory, field("unique_id"), sha256))
            }
            Step::AddFile(_) => self.store((directory, member("unique_id"), member("file_id"))),
            Step::ListBatches => {
                let of = query("source_directory_id");
                let batches = self.batches.iter().enumerate();
                let batches = batches.filter(|(_, directory)| of.as_ref().is_none_or(|of| of == *directory));
                list(batches.map(|(index, directory)| show_batch(index, directory)))
            }
            Step::CreateBatch => {
                let directory = member("source_directory_id");
                self.batches.push(directory.clone());
                Answer::json(200, &show_batch(self.batches.len() - 1, &directory))
            }
            Step::ReadBatch => self.read(head),
            Step::ReadResult(_) => self.result(head.target.path()),
        }
    }

    fn store(&mut self, file: (String, String, String)) -> Answer {
        let shown = show_file(self.files.len(), &file);
        self.files.push(file);
        Answer::json(201, &shown)
    }

    /// A batch, the jobs of its files, or the names of the source's files.
    fn read(&self, head: &Head) -> Answer {
        let path = head.target.path();
        if path == "/api/v2/parse" {
            let ids = head.target.query_pairs().filter(|(name, _)| name == "job_ids");
            return list(ids.map(|(_, id)| show_job(&id)));
        }
        let Some(id) = path.strip_prefix("/api/v2/batches/") else {
            return list((0..4).map(show_source_file));
        };
        let number = id.strip_prefix("bat-").and_then(|number| number.parse::<usize>().ok());
        let (mut batch, results) = match number.and_then(|number| Some((number, self.batches.get(number)?))) {
            Some((number, directory)) => {
                let files = self.files.iter().enumerate().filter(|(_, (of, _, _))| of == directory);
                let results = files.map(|(file, _)| show_result(&format!("dfl-{file}"), &format!("{JOB}{file}")));
                (show_batch(number, directory), results.collect())
            }
            None if id == SOURCE_BATCH => {
                let result = |file| show_result(&format!("dfl-source-{file}"), &format!("{SOURCE_JOB}{file}"));
                (show_batch(0, SOURCE_DIRECTORY), (0..4).map(result).collect::<Vec<_>>())
            }
            None => return Answer::error(404),
        };
        batch["id"] = json!(id);
        batch["status"] = json!("COMPLETED");
        batch["results"] = results.into();
        Answer::json(200, &batch)
    }

    fn result(&self, path: &str) -> Answer {
        let id = path.rsplit('/').next().unwrap_or_default();
        let number = id.strip_prefix(JOB).and_then(|number| number.parse::<usize>().ok());
        let Some((_, unique_id, _)) = number.and_then(|number| self.files.get(number)) else {
            return Answer::error(404);
        };
        let pages = json!([{ "page_number": 1, "markdown": result_of(unique_id).trim_end() }]);
        Answer::json(200, &json!({ "job": show_job(id), "markdown": { "pages": pages } }))
    }
}

fn list(items: impl Iterator<Item = Value>) -> Answer {
    Answer::json(200, &json!({ "items": items.collect::<Vec<_>>() }))
}

fn show_directory(index: usize, name: &str) -> Value {
    json!({ "id": format!("dir-{index}"), "name": name, "type": "ephemeral", "project_id": "prj-1" })
}

fn show_file(index: usize, (directory, unique_id, sha256): &(String, String, String)) -> Value {
    json!({
        "id": format!("dfl-{index}"), "directory_id": directory, "project_id": "prj-1", "unique_id": unique_id,
        "display_name": unique_id, "metadata": { "sha256": sha256 },
    })
}

fn show_source_file(index: usize) -> Value {
    json!({
        "id": format!("dfl-source-{index}"), "directory_id": SOURCE_DIRECTORY, "project_id": "prj-1",
        "unique_id": format!("{index}.pdf"), "display_name": format!("{index}.pdf"),
        "file_id": format!("00000000-0000-4000-8000-00000000000{index}"),
    })
}

fn show_batch(index: usize, directory: &str) -> Value {
    json!({
        "id": format!("bat-{index}"), "source_directory_id": directory, "project_id": "prj-1", "status": "RUNNING",
        "created_at": "2026-11-26T08:00:00Z", "results": null,
        "config": { "job": { "type": "parse_v2", "configuration_id": "cfg-PARSE_AGENTIC" } },
    })
}

fn show_result(file_id: &str, job_id: &str) -> Value {
    json!({ "source_directory_file_id": file_id, "job_reference": { "type": "parse_v2", "id": job_id } })
}

/// All jobs succeeded, except the first three of the source.
fn show_job(id: &str) -> Value {
    let has_failed = id.starts_with(SOURCE_JOB) && !id.ends_with('3');
    let (status, error) = if has_failed {
        ("FAILED", json!("damaged"))
    } else {
        ("COMPLETED", Value::Null)
    };
    json!({ "id": id, "status": status, "error_message": error, "project_id": "prj-1" })
}
