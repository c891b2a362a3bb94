//! Configurations: list, get, save.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    cloud::{Account, Cloud},
    configuration::Configuration,
    extract::{Answer, Body, Created, Query},
    paging::Paging,
    product::Product,
    refusal::Refusal,
};

/// The product types that a list can be filtered by.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ProductType {
    SplitV1,
    ExtractV2,
    ClassifyV2,
    ParseV2,
    SpreadsheetV1,
    Unknown,
}

#[derive(Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    product_type: Vec<ProductType>,
    name: Option<String>,
    #[serde(default)]
    latest_only: bool,
}

#[derive(Deserialize)]
pub(super) struct CreateRequest {
    name: String,
    parameters: Value,
}

#[derive(Deserialize)]
pub(super) struct UpdateRequest {
    name: Option<String>,
    parameters: Option<Value>,
}

/// `GET /api/v1/beta/configurations`: oldest first, every version unless `latest_only`.
pub(super) async fn list(
    State(cloud): State<Arc<Cloud>>,
    Query(paging): Query<Paging>,
    Query(filter): Query<Filter>,
) -> Answer {
    let account = cloud.account();
    let all = &account.configurations;
    let is_latest = |one: &Configuration| {
        all.iter()
            .rev()
            .find(|other| other.id == one.id)
            .is_some_and(|latest| latest.serial == one.serial)
    };
    let items = all.iter().filter(|configuration| {
        let product = match configuration.product {
            Product::Parse => ProductType::ParseV2,
            Product::Extract => ProductType::ExtractV2,
        };
        !configuration.is_preset
            && filter.name.as_deref().is_none_or(|name| name == configuration.name)
            && (filter.product_type.is_empty() || filter.product_type.contains(&product))
            && (!filter.latest_only || is_latest(configuration))
    });
    paging
        .page(
            items,
            |configuration| !configuration.serial,
            |configuration| show(configuration),
        )
        .map(Json)
}

/// `GET /api/v1/beta/configurations/{config_id}`: the latest version.
pub(super) async fn get(State(cloud): State<Arc<Cloud>>, Path(id): Path<String>) -> Answer {
    Ok(Json(show(cloud.account().configuration(&id)?)))
}

/// `POST /api/v1/beta/configurations`: a new version where name and product exist already.
pub(super) async fn upsert(State(cloud): State<Arc<Cloud>>, Body(request): Body<CreateRequest>) -> Created {
    let mut account = cloud.account();
    let product = product(&request.parameters)?;
    let mut existing = account.configurations.iter().rev();
    let existing = existing.find(|other| other.name == request.name && other.product == product && !other.is_preset);
    let (id, created_at) = existing.map_or_else(
        || (format!("cfg-{}", Uuid::new_v4()), cloud.now()),
        |existing| (existing.id.clone(), existing.created_at),
    );
    let version = Configuration {
        id,
        serial: account.next_serial(),
        name: request.name,
        product,
        parameters: request.parameters,
        created_at,
        version: cloud.now(),
        is_preset: false,
    };
    Ok((StatusCode::CREATED, Json(save(&mut account, version))))
}

/// `PUT /api/v1/beta/configurations/{config_id}`: a new version. Presets cannot be changed.
pub(super) async fn update(
    State(cloud): State<Arc<Cloud>>,
    Path(id): Path<String>,
    Body(request): Body<UpdateRequest>,
) -> Answer {
    let mut account = cloud.account();
    let mut version = Configuration::clone(account.configuration(&id)?);
    if version.is_preset {
        return Err(Refusal::not_found("Configuration", &id));
    }
    if let Some(parameters) = request.parameters {
        version.product = product(&parameters)?;
        version.parameters = parameters;
    }
    version.name = request.name.unwrap_or(version.name);
    version.version = cloud.now();
    version.serial = account.next_serial();
    Ok(Json(save(&mut account, version)))
}

fn save(account: &mut Account, version: Configuration) -> Value {
    let shown = show(&version);
    account.configurations.push(Arc::new(version));
    shown
}

/// The product that parameters are for; the sandbox saves none of the others.
fn product(parameters: &Value) -> Result<Product, Refusal> {
    let product = parameters.get("product_type").cloned().unwrap_or_default();
    serde_json::from_value(product).map_err(|error| Refusal::invalid_member("parameters", &error))
}

/// A `ConfigurationResponse`.
fn show(configuration: &Configuration) -> Value {
    json!({
        "id": configuration.id,
        "name": configuration.name,
        "product_type": configuration.product.job_type(),
        "version": configuration.version.to_string(),
        "parameters": configuration.parameters,
        "created_at": configuration.created_at.to_string(),
        "updated_at": configuration.version.to_string(),
    })
}
