//! Stands between terraform and a provider that runs already: tells a cut schema from memory, passes every other call on untouched.
use super::schema;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2 as client;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::server::conn::http2 as server;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// What each protocol calls the service, and the call for the schema.
const SCHEMAS: [&str; 2] = ["/tfplugin5.Provider/GetSchema", "/tfplugin6.Provider/GetProviderSchema"];
/// Calls of a provider; everything else on the wire is the plugin framework's own, and stopping is not terraform's to do.
const SERVICES: [&str; 2] = ["/tfplugin5.Provider/", "/tfplugin6.Provider/"];
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
/// gRPC's number for "this call isn't there".
const UNIMPLEMENTED: &str = "12";
const WINDOW: u32 = 4 << 20;
/// Longest schema.
const LONGEST: usize = 64 << 20;

type Answer = Response<Either<Incoming, http_body_util::combinators::BoxBody<Bytes, hyper::Error>>>;

/// One terraform's relay; ends when it is dropped.
#[derive(Debug)]
pub struct Relay {
    task: JoinHandle<()>,
    socket: PathBuf,
}

impl Relay {
    /// Listens at `socket` for a terraform that may use the provider at `provider` for `types`.
    pub fn open(runtime: &Handle, socket: &Path, provider: &Path, whole: &Bytes, types: &BTreeSet<String>) -> io::Result<Relay> {
        let cut = schema::cut(whole, types).ok_or_else(|| io::Error::other("the provider's schema can't be read"))?;
        let cut = Arc::new(schema::framed(&cut));
        let guard = runtime.enter();
        let listener = UnixListener::bind(socket)?;
        drop(guard);
        let provider = provider.to_owned();
        let task = runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (cut, provider) = (Arc::clone(&cut), provider.clone());
                tokio::spawn(async move {
                    if let Err(error) = pass(stream, &provider, cut).await {
                        tracing::debug!(%error, "a relay's connection ended");
                    }
                });
            }
        });
        Ok(Relay { task, socket: socket.to_owned() })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
        drop(std::fs::remove_file(&self.socket));
    }
}

/// The provider's whole schema, as it answers.
pub fn whole_schema(runtime: &Handle, provider: &Path) -> io::Result<Bytes> {
    runtime.block_on(async {
        let mut last = io::Error::other("the provider answers neither protocol");
        for path in SCHEMAS {
            let mut sender = connect(provider).await?;
            let request = Request::post(format!("http://provider{path}")).header(CONTENT_TYPE, GRPC).header("te", "trailers");
            let request = request.body(Full::new(schema::framed(&[]))).map_err(io::Error::other)?;
            let response = sender.send_request(request).await.map_err(io::Error::other)?;
            let body = http_body_util::Limited::new(response.into_body(), LONGEST).collect().await.map_err(io::Error::other)?;
            let body = body.to_bytes();
            match schema::unframed(&body) {
                Some(message) if !message.is_empty() => return Ok(message),
                _ => last = io::Error::other(format!("{path} gives no schema")),
            }
        }
        Err(last)
    })
}

async fn connect<B>(provider: &Path) -> io::Result<client::SendRequest<B>>
where
    B: hyper::body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let stream = UnixStream::connect(provider).await?;
    let (sender, connection) = client::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

async fn pass(stream: UnixStream, provider: &Path, cut: Arc<Bytes>) -> io::Result<()> {
    let sender = connect::<Incoming>(provider).await?;
    let service = service_fn(move |request: Request<Incoming>| {
        let (sender, cut) = (sender.clone(), Arc::clone(&cut));
        async move { answer(request, sender, &cut).await }
    });
    server::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(io::Error::other)
}

async fn answer(mut request: Request<Incoming>, mut sender: client::SendRequest<Incoming>, cut: &Bytes) -> Result<Answer, hyper::Error> {
    let path = request.uri().path().to_owned();
    if SCHEMAS.contains(&path.as_str()) {
        return Ok(ours("0", cut.clone()));
    }
    if !SERVICES.iter().any(|s| path.starts_with(s)) || path.ends_with("/Stop") {
        return Ok(ours(UNIMPLEMENTED, Bytes::new()));
    }
    if let Ok(uri) = format!("http://provider{path}").parse() {
        *request.uri_mut() = uri;
    }
    Ok(sender.send_request(request).await?.map(Either::Left))
}

/// An answer of the relay's own: a message, then gRPC's status.
fn ours(status: &'static str, message: Bytes) -> Answer {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    let body = Full::new(message).with_trailers(async move { Some(Ok(trailers)) }).map_err(|never| match never {}).boxed();
    let mut response = Response::new(Either::Right(body));
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(CONTENT_TYPE, GRPC);
    response
}
