//! The limit: a pass-through proxy of a few dozen lines, hyper on both sides, which reads and decides nothing.

use std::convert::Infallible;
use std::net::SocketAddr;

use anyhow::Context as _;
use http::{HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty, combinators::BoxBody};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

type Body = BoxBody<Bytes, hyper::Error>;

/// Serves until it is ended; prints its address first.
pub fn run(upstream: SocketAddr) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(upstream))
}

async fn serve(upstream: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("listen")?;
    crate::print(&listener.local_addr()?.to_string())?;
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).build(connector);
    let host = HeaderValue::from_str(&upstream.to_string())?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (client, host) = (client.clone(), host.clone());
        let service = service_fn(move |request| pass(client.clone(), host.clone(), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn pass(
    client: Client<HttpConnector, Incoming>,
    host: HeaderValue,
    mut request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let address = format!("http://{}{path}", host.to_str().unwrap_or_default());
    if let Ok(uri) = address.parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    request.headers_mut().insert(header::HOST, host);
    match client.request(request).await {
        Ok(answer) => Ok(answer.map(|body| body.boxed())),
        Err(error) => {
            crate::talk(&format!("bare: {error}"));
            let mut answer = Response::new(Empty::new().map_err(|never| match never {}).boxed());
            *answer.status_mut() = StatusCode::BAD_GATEWAY;
            Ok(answer)
        }
    }
}
