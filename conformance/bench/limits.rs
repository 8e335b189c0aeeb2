//! The limits of the server's core: what no provider can do better, measured in the same run.

use std::hint::black_box;
use std::io::Write;
use std::net::Ipv4Addr;
use std::time::Duration;

use anyhow::Context;
use argon2::{Algorithm, Argon2, Block, Version};
use authenticators::hashing::HashingConfig;
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
};
use axum::Router;
use axum::routing::get;

use crate::process::{self, pinned};

/// As long as the signed part of our ID tokens.
const MESSAGE: [u8; 700] = [b'x'; 700];

/// Microseconds of CPU that signatures take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Signatures {
    /// With RSA-2048.
    pub(crate) rs256: f64,
    /// The check of one.
    pub(crate) rs256_check: f64,
    /// With P-256.
    pub(crate) es256: f64,
    /// The check of one.
    pub(crate) es256_check: f64,
}

impl Signatures {
    /// Measures them on the server's core, each for so long.
    pub(crate) fn measure(time: Duration) -> anyhow::Result<Signatures> {
        let [rs256, rs256_check, es256, es256_check] = measure("signatures", time)?;
        Ok(Signatures { rs256, rs256_check, es256, es256_check })
    }

    /// What lies between two measurements.
    pub(crate) fn and(self, other: Signatures) -> Signatures {
        Signatures {
            rs256: f64::midpoint(self.rs256, other.rs256),
            rs256_check: f64::midpoint(self.rs256_check, other.rs256_check),
            es256: f64::midpoint(self.es256, other.es256),
            es256_check: f64::midpoint(self.es256_check, other.es256_check),
        }
    }
}

/// Microseconds of CPU that an argon2id with the server's own parameters takes: in memory that is kept, and in
/// fresh memory.
pub(crate) fn argon2id(time: Duration) -> anyhow::Result<[f64; 2]> {
    measure("argon2id", time)
}

/// Asks a process of its own, on the server's core.
fn measure<const N: usize>(what: &str, time: Duration) -> anyhow::Result<[f64; N]> {
    let output = pinned(&std::env::current_exe()?).args(["limits", what, &time.as_secs_f64().to_string()]).output()?;
    let text = String::from_utf8(output.stdout)?;
    let values = text.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
    values.try_into().ok().context("the limits could not be measured")
}

/// Microseconds of CPU that some work takes, done for so many seconds in handfuls.
fn cost(seconds: f64, handful: u32, mut work: impl FnMut() -> anyhow::Result<()>) -> anyhow::Result<f64> {
    work()?;
    let begun = process::cpu("self")?;
    let mut times = 0;
    loop {
        for _ in 0..handful {
            work()?;
        }
        times += handful;
        let spent = process::cpu("self")? - begun;
        if spent >= seconds {
            return Ok(spent * 1e6 / f64::from(times));
        }
    }
}

/// `bench limits signatures SECONDS`
pub(crate) fn signatures(seconds: f64) -> anyhow::Result<()> {
    let random = SystemRandom::new();
    let rsa = KeyPair::generate(KeySize::Rsa2048)?;
    let mut signature = vec![0; rsa.public_modulus_len()];
    let rs256 = cost(seconds, 20, || Ok(rsa.sign(&RSA_PKCS1_SHA256, &random, black_box(&MESSAGE), &mut signature)?))?;
    let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, rsa.public_key().as_der()?.as_ref())?;
    let rs256_check = cost(seconds, 200, || Ok(public.verify_sig(black_box(&MESSAGE), &signature)?))?;

    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)?;
    let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref())?;
    let es256 = cost(seconds, 200, || Ok(_ = black_box(ec.sign(&random, black_box(&MESSAGE))?)))?;
    let signature = ec.sign(&random, &MESSAGE)?;
    let public = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, ec.public_key())?;
    let es256_check = cost(seconds, 200, || Ok(public.verify_sig(black_box(&MESSAGE), signature.as_ref())?))?;
    Ok(writeln!(std::io::stdout(), "{rs256} {rs256_check} {es256} {es256_check}")?)
}

/// `bench limits argon2id SECONDS`
pub(crate) fn hashes(seconds: f64) -> anyhow::Result<()> {
    let params = HashingConfig::default().params()?;
    let blocks = params.block_count();
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let (mut hash, mut kept) = ([0; 32], vec![Block::default(); blocks]);
    let mut hashed = |memory: &mut [Block]| {
        Ok(argon2.hash_password_into_with_memory(black_box(b"Bench-passord-2026"), &[7; 16], &mut hash, memory)?)
    };
    let reused = cost(seconds, 1, || hashed(&mut kept))?;
    drop(kept);
    let fresh = cost(seconds, 1, || hashed(&mut vec![Block::default(); blocks]))?;
    Ok(writeln!(std::io::stdout(), "{reused} {fresh}")?)
}

/// `bench bare`: an axum that answers and does nothing else.
pub(crate) fn bare() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
        let routes = Router::new().route("/", get(|| async { "here\n" }));
        Ok(axum::serve(listener, routes).await?)
    })
}

/// Makes `bench bare` ready to be started.
pub(crate) fn bare_command() -> anyhow::Result<std::process::Command> {
    let mut command = pinned(&std::env::current_exe()?);
    command.arg("bare");
    Ok(command)
}
