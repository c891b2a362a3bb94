//! The client's side of one connection. It remembers what it asked, so that every line can be checked, and what nobody claimed.

use std::collections::{BTreeMap, VecDeque};

use llamacloud_batches_mcp::mcp::Revision;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::timeout;

use super::PATIENCE;
use super::oracle::{self, Asked};
use super::rpc::{self, Message};

/// The way to the server.
pub(crate) type Writer = Box<dyn AsyncWrite + Send + Unpin>;

/// The way from the server.
pub(crate) type Reader = BufReader<Box<dyn AsyncRead + Send + Unpin>>;

/// One end of a connection to a server.
pub(crate) struct Peer {
    reader: Reader,
    writer: Option<Writer>,
    asked: BTreeMap<String, Asked>,
    unclaimed: VecDeque<Message>,
    /// What `initialize` settled, as far as it was sent.
    session: Option<Revision>,
    speaks: Revision,
    last_id: u64,
    /// What is declared in an `initialize` and in each modern request.
    capabilities: Value,
    /// Progress tokens, with their requests and the progress so far.
    tokens: BTreeMap<String, (String, Option<f64>)>,
}

/// What a tool said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Said {
    pub(crate) is_error: bool,
    pub(crate) text: String,
}

impl Said {
    /// The result as JSON; fails if it is an error.
    pub(crate) fn json(&self) -> Value {
        assert!(!self.is_error, "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }

    /// Without `now`, which is another one a second later.
    pub(crate) fn without_time(mut self) -> Self {
        if let Some((before, after)) = self.text.split_once(r#""now":""#) {
            let (_, after) = after.split_once("\",").unwrap();
            self.text = format!("{before}{after}");
        }
        self
    }

    /// The sentence of an error; fails if it is none.
    pub(crate) fn error(&self) -> &str {
        assert!(self.is_error, "{}", self.text);
        &self.text
    }
}

impl Peer {
    pub(crate) fn new(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Self {
            reader: BufReader::new(Box::new(reader)),
            writer: Some(Box::new(writer)),
            asked: BTreeMap::new(),
            unclaimed: VecDeque::new(),
            session: None,
            speaks: Revision::V2026_07_28,
            last_id: 0,
            capabilities: json!({}),
            tokens: BTreeMap::new(),
        }
    }

    /// Declares these capabilities from now on; a session that is open keeps its own.
    pub(crate) fn declare(&mut self, capabilities: Value) {
        self.capabilities = capabilities;
    }

    /// Speaks a revision from now on; opens its session where it has one.
    pub(crate) async fn speak(&mut self, revision: Revision) {
        self.speaks = revision;
        if revision != Revision::V2026_07_28 {
            let mut params = rpc::initialize(revision.as_str());
            params["capabilities"] = self.capabilities.clone();
            let result = self.result("initialize", params).await;
            assert_eq!(result["protocolVersion"], json!(revision.as_str()));
            self.send(rpc::initialized()).await;
        }
    }

    /// Writes bytes as they are. What they ask must be [noted](Self::note) by hand.
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        let writer = self.writer.as_mut().expect("the input has ended");
        timeout(PATIENCE, writer.write_all(bytes))
            .await
            .expect("nobody reads")
            .unwrap();
        timeout(PATIENCE, writer.flush()).await.unwrap().unwrap();
    }

    /// Sends a line.
    pub(crate) async fn send(&mut self, line: impl AsRef<[u8]>) {
        let line = line.as_ref();
        self.note(line);
        self.write(&[line, b"\n"].concat()).await;
    }

    /// Remembers the requests in a line that is about to be sent.
    pub(crate) fn note(&mut self, line: &[u8]) {
        let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
        let Ok(text) = std::str::from_utf8(line) else { return };
        for text in rpc::elements(text) {
            self.note_message(text);
        }
    }

    fn note_message(&mut self, text: &str) {
        // Only slices: what a test sends may be nested too deeply, or hold too large a number, for a `Value`.
        #[derive(Deserialize)]
        struct Request<'a> {
            #[serde(borrow)]
            id: &'a RawValue,
            method: Option<&'a RawValue>,
            params: Option<&'a RawValue>,
        }
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Params<'a> {
            #[serde(borrow)]
            name: Option<&'a RawValue>,
            protocol_version: Option<&'a RawValue>,
            #[serde(rename = "_meta")]
            meta: Option<&'a RawValue>,
        }
        let Ok(Request { id, method, params }) = serde_json::from_str(text) else {
            return;
        };
        let params = params.and_then(|params| serde_json::from_str(params.get()).ok());
        let Params {
            name,
            protocol_version,
            meta,
        } = params.unwrap_or_default();
        let token = meta.and_then(|meta| {
            let meta: BTreeMap<String, &RawValue> = serde_json::from_str(meta.get()).ok()?;
            Some(meta.get("progressToken")?.get().to_owned())
        });
        if let Some(token) = token {
            self.tokens.insert(token, (id.get().to_owned(), None));
        }
        let word =
            |value: Option<&RawValue>| value.map_or(String::new(), |value| value.get().trim_matches('"').to_owned());
        let method = word(method);
        let modern = meta.is_some_and(|meta| meta.get().contains("io.modelcontextprotocol/protocolVersion"));
        let revision = match (modern, method == "initialize") {
            (true, _) => Revision::V2026_07_28,
            (false, true) => {
                let wanted = word(protocol_version);
                let mut legacy = Revision::ALL.into_iter().take(4);
                let session = legacy.find(|legacy| legacy.as_str() == wanted);
                *self.session.insert(session.unwrap_or(Revision::V2025_11_25))
            }
            (false, false) => self.session.unwrap_or(Revision::V2025_11_25),
        };
        let (id, tool) = (id.get().to_owned(), word(name));
        self.asked.insert(id, Asked { method, revision, tool });
    }

    /// A request line in the revision that is spoken, and its id.
    pub(crate) fn line(&mut self, method: &str, mut params: Value) -> (String, String) {
        self.last_id += 1;
        if self.speaks == Revision::V2026_07_28 && method != "initialize" {
            params = rpc::modern(params, &self.capabilities);
        }
        (rpc::request(self.last_id, method, params), self.last_id.to_string())
    }

    /// Sends a request in the revision that is spoken; returns its id.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> String {
        let (line, id) = self.line(method, params);
        self.send(line).await;
        id
    }

    /// Asks, and waits for the result.
    pub(crate) async fn result(&mut self, method: &str, params: Value) -> Value {
        let id = self.ask(method, params).await;
        self.result_of(&id).await
    }

    /// Asks, and waits for the refusal: its code and its sentence.
    pub(crate) async fn refusal(&mut self, method: &str, params: Value) -> (i64, String) {
        let id = self.ask(method, params).await;
        self.refusal_of(&id).await
    }

    /// Calls a tool, and waits for what it says.
    pub(crate) async fn call(&mut self, tool: &str, arguments: Value) -> Said {
        let id = self.ask_tool(tool, arguments).await;
        self.said(&id).await
    }

    /// Calls a tool; returns the request's id.
    pub(crate) async fn ask_tool(&mut self, tool: &str, arguments: Value) -> String {
        self.ask("tools/call", rpc::call(tool, &arguments)).await
    }

    /// What the tool said that was called with this id.
    pub(crate) async fn said(&mut self, id: &str) -> Said {
        let result = self.result_of(id).await;
        Said {
            is_error: result["isError"] == json!(true),
            text: result["content"][0]["text"].as_str().unwrap().to_owned(),
        }
    }

    /// The result that bears this id.
    pub(crate) async fn result_of(&mut self, id: &str) -> Value {
        match self.claim(id).await {
            Message::Result { result, .. } => result,
            other => panic!("{other:?}"),
        }
    }

    /// The refusal that bears this id: its code and its sentence.
    pub(crate) async fn refusal_of(&mut self, id: &str) -> (i64, String) {
        match self.claim(id).await {
            Message::Error { code, message, .. } => (code, message),
            other => panic!("{other:?}"),
        }
    }

    /// The answer that bears this id, whatever comes before it.
    pub(crate) async fn claim(&mut self, wanted: &str) -> Message {
        loop {
            let mut unclaimed = self.unclaimed.iter();
            if let Some(place) = unclaimed.position(|message| message.answers() == Some(wanted)) {
                return self.unclaimed.remove(place).unwrap();
            }
            assert!(self.read_line().await, "the output ended before the answer to {wanted}");
        }
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Message {
        while self.unclaimed.is_empty() {
            assert!(self.read_line().await, "the output ended");
        }
        self.unclaimed.pop_front().unwrap()
    }

    /// The next message, which is a refusal without an id: its code and its sentence.
    pub(crate) async fn next_refusal(&mut self) -> (i64, String) {
        match self.next().await {
            Message::Error {
                id: None,
                code,
                message,
                ..
            } => (code, message),
            other => panic!("{other:?}"),
        }
    }

    /// The next message, which is a request of the server: what its id holds, and its parameters.
    pub(crate) async fn next_request(&mut self) -> (String, Value) {
        match self.next().await {
            Message::Request { id, params, .. } => (serde_json::from_str(&id).unwrap(), params),
            other => panic!("{other:?}"),
        }
    }

    /// The next message, which is this notification: its parameters.
    pub(crate) async fn next_notification(&mut self, wanted: &str) -> Value {
        match self.next().await {
            Message::Notification { method, params, .. } if method == wanted => params,
            other => panic!("{other:?}"),
        }
    }

    /// Answers a request of the server. Shape of `outcome`: `{"result": …}` or `{"error": …}`.
    pub(crate) async fn reply(&mut self, id: &str, outcome: Value) {
        self.write((rpc::reply(json!(id), &outcome) + "\n").as_bytes()).await;
    }

    /// What came and was not claimed, without waiting for more.
    pub(crate) fn take_unclaimed(&mut self) -> Vec<Message> {
        self.unclaimed.drain(..).collect()
    }

    /// Gives up a request.
    pub(crate) async fn cancel(&mut self, id: &str) {
        self.send(rpc::cancellation(id)).await;
    }

    /// Makes sure that everything sent so far has been read, and that nothing is left to claim.
    pub(crate) async fn settle(&mut self) {
        self.result("tools/list", json!({})).await;
        assert!(self.unclaimed.is_empty(), "unclaimed: {:#?}", self.unclaimed);
    }

    /// The way to the server, to use it while something else reads.
    pub(crate) fn take_writer(&mut self) -> Writer {
        self.writer.take().unwrap()
    }

    /// Gives back what [`Peer::take_writer`] took.
    pub(crate) fn put_writer(&mut self, writer: Writer) {
        self.writer = Some(writer);
    }

    /// The way from the server, for who reads in another way.
    #[cfg(unix)]
    pub(crate) fn take_reader(&mut self) -> Reader {
        std::mem::replace(&mut self.reader, BufReader::new(Box::new(tokio::io::empty())))
    }

    /// Closes our end of the output.
    #[cfg(unix)]
    pub(crate) fn stop_reading(&mut self) {
        drop(self.take_reader());
    }

    /// Sends nothing more.
    pub(crate) fn end_input(&mut self) {
        self.writer = None;
    }

    /// Reads to the end of the output. Nothing may be left to claim.
    pub(crate) async fn finish(&mut self) {
        while self.read_line().await {}
        assert!(self.unclaimed.is_empty(), "unclaimed: {:#?}", self.unclaimed);
    }

    /// Reads one line, checks it and keeps its messages. `false` at the end.
    async fn read_line(&mut self) -> bool {
        let mut line = Vec::new();
        let reading = timeout(PATIENCE, self.reader.read_until(b'\n', &mut line));
        let count = reading.await.expect("no answer").unwrap();
        if count == 0 {
            return false;
        }
        let line = String::from_utf8(line).unwrap();
        let line = line.strip_suffix('\n').expect("a whole line");
        assert!(!line.contains('\r') && !line.is_empty(), "{line:?}");
        if line.starts_with('[') {
            assert_eq!(self.session, Some(Revision::V2025_03_26), "{line}");
        }
        let elements = rpc::elements(line);
        assert!(!elements.is_empty());
        for text in elements {
            self.keep(text);
        }
        true
    }

    /// Progress is only told with a token, before the answer, strictly increasing, and in words only where the revision has them.
    fn check_progress(&mut self, token: &str, params: &Value) {
        let (id, last) = self
            .tokens
            .get_mut(token)
            .unwrap_or_else(|| panic!("no such token: {params}"));
        let asked = self
            .asked
            .get(id)
            .unwrap_or_else(|| panic!("progress after the answer: {params}"));
        let progress = params["progress"].as_f64().unwrap();
        assert!(last.is_none_or(|last| progress > last), "{params} after {last:?}");
        *last = Some(progress);
        let total = params.get("total").map(|total| total.as_f64().unwrap());
        assert!(total.is_none_or(|total| progress <= total), "{params}");
        assert_eq!(
            params.get("message").is_some(),
            asked.revision >= Revision::V2025_03_26,
            "{params}"
        );
    }

    fn keep(&mut self, text: &str) {
        let message = oracle::check(text, self.session, |id| self.asked.remove(id));
        if let Message::Notification { method, params, about } = &message
            && method == "notifications/progress"
        {
            self.check_progress(about.as_ref().unwrap(), params);
        }
        self.unclaimed.push_back(message);
    }
}
