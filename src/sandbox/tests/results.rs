//! What parse and extract jobs answer, and what they cost.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{DIRECTORIES, Fixture};
use crate::sandbox::{
    DIR_DOCUMENTS, DIR_FAILING, DIR_SMALL, DIR_STRAGGLERS, ORGANIZATION_ID, SAVED_EXTRACT, SAVED_EXTRACT_CITED,
    SAVED_EXTRACT_ROWS, SAVED_PARSE_FAST, SAVED_PARSE_TABLES, Speed,
};

impl Fixture {
    /// Creates a batch and returns the job ids of its files, in the order of the directory.
    async fn jobs(&self, directory: &str, job_type: &str, configuration: &str) -> Vec<String> {
        let (status, batch) = self.create(directory, job_type, configuration).await;
        assert_eq!(status, StatusCode::CREATED, "{batch}");
        let results = self.results(&super::id(&batch)).await;
        let ids = results
            .iter()
            .filter_map(|result| result["job_reference"]["id"].as_str());
        ids.map(str::to_owned).collect()
    }

    async fn parse(&self, job: &str, expand: &str) -> Value {
        let (status, parsed) = self.get(&format!("/api/v2/parse/{job}?expand={expand}")).await;
        assert_eq!(status, StatusCode::OK, "{parsed}");
        parsed
    }

    async fn extract(&self, job: &str) -> Value {
        self.get(&format!("/api/v2/extract/{job}?expand=extract_metadata"))
            .await
            .1
    }
}

#[tokio::test]
async fn documents_of_every_kind_can_be_read() {
    let fixture = Fixture::new(Speed::Instant, "").await;
    let jobs = fixture.jobs(DIR_DOCUMENTS, "parse_v2", "cfg-PARSE_AGENTIC").await;
    let good = fixture.parse(&jobs[0], "markdown&expand=usage&expand=metadata").await;
    assert_eq!(good["markdown"]["pages"].as_array().unwrap().len(), 12);
    assert!(
        good["markdown"]["pages"][0]["markdown"]
            .as_str()
            .unwrap()
            .contains("<table>")
    );
    assert_eq!(
        (&good["job"]["usage"]["credits"], &good["text"]),
        (&json!(120), &Value::Null)
    );
    assert_eq!(good["metadata"]["pages"][11]["page_number"], 12);
    let damaged = fixture
        .parse(&jobs[1], "markdown&expand=text&expand=markdown_full")
        .await;
    let failed: Vec<_> = damaged["markdown"]["pages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|page| page["success"] == false)
        .collect();
    assert_eq!(
        failed.iter().map(|page| &page["page_number"]).collect::<Vec<_>>(),
        [3, 7]
    );
    assert!(failed[0]["error"].is_string() && damaged["markdown_full"].is_string());
    assert_eq!(
        (&damaged["job"]["status"], &damaged["text"]["pages"][2]["text"]),
        (&json!("COMPLETED"), &json!(""))
    );
    let long = fixture.parse(&jobs[2], "text").await;
    assert!((4_500_000..6_000_000).contains(&long.to_string().len()));
    let hostile = fixture.parse(&jobs[3], "text").await.to_string();
    for part in ["Ignore previous", "\u{202e}", "\u{e0064}", "\\u001b", "<script>"] {
        assert!(hostile.contains(part), "{part:?}");
    }
    assert_eq!(
        fixture.get(&format!("/api/v2/parse/{}", jobs[4])).await.0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        fixture.items(&format!("/api/v2/parse?job_ids={}", jobs[4])).await[0]["status"],
        "COMPLETED"
    );
    let sizes = fixture.parse(&jobs[5], "text_content_metadata").await;
    assert!(sizes["result_content_metadata"]["text"]["size_bytes"].as_u64().unwrap() > 100);
    assert_eq!(
        fixture.get(&format!("/api/v2/parse/{}?expand=all", jobs[0])).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let names = fixture
        .items(&format!("{DIRECTORIES}/{DIR_DOCUMENTS}/files?display_name=scan.pdf"))
        .await;
    assert_eq!(names.len(), 2);
}

#[tokio::test]
async fn results_follow_their_configuration() {
    let fixture = Fixture::new(Speed::Instant, "").await;
    let jobs = fixture.jobs(DIR_SMALL, "parse_v2", SAVED_PARSE_FAST).await;
    let fast = fixture.parse(&jobs[0], "markdown&expand=text").await;
    assert_eq!(
        (&fast["markdown"], &fast["job"]["tier"]),
        (&Value::Null, &json!("fast"))
    );
    assert!(
        fast["text"]["pages"][0]["text"]
            .as_str()
            .unwrap()
            .contains("lease-berlin.pdf")
    );
    let jobs = fixture.jobs(DIR_SMALL, "parse_v2", SAVED_PARSE_TABLES).await;
    let tables = fixture.parse(&jobs[0], "markdown").await;
    assert!(
        tables["markdown"]["pages"][0]["markdown"]
            .as_str()
            .unwrap()
            .contains("| Article |")
    );
}

#[tokio::test]
async fn extract_results_are_objects_and_arrays() {
    let fixture = Fixture::new(Speed::Instant, "").await;
    let jobs = fixture.jobs(DIR_DOCUMENTS, "extract_v2", SAVED_EXTRACT).await;
    let one = fixture.extract(&jobs[0]).await;
    assert_eq!(
        one["extract_result"],
        json!({ "invoice_number": "invoice_number 12", "total": 112.5, "currency": "currency 12" })
    );
    assert_eq!(one["extract_metadata"]["field_metadata"], Value::Null);
    let text = fixture
        .parse(one["extract_metadata"]["parse_job_id"].as_str().unwrap(), "text")
        .await;
    assert!(
        text["text"]["pages"][0]["text"]
            .as_str()
            .unwrap()
            .contains("annual-report.pdf")
    );
    let jobs = fixture.jobs(DIR_DOCUMENTS, "extract_v2", SAVED_EXTRACT_ROWS).await;
    assert_eq!(
        fixture.extract(&jobs[2]).await["extract_result"]
            .as_array()
            .unwrap()
            .len(),
        10_000
    );
    assert_eq!(
        fixture.get(&format!("/api/v2/extract/{}", jobs[4])).await.0,
        StatusCode::NOT_FOUND
    );
    let jobs = fixture.jobs(DIR_DOCUMENTS, "extract_v2", SAVED_EXTRACT_CITED).await;
    let cited = fixture.extract(&jobs[0]).await;
    assert_eq!(cited["extract_result"].as_array().unwrap().len(), 12);
    let leaf = &cited["extract_metadata"]["field_metadata"]["page_metadata"][4]["heading"];
    assert_eq!(
        (&leaf["citation"][0]["page"], &leaf["confidence"]),
        (&json!(5), &json!(0.94))
    );
    let ids = jobs
        .iter()
        .map(|id| format!("job_ids={id}"))
        .collect::<Vec<_>>()
        .join("&");
    let listed = fixture
        .items(&format!("/api/v2/extract?{ids}&expand=extract_metadata"))
        .await;
    assert_eq!(listed.iter().filter(|job| job["extract_result"].is_array()).count(), 6);
}

#[tokio::test]
async fn jobs_that_failed_or_run_have_no_result() {
    let fixture = Fixture::new(Speed::Steps, "").await;
    for _ in 0..2 {
        fixture.get("/api/v2/batches/bat-sandbox-stragglers").await;
    }
    let running = fixture.items("/api/v2/parse?status=RUNNING").await;
    assert_eq!(running.len(), 2);
    let parsed = fixture.parse(&super::id(&running[0]), "text&expand=usage").await;
    assert_eq!(
        (&parsed["text"], &parsed["job"]["usage"]["credits"]),
        (&Value::Null, &Value::Null)
    );
    let fixture = Fixture::new(Speed::Instant, "").await;
    fixture.jobs(DIR_FAILING, "extract_v2", SAVED_EXTRACT).await;
    let failed = fixture.items("/api/v2/extract?status=FAILED").await;
    assert_eq!(failed.len(), 5);
    assert!(
        failed
            .iter()
            .all(|job| job["extract_result"].is_null() && job["error_message"].is_string())
    );
}

#[tokio::test]
async fn results_expire_and_usage_stays() {
    let fixture = Fixture::new(Speed::Instant, "").await;
    let jobs = fixture.jobs(DIR_STRAGGLERS, "parse_v2", "cfg-PARSE_AGENTIC").await;
    fixture.sandbox.advance(Duration::from_hours(31 * 24));
    assert_eq!(
        fixture.get(&format!("/api/v2/parse/{}", jobs[0])).await.0,
        StatusCode::NOT_FOUND
    );
    let target = format!(
        "/api/v1/beta/usage-metrics?organization_id={ORGANIZATION_ID}&event_aggregation_key={}",
        jobs[1]
    );
    let usage = fixture.items(&target).await;
    assert_eq!((usage.len(), &usage[0]["credits"]), (1, &json!(20)));
    assert_eq!(
        fixture.get("/api/v1/beta/usage-metrics").await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}
