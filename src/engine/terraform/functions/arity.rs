//! How many arguments each function takes: Terraform's own table (`terraform metadata functions`), with the least that those of any number want.
/// No limit.
const MANY: usize = usize::MAX;

/// Name, least, most.
#[rustfmt::skip]
const ARITY: &[(&str, usize, usize)] = &[
    ("abs", 1, 1), ("abspath", 1, 1), ("alltrue", 1, 1), ("anytrue", 1, 1), ("base64decode", 1, 1), ("base64encode", 1, 1), ("base64gzip", 1, 1),
    ("base64sha256", 1, 1), ("base64sha512", 1, 1), ("basename", 1, 1), ("bcrypt", 1, 2), ("can", 1, 1), ("ceil", 1, 1), ("chomp", 1, 1), ("chunklist", 2,
    2), ("cidrhost", 2, 2), ("cidrnetmask", 1, 1), ("cidrsubnet", 3, 3), ("cidrsubnets", 1, MANY), ("coalesce", 1, MANY), ("coalescelist", 1, MANY),
    ("compact", 1, 1), ("concat", 1, MANY), ("contains", 2, 2), ("csvdecode", 1, 1), ("dirname", 1, 1), ("distinct", 1, 1), ("element", 2, 2),
    ("endswith", 2, 2), ("ephemeralasnull", 1, 1), ("file", 1, 1), ("filebase64", 1, 1), ("filebase64sha256", 1, 1), ("filebase64sha512", 1, 1),
    ("fileexists", 1, 1), ("filemd5", 1, 1), ("fileset", 2, 2), ("filesha1", 1, 1), ("filesha256", 1, 1), ("filesha512", 1, 1), ("flatten", 1, 1),
    ("floor", 1, 1), ("format", 1, MANY), ("formatdate", 2, 2), ("formatlist", 1, MANY), ("indent", 2, 2), ("index", 2, 2), ("issensitive", 1, 1),
    ("join", 2, MANY), ("jsondecode", 1, 1), ("jsonencode", 1, 1), ("keys", 1, 1), ("length", 1, 1), ("log", 2, 2), ("lookup", 2, 3), ("lower", 1, 1),
    ("matchkeys", 3, 3), ("max", 1, MANY), ("md5", 1, 1), ("merge", 0, MANY), ("min", 1, MANY), ("nonsensitive", 1, 1), ("one", 1, 1), ("parseint", 2, 2),
    ("pathexpand", 1, 1), ("plantimestamp", 0, 0), ("pow", 2, 2), ("range", 1, 3), ("regex", 2, 2), ("regexall", 2, 2), ("replace", 3, 3), ("reverse", 1,
    1), ("rsadecrypt", 2, 2), ("sensitive", 1, 1), ("setintersection", 1, MANY), ("setproduct", 2, MANY), ("setsubtract", 2, 2), ("setunion", 1, MANY),
    ("sha1", 1, 1), ("sha256", 1, 1), ("sha512", 1, 1), ("signum", 1, 1), ("slice", 3, 3), ("sort", 1, 1), ("split", 2, 2), ("startswith", 2, 2),
    ("strcontains", 2, 2), ("strrev", 1, 1), ("substr", 3, 3), ("sum", 1, 1), ("templatefile", 2, 2), ("templatestring", 2, 2), ("textdecodebase64", 2,
    2), ("textencodebase64", 2, 2), ("timeadd", 2, 2), ("timecmp", 2, 2), ("timestamp", 0, 0), ("title", 1, 1), ("tobool", 1, 1), ("tolist", 1, 1),
    ("tomap", 1, 1), ("tonumber", 1, 1), ("toset", 1, 1), ("tostring", 1, 1), ("transpose", 1, 1), ("trim", 2, 2), ("trimprefix", 2, 2), ("trimspace", 1,
    1), ("trimsuffix", 2, 2), ("try", 1, MANY), ("upper", 1, 1), ("urlencode", 1, 1), ("uuid", 0, 0), ("uuidv5", 2, 2), ("values", 1, 1), ("yamldecode",
    1, 1), ("yamlencode", 1, 1), ("zipmap", 2, 2),
];

/// The least and the most arguments of a function, if it is one of Terraform 1.11's.
pub fn of(name: &str) -> Option<(usize, Option<usize>)> {
    let (_, least, most) = ARITY.iter().find(|(n, ..)| *n == name)?;
    Some((*least, (*most != MANY).then_some(*most)))
}
