//! Batches that need no create: `bat-sandbox-small` runs over `dir-small`, and so for every directory that a batch can run over.
//!
//! Each begins when it is first asked for by its id, and is a batch like any other from then on. For trying what follows a batch.

use super::{account::PRESET_PARSE, batches, body::CreateRequest, cloud::Cloud, route::Product, state::Batch};

const PREFIX: &str = "bat-sandbox-";

/// Begins the batch of this name, if there is one and it has not begun.
pub(super) fn begin(cloud: &Cloud, batches: &mut Vec<Batch>, id: &str) {
    let Some(word) = id.strip_prefix(PREFIX) else {
        return;
    };
    let request = CreateRequest {
        source_directory_id: format!("dir-{word}"),
        product: Product::Parse,
        configuration_id: PRESET_PARSE.to_owned(),
    };
    if batches.iter().any(|batch| batch.id == id) || batches::admit(cloud, &request).is_err() {
        return;
    }
    let serial = u64::try_from(batches.len()).unwrap_or_default() + 1;
    let mut batch = Batch::new(serial, request, cloud.now());
    id.clone_into(&mut batch.id);
    batches.push(batch);
}
