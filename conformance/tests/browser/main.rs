//! The whole login in Debian's Chromium, against `porten dev`, with a relying party on `openid-client` (npm), at
//! the width of a phone and of a desktop. `conformance/browser` holds the service and needs `npm ci` once.
//!
//! With `PORTEN_SHOTS` set to a folder, each page that is looked at is left there as a picture.

#![expect(clippy::indexing_slicing, reason = "what is missing from an answer fails the test")]

/// One story, on a phone and on a desktop.
macro_rules! on_both {
    ($($story:ident),+ $(,)?) => {
        mod phone {
            $(#[tokio::test]
            async fn $story() -> anyhow::Result<()> {
                super::$story($crate::chromium::Size::Phone).await
            })+
        }
        mod desktop {
            $(#[tokio::test]
            async fn $story() -> anyhow::Result<()> {
                super::$story($crate::chromium::Size::Desktop).await
            })+
        }
    };
}

/// One story, in each language that there are words in.
macro_rules! in_each_language {
    ($story:ident) => {
        #[tokio::test]
        async fn in_bokmal() -> anyhow::Result<()> {
            $story("nb").await
        }

        #[tokio::test]
        async fn in_nynorsk() -> anyhow::Result<()> {
            $story("nn").await
        }

        #[tokio::test]
        async fn in_english() -> anyhow::Result<()> {
            $story("en").await
        }
    };
}

mod activate;
mod agreement;
mod camera;
mod check;
mod chromium;
mod demo;
mod detours;
mod email_login;
mod keyboard;
mod language;
mod leaving;
mod login;
mod lost;
mod minid;
mod neighbour;
mod other_eid;
mod pushed;
mod school;
mod school_class;
mod school_file;
mod school_ways;
mod stage;
mod tour;
mod ways;
mod without_script;
