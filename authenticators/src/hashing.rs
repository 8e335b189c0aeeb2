//! argon2id on a few threads of its own with a bounded queue, so that a burst of logins can neither exhaust
//! memory nor stall other requests.
//!
//! Each thread keeps its memory blocks from one hash to the next, which saves the system a fifth of the time;
//! a second after the last hash they are wiped and given back.

use std::time::Duration;

use anyhow::{Context, anyhow};
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use precis_profiles::OpaqueString;
use precis_profiles::precis_core::profile::PrecisFastInvocation;
use serde::Deserialize;
use tokio::sync::oneshot;
use zeroize::{Zeroize, Zeroizing};

use crate::legacy_hash::LegacyHash;

/// Parameters of argon2id (RFC 9106), and of the pool that runs it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HashingConfig {
    /// Memory of one hash in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
    /// Threads that hash; 0 for one a core.
    pub threads: usize,
    /// Hashes that may wait for a thread; who comes after that is asked to come again.
    pub queue: usize,
}

impl Default for HashingConfig {
    /// OWASP's Password Storage Cheat Sheet, second row.
    fn default() -> HashingConfig {
        HashingConfig { memory_kib: 19_456, iterations: 2, parallelism: 1, threads: 0, queue: 128 }
    }
}

impl HashingConfig {
    /// The parameters as the library wants them, or what is wrong with them.
    pub fn params(self) -> anyhow::Result<Params> {
        Params::new(self.memory_kib, self.iterations, self.parallelism, Some(OUTPUT))
            .map_err(|error| anyhow!("the password parameters are not ones of argon2id: {error}"))
    }
}

const OUTPUT: usize = 32;
/// More work than that of a hash from elsewhere nobody has asked for, and a login would take too long.
const MEMORY_AT_MOST: u32 = 262_144;
const ITERATIONS_AT_MOST: u32 = 16;
const WIPE_AFTER: Duration = Duration::from_secs(1);
const NICENESS: i32 = 10;

/// The queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// The pool.
#[derive(Clone)]
pub struct Hasher {
    jobs: flume::Sender<Job>,
    params: Params,
    nobody: String,
}

struct Job {
    password: Zeroizing<String>,
    /// A hash of an older kind that the password is compared with besides.
    legacy: Option<LegacyHash>,
    salt: Salt,
    params: Params,
    answer: oneshot::Sender<argon2::Result<Done>>,
}

struct Done {
    hash: [u8; OUTPUT],
    is_of_legacy: bool,
}

impl Hasher {
    /// Starts the threads.
    pub fn start(config: HashingConfig) -> anyhow::Result<Hasher> {
        let params = config.params()?;
        let threads = match config.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            some => some,
        };
        let (jobs, inbox) = flume::bounded(config.queue.max(1));
        for number in 0..threads {
            let inbox = inbox.clone();
            std::thread::Builder::new()
                .name(format!("argon2-{number}"))
                .spawn(move || work(&inbox))
                .context("cannot start a hashing thread")?;
        }
        let nobody = encode(&params, Salt::new(&[0; 16])?, &[0; OUTPUT])?;
        Ok(Hasher { jobs, params, nobody })
    }

    /// Hashes a new password for keeping, in PHC form.
    pub async fn hash(&self, password: &str, salt: [u8; 16]) -> anyhow::Result<Result<String, Busy>> {
        let Some(password) = prepare(password) else {
            anyhow::bail!("the password has characters that cannot be used")
        };
        let salt = Salt::new(&salt)?;
        match self.digest((password, None), salt, self.params.clone()).await? {
            Ok(done) => Ok(Ok(encode(&self.params, salt, &done.hash)?)),
            Err(Busy) => Ok(Err(Busy)),
        }
    }

    /// Says whether a password is the one behind a stored hash. For nobody's hash it does the same work, and for one of
    /// an older kind no less.
    pub async fn verify(&self, password: &str, phc: Option<&str>) -> anyhow::Result<Result<bool, Busy>> {
        let legacy = phc.and_then(LegacyHash::parse);
        let phc = phc.filter(|_| legacy.is_none());
        let stored = PasswordHash::new(phc.unwrap_or(&self.nobody)).context("a stored password hash is not one")?;
        let params = Params::try_from(&stored).context("a stored password hash is not one of argon2id")?;
        let (salt, hash) = (stored.salt.context("no salt")?, stored.hash.context("no hash")?);
        let (password, can_be) = match prepare(password) {
            Some(password) => (password, true),
            None => (Zeroizing::new(String::new()), false),
        };
        Ok(match self.digest((password, legacy), salt, params).await? {
            Ok(done) => {
                let same = constant_time::verify_slices_are_equal(&done.hash, hash.as_bytes()).is_ok();
                Ok(((same & phc.is_some()) | done.is_of_legacy) & can_be)
            }
            Err(Busy) => Err(Busy),
        })
    }

    /// True if the parameters have grown since this hash was made, or it is of an older kind.
    pub fn is_stale(&self, phc: &str) -> bool {
        let ours = PasswordHash::new(phc).ok().filter(|_| LegacyHash::parse(phc).is_none());
        let old = ours.and_then(|hash| Params::try_from(&hash).ok());
        old.is_none_or(|old| old.m_cost() < self.params.m_cost() || old.t_cost() < self.params.t_cost())
    }

    async fn digest(
        &self,
        (password, legacy): (Zeroizing<String>, Option<LegacyHash>),
        salt: Salt,
        params: Params,
    ) -> anyhow::Result<Result<Done, Busy>> {
        tracing::trace!(memory_kib = params.m_cost(), iterations = params.t_cost(), "a hash is asked for");
        let (answer, answered) = oneshot::channel();
        let job = Job { password, legacy, salt, params, answer };
        match self.jobs.try_send(job) {
            Ok(()) => {}
            Err(flume::TrySendError::Full(_)) => return Ok(Err(Busy)),
            Err(flume::TrySendError::Disconnected(_)) => anyhow::bail!("the hashing threads are gone"),
        }
        let hash = answered.await.context("a hashing thread is gone")?;
        hash.map(Ok).map_err(|error| anyhow!("argon2id: {error}"))
    }
}

/// RFC 8265 4.2, so that the same password typed on two keyboards is the same text. Nothing if it cannot be one.
fn prepare(password: &str) -> Option<Zeroizing<String>> {
    OpaqueString::enforce(password).ok().map(|text| Zeroizing::new(text.into_owned()))
}

fn encode(params: &Params, salt: Salt, hash: &[u8]) -> anyhow::Result<String> {
    let phc = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params)?,
        salt: Some(salt),
        hash: Some(Output::new(hash)?),
    };
    Ok(phc.to_string())
}

fn work(inbox: &flume::Receiver<Job>) {
    // On Linux this is the thread's own priority: hashing waits for whoever else wants the core.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(None, NICENESS);
    let mut blocks: Vec<Block> = Vec::new();
    loop {
        let job = if blocks.is_empty() {
            match inbox.recv() {
                Ok(job) => job,
                Err(flume::RecvError::Disconnected) => return,
            }
        } else {
            match inbox.recv_timeout(WIPE_AFTER) {
                Ok(job) => job,
                Err(_) => {
                    blocks.iter_mut().for_each(Zeroize::zeroize);
                    blocks = Vec::new();
                    continue;
                }
            }
        };
        // Nobody waits for it any more.
        if job.answer.is_closed() {
            continue;
        }
        let needed = job.params.block_count();
        if blocks.len() < needed {
            blocks.resize(needed, Block::default());
        }
        let mut hash = [0; OUTPUT];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, job.params);
        let done = argon2.hash_password_into_with_memory(job.password.as_bytes(), &job.salt, &mut hash, &mut blocks);
        let is_of_legacy = job.legacy.is_some_and(|legacy| legacy.is_of(&job.password));
        let _ = job.answer.send(done.map(|()| Done { hash, is_of_legacy }));
    }
}

/// Whether [`Hasher::verify`] could find some password to be the one behind this: a hash of ours or a legacy one, within
/// the work that a login may take.
pub fn can_verify(text: &str) -> bool {
    LegacyHash::parse(text).is_some() || is_argon2id(text)
}

/// `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, as the pool reads it.
fn is_argon2id(text: &str) -> bool {
    let parts: Vec<&str> = text.split('$').collect();
    let ["", "argon2id", "v=19", params, salt, hash] = parts.as_slice() else { return false };
    let numbers: Vec<u32> = params.split(',').filter_map(|pair| pair.split_once('=')?.1.parse().ok()).collect();
    let [memory_kib, iterations, parallelism] = *numbers.as_slice() else { return false };
    let asked = HashingConfig { memory_kib, iterations, parallelism, ..HashingConfig::default() };
    let is_possible = memory_kib <= MEMORY_AT_MOST && iterations <= ITERATIONS_AT_MOST;
    // Nothing else stands there, such as a secret that we do not have.
    let is_all = *params == format!("m={memory_kib},t={iterations},p={parallelism}");
    let length = |part: &str| STANDARD_NO_PAD.decode(part).map_or(0, |bytes| bytes.len());
    is_possible && is_all && asked.params().is_ok() && (8..=48).contains(&length(salt)) && length(hash) == OUTPUT
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier;

    use super::*;

    fn config() -> HashingConfig {
        HashingConfig { memory_kib: 64, iterations: 1, threads: 1, queue: 1, ..HashingConfig::default() }
    }

    const SALT: &str = "MDEyMzQ1Njc4OWFiY2RlZg";
    const HASH: &str = "yi2mzpKV+jyiJI4DPqbMNF4TZwM0RS0MAKWIid8Dl3c";

    #[test]
    fn hashes_that_can_be_verified() {
        for good in [
            format!("$argon2id$v=19$m=64,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=65536,t=3,p=4${SALT}${HASH}"),
            format!("$pbkdf2-sha256$i=1000,l=32${SALT}${HASH}"),
            "$2b$04$WS7WDu3E3xUfkZJKXvW5lufzQAEzBA4FO/8DE32wwebDX6zZ41NGi".to_owned(),
            "{SSHA}+T2vUxF34t1jjGrIfq7Qjy3o8i4wMTIzNDU2Nw==".to_owned(),
        ] {
            assert!(can_verify(&good), "{good}");
        }
    }

    #[test]
    fn hashes_that_cannot() {
        for bad in [
            String::new(),
            "Elva renner 7".to_owned(),
            format!("$argon2i$v=19$m=64,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=16$m=64,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$m=64,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=7,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=064,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=64,t=0,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=64,t=1,p=1,keyid=AAAA${SALT}${HASH}"),
            format!("$argon2id$v=19$m=4194304,t=1,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=64,t=1000,p=1${SALT}${HASH}"),
            format!("$argon2id$v=19$m=64,t=1,p=1$AAAA${HASH}"),
            format!("$argon2id$v=19$m=64,t=1,p=1${SALT}${SALT}"),
            format!("$argon2id$v=19$m=64,t=1,p=1${SALT}"),
            format!("$argon2id$v=19$m=64,t=1,p=1${SALT}${HASH}$"),
            // A cost too low, and a letter that bcrypt does not have.
            "$2b$03$WS7WDu3E3xUfkZJKXvW5lufzQAEzBA4FO/8DE32wwebDX6zZ41NGi".to_owned(),
            "$2b$04$WS7WDu3E3xUfkZJKXvW5lufzQAEzBA4FO/8DE32wwebDX6zZ41NG+".to_owned(),
        ] {
            assert!(!can_verify(&bad), "{bad}");
        }
    }

    #[tokio::test]
    async fn right_and_wrong() {
        let hasher = Hasher::start(config()).unwrap();
        let phc = hasher.hash("rød grønn blå 7", [7; 16]).await.unwrap().unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{phc}");
        let check = async |password: &str, phc| hasher.verify(password, phc).await.unwrap().unwrap();
        assert!(check("rød grønn blå 7", Some(&phc)).await);
        // å as one character and as two.
        assert!(check("rød grønn bla\u{30a} 7", Some(&phc)).await);
        assert!(!check("rød grønn blå 8", Some(&phc)).await);
        assert!(!check("", Some(&phc)).await);
        assert!(!check("\t", Some(&phc)).await);
        assert!(!check("rød grønn blå 7", None).await);
        // Somebody else's implementation agrees.
        let stored = PasswordHash::new(&phc).unwrap();
        assert!(Argon2::default().verify_password("rød grønn blå 7".as_bytes(), &stored).is_ok());
    }

    #[tokio::test]
    async fn a_hash_of_an_older_kind() {
        let hasher = Hasher::start(config()).unwrap();
        let old = "{SSHA}+T2vUxF34t1jjGrIfq7Qjy3o8i4wMTIzNDU2Nw==";
        let check = async |password: &str| hasher.verify(password, Some(old)).await.unwrap().unwrap();
        assert!(check("Elva renner 7").await && !check("Elva renner 8").await && !check("\t").await);
        assert!(hasher.is_stale(old));
    }

    #[tokio::test]
    async fn parameters_that_have_grown() {
        let old = Hasher::start(config()).unwrap().hash("p", [0; 16]).await.unwrap().unwrap();
        assert!(!Hasher::start(config()).unwrap().is_stale(&old));
        assert!(Hasher::start(HashingConfig { memory_kib: 128, ..config() }).unwrap().is_stale(&old));
        assert!(Hasher::start(HashingConfig { iterations: 2, ..config() }).unwrap().is_stale(&old));
    }

    #[tokio::test]
    async fn a_burst_is_refused_beyond_the_queue() {
        let slow = HashingConfig { memory_kib: 65_536, ..config() };
        let hasher = Hasher::start(slow).unwrap();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let hasher = hasher.clone();
            tasks.spawn(async move { hasher.verify("x", None).await.unwrap() });
        }
        let answers = tasks.join_all().await;
        let busy = answers.iter().filter(|answer| **answer == Err(Busy)).count();
        assert!((1..50).contains(&busy), "{busy} of 50 refused");
    }
}
