//! Batches: life cycle, refusals, faults, the clock.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{Fixture, create_body};
use crate::sandbox::{
    DIR_BROKEN, DIR_EMPTY, DIR_FAILING, DIR_FLAKY, DIR_OVERSIZED, DIR_SMALL, DIR_STRAGGLERS, DIR_THOUSAND,
    DIR_THROTTLED, PRESET_PARSE, SAVED_EXTRACT, Speed,
};

#[tokio::test]
async fn a_batch_passes_its_states_step_by_step() {
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
    let response = fixture.request(Method::GET, "/api/v2/nothing").send().await.unwrap();
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
        (DIR_EMPTY, "parse_v2", PRESET_PARSE, 400),
        (DIR_OVERSIZED, "parse_v2", PRESET_PARSE, 400),
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
    for (fault, batches) in [("lost-answer:1", 1), ("reset@create:1", 0)] {
        let (answer, made) = create_under(fault).await;
        let error = answer.unwrap_err();
        assert!(
            error.status().is_none() && !error.is_timeout() && !error.is_connect(),
            "{fault}: {error:?}"
        );
        assert_eq!(made, batches, "{fault}");
    }
    for (fault, batches) in [("500-after-commit:1", 1), ("500@create:1", 0)] {
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

#[tokio::test]
async fn batches_pass_their_states_one_by_one() {
    let fixture = Fixture::new(Speed::Steps, "").await;
    for (directory, expected) in [
        (DIR_SMALL, ["RUNNING", "COMPLETED", "COMPLETED"]),
        (DIR_THROTTLED, ["THROTTLED", "RUNNING", "COMPLETED"]),
        (DIR_BROKEN, ["RUNNING", "FAILED", "FAILED"]),
    ] {
        let target = format!("/api/v2/batches/{}", fixture.batch(directory).await);
        for status in expected {
            assert_eq!(fixture.get(&target).await.1["status"], status, "{directory}");
        }
    }
}

#[tokio::test]
async fn the_clock_moves_batches() {
    let fixture = Fixture::new("2h".parse().unwrap(), "").await;
    let target = format!("/api/v2/batches/{}", fixture.batch(DIR_SMALL).await);
    let status = async || fixture.get(&target).await.1["status"].clone();
    assert_eq!(status().await, "PENDING");
    fixture.sandbox.advance(Duration::from_mins(90));
    assert_eq!(status().await, "RUNNING");
    let clock = json!({ "advance_seconds": 86400 });
    let (moved, now) = fixture.post("/sandbox/clock", &clock).await.unwrap();
    assert_eq!(moved, StatusCode::OK);
    let (_, batch) = fixture.get(&target).await;
    let instant = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let ran = instant(&batch["updated_at"]).duration_since(instant(&batch["created_at"]));
    assert_eq!((batch["status"].as_str().unwrap(), ran.as_secs()), ("COMPLETED", 7200));
    assert!(
        instant(&now["now"])
            .duration_since(instant(&batch["updated_at"]))
            .as_hours()
            >= 23
    );
}

#[tokio::test]
async fn what_fails_once_succeeds_in_the_next_batch() {
    let fixture = Fixture::new(Speed::Instant, "").await;
    for failed in [2, 0] {
        fixture.batch(DIR_FLAKY).await;
        let jobs = fixture.items("/api/v2/parse?status=FAILED&page_size=100").await;
        let newest = jobs.len() - usize::from(failed == 0) * 2;
        assert_eq!(newest, failed);
    }
    let ready_made = fixture.results("bat-sandbox-flaky").await;
    assert_eq!(ready_made.len(), 3);
}

#[tokio::test]
async fn faults_can_be_added_from_outside() {
    let fixture = Fixture::new(Speed::Fast, "").await;
    let add = async |fault: &str| {
        fixture
            .post("/sandbox/faults", &json!({ "fault": fault }))
            .await
            .unwrap()
            .0
    };
    assert_eq!(add("418@list:1").await, StatusCode::OK);
    assert_eq!(add("nonsense").await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(fixture.get("/api/v2/batches").await.0, StatusCode::IM_A_TEAPOT);
    assert_eq!(fixture.get("/api/v2/batches").await.0, StatusCode::OK);
}
