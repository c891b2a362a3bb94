//! `list_directories`: the directories of a project, or one of them with its files.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::batch::MAX_ID_CHARS;
use super::call::{Answer, Call};
use super::error::{Failure, explain};
use super::listing::{Beginning, PageEnd, read_beginning};
use super::prefixed::Prefixed;
use super::search::{MAX_NAME_CHARS, PartOfName, search_limit};
use super::token::Token;
use super::wording::{self, number};
use crate::llamacloud::{self, Directory, DirectoryFile, DirectoryId, FilesOf, MAX_FILES, Window};
use crate::mcp::{Json, Outcome, Tool, ToolAnnotations, ToolError};
use crate::untrusted::{clean, quote};

const DEFAULT_PAGE_SIZE: u32 = 50;
const FILE_PAGES: [Option<u32>; 3] = [Some(1000), Some(100), None];
/// How many files are counted and shown at most.
const MAX_COUNTED: usize = 10_000;
const MAX_SHOWN_NAME_CHARS: usize = 200;

/// Finds LlamaCloud directories (folders of uploaded files) by name, for `create_batch`; given `directory_id`, counts and lists
/// its files. Returns `directories` (`id`, `name`, `type`, `expires_at`, `from_connector`), or `directory`, `files_total` and
/// `files` (`id`, `name`, `updated_at`); and `next_page_token`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListDirectoriesInput {
    /// Part of the name, any case.
    #[schemars(with = "Option<String>", length(max = MAX_NAME_CHARS))]
    name: Option<PartOfName>,
    /// `dir-…`: count and list its files; omit `name` and `type`.
    directory_id: Option<Prefixed<DirectoryId>>,
    r#type: Option<Kind>,
    /// Default: 50.
    #[schemars(range(min = 1))]
    page_size: Option<NonZeroU32>,
    /// `next_page_token` of the previous page; other arguments unchanged.
    page_token: Option<Token>,
}

/// Usually omitted; `ephemeral` ones expire.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Kind {
    User,
    Index,
    Ephemeral,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Index => "index",
            Self::Ephemeral => "ephemeral",
        }
    }
}

/// One page of directories, or of a directory's files.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct ListDirectoriesOutput {
    /// The directories; absent with `directory_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    directories: Option<Vec<DirectoryFacts>>,
    /// The directory that `directory_id` names.
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<DirectoryFacts>,
    /// How many files it has; omitted above 10,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    files_total: Option<usize>,
    /// Its files.
    #[serde(skip_serializing_if = "Option::is_none")]
    files: Option<Vec<FileFacts>>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_page_token: Option<String>,
}

/// A directory.
#[derive(Debug, Clone, Serialize, JsonSchema)]
struct DirectoryFacts {
    /// For `create_batch`: `source_directory_id`.
    id: String,
    /// Its name.
    name: String,
    /// Its type; `ephemeral` directories expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<String>,
    /// When LlamaCloud deletes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    /// Whether a connector fills it, so that its files change without an upload.
    #[serde(skip_serializing_if = "Option::is_none")]
    from_connector: Option<bool>,
}

impl From<&Directory> for DirectoryFacts {
    fn from(directory: &Directory) -> Self {
        Self {
            id: clean(&directory.id, MAX_ID_CHARS),
            name: clean(&directory.name, MAX_SHOWN_NAME_CHARS),
            r#type: directory.kind.as_deref().map(|kind| clean(kind, 60)),
            expires_at: directory.expires_at.map(|at| format!("{at:.0}")),
            from_connector: directory.connector_subscription_id.is_some().then_some(true),
        }
    }
}

/// A file of a directory.
#[derive(Debug, Serialize, JsonSchema)]
struct FileFacts {
    /// `dfl-…`.
    id: String,
    /// Its name.
    name: String,
    /// When it was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
}

impl From<&DirectoryFile> for FileFacts {
    fn from(file: &DirectoryFile) -> Self {
        let name = file.display_name.as_deref().unwrap_or(&file.unique_id);
        Self {
            id: clean(&file.id, MAX_ID_CHARS),
            name: clean(name, MAX_SHOWN_NAME_CHARS),
            updated_at: file.updated_at.map(|at| format!("{at:.0}")),
        }
    }
}

const FAILS: Failure = Failure {
    what: "The directories could not be listed",
    not_found: "Check `project_id`, or omit it.",
    ask_less: Some("Ask for less with a smaller `page_size`."),
};

const ONE_FAILS: Failure = Failure {
    what: "The directory could not be read",
    not_found: "Check `directory_id`: `list_directories` without it shows the directories that exist. For a directory of \
                another project that the API key can use, also pass its `project_id`.",
    ask_less: None,
};

/// The tool.
pub(crate) struct ListDirectories;

impl Tool<Call> for ListDirectories {
    const NAME: &'static str = "list_directories";
    const TITLE: &'static str = "List directories";
    const ANNOTATIONS: ToolAnnotations = ToolAnnotations::READ_ONLY;
    type Input = ListDirectoriesInput;
    type Output = Answer<ListDirectoriesOutput>;

    async fn call(&self, call: &Call, input: ListDirectoriesInput) -> Result<Outcome<Self::Output>, ToolError> {
        let ListDirectoriesInput {
            name,
            directory_id,
            r#type,
            page_size,
            page_token,
        } = input;
        let page_size = page_size.map_or(DEFAULT_PAGE_SIZE, NonZeroU32::get);
        let name = name.filter(|name| !name.is_empty());
        let json = match (directory_id, name) {
            (Some(Prefixed(directory_id)), None) if r#type.is_none() => {
                show_files(call, &directory_id, page_size, page_token.as_ref()).await
            }
            (Some(_), _) => Err(ToolError::about_arguments(
                "`directory_id` shows one directory; `name` and `type` search for directories. Nothing was sent. Omit `directory_id`, or \
                 omit `name` and `type`, and call `list_directories` again.",
            )),
            (None, name) => list(call, name, r#type, page_size, page_token).await,
        };
        Ok(json?.into())
    }
}

type ToolAnswer = Result<Json<Answer<ListDirectoriesOutput>>, ToolError>;

async fn list(
    call: &Call,
    name: Option<PartOfName>,
    kind: Option<Kind>,
    page_size: u32,
    page_token: Option<Token>,
) -> ToolAnswer {
    let fetch = async |name: Option<String>, window: Window| {
        let query = llamacloud::ListDirectories {
            name,
            kind: kind.map(|kind| kind.as_str().to_owned()),
            include_deleted: false,
            window,
        };
        let client = &call.account.client;
        client.list_directories(&call.scope, &query, call.deadline).await
    };
    let answer = |shown: &[Directory], end: &PageEnd, sentences: Vec<String>| {
        let data = ListDirectoriesOutput {
            directories: Some(shown.iter().map(DirectoryFacts::from).collect()),
            next_page_token: end.next_page_token.clone(),
            ..ListDirectoriesOutput::default()
        };
        call.answer(&sentences.join(" "), data)
    };
    let Some(name) = name else {
        let fetch = |window| fetch(None, window);
        let none = match kind {
            None => "There are no directories in this project.".to_owned(),
            Some(kind) => format!("There are no directories of type `{}` in this project.", kind.as_str()),
        };
        let answer = |shown: &[Directory], end: PageEnd| answer(shown, &end, summarize(call, shown.len(), &end, &none));
        return call.list(&FAILS, page_size, page_token, fetch, answer).await;
    };
    let found = call.search(&FAILS, &name, |directory| &directory.name, fetch).await?;
    let of_type = kind.map_or(String::new(), |kind| format!(" of type `{}`", kind.as_str()));
    let none = format!(
        "No directory{of_type} with {} in its name was found. Call `list_directories` without `name` to see what there is.",
        name.quoted()
    );
    call.page_of(&found.entries, page_size, page_token.as_ref(), |shown, end| {
        let mut sentences = summarize(call, shown.len(), &end, &none);
        if found.entries.len() > 1 {
            sentences.push("If it is not clear which one is meant, ask the user.".to_owned());
        }
        sentences.extend(search_limit(&found, "directories"));
        answer(shown, &end, sentences)
    })
}

fn summarize(call: &Call, shown: usize, end: &PageEnd, none: &str) -> Vec<String> {
    let mut sentences = Vec::new();
    if shown > 0 {
        sentences.push(format!("{}.", end.count(shown, "directory", "directories")));
        if end.hidden > 0 {
            sentences.push("Filter by `name` or `type` to see the others.".to_owned());
        }
        sentences.push(if call.account.policy.can_create() {
            "Pass an `id` to `create_batch` as `source_directory_id`, or to `list_directories` as `directory_id` to see its \
             files."
                .to_owned()
        } else {
            "Pass an `id` to `list_directories` as `directory_id` to see its files.".to_owned()
        });
    } else if !end.has_more() {
        sentences.push(none.to_owned());
    } else {
        sentences.push("This page has no directories.".to_owned());
    }
    sentences.extend(end.more().map(str::to_owned));
    sentences
}

/// The directory and one page of its files. All are read, since the API does not say how many there are.
async fn show_files(call: &Call, directory_id: &DirectoryId, page_size: u32, page_token: Option<&Token>) -> ToolAnswer {
    let (client, scope, deadline) = (&call.account.client, &call.scope, call.deadline);
    let fetch = async |window: Window| {
        let files = client.list_directory_files(scope, directory_id, FilesOf::Now, &window, deadline);
        files.await
    };
    let (directory, files) = tokio::join!(
        client.get_directory(scope, directory_id, deadline),
        read_beginning(MAX_COUNTED, FILE_PAGES, fetch)
    );
    let failed = |error| explain(&ONE_FAILS, error, &call.context, &call.account);
    let (directory, files) = (directory.map_err(failed)?, files.map_err(failed)?);
    call.page_of(&files.entries, page_size, page_token, |shown, end| {
        let mut sentences = about_files(call, &directory, &files);
        sentences.extend(end.more().map(str::to_owned));
        let data = ListDirectoriesOutput {
            directory: Some(DirectoryFacts::from(&directory)),
            files_total: files.is_whole.then_some(files.entries.len()),
            files: Some(shown.iter().map(FileFacts::from).collect()),
            next_page_token: end.next_page_token,
            ..ListDirectoriesOutput::default()
        };
        call.answer(&sentences.join(" "), data)
    })
}

fn about_files(call: &Call, directory: &Directory, files: &Beginning<DirectoryFile>) -> Vec<String> {
    let count = files.entries.len();
    let more_than = if files.is_whole { "" } else { "more than " };
    let mut sentences = vec![format!(
        "Directory {} ({}) has {more_than}{}.",
        quote(&directory.name, 100),
        clean(&directory.id, MAX_ID_CHARS),
        wording::files(count)
    )];
    if directory.connector_subscription_id.is_some() {
        sentences.push("A connector fills it, so its files can change at any time.".to_owned());
    }
    sentences.extend(match count {
        0 => Some("There is nothing to process.".to_owned()),
        1..=MAX_FILES if call.account.policy.can_create() => {
            Some("`create_batch` with this `source_directory_id` processes all of them and costs credits for each page.".to_owned())
        }
        1..=MAX_FILES => None,
        _ => Some(format!(
            "One batch can process at most {} files. Ask the user to split the files into several directories, then create one \
             batch for each.",
            number(MAX_FILES)
        )),
    });
    sentences
}
