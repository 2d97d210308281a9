//! `groundcrew user`: accounts from the command line of whoever runs the machine.
use super::boot;
use crate::accounts::pages::reset;
use crate::accounts::{ADMINS, Email, NewPerson, Person, name_mistake, store};
use crate::app::App;
use crate::audit::{self, Entry};
use crate::clock::Clock;
use crate::config::{DataArgs, PortalArgs};
use crate::db::is_duplicate;
use crate::secrets::Keys;
use crate::web::filters::dated_in_zone;
use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct UserArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Address by which people reach the portal, for the links that are printed [default: http://127.0.0.1:8080]
    #[arg(long, env = "GROUNDCREW_URL", value_name = "URL", global = true)]
    url: Option<String>,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Add a person and print a link to set their password
    Add {
        email: Email,
        /// What they are called [default: the address's first part]
        #[arg(long)]
        name: Option<String>,
        /// Let them run the installation
        #[arg(long)]
        admin: bool,
    },
    /// List everybody: address, name, what they are
    List,
    /// Print a one-time link that sets a new password, good for an hour
    Reset { email: Email },
    /// Close an account: its sign-ins end and its tokens stop working
    Disable { email: Email },
    /// Open a closed account again
    Enable { email: Email },
    /// End all sign-ins and tokens of a person
    SignOut { email: Email },
}

pub fn run(args: UserArgs) -> Result<ExitCode> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(carry_out(args))?;
    Ok(ExitCode::SUCCESS)
}

async fn carry_out(args: UserArgs) -> Result<()> {
    let url = match &args.url {
        Some(url) => PortalArgs::checked_url(url)?,
        None => "http://127.0.0.1:8080".to_owned(),
    };
    // The first account may be made before the portal first starts; every other command is about people who are there.
    if !matches!(args.what, What::Add { .. }) {
        boot::ensure_existing(&args.data)?;
    }
    let db = boot::open(&args.data).await?;
    let app = App::new(db, Clock::system(), Keys::open(&args.data.key_file())?, &url, false);
    match args.what {
        What::Add { email, name, admin } => add(&app, &email, name.as_deref(), admin).await?,
        What::List => list(&app).await?,
        What::Reset { email } => println!("{}", reset_link(&app, &person(&app, &email).await?).await?),
        What::Disable { email } => disable(&app, &person(&app, &email).await?).await?,
        What::Enable { email } => enable(&app, &person(&app, &email).await?).await?,
        What::SignOut { email } => sign_out(&app, &person(&app, &email).await?).await?,
    }
    app.db.close().await;
    Ok(())
}

async fn person(app: &App, email: &Email) -> Result<Person> {
    let found = store::by_email(&mut *app.db.read().await?, email).await?;
    found.with_context(|| format!("nobody has the address {email}; `groundcrew user list` shows who there is"))
}

async fn reset_link(app: &App, person: &Person) -> Result<String> {
    match reset::link_for(app, person, None).await {
        Ok(link) => Ok(link),
        Err(crate::error::Error::Broken(error)) => Err(error),
        Err(_) => bail!("the link can't be made"),
    }
}

/// Makes an account and prints the link that sets its password.
pub async fn add(app: &App, email: &Email, name: Option<&str>, admin: bool) -> Result<()> {
    let name = name.or_else(|| email.as_str().split('@').next()).unwrap_or_default();
    if let Some(words) = name_mistake(name) {
        bail!("{words}");
    }
    let zone = crate::settings::store::get(&mut *app.db.read().await?).await?.zone;
    let now = app.clock.now();
    let mut write = app.db.write(ADMINS).await?;
    let id = match store::create(&mut write, &NewPerson { email, name, password: None, zone: &zone, admin }, now).await {
        Ok(id) => id,
        Err(error) if is_duplicate(&error) => {
            bail!("{email} has an account already; `groundcrew user reset {email}` prints a link to set a password")
        }
        Err(error) => return Err(error.into()),
    };
    let fields: &[&'static str] = if admin { &["admin"] } else { &[] };
    audit::record(&mut write, &Entry::new(None, "person.created", id.as_str()).with(fields), now).await?;
    write.commit().await?;
    println!("{email} is added. To set a password, open within an hour:");
    println!("{}", reset_link(app, &person(app, email).await?).await?);
    Ok(())
}

const PAGE: i64 = 500;

async fn list(app: &App) -> Result<()> {
    let mut conn = app.db.read().await?;
    let mut last: Option<(String, String)> = None;
    loop {
        let after = last.as_ref().map(|(key, id)| (key.as_str(), id.as_str()));
        let people = store::list(&mut conn, "", after, PAGE).await?;
        for p in &people {
            let mut what = Vec::new();
            if p.admin.is_some() {
                what.push("admin");
            }
            if p.disabled.is_some() {
                what.push("disabled");
            }
            println!("{}\t{}\tsince {}\t{}", p.email, p.name, dated_in_zone(p.created, "UTC"), what.join(", "));
        }
        match people.last() {
            Some(p) if i64::try_from(people.len()).unwrap_or(0) == PAGE => {
                last = Some((crate::accounts::name_key(&p.name), p.id.as_str().to_owned()));
            }
            _ => return Ok(()),
        }
    }
}

/// Closes an account, unless nobody would run the portal then.
pub async fn disable(app: &App, person: &Person) -> Result<()> {
    let now = app.clock.now();
    let mut write = app.db.write(ADMINS).await?;
    store::set_disabled(&mut write, &person.id, Some(now)).await?;
    if person.is_admin() && !store::has_admin(&mut write).await? {
        bail!("{} is the only admin: make another one first, with `groundcrew user add EMAIL --admin`", person.email);
    }
    let ended = store::revoke_sign_ins(&mut write, &person.id, None, now).await?;
    let tokens = store::revoke_tokens(&mut write, &person.id, now).await?;
    audit::record(&mut write, &Entry::new(None, "person.disabled", person.id.as_str()), now).await?;
    write.commit().await?;
    println!("{} is closed; {ended} sign-in(s) and {tokens} token(s) ended.", person.email);
    Ok(())
}

/// Opens a closed account again.
pub async fn enable(app: &App, person: &Person) -> Result<()> {
    let mut write = app.db.write(ADMINS).await?;
    store::set_disabled(&mut write, &person.id, None).await?;
    audit::record(&mut write, &Entry::new(None, "person.enabled", person.id.as_str()), app.clock.now()).await?;
    write.commit().await?;
    println!("{} is open.", person.email);
    Ok(())
}

async fn sign_out(app: &App, person: &Person) -> Result<()> {
    let now = app.clock.now();
    let mut write = app.db.write(&person.id).await?;
    let ended = store::revoke_sign_ins(&mut write, &person.id, None, now).await?;
    let tokens = store::revoke_tokens(&mut write, &person.id, now).await?;
    audit::record(&mut write, &Entry::new(None, "person.signed_out", person.id.as_str()), now).await?;
    write.commit().await?;
    println!("{ended} sign-in(s) and {tokens} token(s) of {} ended.", person.email);
    Ok(())
}
