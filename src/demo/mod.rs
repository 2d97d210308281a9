//! The demo: 24 students in week 9, made through the portal's own functions, the same each time, dated relative to today.
pub mod pages;
pub mod people;
pub mod store;
pub mod story;

use crate::app::App;
use crate::db::Db;
use anyhow::{Result, bail};

/// The password of the three sign-ins that are printed.
pub const PASSWORD: &str = "groundcrew-demo";
pub const STUDENT: &str = "student@demo.test";
pub const INSTRUCTOR: &str = "instructor@demo.test";
pub const ADMIN: &str = "admin@demo.test";

/// What a database is, decided when it is first opened and remembered in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Fresh,
    Real,
    Demo,
}

/// Whether this database serves a demo from now on. `--demo` refuses one with real people in it; a demo's stays a demo's.
pub async fn decide(db: &Db, asked: bool, now: crate::db::values::Timestamp) -> Result<bool> {
    let purpose = store::purpose(&mut *db.read().await?).await?;
    match (purpose, asked) {
        (Purpose::Real, true) => {
            bail!("this database is a real portal's: --demo would fill it with made-up people. Use another data folder: --data DIR")
        }
        (Purpose::Demo, _) => Ok(true),
        (Purpose::Real, false) => Ok(false),
        (Purpose::Fresh, demo) => {
            let mut write = db.write("installation").await?;
            store::found(&mut write, demo, now).await?;
            write.commit().await?;
            Ok(demo)
        }
    }
}

/// Fills an empty demo; does nothing when its people are there.
pub async fn fill(app: &App) -> Result<()> {
    if store::has_people(&mut *app.db.read().await?).await? {
        return Ok(());
    }
    let cast = people::cast(app).await?;
    story::tell(app, &cast).await
}

/// Empties the demo and fills it again.
pub async fn reset(app: &App) -> Result<()> {
    let mut write = app.db.write("installation").await?;
    store::clear(&mut write).await?;
    write.commit().await?;
    app.reload_settings().await?;
    fill(app).await
}

/// A number that looks thrown but is the same each time: FNV-1a over its parts, then mixed.
pub fn dice(parts: &[&str]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().flat_map(|p| p.bytes().chain([0xff])) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash ^= hash >> 29;
    hash = hash.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash ^ (hash >> 32)
}
