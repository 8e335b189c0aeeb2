//! Short-lived state: login attempts, codes, sessions, counters. Never in SQL.
//!
//! Memory for one process, Redis for several. Each value carries its own end and is judged by our clock, so
//! that both behave alike and tests can move time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::chance::TokenHash;
use crate::clock::Timestamp;

/// A kind of value that is kept for a while. The kind is part of the key, so a handle of one kind is never
/// found as another.
pub trait Kept: Serialize + DeserializeOwned {
    /// Its name in the store.
    const KIND: &'static str;
    /// How long it is kept after each write.
    const FOR: Duration;

    /// How long this one is kept, where one differs from another.
    fn lasts(&self) -> Duration {
        Self::FOR
    }
}

/// A value as it was read: what [`Scratch::replace`] compares with.
#[derive(Debug)]
pub struct Read<T> {
    /// The value.
    pub value: T,
    raw: String,
}

/// The store.
#[derive(Clone)]
pub enum Scratch {
    /// In this process; gone at restart.
    Memory(Arc<Memory>),
    /// Shared by all nodes.
    Redis(ConnectionManager),
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    until: Timestamp,
    value: T,
}

fn key<T: Kept>(id: &TokenHash) -> String {
    format!("porten:{}:{}", T::KIND, id.as_str())
}

fn seal<T: Kept>(value: &T, now: Timestamp) -> anyhow::Result<String> {
    Ok(serde_json::to_string(&Envelope { until: now.plus(value.lasts()), value })?)
}

fn unseal<T: Kept>(raw: Option<String>, now: Timestamp) -> anyhow::Result<Option<Read<T>>> {
    let Some(raw) = raw else { return Ok(None) };
    let envelope: Envelope<T> = serde_json::from_str(&raw).context("unreadable value in the scratch store")?;
    Ok((envelope.until > now).then_some(Read { value: envelope.value, raw }))
}

const COMPARE_AND_SET: &str = r"
    if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
    redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
    return 1";

/// What is over by the clock of whoever comes is not in the way, though Redis may keep it a moment longer by its own.
const CLAIM: &str = r"
    local held = redis.call('GET', KEYS[1])
    if held and cjson.decode(held)['until'] > tonumber(ARGV[2]) then return 0 end
    redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[3])
    return 1";

impl Scratch {
    /// An empty store in memory.
    pub fn memory() -> Scratch {
        Scratch::Memory(Arc::new(Memory::new()))
    }

    /// Connects to Redis (7.0 or later).
    pub async fn redis(url: &str) -> anyhow::Result<Scratch> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(Some(Duration::from_secs(2)))
            .set_number_of_retries(2)
            .set_max_delay(Duration::from_millis(300));
        let client = redis::Client::open(url).context("the Redis address is not one")?;
        let manager = ConnectionManager::new_with_config(client, config).await.context("cannot reach Redis")?;
        Ok(Scratch::Redis(manager))
    }

    /// Keeps a value under an id, over whatever was there.
    pub async fn put<T: Kept>(&self, id: &TokenHash, value: &T, now: Timestamp) -> anyhow::Result<()> {
        let (key, text) = (key::<T>(id), seal(value, now)?);
        match self {
            Scratch::Memory(memory) => memory.set(key, text, now.plus(value.lasts()), now),
            Scratch::Redis(manager) => {
                let mut command = redis::cmd("SET");
                command.arg(&key).arg(text).arg("EX").arg(value.lasts().as_secs().max(1));
                command.exec_async(&mut manager.clone()).await?;
            }
        }
        Ok(())
    }

    /// Keeps a value under an id where nothing is kept yet: of many who claim an id one gets it.
    pub async fn claim<T: Kept>(&self, id: &TokenHash, value: &T, now: Timestamp) -> anyhow::Result<bool> {
        let (key, text) = (key::<T>(id), seal(value, now)?);
        match self {
            Scratch::Memory(memory) => Ok(memory.claim(key, text, now.plus(value.lasts()), now)),
            Scratch::Redis(manager) => {
                let script = redis::Script::new(CLAIM);
                let mut call = script.key(&key);
                call.arg(text).arg(now.seconds()).arg(value.lasts().as_secs().max(1));
                let done: i64 = call.invoke_async(&mut manager.clone()).await?;
                Ok(done == 1)
            }
        }
    }

    /// Reads a value.
    pub async fn get<T: Kept>(&self, id: &TokenHash, now: Timestamp) -> anyhow::Result<Option<Read<T>>> {
        let key = key::<T>(id);
        let raw = match self {
            Scratch::Memory(memory) => memory.get(&key),
            Scratch::Redis(manager) => redis::cmd("GET").arg(&key).query_async(&mut manager.clone()).await?,
        };
        unseal(raw, now)
    }

    /// Reads a value and removes it, in one step: of many takers one gets it.
    pub async fn take<T: Kept>(&self, id: &TokenHash, now: Timestamp) -> anyhow::Result<Option<T>> {
        let key = key::<T>(id);
        let raw = match self {
            Scratch::Memory(memory) => memory.remove(&key),
            Scratch::Redis(manager) => redis::cmd("GETDEL").arg(&key).query_async(&mut manager.clone()).await?,
        };
        Ok(unseal(raw, now)?.map(|read| read.value))
    }

    /// Puts a value in the place of the one that is there and hands that out, in one step: of many swappers one
    /// gets the first value and all others what it left. Where nothing is kept nothing is put.
    pub async fn swap<T: Kept>(&self, id: &TokenHash, new: &T, now: Timestamp) -> anyhow::Result<Option<T>> {
        let (key, text) = (key::<T>(id), seal(new, now)?);
        let raw = match self {
            Scratch::Memory(memory) => memory.swap(&key, text, now.plus(T::FOR), now),
            Scratch::Redis(manager) => {
                let mut command = redis::cmd("SET");
                command.arg(&key).arg(text).arg("XX").arg("GET").arg("EX").arg(T::FOR.as_secs());
                command.query_async(&mut manager.clone()).await?
            }
        };
        Ok(unseal(raw, now)?.map(|read| read.value))
    }

    /// Writes a value if nobody has written since `read`; false if somebody has.
    pub async fn replace<T: Kept>(
        &self,
        id: &TokenHash,
        read: &Read<T>,
        new: &T,
        now: Timestamp,
    ) -> anyhow::Result<bool> {
        let (key, text) = (key::<T>(id), seal(new, now)?);
        match self {
            Scratch::Memory(memory) => Ok(memory.replace(&key, &read.raw, text, now.plus(T::FOR))),
            Scratch::Redis(manager) => {
                let script = redis::Script::new(COMPARE_AND_SET);
                let mut call = script.key(&key);
                call.arg(&read.raw).arg(text).arg(T::FOR.as_secs());
                let done: i64 = call.invoke_async(&mut manager.clone()).await?;
                Ok(done == 1)
            }
        }
    }

    /// Counts one more under `name` and says how many there have been since the window opened.
    pub async fn count(&self, name: &str, window: Duration, now: Timestamp) -> anyhow::Result<i64> {
        self.add(name, 1, window, now).await
    }

    /// Takes back a count that turned out not to be one.
    pub async fn uncount(&self, name: &str, window: Duration, now: Timestamp) -> anyhow::Result<i64> {
        self.add(name, -1, window, now).await
    }

    async fn add(&self, name: &str, by: i64, window: Duration, now: Timestamp) -> anyhow::Result<i64> {
        // The window's number is part of the key: our clock decides which window it is, not the store's.
        let seconds = i64::try_from(window.as_secs()).unwrap_or(i64::MAX).max(1);
        let opened = now.seconds().div_euclid(seconds);
        let key = format!("porten:count:{opened}:{name}");
        match self {
            Scratch::Memory(memory) => Ok(memory.add(key, by, now.plus(window), now)),
            Scratch::Redis(manager) => {
                let mut pipe = redis::pipe();
                pipe.atomic().incr(&key, by).cmd("EXPIRE").arg(&key).arg(window.as_secs()).ignore();
                let (count,): (i64,) = pipe.query_async(&mut manager.clone()).await?;
                Ok(count)
            }
        }
    }

    /// Asks the store for an answer, for the readiness probe.
    pub async fn ping(&self) -> anyhow::Result<()> {
        match self {
            Scratch::Memory(_) => Ok(()),
            Scratch::Redis(manager) => Ok(redis::cmd("PING").exec_async(&mut manager.clone()).await?),
        }
    }
}

const SHARDS: usize = 16;

/// The store in memory: some maps, each with its ends in order, so that cleaning costs only what has expired.
pub struct Memory {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Default)]
struct Shard {
    entries: HashMap<String, Entry>,
    ends: BinaryHeap<Reverse<(Timestamp, String)>>,
}

struct Entry {
    until: Timestamp,
    text: String,
}

impl Memory {
    fn new() -> Memory {
        Memory { hasher: RandomState::new(), shards: Default::default() }
    }

    fn with<R>(&self, key: &str, work: impl FnOnce(&mut Shard) -> R) -> R {
        let index = usize::try_from(self.hasher.hash_one(key) % (SHARDS as u64)).unwrap_or(0);
        let shard = self.shards.get(index).unwrap_or(&self.shards[0]);
        work(&mut shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, key: String, text: String, until: Timestamp, now: Timestamp) {
        self.with(&key.clone(), |shard| {
            shard.clean(now);
            shard.write(key, text, until);
        });
    }

    fn claim(&self, key: String, text: String, until: Timestamp, now: Timestamp) -> bool {
        self.with(&key.clone(), |shard| {
            shard.clean(now);
            let free = shard.entries.get(&key).is_none_or(|entry| entry.until <= now);
            if free {
                shard.write(key, text, until);
            }
            free
        })
    }

    fn get(&self, key: &str) -> Option<String> {
        self.with(key, |shard| shard.entries.get(key).map(|entry| entry.text.clone()))
    }

    fn remove(&self, key: &str) -> Option<String> {
        self.with(key, |shard| shard.entries.remove(key).map(|entry| entry.text))
    }

    fn swap(&self, key: &str, text: String, until: Timestamp, now: Timestamp) -> Option<String> {
        self.with(key, |shard| {
            let entry = shard.entries.get_mut(key).filter(|entry| entry.until > now)?;
            let old = std::mem::replace(entry, Entry { until, text });
            Some(old.text)
        })
    }

    fn replace(&self, key: &str, old: &str, text: String, until: Timestamp) -> bool {
        self.with(key, |shard| {
            let unchanged = shard.entries.get(key).is_some_and(|entry| entry.text == old);
            if unchanged {
                shard.write(key.to_owned(), text, until);
            }
            unchanged
        })
    }

    fn add(&self, key: String, by: i64, until: Timestamp, now: Timestamp) -> i64 {
        self.with(&key.clone(), |shard| {
            shard.clean(now);
            let count = shard.entries.get(&key).and_then(|entry| entry.text.parse().ok()).unwrap_or(0) + by;
            shard.write(key, count.to_string(), until);
            count
        })
    }
}

impl Shard {
    fn write(&mut self, key: String, text: String, until: Timestamp) {
        if self.entries.insert(key.clone(), Entry { until, text }).is_none() {
            self.ends.push(Reverse((until, key)));
        }
    }

    fn clean(&mut self, now: Timestamp) {
        while self.ends.peek().is_some_and(|Reverse((until, _))| *until <= now) {
            let Some(Reverse((_, key))) = self.ends.pop() else { return };
            match self.entries.get(&key).map(|entry| entry.until) {
                // Written again since: it has one place in the heap, which moves to its new end.
                Some(until) if until > now => self.ends.push(Reverse((until, key))),
                Some(_) => drop(self.entries.remove(&key)),
                None => {}
            }
        }
    }
}
