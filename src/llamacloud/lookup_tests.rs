//! Directories, their files and configurations: what is sent, and what is read.

use expect_test::expect;
use jiff::Timestamp;

use super::{
    FilesOf, JobType, ListConfigurations, ListDirectories, Scope, Window,
    test_server::{TestServer, reply},
    wire_tests::soon,
};

const LATER: &str = "2026-11-24T10:00:00.123Z";

fn lines(server: &TestServer) -> String {
    let heads = server.seen().into_iter();
    heads
        .map(|seen| seen.head.lines().next().unwrap_or_default().to_owned() + "\n")
        .collect()
}

#[tokio::test]
async fn directories_and_files() {
    let server = TestServer::start(|number, _| {
        let directory = format!(
            r#"{{"id":"dir-1","name":"Invoices","type":"ephemeral","connector_subscription_id":null,"expires_at":"{LATER}"}}"#
        );
        let file = r#"{"id":"dfl-1","display_name":7,"created_at":"2026-11-24T09:00:00","updated_at":"soon","x":[]}"#;
        reply(
            "200 OK",
            match number {
                1 => format!(r#"{{"items":[{directory}],"next_page_token":"t"}}"#),
                2 => directory,
                _ => format!(r#"{{"items":[{file}],"next_page_token":null}}"#),
            },
        )
    })
    .await;
    let (client, scope) = (server.client(), Scope::default());
    let window = Window {
        page_size: Some(5),
        page_token: Some("t".to_owned()),
    };
    let query = ListDirectories {
        name: Some("In v".to_owned()),
        kind: Some("ephemeral".to_owned()),
        include_deleted: true,
        window: window.clone(),
    };
    let id = "dir-1".parse().unwrap();
    let listed = client.list_directories(&scope, &query, soon()).await.unwrap();
    let directory = client.get_directory(&scope, &id, soon()).await.unwrap();
    assert_eq!(
        (listed.items.as_slice(), listed.next_page_token.as_deref()),
        ([directory.clone()].as_slice(), Some("t"))
    );
    assert_eq!(
        (
            directory.name.as_str(),
            directory.kind.as_deref(),
            directory.connector_subscription_id
        ),
        ("Invoices", Some("ephemeral"), None)
    );
    assert_eq!(directory.expires_at, Some(LATER.parse::<Timestamp>().unwrap()));
    let files = client
        .list_directory_files(&scope, &id, FilesOf::Ever, &window, soon())
        .await
        .unwrap();
    let [file] = files.items.as_slice() else {
        panic!("{files:?}")
    };
    // Without an offset it is UTC; what is not a time, or not a text, is absent.
    assert_eq!(file.created_at, Some("2026-11-24T09:00:00Z".parse().unwrap()));
    assert_eq!((file.updated_at, file.display_name.as_deref()), (None, None));
    expect![[r#"
        GET /api/v1/beta/directories?name=In+v&type=ephemeral&include_deleted=true&page_size=5&page_token=t HTTP/1.1
        GET /api/v1/beta/directories/dir-1 HTTP/1.1
        GET /api/v1/beta/directories/dir-1/files?include_deleted=true&page_size=5&page_token=t HTTP/1.1
    "#]]
    .assert_eq(&lines(&server));
}

#[tokio::test]
async fn configurations() {
    let server = TestServer::start(|number, _| {
        let configuration = format!(
            r#"{{"id":"cfg-1","name":"Fields","product_type":"extract_v2","version":"{LATER}","updated_at":"{LATER}",
                "parameters":{{"tier":"agentic"}}}}"#
        );
        reply(
            "200 OK",
            if number == 1 {
                configuration
            } else {
                format!(r#"{{"items":[{configuration},{{}}]}}"#)
            },
        )
    })
    .await;
    let (client, scope) = (server.client(), Scope::default());
    let configuration = client
        .get_configuration(&scope, &"cfg-1".parse().unwrap(), soon())
        .await
        .unwrap();
    assert_eq!(
        (&configuration.product, configuration.version),
        (&JobType::ExtractV2, configuration.updated_at)
    );
    assert_eq!(configuration.version, Some(LATER.parse::<Timestamp>().unwrap()));
    assert_eq!(configuration.parameters["tier"], "agentic");
    let query = ListConfigurations {
        products: vec![JobType::ParseV2, JobType::ExtractV2],
        name: Some("Fields".to_owned()),
        ..ListConfigurations::default()
    };
    let listed = client.list_configurations(&scope, &query, soon()).await.unwrap();
    assert_eq!((&listed.items[0], listed.items.len()), (&configuration, 2));
    expect![[r#"
        GET /api/v1/beta/configurations/cfg-1 HTTP/1.1
        GET /api/v1/beta/configurations?latest_only=true&name=Fields&product_type=parse_v2&product_type=extract_v2 HTTP/1.1
    "#]].assert_eq(&lines(&server));
}
