//! `tidings demo`: the whole product on one machine, with nothing to prepare.
//!
//! ```text
//!   data dir ─► server (with the platform) ─► receiver ─► application, tokens ─► sample people
//!                                                            └─► three webhooks ─► fire ─► watch
//!   --once ─► verified and recorded ─► 0        else ─► sample provider, linked account
//!                                                    ─► the application's page, to link another
//!                                                            └─► stay up until a signal
//! ```

mod application;
mod linked;
pub(super) mod notes;
mod stage;
mod watch;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
};

use crate::{
    cli::{Demo, LogOptions},
    config::{Config, LISTEN_DEFAULT, Overrides},
    failure::Failure,
    output,
    receiver::{self, Manners},
    server::Server,
    shutdown::{self, Signals},
    telemetry,
};

use application::Application;
use notes::Notes;
use stage::Stage;

pub async fn run(options: Demo) -> Result<(), Failure> {
    telemetry::start(&LogOptions {
        log_level: options.log.log_level.clone(),
        log_format: options.log.log_format,
    })?;
    shutdown::hide_memory();
    let mut signals = Signals::listen()?;
    let folder = make_folder(&options.data_dir)?;
    let listen = options.listen.clone().unwrap_or_else(free_address);
    let config =
        Config::demo(&folder, &Overrides { listen: Some(listen), ..Overrides::default() })?;
    let notes = Notes::read(&folder);
    let server = tokio::select! {
        started = Server::start(&config) => started?,
        _ = signals.next() => return Ok(()),
    };
    let story = tokio::select! {
        told = tell(&options, &server, notes, &folder) => told,
        name = signals.next() => Err(Failure::new(format!("{name} before the demo was over"))),
    };
    let told = match story {
        Ok((mut receiver, stage)) if !options.once => {
            // Both play for as long as the demo is up.
            let without = |what: &str| {
                let what = what.to_owned();
                move |why: &Failure| {
                    output::line(&format!("The demo goes on without {what}: {why}"))
                }
            };
            let _provider = linked::link(&stage).await.inspect_err(without("a linked account"));
            let page = application::start(&stage).await.inspect_err(without("a page to link one"));
            what_to_try(&server.url, &folder, page.as_ref().ok().map(Application::url));
            loop {
                tokio::select! {
                    received = receiver.received.recv() => match received {
                        Some(received) => super::listen::print(&received),
                        None => break,
                    },
                    _ = signals.next() => break,
                }
            }
            Ok(())
        }
        other => other.map(|_| ()),
    };
    signals.finish(server.stop()).await;
    told
}

/// From the empty stage to the deliveries that were verified.
async fn tell(
    options: &Demo,
    server: &Server,
    notes: Notes,
    folder: &Path,
) -> Result<(receiver::Receiver, Stage), Failure> {
    let key = notes.key()?;
    let mut receiver = receiver::start(0, Manners::good(key.clone())).await?;
    let receiver_url = format!("http://{}/hook", receiver.address);
    output::line(&format!("server    {}", server.url));
    output::line(&format!("receiver  {receiver_url}"));
    let stage = Stage::set(server, notes, &key, &receiver_url).await?;
    stage.notes.write(folder)?;
    output::line(&format!("notes     {}", Notes::path(folder).display()));
    output::line("");
    let fired = stage.fire(server).await?;
    match watch::until_delivered(&stage.client, &mut receiver, &fired).await {
        Ok(()) => output::line(&format!(
            "{} deliveries arrived, both signatures of each are right, and the server recorded \
             them as delivered",
            fired.len()
        )),
        Err(failure) if options.once => return Err(failure),
        // What there is to play with is there all the same.
        Err(failure) => output::line(&format!("The demo goes on, though {failure}")),
    }
    if !options.once {
        output::line("");
    }
    Ok((receiver, stage))
}

fn make_folder(folder: &Path) -> Result<std::path::PathBuf, Failure> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.and_then(|()| folder.canonicalize()).map_err(|error| {
        Failure::new(format!(
            "the folder {} cannot be made: {error}: name another with --data-dir",
            folder.display()
        ))
    })
}

/// The usual address or, when that is taken, any port.
fn free_address() -> String {
    match TcpListener::bind(LISTEN_DEFAULT) {
        Ok(_closed_at_once) => LISTEN_DEFAULT.to_owned(),
        Err(_) => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).to_string(),
    }
}

fn what_to_try(url: &str, folder: &Path, page: Option<&str>) {
    let notes = Notes::path(folder);
    let (exports, notes) = (exports(url, &notes), notes.display());
    let switch = tidings_platform::sample::ENERGY_SWITCH;
    output::text(&format!(
        "What to try next, in another terminal:

{exports}
  tidings webhook list
  tidings delivery list
  tidings webhook preview 1 {switch}
  tidings trigger EnergySwitchUpdated {switch} --application {}

  curl {url}/v1/events --header \"Authorization: Bearer $TIDINGS_TOKEN\" \\
    --json '{{\"trigger\": \"EnergySwitchAdded\", \"id\": \"{switch}\"}}'

A sample account was linked with a provider that gets another bill every 30 seconds; each arrives
here as `DocumentAdded`. The Explorer at {url}/explorer takes `applicationToken` of
{notes}.

{}What arrives is printed here. Ctrl-C ends the demo; its data stays in {}.
",
        stage::APPLICATION,
        how_to_link(page),
        folder.display()
    ));
}

/// The lines by which a shell knows the demo, and this program by its name.
fn exports(url: &str, notes: &Path) -> String {
    let program = std::env::current_exe().unwrap_or_default();
    let folder = in_quotes(program.parent().unwrap_or(Path::new("")));
    format!(
        "  export PATH={folder}:\"$PATH\"
  export TIDINGS_URL={url}
  export TIDINGS_TOKEN=$(sed -n 's/.*\"operatorToken\": \"\\(.*\\)\".*/\\1/p' {})
",
        in_quotes(notes)
    )
}

/// A path as a shell takes it, whatever is in it.
fn in_quotes(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

fn how_to_link(page: Option<&str>) -> String {
    let told = |page| {
        format!(
            "Link an account yourself, as a user of an application does: open {page}\n\
             in a browser.\n\n"
        )
    };
    page.map(told).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_does_what_the_demo_tells_to_try_wherever_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let notes = folder.path().join("it's a folder.json");
        std::fs::write(&notes, "{\n  \"operatorToken\": \"tidings_x\",\n}\n").unwrap();
        let shown = "echo \"$TIDINGS_URL $TIDINGS_TOKEN $PATH\"";
        let script = format!("{}{shown}", exports("http://127.0.0.1:1", &notes));
        let ended = Command::new("sh").args(["-ec", &script]).output().unwrap();
        let said = String::from_utf8(ended.stdout).unwrap();
        let program = std::env::current_exe().unwrap();
        let folder = program.parent().unwrap().display();
        let expected = format!("http://127.0.0.1:1 tidings_x {folder}:");
        assert!(said.starts_with(&expected), "{said}");
    }
}
