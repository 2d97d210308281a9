//! File patterns of labs: `*` within a name, `?` one character, `**/` any folders; a pattern without `/` meets the name in any folder.

/// Whether `path` fits `pattern`.
pub fn matches(pattern: &str, path: &str) -> bool {
    if pattern.contains('/') {
        return parts(&pattern.split('/').collect::<Vec<_>>(), &path.split('/').collect::<Vec<_>>());
    }
    part(pattern, path.rsplit('/').next().unwrap_or(path))
}

fn parts(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => (0..=path.len()).any(|skip| parts(rest, &path[skip..])),
        (Some((first, rest)), Some((name, names))) => part(first, name) && parts(rest, names),
        _ => false,
    }
}

/// One name against one pattern, in time proportional to their product.
fn part(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    p = at + 1;
                    n = from + 1;
                    star = Some((at, n));
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_meet_what_they_say() {
        for (pattern, path, fits) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "deep/a.yaml", true),
            ("*.yaml", "a.yml", false),
            ("main.tf", "main.tf", true),
            (".github/workflows/*.yml", ".github/workflows/ci.yml", true),
            (".github/workflows/*.yml", "ci.yml", false),
            ("k8s/*.yaml", "k8s/b/a.yaml", false),
            ("modules/**/main.tf", "modules/a/b/main.tf", true),
            ("modules/**/main.tf", "modules/main.tf", true),
            ("**/*.tf", "c.tf", true),
            ("?.tf", "ab.tf", false),
            ("answers.yaml", "xanswers.yaml", false),
            ("*", "anything", true),
            ("a*b*c", "aXbYbc", true),
        ] {
            assert_eq!(matches(pattern, path), fits, "{pattern} {path}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!matches(&"*a".repeat(50), &"a".repeat(49)));
    }
}
