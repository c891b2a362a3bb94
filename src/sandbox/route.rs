//! Which operation a request asks for. Nothing here looks beyond method and path.

use axum::http::Method;

/// One operation of the API, with the ids its path carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    CreateBatch,
    ListBatches,
    GetBatch(String),
    CancelBatch(String),
    ListDirectories,
    GetDirectory(String),
    ListFiles(String),
    GetFile(String, String),
    ListConfigurations,
    GetConfiguration(String),
    ListJobs(Product),
    GetJob(Product, String),
    ListProjects,
    GetProject(String),
    /// The older list, which the SDKs' `projects.list` asks for.
    ListProjectsV1,
}

/// A product whose jobs a batch can create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Product {
    Parse,
    Extract,
}

/// What method and path lead to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    Route(Route),
    /// The same path without its trailing slash exists; Starlette redirects there.
    Redirect(String),
    WrongMethod,
    Unknown,
}

impl Product {
    pub(super) const ALL: [Self; 2] = [Self::Parse, Self::Extract];

    /// The job type as the API writes it.
    pub(super) fn job_type(self) -> &'static str {
        match self {
            Self::Parse => "parse_v2",
            Self::Extract => "extract_v2",
        }
    }

    /// What the ids of its jobs begin with.
    pub(super) fn id_prefix(self) -> &'static str {
        match self {
            Self::Parse => "pjb",
            Self::Extract => "exj",
        }
    }

    pub(super) fn from_job_type(job_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|product| product.job_type() == job_type)
    }
}

impl Route {
    /// Method and path as the API documents them, for counting.
    pub(super) fn template(&self) -> &'static str {
        match self {
            Self::CreateBatch => "POST /api/v2/batches",
            Self::ListBatches => "GET /api/v2/batches",
            Self::GetBatch(_) => "GET /api/v2/batches/{batch_id}",
            Self::CancelBatch(_) => "POST /api/v2/batches/{batch_id}/cancel",
            Self::ListDirectories => "GET /api/v1/beta/directories",
            Self::GetDirectory(_) => "GET /api/v1/beta/directories/{directory_id}",
            Self::ListFiles(_) => "GET /api/v1/beta/directories/{directory_id}/files",
            Self::GetFile(..) => "GET /api/v1/beta/directories/{directory_id}/files/{directory_file_id}",
            Self::ListConfigurations => "GET /api/v1/beta/configurations",
            Self::GetConfiguration(_) => "GET /api/v1/beta/configurations/{config_id}",
            Self::ListJobs(Product::Parse) => "GET /api/v2/parse",
            Self::ListJobs(Product::Extract) => "GET /api/v2/extract",
            Self::GetJob(Product::Parse, _) => "GET /api/v2/parse/{job_id}",
            Self::GetJob(Product::Extract, _) => "GET /api/v2/extract/{job_id}",
            Self::ListProjects => "GET /api/v2/projects",
            Self::GetProject(_) => "GET /api/v2/projects/{project_id}",
            Self::ListProjectsV1 => "GET /api/v1/projects",
        }
    }

    /// The word that aims a fault at this operation.
    pub(super) fn scope(&self) -> &'static str {
        match self {
            Self::CreateBatch => "create",
            Self::ListBatches => "list",
            Self::GetBatch(_) => "get",
            Self::CancelBatch(_) => "cancel",
            Self::ListDirectories | Self::GetDirectory(_) => "directories",
            Self::ListFiles(_) | Self::GetFile(..) => "files",
            Self::ListConfigurations | Self::GetConfiguration(_) => "configurations",
            Self::ListJobs(Product::Parse) | Self::GetJob(Product::Parse, _) => "parse",
            Self::ListJobs(Product::Extract) | Self::GetJob(Product::Extract, _) => "extract",
            Self::ListProjects | Self::GetProject(_) | Self::ListProjectsV1 => "projects",
        }
    }
}

/// Every word that [`Route::scope`] gives.
pub(super) const SCOPES: [&str; 10] = [
    "create",
    "list",
    "get",
    "cancel",
    "directories",
    "files",
    "configurations",
    "parse",
    "extract",
    "projects",
];

/// Finds the operation. `path` is as it came, percent-encoded.
pub(super) fn find(method: &Method, path: &str) -> Found {
    let path = decode(path);
    let routes = at(&path);
    if let Some((_, route)) = routes.iter().find(|(accepted, _)| accepted == method) {
        return Found::Route(route.clone());
    }
    if !routes.is_empty() {
        return Found::WrongMethod;
    }
    match path.strip_suffix('/') {
        Some(bare) if !at(bare).is_empty() => Found::Redirect(bare.to_owned()),
        _ => Found::Unknown,
    }
}

/// The operations that live at a decoded path.
fn at(path: &str) -> Vec<(Method, Route)> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let get = |route| vec![(Method::GET, route)];
    match segments.as_slice() {
        [.., ""] => Vec::new(),
        ["api", "v2", "batches"] => vec![(Method::POST, Route::CreateBatch), (Method::GET, Route::ListBatches)],
        ["api", "v2", "batches", id] => get(Route::GetBatch((*id).to_owned())),
        ["api", "v2", "batches", id, "cancel"] => vec![(Method::POST, Route::CancelBatch((*id).to_owned()))],
        ["api", "v1", "beta", "directories"] => get(Route::ListDirectories),
        ["api", "v1", "beta", "directories", id] => get(Route::GetDirectory((*id).to_owned())),
        ["api", "v1", "beta", "directories", id, "files"] => get(Route::ListFiles((*id).to_owned())),
        ["api", "v1", "beta", "directories", id, "files", file] => {
            get(Route::GetFile((*id).to_owned(), (*file).to_owned()))
        }
        ["api", "v1", "beta", "configurations"] => get(Route::ListConfigurations),
        ["api", "v1", "beta", "configurations", id] => get(Route::GetConfiguration((*id).to_owned())),
        ["api", "v2", "parse"] => get(Route::ListJobs(Product::Parse)),
        ["api", "v2", "parse", id] => get(Route::GetJob(Product::Parse, (*id).to_owned())),
        ["api", "v2", "extract"] => get(Route::ListJobs(Product::Extract)),
        ["api", "v2", "extract", id] => get(Route::GetJob(Product::Extract, (*id).to_owned())),
        ["api", "v2", "projects"] => get(Route::ListProjects),
        ["api", "v2", "projects", id] => get(Route::GetProject((*id).to_owned())),
        ["api", "v1", "projects"] => get(Route::ListProjectsV1),
        _ => Vec::new(),
    }
}

/// Resolves `%41` and its like; a broken escape stays as it is.
fn decode(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let escape = if first == b'%' { tail.split_at_checked(2) } else { None };
        let value = escape.and_then(|(digits, after)| {
            let digits = std::str::from_utf8(digits).ok().filter(|text| !text.starts_with('+'))?;
            Some((u8::from_str_radix(digits, 16).ok()?, after))
        });
        let (byte, after) = value.unwrap_or((first, tail));
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &Method, path: &str, expected: &Found) {
        assert_eq!(&find(method, path), expected, "{method} {path}");
    }

    #[test]
    fn paths_lead_where_the_api_documents_them() {
        check(&Method::POST, "/api/v2/batches", &Found::Route(Route::CreateBatch));
        check(
            &Method::GET,
            "/api/v2/batches/bat-1",
            &Found::Route(Route::GetBatch("bat-1".into())),
        );
        check(
            &Method::GET,
            "/api/v2/batches/bat%2D1",
            &Found::Route(Route::GetBatch("bat-1".into())),
        );
        check(
            &Method::GET,
            "/api/v2/batches/",
            &Found::Redirect("/api/v2/batches".into()),
        );
        check(&Method::GET, "/api/v2/batches/a/b", &Found::Unknown);
        check(&Method::DELETE, "/api/v2/batches/bat-1", &Found::WrongMethod);
        check(&Method::HEAD, "/api/v2/batches", &Found::WrongMethod);
        check(&Method::GET, "/", &Found::Unknown);
        check(
            &Method::GET,
            "/api/v2/batches/a%zz",
            &Found::Route(Route::GetBatch("a%zz".into())),
        );
    }

    #[test]
    fn every_scope_is_listed() {
        for path in [
            "/api/v2/batches",
            "/api/v2/projects",
            "/api/v2/parse/x",
            "/api/v2/extract",
            "/api/v2/batches/x",
        ] {
            for (_, route) in at(path) {
                assert!(SCOPES.contains(&route.scope()), "{route:?}");
            }
        }
    }
}
