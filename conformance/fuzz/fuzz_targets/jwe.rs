//! What others encrypt for us (RFC 7516). A digit begins what was encrypted by one of the ways that there are, changed
//! in one place that the input names; `h` a header, with the other parts on the line below; else it is the token
//! itself.
#![no_main]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use conformance::jwe::{WAYS, encrypt, p256, rsa};
use idp::jwe::{DecryptionKey, decrypt};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static KEYS: &'static [DecryptionKey] = {
        let key = |pem: String| DecryptionKey::parse(pem.as_bytes()).expect("a key");
        Box::leak(Box::new([key(rsa().expect("a key")), key(p256().expect("a key"))]))
    };
}

fuzz_target!(|data: &[u8]| {
    let keys = KEYS.with(|keys| *keys);
    let Some((how, rest)) = data.split_first() else { return };
    let way = usize::from(how.wrapping_sub(b'0'));
    if let Some(way) = WAYS.get(way) {
        let [high, low, put, text @ ..] = rest else { return };
        let key = keys.iter().find(|key| key.algorithms().contains(&way.0)).expect("a key for each way");
        let honest = encrypt(key.public(), *way, text).expect("a token");
        let at = (usize::from(*high) * 256 + usize::from(*low)) % honest.len();
        let mut token = honest.clone();
        token.replace_range(at..=at, char::from(*put % 128).encode_utf8(&mut [0; 4]));
        let read = decrypt(keys, &token).ok();
        assert_eq!(read.as_deref(), (token == honest).then_some(text), "{token}");
        return;
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let token = match text.strip_prefix('h').and_then(|text| text.split_once('\n')) {
        Some((header, parts)) => format!("{}.{parts}", URL_SAFE_NO_PAD.encode(header)),
        None => text.to_owned(),
    };
    assert!(decrypt(keys, &token).is_err(), "{token}");
});
