//! The server over loopback: what only a real connection shows.

mod batches;
mod files;
mod openapi;
mod results;

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::{API_KEY, PRESET_PARSE, Sandbox, Settings, Speed, start};

const DIRECTORIES: &str = "/api/v1/beta/directories";

struct Fixture {
    sandbox: Sandbox,
    client: Client,
}

impl Fixture {
    async fn new(speed: Speed, faults: &str) -> Self {
        let faults = faults.parse().unwrap();
        Self::with(Settings {
            speed,
            faults,
            ..Settings::default()
        })
        .await
    }

    async fn with(settings: Settings) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sandbox = start(settings).await.unwrap();
        let client = Client::builder().no_proxy().build().unwrap();
        Self { sandbox, client }
    }

    fn request(&self, method: Method, target: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{target}", self.sandbox.base_url()))
            .bearer_auth(API_KEY)
    }

    async fn get(&self, target: &str) -> (StatusCode, Value) {
        let response = self.request(Method::GET, target).send().await.unwrap();
        let (status, answer) = (response.status(), response.json().await.unwrap());
        openapi::check("get", target, status.as_u16(), &answer);
        (status, answer)
    }

    /// What a list holds, in one page.
    async fn items(&self, target: &str) -> Vec<Value> {
        let (status, page) = self.get(target).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        page["items"].as_array().unwrap().clone()
    }

    async fn post(&self, target: &str, body: &Value) -> reqwest::Result<(StatusCode, Value)> {
        let response = self.request(Method::POST, target).json(body).send().await?;
        let (status, answer) = (response.status(), response.json().await?);
        openapi::check("post", target, status.as_u16(), &answer);
        Ok((status, answer))
    }

    async fn delete(&self, target: &str) -> StatusCode {
        self.request(Method::DELETE, target).send().await.unwrap().status()
    }

    async fn create(&self, directory: &str, job_type: &str, configuration: &str) -> (StatusCode, Value) {
        self.post("/api/v2/batches", &create_body(directory, job_type, configuration))
            .await
            .unwrap()
    }

    /// Creates a parse batch and returns its id.
    async fn batch(&self, directory: &str) -> String {
        let (status, batch) = self.create(directory, "parse_v2", PRESET_PARSE).await;
        assert_eq!(status, StatusCode::CREATED, "{batch}");
        id(&batch)
    }

    /// The results of a batch that is final.
    async fn results(&self, batch_id: &str) -> Vec<Value> {
        let (_, batch) = self.get(&format!("/api/v2/batches/{batch_id}?expand=results")).await;
        batch["results"].as_array().unwrap().clone()
    }
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

fn create_body(directory: &str, job_type: &str, configuration: &str) -> Value {
    json!({
        "source_directory_id": directory,
        "config": { "job": { "type": job_type, "configuration_id": configuration } },
    })
}
