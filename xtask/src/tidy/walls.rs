//! Which crate may use which, and what the crates that only decide must not have below them.

use super::Finding;
use super::metadata::Package;

/// Each crate with those of ours that it may use. A crate that is not here is not planned.
const MAY_USE: &[(&str, &[&str])] = &[
    ("tidings-verify", &[]),
    ("tidings-core", &["tidings-verify"]),
    ("tidings-query", &["tidings-core"]),
    ("tidings-graphql", &["tidings-core"]),
    ("tidings-store", &["tidings-core"]),
    ("tidings-work", &["tidings-core", "tidings-store"]),
    ("tidings-store-sqlite", &["tidings-core", "tidings-store"]),
    ("tidings-store-postgres", &["tidings-core", "tidings-store"]),
    ("tidings-egress", &["tidings-core"]),
    (
        "tidings-deliver",
        &["tidings-core", "tidings-query", "tidings-store", "tidings-work", "tidings-egress"],
    ),
    (
        "tidings-platform",
        &[
            "tidings-core",
            "tidings-query",
            "tidings-graphql",
            "tidings-store",
            "tidings-work",
            "tidings-egress",
        ],
    ),
    ("tidings-api", &["tidings-core", "tidings-query", "tidings-graphql", "tidings-store"]),
    (
        "tidings-sim",
        &[
            "tidings-verify",
            "tidings-core",
            "tidings-query",
            "tidings-store",
            "tidings-work",
            "tidings-deliver",
        ],
    ),
    (
        "tidings",
        &[
            "tidings-verify",
            "tidings-core",
            "tidings-query",
            "tidings-graphql",
            "tidings-store",
            "tidings-work",
            "tidings-store-sqlite",
            "tidings-store-postgres",
            "tidings-egress",
            "tidings-deliver",
            "tidings-platform",
            "tidings-api",
        ],
    ),
    ("tidings-bench", &["tidings-core", "tidings-verify"]),
    ("xtask", &["tidings-core", "tidings-verify", "tidings-sim"]),
];

const PURE: [&str; 3] = ["tidings-verify", "tidings-core", "tidings-query"];

/// Runtimes and IO: must be nowhere below a crate that only decides.
const REFUSED_BELOW: [&str; 12] = [
    "async-std",
    "axum",
    "hickory-resolver",
    "hyper",
    "libsqlite3-sys",
    "mio",
    "reqwest",
    "rusqlite",
    "rustls",
    "socket2",
    "tokio",
    "tokio-postgres",
];

/// Chance and surroundings: such a crate must not use them itself. Ciphers have a generator below
/// them that nothing calls.
const REFUSED_DIRECTLY: [&str; 6] =
    ["fastrand", "getrandom", "rand", "rustix", "tempfile", "tracing-subscriber"];

/// Every dependency that goes through a wall.
pub fn check(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        findings.extend(check_ours(package, packages));
        if PURE.contains(&package.name.as_str()) {
            findings.extend(check_pure(package));
        }
    }
    findings
}

fn check_ours(package: &Package, packages: &[Package]) -> Vec<Finding> {
    let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == package.name) else {
        let what = format!("the crate `{}` is not in the plan", package.name);
        let remedy = "give it a line in xtask/src/tidy/walls.rs and a record in docs/decisions/";
        return vec![finding(package, what, remedy)];
    };
    let is_ours = |name: &&String| packages.iter().any(|ours| ours.name == **name);
    let refused = |name: &&String| !allowed.contains(&name.as_str());
    let used = package.dependencies.iter().filter(is_ours).filter(refused);
    used.map(|used| {
        let what = format!("`{}` must not use `{used}`", package.name);
        finding(package, what, "pass in what it needs, from a crate that may know both")
    })
    .collect()
}

fn check_pure(package: &Package) -> Vec<Finding> {
    let mut findings = Vec::new();
    for refused in REFUSED_BELOW.iter().filter(|name| package.below.contains(**name)) {
        let what = format!("`{}` only decides, and has `{refused}` below it", package.name);
        let remedy = "drop the dependency or the feature that brings it: `cargo tree --invert`";
        findings.push(finding(package, what, remedy));
    }
    for refused in REFUSED_DIRECTLY.iter().filter(|name| package.dependencies.contains(**name)) {
        let what = format!("`{}` only decides, and uses `{refused}`", package.name);
        findings.push(finding(package, what, "take the value as a parameter"));
    }
    findings
}

fn finding(package: &Package, what: String, remedy: &str) -> Finding {
    Finding { path: package.manifest.clone(), line: 1, what, remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[&str], below: &[&str]) -> Package {
        let set = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Package {
            name: name.to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            dependencies: set(dependencies),
            below: set(below),
        }
    }

    fn check_all(packages: &[Package], wanted: &[&str]) {
        let found: Vec<_> = check(packages).into_iter().map(|finding| finding.what).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn api_platform_and_deliver_do_not_know_each_other_nor_a_database() {
        let rooms = ["tidings-api", "tidings-platform", "tidings-deliver"];
        for name in rooms {
            for used in rooms.into_iter().chain(["tidings-store-sqlite"]).filter(|&u| u != name) {
                let packages = [package(name, &[used, "tokio"], &[]), package(used, &[], &[])];
                check_all(&packages, &[&format!("`{name}` must not use `{used}`")]);
            }
        }
        let packages = [
            package("tidings-api", &["tidings-store", "axum"], &["tokio"]),
            package("tidings-store", &["tidings-core"], &["tokio"]),
            package("tidings-core", &["tidings-verify", "serde"], &["serde_core"]),
            package("tidings-verify", &[], &[]),
        ];
        check_all(&packages, &[]);
    }

    #[test]
    fn the_api_cannot_send() {
        let packages =
            [package("tidings-api", &["tidings-egress"], &[]), package("tidings-egress", &[], &[])];
        check_all(&packages, &["`tidings-api` must not use `tidings-egress`"]);
    }

    #[test]
    fn a_crate_that_only_decides_has_no_runtime_below_it_and_uses_no_chance() {
        check_all(
            &[package("tidings-core", &["getrandom", "serde"], &["getrandom", "serde", "tokio"])],
            &[
                "`tidings-core` only decides, and has `tokio` below it",
                "`tidings-core` only decides, and uses `getrandom`",
            ],
        );
        check_all(&[package("tidings-core", &["chacha20poly1305"], &["getrandom"])], &[]);
    }

    #[test]
    fn a_crate_that_nobody_planned_is_found() {
        check_all(
            &[package("tidings-extras", &[], &[])],
            &["the crate `tidings-extras` is not in the plan"],
        );
    }
}
