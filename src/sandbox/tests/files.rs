//! Directories, their files, uploads, configurations.

use std::time::Duration;

use reqwest::{Method, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{DIRECTORIES, Fixture, id, openapi};
use crate::sandbox::{
    API_KEY, DIR_CONNECTOR, DIR_FAILING, DIR_OVERSIZED, DIR_SMALL, SAVED_EXTRACT, SAVED_PARSE_TABLES, Settings, Speed,
};

/// A multipart body: the text parts, then the file.
fn form(parts: &[(&str, &str)], name: &str, content: &str) -> String {
    let part =
        |head: &str, content: &str| format!("--b\r\ncontent-disposition: form-data; {head}\r\n\r\n{content}\r\n");
    let texts = parts
        .iter()
        .map(|(name, value)| part(&format!("name=\"{name}\""), value));
    let file = part(&format!("name=\"upload_file\"; filename=\"{name}\""), content);
    texts.chain([file, "--b--\r\n".to_owned()]).collect()
}

impl Fixture {
    async fn directory(&self, name: &str, kind: &str) -> (StatusCode, Value) {
        let body = json!({ "name": name, "type": kind });
        self.post(DIRECTORIES, &body).await.unwrap()
    }

    async fn upload(&self, directory: &str, form: String) -> reqwest::Result<(StatusCode, Value)> {
        let target = format!("{DIRECTORIES}/{directory}/files/upload");
        let request = self.request(Method::POST, &target);
        let request = request.header(CONTENT_TYPE, "multipart/form-data; boundary=b");
        let response = request.body(form).send().await?;
        let (status, answer) = (response.status(), response.json().await?);
        openapi::check("post", &target, status.as_u16(), &answer);
        Ok((status, answer))
    }
}

impl Fixture {
    /// Sends an upload that announces more than it brings, ends its side of the connection, and waits for the other.
    async fn send_and_hang_up(&self, directory: &str, body: &str) {
        let address = self.sandbox.base_url().replace("http://", "");
        let head = format!(
            "POST {DIRECTORIES}/{directory}/files/upload HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {API_KEY}\r\n\
             content-type: multipart/form-data; boundary=b\r\ncontent-length: 10000\r\n\r\n"
        );
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all((head + body).as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let _ = stream.read_to_end(&mut Vec::new()).await;
    }
}

#[tokio::test]
async fn directories_are_made_found_and_deleted() {
    let fixture = Fixture::new(Speed::Instant, "").await;
    let (status, made) = fixture.directory("contracts-2026", "ephemeral").await;
    assert_eq!((status, &made["type"]), (StatusCode::CREATED, &json!("ephemeral")));
    assert!(made["expires_at"].is_string());
    assert_eq!(
        fixture.directory("contracts-2026", "user").await.0,
        StatusCode::CONFLICT
    );
    for (name, kind) in [("", "user"), ("x", "index"), ("x", "none")] {
        assert_eq!(fixture.directory(name, kind).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let found = fixture.items(&format!("{DIRECTORIES}?name=contracts-2026")).await;
    assert_eq!(found, std::slice::from_ref(&made));
    let ephemeral = fixture
        .items(&format!("{DIRECTORIES}?types=ephemeral&types=index"))
        .await;
    assert_eq!(
        ephemeral.iter().map(id).collect::<Vec<_>>(),
        [DIR_OVERSIZED.to_owned(), id(&made)]
    );
    let users = fixture.items(&format!("{DIRECTORIES}?type=user&page_size=1000")).await;
    let connected: Vec<_> = users
        .iter()
        .filter(|one| one["connector_subscription_id"].is_string())
        .map(id)
        .collect();
    assert_eq!(connected, [DIR_CONNECTOR]);
    let target = format!("{DIRECTORIES}/{}", id(&made));
    assert_eq!(fixture.get(&target).await.1, made);
    fixture.sandbox.advance(Duration::from_hours(47));
    assert_eq!(fixture.get(&target).await.0, StatusCode::OK);
    fixture.sandbox.advance(Duration::from_hours(1));
    assert_eq!(fixture.get(&target).await.0, StatusCode::NOT_FOUND);
    let (_, again) = fixture.directory("contracts-2026", "user").await;
    let target = format!("{DIRECTORIES}/{}", id(&again));
    assert_eq!(fixture.delete(&target).await, StatusCode::NO_CONTENT);
    assert_eq!(fixture.delete(&target).await, StatusCode::NOT_FOUND);
    let named = format!("{DIRECTORIES}?name=contracts-2026");
    assert_eq!(fixture.items(&named).await, [Value::Null; 0]);
    let ever = fixture.items(&format!("{named}&include_deleted=true")).await;
    assert_eq!(ever.iter().map(id).collect::<Vec<_>>(), [id(&made), id(&again)]);
    assert_eq!(ever[0]["deleted_at"], made["expires_at"]);
    assert!(ever[1]["deleted_at"].is_string());
}

#[tokio::test]
async fn uploaded_files_are_listed_and_parsed() {
    let fixture = Fixture::new(Speed::Instant, "").await;
    let directory = id(&fixture.directory("words", "ephemeral").await.1);
    let parts = [
        ("unique_id", "a/letter.txt"),
        ("metadata", r#"{"sha256":"ab","size":3}"#),
    ];
    let (status, file) = fixture
        .upload(&directory, form(&parts, "letter.txt", "The heron waits."))
        .await
        .unwrap();
    assert_eq!(status, StatusCode::CREATED, "{file}");
    assert_eq!(file["unique_id"], "a/letter.txt");
    assert_eq!(
        (&file["display_name"], &file["metadata"]),
        (&json!("letter.txt"), &json!({ "sha256": "ab", "size": 3 }))
    );
    for (name, content) in [("empty.pdf", ""), ("page-damaged.pdf", "x"), ("mail.eml", "x")] {
        let sent = fixture
            .upload(&directory, form(&[("display_name", "Other")], name, content))
            .await
            .unwrap();
        assert_eq!((sent.0, &sent.1["unique_id"]), (StatusCode::CREATED, &json!(name)));
    }
    let files = format!("{DIRECTORIES}/{directory}/files");
    for (filter, count) in [
        ("unique_id=a%2Fletter.txt", 1),
        ("display_name_contains=OTH", 3),
        ("display_name=Other&page_size=1", 1),
        ("file_id=none", 0),
        ("updated_at_on_or_after=2999-01-01", 0),
    ] {
        assert_eq!(
            fixture.items(&format!("{files}?{filter}")).await.len(),
            count,
            "{filter}"
        );
    }
    let results = fixture.results(&fixture.batch(&directory).await).await;
    let errors: Vec<_> = results
        .iter()
        .map(|result| result["error_message"].is_string())
        .collect();
    assert_eq!(errors, [false, true, false, true]);
    let job = |index: usize| results[index]["job_reference"]["id"].as_str().unwrap();
    let (_, parsed) = fixture
        .get(&format!("/api/v2/parse/{}?expand=text&expand=markdown", job(0)))
        .await;
    assert_eq!(parsed["text"]["pages"][0]["text"], "The heron waits.");
    assert_eq!(parsed["markdown"]["pages"][0]["markdown"], "The heron waits.");
    assert_eq!(
        fixture.get(&format!("/api/v2/parse/{}", job(2))).await.1["job"]["status"],
        "FAILED"
    );
}

#[tokio::test]
async fn bad_uploads_store_nothing() {
    let settings = Settings {
        upload_limit: Some(10),
        ..Settings::default()
    };
    let fixture = Fixture::with(settings).await;
    let directory = id(&fixture.directory("words", "user").await.1);
    let metadata = [("metadata", "[1]")];
    for (form, status) in [
        (form(&[], "a.txt", "12345678901"), 413),
        (form(&metadata, "a.txt", "x"), 422),
        (form(&[("unique_id", "")], "a.txt", "x"), 422),
        (form(&[], "", "x"), 422),
        ("--b--\r\n".to_owned(), 422),
        (
            "--b\r\ncontent-disposition: form-data; name=\"upload_file\"; filename=\"a\"\r\n\r\nx".to_owned(),
            400,
        ),
    ] {
        let (given, body) = fixture.upload(&directory, form.clone()).await.unwrap();
        assert_eq!(given, status, "{form}: {body}");
    }
    assert_eq!(
        fixture.upload("dir-none", form(&[], "a.txt", "x")).await.unwrap().0,
        StatusCode::NOT_FOUND
    );
    let mut cut_off = form(&[], "a.txt", "x");
    cut_off.truncate(cut_off.len() - 20);
    fixture.send_and_hang_up(&directory, &cut_off).await;
    assert_eq!(
        fixture.items(&format!("{DIRECTORIES}/{directory}/files")).await,
        [Value::Null; 0]
    );
}

#[tokio::test]
async fn doubtful_uploads_are_stored_or_not_as_the_fault_says() {
    for (fault, stored) in [
        ("lost-answer@upload", 1),
        ("503-after-commit@upload", 1),
        ("409-after-commit@upload", 1),
        ("reset@upload", 0),
        ("413@upload", 0),
        ("429=3@upload", 0),
    ] {
        let fixture = Fixture::new(Speed::Instant, fault).await;
        let directory = id(&fixture.directory("words", "user").await.1);
        let sent = fixture
            .upload(&directory, form(&[], "a.pdf", &"x".repeat(1 << 21)))
            .await;
        assert_eq!(
            sent.is_err(),
            ["lost-answer@upload", "reset@upload"].contains(&fault),
            "{fault}: {sent:?}"
        );
        let files = fixture.items(&format!("{DIRECTORIES}/{directory}/files")).await;
        assert_eq!(files.len(), stored, "{fault}");
    }
}

#[tokio::test]
async fn stored_files_can_be_added_and_deleted() {
    let fixture = Fixture::new(Speed::Instant, "lagging-list=600000@files:2").await;
    let directory = id(&fixture.directory("retry", "ephemeral").await.1);
    let files = format!("{DIRECTORIES}/{directory}/files");
    let source = fixture
        .items(&format!("{DIRECTORIES}/{DIR_FAILING}/files?display_name_contains=scan"))
        .await;
    let mut added = Vec::new();
    for file in &source {
        let body = json!({ "file_id": file["file_id"], "display_name": file["display_name"] });
        let (status, file) = fixture.post(&files, &body).await.unwrap();
        assert_eq!(status, StatusCode::CREATED);
        added.push(file);
    }
    assert_eq!(added.len(), 3);
    assert_eq!(fixture.items(&files).await, [Value::Null; 0], "the list lags");
    assert_eq!(fixture.items(&files).await, added);
    assert_eq!(
        fixture.post(&files, &json!({ "file_id": "none" })).await.unwrap().0,
        StatusCode::NOT_FOUND
    );
    assert_eq!(fixture.get(&format!("{files}/{}", id(&added[0]))).await.1, added[0]);
    assert_eq!(
        fixture.delete(&format!("{files}/{}", id(&added[0]))).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        fixture.get(&format!("{files}/{}", id(&added[0]))).await.0,
        StatusCode::NOT_FOUND
    );
    let many = json!({ "directory_file_ids": [id(&added[1]), "none"] });
    let bulk = fixture
        .request(Method::POST, &format!("{files}/bulk-delete"))
        .json(&many)
        .send()
        .await
        .unwrap();
    assert_eq!(bulk.status(), StatusCode::NO_CONTENT);
    assert_eq!(fixture.items(&files).await.len(), 1);
    let none = fixture
        .request(Method::POST, &format!("{files}/bulk-delete"))
        .json(&json!({ "directory_file_ids": [] }));
    assert_eq!(none.send().await.unwrap().status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_batch_touches_its_files() {
    let fixture = Fixture::new(Speed::Instant, "").await;
    let target = format!("{DIRECTORIES}/{DIR_SMALL}/files?page_size=1");
    let before = fixture.items(&target).await;
    fixture.batch(DIR_SMALL).await;
    let after = fixture.items(&target).await;
    assert_eq!(before[0]["created_at"], after[0]["created_at"]);
    assert_ne!(before[0]["updated_at"], after[0]["updated_at"]);
}

#[tokio::test]
async fn a_file_of_a_connector_can_change() {
    let fixture = Fixture::new(Speed::Instant, "").await;
    let target = format!("{DIRECTORIES}/{DIR_CONNECTOR}/files/dfl-connector-0001");
    let (_, before) = fixture.get(&target).await;
    fixture.batch(DIR_CONNECTOR).await;
    let (_, processed) = fixture.get(&target).await;
    let change = async |body: Value| {
        let sent = fixture.request(Method::PATCH, &target).json(&body).send().await;
        sent.unwrap().status()
    };
    assert_eq!(change(json!({ "metadata": { "etag": "2" } })).await, StatusCode::OK);
    let (_, after) = fixture.get(&target).await;
    assert_eq!(
        (&after["metadata"], &after["created_at"]),
        (&json!({ "etag": "2" }), &before["created_at"])
    );
    let updates = [&before, &processed, &after].map(|file| file["updated_at"].as_str().unwrap());
    assert!(updates.is_sorted() && updates[1] != updates[2], "{updates:?}");
    for refused in [
        json!({ "display_name": "" }),
        json!({ "target_directory_id": DIR_SMALL }),
    ] {
        assert_eq!(change(refused).await, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn configurations_have_versions() {
    let fixture = Fixture::new(Speed::Instant, "").await;
    let all = "/api/v1/beta/configurations?product_type=parse_v2&product_type=extract_v2&page_size=100";
    let list = async |more: &str| {
        let items = fixture.items(&format!("{all}{more}")).await;
        items.iter().map(id).collect::<Vec<_>>()
    };
    let versions = async || list("").await.iter().filter(|id| *id == SAVED_PARSE_TABLES).count();
    assert_eq!(versions().await, 2);
    let latest = list("&latest_only=true").await;
    assert_eq!(latest.iter().filter(|id| *id == SAVED_PARSE_TABLES).count(), 1);
    assert_eq!(list("&name=Invoice%20fields").await, [SAVED_EXTRACT]);
    let target = format!("/api/v1/beta/configurations/{SAVED_PARSE_TABLES}");
    let (_, before) = fixture.get(&target).await;
    let body = json!({ "name": before["name"], "parameters": before["parameters"] });
    let (status, after) = fixture.post("/api/v1/beta/configurations", &body).await.unwrap();
    assert_eq!((status, &after["id"]), (StatusCode::CREATED, &before["id"]));
    assert_ne!(after["version"], before["version"]);
    assert_eq!(versions().await, 3);
    let change = fixture
        .request(Method::PUT, &target)
        .json(&json!({ "name": "Reports" }));
    assert_eq!(change.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(fixture.get(&target).await.1["name"], "Reports");
    assert_eq!(
        fixture.get("/api/v1/beta/configurations/cfg-PARSE_AGENTIC").await.1["parameters"]["tier"],
        "agentic"
    );
}
