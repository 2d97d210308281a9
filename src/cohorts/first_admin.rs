//! The one-time link by which a new portal gets its first admin.
use super::{NewInvitation, Role, store};
use crate::accounts::{ADMINS, INVITATION_LIVES, store as accounts};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::secrets;
use anyhow::Result;

/// While nobody runs the portal: a fresh link. None once there is an admin. Links of earlier starts stop working either way.
pub async fn link(app: &App) -> Result<Option<String>> {
    if app.demo {
        return Ok(None);
    }
    // Replicas that start together take turns; the link printed last is the one that works.
    let mut write = app.db.write(ADMINS).await?;
    store::withdraw_first_admin_links(&mut write).await?;
    if accounts::has_admin(&mut write).await? {
        write.commit().await?;
        return Ok(None);
    }
    let now = app.clock.now();
    let token = secrets::new_token("gci_")?;
    let new = NewInvitation {
        token_hash: &secrets::token_hash(&token),
        email: None,
        name: None,
        role: Role::Admin,
        cohort: None,
        created_by: None,
        expires: now.plus(INVITATION_LIVES),
    };
    let id = store::invite(&mut write, &new, now).await?;
    audit::record(&mut write, &Entry::new(None, "invitation.first_admin", id.as_str()), now).await?;
    write.commit().await?;
    Ok(Some(format!("{}/join/{token}", app.url)))
}
