//! Listening: plain or TLS, until told to stop.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use hyper_util::rt::TokioTimer;
use idp::app::App;
use idp::config::Tls;
use idp::{letter_orders, logout_notice, notify};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How long requests in flight may take after SIGTERM.
const DRAIN: Duration = Duration::from_secs(25);
/// And after it, for what nobody waits for: within the half minute after which most who stop a program kill it.
const LAST: Duration = Duration::from_secs(4);
/// How long a client may take to send the head of a request.
const HEAD: Duration = Duration::from_secs(15);
/// How often the certificate files are looked at.
const LOOK: Duration = Duration::from_secs(5);
/// How often it is looked for what services and people are to be told, and letters that could not be ordered at once.
const DUE: Duration = Duration::from_secs(5);
/// How often what is over is cleaned away.
const CLEAN: Duration = Duration::from_mins(10);
/// How often the keys are read again that other nodes and operators have made and ended, the lists of revoked
/// certificates, and the places of addresses and the population register where they have changed.
const KEYS: Duration = Duration::from_mins(1);

/// Takes the port, or says in one line why not.
pub(crate) fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Serves until SIGTERM or SIGINT, and then until the requests in flight are answered.
pub(crate) async fn serve(listener: TcpListener, tls: Option<&Tls>, app: App, routes: Router) -> anyhow::Result<()> {
    // Before anything begins: without its certificate nothing does.
    let tls = match tls {
        Some(tls) => {
            let config = RustlsConfig::from_pem_file(&tls.certificate_file, &tls.key_file).await;
            Some((config.context("server.tls")?, tls.clone()))
        }
        None => None,
    };
    let handle = Handle::new();
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stopper = handle.clone();
    tokio::spawn(async move {
        tokio::select! { _ = term.recv() => {}, _ = interrupt.recv() => {} }
        stopper.graceful_shutdown(Some(DRAIN));
    });
    // Each by itself, so that no service waits for a gateway that does not answer.
    let services = |app| async move { logout_notice::deliver_due(&app).await };
    tokio::spawn(again(app.clone(), services, "telling of logouts failed"));
    let people = |app| async move { notify::deliver_due(&app).await };
    tokio::spawn(again(app.clone(), people, "telling people failed"));
    // What a program that was killed, or a database that was away, has left.
    let letters = |app| async move { letter_orders::work_off(&app).await };
    tokio::spawn(again(app.clone(), letters, "the letters that are wanted cannot be looked for"));
    tokio::spawn(clean(app.clone()));
    tokio::spawn(refresh_keys(app.clone()));
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    match tls {
        Some((config, tls)) => {
            tokio::spawn(watch(config.clone(), tls));
            let mut server = axum_server::from_tcp_rustls(listener, config)?.handle(handle);
            server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
            server.serve(service).await?;
        }
        None => {
            let mut server = axum_server::from_tcp(listener)?.handle(handle);
            server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
            server.serve(service).await?;
        }
    }
    // What goes on behind pages that have been answered: letters, messages.
    if timeout(LAST, app.world.tasks.settle()).await.is_err() {
        tracing::warn!("not all that went on behind the pages was over in time");
    }
    app.world.trail.settle().await
}

/// Does what is due, over and over.
async fn again<F: Future<Output = anyhow::Result<()>>>(app: App, work: impl Fn(App) -> F, failed: &'static str) {
    let mut ticks = interval(DUE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = work(app.clone()).await {
            tracing::warn!(error = format!("{error:#}"), "{failed}");
        }
    }
}

async fn clean(app: App) {
    let mut ticks = interval(CLEAN);
    loop {
        ticks.tick().await;
        if let Err(error) = idp::clean(&app, app.world.clock.now()).await {
            tracing::warn!(error = format!("{error:#}"), "cleaning failed");
        }
    }
}

async fn refresh_keys(app: App) {
    let mut ticks = interval(KEYS);
    loop {
        ticks.tick().await;
        if let Err(error) = app.keys.refresh(&app.world.db, app.world.clock.now()).await {
            tracing::warn!(error = format!("{error:#}"), "the keys cannot be read again; those in use stay");
        }
        if let Some(Err(error)) = app.config.enterprise.as_ref().map(|roots| roots.refresh()) {
            tracing::warn!(error = format!("{error:#}"), "the lists of revoked certificates stay as they were read");
        }
        let atlas = app.config.atlas.clone();
        match tokio::task::spawn_blocking(move || atlas.refresh()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = format!("{error:#}"), "the places of addresses stay as they were read");
            }
            // The program ends.
            Err(_) => return,
        }
        app.world.population.refresh().await;
    }
}

/// Reads the certificate again when a file has changed. A pair that doesn't fit is tried again; the old one stays.
async fn watch(config: RustlsConfig, tls: Tls) {
    let stamp = |file: &Path| std::fs::metadata(file).and_then(|data| data.modified()).ok();
    let stamps = || -> [Option<SystemTime>; 2] { [stamp(&tls.certificate_file), stamp(&tls.key_file)] };
    let mut loaded = stamps();
    let mut ticks = interval(LOOK);
    loop {
        ticks.tick().await;
        let now = stamps();
        if now == loaded {
            continue;
        }
        match config.reload_from_pem_file(&tls.certificate_file, &tls.key_file).await {
            Ok(()) => {
                loaded = now;
                tracing::info!("read the certificate again");
            }
            Err(error) => tracing::warn!(%error, "the new certificate cannot be read; the old one stays"),
        }
    }
}
