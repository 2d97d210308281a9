//! Every built-in rule of the grader: why it matters, how to mend it, an example that fails and one that passes.
use crate::curriculum::markdown::{self, Html};
use crate::engine::report::Severity;
use crate::engine::{kubernetes, terraform};
use crate::error::{Answer, Error};
use crate::web::{self, Path, Site};
use askama::Template;

/// A rule of either registry.
struct Rule {
    id: &'static str,
    title: &'static str,
    severity: Severity,
    why: &'static str,
    fix: &'static str,
    /// The lines that matter, and the language they are in.
    fails: String,
    passes: String,
    file: &'static str,
}

/// Rules whose ids begin alike.
struct Family {
    title: &'static str,
    rules: Vec<Rule>,
}

impl Rule {
    fn word(&self) -> &'static str {
        match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        }
    }

    fn tone(&self) -> &'static str {
        match self.severity {
            Severity::Error => "stop",
            Severity::Warning => "hold",
            Severity::Info => "info",
        }
    }
}

fn kubernetes() -> Vec<Rule> {
    let rule = |rule: &&'static dyn kubernetes::rules::Rule| {
        let about = rule.about();
        Rule {
            id: about.id,
            title: about.title,
            severity: about.severity,
            why: about.why,
            fix: about.fix,
            fails: about.fails.lines().to_owned(),
            passes: about.passes.lines().to_owned(),
            file: "example.yaml",
        }
    };
    kubernetes::rules::all().iter().map(rule).collect()
}

fn terraform() -> Vec<Rule> {
    let rule = |rule: &&'static terraform::rules::Rule| Rule {
        id: rule.id,
        title: rule.title,
        severity: rule.severity,
        why: rule.why,
        fix: rule.fix,
        fails: rule.fails.trim().to_owned(),
        passes: rule.passes.trim().to_owned(),
        file: "main.tf",
    };
    terraform::rules::all().iter().map(rule).collect()
}

fn families() -> Vec<Family> {
    vec![Family { title: "Kubernetes", rules: kubernetes() }, Family { title: "Terraform", rules: terraform() }]
}

#[derive(Template)]
#[template(path = "curriculum/rules.html")]
struct List {
    site: Site,
    families: Vec<Family>,
}

#[derive(Template)]
#[template(path = "curriculum/rule.html")]
struct Show {
    site: Site,
    family: &'static str,
    why: Html,
    fix: Html,
    fails: Html,
    passes: Html,
    rule: Rule,
}

/// GET /rules
pub async fn list(site: Site) -> Answer {
    web::page(&List { site, families: families() })
}

/// GET /rules/{id}
pub async fn show(site: Site, Path(id): Path<String>) -> Answer {
    let found = families().into_iter().find_map(|family| Some((family.title, family.rules.into_iter().find(|rule| rule.id == id)?)));
    let (family, rule) = found.ok_or(Error::NotFound)?;
    web::page(&Show {
        site,
        family,
        why: markdown::inline(rule.why),
        fix: markdown::inline(rule.fix),
        fails: markdown::file(rule.file, &rule.fails),
        passes: markdown::file(rule.file, &rule.passes),
        rule,
    })
}
