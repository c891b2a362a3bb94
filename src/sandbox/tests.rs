//! The server over loopback: what only a real connection shows.

use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use super::{
    API_KEY, DIR_FAILING, DIR_SMALL, DIR_STRAGGLERS, DIR_THOUSAND, Faults, PRESET_PARSE, SAVED_EXTRACT, Sandbox,
    Settings, Speed, start,
};

struct Fixture {
    sandbox: Sandbox,
    client: Client,
}

impl Fixture {
    async fn new(speed: Speed, faults: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let faults: Faults = faults.parse().unwrap();
        let sandbox = start(Settings {
            speed,
            faults,
            ..Settings::default()
        })
        .await
        .unwrap();
        let no_redirect = reqwest::redirect::Policy::none();
        let client = Client::builder().no_proxy().redirect(no_redirect).build().unwrap();
        Self { sandbox, client }
    }

    fn request(&self, method: Method, target: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}{target}", self.sandbox.base_url()))
            .bearer_auth(API_KEY)
    }

    async fn get(&self, target: &str) -> (StatusCode, Value) {
        let response = self.request(Method::GET, target).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    async fn post(&self, target: &str, body: &Value) -> reqwest::Result<(StatusCode, Value)> {
        let response = self.request(Method::POST, target).json(body).send().await?;
        Ok((response.status(), response.json().await?))
    }

    async fn create(&self, directory: &str, job_type: &str, configuration: &str) -> (StatusCode, Value) {
        self.post("/api/v2/batches", &create_body(directory, job_type, configuration))
            .await
            .unwrap()
    }

    /// Creates a parse batch and gives its id.
    async fn batch(&self, directory: &str) -> String {
        let (status, batch) = self.create(directory, "parse_v2", PRESET_PARSE).await;
        assert_eq!(status, StatusCode::CREATED, "{batch}");
        batch["id"].as_str().unwrap().to_owned()
    }
}

fn create_body(directory: &str, job_type: &str, configuration: &str) -> Value {
    json!({
        "source_directory_id": directory,
        "config": { "job": { "type": job_type, "configuration_id": configuration } },
    })
}

#[tokio::test]
async fn a_batch_goes_its_way_step_by_step() {
    let fixture = Fixture::new(Speed::Steps, "").await;
    let id = fixture.batch(DIR_STRAGGLERS).await;
    let target = format!("/api/v2/batches/{id}?expand=results");
    let (_, running) = fixture.get(&target).await;
    assert_eq!(
        (&running["status"], &running["results"]),
        (&json!("RUNNING"), &Value::Null)
    );
    let (_, complete) = fixture.get(&target).await;
    assert_eq!(complete["status"], "COMPLETED");
    let results = complete["results"].as_array().unwrap();
    let ids: Vec<_> = results
        .iter()
        .map(|result| ("job_ids", result["job_reference"]["id"].as_str().unwrap()))
        .collect();
    let query = ids
        .iter()
        .map(|(name, id)| format!("{name}={id}"))
        .collect::<Vec<_>>()
        .join("&");
    let (_, jobs) = fixture.get(&format!("/api/v2/parse?{query}&status=RUNNING")).await;
    assert_eq!(jobs["items"].as_array().unwrap().len(), 2);
    assert_eq!(fixture.sandbox.ledger().count("GET /api/v2/batches/{batch_id}"), 2);
    let (_, list) = fixture.get("/api/v2/batches").await;
    assert_eq!(
        (&list["items"][0]["results"], &list["next_page_token"]),
        (&Value::Null, &Value::Null)
    );
}

#[tokio::test]
async fn every_file_of_a_full_directory_has_a_result() {
    let fixture = Fixture::new(Speed::Instant, "").await;
    for (directory, files) in [(DIR_THOUSAND, 1000), (DIR_FAILING, 12)] {
        let id = fixture.batch(directory).await;
        let (_, batch) = fixture.get(&format!("/api/v2/batches/{id}?expand=results")).await;
        assert_eq!(batch["results"].as_array().unwrap().len(), files);
    }
    let (_, page) = fixture
        .get(&format!("/api/v1/beta/directories/{DIR_THOUSAND}/files?page_size=1000"))
        .await;
    assert_eq!(
        (page["items"].as_array().unwrap().len(), &page["next_page_token"]),
        (1000, &Value::Null)
    );
}

#[tokio::test]
async fn answers_carry_the_name_of_the_sandbox_and_its_clock() {
    let fixture = Fixture::new(Speed::Instant, "clock-skew=86400").await;
    let response = fixture.request(Method::GET, "/api/v2/batches/").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::TEMPORARY_REDIRECT);
    assert_eq!(response.headers()["server"], "llamacloud-sandbox");
    let date = httpdate::parse_http_date(response.headers()["date"].to_str().unwrap()).unwrap();
    let ahead = date.duration_since(std::time::SystemTime::now()).unwrap();
    assert!((86_000..86_401).contains(&ahead.as_secs()), "{ahead:?}");
    assert_eq!(response.headers().get_all("date").iter().count(), 1);
}

#[tokio::test]
async fn refusals_have_the_shapes_of_the_api() {
    let fixture = Fixture::new(Speed::Fast, "").await;
    let key = fixture
        .client
        .get(format!("{}/api/v2/batches", fixture.sandbox.base_url()))
        .bearer_auth("llx-other");
    let response = key.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        response.json::<Value>().await.unwrap(),
        json!({ "detail": "Invalid authentication token" })
    );
    for (target, status) in [
        ("/api/v2/nothing", 404),
        ("/api/v2/batches/bat-1", 404),
        ("/api/v2/batches/bat-1/cancel", 405),
        ("/api/v2/batches?status=DONE&page_size=0", 422),
        ("/api/v2/batches?created_at_on_or_after=soon", 422),
        ("/api/v2/batches?project_id=prj-1", 422),
        ("/api/v2/batches?project_id=00000000-0000-4000-8000-000000000000", 403),
        ("/api/v2/batches?page_token=x", 400),
        ("/api/v2/batches/bat-1?expand=files", 422),
        ("/api/v2/batches?no_such_parameter=1", 200),
    ] {
        assert_eq!(fixture.get(target).await.0, status, "{target}");
    }
    for (directory, job_type, configuration, status) in [
        ("dir-none", "parse_v2", PRESET_PARSE, 404),
        (DIR_SMALL, "parse_v2", "cfg-none", 404),
        (DIR_SMALL, "extract_v2", PRESET_PARSE, 400),
        (super::DIR_EMPTY, "parse_v2", PRESET_PARSE, 400),
        (super::DIR_OVERSIZED, "parse_v2", PRESET_PARSE, 400),
        (DIR_SMALL, "extract_v2", SAVED_EXTRACT, 201),
    ] {
        let (given, body) = fixture.create(directory, job_type, configuration).await;
        assert_eq!(given, status, "{directory} {job_type} {configuration}: {body}");
    }
    assert_eq!(fixture.sandbox.ledger().batches, 1);
}

#[tokio::test]
async fn a_batch_is_cancelled_once() {
    let fixture = Fixture::new(Speed::Steps, "late-cancel").await;
    let id = fixture.batch(DIR_SMALL).await;
    let target = format!("/api/v2/batches/{id}/cancel");
    let (status, batch) = fixture.post(&target, &json!({})).await.unwrap();
    assert_eq!((status, &batch["status"]), (StatusCode::OK, &json!("PENDING")));
    let (_, batch) = fixture.get(&format!("/api/v2/batches/{id}?expand=results")).await;
    assert_eq!(
        (&batch["status"], &batch["results"][3]["job_reference"]),
        (&json!("CANCELLED"), &Value::Null)
    );
    assert_eq!(fixture.post(&target, &json!({})).await.unwrap().0, StatusCode::CONFLICT);
}

/// A create under a fault, and how many batches there are afterwards.
async fn create_under(fault: &str) -> (reqwest::Result<(StatusCode, Value)>, usize) {
    let fixture = Fixture::new(Speed::Fast, fault).await;
    let body = create_body(DIR_SMALL, "parse_v2", PRESET_PARSE);
    let answer = fixture.post("/api/v2/batches", &body).await;
    (answer, fixture.sandbox.ledger().batches)
}

#[tokio::test]
async fn creates_can_be_lost_before_and_after_they_count() {
    for (fault, batches) in [("lost-answer:1", 1), ("reset-before-commit:1", 0)] {
        let (answer, made) = create_under(fault).await;
        let error = answer.unwrap_err();
        assert!(
            error.status().is_none() && !error.is_timeout() && !error.is_connect(),
            "{fault}: {error:?}"
        );
        assert_eq!(made, batches, "{fault}");
    }
    for (fault, batches) in [("500-after-commit:1", 1), ("500-before-commit:1", 0)] {
        let (answer, made) = create_under(fault).await;
        let (status, body) = answer.unwrap();
        assert_eq!((status, made), (StatusCode::INTERNAL_SERVER_ERROR, batches), "{fault}");
        assert!(body["detail"].as_str().unwrap().contains("correlation ID: "));
    }
}

#[tokio::test]
async fn a_lagging_list_hides_the_new() {
    let fixture = Fixture::new(Speed::Fast, "lagging-list=600000:1,429=7@get:1").await;
    let id = fixture.batch(DIR_SMALL).await;
    assert_eq!(fixture.get("/api/v2/batches").await.1["items"], json!([]));
    assert_eq!(fixture.get("/api/v2/batches").await.1["items"][0]["id"], json!(id));
    let response = fixture
        .request(Method::GET, &format!("/api/v2/batches/{id}"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        (
            response.status().as_u16(),
            response.headers()["retry-after"].to_str().unwrap()
        ),
        (429, "7")
    );
}

#[tokio::test]
async fn a_stopped_sandbox_is_gone() {
    let fixture = Fixture::new(Speed::Fast, "").await;
    let base_url = fixture.sandbox.base_url();
    fixture.batch(DIR_SMALL).await;
    fixture.sandbox.shutdown().await.unwrap();
    assert!(fixture.client.get(base_url).send().await.unwrap_err().is_connect());
}
