//! What a batch refers to: directories, their files, configurations, projects. All of it is read only here.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{
    account::{self, CONFIGURATIONS, Configuration, Directory, File},
    cloud::Cloud,
    errors::Reply,
    query::Parameters,
    route::Product,
};

const DIRECTORY_TYPES: [&str; 3] = ["user", "index", "ephemeral"];
const PRODUCT_TYPES: [&str; 6] = [
    "split_v1",
    "extract_v2",
    "classify_v2",
    "parse_v2",
    "spreadsheet_v1",
    "unknown",
];

/// `GET /api/v1/beta/directories`
pub(super) fn list_directories(cloud: &Cloud, mut parameters: Parameters) -> Result<Reply, Reply> {
    let scope = parameters.scope();
    let window = parameters.window();
    let name = parameters.text("name");
    let kind = parameters.word("type", &DIRECTORY_TYPES);
    let kinds = parameters.words("types", &DIRECTORY_TYPES);
    parameters.problems.finish()?;
    scope.check()?;
    let items = positions(&cloud.account.directories).filter(|(_, directory)| {
        name.as_deref().is_none_or(|name| name == directory.name)
            && kind.as_deref().is_none_or(|kind| kind == directory.kind)
            && (kinds.is_empty() || kinds.iter().any(|kind| kind == directory.kind))
    });
    let page = window.page(
        items,
        |(key, _)| *key,
        |(_, directory)| show_directory(cloud, directory),
    )?;
    Ok(Reply::json(StatusCode::OK, page))
}

/// `GET /api/v1/beta/directories/{directory_id}`
pub(super) fn get_directory(cloud: &Cloud, mut parameters: Parameters, id: &str) -> Result<Reply, Reply> {
    let scope = parameters.scope();
    parameters.problems.finish()?;
    scope.check()?;
    Ok(Reply::json(
        StatusCode::OK,
        show_directory(cloud, directory(cloud, id)?),
    ))
}

/// `GET /api/v1/beta/directories/{directory_id}/files`
pub(super) fn list_files(cloud: &Cloud, mut parameters: Parameters, id: &str) -> Result<Reply, Reply> {
    let scope = parameters.scope();
    let window = parameters.window();
    let updated = parameters.span("updated_at");
    parameters.words("expand", &["download_url"]);
    let name = parameters.text("display_name");
    let part = parameters.text("display_name_contains").map(|part| part.to_lowercase());
    let unique = parameters.text("unique_id");
    let stored = parameters.text("file_id");
    parameters.problems.finish()?;
    scope.check()?;
    let directory = directory(cloud, id)?;
    let items = positions(&directory.files).filter(|(_, file)| {
        updated.holds(cloud.account.made_at)
            && name.as_deref().is_none_or(|name| name == file.name)
            && part
                .as_deref()
                .is_none_or(|part| file.name.to_lowercase().contains(part))
            && unique.as_deref().is_none_or(|unique| unique == file.stored_id)
            && stored.as_deref().is_none_or(|stored| stored == file.stored_id)
    });
    let page = window.page(items, |(key, _)| *key, |(_, file)| show_file(cloud, directory, file))?;
    Ok(Reply::json(StatusCode::OK, page))
}

/// `GET /api/v1/beta/directories/{directory_id}/files/{directory_file_id}`
pub(super) fn get_file(cloud: &Cloud, mut parameters: Parameters, id: &str, file_id: &str) -> Result<Reply, Reply> {
    let scope = parameters.scope();
    parameters.problems.finish()?;
    scope.check()?;
    let directory = directory(cloud, id)?;
    let file = directory.files.iter().find(|file| file.id == file_id);
    let file = file.ok_or_else(|| Reply::not_found(format!("Directory file {file_id} not found")))?;
    Ok(Reply::json(StatusCode::OK, show_file(cloud, directory, file)))
}

/// `GET /api/v1/beta/configurations`
pub(super) fn list_configurations(cloud: &Cloud, mut parameters: Parameters) -> Result<Reply, Reply> {
    let scope = parameters.scope();
    let window = parameters.window();
    let products = parameters.words("product_type", &PRODUCT_TYPES);
    let name = parameters.text("name");
    parameters.problems.finish()?;
    scope.check()?;
    let items = positions(&CONFIGURATIONS).filter(|(_, configuration)| {
        !configuration.preset
            && name.as_deref().is_none_or(|name| name == configuration.name)
            && (products.is_empty() || products.iter().any(|word| word == configuration.product.job_type()))
    });
    let page = window.page(
        items,
        |(key, _)| *key,
        |(_, configuration)| show_configuration(cloud, configuration),
    )?;
    Ok(Reply::json(StatusCode::OK, page))
}

/// `GET /api/v1/beta/configurations/{config_id}`
pub(super) fn get_configuration(cloud: &Cloud, mut parameters: Parameters, id: &str) -> Result<Reply, Reply> {
    let scope = parameters.scope();
    parameters.problems.finish()?;
    scope.check()?;
    let configuration =
        account::configuration(id).ok_or_else(|| Reply::not_found(format!("Configuration {id} not found")))?;
    Ok(Reply::json(StatusCode::OK, show_configuration(cloud, configuration)))
}

/// `GET /api/v2/projects`. Its `organization_id` is a plain string, unlike everywhere else.
pub(super) fn list_projects(cloud: &Cloud, mut parameters: Parameters) -> Result<Reply, Reply> {
    let window = parameters.window();
    let organization = parameters.text("organization_id");
    let name = parameters.text("name");
    parameters.problems.finish()?;
    let project = project(cloud, organization.as_deref(), name.as_deref());
    let page = window.page(project.into_iter(), |_| 1, Value::clone)?;
    Ok(Reply::json(StatusCode::OK, page))
}

/// `GET /api/v2/projects/{project_id}`
pub(super) fn get_project(cloud: &Cloud, mut parameters: Parameters, id: &str) -> Result<Reply, Reply> {
    let scope = parameters.scope();
    parameters.problems.finish()?;
    scope.check()?;
    let project = project(cloud, None, None).filter(|project| project["id"] == id);
    let project = project.ok_or_else(|| Reply::not_found(format!("Project {id} not found")))?;
    Ok(Reply::json(StatusCode::OK, project))
}

/// `GET /api/v1/projects`: a bare array.
pub(super) fn list_projects_v1(cloud: &Cloud, mut parameters: Parameters) -> Result<Reply, Reply> {
    let scope = parameters.scope();
    let name = parameters.text("project_name");
    parameters.problems.finish()?;
    scope.check()?;
    Ok(Reply::json(
        StatusCode::OK,
        project(cloud, None, name.as_deref()).into_iter().collect(),
    ))
}

/// The account's project, a `ProjectResponse` and a `Project`, if it is the one asked for.
fn project(cloud: &Cloud, organization: Option<&str>, name: Option<&str>) -> Option<Value> {
    let own = "Sandbox";
    let asked_for = organization.is_none_or(|id| id == account::ORGANIZATION_ID) && name.is_none_or(|name| name == own);
    asked_for.then(|| {
        json!({
            "id": account::PROJECT_ID,
            "name": own,
            "organization_id": account::ORGANIZATION_ID,
            "is_default": true,
            "created_at": cloud.account.made_at.to_string(),
            "updated_at": cloud.account.made_at.to_string(),
        })
    })
}

/// Items with keys that fall from the first to the last, as pages need them.
fn positions<T>(items: &[T]) -> impl Iterator<Item = (u64, &T)> {
    (0..items.len())
        .rev()
        .filter_map(|left| u64::try_from(left + 1).ok())
        .zip(items)
}

fn directory<'a>(cloud: &'a Cloud, id: &str) -> Result<&'a Directory, Reply> {
    cloud
        .account
        .directory(id)
        .ok_or_else(|| Reply::not_found(format!("Directory {id} not found")))
}

/// A `DirectoryResponse`.
fn show_directory(cloud: &Cloud, directory: &Directory) -> Value {
    json!({
        "id": directory.id,
        "project_id": account::PROJECT_ID,
        "name": directory.name,
        "description": directory.description,
        "type": directory.kind,
        "connector_subscription_id": null,
        "expires_at": null,
        "system_metadata": null,
        "created_at": cloud.account.made_at.to_string(),
        "updated_at": cloud.account.made_at.to_string(),
        "deleted_at": null,
    })
}

/// A `DirectoryFileResponse`. The sandbox stores no content, so `download_url` is always null.
fn show_file(cloud: &Cloud, directory: &Directory, file: &File) -> Value {
    json!({
        "id": file.id,
        "project_id": account::PROJECT_ID,
        "directory_id": directory.id,
        "unique_id": file.stored_id,
        "display_name": file.name,
        "file_id": file.stored_id,
        "metadata": {},
        "created_at": cloud.account.made_at.to_string(),
        "updated_at": cloud.account.made_at.to_string(),
        "deleted_at": null,
        "download_url": null,
    })
}

/// A `ConfigurationResponse`.
fn show_configuration(cloud: &Cloud, configuration: &Configuration) -> Value {
    let mut parameters = match configuration.product {
        Product::Parse if configuration.preset => json!({ "tier": "agentic", "version": "latest" }),
        Product::Parse => json!({ "tier": "cost_effective", "version": "latest" }),
        Product::Extract => extract_parameters(),
    };
    if let Some(members) = parameters.as_object_mut() {
        members.insert("product_type".to_owned(), json!(configuration.product.job_type()));
    }
    json!({
        "id": configuration.id,
        "name": configuration.name,
        "product_type": configuration.product.job_type(),
        "version": cloud.account.made_at.to_string(),
        "parameters": parameters,
        "created_at": cloud.account.made_at.to_string(),
        "updated_at": cloud.account.made_at.to_string(),
    })
}

/// What the saved extract configuration asks for: an `ExtractConfiguration`.
pub(super) fn extract_parameters() -> Value {
    json!({
        "tier": "cost_effective",
        "version": "latest",
        "extraction_target": "per_doc",
        "data_schema": { "type": "object", "properties": {
            "invoice_number": { "type": "string" },
            "total": { "type": "number" },
            "currency": { "type": "string" },
        } },
    })
}
