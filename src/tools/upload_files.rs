//! `upload_files`: documents from a folder of this machine into a LlamaCloud directory. Offered only with `--allow-dir`.

mod folder;
mod report;
mod sending;

use schemars::JsonSchema;
use serde::Deserialize;

use self::folder::{Folder, Folders};
use self::report::{Report, UploadFilesOutput, explain_upload, size};
use self::sending::Sending;
use super::call::{Answer, Call};
use super::confirmation::{Permission, permission};
use super::error::{try_again, with_advice};
use super::long_work::LongWork;
use super::next_step::Audience;
use super::prefixed::Prefixed;
use super::wording;
use crate::files::Allowed;
use crate::llamacloud::{Directory, DirectoryId, DirectoryNotMade, UploadOnce};
use crate::mcp::{Json, Outcome, Question, Tool, ToolAnnotations, ToolError};
use crate::untrusted::quote;

/// Uploads documents from an allowed folder of this machine to a LlamaCloud directory for `create_batch`. Send only what the user
/// named. Returns `directory_id`, `complete`, the numbers `uploaded`, `already_there` and `remaining`, and `refused` (files that
/// cannot be uploaded, by reason). The same files always go to one directory, a changed set to a new one. While
/// `complete` is false, repeat the call unchanged. Uploading costs no credits.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UploadFilesInput {
    /// A file or folder inside an allowed folder: absolute, `~/…`, or relative to an allowed folder (`.`).
    path: String,
    /// Take only files that match one of these globs, for example `*.pdf` or `2026/**`. Default: all supported types.
    #[serde(default)]
    include: Option<Vec<String>>,
    /// Include subfolders. Default: true.
    recursive: Option<bool>,
    /// `dir-…` to add files to, from `list_directories`. Default: one made for exactly these files.
    directory_id: Option<Prefixed<DirectoryId>>,
    /// Send nothing and return what would be uploaded (`would_upload`). Default: false.
    dry_run: Option<bool>,
}

/// The tool.
pub(crate) struct UploadFiles {
    folders: Folders,
    upload_once: UploadOnce,
    long_work: LongWork,
}

impl UploadFiles {
    pub(crate) fn new(allowed: Allowed, upload_once: UploadOnce, long_work: LongWork) -> Self {
        Self {
            folders: Folders::new(allowed),
            upload_once,
            long_work,
        }
    }

    /// The directory that the files go to, if there is one yet.
    async fn find_directory(
        &self,
        call: &Call,
        folder: &Folder,
        given: Option<&DirectoryId>,
    ) -> Result<Option<DirectoryId>, ToolError> {
        if let Some(given) = given {
            return Ok(Some(given.clone()));
        }
        let found = self
            .upload_once
            .find_directory(&call.scope, &folder.directory_name, call.deadline)
            .await;
        let found = found.map_err(|error| explain_upload(error, call))?;
        found.map(|directory| id_of(&directory)).transpose()
    }

    async fn make_directory(&self, call: &Call, folder: &Folder) -> Result<DirectoryId, ToolError> {
        let made = self
            .upload_once
            .directory(&call.scope, &folder.directory_name, call.deadline)
            .await;
        match made {
            Ok(made) => id_of(&made.directory),
            Err(DirectoryNotMade::NotMade(error)) => Err(explain_upload(error, call)),
            Err(DirectoryNotMade::Unknown(error)) => Err(with_advice(
                format!(
                    "No file was uploaded: it is not known whether the directory for the files exists ({}). {} uses the \
                     directory if it exists, and creates it only if not.",
                    error.cause(),
                    Audience::of(&call.context).repeat(Self::NAME, " in a minute")
                ),
                error,
            )),
            Err(DirectoryNotMade::StillTrying) => Err(try_again(format!(
                "No file was uploaded yet: LlamaCloud is slow to create the directory. {} continues.",
                Audience::of(&call.context).repeat(Self::NAME, "")
            ))),
        }
    }

    /// Asks the user before anything is sent, where the settings say so.
    async fn confirm(&self, call: &Call, sending: &Sending) -> Result<Permission, ToolError> {
        if !call.account.policy.confirm_create {
            return Ok(Permission::Given(call.deadline));
        }
        let (files, folder) = (sending.files.len(), &sending.folder);
        let question = Question {
            message: format!(
                "Upload {} ({}) from {} to LlamaCloud?",
                wording::files(files),
                size(sending.total_bytes()),
                quote(&folder.name, 200)
            ),
            label: "Upload the files",
            subject: serde_json::json!({
                "tool": "upload_files",
                "project_id": call.scope.project_id,
                "organization_id": call.scope.organization_id,
                "directory": folder.directory_name,
                "directory_id": sending.directory_id,
                "files": sending.set(),
            }),
        };
        permission(call, &question, "No file was uploaded", "upload the files").await
    }
}

impl Tool<Call> for UploadFiles {
    const NAME: &'static str = "upload_files";
    const TITLE: &'static str = "Upload files";
    const ANNOTATIONS: ToolAnnotations = ToolAnnotations::ADDS_ONCE;
    type Input = UploadFilesInput;
    type Output = Answer<UploadFilesOutput>;

    async fn call(&self, call: &Call, input: UploadFilesInput) -> Result<Outcome<Self::Output>, ToolError> {
        let include = input.include.unwrap_or_default();
        let recursive = input.recursive.unwrap_or(true);
        let given = input.directory_id.map(|Prefixed(id)| id);
        let is_dry_run = input.dry_run == Some(true);
        // A batch over the directory has to wait from now on, also while files are hashed.
        let filled = given.as_ref().filter(|_| !is_dry_run);
        let filling = filled.map(|id| self.upload_once.hold(id, &input.path));
        let folder = self.folders.look_into(call, &input.path, &include, recursive).await?;
        let Some(folder) = folder else {
            return Outcome::done(&report::still_reading(call));
        };
        let directory_id = self.find_directory(call, &folder, given.as_ref()).await?;
        let mut sending = Sending::new(self.upload_once.clone(), folder, directory_id);
        sending.compare(call, given.is_none()).await?;
        if is_dry_run {
            return Outcome::done(&sending.into_report().answer(call, true));
        }
        if sending.files.is_empty() {
            sending.finish();
            return Outcome::done(&sending.into_report().answer(call, false));
        }
        let deadline = match self.confirm(call, &sending).await? {
            Permission::Given(deadline) => deadline,
            Permission::Ask(question) => return Ok(Outcome::Ask(question)),
        };
        let call = Call {
            deadline,
            ..call.clone()
        };
        if sending.directory_id.is_none() {
            sending.directory_id = Some(self.make_directory(&call, &sending.folder).await?);
            // Another process may have made it a moment ago.
            sending.compare(&call, true).await?;
        }
        self.long_work
            .run(&call.clone(), "Uploading files", move |pace| async move {
                let report: Report = sending.send(&call, pace).await?;
                drop(filling);
                Json::of(&report.answer(&call, false))
            })
            .await
    }
}

fn id_of(directory: &Directory) -> Result<DirectoryId, ToolError> {
    directory.id.parse().map_err(|_| {
        ToolError::new(
            "No file was uploaded: LlamaCloud answered with a directory whose ID cannot be used. Tell the user.",
        )
    })
}
