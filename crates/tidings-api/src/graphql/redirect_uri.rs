//! Which redirect URIs an application may have. Compared exactly when a person is sent back
//! (RFC 9700, section 2.1), so each must be spelt as browsers spell it.

use url::{Host, Url};

/// The longest redirect URI.
const BYTES_MAX: usize = 2_048;

/// Why a URI cannot be one; the text is for people.
pub(super) fn refusal(uri: &str) -> Option<String> {
    if uri.len() > BYTES_MAX {
        return Some(format!("{} bytes: write at most {BYTES_MAX}", uri.len()));
    }
    if uri.contains(['#', '*']) {
        return Some("write it without `#` and `*`: it is compared as it stands".to_owned());
    }
    let Ok(url) = Url::parse(uri) else {
        return Some("write an absolute URI, as in https://app.example.com/linked".to_owned());
    };
    if let Some(why) = refusal_of_place(&url) {
        return Some(why.to_owned());
    }
    // A path that was left out is read as `/`.
    let is_as_spelt = url.as_str() == uri || url.as_str().strip_suffix('/') == Some(uri);
    (!is_as_spelt).then(|| format!("write it as browsers do: `{url}`"))
}

fn refusal_of_place(url: &Url) -> Option<&'static str> {
    if !url.username().is_empty() || url.password().is_some() {
        return Some("write it without a user and password");
    }
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => None,
        // Codes do not go over a network in clear text (RFC 9700, section 2.6).
        "http" if is_loopback => None,
        "http" => Some("write https: plain http is only for 127.0.0.1, [::1] and localhost"),
        // An app's own scheme is a name of its makers, turned around (RFC 8252, section 7.1). None
        // that a browser knows for something else has a dot.
        scheme if scheme.contains('.') => None,
        _ => Some(
            "write https, or for an app a scheme made of its makers' domain name, as in \
             com.example.app:/linked",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_sent_over_https_to_loopback_and_to_apps() {
        for uri in [
            "https://app.example.com",
            "https://app.example.com/",
            "https://app.example.com/linked?from=tidings",
            "https://app.example.com:8443/%C5%B5",
            "http://127.0.0.1:1234/linked",
            "http://[::1]/linked",
            "http://localhost:3000/linked",
            "com.example.app:/linked",
            "com.example.app://linked",
        ] {
            assert_eq!(refusal(uri), None, "{uri}");
        }
    }

    #[test]
    fn what_runs_leaks_or_can_be_spelt_in_two_ways_is_refused_with_what_to_write() {
        for (uri, part) in [
            ("", "absolute"),
            ("/linked", "absolute"),
            ("https://app.example.com:99999/", "absolute"),
            ("https://a b/", "absolute"),
            ("javascript:alert(1)", "com.example.app:/linked"),
            ("javascript://x/%0aalert(1)", "com.example.app:/linked"),
            ("data:text/html,x", "com.example.app:/linked"),
            ("ftp://app.example.com/", "com.example.app:/linked"),
            ("app:/linked", "com.example.app:/linked"),
            ("http://app.example.com/linked", "https"),
            ("http://127.0.0.1.example.com/", "https"),
            ("https://user@app.example.com/", "without a user"),
            ("https://:pw@app.example.com/", "without a user"),
            ("https://app.example.com/#linked", "without `#`"),
            ("https://*.example.com/", "`*`"),
            ("HTTPS://App.example.com/", "`https://app.example.com/`"),
            ("https://app.example.com:443/", "`https://app.example.com/`"),
            ("https://app.example.com/a/../b", "`https://app.example.com/b`"),
            ("https://app.example.com/\n", "`https://app.example.com/`"),
            ("https:///app.example.com/", "`https://app.example.com/`"),
            ("https://app.example.com/ŵ", "`https://app.example.com/%C5%B5`"),
        ] {
            let why = refusal(uri).unwrap_or_default();
            assert!(why.contains(part), "{uri}: {why}");
        }
        assert!(refusal(&format!("https://a.example/{}", "x".repeat(2_048))).is_some());
    }
}
