//! The code's own order: who may use whom, one file for each table, every word in every language, every crate's
//! licence and source.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// The files below a folder that end so, with their text.
fn files(folder: &str, end: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(end) {
                let name = path.strip_prefix(root())?.to_string_lossy().into_owned();
                found.insert(name, std::fs::read_to_string(&path)?);
            }
        }
    }
    Ok(found)
}

#[test]
fn crates_and_endpoints_use_what_stands_below_them() -> anyhow::Result<()> {
    for (folder, banned) in [
        ("migrations/src", &["authenticators::", "idp::", "admin::"][..]),
        ("authenticators/src", &["idp::", "admin::", "axum::"]),
        ("idp/src", &["admin::"]),
    ] {
        for (name, text) in files(folder, ".rs")? {
            for word in banned {
                assert!(
                    !text.lines().any(|line| line.starts_with("use ") && line.contains(word)),
                    "{name} uses {word}"
                );
            }
        }
    }
    let endpoints = files("idp/src/endpoints", ".rs")?;
    let router = std::fs::read_to_string(root().join("idp/src/lib.rs"))?;
    for (path, text) in &endpoints {
        let name = path.rsplit('/').next().and_then(|file| file.strip_suffix(".rs")).unwrap_or_default();
        assert!(!text.contains("crate::endpoints::"), "{path} uses another endpoint");
        assert!(name == "mod" || router.contains(name), "{name} is not in the router");
    }
    // Decisions do no I/O, and factors do not use one another.
    for name in ["idp/src/flow.rs", "idp/src/acr.rs"] {
        let text = std::fs::read_to_string(root().join(name))?;
        assert!(!text.contains("async ") && !text.contains(".await"), "{name} does I/O");
    }
    for (name, other) in [("password", "otc"), ("otc", "password")] {
        let text = std::fs::read_to_string(root().join(format!("authenticators/src/{name}.rs")))?;
        assert!(!text.contains(&format!("crate::{other}")), "{name} uses {other}");
    }
    Ok(())
}

#[test]
fn each_table_is_written_in_one_file() -> anyhow::Result<()> {
    let mut homes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let migrations: String = files("migrations/sql", ".sql")?.into_values().collect();
    let tables = migrations.split("CREATE TABLE ").skip(1).filter_map(|rest| rest.split_whitespace().next());
    // One that was rebuilt had a name of its own for a moment.
    let stays = |table: &&str| !migrations.contains(&format!("ALTER TABLE {table} RENAME TO "));
    let tables: Vec<String> = tables.filter(stays).map(str::to_owned).collect();
    ensure!(tables.len() >= 9, "{tables:?}");
    for folder in ["authenticators/src", "idp/src", "admin/src"] {
        for (name, text) in files(folder, ".rs")? {
            let words: Vec<&str> = text.split_whitespace().collect();
            for pair in words.windows(2) {
                if let [verb, table] = pair {
                    let table = table.trim_end_matches(['"', ';', ',', ')']);
                    let verb = verb.trim_start_matches('"');
                    if ["FROM", "INTO", "UPDATE", "JOIN"].contains(&verb) && tables.iter().any(|known| known == table) {
                        homes.entry(table.to_owned()).or_default().insert(name.clone());
                    }
                }
            }
        }
    }
    for table in &tables {
        // The readiness probe asks for any one row.
        let homes = homes.get(table).with_context(|| format!("nobody uses the table {table}"))?;
        assert_eq!(homes.len(), 1, "{table} is in {homes:?}");
    }
    Ok(())
}

/// The words of a Fluent file, by key.
fn words(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().filter(|line| !line.starts_with([' ', '#', '\t']));
    lines.filter_map(|line| line.split_once(" = ").or_else(|| line.strip_suffix(" =").map(|key| (key, "")))).collect()
}

#[test]
fn every_word_is_used_and_stands_in_every_language() -> anyhow::Result<()> {
    let mut faces = Vec::new();
    for folder in ["idp", "admin"] {
        let names = files(&format!("{folder}/locales/nb"), ".ftl")?.into_keys();
        faces.extend(names.filter_map(|name| Some((folder, name.rsplit('/').next()?.to_owned()))));
    }
    for (folder, file) in faces {
        let mut languages = BTreeMap::new();
        for (name, text) in files(&format!("{folder}/locales"), &format!("/{file}"))? {
            languages.insert(name, text);
        }
        assert_eq!(languages.len(), 3, "nb, nn and en, and no invented Sámi");
        let keys: Vec<BTreeSet<&str>> = languages.values().map(|text| words(text).into_keys().collect()).collect();
        assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "{folder}: the languages have other keys: {:?}", {
            let all: BTreeSet<&&str> = keys.iter().flatten().collect();
            all.into_iter().filter(|key| !keys.iter().all(|keys| keys.contains(*key))).collect::<Vec<_>>()
        });
        for (name, text) in &languages {
            let arguments = |text: &str| text.matches("{ $").count();
            let first = languages.values().next().context("none")?;
            for (key, value) in words(text) {
                assert!(
                    words(first).get(key).is_some_and(|other| arguments(other) == arguments(value)),
                    "{name}: {key}"
                );
            }
        }
        let mut used = String::new();
        used.extend(files(&format!("{folder}/src"), ".rs")?.into_values());
        used.extend(files(&format!("{folder}/templates"), ".html")?.into_values());
        for key in &keys[0] {
            assert!(used.contains(&format!("\"{key}\"")), "nobody says {key}");
        }
    }
    // And whatever a page says is there.
    let known: BTreeSet<String> = files("idp/locales/nb", ".ftl")?
        .into_values()
        .chain(files("admin/locales/nb", ".ftl")?.into_values())
        .flat_map(|text| words(&text).into_keys().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    for (name, text) in files("idp/templates", ".html")?.into_iter().chain(files("admin/templates", ".html")?) {
        for call in ["frame.t(\"", "frame.with(\""] {
            for rest in text.split(call).skip(1) {
                let key = rest.split('"').next().unwrap_or_default();
                assert!(known.contains(key), "{name} says {key}, which nobody has written");
            }
        }
    }
    Ok(())
}

#[test]
fn whoever_cannot_call_reads_where_to_write() -> anyhow::Result<()> {
    let mut found = 0;
    for (name, text) in files("idp/locales", ".ftl")?.into_iter().chain(files("admin/locales", ".ftl")?) {
        for (key, value) in words(&text) {
            // What is told by SMS is short, and is told in haste.
            if key.starts_with("tell-") || !value.replace('\u{a0}', " ").contains("800 30 300") {
                continue;
            }
            found += 1;
            assert!(value.contains("brukerstotte@digdir.no"), "{name}: {key}");
        }
    }
    ensure!(found >= 30, "{found}");
    Ok(())
}

const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "MPL-2.0",
    "Unicode-3.0",
    "Zlib",
    "0BSD",
    "BSL-1.0",
    "CDLA-Permissive-2.0",
    "CC0-1.0",
    "Unlicense",
    "Apache-2.0 WITH LLVM-exception",
    "MIT-0",
];
/// Each would be a second library for what aws-lc-rs and rustls do.
const BANNED: &[&str] = &["openssl-sys", "native-tls", "ring", "bindgen"];

/// Whether a licence expression (SPDX) can be satisfied with what we accept. OR binds weaker than AND.
fn is_accepted(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let split = |operator: &str| {
        let (mut depth, mut parts, mut part) = (0, Vec::new(), String::new());
        for word in expression.split_whitespace() {
            depth += i32::from(word == "(") - i32::from(word == ")");
            if depth == 0 && word == operator {
                parts.push(std::mem::take(&mut part));
            } else {
                part = format!("{part} {word}");
            }
        }
        parts.push(part);
        parts
    };
    let (any, all) = (split("OR"), split("AND"));
    let whole = expression.trim();
    match whole.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        _ if any.len() > 1 => any.iter().any(|part| is_accepted(part)),
        _ if all.len() > 1 => all.iter().all(|part| is_accepted(part)),
        Some(inner) => is_accepted(inner),
        None => LICENCES.contains(&whole),
    }
}

#[test]
fn every_crate_has_a_licence_and_a_source_that_we_accept() -> anyhow::Result<()> {
    assert!(
        is_accepted("MIT OR GPL-3.0")
            && is_accepted("(MIT OR Apache-2.0) AND Unicode-3.0")
            && is_accepted("MIT/Apache-2.0")
    );
    assert!(!is_accepted("GPL-3.0") && !is_accepted("MIT AND GPL-3.0") && !is_accepted(""));
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--locked", "--edges", "normal,build", "--prefix", "none", "--format", "{p}|{l}"])
        .current_dir(root())
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut wrong = BTreeSet::new();
    let mut count = 0;
    for line in String::from_utf8(output.stdout)?.lines() {
        let Some((package, licence)) = line.split_once('|') else { continue };
        let name = package.split_whitespace().next().unwrap_or_default();
        count += 1;
        if BANNED.contains(&name) {
            wrong.insert(format!("{name} is banned"));
        }
        if !is_accepted(licence.trim_end_matches(" (*)")) {
            wrong.insert(format!("{package}: licence {licence:?}"));
        }
    }
    ensure!(count > 100, "cargo tree said little");
    let lock = std::fs::read_to_string(root().join("Cargo.lock"))?;
    let sources: BTreeSet<&str> = lock.lines().filter(|line| line.starts_with("source = ")).collect();
    assert!(sources.len() == 1 && sources.iter().all(|source| source.contains("registry+")), "{sources:?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}
